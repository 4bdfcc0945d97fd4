/*
 * Where an engine ends while others are amid a call: what is not there yet cannot be completed,
 * what comes too late is completed once, and whoever is told may send again and is refused.
 */
#include "engine/parts.h"
#include "tests/engine/till_rig.h"
#include "tests/support/sim_storage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct mr_engine_options silent = {.output = MR_OUTPUT_NONE};

/* A future that sends again when it is told, as a client would who does not know of the end. */
struct sender {
    struct mr_engine *engine;
    uint32_t told;
    int status, again;
};

static void send_again(void *context, struct mr_future *future)
{
    struct sender *sender = context;
    struct till_command command = till_move(7, 2, 0, 1);
    sender->told++;
    sender->status = future->status;
    *future = (struct mr_future){.done = send_again, .context = sender};
    sender->again = mr_engine_call(sender->engine, &command.header, future);
}

/* -- Amid the copying of a batch: its last command lies half in a page that nobody may read. --- */

static struct {
    struct mr_engine *engine;
    unsigned char *page;
    size_t size;
    struct sender *sender;
    uint32_t told_meanwhile;
} amid;

static void on_fault(int signal)
{
    (void)signal;
    if (mprotect(amid.page, amid.size, PROT_READ | PROT_WRITE) != 0) {
        _exit(1);
    }
    mr_atomic_store(&amid.engine->stopping, true, release);
    mr_futures_end(amid.engine);
    amid.told_meanwhile = amid.sender->told;
}

static const struct mr_command *command_across(unsigned char *memory, size_t page_size)
{
    const struct till_command command = till_move(7, 1, 0, 1);
    unsigned char *at = memory + page_size - MR_COMMAND_HEADER;
    memcpy(at, &command, sizeof command);
    assert_int_equal(mprotect(memory + page_size, page_size, PROT_NONE), 0);
    return (const struct mr_command *)(const void *)at;
}

static void no_future_can_be_completed_while_commands_of_its_batch_are_read(void **state)
{
    (void)state;
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *memory =
        mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    struct mr_engine *engine = till_open(NULL, &silent);
    struct till_command first = till_move(7, 1, 0, 1);
    const struct mr_command *commands[] = {&first.header, command_across(memory, page_size)};
    struct sender senders[2] = {{.engine = engine}, {.engine = engine}};
    struct mr_future futures[2] = {{.done = send_again, .context = &senders[0]},
                                   {.done = send_again, .context = &senders[1]}};
    amid.engine = engine;
    amid.page = memory + page_size;
    amid.size = page_size;
    amid.sender = &senders[0];
    amid.told_meanwhile = 99;
    struct sigaction before, action = {.sa_handler = on_fault};
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    int status = mr_engine_call_batch(engine, commands, 2, futures);
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    assert_int_equal(status, MR_OK);
    assert_int_equal(amid.told_meanwhile, 0);
    for (uint32_t i = 0; i < 2; i++) { /* whoever brought them found that it had ended */
        assert_int_equal(senders[i].told, 1);
        assert_int_equal(senders[i].status, MR_E_FENCED);
        assert_int_equal(senders[i].again, MR_E_FENCED);
    }
    mr_engine_close(engine);
    munmap(memory, 2 * page_size);
}

/* -- Amid a callback: it waits for a thread that calls, as it would for a lock that one holds. - */

struct caller {
    struct mr_engine *engine;
    struct sender *sender;
    struct mr_future future;
    int status;
};

static void *call_once(void *context)
{
    struct caller *caller = context;
    struct till_command command = till_move(7, 3, 0, 1);
    caller->future = (struct mr_future){.done = send_again, .context = caller->sender};
    caller->status = mr_engine_call(caller->engine, &command.header, &caller->future);
    return NULL;
}

static void wait_for_a_caller(void *context, struct mr_future *future)
{
    struct caller *caller = context;
    pthread_t thread;
    (void)future;
    assert_int_equal(pthread_create(&thread, NULL, call_once, caller), 0);
    pthread_join(thread, NULL);
    assert_int_equal(caller->sender->told, 0); /* callbacks come one after another */
    mr_atomic_store(&caller->engine->stopping, true, release);
}

static void a_callback_at_the_end_may_wait_for_whoever_calls(void **state)
{
    (void)state;
    struct mr_engine *engine = till_open(NULL, &silent);
    struct sender sender = {.engine = engine};
    struct caller caller = {.engine = engine, .sender = &sender};
    struct mr_future future = {.done = wait_for_a_caller, .context = &caller};
    struct till_command command = till_move(7, 1, 0, 1);
    assert_int_equal(mr_engine_call(engine, &command.header, &future), MR_OK);
    mr_futures_end(engine);
    assert_int_equal(caller.status, MR_OK);
    assert_int_equal(sender.told, 1);
    assert_int_equal(sender.status, MR_E_FENCED);
    assert_int_equal(sender.again, MR_E_FENCED);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    assert_int_equal(sender.told, 1);
}

/* -- Queries. ---------------------------------------------------------------------------------- */

static void count(void *context, struct mr_query_call *call)
{
    *(int *)context += call->status == MR_E_FENCED ? 1 : 100;
}

static void a_query_that_comes_too_late_is_completed_once(void **state)
{
    (void)state;
    struct mr_engine *engine = till_open(NULL, &silent);
    int ends = 0;
    const struct mr_query query = {.length = sizeof query, .type = MR_QUERY_STATUS};
    struct mr_query_call call = {.query = &query, .done = count, .context = &ends};
    /* A race, held open: apply ended between the look at that and the seat. */
    mr_flag_raise(&engine->queries.over);
    assert_int_equal(mr_engine_query(engine, &call), MR_OK);
    assert_true(mr_query_ready(&call));
    assert_int_equal(call.status, MR_E_FENCED);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    assert_int_equal(ends, 1);
}

/* -- Failures. --------------------------------------------------------------------------------- */

struct second {
    struct mr_engine *engine;
    MR_ATOMIC(bool) there;
    int seen;
};

static void *fail_second(void *context)
{
    struct second *second = context;
    struct mr_error error = {.code = MR_E_DIVERGED};
    mr_atomic_store(&second->there, true, release);
    (void)mr_engine_fail(second->engine, &error);
    second->seen = mr_engine_failure(second->engine, NULL);
    return NULL;
}

static void when_a_stage_has_failed_the_failure_is_known(void **state)
{
    (void)state;
    struct mr_engine *engine = till_open(NULL, &silent);
    struct second second = {.engine = engine};
    pthread_t thread;
    /* Another stage fails, too, and has not come further than this. */
    mr_atomic_store(&engine->failing, true, release);
    assert_int_equal(pthread_create(&thread, NULL, fail_second, &second), 0);
    while (!mr_atomic_load(&second.there, acquire)) {
        mr_engine_pause();
    }
    for (uint32_t i = 0; i < 100; i++) {
        mr_engine_pause(); /* it could return here, which it must not */
    }
    engine->failure_error = (struct mr_error){.code = MR_E_IO};
    mr_atomic_store(&engine->failure, MR_E_IO, release);
    pthread_join(thread, NULL);
    assert_int_equal(second.seen, MR_E_IO);
    mr_engine_close(engine);
}

static void a_start_that_fails_ends_what_was_accepted_and_refuses_the_rest(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine = till_open(sim, &silent);
    mr_sim_inject(sim, &(struct mr_sim_fault){.call = MR_SIM_QUEUE_START,
                                              .nth = 1,
                                              .system_error = EIO,
                                              .span = MR_SIM_FOREVER});
    struct sender sender = {.engine = engine};
    struct mr_future future = {.done = send_again, .context = &sender};
    struct till_command command = till_move(7, 1, 0, 1);
    assert_int_equal(mr_engine_call(engine, &command.header, &future), MR_OK);
    assert_int_not_equal(mr_engine_start(engine, NULL), MR_OK);
    assert_int_equal(sender.told, 1);
    assert_int_not_equal(sender.status, MR_OK);
    assert_int_equal(sender.again, MR_E_FENCED);
    assert_true(mr_atomic_load(&engine->stopping, relaxed));
    assert_int_equal(mr_engine_submit(engine, &command.header, NULL), MR_E_FENCED);
    mr_engine_close(engine);
    assert_int_equal(sender.told, 1);
    mr_sim_destroy(sim);
}

/* Here nothing has failed but the start: only that the engine is stopping refuses the callback,
 * which else would wait for itself. */
static void a_start_that_is_refused_ends_what_was_accepted_too(void **state)
{
    (void)state;
    struct mr_engine *engine = till_open(NULL, &silent);
    struct sender sender = {.engine = engine};
    struct mr_future future = {.done = send_again, .context = &sender};
    struct till_command command = till_move(7, 1, 0, 1);
    engine->options.affinity = MR_AFFINITY_FIXED;
    engine->options.cpus[MR_STAGE_APPLY] = 1000000; /* there is none */
    assert_int_equal(mr_engine_call(engine, &command.header, &future), MR_OK);
    assert_int_not_equal(mr_engine_start(engine, NULL), MR_OK);
    assert_int_equal(mr_engine_failure(engine, NULL), MR_OK);
    assert_int_equal(sender.told, 1);
    assert_int_equal(sender.status, MR_E_FENCED);
    assert_int_equal(sender.again, MR_E_FENCED);
    assert_int_equal(mr_engine_await(engine, 0, MR_STAGE_APPLIED, 0), MR_E_FENCED);
    mr_engine_close(engine);
    assert_int_equal(sender.told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_future_can_be_completed_while_commands_of_its_batch_are_read),
        cmocka_unit_test(a_callback_at_the_end_may_wait_for_whoever_calls),
        cmocka_unit_test(a_query_that_comes_too_late_is_completed_once),
        cmocka_unit_test(when_a_stage_has_failed_the_failure_is_known),
        cmocka_unit_test(a_start_that_fails_ends_what_was_accepted_and_refuses_the_rest),
        cmocka_unit_test(a_start_that_is_refused_ends_what_was_accepted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
