#!/bin/sh
# Puts a Java on the machine, in which the Nu HTML checker runs; it is published in no other form than its jar.
set -eu
. "$(dirname "$0")/env.sh"

java -version >/dev/null 2>&1 && exit
"$(dirname "$0")/apt.sh" default-jre-headless
