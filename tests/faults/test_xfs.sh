#!/bin/sh
# On XFS: full, read-only, and gone.
# shellcheck source=tests/faults/file_system.sh
. "$(dirname "$0")/file_system.sh"
make_disk xfs
run_whole
full_disk
read_only_disk
remounted_disk
failing_disk xfs
failing_disk_os xfs
