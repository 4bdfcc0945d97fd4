#!/bin/sh
# In memory: full and read-only. tools/test_run_full_disk has a smaller one.
# shellcheck source=tests/faults/file_system.sh
. "$(dirname "$0")/file_system.sh"
make_disk tmpfs
run_whole
full_disk
read_only_disk
remounted_disk
