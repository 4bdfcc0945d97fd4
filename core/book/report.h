/*
 * What comes out of the book: reports, which become events when it runs as a logic.
 *
 * Both are written once, where they are read: a report straight into the turn's place for it, the
 * body of an event straight into the outbox (each event has room for 64 bytes there, so the zeros
 * behind a shorter body do no harm: the next event lies over them).
 */
#ifndef MR_CORE_BOOK_REPORT_H
#define MR_CORE_BOOK_REPORT_H

#include "core/book/state.h"

/* Puts an envelope around the body that was just written. */
void mr_book_event_finish(struct mr_book_turn *turn, struct book_instrument *instrument,
                          union mr_book_report *report, uint32_t type);

static inline union mr_book_report *book_report_begin(const struct mr_book_turn *turn)
{
    if (MR_LIKELY(turn->context == NULL))
        return &turn->reports[turn->next & turn->mask];
    const struct mr_outbox *outbox = turn->context->outbox;
    ASSERT(outbox->size - outbox->used >= MR_EVENT_HEADER + sizeof(union mr_book_report));
    return (union mr_book_report *)(void *)(outbox->bytes + outbox->used + MR_EVENT_HEADER);
}

/* `instrument` is the one whose stream the event belongs to; NULL: to none. */
static inline void book_report_end(struct mr_book_turn *turn, struct book_instrument *instrument,
                                   union mr_book_report *report, enum mr_book_event type)
{
    report->any.type = (uint8_t)type;
    turn->next++;
    if (MR_UNLIKELY(turn->context != NULL))
        mr_book_event_finish(turn, instrument, report, type);
}

/* BOOK_REPORT(turn, instrument, MR_BOOK_TRADE, trade, .maker = 1, ...): reports with those members
 * of union mr_book_report's `view`. */
#define BOOK_REPORT(turn, instrument, type, view, ...)            \
    do {                                                          \
        union mr_book_report *report_ = book_report_begin(turn);  \
        __builtin_memset(report_, 0, sizeof(*report_));           \
        report_->view = (__typeof__(report_->view)){__VA_ARGS__}; \
        book_report_end(turn, instrument, report_, type);         \
    } while (0)

static inline void book_report_gone(struct mr_book_turn *turn, struct book_instrument *instrument,
                                    uint64_t order, uint64_t remaining, enum mr_book_cancel cause)
{
    BOOK_REPORT(turn, instrument, MR_BOOK_ORDER_CANCELLED, cancelled, .order = order,
                .remaining = remaining, .instrument = instrument->id, .cause = (uint8_t)cause);
}

static inline void book_report_cancelled(struct mr_book_turn *turn,
                                         struct book_instrument *instrument,
                                         const struct book_order *order, enum mr_book_cancel cause)
{
    book_report_gone(turn, instrument, order->id, order->open, cause);
}

/* Reports that a request about an order did nothing, and returns the reason. `instrument` may be
 * NULL. */
static inline uint32_t book_report_rejected(struct mr_book_turn *turn,
                                            struct book_instrument *instrument,
                                            enum mr_book_action action, uint32_t instrument_id,
                                            uint64_t order, uint32_t reason)
{
    BOOK_REPORT(turn, instrument, MR_BOOK_ORDER_REJECTED, rejected, .order = order,
                .instrument = instrument_id, .reason = reason, .action = (uint8_t)action);
    return reason;
}

/* The same for all other requests; `subject` is the instrument, account or table named. */
static inline uint32_t book_report_setup_rejected(struct mr_book_turn *turn,
                                                  struct book_instrument *instrument,
                                                  enum mr_book_action action, uint64_t subject,
                                                  uint32_t reason)
{
    BOOK_REPORT(turn, instrument, MR_BOOK_SETUP_REJECTED, setup_rejected, .subject = subject,
                .reason = reason, .action = (uint8_t)action);
    return reason;
}

#endif
