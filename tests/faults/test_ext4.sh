#!/bin/sh
# On ext4: full, read-only, damaged, and gone.
# shellcheck source=tests/faults/file_system.sh
. "$(dirname "$0")/file_system.sh"
make_disk ext4
run_whole
full_disk
read_only_disk
remounted_disk
damaged_ext4
command -v xfs_io >/dev/null || skip "all but a failing disk was tried; for that, xfs_io is missing"
failing_disk ext4
failing_disk_os ext4
