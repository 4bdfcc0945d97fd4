#!/bin/bash
# installed.sh BUILD: what `cmake --install` leaves behind is all that a user needs. A program in C
# and one in C++ are built against it as users do, with pkg-config and with CMake's find_package,
# for both kinds of library, and work. The tree may be moved, and installed below DESTDIR.
set -euo pipefail
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$root/tests/package/user.sh"

# Installed, then moved: nothing in it may know where it was.
cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
library=$(find "$work/prefix" -name libmillrace.so)
folder=$(dirname "$library")
export LD_LIBRARY_PATH=$folder PKG_CONFIG_PATH=$folder/pkgconfig

echo "The tool runs, and manual and completion are there"
"$work/prefix/bin/millrace" --help >/dev/null
[ -e "$work/prefix/share/man/man1/millrace-run.1" ]
[ -e "$work/prefix/share/man/man3/mr_engine_submit.3" ]
[ -e "$work/prefix/share/bash-completion/completions/millrace" ]

echo "The shared library has a soname, and is found by it"
soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
grep -qx 'libmillrace\.so\.[0-9][0-9]*' <<<"$soname"
[ -e "$folder/$soname" ]

echo "No file tells where it was installed first, or where the sources are"
if grep -rlF -e "$work/first" -e "$root/" "$work/prefix"; then
    exit 1
fi

echo "pkg-config, shared"
through_pkg_config shared

echo "pkg-config, static"
mkdir "$work/aside"
mv "$folder"/libmillrace.so* "$work/aside"
through_pkg_config static --static
mv "$work/aside"/* "$folder"

echo "find_package, static and shared"
through_cmake user "$work/prefix"

echo "Below DESTDIR lies the same"
DESTDIR=$work/image cmake --install "$build" --prefix /opt/millrace >/dev/null
[ "$(ls "$work/image")" = opt ]
diff -r "$work/prefix" "$work/image/opt/millrace"
