#!/bin/bash
# bench.sh [--quick] [--json]: runs every bench in turn. With --json, standard output is rows alone.
set -euo pipefail
cd "$(dirname "$0")/.."

shopt -s nullglob
for bench in build/bench/bench_*; do
    echo "== ${bench##*/}" >&2
    "$bench" "$@"
done
