# shellcheck shell=sh
# Each version of a checker finds other things, so sources can be clean by one of them only: the one
# in Debian 12, on which CI runs. Sourced.

# Ends the script, as skipped, unless the tool is of that version.
pinned() # TOOL VERSION
{
    if ! command -v "$1" >/dev/null; then
        echo "SKIPPED: there is no $1"
        exit 77
    fi
    if ! "$1" --version | grep -qE "(version|Cppcheck) $2(\.|\$)"; then
        echo "SKIPPED: wants $1 $2, here is" \
            "$("$1" --version | grep -oE '[0-9]+\.[0-9.]+' | head -n 1)"
        exit 77
    fi
}
