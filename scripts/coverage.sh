#!/bin/bash
# coverage.sh: runs the tests in the `coverage` preset and prints, for each source file, how many of
# its lines ran, the least covered first.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build-coverage
find "$folder" -name '*.gcda' -delete 2>/dev/null || true
scripts/test.sh coverage

echo
find "$folder" -name '*.gcda' -not -path '*/tests/*' -not -path '*/examples/*' \
    -exec gcov --no-output {} + 2>/dev/null |
    awk -v root="$PWD/" '
        /^File / {
            file = $2
            gsub(/\047/, "", file)
            file = index(file, root) == 1 ? substr(file, length(root) + 1) : ""
        }
        /^Lines executed:/ && file ~ /\.c$/ {
            split(substr($2, 10), percent, "%")
            lines = $4
            printf "%6.1f %% of %4d lines  %s\n", percent[1], lines, file | "sort -n"
            all += lines
            ran += lines * percent[1] / 100
            file = ""
        }
        END {
            close("sort -n")
            if (all > 0)
                printf "%6.1f %% of %4d lines  in all\n", 100 * ran / all, all
        }'
