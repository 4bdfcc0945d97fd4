/*
 * For each result that a transfer can have, how to spoil one so that it gets that (ledger_scene.h).
 * Those of posts and voids begin with posting(), those of retries with retrying().
 */
#ifndef MR_TESTS_CORE_LEDGER_FAULTS_H
#define MR_TESTS_CORE_LEDGER_FAULTS_H

#include "tests/core/ledger_scene.h"

#define FAULT(name, ...)                                  \
    static inline void name(struct ledger_scene *scene)   \
    {                                                     \
        struct mr_ledger_transfer *event = &scene->event; \
        (void)event;                                      \
        __VA_ARGS__;                                      \
    }

/* -- Good ones to begin with. ------------------------------------------------------------------ */

FAULT(good, )
FAULT(posting, *event = ledger_post(NEW, OPEN, ID(5)))
FAULT(voiding, *event = ledger_void(NEW, OPEN))
FAULT(retrying, *event = scene_retried())
FAULT(retrying_post, *event = ledger_post(POST, POSTED, AMOUNT_MAX))
FAULT(pending, event->flags |= MR_LEDGER_PENDING)

/* -- What is said of the request, of the timestamp, and of the id. ----------------------------- */

FAULT(behind_failed, scene->two = true; scene->before.flags |= MR_LEDGER_LINKED;
      scene->before.code = 0)
FAULT(linked_at_end, event->flags |= MR_LEDGER_LINKED)
FAULT(not_imported, scene->two = true; scene->before = ledger_past(scene->before, 1))
FAULT(imported_late, scene->two = true; *event = ledger_past(*event, event->timestamp))
FAULT(with_timestamp, event->timestamp = 1)
FAULT(imported_at_zero, *event = ledger_past(*event, 0))
FAULT(imported_at_2_63, *event = ledger_past(*event, UINT64_C(1) << 63))
FAULT(imported_now, *event = ledger_past(*event, scene->rig.time_ns))
FAULT(with_flag, event->flags |= 0x8000)
FAULT(with_id_zero, event->id = ID(0))
FAULT(with_id_max, event->id = mr_u128_max())

/* -- What is different from what exists. ------------------------------------------------------- */

FAULT(other_flags, event->flags ^= MR_LEDGER_BALANCING_DEBIT)
FAULT(other_pending_id, event->pending_id = ID(SIMPLE))
FAULT(other_timeout, event->timeout = 99)
FAULT(other_debit, event->debit_account_id = ID(OTHER))
FAULT(other_credit, event->credit_account_id = ID(FOREIGN))
FAULT(other_amount, event->amount = ID(11))
FAULT(other_data_128, event->user_data_128 = ID(70))
FAULT(other_data_64, event->user_data_64 = 80)
FAULT(other_data_32, event->user_data_32 = 90)
FAULT(other_ledger, event->ledger = UNKNOWN_UNIT)
FAULT(other_code, event->code = CODE + 1)
FAULT(retrying_without_code, *event = scene_retried(); event->code = 0)
FAULT(of_failed, event->id = ID(FAILED))
FAULT(too_old, scene_fill(scene, 100))
FAULT(too_new, event->id = mr_u128_of(UINT64_MAX, UINT64_MAX - 1))
FAULT(too_many, scene_fill(scene, 100))

/* -- What is wrong with it by itself. ---------------------------------------------------------- */

FAULT(post_and_void, event->flags |= MR_LEDGER_POST | MR_LEDGER_VOID)
FAULT(from_zero, event->debit_account_id = ID(0))
FAULT(from_max, event->debit_account_id = mr_u128_max())
FAULT(to_zero, event->credit_account_id = ID(0))
FAULT(to_max, event->credit_account_id = mr_u128_max())
FAULT(to_itself, event->credit_account_id = event->debit_account_id)
FAULT(with_pending_id, event->pending_id = ID(OPEN))
FAULT(of_pending_zero, event->pending_id = ID(0))
FAULT(of_pending_max, event->pending_id = mr_u128_max())
FAULT(of_itself, event->pending_id = event->id)
FAULT(with_timeout, event->timeout = 5)
FAULT(closing, event->flags |= MR_LEDGER_CLOSING_DEBIT)
FAULT(no_ledger, event->ledger = 0)
FAULT(no_code, event->code = 0)

/* -- What is wrong with it in this ledger. ----------------------------------------------------- */

FAULT(from_nobody, event->debit_account_id = ID(NOBODY))
FAULT(to_nobody, event->credit_account_id = ID(NOBODY_TOO))
FAULT(to_foreign, event->credit_account_id = ID(FOREIGN))
FAULT(of_nothing, event->pending_id = ID(NOBODY))
FAULT(of_simple, event->pending_id = ID(SIMPLE))
FAULT(more_than_pending, event->amount = ID(11))
FAULT(less_than_pending, event->amount = ID(9))
FAULT(of_posted, event->pending_id = ID(POSTED))
FAULT(of_voided, event->pending_id = ID(VOIDED))
FAULT(of_expired, event->pending_id = ID(EXPIRED))
FAULT(imported_at_one, *event = ledger_past(*event, 1))
FAULT(from_late, uint64_t time_ns = scene_late(scene); event->debit_account_id = ID(LATE);
      *event = ledger_past(*event, time_ns))
FAULT(to_late, uint64_t time_ns = scene_late(scene); event->credit_account_id = ID(LATE_TOO);
      *event = ledger_past(*event, time_ns))
FAULT(from_late_too, event->debit_account_id = ID(LATE))
FAULT(to_late_too, event->credit_account_id = ID(LATE_TOO))
FAULT(imported_with_timeout, uint64_t time_ns = scene_late(scene); pending(scene);
      event->timeout = 5; *event = ledger_past(*event, time_ns))
FAULT(from_closed, event->debit_account_id = ID(CLOSED))
FAULT(to_closed, event->credit_account_id = ID(CLOSED_TOO))
FAULT(from_pending_debits, pending(scene); event->debit_account_id = ID(PENDING_DEBITS))
FAULT(to_pending_credits, pending(scene); event->credit_account_id = ID(PENDING_CREDITS))
FAULT(from_posted_debits, event->debit_account_id = ID(POSTED_DEBITS))
FAULT(to_posted_credits, event->credit_account_id = ID(POSTED_CREDITS))
FAULT(from_all_debits, event->amount = ID(5); event->debit_account_id = ID(ALL_DEBITS))
FAULT(to_all_credits, event->amount = ID(5); event->credit_account_id = ID(ALL_CREDITS))
FAULT(beyond_time, pending(scene); event->timeout = UINT32_MAX;
      scene->rig.time_ns = MR_LEDGER_TIME_MAX - SECOND)
FAULT(from_limited, event->debit_account_id = ID(DEBITS_LIMITED))
FAULT(to_limited, event->credit_account_id = ID(CREDITS_LIMITED))

static inline void with_pending_full(struct ledger_scene *scene)
{
    uint64_t id = MANY;
    while (ledger_one(&scene->rig, ledger_pend(id, GIVER, TAKER, 1, 0)) == 0)
        id++;
    scene->event.flags |= MR_LEDGER_PENDING;
}

#undef FAULT

#endif
