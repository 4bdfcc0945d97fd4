/*
 * Reading a file of counters, and judging from it and from the system how its engine is.
 */
#include "base/clock.h"
#include "engine/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A stage turns at least every few milliseconds; whoever has not been seen for so long hangs, or
 * the machine is so busy that it comes to the same. */
#define HUNG_NS UINT64_C(2000000000)
/* By how much the two clocks may drift apart until the wall clock counts as set. */
#define CLOCK_SET_NS UINT64_C(1000000000)

struct mr_counters {
    const struct mr_counters_file *file;
    int descriptor;
    char path[PATH_MAX];
    bool same_boot;
};

/* -- Opening. ---------------------------------------------------------------------------------- */

static int check_header(const struct mr_counters_header *header, const char *path,
                        struct mr_error *error)
{
    if (header->magic != MR_COUNTERS_MAGIC) {
        return mr_error_set(error, MR_E_INVALID, "%s is no file of counters", path);
    }
    if (header->version != MR_COUNTERS_VERSION || header->list_hash != mr_counters_list_hash()) {
        return mr_error_set(error, MR_E_VERSION,
                            "%s holds other counters than this program knows (format %u): read "
                            "it with the version that writes it",
                            path, header->version);
    }
    if (header->header_size != MR_COUNTERS_HEADER_SIZE ||
        header->file_size != sizeof(struct mr_counters_file) ||
        header->groups != MR_COUNTERS_GROUP_COUNT ||
        header->group_slots != MR_COUNTERS_GROUP_SLOTS ||
        header->error_slots != MR_COUNTERS_ERRORS_MAX ||
        header->error_size != sizeof(struct mr_error_slot) ||
        header->histograms != MR_COUNTERS_HISTOGRAM_COUNT ||
        header->histogram_size != sizeof(struct mr_histogram_slot) ||
        header->values_offset != offsetof(struct mr_counters_file, values) ||
        header->errors_offset != offsetof(struct mr_counters_file, errors) ||
        header->histograms_offset != offsetof(struct mr_counters_file, histograms)) {
        return mr_error_set(error, MR_E_CORRUPT, "%s: offset 8: sizes that no counters have", path);
    }
    return MR_OK;
}

static int open_file(struct mr_counters *counters, struct mr_error *error)
{
    const char *path = counters->path;
    counters->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (counters->descriptor < 0 || fstat(counters->descriptor, &stat) != 0) {
        return mr_error_set_errno(error, errno, "cannot read the counters' file %s", path);
    }
    if (!S_ISREG(stat.st_mode) || stat.st_size < MR_COUNTERS_HEADER_SIZE) {
        return mr_error_set(error, MR_E_INVALID, "%s is no file of counters", path);
    }
    /* A mapping beyond the end of the file would end the process. The header is read first. */
    struct mr_counters_header header;
    if (pread(counters->descriptor, &header, sizeof header, 0) != (ssize_t)sizeof header) {
        return mr_error_set_errno(error, EIO, "cannot read the counters' file %s", path);
    }
    int status = check_header(&header, path, error);
    if (status == MR_OK && stat.st_size != (off_t)sizeof(struct mr_counters_file)) {
        return mr_error_set(error, MR_E_CORRUPT, "%s has %lld bytes, not %zu: it was cut off", path,
                            (long long)stat.st_size, sizeof(struct mr_counters_file));
    }
    return status;
}

static int map_file(struct mr_counters *counters, struct mr_error *error)
{
    void *mapped =
        mmap(NULL, sizeof *counters->file, PROT_READ, MAP_SHARED, counters->descriptor, 0);
    if (mapped == MAP_FAILED) {
        return mr_error_set_errno(error, errno, "cannot map the counters' file %s", counters->path);
    }
    counters->file = mapped;
    uint8_t boot_id[16];
    mr_boot_id(boot_id);
    counters->same_boot = memcmp(boot_id, counters->file->header.boot_id, sizeof boot_id) == 0;
    return MR_OK;
}

int mr_counters_open(const char *path, struct mr_counters **counters_out, struct mr_error *error)
{
    struct mr_counters *counters = calloc(1, sizeof *counters);
    if (counters == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to read counters");
    }
    counters->descriptor = -1;
    int length = snprintf(counters->path, sizeof counters->path, "%s", path);
    int status = length < 0 || (size_t)length >= sizeof counters->path
                     ? mr_error_set(error, MR_E_INVALID, "the counters' path is too long: %s", path)
                     : open_file(counters, error);
    if (status == MR_OK) {
        status = map_file(counters, error);
    }
    if (status != MR_OK) {
        mr_counters_close(counters);
        return status;
    }
    *counters_out = counters;
    return MR_OK;
}

void mr_counters_close(struct mr_counters *counters)
{
    if (counters == NULL) {
        return;
    }
    if (counters->file != NULL) {
        (void)munmap((void *)(uintptr_t)counters->file, sizeof *counters->file);
    }
    if (counters->descriptor >= 0) {
        (void)close(counters->descriptor);
    }
    free(counters);
}

bool mr_counters_replaced(const struct mr_counters *counters)
{
    struct stat ours, named;
    return fstat(counters->descriptor, &ours) != 0 || stat(counters->path, &named) != 0 ||
           ours.st_ino != named.st_ino || ours.st_dev != named.st_dev;
}

/* -- Does the writer live? --------------------------------------------------------------------- */

/* The state of its process, if it is on this machine and in sight; 0: nobody knows. */
static char process_state(const struct mr_counters *counters)
{
    const struct mr_counters_header *header = &counters->file->header;
    uint64_t start;
    char state;
    if (!counters->same_boot || !mr_process_look(header->pid, &start, &state) ||
        start != header->process_start) {
        return 0;
    }
    return state;
}

static bool is_alive(const struct mr_counters *counters, char process)
{
    if ((counters->file->header.flags & MR_COUNTERS_LOCKED) == 0) {
        return process != 0 && process != 'Z' && process != 'X';
    }
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    return fcntl(counters->descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* -- Snapshots. -------------------------------------------------------------------------------- */

/* From CLOCK_MONOTONIC to ns since 1970: as the two clocks stood when the file was made, so that a
 * moment is told alike at each look. Unless somebody has set the wall clock meanwhile. */
static uint64_t wall_of(const struct mr_counters *counters,
                        const struct mr_counters_snapshot *snapshot, uint64_t monotonic_ns)
{
    const struct mr_counters_header *header = &counters->file->header;
    if (monotonic_ns == 0) {
        return 0;
    }
    uint64_t then = header->made_ns - header->made_monotonic_ns;
    uint64_t now = snapshot->taken_ns - snapshot->taken_monotonic_ns;
    bool was_set = now - then > CLOCK_SET_NS && then - now > CLOCK_SET_NS;
    return monotonic_ns + (counters->same_boot && was_set ? now : then);
}

static void read_histograms(const struct mr_counters_file *file,
                            struct mr_counters_snapshot *snapshot)
{
    for (uint32_t i = 0; i < MR_COUNTERS_HISTOGRAM_COUNT; i++) {
        const struct mr_histogram_slot *slot = &file->histograms[i];
        struct mr_counters_histogram *histogram = &snapshot->histograms[i];
        histogram->count = 0;
        for (uint32_t k = 0; k < MR_COUNTERS_BUCKETS; k++) {
            histogram->buckets[k] = mr_atomic_load(&slot->buckets[k], relaxed);
            histogram->count += histogram->buckets[k];
        }
        histogram->sum = mr_atomic_load(&slot->sum, relaxed);
        histogram->min = mr_atomic_load(&slot->min, relaxed);
        histogram->max = mr_atomic_load(&slot->max, relaxed);
    }
}

static void read_errors(const struct mr_counters_file *file, struct mr_counters_snapshot *snapshot)
{
    snapshot->error_count = 0;
    for (uint32_t i = 0; i < MR_COUNTERS_ERRORS_MAX; i++) {
        const struct mr_error_slot *slot = &file->errors[i];
        /* Acquire: pairs with the release in write_slot. */
        if (mr_atomic_load(&slot->state, acquire) != MR_ERROR_SLOT_THERE) {
            continue;
        }
        struct mr_counters_error *error = &snapshot->errors[snapshot->error_count++];
        error->code = slot->code;
        error->level = (enum mr_log_level)slot->level;
        error->count = mr_atomic_load(&slot->count, relaxed);
        error->first_ns = slot->first_ns;
        error->last_ns = mr_atomic_load(&slot->last_ns, relaxed);
        (void)snprintf(error->place, sizeof error->place, "%.*s", (int)sizeof slot->place - 1,
                       slot->place);
        (void)snprintf(error->text, sizeof error->text, "%.*s", (int)sizeof slot->text - 1,
                       slot->text);
    }
}

static void read_identity(const struct mr_counters *counters, struct mr_counters_snapshot *snapshot)
{
    const struct mr_counters_header *header = &counters->file->header;
    snapshot->pid = header->pid;
    snapshot->started_ns = wall_of(counters, snapshot, header->made_monotonic_ns);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t word = mr_atomic_load(&header->journal_id[i], relaxed);
        memcpy(snapshot->journal_id + 8 * (size_t)i, &word, sizeof word);
    }
    (void)snprintf(snapshot->logic, sizeof snapshot->logic, "%.*s", (int)sizeof header->logic - 1,
                   header->logic);
}

/* -- Judging. ---------------------------------------------------------------------------------- */

static const struct {
    enum mr_counter heartbeat;
    const char *name;
} stages[] = {{MR_COUNTER_sequence_heartbeat, "sequence"},
              {MR_COUNTER_journal_heartbeat, "journal"},
              {MR_COUNTER_apply_heartbeat, "apply"}};

/* When each stage was seen last, on CLOCK_MONOTONIC: the one that is silent for longest, and the
 * latest sign of life of all. Values are still on that clock. */
static void look_at_stages(struct mr_counters_snapshot *snapshot)
{
    uint64_t now_ns = snapshot->taken_monotonic_ns;
    uint64_t latest = snapshot->values[MR_COUNTER_state_since];
    uint64_t silent = 0;
    for (uint32_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        uint64_t beat = snapshot->values[stages[i].heartbeat];
        latest = beat > latest ? beat : latest;
        if (beat != 0 && beat < now_ns && now_ns - beat > silent) {
            silent = now_ns - beat;
            snapshot->silent_stage = stages[i].name;
        }
    }
    snapshot->seen_ns = latest;
    snapshot->silent_ns = silent;
}

static enum mr_engine_health judge(const struct mr_counters_snapshot *snapshot, char process)
{
    uint64_t state = snapshot->values[MR_COUNTER_state];
    if (state == MR_ENGINE_FAILED) {
        return MR_HEALTH_FAILED;
    }
    if (state == MR_ENGINE_STOPPED) {
        return MR_HEALTH_STOPPED;
    }
    if (!snapshot->alive) {
        return MR_HEALTH_DEAD;
    }
    if (process == 'T' || process == 't') {
        return MR_HEALTH_HALTED;
    }
    /* Whoever steps by hand may take all the time in the world. */
    bool turns = (state == MR_ENGINE_RUNNING || state == MR_ENGINE_STOPPING) &&
                 snapshot->values[MR_COUNTER_threads] > 0;
    return turns && snapshot->silent_ns > HUNG_NS ? MR_HEALTH_HUNG : MR_HEALTH_WELL;
}

static void convert_times(const struct mr_counters *counters, struct mr_counters_snapshot *snapshot)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_list(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].kind == MR_COUNTER_KIND_TIME) {
            uint64_t *value = &snapshot->values[list[i].place];
            *value = wall_of(counters, snapshot, *value);
        }
    }
    snapshot->seen_ns = wall_of(counters, snapshot, snapshot->seen_ns);
}

void mr_counters_snapshot_take(struct mr_counters *counters, struct mr_counters_snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
    char process = process_state(counters);
    /* Before the values: who is dead by now has written all that there will be. */
    snapshot->alive = is_alive(counters, process);
    for (uint32_t i = 0; i < MR_COUNTERS_PLACES; i++) {
        snapshot->values[i] = mr_atomic_load(&counters->file->values[i], relaxed);
    }
    read_histograms(counters->file, snapshot);
    read_errors(counters->file, snapshot);
    const struct mr_clock wall = mr_clock_wall();
    snapshot->taken_ns = mr_clock_now(&wall);
    snapshot->taken_monotonic_ns = mr_monotonic_ns();
    read_identity(counters, snapshot);
    look_at_stages(snapshot);
    snapshot->health = judge(snapshot, process);
    if (snapshot->health != MR_HEALTH_HUNG && snapshot->health != MR_HEALTH_HALTED) {
        snapshot->silent_stage = NULL;
        snapshot->silent_ns = 0;
    }
    convert_times(counters, snapshot);
}
