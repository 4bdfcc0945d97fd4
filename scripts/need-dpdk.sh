#!/bin/sh
# need-dpdk.sh: puts what the benches use of DPDK, its rte_ring, below build/peers/dpdk. Debian's
# libdpdk-dev depends on more than 200 packages, of which a ring needs five: its library and what
# that is linked with are installed (as root); the headers are taken out of the package.
set -eu
cd "$(dirname "$0")/.."

target=build/peers/dpdk
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The library's package is named after its version.
library=$(apt-cache depends libdpdk-dev | grep -m 1 -o 'librte-ring[0-9]*$')
[ -n "$library" ]
installed=$(dpkg -L "$library" 2>/dev/null | grep -m 1 '/librte_ring\.so\.' || true)
if [ -z "$installed" ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get install --yes --quiet=2 --no-install-recommends "$library"
    installed=$(dpkg -L "$library" | grep -m 1 '/librte_ring\.so\.')
fi

(cd "$work" && apt-get download libdpdk-dev && dpkg-deb -x libdpdk-dev_*.deb unpacked)
rm -rf "$target"
mkdir -p "$target/include"
# Two folders of headers, one of them the architecture's.
cp -R "$work"/unpacked/usr/include/dpdk/. "$work"/unpacked/usr/include/*/dpdk/. "$target/include"
ln -s "$installed" "$target/librte_ring.so"
