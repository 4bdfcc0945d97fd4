#!/bin/bash
# debian.sh BUILD: the Debian packages hold what they should, name what they need, and are all that
# it takes to run the tool and to build programs. (They are unpacked, not installed.)
set -euo pipefail
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
if ! command -v dpkg-shlibdeps >/dev/null; then
    echo "SKIPPED: there is no dpkg-shlibdeps (Debian: dpkg-dev)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$root/tests/package/user.sh"
failed=0

complain()
{
    echo "$*"
    failed=1
}

# What is in the packages does not depend on how well it is optimised.
"$root/scripts/deb.sh" "$build/deb" -DCMAKE_C_FLAGS_RELEASE=-O0
cd "$build/deb/packages"
packages=(./*.deb)
[ "${#packages[@]}" -eq 3 ] || complain "there are not three packages"

depends() # PACKAGE PATTERN...
{
    local package=$1 given
    given=$(dpkg-deb --field "$package"_*.deb Depends)
    shift
    for pattern; do
        [[ "$given" =~ $pattern ]] || complain "$package depends on $given, not on $pattern"
    done
}
depends libmillrace0 'libc6 \(>= ' 'liburing2 \(>= '
depends libmillrace-dev 'libmillrace0 \(= ' 'liburing-dev'
depends millrace 'libc6 \(>= ' 'liburing2 \(>= '
if dpkg-deb --field libmillrace0_*.deb Depends | tr ',' '\n' |
    grep -vE '^ ?(libc6|liburing2|libxxhash0) '; then
    complain "the library needs more than libc, liburing and xxhash"
fi

for package in libmillrace0 libmillrace-dev millrace; do
    dpkg-deb --extract "$package"_*.deb "$work/tree"
    [ -s "$work/tree/usr/share/doc/$package/copyright" ] || complain "$package has no copyright"
    # Everybody may read, and only root may write.
    modes=$(dpkg-deb --contents "$package"_*.deb | awk '
        $2 != "root/root" || $1 !~ /^(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x|lrwxrwxrwx)$/')
    [ -z "$modes" ] || complain "$package: $modes"
done
plain=$(find "$work/tree/usr/share/man" -type f ! -name '*.gz')
[ -z "$plain" ] || complain "not compressed: $plain"
for file in bin/millrace share/bash-completion/completions/millrace share/man/man1/millrace.1.gz \
    share/man/man3/mr_engine_submit.3.gz include/millrace/millrace.h; do
    [ -e "$work/tree/usr/$file" ] || complain "no /usr/$file"
done

echo "The tool runs"
"$work/tree/usr/bin/millrace" run --input gen:orders=100 --data "$work/data" >/dev/null
echo "Programs are built and run"
library=$(find "$work/tree" -name libmillrace.so)
export LD_LIBRARY_PATH=${library%/*} PKG_CONFIG_PATH=${library%/*}/pkgconfig
through_pkg_config shared
through_pkg_config static --static
through_cmake user "$work/tree/usr"
exit $failed
