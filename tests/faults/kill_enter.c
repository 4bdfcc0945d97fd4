/*
 * Preloaded into a program where strace may not be used: SIGKILL in front of the N-th call that
 * enters the kernel for io_uring (tests/support/preload_kill.h). A call that the library repeats by
 * itself counts once.
 */
#include "tests/support/preload_kill.h"

#include <liburing.h>

/* Our definitions name their parameters as the rest of this file does, not as the headers do. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

int io_uring_submit(struct io_uring *ring)
{
    PRELOAD_NEXT(io_uring_submit);
    preload_count();
    return next(ring);
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
                                     unsigned wait_nr, struct __kernel_timespec *ts,
                                     sigset_t *sigmask)
{
    PRELOAD_NEXT(io_uring_submit_and_wait_timeout);
    preload_count();
    return next(ring, cqe_ptr, wait_nr, ts, sigmask);
}

int io_uring_submit_and_get_events(struct io_uring *ring)
{
    PRELOAD_NEXT(io_uring_submit_and_get_events);
    preload_count();
    return next(ring);
}

int io_uring_get_events(struct io_uring *ring)
{
    PRELOAD_NEXT(io_uring_get_events);
    preload_count();
    return next(ring);
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
