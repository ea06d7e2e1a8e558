#!/bin/sh
# Has outside tools read the description of the routes and hold the server at REGISTRY to it. Options are for schemathesis.
set -eu
. "$(dirname "$0")/env.sh"
cd "$(dirname "$0")/.."

tools=$cache/schemathesis-4.32.5
if [ ! -x "$tools/bin/schemathesis" ]; then
    say "Installing schemathesis 4.32.5."
    rm -rf "$tools"
    python3 -m venv "$tools" &&
        "$tools/bin/pip" --quiet install schemathesis==4.32.5 openapi-spec-validator==0.9.0 ||
        fail "schemathesis could not be installed; it needs Python 3 with venv."
fi

folder=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server"
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' INT TERM

address=127.0.0.1:${PORT:-9095}
url=http://$address
LEPTOS_SITE_ADDR=$address DATA_DIR=$folder RATE_LIMITS=off RUST_LOG=warn "$REGISTRY" &
server=$!
curl -sf --retry 50 --retry-delay 1 --retry-connrefused -o "$folder/openapi.json" "$url/openapi.json" ||
    fail "The server does not answer at $url."

"$tools/bin/openapi-spec-validator" "$folder/openapi.json"

# A password of its own, the session that begins with it, and an address that is confirmed, so that tokens can be made.
signup=$(curl -sf -D - -o /dev/null -d 'name=Ada&email=ada@example.org&password=correct+horse+battery' "$url/auth/signup")
SESSION=$(echo "$signup" | sed -n 's/^set-cookie: uuid=\([^;]*\);.*/\1/p')
export SESSION
DATA_DIR=$folder "$REGISTRY" user confirm-email ada@example.org
cat >"$folder/schemathesis.toml" <<'END'
[auth.openapi.session]
api_key = "${SESSION}"

# It would end the session of all requests after it.
[[operations]]
include-path = "/auth/logout"
enabled = false
END

# There, since it leaves a folder where it runs.
cd "$folder"
hold() {
    "$tools/bin/schemathesis" run "$url/openapi.json" \
        --continue-on-failure --no-color --warnings off "$@"
}

# Which text is accepted is a matter of more than a schema: passwords are judged, links and handles are looked up.
hold --exclude-checks positive_data_acceptance "$@"
# A browser that is not logged in is no error but redirected.
hold --exclude-checks positive_data_acceptance,negative_data_rejection,ignored_auth -H 'Accept: text/html' "$@"
