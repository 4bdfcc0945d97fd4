#include "tools/stop.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 1 };

static volatile sig_atomic_t requested;
static time_t requested_s;

static time_t now_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Those who send signals often send them twice, to a process and to its group: only who insists
 * after a while means it. */
static void on_signal(int number)
{
    if (requested == 0) {
        requested_s = now_s();
        requested = 1;
    } else if (now_s() > requested_s + PATIENCE_S) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
}

void stop_prepare(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    /* No SA_RESTART: who waits in a read shall hear of it. */
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    /* A file that may not grow (ulimit -f) is an error of the write, with a line that says so. */
    (void)sigaction(SIGXFSZ, &action, NULL);
}

bool stop_requested(void)
{
    return requested != 0;
}
