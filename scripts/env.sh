# Sourced by the other scripts and the Makefile: which toolchain builds, and where its output goes.

# Outlives a checkout, so that make and CI share what was downloaded and compiled.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fpm-registry
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"

# Cargo takes what another checkout has built there for this one's own, where the files here are older.
if [ -f Cargo.toml ] && [ "$(cat "$CARGO_TARGET_DIR/checkout" 2>/dev/null)" != "$PWD" ]; then
    mkdir -p "$CARGO_TARGET_DIR"
    find "$CARGO_TARGET_DIR" -maxdepth 4 -path '*/.fingerprint/*' \( -name 'fpm-registry-*' -o -name 'xtask-*' -o -name 'breached-*' \) \
        -prune -exec rm -rf {} +
    printf '%s' "$PWD" >"$CARGO_TARGET_DIR/checkout"
fi

# Debian's Rust, which scripts/wasm.sh installs where rustup's own server is out of reach.
lld=22
if [ -d /usr/lib/rustlib/wasm32-unknown-unknown/lib ]; then
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
        if command -v rustup >/dev/null; then
            export RUSTUP_TOOLCHAIN=debian
        else
            PATH=/usr/bin:$PATH
        fi
    fi
    # It comes without the linker that rustup's toolchains bring along.
    if [ "$(rustc --print sysroot)" = /usr ]; then
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-$lld
    fi
fi

say() { echo "$*" >&2; }

fail() {
    say "$*"
    exit 1
}
