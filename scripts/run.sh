#!/bin/bash
# run.sh: the main job, on a tool that has been built.
set -euo pipefail
cd "$(dirname "$0")/.."

exec build/millrace --help
