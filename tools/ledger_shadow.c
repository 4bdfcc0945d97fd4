#include "tools/ledger_shadow.h"

#include "tools/output.h"

#include <stdlib.h>
#include <string.h>

const char *const ledger_shadow_names[SHADOW_SUMS] = {
    [SHADOW_DEBITS_PENDING] = "debits_pending",
    [SHADOW_DEBITS_POSTED] = "debits_posted",
    [SHADOW_CREDITS_PENDING] = "credits_pending",
    [SHADOW_CREDITS_POSTED] = "credits_posted",
};

static shadow_sum wide(struct mr_u128 value)
{
    return (shadow_sum)value.high << 64 | value.low;
}

static struct number_text text_of(shadow_sum value)
{
    return number_u128(mr_u128_of((uint64_t)(value >> 64), (uint64_t)value));
}

static int no_memory(struct mr_error *error)
{
    return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the ledger's balances");
}

void ledger_shadow_free(struct ledger_shadow *shadow)
{
    free(shadow->accounts);
    free(shadow->pending);
    id_map_free(&shadow->account_ids);
    id_map_free(&shadow->pending_ids);
    *shadow = (struct ledger_shadow){0};
}

/* -- Accounts. --------------------------------------------------------------------------------- */

static struct shadow_account *account_at(const struct ledger_shadow *shadow, uint32_t number)
{
    return &shadow->accounts[number - 1];
}

static int on_account(struct ledger_shadow *shadow, const struct mr_ledger_account *account,
                      struct mr_error *error)
{
    if (id_map_find(&shadow->account_ids, account->id) != 0)
        return mr_error_set(error, MR_E_DIVERGED, "account %s: it was created twice",
                            number_u128(account->id).text);
    if (account->timestamp <= shadow->account_time)
        return mr_error_set(error, MR_E_DIVERGED,
                            "account %s: its timestamp is not above that of the account before",
                            number_u128(account->id).text);
    shadow->account_time = account->timestamp;
    if (shadow->account_count == shadow->account_room) {
        uint32_t room = shadow->account_room == 0 ? 1024 : 2 * shadow->account_room;
        struct shadow_account *accounts = realloc(shadow->accounts, room * sizeof *accounts);
        if (accounts == NULL)
            return no_memory(error);
        shadow->accounts = accounts;
        shadow->account_room = room;
    }
    shadow->accounts[shadow->account_count++] = (struct shadow_account){
        .id = account->id,
        .timestamp = account->timestamp,
        .ledger = account->ledger,
        .flags = account->flags,
    };
    return id_map_add(&shadow->account_ids, account->id, shadow->account_count) ? MR_OK
                                                                                : no_memory(error);
}

/* Adds to one of an account's sums, which are below 2^128 together, by twos. */
static int add(struct shadow_account *account, uint32_t sum, shadow_sum amount,
               struct mr_error *error)
{
    uint32_t other = sum ^ 1U; /* pending and posted of the same side */
    shadow_sum both;
    if (__builtin_add_overflow(account->sums[sum], amount, &account->sums[sum]) ||
        __builtin_add_overflow(account->sums[sum], account->sums[other], &both))
        return mr_error_set(error, MR_E_DIVERGED, "account %s: %s overflows 128 bits",
                            number_u128(account->id).text, ledger_shadow_names[sum]);
    return MR_OK;
}

static int take(struct shadow_account *account, uint32_t sum, shadow_sum amount,
                struct mr_error *error)
{
    if (account->sums[sum] < amount)
        return mr_error_set(error, MR_E_DIVERGED, "account %s: %s falls below 0",
                            number_u128(account->id).text, ledger_shadow_names[sum]);
    account->sums[sum] -= amount;
    return MR_OK;
}

/* What a transfer has made of an account. */
static int check_limits(const struct shadow_account *account, struct mr_error *error)
{
    const shadow_sum *sums = account->sums;
    bool debits = (account->flags & MR_LEDGER_ACCOUNT_DEBITS_LIMITED) != 0;
    bool credits = (account->flags & MR_LEDGER_ACCOUNT_CREDITS_LIMITED) != 0;
    shadow_sum all_debits = sums[SHADOW_DEBITS_PENDING] + sums[SHADOW_DEBITS_POSTED];
    shadow_sum all_credits = sums[SHADOW_CREDITS_PENDING] + sums[SHADOW_CREDITS_POSTED];
    if (debits && all_debits > sums[SHADOW_CREDITS_POSTED])
        return mr_error_set(error, MR_E_DIVERGED,
                            "account %s: its debits are %s, but must not exceed its credits, %s",
                            number_u128(account->id).text, text_of(all_debits).text,
                            text_of(sums[SHADOW_CREDITS_POSTED]).text);
    if (credits && all_credits > sums[SHADOW_DEBITS_POSTED])
        return mr_error_set(error, MR_E_DIVERGED,
                            "account %s: its credits are %s, but must not exceed its debits, %s",
                            number_u128(account->id).text, text_of(all_credits).text,
                            text_of(sums[SHADOW_DEBITS_POSTED]).text);
    return MR_OK;
}

/* -- Transfers. -------------------------------------------------------------------------------- */

static int wrong(const struct mr_ledger_transfer *transfer, const char *what,
                 struct mr_error *error)
{
    return mr_error_set(error, MR_E_DIVERGED, "transfer %s: %s", number_u128(transfer->id).text,
                        what);
}

/* Remembers a pending transfer. */
static int keep(struct ledger_shadow *shadow, struct mr_u128 id,
                const struct shadow_pending *pending, struct mr_error *error)
{
    uint32_t number = shadow->pending_free;
    if (number != 0) {
        shadow->pending_free = shadow->pending[number - 1].next_free;
    } else {
        if (shadow->pending_high == shadow->pending_room) {
            uint32_t room = shadow->pending_room == 0 ? 1024 : 2 * shadow->pending_room;
            struct shadow_pending *list = realloc(shadow->pending, room * sizeof *list);
            if (list == NULL)
                return no_memory(error);
            shadow->pending = list;
            shadow->pending_room = room;
        }
        number = ++shadow->pending_high;
    }
    shadow->pending[number - 1] = *pending;
    return id_map_add(&shadow->pending_ids, id, number) ? MR_OK : no_memory(error);
}

/* Takes a pending transfer out: what it has reserved is free, what it has closed is open. */
static int release(struct ledger_shadow *shadow, struct mr_u128 id, bool reopen,
                   struct shadow_pending *out, struct mr_error *error)
{
    uint32_t number = id_map_find(&shadow->pending_ids, id);
    if (number == 0)
        return mr_error_set(error, MR_E_DIVERGED,
                            "transfer %s: it is posted, voided or expires, but is not pending",
                            number_u128(id).text);
    struct shadow_pending *pending = &shadow->pending[number - 1];
    struct shadow_account *debit = account_at(shadow, pending->debit);
    struct shadow_account *credit = account_at(shadow, pending->credit);
    *out = *pending;
    pending->next_free = shadow->pending_free;
    shadow->pending_free = number;
    id_map_remove(&shadow->pending_ids, id);
    if (reopen && (out->flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        debit->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_CLOSED;
    if (reopen && (out->flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        credit->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_CLOSED;
    int status = take(debit, SHADOW_DEBITS_PENDING, out->amount, error);
    return status == MR_OK ? take(credit, SHADOW_CREDITS_PENDING, out->amount, error) : status;
}

/* Adds on both sides. */
static int move(struct ledger_shadow *shadow, const struct shadow_pending *what, bool pending,
                struct mr_error *error)
{
    struct shadow_account *debit = account_at(shadow, what->debit);
    struct shadow_account *credit = account_at(shadow, what->credit);
    int status =
        add(debit, pending ? SHADOW_DEBITS_PENDING : SHADOW_DEBITS_POSTED, what->amount, error);
    if (status == MR_OK)
        status = add(credit, pending ? SHADOW_CREDITS_PENDING : SHADOW_CREDITS_POSTED, what->amount,
                     error);
    if (status == MR_OK)
        status = check_limits(debit, error);
    return status == MR_OK ? check_limits(credit, error) : status;
}

/* A post or a void. */
static int resolve(struct ledger_shadow *shadow, const struct mr_ledger_transfer *transfer,
                   const struct shadow_pending *what, struct mr_error *error)
{
    bool voids = (transfer->flags & MR_LEDGER_VOID) != 0;
    struct shadow_pending pending = {0};
    int status = release(shadow, transfer->pending_id, voids, &pending, error);
    if (status != MR_OK)
        return status;
    if (pending.debit != what->debit || pending.credit != what->credit)
        return wrong(transfer, "its accounts are not those of the pending transfer", error);
    if (what->amount > pending.amount)
        return wrong(transfer, "it posts more than was reserved", error);
    if (voids && what->amount != pending.amount)
        return wrong(transfer, "it voids less than was reserved", error);
    return voids ? MR_OK : move(shadow, what, false, error);
}

static int check_accounts(const struct ledger_shadow *shadow,
                          const struct mr_ledger_transfer *transfer,
                          const struct shadow_pending *what, struct mr_error *error)
{
    if (what->debit == 0 || what->credit == 0 || what->debit == what->credit)
        return wrong(transfer, "its accounts are not two that there are", error);
    const struct shadow_account *debit = account_at(shadow, what->debit);
    const struct shadow_account *credit = account_at(shadow, what->credit);
    if (debit->ledger != transfer->ledger || credit->ledger != transfer->ledger)
        return wrong(transfer, "it is not of its accounts' ledger", error);
    if ((transfer->flags & MR_LEDGER_VOID) == 0 &&
        ((debit->flags | credit->flags) & MR_LEDGER_ACCOUNT_CLOSED) != 0)
        return wrong(transfer, "one of its accounts is closed", error);
    return MR_OK;
}

static int on_transfer(struct ledger_shadow *shadow, const struct mr_ledger_transfer *transfer,
                       struct mr_error *error)
{
    struct shadow_pending what = {
        .amount = wide(transfer->amount),
        .debit = id_map_find(&shadow->account_ids, transfer->debit_account_id),
        .credit = id_map_find(&shadow->account_ids, transfer->credit_account_id),
        .flags = transfer->flags,
    };
    int status = check_accounts(shadow, transfer, &what, error);
    shadow->transfers++;
    if (status != MR_OK)
        return status;
    if (transfer->timestamp <= shadow->transfer_time)
        return wrong(transfer, "its timestamp is not above that of the transfer before", error);
    shadow->transfer_time = transfer->timestamp;
    if ((transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0)
        return resolve(shadow, transfer, &what, error);
    if ((transfer->flags & MR_LEDGER_PENDING) == 0)
        return move(shadow, &what, false, error);
    if (id_map_find(&shadow->pending_ids, transfer->id) != 0)
        return wrong(transfer, "it was created twice", error);
    status = move(shadow, &what, true, error);
    if ((what.flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        account_at(shadow, what.debit)->flags |= MR_LEDGER_ACCOUNT_CLOSED;
    if ((what.flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        account_at(shadow, what.credit)->flags |= MR_LEDGER_ACCOUNT_CLOSED;
    return status == MR_OK ? keep(shadow, transfer->id, &what, error) : status;
}

static int on_expiry(struct ledger_shadow *shadow, const struct mr_ledger_expired *expired,
                     struct mr_error *error)
{
    struct shadow_pending pending = {0};
    int status = release(shadow, expired->id, true, &pending, error);
    shadow->expired++;
    if (status == MR_OK && pending.amount != wide(expired->amount))
        return mr_error_set(error, MR_E_DIVERGED,
                            "transfer %s: %s were released when it expired, but %s were reserved",
                            number_u128(expired->id).text, number_u128(expired->amount).text,
                            text_of(pending.amount).text);
    return status;
}

int ledger_shadow_event(struct ledger_shadow *shadow, const struct mr_event *event,
                        struct mr_error *error)
{
    switch (event->type) {
    case MR_LEDGER_ACCOUNT_CREATED:
        return on_account(shadow, mr_event_body(event), error);
    case MR_LEDGER_TRANSFER_CREATED:
        return on_transfer(shadow, mr_event_body(event), error);
    case MR_LEDGER_TRANSFER_EXPIRED:
        return on_expiry(shadow, mr_event_body(event), error);
    default:
        return MR_OK;
    }
}
