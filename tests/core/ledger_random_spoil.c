/* Random steps that bring their own timestamps, and fields that are spoilt. */
#include "tests/core/ledger_random_make.h"

/* That of an account which it names, often of the last one; or the one right before it. */
static uint64_t time_of_account(const struct naive_ledger *naive, struct ledger_step *step,
                                uint64_t at)
{
    const struct mr_ledger_account *last = &naive->now.accounts[naive->now.account_count - 1];
    struct mr_u128 *id = &step->account.id;
    if (step->type == MR_LEDGER_TRANSFER_CREATE)
        id = at % 3 < 2 ? &step->transfer.credit_account_id : &step->transfer.debit_account_id;
    if (step->type == MR_LEDGER_TRANSFER_CREATE && at / 4 % 4 != 0)
        *id = last->id;
    const struct mr_ledger_account *account = naive_account(naive, *id);
    return account == NULL ? 1 : account->timestamp - (at / 16 % 4 != 0);
}

void random_import(struct ledger_world *world, const struct naive_ledger *naive,
                   struct ledger_step *step)
{
    bool is_account = step->type == MR_LEDGER_ACCOUNT_CREATE;
    uint64_t last = is_account ? naive->now.account_time : naive->now.transfer_time;
    uint64_t more = 1 + pick(world, 300);
    uint64_t dice = pick(world, 100);
    uint64_t at = mr_random_u64(&world->random);
    const struct naive_list *window = &naive->now.window;
    uint64_t timestamp = last + more;
    if (dice < 5 && naive->now.account_count > 0)
        timestamp = time_of_account(naive, step, at);
    else if (dice < 10 && window->end > window->first)
        timestamp = window->at[window->first + at % (window->end - window->first)].record.timestamp;
    else if (dice == 10)
        timestamp = 0;
    else if (dice == 11)
        timestamp = (UINT64_C(1) << 63) - at % 2;
    else if (dice < 14)
        timestamp = world->time_ns + at % 3;
    if (is_account) {
        step->account.timestamp = timestamp;
        step->account.flags |= MR_LEDGER_ACCOUNT_IMPORTED;
    } else {
        step->transfer.timestamp = timestamp;
        step->transfer.flags |= MR_LEDGER_IMPORTED;
        if (dice < 90)
            step->transfer.timeout = 0;
    }
}

/* Zero, the largest, or one off. */
static void spoil_u128(struct ledger_world *world, struct mr_u128 *value)
{
    uint64_t dice = pick(world, 4);
    if (dice == 0)
        *value = mr_u128_of(0, 0);
    else if (dice == 1)
        *value = mr_u128_max();
    else
        value->low += dice == 2 ? 1 : UINT64_MAX;
}

static void spoil_account(struct ledger_world *world, struct mr_ledger_account *account)
{
    uint64_t field = pick(world, 10), bit = pick(world, 7), few = pick(world, 3);
    switch (field) {
    case 0:
        spoil_u128(world, &account->id);
        break;
    case 1:
        random_balance(world, account)->low = 1;
        break;
    case 2:
        account->user_data_128.low += 1 + few;
        break;
    case 3:
        account->user_data_64 += 1 + few;
        break;
    case 4:
        account->user_data_32 += 1 + (uint32_t)few;
        break;
    case 5:
        account->reserved = (uint32_t)few;
        break;
    case 6:
        account->ledger = (uint32_t)few;
        break;
    case 7:
        account->code = (uint16_t)few;
        break;
    case 8:
        account->timestamp = few;
        break;
    default:
        account->flags ^= (uint16_t)(1U << bit);
        if (few == 0)
            account->flags |= MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED;
        break;
    }
}

static void spoil_transfer(struct ledger_world *world, struct mr_ledger_transfer *transfer)
{
    struct mr_u128 *const ids[] = {&transfer->id, &transfer->debit_account_id,
                                   &transfer->credit_account_id, &transfer->pending_id};
    uint64_t field = pick(world, 13), bit = pick(world, 10), few = pick(world, 3);
    switch (field) {
    case 0:
    case 1:
        spoil_u128(world, PICK(world, ids));
        break;
    case 2:
        transfer->debit_account_id = transfer->credit_account_id;
        break;
    case 3:
        transfer->pending_id = few == 0 ? transfer->id : account_id(few);
        break;
    case 4:
        spoil_u128(world, &transfer->amount);
        break;
    case 5:
        transfer->user_data_128.low += 1 + few;
        break;
    case 6:
        transfer->user_data_64 += 1 + few;
        break;
    case 7:
        transfer->user_data_32 += 1 + (uint32_t)few;
        break;
    case 8:
        transfer->timeout = (uint32_t)few;
        break;
    case 9:
        transfer->ledger = (uint32_t)few;
        break;
    case 10:
        transfer->code = (uint16_t)few;
        break;
    case 11:
        transfer->timestamp = few;
        break;
    default:
        transfer->flags ^= (uint16_t)(1U << bit);
        break;
    }
}

void random_spoil(struct ledger_world *world, struct ledger_step *step)
{
    if (step->type == MR_LEDGER_ACCOUNT_CREATE)
        spoil_account(world, &step->account);
    else
        spoil_transfer(world, &step->transfer);
}
