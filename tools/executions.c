#include "tools/executions.h"

#include "tools/logics.h"
#include "tools/output.h"

#include <millrace/book.h>
#include <millrace/engine.h>

void executions_free(struct executions *executions)
{
    order_map_free(&executions->live);
}

/* -- The orders in the book. ------------------------------------------------------------------- */

static void set_open(struct executions *executions, uint64_t order, uint64_t open)
{
    struct order_entry *entry = order_map_find(&executions->live, order);
    if (open == 0) {
        if (entry != NULL)
            order_map_remove(&executions->live, entry);
    } else if (entry != NULL) {
        entry->open = open;
    } else if (!order_map_put(&executions->live, (struct order_entry){order, open, 0})) {
        executions->no_memory = true;
    }
}

/* -- One execution. ---------------------------------------------------------------------------- */

static void conclude(struct executions *executions)
{
    struct execution_counts *counts = &executions->counts;
    const struct execution *now = &executions->now;
    bool earlier = now->order >= EXECUTION_OF_EARLIER;
    bool nothing = now->same + now->other == 0;
    if (now->order == 0)
        return;
    if (!now->known && earlier)
        *(nothing ? &counts->earlier_nothing : &counts->earlier_other) += 1;
    else if (!now->known)
        *(nothing ? &counts->gone_nothing : &counts->gone_other) += 1;
    else if (nothing)
        counts->nothing_filled++;
    else if (now->other > 0)
        counts->passed_over++;
    else
        counts->same_order++;
    executions->now = (struct execution){0};
}

static void begin(struct executions *executions, uint64_t order, uint64_t filled_order)
{
    executions->now = (struct execution){
        .order = order,
        .filled_order = filled_order,
        .known = order_map_find(&executions->live, filled_order) != NULL,
    };
}

/* -- Events. ----------------------------------------------------------------------------------- */

static void on_accepted(struct executions *executions, const struct mr_event *event)
{
    const struct mr_book_order_accepted *accepted = mr_event_body(event);
    conclude(executions);
    if (accepted->order >= EXECUTION_FIRST)
        begin(executions, accepted->order, event->correlation);
    else
        set_open(executions, accepted->order, accepted->quantity);
}

static void on_rejected(struct executions *executions, const struct mr_event *event)
{
    const struct mr_book_order_rejected *rejected = mr_event_body(event);
    enum execution_reject kind = EXECUTION_REJECT_NEW;
    conclude(executions);
    if (rejected->action == MR_BOOK_ACTION_CANCEL) {
        kind = EXECUTION_REJECT_CANCEL;
    } else if (rejected->action == MR_BOOK_ACTION_REPLACE) {
        kind = EXECUTION_REJECT_REPLACE;
    } else if (rejected->order >= EXECUTION_FIRST) {
        kind = EXECUTION_REJECT_EXECUTION;
        begin(executions, rejected->order, event->correlation);
    }
    uint32_t last = EXECUTION_REASONS - 1;
    executions->counts.rejects[kind][rejected->reason < last ? rejected->reason : last]++;
}

static void on_trade(struct executions *executions, const struct mr_book_trade *trade)
{
    set_open(executions, trade->maker, trade->maker_remaining);
    if (executions->now.order != 0 && trade->taker == executions->now.order) {
        *(trade->maker == executions->now.filled_order ? &executions->now.same
                                                       : &executions->now.other) += 1;
        return;
    }
    set_open(executions, trade->taker, trade->taker_remaining);
    executions->counts.traded_at_once += executions->trader != trade->taker;
    executions->trader = trade->taker;
}

static void on_cancelled(struct executions *executions,
                         const struct mr_book_order_cancelled *cancelled)
{
    if (executions->now.order != 0 && cancelled->order == executions->now.order) {
        executions->counts.unfilled++;
        executions->counts.unfilled_quantity += cancelled->remaining;
        return;
    }
    conclude(executions);
    set_open(executions, cancelled->order, 0);
}

static void on_replaced(struct executions *executions,
                        const struct mr_book_order_replaced *replaced)
{
    conclude(executions);
    if (replaced->old_order != replaced->order)
        set_open(executions, replaced->old_order, 0);
    set_open(executions, replaced->order, replaced->quantity);
}

void executions_event(struct executions *executions, const struct mr_event *event)
{
    if (event->aggregate_kind != MR_BOOK_AGGREGATE_INSTRUMENT ||
        event->aggregate_id != EXECUTIONS_INSTRUMENT)
        return;
    const void *body = mr_event_body(event);
    switch (event->type) {
    case MR_BOOK_ORDER_ACCEPTED:
        on_accepted(executions, event);
        break;
    case MR_BOOK_ORDER_REJECTED:
        on_rejected(executions, event);
        break;
    case MR_BOOK_TRADE:
        on_trade(executions, body);
        break;
    case MR_BOOK_ORDER_CANCELLED:
        on_cancelled(executions, body);
        break;
    case MR_BOOK_ORDER_REPLACED:
        on_replaced(executions, body);
        break;
    default:
        break;
    }
}

static void on_event(void *context, const struct mr_event *event)
{
    executions_event(context, event);
}

int executions_replay(struct executions *executions, const char *directory, uint64_t to,
                      struct mr_error *error)
{
    const struct mr_replay_options options = {
        .directory = directory,
        .logics = logics_known,
        .to = to,
        .handlers = {.event = on_event, .context = executions},
        .progress = progress_of_sequences,
    };
    struct mr_replay *replay = NULL;
    int status = mr_replay_open(&options, &replay, NULL, error);
    progress_clear();
    mr_replay_close(replay);
    return status;
}

int executions_finish(struct executions *executions, struct mr_error *error)
{
    conclude(executions);
    if (executions->no_memory)
        return mr_error_set(error, MR_E_NO_MEMORY,
                            "no memory to follow %llu orders: all was done, but it is not known "
                            "which of them the executions hit",
                            (unsigned long long)executions->live.count);
    return MR_OK;
}
