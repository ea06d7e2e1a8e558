#!/bin/sh
# Runs commands at once. What the others print comes after the first, and a failure of any is one of all.
set -u

output=$(mktemp -d)
first=$1
shift
others=
for command in "$@"; do
    setsid sh -c "$command" >"$(mktemp "$output/XXXXXX")" 2>&1 &
    others="$others $!"
done
trap 'for other in $others; do kill -- -$other 2>/dev/null; done; rm -rf "$output"' EXIT
trap 'exit 130' INT TERM

failed=0
sh -c "$first" || failed=1
for other in $others; do
    wait "$other" || failed=1
done
cat "$output"/*
exit $failed
