#!/bin/sh
# Checks bans, licences, sources and advisories of the dependencies with cargo-deny, whose options may be arguments.
set -eu
. "$(dirname "$0")/env.sh"
cd "$(dirname "$0")/.."

home=$cache/cargo-deny-0.20.2
deny=$home/bin/cargo-deny
if [ ! -x "$deny" ]; then
    # Unoptimised, since it runs for some seconds only.
    say "Building cargo-deny 0.20.2 (two minutes)."
    env -u CARGO_TARGET_DIR cargo install --locked --quiet --debug --config profile.dev.debug=false --no-track \
        --root "$home" cargo-deny@0.20.2 >&2 || fail "cargo-deny could not be built."
fi

checks="bans licenses sources"
if timeout 120 "$deny" fetch db >/dev/null 2>&1; then
    checks="$checks advisories"
else
    say "The RustSec database is out of reach, so advisories are not checked."
fi
"$deny" "$@" check --hide-inclusion-graph $checks
