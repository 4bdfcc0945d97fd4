#include "tools/child.h"

#include "base/assert.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_NS = 1000000 };

/* In the child: runs, and ends without what the parent had planned for its own end. */
_Noreturn static void live(const struct run_settings *settings, struct run_report *report,
                           pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_RESOURCES); /* it died before we could ask to die with it */
    }
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0) {
        _exit(EXIT_RESOURCES);
    }
    int code = run_execute(settings, report);
    progress_clear();
    (void)fflush(stderr);
    _exit(code);
}

int child_start(struct child *child, const char *const *arguments, struct mr_error *error)
{
    memset(child, 0, sizeof *child);
    struct run_settings settings = {0};
    int status = run_settings_parse(arguments, &settings, error);
    if (status != MR_OK) {
        return status;
    }
    void *shared = mmap(NULL, sizeof *child->report, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return mr_error_set_errno(error, errno, "cannot share memory with another process");
    }
    child->report = shared;
    child->report->watched = true;
    (void)fflush(stdout); /* or the child has it in its buffer, too */
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0) {
        live(&settings, child->report, parent);
    }
    if (child->pid < 0) {
        int failure = errno;
        child->pid = 0;
        child_free(child);
        return mr_error_set_errno(error, failure, "cannot start another process");
    }
    return MR_OK;
}

static void note_end(struct child *child, int status)
{
    child->pid = 0;
    child->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool child_runs(struct child *child)
{
    int status;
    if (child->pid != 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
        note_end(child, status);
    }
    return child->pid != 0;
}

void child_kill(struct child *child)
{
    if (child->pid == 0) {
        return;
    }
    (void)kill(child->pid, SIGKILL);
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0) {
        ASSERT(errno == EINTR);
    }
    note_end(child, status);
    progress_clear();
}

int child_wait(struct child *child)
{
    bool told = false;
    while (child_runs(child)) {
        if (stop_requested() && !told) {
            (void)kill(child->pid, SIGTERM);
            told = true;
        }
        struct timespec pause = {.tv_nsec = LOOK_NS};
        (void)nanosleep(&pause, NULL);
    }
    return child->code;
}

void child_free(struct child *child)
{
    child_kill(child);
    if (child->report != NULL) {
        (void)munmap(child->report, sizeof *child->report);
        child->report = NULL;
    }
}
