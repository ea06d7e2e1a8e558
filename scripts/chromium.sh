#!/bin/sh
# Puts a Chromium on the machine for the Playwright tests: Debian's without windows, in which they take three quarters of the
# time, or its whole one where it is there already, or else Playwright's own.
set -eu
. "$(dirname "$0")/env.sh"

[ -x /usr/bin/chromium-headless-shell ] && exit
if command -v apt-get >/dev/null && "$(dirname "$0")/apt.sh" chromium-headless-shell fonts-liberation; then
    exit
fi
[ -x /usr/bin/chromium ] && exit

# Asks every time, which is quick once the browser is there.
say "Downloading Playwright's Chromium."
cd "$(dirname "$0")/../end2end"
npx playwright install chromium >&2 || fail "No Chromium could be installed for the tests."
