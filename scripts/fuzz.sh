#!/bin/sh
# Runs every fuzz target for FUZZ_SECONDS, after installing cargo-fuzz where it is missing. Inputs that reach new
# code are kept in target/fuzz for the next run; one that fails is left in fuzz/artifacts and ends the run.
set -eu
. "$(dirname "$0")/env.sh"
cd "$(dirname "$0")/.."

# libFuzzer is compiled from C++.
command -v c++ >/dev/null || scripts/apt.sh g++
if ! cargo fuzz --version >/dev/null 2>&1; then
    say "Installing cargo-fuzz (two minutes)."
    env -u CARGO_TARGET_DIR cargo install --locked --quiet cargo-fuzz@0.13.2 >&2 || fail "cargo-fuzz could not be installed."
fi

seconds=${FUZZ_SECONDS:-600}
targets=$(cargo fuzz list)
for target in $targets; do
    say "Fuzzing $target for $seconds seconds."
    mkdir -p "target/fuzz/$target"
    # No sanitizer: it finds little in safe Rust, and needs a nightly compiler.
    cargo fuzz run --sanitizer none "$target" "target/fuzz/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=10 -verbosity=0 -print_final_stats=1
done
