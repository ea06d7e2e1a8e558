#!/bin/sh
# Installs the npm packages of end2end where they differ from its package-lock.json.
set -eu
. "$(dirname "$0")/env.sh"
cd "$(dirname "$0")/../end2end"

cmp -s package-lock.json node_modules/.installed-lock && exit

command -v npm >/dev/null || fail "Node.js with npm is needed for the browser tests."
say "Installing the npm packages of end2end."
# No scripts of packages run: what one would download, our own scripts install.
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund >&2 || fail "The npm packages of end2end could not be installed."
cp package-lock.json node_modules/.installed-lock
