#include "base/clock.h"
#include "disruptor/backoff.h"
#include "disruptor/batch.h"
#include "disruptor/dead_letter.h"

#include <millrace/processor.h>

#include <limits.h>
#include <string.h>

/* -- The forms in which it runs. --------------------------------------------------------------- */

int mr_processor_work(struct mr_processor *processor)
{
    if (mr_batch_turn(processor, false) == MR_TURN_STOPPED)
        return processor->status;
    return processor->work < INT_MAX ? (int)processor->work : INT_MAX;
}

static int start_handler(void *context)
{
    struct mr_processor *processor = context;
    const struct mr_handler *handler = &processor->options.handler;
    if (processor->status != MR_OK)
        return processor->status;
    return handler->start == NULL ? MR_OK : handler->start(handler->context);
}

static void stop_handler(void *context)
{
    const struct mr_processor *processor = context;
    const struct mr_handler *handler = &processor->options.handler;
    if (handler->stop != NULL)
        handler->stop(handler->context);
}

/* Waits for the end of a rewind's pause, where an alert or a halt wakes it. */
static void await_pause(const struct mr_processor *processor)
{
    struct mr_wait wait = processor->consumer->wait;
    uint64_t now = mr_monotonic_ns();
    if (now >= processor->resume_ns)
        return;
    wait.timeout_ns = processor->resume_ns - now;
    struct mr_backoff backoff = mr_backoff_begin(&wait, processor->consumer->park);
    while (!mr_batch_has_ended(processor) && mr_backoff_pause(&backoff))
        ;
}

/* Room for a dead letter comes in another ring than an alert or a halt, and nobody sleeps in two
 * places: so without a park, and who would park naps. */
static struct mr_backoff await_room_begin(const struct mr_processor *processor)
{
    struct mr_wait wait = processor->consumer->wait;
    wait.timeout_ns = 0;
    return mr_backoff_begin(&wait, NULL);
}

/* Nothing came: because of the time limit, if there is one and nothing else has ended the wait. */
static void tell_timeout(const struct mr_processor *processor)
{
    const struct mr_handler *handler = &processor->options.handler;
    const struct mr_worker *worker = processor->options.worker;
    if (handler->timeout == NULL || processor->consumer->wait.timeout_ns == 0 ||
        mr_batch_has_ended(processor))
        return;
    handler->timeout(handler->context, worker == NULL ? mr_consumer_position(processor->consumer)
                                                      : mr_pool_taken(worker->pool));
}

int mr_processor_run(struct mr_processor *processor)
{
    struct mr_backoff room;
    enum mr_turn turn, before = MR_TURN_DONE;
    int status = start_handler(processor);
    if (status < 0)
        return status;
    for (; (turn = mr_batch_turn(processor, true)) < MR_TURN_ENDED; before = turn) {
        if (turn == MR_TURN_IDLE) {
            tell_timeout(processor);
        } else if (turn == MR_TURN_PAUSED) {
            await_pause(processor);
        } else if (turn == MR_TURN_HELD) {
            if (before != MR_TURN_HELD)
                room = await_room_begin(processor);
            (void)mr_backoff_pause(&room); /* without a time limit */
        }
    }
    stop_handler(processor);
    if (turn == MR_TURN_STOPPED)
        return processor->status;
    return before == MR_TURN_HELD ? MR_AGAIN : MR_OK;
}

static int work_of_agent(void *context)
{
    return mr_processor_work(context);
}

const struct mr_agent *mr_processor_agent(const struct mr_processor *processor)
{
    return &processor->agent;
}

/* -- Setting up. ------------------------------------------------------------------------------- */

static const char *fault_of(const struct mr_processor_options *options)
{
    const struct mr_consumer *consumer =
        options->worker == NULL ? options->consumer : &options->worker->consumer;
    const struct mr_failure_policy *failure = &options->failure;
    const struct mr_rewind_policy *rewind = &options->rewind;
    if (options->handler.handle == NULL)
        return "it needs a handler";
    if ((options->consumer == NULL) == (options->worker == NULL))
        return "it needs a consumer or a worker, and not both";
    if (consumer->ring == NULL)
        return "its consumer is in no ring";
    if (failure->action != MR_FAILURE_STOP && failure->action != MR_FAILURE_SKIP)
        return "its failure policy is no enumerator";
    if (failure->action == MR_FAILURE_SKIP && failure->dead_letters == NULL)
        return "who skips failures needs a ring for dead letters";
    if (failure->dead_letters == consumer->ring)
        return "its dead letters cannot go to the ring that they come from";
    if (failure->dead_letters != NULL &&
        !mr_dead_letter_fits(failure->dead_letters, consumer->ring))
        return "the slots for dead letters need mr_dead_letter_size() bytes, a multiple of 8";
    if (rewind->pause_ns_max != 0 && rewind->pause_ns_max < rewind->pause_ns)
        return "the longest pause of a rewind is shorter than the first";
    return NULL;
}

int mr_processor_init(struct mr_processor *processor, const struct mr_processor_options *options,
                      struct mr_error *error)
{
    const char *fault = fault_of(options);
    if (fault != NULL)
        return mr_error_set(error, MR_E_INVALID, "processor: %s", fault);

    memset(processor, 0, sizeof *processor);
    processor->options = *options;
    if (options->rewind.pause_ns_max == 0)
        processor->options.rewind.pause_ns_max = options->rewind.pause_ns;
    processor->consumer = options->worker == NULL ? options->consumer : &options->worker->consumer;
    processor->agent =
        (struct mr_agent){.name = options->name == NULL ? "processor" : options->name,
                          .work = work_of_agent,
                          .start = start_handler,
                          .stop = stop_handler,
                          .context = processor};
    mr_batch_forget(processor, mr_consumer_position(processor->consumer));
    return MR_OK;
}
