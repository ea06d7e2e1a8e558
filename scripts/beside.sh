#!/bin/sh
# Runs two commands at once. What the second prints comes after the first, and a failure of either is one of both.
set -u

output=$(mktemp)
setsid sh -c "$2" >"$output" 2>&1 &
second=$!
trap 'kill -- -$second 2>/dev/null; rm -f "$output"' EXIT
trap 'exit 130' INT TERM

failed=0
sh -c "$1" || failed=1
wait $second || failed=1
cat "$output"
exit $failed
