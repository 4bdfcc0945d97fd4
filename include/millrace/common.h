/*
 * <millrace/common.h>: the messages that every journal knows, whatever its logic: genesis, sessions
 * and ticks, with the events and reasons that the image itself gives.
 */
#ifndef MILLRACE_COMMON_H
#define MILLRACE_COMMON_H

#include <millrace/catalog.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the time of commands comes from. */
#define MR_CLOCK_VALUES(V)                                                   \
    V(MR_CLOCK_WALL, 0, wall)           /* the machine's; TICKs when idle */ \
    V(MR_CLOCK_INPUT, 1, input)         /* each command brings its own */    \
    V(MR_CLOCK_SIMULATED, 2, simulated) /* the simulator's */
enum mr_clock_kind { MR_CLOCK_VALUES(MR_ENUM_VALUE) };

#define MR_ROLE_VALUES(V)            \
    V(MR_ROLE_SYSTEM, 0, system)     \
    V(MR_ROLE_OPERATOR, 1, operator) \
    V(MR_ROLE_USER, 2, user)

/* -- Commands. --------------------------------------------------------------------------------- */

enum { MR_COMMAND_GENESIS = 1, MR_COMMAND_SESSION_OPEN = 2, MR_COMMAND_TICK = 3 };

/* Body of the first command of a journal; the logic's configuration follows it (`config_size`
 * bytes). The journal's id enters neither image nor events. */
#define MR_GENESIS_FIELDS(F)                                                      \
    F(text32, logic, "", "name of the logic")                                     \
    F(id128, journal, "", "the journal's id")                                     \
    F(u32, logic_version, "", "version of the logic that applies from here")      \
    F(u32, layout_version, "", "version of the layout of the logic's state")      \
    F(u32, sessions_max, "sessions", "sessions that can be open at once")         \
    F(u32, answers_max, "answers", "answers kept for each session at least")      \
    F(u32, timers_max, "timers", "timers that can be set at once")                \
    F(u32, config_size, "bytes", "of the logic's configuration behind this body") \
    F(enum8(mr_clock_kind), clock, "", "where the time of commands comes from")   \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_genesis, MR_GENESIS_FIELDS);

/* Opens a session, which stays. Sent by the engine or an operator. */
#define MR_SESSION_OPEN_FIELDS(F)                                                           \
    F(u64, new_session, "", "number of the session, not 0")                                 \
    F(optional(id128), fingerprint, "", "identifies the input of an importer, zeros: none") \
    F(enum8(mr_role), new_role, "", "what the session may send: operator or user")          \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_session_open, MR_SESSION_OPEN_FIELDS);

/* -- Events. ----------------------------------------------------------------------------------- */

enum {
    MR_EVENT_GENESIS_APPLIED = 1,
    MR_EVENT_SESSION_OPENED = 2,
    MR_EVENT_COMMAND_REJECTED = 3,
};

/* Kinds of aggregates. */
enum { MR_AGGREGATE_SESSION = 1 };

#define MR_GENESIS_APPLIED_FIELDS(F)                                            \
    F(text32, logic, "", "name of the logic")                                   \
    F(u32, logic_version, "", "version of the logic that applies from here")    \
    F(u32, layout_version, "", "version of the layout of the logic's state")    \
    F(u32, sessions_max, "sessions", "sessions that can be open at once")       \
    F(u32, answers_max, "answers", "answers kept for each session at least")    \
    F(u32, timers_max, "timers", "timers that can be set at once")              \
    F(enum8(mr_clock_kind), clock, "", "where the time of commands comes from") \
    F(pad(3), reserved, "", "")
MR_MESSAGE_STRUCT(mr_genesis_applied, MR_GENESIS_APPLIED_FIELDS);

/* Of the aggregate session. */
#define MR_SESSION_OPENED_FIELDS(F)                                               \
    F(id128, fingerprint, "", "identifies the input of an importer, zeros: none") \
    F(enum8(mr_role), new_role, "", "what the session may send")                  \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_session_opened, MR_SESSION_OPENED_FIELDS);

/* Of the aggregate session, if there is such a session. What a logic refuses is told by the events
 * of that logic, not by this one. */
#define MR_COMMAND_REJECTED_FIELDS(F)                              \
    F(u64, request, "", "the command's number within its session") \
    F(reason, reason, "", "why the image refused it")              \
    F(u16, command_type, "", "the command's type")                 \
    F(u8, command_version, "", "the command's version")            \
    F(enum8(mr_role), claimed_role, "", "the role that the command claimed")
MR_MESSAGE_STRUCT(mr_command_rejected, MR_COMMAND_REJECTED_FIELDS);

/* -- Reasons. ---------------------------------------------------------------------------------- */

#define MR_COMMON_REASONS(R)                                                                   \
    R(MR_REASON_UNKNOWN_TYPE, 1, unknown_type, "the catalog has no command of that type")      \
    R(MR_REASON_UNKNOWN_VERSION, 2, unknown_version, "the layout's version is not known")      \
    R(MR_REASON_BAD_LENGTH, 3, bad_length, "the length is not what the type asks for")         \
    R(MR_REASON_BAD_VALUE, 4, bad_value, "a field has a value that it cannot have")            \
    R(MR_REASON_UNKNOWN_SESSION, 5, unknown_session, "no such session is open")                \
    R(MR_REASON_SESSION_EXISTS, 6, session_exists, "a session of that number is open already") \
    R(MR_REASON_SESSIONS_FULL, 7, sessions_full, "as many sessions are open as there can be")  \
    R(MR_REASON_ROLE_DENIED, 8, role_denied,                                                   \
      "the role is not the session's, or may not send such commands")                          \
    R(MR_REASON_TOO_OLD, 9, too_old,                                                           \
      "the request number is not above the last one, and its "                                 \
      "answer is not kept")                                                                    \
    R(MR_REASON_BAD_REQUEST, 10, bad_request, "request numbers begin at 1")                    \
    R(MR_REASON_GENESIS_MISPLACED, 11, genesis_misplaced,                                      \
      "genesis is the first command of a journal and no other")                                \
    R(MR_REASON_TIMERS_FULL, 12, timers_full, "as many timers are set as there can be")
enum mr_common_reason { MR_COMMON_REASONS(MR_REASON_VALUE) };

#ifdef __cplusplus
}
#endif
#endif
