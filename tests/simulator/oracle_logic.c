/*
 * The counter and the till once more, naively.
 */
#include "tests/simulator/oracle.h"

static void emit_moved(struct oracle *oracle, uint64_t account, uint32_t turn, uint32_t step,
                       uint32_t ahead)
{
    struct oracle_account *of = &oracle->accounts[account];
    struct till_moved *moved =
        oracle_emit(oracle, TILL_MOVED, sizeof *moved, TILL_ACCOUNT, account, &of->stream);
    moved->balance = of->balance;
    moved->turn = turn;
    moved->step = step;
    moved->place = oracle->place.before;
    moved->ahead = ahead;
}

static bool set_timer(struct oracle *oracle, uint64_t account, uint64_t due_ns, int64_t amount,
                      uint32_t repeat)
{
    if (oracle->logic_timers == oracle->timers_max) {
        return false;
    }
    struct oracle_account *of = &oracle->accounts[account];
    of->timers++;
    of->last_timer = oracle_timer_set(
        oracle, &(struct oracle_timer){
                    .due_ns = due_ns, .id = account, .kind = till_timer_kind(amount, repeat)});
    return true;
}

void oracle_logic_fire(struct oracle *oracle, const struct oracle_timer *timer)
{
    struct oracle_account *account = &oracle->accounts[timer->id];
    if (account->last_timer == timer->order) {
        account->last_timer = 0;
    }
    int64_t amount = (int16_t)(timer->kind & 0xffff);
    if (amount > 0) {
        account->balance += amount;
    }
    emit_moved(oracle, timer->id, 0, 0, 0);
    if (timer->kind >> 16 > 0) {
        (void)set_timer(oracle, timer->id, timer->due_ns + TILL_REPEAT_NS, amount,
                        (timer->kind >> 16) - 1);
    }
}

static uint32_t move_money(struct oracle *oracle, const struct till_move *move)
{
    if (move->account >= oracle->accounts_max) {
        return TILL_NO_ACCOUNT;
    }
    if (move->burst >= oracle->burst_max || move->turns > TILL_TURNS_MAX ||
        move->repeat > TILL_REPEATS_MAX) {
        return TILL_BAD_MOVE;
    }
    if (oracle->version >= 3 && move->amount > TILL_MOVE_MAX) {
        return TILL_TOO_MUCH;
    }
    if (move->delay_ns > 0) {
        return set_timer(oracle, move->account, oracle->time_ns + move->delay_ns, move->amount,
                         move->repeat)
                   ? 0
                   : TILL_NO_TIMER;
    }
    int64_t fee = oracle->version >= 2 && move->amount < 0 ? (int64_t)oracle->fee : 0;
    struct oracle_account *account = &oracle->accounts[move->account];
    if (account->balance + move->amount < fee) {
        return TILL_EMPTY;
    }
    for (uint32_t turn = 0; turn <= move->turns; turn++) {
        if (turn == move->turns) {
            account->balance += move->amount - fee;
            oracle->fees += (uint64_t)fee;
        }
        for (uint32_t step = 0; step <= move->burst; step++) {
            emit_moved(oracle, move->account, turn, step, oracle->place.behind);
        }
    }
    return 0;
}

static uint32_t cancel(struct oracle *oracle, uint64_t number)
{
    if (number >= oracle->accounts_max) {
        return TILL_NO_ACCOUNT;
    }
    struct oracle_account *account = &oracle->accounts[number];
    if (account->last_timer == 0) {
        return TILL_NO_TIMER;
    }
    (void)oracle_timer_take(oracle, account->last_timer);
    oracle->cancelled++;
    account->last_timer = 0;
    emit_moved(oracle, number, 0, 0, oracle->place.behind);
    return 0;
}

uint32_t oracle_logic_apply(struct oracle *oracle, const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    if (oracle->counts) {
        oracle->total += ((const struct counter_add *)body)->amount;
        struct counter_added *added = oracle_emit(oracle, COUNTER_ADDED, sizeof *added, 0, 0, NULL);
        added->total = oracle->total;
        return 0;
    }
    switch (command->type) {
    case TILL_MOVE:
        return move_money(oracle, body);
    case TILL_CANCEL:
        return cancel(oracle, ((const struct till_cancel *)body)->account);
    case TILL_FEE:
        oracle->fee = ((const struct till_fee *)body)->fee;
        struct till_fee_set *set = oracle_emit(oracle, TILL_FEE_SET, sizeof *set, 0, 0, NULL);
        set->fee = oracle->fee;
        return 0;
    default:
        return 0; /* a note */
    }
}

void oracle_logic_upgrade(struct oracle *oracle)
{
    if (oracle->version < 4 && oracle->next_version == 4) {
        oracle->fees_before = oracle->fees;
    }
    oracle->version = oracle->next_version;
}

uint32_t oracle_logic_size(const struct oracle *oracle, uint16_t type, bool *tail, uint32_t *roles)
{
    *tail = false;
    *roles = MR_ROLE_BIT(MR_ROLE_USER);
    if (oracle->counts) {
        return type == COUNTER_ADD ? (uint32_t)sizeof(struct counter_add) : UINT32_MAX;
    }
    switch (type) {
    case TILL_MOVE:
        return sizeof(struct till_move);
    case TILL_CANCEL:
        return sizeof(struct till_cancel);
    case TILL_NOTE:
        *tail = true;
        *roles |= MR_ROLE_BIT(MR_ROLE_OPERATOR);
        return sizeof(struct till_note);
    case TILL_FEE:
        *roles = MR_ROLE_BIT(MR_ROLE_OPERATOR);
        return oracle->version >= 2 ? (uint32_t)sizeof(struct till_fee) : UINT32_MAX;
    default:
        return UINT32_MAX;
    }
}

bool oracle_logic_condition(const struct oracle *oracle, const struct mr_command *command,
                            uint64_t *count, uint64_t *expected)
{
    if (oracle->counts || command->type != TILL_MOVE) {
        return false;
    }
    const struct till_move *move = mr_command_body(command);
    *expected = move->expected;
    *count =
        move->account < oracle->accounts_max ? oracle->accounts[move->account].stream.count : 0;
    return true;
}

void oracle_logic_query(const struct oracle *oracle, const struct mr_query *query,
                        struct mr_reply *reply, unsigned char *rows, uint32_t size)
{
    if (oracle->counts) {
        struct counter_added *row = oracle_row(reply, rows, size, COUNTER_ROW, sizeof *row);
        if (row != NULL) {
            row->total = oracle->total;
        }
        return;
    }
    uint64_t from = ((const struct till_query *)mr_query_body(query))->from;
    if (from >= oracle->accounts_max) {
        reply->result = MR_REASON_NOT_FOUND;
        return;
    }
    for (uint64_t i = from; i < oracle->accounts_max; i++) {
        struct till_row *row = oracle_row(reply, rows, size, TILL_ROW, sizeof *row);
        if (row == NULL) {
            return;
        }
        row->account = i;
        row->balance = oracle->accounts[i].balance;
        row->events = oracle->accounts[i].stream.count;
    }
}
