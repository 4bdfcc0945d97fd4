#!/bin/bash
# soak.sh: what takes longer than CI may. ROUNDS rounds (20) of all tests, in the optimised build
# and under the sanitizers, each round with a new seed; SEED=N repeats a round.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-20}
if [ -n "${SEED-}" ]; then
    rounds=1
fi

for ((round = 1; round <= rounds; round++)); do
    seed=${SEED:-$((RANDOM << 15 | RANDOM))}
    for preset in release sanitize tsan; do
        echo "soak: round $round of $rounds, $preset, SEED=$seed"
        if ! MR_SEED=$seed scripts/test.sh "$preset"; then
            echo "soak: failed; SEED=$seed make soak repeats it"
            exit 1
        fi
    done
done
