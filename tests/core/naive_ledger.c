#include "tests/core/naive_ledger.h"

#include <stdlib.h>
#include <string.h>

enum { GONE_MAX = 1000 }; /* transfers that are gone, and still take room */

void naive_open(struct naive_ledger *ledger, const struct mr_ledger_config *config)
{
    *ledger = (struct naive_ledger){.config = *config};
    ledger->now.accounts = calloc(config->accounts_max, sizeof(ledger->now.accounts[0]));
    ledger->saved.accounts = calloc(config->accounts_max, sizeof(ledger->saved.accounts[0]));
}

static void state_close(struct naive_state *state)
{
    free(state->accounts);
    free(state->window.at);
    free(state->window.ids);
    free(state->kept.at);
    free(state->kept.ids);
}

void naive_close(struct naive_ledger *ledger)
{
    state_close(&ledger->now);
    state_close(&ledger->saved);
    free(ledger->results);
}

/* -- Lists of transfers. ----------------------------------------------------------------------- */

static void list_reserve(struct naive_list *list, uint32_t room)
{
    if (list->room >= room)
        return;
    list->room = 2 * room + 64;
    list->at = realloc(list->at, list->room * sizeof(list->at[0]));
    list->ids = realloc(list->ids, list->room * sizeof(list->ids[0]));
}

static struct naive_transfer *list_add(struct naive_list *list, struct mr_u128 id)
{
    if (list->first > GONE_MAX) {
        list->end -= list->first;
        memmove(list->at, list->at + list->first, list->end * sizeof(list->at[0]));
        memmove(list->ids, list->ids + list->first, list->end * sizeof(list->ids[0]));
        list->first = 0;
    }
    list_reserve(list, list->end + 1);
    memset(&list->at[list->end], 0, sizeof(list->at[0]));
    list->ids[list->end] = list->at[list->end].record.id = id;
    return &list->at[list->end++];
}

static void list_remove(struct naive_list *list, uint32_t place)
{
    uint32_t behind = list->end - place - 1;
    memmove(list->at + place, list->at + place + 1, behind * sizeof(list->at[0]));
    memmove(list->ids + place, list->ids + place + 1, behind * sizeof(list->ids[0]));
    list->end--;
}

static struct naive_transfer *list_find(const struct naive_list *list, struct mr_u128 id)
{
    for (uint32_t i = list->end; i > list->first; i--) {
        if (mr_u128_equal(list->ids[i - 1], id))
            return &list->at[i - 1];
    }
    return NULL;
}

static void list_copy(struct naive_list *to, const struct naive_list *from)
{
    uint32_t count = from->end - from->first;
    list_reserve(to, count);
    to->first = 0;
    to->end = count;
    if (count == 0)
        return;
    memcpy(to->at, from->at + from->first, count * sizeof(from->at[0]));
    memcpy(to->ids, from->ids + from->first, count * sizeof(from->ids[0]));
}

static uint32_t list_count(const struct naive_list *list)
{
    return list->end - list->first;
}

static void state_copy(struct naive_state *to, const struct naive_state *from)
{
    const struct naive_state room = *to;
    *to = *from;
    to->accounts = room.accounts;
    to->window = room.window;
    to->kept = room.kept;
    memcpy(to->accounts, from->accounts, from->account_count * sizeof(from->accounts[0]));
    list_copy(&to->window, &from->window);
    list_copy(&to->kept, &from->kept);
}

/* -- The window. ------------------------------------------------------------------------------- */

struct naive_transfer *naive_window_add(struct naive_ledger *ledger, struct mr_u128 id)
{
    return list_add(&ledger->now.window, id);
}

bool naive_in_window(const struct naive_list *window, uint64_t timestamp)
{
    for (uint32_t i = window->first; i < window->end; i++) {
        if (!window->at[i].failed && window->at[i].record.timestamp == timestamp)
            return true;
    }
    return false;
}

/* The oldest ones leave the window; those that are pending are kept. */
static void trim(struct naive_ledger *ledger)
{
    struct naive_state *state = &ledger->now;
    while (list_count(&state->window) > ledger->config.transfers_max) {
        const struct naive_transfer *oldest = &state->window.at[state->window.first++];
        if (!oldest->failed)
            state->forgotten_time = oldest->record.timestamp;
        if (wide_of(oldest->record.id) > state->floor)
            state->floor = wide_of(oldest->record.id);
        if (oldest->state == MR_LEDGER_STATE_PENDING)
            *list_add(&state->kept, oldest->record.id) = *oldest;
    }
}

/* What is kept only because it is pending is forgotten when it is not any more. */
static void forget_kept(struct naive_ledger *ledger)
{
    struct naive_list *kept = &ledger->now.kept;
    for (uint32_t i = kept->end; i > kept->first; i--) {
        if (kept->at[i - 1].state != MR_LEDGER_STATE_PENDING)
            list_remove(kept, i - 1);
    }
}

/* -- Batches. ---------------------------------------------------------------------------------- */

void naive_batch(struct naive_ledger *ledger, const struct naive_event *events, uint32_t count)
{
    if (count > ledger->result_room) {
        ledger->result_room = count;
        ledger->results = realloc(ledger->results, count * sizeof(ledger->results[0]));
    }
    ledger->events = events;
    ledger->event_count = count;
    ledger->decided = 0;
    ledger->type = 0;
}

static uint16_t flags_of(const struct naive_event *event)
{
    return event->type == MR_LEDGER_ACCOUNT_CREATE ? event->account.flags : event->transfer.flags;
}

static bool is_linked(const struct naive_event *event)
{
    return (flags_of(event) & MR_LEDGER_LINKED) != 0;
}

static bool is_imported(const struct naive_event *event)
{
    return event->type == MR_LEDGER_ACCOUNT_CREATE
               ? (event->account.flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0
               : (event->transfer.flags & MR_LEDGER_IMPORTED) != 0;
}

static uint32_t apply_one(struct naive_ledger *ledger, const struct naive_event *event,
                          struct naive_result *result)
{
    return event->type == MR_LEDGER_ACCOUNT_CREATE
               ? naive_account_create(ledger, &event->account, result)
               : naive_transfer_create(ledger, &event->transfer, result);
}

/* Whether a reason may pass, so that the id must not be tried again. */
static bool is_transient(uint32_t reason)
{
    switch (reason) {
    case MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND:
    case MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND:
    case MR_LEDGER_PENDING_TRANSFER_NOT_FOUND:
    case MR_LEDGER_EXCEEDS_CREDITS:
    case MR_LEDGER_EXCEEDS_DEBITS:
    case MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED:
    case MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED:
        return true;
    default:
        return false;
    }
}

static void remember_failed(struct naive_ledger *ledger, const struct naive_event *event)
{
    naive_window_add(ledger, event->transfer.id)->failed = true;
}

/* Applies events `first` to `last`, which succeed or fail together; `open`: the batch ends within
 * the chain, which its last event is told, and which makes it fail. */
static void apply_chain(struct naive_ledger *ledger, uint32_t first, uint32_t last, bool open)
{
    uint64_t time_ns = ledger->events[first].time_ns; /* all happens with the first event */
    uint32_t failed = UINT32_MAX;
    if (last > first)
        state_copy(&ledger->saved, &ledger->now);
    for (uint32_t i = first; i <= last; i++) {
        struct naive_result *result = &ledger->results[i];
        uint64_t at = time_ns < MR_LEDGER_TIME_MAX ? time_ns : MR_LEDGER_TIME_MAX;
        ledger->time_ns = at > ledger->time_ns ? at : ledger->time_ns + 1;
        ledger->asked_ns = time_ns;
        memset(result, 0, sizeof(*result));
        result->timestamp = ledger->time_ns;
        if (open && i == last)
            result->reason = MR_LEDGER_LINKED_EVENT_CHAIN_OPEN;
        else if (failed != UINT32_MAX)
            result->reason = MR_LEDGER_LINKED_EVENT_FAILED;
        else
            result->reason = apply_one(ledger, &ledger->events[i], result);
        if (result->reason != 0 && failed == UINT32_MAX)
            failed = i;
    }
    if (failed != UINT32_MAX && last > first)
        state_copy(&ledger->now, &ledger->saved);
    for (uint32_t i = first; failed != UINT32_MAX && i < failed; i++)
        ledger->results[i].reason = MR_LEDGER_LINKED_EVENT_FAILED;
    if (failed != UINT32_MAX && is_transient(ledger->results[failed].reason))
        remember_failed(ledger, &ledger->events[failed]);
    trim(ledger);
    forget_kept(ledger);
}

const struct naive_result *naive_apply(struct naive_ledger *ledger, uint32_t event)
{
    const struct naive_event *events = ledger->events;
    if (event >= ledger->decided) {
        if (events[event].type != ledger->type) {
            ledger->type = events[event].type;
            ledger->imported = is_imported(&events[event]);
        }
        uint32_t last = event;
        while (is_linked(&events[last]) && last + 1 < ledger->event_count &&
               events[last + 1].joins && events[last + 1].type == ledger->type)
            last++;
        apply_chain(ledger, event, last, is_linked(&events[last]));
        ledger->decided = last + 1;
    }
    return &ledger->results[event];
}

uint32_t naive_import_check(const struct naive_ledger *ledger, bool imported, uint64_t timestamp)
{
    if (imported != ledger->imported)
        return ledger->imported ? MR_LEDGER_IMPORTED_EVENT_EXPECTED
                                : MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED;
    if (!imported)
        return timestamp == 0 ? 0 : MR_LEDGER_TIMESTAMP_MUST_BE_ZERO;
    if (timestamp == 0 || timestamp >= UINT64_C(1) << 63)
        return MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE;
    return timestamp < ledger->time_ns ? 0 : MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE;
}

/* -- Expiry. ----------------------------------------------------------------------------------- */

static struct naive_transfer *earlier(struct naive_list *list, struct naive_transfer *first)
{
    for (uint32_t i = list->first; i < list->end; i++) {
        struct naive_transfer *transfer = &list->at[i];
        if (transfer->state != MR_LEDGER_STATE_PENDING || transfer->expires_ns == 0)
            continue;
        if (first == NULL || transfer->expires_ns < first->expires_ns ||
            (transfer->expires_ns == first->expires_ns &&
             transfer->record.timestamp < first->record.timestamp))
            first = transfer;
    }
    return first;
}

static struct naive_transfer *first_to_expire(const struct naive_ledger *ledger)
{
    struct naive_state state = ledger->now;
    return earlier(&state.kept, earlier(&state.window, NULL));
}

uint64_t naive_expiry_next(const struct naive_ledger *ledger)
{
    const struct naive_transfer *first = first_to_expire(ledger);
    return first == NULL ? UINT64_MAX : first->expires_ns;
}

bool naive_expire(struct naive_ledger *ledger, uint64_t time_ns, struct mr_ledger_expired *expired)
{
    struct naive_transfer *first = first_to_expire(ledger);
    if (first == NULL || first->expires_ns > time_ns)
        return false;
    uint64_t at = time_ns < MR_LEDGER_TIME_MAX ? time_ns : MR_LEDGER_TIME_MAX;
    *expired = (struct mr_ledger_expired){
        .id = first->record.id,
        .debit_account_id = first->record.debit_account_id,
        .credit_account_id = first->record.credit_account_id,
        .amount = first->record.amount,
        .timestamp = at > ledger->time_ns ? at : ledger->time_ns,
        .ledger = first->record.ledger,
        .code = first->record.code,
        .flags = first->record.flags,
    };
    naive_release(ledger, first, MR_LEDGER_STATE_EXPIRED);
    forget_kept(ledger);
    return true;
}

/* -- Looking. ---------------------------------------------------------------------------------- */

struct mr_ledger_account *naive_account(const struct naive_ledger *ledger, struct mr_u128 id)
{
    for (uint32_t i = 0; i < ledger->now.account_count; i++) {
        if (mr_u128_equal(ledger->now.accounts[i].id, id))
            return &ledger->now.accounts[i];
    }
    return NULL;
}

struct naive_transfer *naive_transfer(const struct naive_ledger *ledger, struct mr_u128 id)
{
    struct naive_transfer *found = list_find(&ledger->now.window, id);
    return found != NULL ? found : list_find(&ledger->now.kept, id);
}

uint32_t naive_ledgers(const struct naive_ledger *ledger)
{
    const struct mr_ledger_account *accounts = ledger->now.accounts;
    uint32_t count = 0;
    for (uint32_t i = 0; i < ledger->now.account_count; i++) {
        uint32_t first = 0;
        while (accounts[first].ledger != accounts[i].ledger)
            first++;
        count += first == i;
    }
    return count;
}

static uint32_t pending_in(const struct naive_list *list)
{
    uint32_t count = 0;
    for (uint32_t i = list->first; i < list->end; i++)
        count += list->at[i].state == MR_LEDGER_STATE_PENDING;
    return count;
}

uint32_t naive_pending(const struct naive_ledger *ledger)
{
    return pending_in(&ledger->now.window) + pending_in(&ledger->now.kept);
}

struct mr_ledger_totals naive_totals(const struct naive_ledger *ledger)
{
    const struct naive_state *now = &ledger->now;
    uint32_t history_max = ledger->config.history_max;
    return (struct mr_ledger_totals){
        .time_ns = ledger->time_ns,
        .transfers = now->created,
        .floor = narrow(now->floor),
        .accounts = now->account_count,
        .ledgers = naive_ledgers(ledger),
        .remembered = list_count(&now->window),
        .pending = naive_pending(ledger),
        .balances = now->balances < history_max ? (uint32_t)now->balances : history_max,
    };
}
