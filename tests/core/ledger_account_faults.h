/* For each result that an account can have, how to spoil one so that it gets that. */
#ifndef MR_TESTS_CORE_LEDGER_ACCOUNT_FAULTS_H
#define MR_TESTS_CORE_LEDGER_ACCOUNT_FAULTS_H

#include "tests/core/ledger_scene.h"

#define FAULT(name, ...)                                          \
    static inline void account_##name(struct ledger_scene *scene) \
    {                                                             \
        struct mr_ledger_account *event = &scene->account;        \
        (void)event;                                              \
        __VA_ARGS__;                                              \
    }

FAULT(good, )
FAULT(retrying, *event = ledger_new_account(GIVER, 0))
FAULT(retrying_with_other_code, *event = ledger_new_account(GIVER, 0); event->code = CODE + 1;
      event->debits_pending = ID(1))
FAULT(retrying_with_balance, *event = ledger_new_account(GIVER, 0); event->debits_pending = ID(1))
FAULT(behind_failed, scene->two = true; scene->account_before.flags |= MR_LEDGER_ACCOUNT_LINKED;
      scene->account_before.code = 0)
FAULT(linked_at_end, event->flags |= MR_LEDGER_ACCOUNT_LINKED)
FAULT(not_imported, scene->two = true; scene->account_before = ledger_past_account(NEW + 1, 1))
FAULT(imported_late, scene->two = true; event->flags |= MR_LEDGER_ACCOUNT_IMPORTED)
FAULT(with_timestamp, event->timestamp = 1)
FAULT(imported_at_zero, event->flags |= MR_LEDGER_ACCOUNT_IMPORTED; event->timestamp = 0)
FAULT(imported_at_2_63, event->flags |= MR_LEDGER_ACCOUNT_IMPORTED;
      event->timestamp = UINT64_C(1) << 63)
FAULT(imported_now, event->flags |= MR_LEDGER_ACCOUNT_IMPORTED;
      event->timestamp = scene->rig.time_ns)
FAULT(with_reserved, event->reserved = 1)
FAULT(with_flag, event->flags |= 0x8000)
FAULT(with_id_zero, event->id = ID(0))
FAULT(with_id_max, event->id = mr_u128_max())
FAULT(other_flags, event->flags ^= MR_LEDGER_ACCOUNT_HISTORY)
FAULT(other_data_128, event->user_data_128 = ID(70))
FAULT(other_data_64, event->user_data_64 = 80)
FAULT(other_data_32, event->user_data_32 = 90)
FAULT(other_ledger, event->ledger = FOREIGN_UNIT)
FAULT(other_code, event->code = CODE + 1)
FAULT(with_both_limits,
      event->flags |= MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED)
FAULT(with_debits_pending, event->debits_pending = ID(1))
FAULT(with_debits_posted, event->debits_posted = mr_u128_of(1, 0))
FAULT(with_credits_pending, event->credits_pending = ID(1))
FAULT(with_credits_posted, event->credits_posted = mr_u128_of(1, 0))
FAULT(no_ledger, event->ledger = 0)
FAULT(no_code, event->code = 0)
FAULT(imported_at_one, event->flags |= MR_LEDGER_ACCOUNT_IMPORTED; event->timestamp = 1)
FAULT(of_unknown_ledger, event->ledger = UNKNOWN_UNIT)

static inline void account_one_too_many(struct ledger_scene *scene)
{
    uint64_t id = MANY;
    while (ledger_one_account(&scene->rig, ledger_new_account(id, 0)) == 0)
        id++;
}

#undef FAULT

#endif
