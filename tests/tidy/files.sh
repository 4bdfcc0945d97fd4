#!/bin/sh
# files.sh ROOT PATTERN...: the project's files below ROOT that match one of the grep patterns, as
# paths from there. In a git checkout, what git ignores does not count.
cd "$1" || exit 2
shift
patterns=
for pattern in "$@"; do
    patterns="$patterns -e $pattern"
done

list()
{
    if [ -e .git ] && command -v git >/dev/null; then
        git ls-files --cached --others --exclude-standard
    else
        find . \( -name .git -o -path './build*' \) -prune -o -type f -print | sed 's|^\./||'
    fi
}

# shellcheck disable=SC2086 # patterns without blanks
list | sort -u | grep $patterns | while read -r file; do
    # git still lists a file that was removed but not committed so.
    [ ! -f "$file" ] || echo "$file"
done
