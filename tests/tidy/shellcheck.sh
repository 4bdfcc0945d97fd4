#!/bin/sh
# The scripts below ROOT (this tree) pass shellcheck, where that is installed; 77 where it is not.
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2

if ! command -v shellcheck >/dev/null; then
    echo "SKIPPED: there is no shellcheck"
    exit 77
fi
# SC2317 takes a function for dead that is called by its name; SC2015 is about `A && B || C` where B
# can fail, which is what ours are for.
# shellcheck disable=SC2046 # a list of words
shellcheck --external-sources --source-path=SCRIPTDIR --source-path=. --exclude=SC2015,SC2317 \
    $("$here/files.sh" . '\.sh$' '^\.ci/run$')
