#!/bin/sh
# headers.sh c|c++ [ROOT]: every header compiles alone: as C11 all of them, as C++17 the public
# ones. Exits with 77 where there is no C++ compiler.
here=$(cd "$(dirname "$0")" && pwd)
language=$1
cd "${2:-$here/../..}" || exit 2

if [ "$language" = c++ ]; then
    compiler=${CXX:-c++}
    options="-std=c++17"
    patterns='^include/.*\.h$'
    if ! command -v "$compiler" >/dev/null; then
        echo "SKIPPED: there is no C++ compiler"
        exit 77
    fi
else
    compiler=${CC:-cc}
    options="-std=c11"
    patterns='\.h$'
fi

status=0
for header in $("$here/files.sh" . "$patterns"); do
    case $header in
    include/*) includes=-Iinclude name="<${header#include/}>" ;;
    # Our own code is built with the extensions of the C library.
    *) includes="-I. -Iinclude -D_GNU_SOURCE" name="\"$header\"" ;;
    esac
    # shellcheck disable=SC2086 # lists of options
    if ! echo "#include $name" | "$compiler" -x "$language" $options -Wall -Wextra -Wpedantic \
        -Wshadow -Werror $includes -fsyntax-only -; then
        echo "$header: header: does not compile alone as $language"
        status=1
    fi
done
exit $status
