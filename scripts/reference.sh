#!/bin/sh
# reference.sh WHAT [OUT [VERSION]]: the reference, made from the public headers and what they say.
#
#   man OUT VERSION   manual pages of section 3 in the folder OUT
#   markdown [OUT]    the same to be read on the web; without OUT: docs/reference/
#   exports           the names that the shared library has to show, a line each
#   functions         the functions and variables that are interface, inline ones, too
#   bare              the functions of which no header says anything
here=$(cd "$(dirname "$0")" && pwd)
reference=$here/reference
headers=$here/../include/millrace

facts()
{
    LC_ALL=C awk -f "$reference/headers.awk" "$headers"/*.h
}

pages() # KIND OUT [VERSION]
{
    mkdir -p "$2" || exit
    # A page that is no longer made must not stay.
    rm -f "$2"/*."$3"
    facts | LC_ALL=C awk -v out="$2" -v version="${4-}" -f "$reference/pages.awk" \
        -f "$reference/$1.awk"
}

case $1 in
man) pages man "$2" 3 "$3" ;;
markdown) pages markdown "${2-$here/../docs/reference}" md ;;
exports) facts | sed -n 's/^export //p' | LC_ALL=C sort ;;
functions) facts | awk '$1 == "name" && $2 != "type" && $2 != "macro" { print $NF }' ;;
bare)
    facts | awk '
        $1 == "group" { told = 0 }
        $1 == "about" { told = 1 }
        $1 == "name" && $2 != "type" && $2 != "macro" && !told { print $NF }'
    ;;
*)
    sed -n '2,/^here/s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
