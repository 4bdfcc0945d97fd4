/*
 * The common catalog: what <millrace/common.h> declares, as tables.
 */
#include "core/catalog/value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    SYSTEM = MR_ROLE_BIT(MR_ROLE_SYSTEM),
    OPERATORS = MR_ROLE_BIT(MR_ROLE_SYSTEM) | MR_ROLE_BIT(MR_ROLE_OPERATOR),
    EVERYBODY = OPERATORS | MR_ROLE_BIT(MR_ROLE_USER),
};

MR_ENUM_NAMES(mr_clock_kind, MR_CLOCK_VALUES);
MR_ENUM_NAMES(mr_session_end, MR_SESSION_END_VALUES);

/* Roles stand in headers, too; see core/catalog/value.h. */
static const char *const role_names[] = {MR_ROLE_VALUES(MR_ENUM_NAME_)};
const struct mr_enum_names mr_role_names = {role_names, COUNT(role_names)};

static const struct mr_message commands[] = {
    MR_COMMAND_WITH_TAIL(MR_COMMAND_GENESIS, mr_genesis, genesis, MR_GENESIS_FIELDS, SYSTEM,
                         "begins a journal: its logic, its limits, its clock"),
    MR_COMMAND(MR_COMMAND_SESSION_OPEN, mr_session_open, session_open, MR_SESSION_OPEN_FIELDS,
               OPERATORS, "opens a session"),
    MR_COMMAND_EMPTY(MR_COMMAND_TICK, tick, SYSTEM, "carries the time to the timers"),
    MR_COMMAND(MR_COMMAND_SESSION_CLOSE, mr_session_close, session_close, MR_SESSION_CLOSE_FIELDS,
               EVERYBODY, "closes a session"),
    MR_COMMAND(MR_COMMAND_LOGIC_UPGRADE, mr_logic_upgrade, logic_upgrade, MR_LOGIC_UPGRADE_FIELDS,
               SYSTEM, "lets a newer version of the logic apply from the next command on"),
};

static const struct mr_message events[] = {
    MR_EVENT(MR_EVENT_GENESIS_APPLIED, mr_genesis_applied, genesis_applied,
             MR_GENESIS_APPLIED_FIELDS, 0, "the journal has begun"),
    MR_EVENT(MR_EVENT_SESSION_OPENED, mr_session_opened, session_opened, MR_SESSION_OPENED_FIELDS,
             MR_AGGREGATE_SESSION, "a session has been opened"),
    MR_EVENT(MR_EVENT_COMMAND_REJECTED, mr_command_rejected, command_rejected,
             MR_COMMAND_REJECTED_FIELDS, MR_AGGREGATE_SESSION,
             "a command was refused before it reached the logic"),
    MR_EVENT(MR_EVENT_SESSION_CLOSED, mr_session_closed, session_closed, MR_SESSION_CLOSED_FIELDS,
             MR_AGGREGATE_SESSION, "a session is gone"),
    MR_EVENT(MR_EVENT_LOGIC_UPGRADED, mr_logic_upgraded, logic_upgraded, MR_LOGIC_UPGRADED_FIELDS,
             0, "a newer version of the logic applies from the next command on"),
};

static const struct mr_message queries[] = {
    MR_QUERY_EMPTY(MR_QUERY_STATUS, status, EVERYBODY, "the image as a whole"),
    MR_QUERY(MR_QUERY_SESSION, mr_query_session, session, MR_QUERY_SESSION_FIELDS, EVERYBODY,
             "one session; a user's own"),
    MR_QUERY(MR_QUERY_SESSIONS, mr_query_sessions, sessions, MR_QUERY_SESSIONS_FIELDS, OPERATORS,
             "the sessions that are open"),
};

static const struct mr_message rows[] = {
    MR_ROW(MR_ROW_STATUS, mr_row_status, status, MR_ROW_STATUS_FIELDS, "the image as a whole"),
    MR_ROW(MR_ROW_SESSION, mr_row_session, session, MR_ROW_SESSION_FIELDS, "a session"),
};

static const struct mr_reason reasons[] = {MR_COMMON_REASONS(MR_REASON_ROW)};

static const struct mr_aggregate_kind aggregates[] = {{MR_AGGREGATE_SESSION, "session"}};

const struct mr_catalog mr_catalog_common = {
    .commands = commands,
    .events = events,
    .reasons = reasons,
    .aggregates = aggregates,
    .command_count = COUNT(commands),
    .event_count = COUNT(events),
    .reason_count = COUNT(reasons),
    .aggregate_count = COUNT(aggregates),
    .queries = queries,
    .rows = rows,
    .query_count = COUNT(queries),
    .row_count = COUNT(rows),
};
