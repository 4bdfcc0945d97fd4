#!/bin/sh
# The scripts below ROOT (this tree) pass shellcheck, where that is installed; 77 where it is not.
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2

if ! command -v shellcheck >/dev/null; then
    echo "SKIPPED: there is no shellcheck"
    exit 77
fi
# shellcheck disable=SC2046 # a list of words
shellcheck --external-sources $("$here/files.sh" . '\.sh$' '^\.ci/run$')
