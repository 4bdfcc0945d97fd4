#!/bin/bash
# agree.sh PROGRAM: the engine comes to the digests that core/ alone comes to, however the commands
# were cut into batches and blocks; and they tell of something.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$1" core >"$work/core"
"$1" engine >"$work/engine"
diff "$work/core" "$work/engine"
[ "$(wc -l <"$work/core")" -eq 60 ]
# No two lines are alike: each thousand commands did something.
[ "$(cut -d' ' -f3- "$work/core" | sort -u | wc -l)" -eq 60 ]
echo "$(wc -l <"$work/core") lines agree"
