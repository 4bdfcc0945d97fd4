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
#pragma GCC visibility push(default)

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

enum {
    MR_COMMAND_GENESIS = 1,
    MR_COMMAND_SESSION_OPEN = 2,
    MR_COMMAND_TICK = 3,
    MR_COMMAND_SESSION_CLOSE = 4,
    MR_COMMAND_LOGIC_UPGRADE = 5,
};

/* Body of the first command of a journal; the logic's configuration follows it (`config_size`
 * bytes). The journal's id enters neither image nor events. */
#define MR_GENESIS_FIELDS(F)                                                      \
    F(text32, logic, "", "name of the logic")                                     \
    F(id128, journal, "", "the journal's id")                                     \
    F(optional(u64), session_idle_ns, "ns",                                       \
      "a session that sends nothing for so long is closed; 0: never")             \
    F(u32, logic_version, "", "version of the logic that applies from here")      \
    F(u32, layout_version, "", "version of the layout of the logic's state")      \
    F(u32, sessions_max, "sessions", "sessions that can be open at once")         \
    F(u32, answers_max, "answers", "answers kept for each session at least")      \
    F(u32, timers_max, "timers", "timers that can be set at once")                \
    F(u32, config_size, "bytes", "of the logic's configuration behind this body") \
    F(enum8(mr_clock_kind), clock, "", "where the time of commands comes from")   \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_genesis, MR_GENESIS_FIELDS);

/* Opens a session, which stays until it is closed, or has sent nothing for as long as genesis
 * says. Numbers of sessions that are gone do not come back, lest a command that was sent to one be
 * executed again: what was the highest of them must be exceeded. Sent by the engine or an
 * operator. */
#define MR_SESSION_OPEN_FIELDS(F)                                                           \
    F(u64, new_session, "", "number of the session, not 0")                                 \
    F(optional(id128), fingerprint, "", "identifies the input of an importer, zeros: none") \
    F(enum8(mr_role), new_role, "", "what the session may send: operator or user")          \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_session_open, MR_SESSION_OPEN_FIELDS);

/* Closes a session and forgets its answers. A user may close its own only. */
#define MR_SESSION_CLOSE_FIELDS(F) F(u64, closed_session, "", "number of the session")
MR_MESSAGE_STRUCT(mr_session_close, MR_SESSION_CLOSE_FIELDS);

/* From the next command on a newer version of the logic applies. Sent by the engine alone, and only
 * for a version that it carries (mr_engine_upgrade). */
#define MR_LOGIC_UPGRADE_FIELDS(F)                         \
    F(u32, to_version, "", "the version that shall apply") \
    F(u32, to_layout, "", "version of the layout of its state")
MR_MESSAGE_STRUCT(mr_logic_upgrade, MR_LOGIC_UPGRADE_FIELDS);

/* -- Events. ----------------------------------------------------------------------------------- */

enum {
    MR_EVENT_GENESIS_APPLIED = 1,
    MR_EVENT_SESSION_OPENED = 2,
    MR_EVENT_COMMAND_REJECTED = 3,
    MR_EVENT_SESSION_CLOSED = 4,
    MR_EVENT_LOGIC_UPGRADED = 5,
};

/* Kinds of aggregates. */
enum { MR_AGGREGATE_SESSION = 1 };

#define MR_GENESIS_APPLIED_FIELDS(F)                                                              \
    F(text32, logic, "", "name of the logic")                                                     \
    F(u64, session_idle_ns, "ns", "a session that sends nothing for so long is closed; 0: never") \
    F(u32, logic_version, "", "version of the logic that applies from here")                      \
    F(u32, layout_version, "", "version of the layout of the logic's state")                      \
    F(u32, sessions_max, "sessions", "sessions that can be open at once")                         \
    F(u32, answers_max, "answers", "answers kept for each session at least")                      \
    F(u32, timers_max, "timers", "timers that can be set at once")                                \
    F(enum8(mr_clock_kind), clock, "", "where the time of commands comes from")                   \
    F(pad(3), reserved, "", "")
MR_MESSAGE_STRUCT(mr_genesis_applied, MR_GENESIS_APPLIED_FIELDS);

/* Of the aggregate session. */
#define MR_SESSION_OPENED_FIELDS(F)                                               \
    F(id128, fingerprint, "", "identifies the input of an importer, zeros: none") \
    F(enum8(mr_role), new_role, "", "what the session may send")                  \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_session_opened, MR_SESSION_OPENED_FIELDS);

/* Of the aggregate session. */
#define MR_SESSION_END_VALUES(V)                             \
    V(MR_SESSION_END_CLOSED, 0, closed)   /* by a command */ \
    V(MR_SESSION_END_EXPIRED, 1, expired) /* it sent nothing for too long */
enum mr_session_end { MR_SESSION_END_VALUES(MR_ENUM_VALUE) };
#define MR_SESSION_CLOSED_FIELDS(F)                                       \
    F(u64, last_request, "", "the last number that it had used, 0: none") \
    F(enum8(mr_session_end), why, "", "what ended it")                    \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_session_closed, MR_SESSION_CLOSED_FIELDS);

#define MR_LOGIC_UPGRADED_FIELDS(F)                                             \
    F(u32, from_version, "", "the version that applied so far")                 \
    F(u32, to_version, "", "the version that applies from the next command on") \
    F(u32, from_layout, "", "version of the layout of the state so far")        \
    F(u32, to_layout, "", "version of the layout from the next command on")
MR_MESSAGE_STRUCT(mr_logic_upgraded, MR_LOGIC_UPGRADED_FIELDS);

/* Of the aggregate session, if there is such a session. What a logic refuses is told by the events
 * of that logic, not by this one. */
#define MR_COMMAND_REJECTED_FIELDS(F)                              \
    F(u64, request, "", "the command's number within its session") \
    F(reason, reason, "", "why the image refused it")              \
    F(u16, command_type, "", "the command's type")                 \
    F(u8, command_version, "", "the command's version")            \
    F(enum8(mr_role), claimed_role, "", "the role that the command claimed")
MR_MESSAGE_STRUCT(mr_command_rejected, MR_COMMAND_REJECTED_FIELDS);

/* -- Queries, and the rows that they are answered with. ---------------------------------------- */

enum { MR_QUERY_STATUS = 1, MR_QUERY_SESSION = 2, MR_QUERY_SESSIONS = 3 };
enum { MR_ROW_STATUS = 1, MR_ROW_SESSION = 2 };

/* What the image knows of one session (a user may ask of its own only), and of all, in no order
 * that means anything, a hundred at a time; for operators. */
#define MR_QUERY_SESSION_FIELDS(F) F(u64, id, "", "number of the session")
MR_MESSAGE_STRUCT(mr_query_session, MR_QUERY_SESSION_FIELDS);
#define MR_QUERY_SESSIONS_FIELDS(F) \
    F(optional(u64), after, "", "the `place` of the last row so far; 0: from the beginning")
MR_MESSAGE_STRUCT(mr_query_sessions, MR_QUERY_SESSIONS_FIELDS);

#define MR_ROW_STATUS_FIELDS(F)                                                 \
    F(text32, logic, "", "name of the logic")                                   \
    F(u64, events, "events", "emitted since the beginning")                     \
    F(u64, rejects, "commands", "answered with a reason")                       \
    F(u64, next_timer_ns, "ns",                                                 \
      "when the next timer is due, or session may expire; 0: none is set")      \
    F(u32, logic_version, "", "that applies")                                   \
    F(u32, sessions, "sessions", "that are open")                               \
    F(u32, timers, "timers", "that the logic has set")                          \
    F(enum8(mr_clock_kind), clock, "", "where the time of commands comes from") \
    F(pad(3), reserved, "", "")
MR_MESSAGE_STRUCT(mr_row_status, MR_ROW_STATUS_FIELDS);

#define MR_ROW_SESSION_FIELDS(F)                                                  \
    F(id128, fingerprint, "", "identifies the input of an importer, zeros: none") \
    F(u64, id, "", "number of the session")                                       \
    F(u64, last_request, "", "the last number that it used, 0: none")             \
    F(u64, last_time_ns, "ns", "when it last sent something")                     \
    F(u64, place, "", "where it stands, for asking on from here")                 \
    F(enum8(mr_role), session_role, "", "what it may send")                       \
    F(pad(7), reserved, "", "")
MR_MESSAGE_STRUCT(mr_row_session, MR_ROW_SESSION_FIELDS);

/* -- Reasons. ---------------------------------------------------------------------------------- */

#define MR_COMMON_REASONS(R)                                                                    \
    R(MR_REASON_UNKNOWN_TYPE, 1, unknown_type, "the catalog has no command of that type")       \
    R(MR_REASON_UNKNOWN_VERSION, 2, unknown_version, "the layout's version is not known")       \
    R(MR_REASON_BAD_LENGTH, 3, bad_length, "the length is not what the type asks for")          \
    R(MR_REASON_BAD_VALUE, 4, bad_value, "a field has a value that it cannot have")             \
    R(MR_REASON_UNKNOWN_SESSION, 5, unknown_session, "no such session is open")                 \
    R(MR_REASON_SESSION_EXISTS, 6, session_exists, "a session of that number is open already")  \
    R(MR_REASON_SESSIONS_FULL, 7, sessions_full, "as many sessions are open as there can be")   \
    R(MR_REASON_ROLE_DENIED, 8, role_denied,                                                    \
      "the role is not the session's, or may not send such commands")                           \
    R(MR_REASON_TOO_OLD, 9, too_old,                                                            \
      "the request number is not above the last one, and its "                                  \
      "answer is not kept")                                                                     \
    R(MR_REASON_BAD_REQUEST, 10, bad_request, "request numbers begin at 1")                     \
    R(MR_REASON_GENESIS_MISPLACED, 11, genesis_misplaced,                                       \
      "genesis is the first command of a journal and no other")                                 \
    R(MR_REASON_TIMERS_FULL, 12, timers_full, "as many timers are set as there can be")         \
    R(MR_REASON_SESSION_FORGOTTEN, 13, session_forgotten,                                       \
      "a session of that number, or of a higher one, was closed: numbers do not come back")     \
    R(MR_REASON_VERSION_DIFFERS, 14, version_differs,                                           \
      "the aggregate is not in the version that the command expects")                           \
    R(MR_REASON_NOT_NEWER, 15, not_newer, "the logic has that version already, or a newer one") \
    R(MR_REASON_NOT_FOUND, 16, not_found, "there is no such thing")
enum mr_common_reason { MR_COMMON_REASONS(MR_REASON_VALUE) };

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
