#!/bin/sh
# Installs the npm packages of end2end where they differ from its package-lock.json.
set -eu
. "$(dirname "$0")/env.sh"
cd "$(dirname "$0")/../end2end"

cmp -s package-lock.json node_modules/.installed-lock && exit

node=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$node" -lt 20 ] || ! command -v npm >/dev/null; then
    fail "Node.js 20 or newer with npm is needed for the browser tests."
fi
say "Installing the npm packages of end2end."
# No scripts of packages run: what one would download, our own scripts install.
npm ci --ignore-scripts --no-audit --no-fund >&2 || fail "The npm packages of end2end could not be installed."
cp package-lock.json node_modules/.installed-lock
