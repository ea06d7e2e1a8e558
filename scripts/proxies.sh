#!/bin/sh
# Prints a folder with nginx and Caddy for the tests, unpacked from Debian's packages: installed, both would start.
set -eu
. "$(dirname "$0")/env.sh"

proxies=$cache/proxies
if [ ! -d "$proxies" ]; then
    # nginx's libraries, after which apt knows its packages too.
    "$(dirname "$0")/apt.sh" libcrypt1 libpcre2-8-0 libssl3 zlib1g
    say "Downloading Debian's nginx and Caddy (10 MB)."
    mkdir -p "$cache"
    new=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    cd "$new"
    apt-get -qq download nginx caddy 2>/dev/null || fail "Debian's nginx and Caddy could not be downloaded."
    for package in *.deb; do
        dpkg-deb -x "$package" unpacked
    done
    mkdir bin
    mv unpacked/usr/sbin/nginx unpacked/usr/bin/caddy bin
    bin/nginx -v 2>/dev/null && bin/caddy version >/dev/null || fail "The downloaded nginx and Caddy do not run on this machine."
    mv bin "$proxies"
fi
echo "$proxies"
