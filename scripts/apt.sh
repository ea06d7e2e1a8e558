#!/bin/sh
# Installs the Debian packages named as arguments.
set -eu
. "$(dirname "$0")/env.sh"

command -v apt-get >/dev/null || fail "apt-get is needed to install: $*"
if [ "$(id -u)" = 0 ]; then
    sudo=
else
    command -v sudo >/dev/null || fail "Root rights are needed to install: $*"
    sudo=sudo
fi

say "Installing Debian packages: $*"
apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@" >/dev/null
}
apt update && apt install --no-install-recommends "$@" || fail "Debian's packages could not be installed: $*"
