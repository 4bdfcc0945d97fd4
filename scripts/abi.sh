#!/bin/bash
# abi.sh check|accept BUILD: what libmillrace.so looks like to the programs that were built with it
# (functions, and the types that public headers show), as debugging information tells, compared with
# tests/package/libmillrace.abi, or written there: `make abi`. Exits with 77 without abigail-tools.
set -euo pipefail
cd "$(dirname "$0")/.."
what=$1 build=$2
kept=tests/package/libmillrace.abi
library=$build/abi/libmillrace.so

if ! command -v abidw >/dev/null || [ "$(uname -m)" != x86_64 ]; then
    echo "SKIPPED: it takes abidw and abidiff (Debian: abigail-tools) on x86_64"
    exit 77
fi
if [ ! -e "$library" ]; then
    echo "SKIPPED: this build began without abidw: configure it anew"
    exit 77
fi

# Nothing that depends on where or how it was built.
dump() # FILE
{
    abidw --headers-dir include/millrace --drop-private-types --no-corpus-path \
        --no-comp-dir-path --no-show-locs --no-elf-needed --no-write-default-sizes \
        --type-id-style hash --exported-interfaces-only --no-parameter-names \
        --out-file "$1" "$library"
}

if [ "$what" = accept ]; then
    dump $kept
    if grep -n "='/" $kept; then
        echo "$kept must not name places of a machine"
        exit 1
    fi
    echo "$kept: $(wc -c <$kept) bytes, $(grep -c '<elf-symbol ' $kept) symbols"
    exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dump "$work/now.abi"
if ! abidiff --no-show-locs $kept "$work/now.abi"; then
    echo
    echo "The library looks different to programs than $kept says. If that is meant to be:"
    echo "  make abi"
    exit 1
fi
echo "$(grep -c '<elf-symbol ' $kept) symbols look as they did"
