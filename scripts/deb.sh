#!/bin/bash
# deb.sh FOLDER [-DNAME=VALUE...]: Debian packages in FOLDER/packages, of a build for the prefix
# /usr in FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
folder=$1
shift

mkdir -p "$folder"
if ! { cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DMILLRACE_TESTS=OFF \
    -DCMAKE_INSTALL_PREFIX=/usr "$@" &&
    cmake --build "$folder" --target product --parallel "$(nproc)" &&
    rm -rf "$folder/packages" &&
    cpack -G DEB --config "$folder/CPackConfig.cmake" -B "$folder/packages"; } \
    >"$folder/deb.log" 2>&1; then
    cat "$folder/deb.log"
    exit 1
fi
rm -rf "$folder/packages/_CPack_Packages"
ls "$folder"/packages/*.deb
