#include <millrace/park.h>

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

_Static_assert(sizeof(struct mr_park) == sizeof(uint32_t), "the kernel sees a bare 32-bit word");

/* Its failures are answers, not errors: the word had changed (EAGAIN), a signal (EINTR), the time
 * is up (ETIMEDOUT). The caller of mr_park_sleep looks again in any case. */
static void futex(struct mr_park *park, int operation, uint32_t value, const struct timespec *limit)
{
    syscall(SYS_futex, &park->word, operation | FUTEX_PRIVATE_FLAG, value, limit, NULL, 0);
}

uint32_t mr_park_prepare(struct mr_park *park)
{
    /* Release and acquire: pairs with the wakers' read-modify-writes of the same word. */
    uint32_t word = mr_atomic_fetch_or(&park->word, MR_PARK_OCCUPIED, acq_rel);
#ifndef MR_THREAD_SANITIZER
    /* Pairs with the fence in mr_park_wake: the announcement before the sleeper's second look. */
    mr_atomic_fence(seq_cst);
#endif
    return word | MR_PARK_OCCUPIED;
}

void mr_park_sleep(struct mr_park *park, uint32_t ticket, uint64_t timeout_ns)
{
    struct timespec limit = {
        .tv_sec = (time_t)(timeout_ns / NS_PER_S),
        .tv_nsec = (long)(timeout_ns % NS_PER_S),
    };
    futex(park, FUTEX_WAIT, ticket, timeout_ns == 0 ? NULL : &limit);
}

void mr_park_wake_sleepers(struct mr_park *park, uint32_t word)
{
    /* The next even number: nobody sleeps, one wake-up more. If the word has changed, then another
     * waker made the change, or a sleeper came after our fence and sees what we published. */
    if (mr_atomic_compare_exchange(&park->word, &word, word + 1, acq_rel))
        futex(park, FUTEX_WAKE, INT_MAX, NULL);
}
