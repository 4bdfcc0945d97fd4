#include "core/book/report.h"

/* What of a report is the body of its event. */
#define SIZE(type, tag) [(type)-MR_CATALOG_LOGIC_FIRST] = sizeof(struct tag)
static const uint16_t sizes[] = {
    SIZE(MR_BOOK_INSTRUMENT_DEFINED, mr_book_instrument_defined),
    SIZE(MR_BOOK_SETUP_REJECTED, mr_book_setup_rejected),
    SIZE(MR_BOOK_ORDER_ACCEPTED, mr_book_order_accepted),
    SIZE(MR_BOOK_ORDER_REJECTED, mr_book_order_rejected),
    SIZE(MR_BOOK_TRADE, mr_book_trade),
    SIZE(MR_BOOK_ORDER_REPLACED, mr_book_order_replaced),
    SIZE(MR_BOOK_ORDER_CANCELLED, mr_book_order_cancelled),
    SIZE(MR_BOOK_ORDER_REDUCED, mr_book_order_reduced),
    SIZE(MR_BOOK_TOP_OF_BOOK, mr_book_top_of_book),
    SIZE(MR_BOOK_PHASE_CHANGED, mr_book_phase_changed),
    SIZE(MR_BOOK_INSTRUMENT_UPDATED, mr_book_instrument_updated),
    SIZE(MR_BOOK_TICK_BAND_ADDED, mr_book_tick_band_added),
    SIZE(MR_BOOK_ACCOUNT_DEFINED, mr_book_account_defined),
    SIZE(MR_BOOK_ACCOUNT_BLOCKED, mr_book_account_blocked),
    SIZE(MR_BOOK_ACCOUNT_UNBLOCKED, mr_book_account_unblocked),
    SIZE(MR_BOOK_ORDERS_CANCELLED, mr_book_orders_cancelled),
};
#undef SIZE

void mr_book_event_finish(struct mr_book_turn *turn, struct book_instrument *instrument,
                          union mr_book_report *report, uint32_t type)
{
    struct mr_context *context = turn->context;
    uint16_t size = sizes[type - MR_CATALOG_LOGIC_FIRST];
    report->any.type = 0; /* it is padding of the event */
    if (instrument == NULL)
        mr_emit_around(context, (uint16_t)type, 0, size, 0, 0, NULL);
    else
        mr_emit_around(context, (uint16_t)type, 0, size, MR_BOOK_AGGREGATE_INSTRUMENT,
                       instrument->id, &instrument->stream);
}
