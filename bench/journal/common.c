#include "bench/journal/common.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A quarter of a core's cache: commands that have just arrived are there as well. */
enum { POOL = 2048 };

static char directory[COMMON_PATH_SIZE / 2];
static struct common_command pool[POOL];

/* -- The directory. ---------------------------------------------------------------------------- */

static void fill_pool(void)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    for (size_t i = 0; i < POOL; i++) {
        for (size_t k = 0; k < COMMON_COMMAND_WORDS; k++) {
            pool[i].words[k] = mr_random_u64(&random);
        }
    }
}

bool common_begin(const char *parent)
{
    int length = snprintf(directory, sizeof directory, "%s/bench-journal-XXXXXX", parent);
    if (length < 0 || (size_t)length >= sizeof directory || mkdtemp(directory) == NULL) {
        fprintf(stderr, "bench_journal: cannot make a directory below %s: %s\n", parent,
                strerror(errno));
        return false;
    }
    fill_pool();
    return true;
}

void common_end(void)
{
    common_remove(directory);
}

void common_path(const char *name, char path[COMMON_PATH_SIZE])
{
    snprintf(path, COMMON_PATH_SIZE, "%s/%s", directory, name);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void common_remove(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* -- Commands. --------------------------------------------------------------------------------- */

void common_command_make(void *place, uint64_t sequence)
{
    memcpy(place, &pool[sequence % POOL], COMMON_COMMAND_BYTES);
    memcpy(place, &sequence, sizeof sequence);
}

bool common_command_whole(const void *place, uint64_t sequence)
{
    struct common_command wanted;
    common_command_make(&wanted, sequence);
    return memcmp(place, &wanted, COMMON_COMMAND_BYTES) == 0;
}

/* -- Measuring. -------------------------------------------------------------------------------- */

uint64_t common_cpu_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

static int compare_values(const void *a, const void *b)
{
    uint64_t left;
    uint64_t right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

uint64_t common_percentile(uint64_t *values, size_t count, double percent)
{
    qsort(values, count, sizeof *values, compare_values);
    size_t place = (size_t)((double)count * percent / 100);
    return values[place < count ? place : count - 1];
}

double common_fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_journal: %s: %s\n", what, why);
    return BENCH_FAILED;
}

/* -- Other programs. --------------------------------------------------------------------------- */

bool common_installed(const char *program)
{
    char copy[4096];
    const char *path = getenv("PATH");
    snprintf(copy, sizeof copy, "%s", path != NULL ? path : "");
    char *rest = copy;
    for (char *part = strsep(&rest, ":"); part != NULL; part = strsep(&rest, ":")) {
        char name[sizeof copy + 64];
        snprintf(name, sizeof name, "%s/%s", part, program);
        if (access(name, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* In the child. Its end is tied to ours, so that a bench that is interrupted leaves no server. */
static void become(const char *const arguments[], pid_t parent, bool quiet)
{
    enum { LIMIT = 64 };
    char *copies[LIMIT];
    size_t count = 0;
    while (count < LIMIT - 1 && arguments[count] != NULL) {
        copies[count] = strdup(arguments[count]);
        count++;
    }
    copies[count] = NULL;
    int nowhere = quiet ? open("/dev/null", O_WRONLY) : -1;
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (copies[0] != NULL && getppid() == parent) {
        execvp(copies[0], copies);
    }
    _exit(127);
}

pid_t common_start(const char *const arguments[], bool quiet)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        become(arguments, parent, quiet);
    }
    return child;
}

bool common_wait(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
