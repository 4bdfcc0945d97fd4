#!/bin/bash
# configure.sh PRESET [-DNAME=VALUE...]: configures a preset of CMakePresets.json, unless that has
# been done with these values. Says something only if it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

preset=$1
shift
folder=$(folder_of "$preset")
done_mark=$folder/configured

is_configured() # -DNAME=VALUE...
{
    local option name
    [ -e "$done_mark" ] || return 1
    for option in "$@"; do
        name=${option#-D}
        name=${name%%=*}
        grep -q "^$name:[A-Z]*=${option#*=}\$" "$folder/CMakeCache.txt" || return 1
    done
}

if is_configured "$@"; then
    exit 0
fi
# Only who asks for the tests needs what they need; once asked for, they stay.
if [ ! -e "$done_mark" ]; then
    set -- -DMILLRACE_TESTS=OFF "$@"
fi
mkdir -p "$folder"
rm -f "$done_mark"
if ! cmake --preset "$preset" "$@" >"$folder/configure.log" 2>&1; then
    cat "$folder/configure.log" >&2
    exit 1
fi
touch "$done_mark"
