/*
 * A logic that uses what an image has to offer: timers that set timers, streams of aggregates,
 * commands on a condition, and commands that take several turns. Freestanding.
 */
#ifndef MR_TESTS_DIGESTS_ALARMS_H
#define MR_TESTS_DIGESTS_ALARMS_H

#include <millrace/common.h>
#include <millrace/logic.h>

#define ALARM_SET_FIELDS(F)                                                       \
    F(u64, alarm, "", "which")                                                    \
    F(optional(u64), expected, "", "the alarm's version")                         \
    F(u64, in_ns, "ns", "when it rings, from now on, and how long between rings") \
    F(u32, rings, "rings", "how often")                                           \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(alarm_set, ALARM_SET_FIELDS);

#define ALARM_CANCEL_FIELDS(F) F(u64, alarm, "", "which")
MR_MESSAGE_STRUCT(alarm_cancel, ALARM_CANCEL_FIELDS);

#define ALARM_COUNT_FIELDS(F)                        \
    F(u32, events, "events", "how many this causes") \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(alarm_count, ALARM_COUNT_FIELDS);

#define ALARM_RANG_FIELDS(F)                                \
    F(u64, rung, "rings", "how often this alarm ever rang") \
    F(u64, all, "events", "of this logic so far")           \
    F(u32, left, "rings", "still to come")                  \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(alarm_rang, ALARM_RANG_FIELDS);

enum {
    ALARM_SET = MR_CATALOG_LOGIC_FIRST,
    ALARM_CANCEL,
    ALARM_COUNT,
    ALARM_RANG = MR_CATALOG_LOGIC_FIRST,
    ALARM_KIND = MR_CATALOG_LOGIC_FIRST,
    ALARMS = 48,
};

extern const struct mr_logic alarms_logic;

#endif
