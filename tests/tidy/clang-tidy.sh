#!/bin/bash
# clang-tidy.sh [ROOT]: what clang-tidy finds, by ROOT's .clang-tidy, in all that the `tidy` preset
# compiles. Exits with 77 for another clang-tidy than the one that list of checks was made for.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"

wanted=14
if ! clang-tidy --version 2>/dev/null | grep -q "version $wanted\."; then
    echo "SKIPPED: the checks are those of clang-tidy $wanted; here is" \
        "$(clang-tidy --version 2>/dev/null | sed -n 's/.*version/version/p' || true)"
    exit 77
fi
scripts/configure.sh tidy -DMILLRACE_TESTS=ON
sources=$(sed -n 's/.*"file": "\(.*\)".*/\1/p' build-tidy/compile_commands.json |
    grep -v '/build-tidy/' | sort -u)
echo "$sources" | xargs -n 2 -P "$(nproc)" clang-tidy -p build-tidy --quiet 2>&1 |
    sed -E -e "s|^$PWD/||" -e "/^[0-9]+ warnings? (generated|treated)/d"
