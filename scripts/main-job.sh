#!/bin/bash
# main-job.sh [--option value ...]: the main job, on a tool that has been built. Leaves its journal
# in build/main-job, in place of the one before. Options are those of `millrace demo`.
set -euo pipefail
cd "$(dirname "$0")/.."

journal=build/main-job
rm -rf "$journal"
exec build/millrace demo --data "$journal" "$@"
