#!/bin/sh
# links.sh [ROOT]: every relative link in a page leads to a file that exists, and every #anchor to a
# heading of that page; and the tutorial leads to every how-to page.
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2

# The anchors of a page, as git hosts make them of its headings.
anchors() # FILE
{
    awk '/^```/ { code = !code } !code && /^#+ / {
        line = tolower($0)
        sub(/^#+ */, "", line)
        gsub(/[^a-z0-9 _-]/, "", line)
        gsub(/ /, "-", line)
        print line
    }' "$1"
}

# The targets of links in a page, outside of code.
targets() # FILE
{
    awk '/^```/ { code = !code }
    !code {
        line = $0
        gsub(/`[^`]*`/, "", line)
        while (match(line, /\]\([^) ]+\)/)) {
            print substr(line, RSTART + 2, RLENGTH - 3)
            line = substr(line, RSTART + RLENGTH)
        }
    }' "$1"
}

status=0
count=0
for page in $("$here/../tidy/files.sh" . '\.md$'); do
    for target in $(targets "$page"); do
        case $target in http://* | https://* | mailto:*) continue ;; esac
        count=$((count + 1))
        path=${target%%#*}
        file=$page
        [ -z "$path" ] || file=$(dirname "$page")/$path
        if [ ! -e "$file" ]; then
            echo "$page: there is no $target"
            status=1
        elif [ "$target" != "$path" ] && [ -f "$file" ] &&
            ! anchors "$file" | grep -qx -- "${target#*#}"; then
            echo "$page: $file has no heading for #${target#*#}"
            status=1
        fi
    done
done
for page in docs/howto/*.md; do
    if [ -e "$page" ] && ! grep -q "(${page#docs/})" docs/tutorial.md; then
        echo "docs/tutorial.md does not lead to $page"
        status=1
    fi
done
echo "$count links"
[ "$count" -gt 20 ] || exit 1
exit $status
