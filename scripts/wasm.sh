#!/bin/sh
# Gives the Rust toolchain its wasm32 target: by rustup, or else by Debian's packages.
set -eu
. "$(dirname "$0")/env.sh"

target=wasm32-unknown-unknown
crate=$(mktemp -d)
trap 'rm -rf "$crate"' EXIT
mkdir "$crate/src"
touch "$crate/src/lib.rs"

# Compiles an empty crate, since a library from before an upgrade of Rust does not count.
has_target() {
    rustc --target $target --crate-type rlib --emit metadata --out-dir "$crate" "$crate/src/lib.rs" 2>/dev/null
}

command -v cargo >/dev/null || fail "Rust is needed: install cargo, best with rustup."
has_target && exit

if command -v rustup >/dev/null; then
    say "Adding the $target target with rustup."
    RUST_BACKTRACE=0 timeout 60 rustup target add $target >&2 && exit
    say "rustup could not add it, so Debian's Rust is used instead."
fi

"$(dirname "$0")/apt.sh" rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web lld-$lld
if command -v rustup >/dev/null; then
    rustup toolchain link debian /usr
fi

# Debian has the standard library for this target as source only.
say "Building Rust's standard library for $target (one minute)."
printf '[package]\nname = "empty"\nedition = "2024"\n' >"$crate/Cargo.toml"
(
    cd "$crate"
    PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=target cargo build --quiet --release \
        -Zbuild-std=std,panic_abort --target $target
) || fail "The standard library for $target could not be built."

# Moved in one step: another run may be doing the same, and half a library must not be taken for one.
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
home=/usr/lib/rustlib/$target
new=$home.$$
$sudo mkdir -p "$new/lib"
rm "$crate/target/$target"/release/deps/libempty-*
$sudo cp "$crate/target/$target"/release/deps/*.rlib "$new/lib/"
. "$(dirname "$0")/env.sh"
if ! has_target; then
    $sudo rm -rf "$home"
    $sudo mv -T "$new" "$home"
    . "$(dirname "$0")/env.sh"
fi
$sudo rm -rf "$new"
has_target || fail "The $target target is still missing after its installation."
