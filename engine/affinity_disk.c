/*
 * Which CPU serves the disk: durable writes from two CPUs in turn, and what /proc/interrupts says
 * about them.
 */
#include "engine/affinity.h"

#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WRITES = 16,
    WRITES_LEAST = 4,
    WRITE_BYTES = 4096,
    ATTEMPTS = 3, /* something else may have interrupted as often */
    PROBES_NS = 40000000,
    READ_STEP = 64 << 10,
    COLUMNS_MAX = 1024, /* as many as a cpu_set_t holds */
};

/* -- What /proc/interrupts says. --------------------------------------------------------------- */

/* Its first line names the CPUs that have a column ("CPU0 CPU2 ..."). How many; 0: it is not such a
 * text, or there are too many. */
static uint32_t read_columns(const char *text, uint32_t cpus[COLUMNS_MAX])
{
    uint32_t count = 0;
    const char *end = strchr(text, '\n');
    const char *at = strstr(text, "CPU");
    while (end != NULL && at != NULL && at < end && count < COLUMNS_MAX) {
        cpus[count++] = (uint32_t)strtoul(at + 3, NULL, 10);
        at = strstr(at + 3, "CPU");
    }
    return count < COLUMNS_MAX ? count : 0;
}

/* The counts of a device's line ("  36:   0   46226339   PCI-MSIX ..."); NULL: of no device. */
static const char *counts_of(const char *line)
{
    char *end;
    (void)strtoul(line, &end, 10);
    return end != line && *end == ':' ? end + 1 : NULL;
}

static const char *line_behind(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : NULL;
}

/* Adds to `served` what one device's line grew by, if it grew by as much as the writes explain. */
static void add_device(const char *before, const char *after, uint32_t columns, uint32_t writes,
                       uint64_t served[COLUMNS_MAX])
{
    uint64_t grown[COLUMNS_MAX];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < columns; i++) {
        char *before_end;
        char *after_end;
        grown[i] = strtoull(after, &after_end, 10) - strtoull(before, &before_end, 10);
        sum += grown[i];
        before = before_end;
        after = after_end;
    }
    for (uint32_t i = 0; i < columns && sum >= writes / 2; i++) {
        served[i] += grown[i];
    }
}

/* The one that got four fifths of them all. */
static bool find_most(const uint64_t *served, uint32_t columns, uint32_t *column)
{
    uint64_t sum = 0;
    *column = 0;
    for (uint32_t i = 0; i < columns; i++) {
        sum += served[i];
        *column = served[i] > served[*column] ? i : *column;
    }
    return sum > 0 && served[*column] >= sum - sum / 5;
}

bool mr_interrupts_served(const char *before, const char *after, uint32_t writes, uint32_t *cpu)
{
    uint32_t cpus[COLUMNS_MAX];
    uint64_t served[COLUMNS_MAX] = {0};
    uint32_t columns = read_columns(before, cpus);
    if (columns == 0 || read_columns(after, cpus) != columns || writes < WRITES_LEAST) {
        return false;
    }
    const char *old = line_behind(before);
    const char *new = line_behind(after);
    /* The same devices in the same order: if one came or went meanwhile, counts mean nothing. */
    while (old != NULL && new != NULL &&*old != '\0' && *new != '\0') {
        const char *old_counts = counts_of(old);
        const char *new_counts = counts_of(new);
        if ((old_counts == NULL) != (new_counts == NULL) ||
            (new_counts != NULL && strtoul(old, NULL, 10) != strtoul(new, NULL, 10))) {
            return false;
        }
        if (new_counts != NULL) {
            add_device(old_counts, new_counts, columns, writes, served);
        }
        old = line_behind(old);
        new = line_behind(new);
    }
    uint32_t column;
    bool found = find_most(served, columns, &column);
    *cpu = found ? cpus[column] : 0;
    return found;
}

/* -- The probes. ------------------------------------------------------------------------------- */

struct search {
    const char *directory;
    struct mr_affinity_facts *facts;
    uint64_t end_ns;
};

/* A file as a string, to be freed; NULL: it cannot be read. */
static char *read_text(const char *path)
{
    size_t used = 0;
    char *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : 1;
    while (got > 0) {
        char *larger = realloc(text, used + READ_STEP + 1);
        if (larger == NULL) {
            got = -1;
            break;
        }
        text = larger;
        got = read(file, text + used, READ_STEP);
        used += got > 0 ? (size_t)got : 0;
    }
    if (file >= 0) {
        close(file);
    }
    if (got < 0) {
        free(text);
        return NULL;
    }
    text[used] = '\0';
    return text;
}

/* A file that has no name, so that a crash leaves nothing; every write to it is durable. */
static int open_nameless(const char *directory)
{
    const int flags = O_TMPFILE | O_RDWR | O_DSYNC | O_CLOEXEC;
    int file = open(directory, flags | O_DIRECT, 0600);
    if (file < 0) {
        file = open(directory, flags, 0600);
    }
    return file;
}

static bool write_once(int file)
{
    static _Alignas(WRITE_BYTES) const unsigned char zeros[WRITE_BYTES];
    return pwrite(file, zeros, WRITE_BYTES, 0) == WRITE_BYTES;
}

static bool probe_once(const struct search *search, int file, uint32_t *served)
{
    char *before = read_text("/proc/interrupts");
    uint32_t writes = 0;
    while (writes < WRITES && mr_monotonic_ns() < search->end_ns && write_once(file)) {
        writes++;
    }
    char *after = read_text("/proc/interrupts");
    bool known =
        before != NULL && after != NULL && mr_interrupts_served(before, after, writes, served);
    free(before);
    free(after);
    return known;
}

static void probe_from(const struct search *search, int file, uint32_t cpu)
{
    struct mr_affinity_facts *facts = search->facts;
    struct mr_disk_probe *probe = &facts->probes[facts->probe_count++];
    *probe = (struct mr_disk_probe){.from = cpu};
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        return;
    }
    for (uint32_t i = 0; i < ATTEMPTS && !probe->known && mr_monotonic_ns() < search->end_ns; i++) {
        probe->known = probe_once(search, file, &probe->served);
    }
}

static void *probe(void *context)
{
    const struct search *search = context;
    const cpu_set_t *allowed = &search->facts->allowed;
    uint32_t first = 0;
    uint32_t last = 0;
    for (uint32_t cpu = CPU_SETSIZE; cpu-- > 0;) {
        if (CPU_ISSET(cpu, allowed)) {
            last = last > cpu ? last : cpu;
            first = cpu;
        }
    }
    int file = open_nameless(search->directory);
    /* The first write gives the file its room. */
    if (file >= 0 && write_once(file)) {
        probe_from(search, file, first);
        probe_from(search, file, last);
    }
    if (file >= 0) {
        close(file);
    }
    return NULL;
}

/* In a thread of its own: the embedder's stays where it is. */
static void make_probes(struct search *search)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, probe, search) == 0) {
        pthread_join(thread, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void mr_affinity_find(const char *directory, uint32_t threads, uint32_t journal_thread,
                      struct mr_affinity_plan *plan)
{
    struct mr_affinity_facts facts = {.threads = threads, .journal_thread = journal_thread};
    struct search search = {
        .directory = directory, .facts = &facts, .end_ns = mr_monotonic_ns() + PROBES_NS};
    CPU_ZERO(&facts.allowed);
    bool known = sched_getaffinity(0, sizeof facts.allowed, &facts.allowed) == 0;
    if (known && CPU_COUNT(&facts.allowed) > 1 && threads > 1) {
        make_probes(&search);
    }
    mr_affinity_decide(&facts, plan);
}
