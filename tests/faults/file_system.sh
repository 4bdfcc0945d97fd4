# shellcheck shell=sh
# A file system of its own for a test, on a loop device or in memory, that can be filled, made
# read-only, and cut off like a disk that fails. To be sourced, with the file system's name; skips
# the test where the machine does not allow it.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/../tools/lib.sh"

disk=$scratch/disk
mib=320 # XFS is never smaller than 300
PATH=$PATH:/usr/sbin:/sbin

release()
{
    [ -z "$started" ] || kill -9 "$started" 2>/dev/null
    [ -z "$started" ] || wait "$started" 2>/dev/null
    umount "$disk" 2>/dev/null || umount -l "$disk" 2>/dev/null
}
trap 'release; started=; clean_up' EXIT

mount_disk() # FS
{
    case $1 in
    tmpfs) mount -t tmpfs -o size=${mib}m tmpfs "$disk" ;;
    *) mount -t "$1" -o loop image "$disk" ;;
    esac
}

make_disk() # FS
{
    mkdir "$disk"
    if [ "$1" != tmpfs ]; then
        command -v "mkfs.$1" >/dev/null || skip "mkfs.$1 is not installed"
        truncate -s ${mib}M image
        reserved= # blocks for root would make a full disk less than full
        [ "$1" != ext4 ] || reserved='-m 0'
        # shellcheck disable=SC2086 # two words, or none
        "mkfs.$1" -q $reserved image >made 2>&1 || fail "mkfs.$1: $(cat made)"
    fi
    mount_disk "$1" 2>refused || skip "cannot mount $1 here: $(tail -n 1 refused)"
}

# Leaves MIB free, the rest to a filler.
leave_free() # MIB
{
    free=$(df -k --output=avail "$disk" | tail -n 1)
    fallocate -l $((free - $1 * 1024))K "$disk/filler" || fail "cannot fill the disk"
}

# What is left of a file system whose disk has gone: every call fails from now on, and what was not
# synced is lost. Both ext4 and XFS know this call.
cut_off()
{
    xfs_io -x -c shutdown "$disk" 2>refused || fail "cannot cut the disk off: $(cat refused)"
}

come_back() # FS
{
    umount "$disk" || fail "cannot unmount"
    mount_disk "$1" || fail "cannot mount again"
}

input=gen:orders=30000,seed=6,instruments=4

# A run that nothing happened to, for comparison.
run_whole()
{
    expect 0 "$MILLRACE" run --data whole --input $input --json
    whole=$(result out)
}

# The directory goes on to the same end, and all that was acknowledged is in it.
check_recovers() # TEXT
{
    promised=$(wc -l <acks)
    [ ! -s acks ] || expect 0 "$MILLRACE" verify --data "$disk/d" --acks acks
    expect 0 "$MILLRACE" run --data "$disk/d" --input $input --segment-size 4 --acks acks --json
    same "$1" "$whole" "$(result out)"
    expect 0 "$MILLRACE" verify --data "$disk/d" --acks acks
    claim "$1: the $promised acknowledgements from before are in the journal, and it goes on"
}

says() # PATTERN: of the one line on standard error, but for the warning that room gets scarce
{
    grep -v 'is getting full' err >said
    one_line said
    grep -q -i "$1" said || fail "not a word of '$1': $(cat err)"
}

# There is room for two segments, and not for the third, which is prepared when half of the first is
# full: at this rate much has been acknowledged by then.
full_disk()
{
    leave_free 11
    expect 4 "$MILLRACE" run --data "$disk/d" --input $input --segment-size 4 --acks acks \
        --rate 100000/s
    says 'space'
    [ -s acks ] || fail "the disk was full before anything was done"
    grep -q 'is getting full' err || fail "it was not announced: $(cat err)"
    rm "$disk/filler"
    check_recovers "a full disk"
    rm -rf "$disk/d" acks
}

read_only_disk()
{
    expect 0 "$MILLRACE" run --data "$disk/d" --input gen:orders=100,seed=6 --segment-size 4
    mount -o remount,ro "$disk" || fail "cannot make it read-only"
    expect 4 "$MILLRACE" run --data "$disk/d" --input gen:orders=100,seed=6
    says 'read-only'
    expect 4 "$MILLRACE" run --data "$disk/new" --input $input
    says 'read-only'
    expect 0 "$MILLRACE" verify --data "$disk/d"
    mount -o remount,rw "$disk" || fail "cannot make it writable"
    expect 0 "$MILLRACE" run --data "$disk/d" --input gen:orders=100,seed=6
    rm -rf "$disk/d" acks
    claim "a read-only disk refuses a run, and lets itself be verified"
}

# Starts a run that takes a while, and waits for its first acknowledgements.
start_run() # [OPTION...]
{
    "$MILLRACE" run --data "$disk/d" --input $input --segment-size 4 --acks acks --rate 100000/s \
        "$@" >out 2>err &
    started=$!
    until [ -s acks ]; do
        kill -0 "$started" 2>/dev/null || fail "it ended early: $(cat err)"
        sleep 0.01
    done
}

end_run() # sets code
{
    wait "$started"
    code=$?
    started=
}

# What `remount,ro` does to a run: the system does not allow it, as a file is open for writing.
remounted_disk()
{
    start_run
    if mount -o remount,ro "$disk" 2>refused; then
        end_run
        [ "$code" -eq 4 ] || fail "exit code $code after the disk became read-only"
        says 'read-only'
        mount -o remount,rw "$disk"
    else
        end_run
        [ "$code" -eq 0 ] || fail "exit code $code: $(cat err)"
    fi
    check_recovers "a read-only remount in the middle of a run"
    rm -rf "$disk/d" acks
}

# The file system finds itself damaged and makes itself read-only, in the middle of a run.
damaged_ext4()
{
    device=$(df --output=source "$disk" | tail -n 1)
    trigger=/sys/fs/ext4/${device##*/}/trigger_fs_error
    [ -w "$trigger" ] || {
        echo "no $trigger here: not tried"
        return
    }
    mount -o remount,errors=remount-ro "$disk" || fail "cannot remount"
    start_run
    echo test >"$trigger"
    end_run
    [ "$code" -eq 4 ] || fail "exit code $code after the file system became read-only: $(cat err)"
    says 'read-only\|input/output'
    echo "said: $(cut -c 1-160 said)"
    umount "$disk" || fail "cannot unmount"
    fsck.ext4 -p image >checked 2>&1 || [ $? -le 2 ] || fail "fsck: $(cat checked)"
    mount_disk ext4 || fail "cannot mount again"
    check_recovers "a file system that makes itself read-only"
    rm -rf "$disk/d" acks
}

# The disk goes, at moments of which the seed says when.
failing_disk() # FS
{
    seed 9
    for ms in $(randoms "$seed" 5 1 150); do
        start_run
        sleep "$(printf '0.%03d' "$ms")"
        cut_off
        end_run
        [ "$code" -eq 4 ] || fail "exit code $code after the disk had gone: $(cat err)"
        says 'input/output'
        grep -q "$disk\|journal" err || fail "it does not say where: $(cat err)"
        come_back "$1"
        check_recovers "a disk that failed after $ms ms"
        rm -rf "$disk/d" acks
    done
    echo "said: $(cut -c 1-160 said)"
}

# The same without the promise: under os durability what was acknowledged may be lost, but the next
# run begins by itself and ends where it ought to.
failing_disk_os() # FS
{
    for ms in $(randoms "$seed" 4 1 200); do
        start_run --durability os
        sleep "$(printf '0.%03d' "$ms")"
        cut_off
        end_run
        [ "$code" -eq 4 ] || fail "exit code $code after the disk had gone: $(cat err)"
        come_back "$1"
        expect 0 "$MILLRACE" run --data "$disk/d" --input $input --durability os --json
        same "after a disk that failed under os durability" "$whole" "$(result out)"
        rm -rf "$disk/d" acks
    done
    claim "under os durability, a run goes on by itself after a disk that failed"
}
