/*
 * <millrace/catalog.h>: one table describes every message once.
 *
 * A logic states the fields of each command and event in a list; the C struct, the table of fields,
 * the text form, JSON and the printed catalog all follow from that list:
 *
 *     #define ADD_FIELDS(F) F(i64, amount, "units", "how much is added; may be negative")
 *     MR_MESSAGE_STRUCT(add, ADD_FIELDS);           // struct add { int64_t amount; };
 *
 *     static const struct mr_message commands[] = {
 *         MR_COMMAND(ADD, add, add, ADD_FIELDS, MR_ROLE_BIT(MR_ROLE_USER), "adds to the counter"),
 *     };
 *     static const struct mr_catalog catalog = {.commands = commands, .command_count = 1};
 *
 * A field is F(kind, name, unit, meaning). Its kind is one of
 *
 *     u8 u16 u32 u64 i64   numbers
 *     u128                 a number of 128 bits (struct mr_u128); quoted in JSON
 *     flags16(e)           a uint16_t whose bits have the names that MR_ENUM_NAMES(e, ...) gave to
 *                          their places (0 to 15), written as names with commas between
 *     id128                16 bytes, written as 32 hex digits
 *     text16 text32        so many bytes of printable ASCII without spaces, zero-padded
 *     reason               a uint32_t that holds 0 or a reason of the catalog, written by its name
 *     enum8(e)             a byte whose values have the names that MR_ENUM_NAMES(e, ...) gave them
 *     pad(n)               n bytes that are zero and never shown
 *     optional(kind)       as `kind`, but the text form may leave it out; it is zero then
 *
 * Fields lie in the order listed and without hidden padding, and a body is a multiple of 8 bytes:
 * both are checked at compile time. List them by falling size and end with a pad.
 */
#ifndef MILLRACE_CATALOG_H
#define MILLRACE_CATALOG_H

#include <millrace/message.h>
#include <millrace/u128.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mr_field_kind {
    MR_FIELD_u8,
    MR_FIELD_u16,
    MR_FIELD_u32,
    MR_FIELD_u64,
    MR_FIELD_i64,
    MR_FIELD_id128,
    MR_FIELD_text16,
    MR_FIELD_text32,
    MR_FIELD_reason,
    MR_FIELD_enum8,
    MR_FIELD_pad,
    MR_FIELD_u128,
    MR_FIELD_flags16
};

enum { MR_FIELDS_MAX = 64 }; /* of a message */

struct mr_enum_names {
    const char *const *names; /* names[value]; NULL entries are no values */
    uint32_t count;
};

struct mr_field {
    uint16_t offset; /* in the body */
    uint16_t size;   /* bytes */
    enum mr_field_kind kind;
    bool optional;                     /* the text form may leave it out: zero */
    const struct mr_enum_names *names; /* of an enum8 or flags16, else NULL */
    const char *name;                  /* unique in its message */
    const char *unit;                  /* "": a plain number or name */
    const char *meaning;               /* without the full stop */
};

struct mr_message {
    const char *name;        /* unique among its catalog's commands, or events; lower_case */
    const char *meaning;     /* without the full stop */
    uint16_t type;           /* see struct mr_catalog */
    uint8_t version;         /* of the layout, from 0 */
    uint8_t roles;           /* mask of MR_ROLE_BIT that may send (ask) it */
    uint16_t aggregate_kind; /* events and commands: the stream they belong to, 0: none */
    uint16_t size;           /* of the body in bytes, a multiple of 8 */
    const struct mr_field *fields;
    uint16_t field_count;
    bool tail; /* more bytes may follow the body (genesis: the logic's configuration) */
    /* Commands: where in the body the u64 field with the aggregate's id lies, and the one with the
     * version that the sender expects it to have (see MR_COMMAND_IF), each plus 1; 0: none. */
    uint16_t aggregate_at, expected_at;
};

struct mr_reason {
    uint32_t code; /* not 0 */
    const char *name;
    const char *meaning;
};

struct mr_aggregate_kind {
    uint16_t kind; /* not 0 */
    const char *name;
};

/* Types are dense: those of a logic rise from MR_CATALOG_LOGIC_FIRST, in the order of the table
 * (commands, events, queries and rows each for themselves), so that the hot path finds a type by
 * its index. A type that is no longer sent keeps its row, with no role that may send it. */
struct mr_catalog {
    const struct mr_message *commands;
    const struct mr_message *events;
    const struct mr_reason *reasons;
    const struct mr_aggregate_kind *aggregates;
    uint16_t command_count, event_count, reason_count, aggregate_count;
    const struct mr_message *queries; /* what can be asked */
    const struct mr_message *rows;    /* what replies consist of */
    uint16_t query_count, row_count;
};

/* Every catalog is used together with the common one (genesis, sessions, ticks), whose types,
 * reasons and aggregate kinds lie below MR_CATALOG_LOGIC_FIRST; a logic's own begin there. */
enum { MR_CATALOG_LOGIC_FIRST = 64 };
extern const struct mr_catalog mr_catalog_common;

/* All of the following: any thread; wait-free; `catalog` is a logic's, NULL: the common one alone.
 */

/* The message of that type in `catalog` or the common catalog; NULL: none. */
const struct mr_message *mr_catalog_command(const struct mr_catalog *catalog, uint16_t type);
const struct mr_message *mr_catalog_event(const struct mr_catalog *catalog, uint16_t type);
/* The command of that name (`length` bytes, no zero needed); NULL: none. */
const struct mr_message *mr_catalog_command_named(const struct mr_catalog *catalog,
                                                  const char *name, size_t length);
const struct mr_message *mr_catalog_event_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length);
/* The same for queries and rows. */
const struct mr_message *mr_catalog_query(const struct mr_catalog *catalog, uint16_t type);
const struct mr_message *mr_catalog_row(const struct mr_catalog *catalog, uint16_t type);
const struct mr_message *mr_catalog_query_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length);
/* The reason with that code; NULL: none (0, too, is no reason). */
const struct mr_reason *mr_catalog_reason(const struct mr_catalog *catalog, uint32_t code);
const struct mr_reason *mr_catalog_reason_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length);
/* "unknown" when there is none, "none" for 0. */
const char *mr_catalog_reason_name(const struct mr_catalog *catalog, uint32_t code);
/* The kind of aggregate with that number; NULL: none (0, too, is none). */
const struct mr_aggregate_kind *mr_catalog_aggregate(const struct mr_catalog *catalog,
                                                     uint16_t kind);
/* NULL when the catalog is well formed (dense types, unique names, no field that is called like a
 * key of the header, sane sizes), else what is wrong with it. The second does so for a message
 * alone, such as a logic's configuration (which is no event). */
const char *mr_catalog_flaw(const struct mr_catalog *catalog);
const char *mr_message_flaw(const struct mr_message *message, bool event);

/* -- Deriving structs and tables from a list of fields. ---------------------------------------- */

/* clang-format off */

/* The struct `tag` of a message's body. */
#define MR_MESSAGE_STRUCT(tag, FIELDS)                                                     \
    struct tag {                                                                           \
        FIELDS(MR_FIELD_MEMBER_)                                                           \
    };                                                                                     \
    MR_STATIC_ASSERT(sizeof(struct tag) % 8 == 0, #tag ": not a multiple of 8, add a pad"); \
    MR_STATIC_ASSERT(sizeof(struct tag) == 0 FIELDS(MR_FIELD_PLUS_SIZE_), #tag ": hidden padding")

/* The initializer of an array of struct mr_field that describes struct `tag`. */
#define MR_MESSAGE_FIELDS(tag, FIELDS)          \
    {                                           \
        FIELDS(MR_FIELD_ROW_ MR_LATER_() (tag)) \
    }
#define MR_MESSAGE_FIELD_COUNT(FIELDS) (0 FIELDS(MR_FIELD_PLUS_ONE_))

/* The row of a table of commands: `type` has a body of struct `tag`, is called `name`, and may be
 * sent by those in `roles` (a mask of MR_ROLE_BIT). */
#define MR_COMMAND(type, tag, name, FIELDS, roles, meaning) \
    MR_COMMAND_V(0, type, tag, name, FIELDS, roles, meaning)
/* The row of a table of events, which belong to aggregates of that kind (0: none). */
#define MR_EVENT(type, tag, name, FIELDS, aggregate_kind, meaning) \
    MR_EVENT_V(0, type, tag, name, FIELDS, aggregate_kind, meaning)
/* A command behind whose body more bytes may follow. */
#define MR_COMMAND_WITH_TAIL(type, tag, name, FIELDS, roles, meaning) \
    MR_MESSAGE_(0, type, tag, name, FIELDS, roles, 0, meaning, true, 0, 0)
/* A command without body. */
#define MR_COMMAND_EMPTY(type, name, roles, meaning) \
    {#name, meaning, type, 0, roles, 0, 0, NULL, 0, false, 0, 0}
/* A command to one aggregate, of that kind: its u64 field `id` says which. */
#define MR_COMMAND_ON(type, tag, name, FIELDS, roles, aggregate_kind, id, meaning) \
    MR_COMMAND_ON_V(0, type, tag, name, FIELDS, roles, aggregate_kind, id, meaning)
/* The same, on a condition: its u64 field `expected` says how many events the aggregate's stream
 * has had when the sender last looked. 0: whatever it is; MR_EXPECT_NEW: none, it is new. When it
 * differs, the command is rejected with MR_REASON_VERSION_DIFFERS, without effect (optimistic
 * concurrency). The logic has to give `stream` (<millrace/logic.h>). */
#define MR_COMMAND_IF(type, tag, name, FIELDS, roles, aggregate_kind, id, expected, meaning) \
    MR_COMMAND_IF_V(0, type, tag, name, FIELDS, roles, aggregate_kind, id, expected, meaning)
#define MR_EXPECT_NEW UINT64_MAX
/* The row of a table of queries, which those in `roles` may ask; and of a table of rows. */
#define MR_QUERY(type, tag, name, FIELDS, roles, meaning) \
    MR_QUERY_V(0, type, tag, name, FIELDS, roles, meaning)
#define MR_QUERY_EMPTY(type, name, roles, meaning) MR_COMMAND_EMPTY(type, name, roles, meaning)
#define MR_ROW(type, tag, name, FIELDS, meaning) MR_ROW_V(0, type, tag, name, FIELDS, meaning)
/* A logic's configuration (struct mr_logic's `config`). */
#define MR_CONFIG(tag, name, FIELDS, meaning) \
    MR_MESSAGE_(0, 0, tag, name, FIELDS, 0, 0, meaning, false, 0, 0)

/* The same rows for a body whose layout has changed since a version of the logic that is still
 * carried: `version` counts the layouts, from 0. */
#define MR_COMMAND_V(version, type, tag, name, FIELDS, roles, meaning) \
    MR_MESSAGE_(version, type, tag, name, FIELDS, roles, 0, meaning, false, 0, 0)
#define MR_COMMAND_ON_V(version, type, tag, name, FIELDS, roles, aggregate_kind, id, meaning)    \
    MR_MESSAGE_(version, type, tag, name, FIELDS, roles, aggregate_kind, meaning, false,         \
                MR_AT_(tag, id), 0)
#define MR_COMMAND_IF_V(version, type, tag, name, FIELDS, roles, aggregate_kind, id, expected,   \
                        meaning)                                                                 \
    MR_MESSAGE_(version, type, tag, name, FIELDS, roles, aggregate_kind, meaning, false,         \
                MR_AT_(tag, id), MR_AT_(tag, expected))
#define MR_EVENT_V(version, type, tag, name, FIELDS, aggregate_kind, meaning) \
    MR_MESSAGE_(version, type, tag, name, FIELDS, 0, aggregate_kind, meaning, false, 0, 0)
#define MR_QUERY_V(version, type, tag, name, FIELDS, roles, meaning) \
    MR_MESSAGE_(version, type, tag, name, FIELDS, roles, 0, meaning, false, 0, 0)
#define MR_ROW_V(version, type, tag, name, FIELDS, meaning) \
    MR_MESSAGE_(version, type, tag, name, FIELDS, 0, 0, meaning, false, 0, 0)

#define MR_MESSAGE_(version, type, tag, name, FIELDS, roles, aggregate_kind, meaning, tail, id_at, \
                    expected_at)                                                                   \
    {                                                                                              \
        #name, meaning, type, version, roles, aggregate_kind, (uint16_t)sizeof(struct tag),        \
            MR_FIELD_ARRAY_(tag, FIELDS), (uint16_t)MR_MESSAGE_FIELD_COUNT(FIELDS), tail, id_at,   \
            expected_at                                                                            \
    }
#define MR_AT_(tag, field) (uint16_t)(__builtin_offsetof(struct tag, field) + 1)

/* Named values: V(constant, value, name) for each.
 *
 *     #define SIDES(V) V(SIDE_BUY, 0, buy) V(SIDE_SELL, 1, sell)
 *     enum side { SIDES(MR_ENUM_VALUE) };
 *     MR_ENUM_NAMES(side, SIDES);                   // in one .c file: what enum8(side) refers to
 */
#define MR_ENUM_VALUE(constant, value, name) constant = value,
/* The same for flags16(e), where `value` is a bit's place: the constant is the bit. */
#define MR_FLAG_VALUE(constant, value, name) constant = 1 << value,
#ifdef __cplusplus
#define MR_ENUM_NAMES(tag, VALUES)                           \
    static const struct mr_enum_names tag##_names = [] {     \
        static const char *names[256];                       \
        uint32_t count = 0;                                  \
        VALUES(MR_ENUM_NAME_)                                \
        struct mr_enum_names named = {names, count};         \
        return named;                                        \
    }()
#else
#define MR_ENUM_NAMES(tag, VALUES)                                              \
    static const char *const tag##_name_list[] = {VALUES(MR_ENUM_NAME_)};       \
    static const struct mr_enum_names tag##_names = {                           \
        tag##_name_list, sizeof(tag##_name_list) / sizeof(tag##_name_list[0])}
#endif

/* Reasons: R(constant, code, name, meaning) for each.
 *
 *     #define REASONS(R) R(TOO_MUCH, 64, too_much, "the sum would not fit")
 *     enum { REASONS(MR_REASON_VALUE) };
 *     static const struct mr_reason reasons[] = {REASONS(MR_REASON_ROW)};
 */
#define MR_REASON_VALUE(constant, code, name, meaning) constant = code,
#define MR_REASON_ROW(constant, code, name, meaning) {code, #name, meaning},

/* -- How the macros above work; names that end with _ are not for use elsewhere. --------------- */

#define MR_FIELD_MEMBER_(kind, name, unit, meaning)    MR_MEMBER_##kind(name);
#define MR_FIELD_PLUS_SIZE_(kind, name, unit, meaning) +MR_SIZE_##kind
#define MR_FIELD_PLUS_ONE_(kind, name, unit, meaning)  +1

#ifdef __cplusplus /* which has no designators for arrays */
#define MR_ENUM_NAME_(constant, value, name) \
    names[value] = #name;                    \
    count = count > value ? count : value + 1U;
#else
#define MR_ENUM_NAME_(constant, value, name) [value] = #name,
#endif

/* A list calls F(kind, name, ...) without saying of which struct. The row gets it by coming in two
 * halves: the first, which knows the struct, is what F stands for; it ends with the name of the
 * second, a macro that takes the list's parentheses as its own. A list may begin with another list:
 * for that, F is not looked at (and so is no half yet) when it is handed over the first time. */
#define MR_LATER_()
#define MR_FIELD_ROW_(tag) {__builtin_offsetof(struct tag, MR_FIELD_ROW_REST_
#define MR_FIELD_ROW_REST_(kind, name, unit, meaning)                                       \
    name), MR_SIZE_##kind, MR_KIND_##kind, MR_OPTIONAL_##kind, MR_NAMES_##kind, #name, unit, \
        meaning},

#ifdef __cplusplus
#define MR_FIELD_ARRAY_(tag, FIELDS)                                               \
    [] {                                                                           \
        static const struct mr_field fields[] = MR_MESSAGE_FIELDS(tag, FIELDS);    \
        return &fields[0];                                                         \
    }()
#else
#define MR_FIELD_ARRAY_(tag, FIELDS) (const struct mr_field[]) MR_MESSAGE_FIELDS(tag, FIELDS)
#endif

#define MR_MEMBER_u8(name)       uint8_t name
#define MR_MEMBER_u16(name)      uint16_t name
#define MR_MEMBER_u32(name)      uint32_t name
#define MR_MEMBER_u64(name)      uint64_t name
#define MR_MEMBER_i64(name)      int64_t name
#define MR_MEMBER_u128(name)     struct mr_u128 name
#define MR_MEMBER_flags16(e)     MR_MEMBER_u16
#define MR_MEMBER_id128(name)    uint8_t name[16]
#define MR_MEMBER_text16(name)   char name[16]
#define MR_MEMBER_text32(name)   char name[32]
#define MR_MEMBER_reason(name)   uint32_t name
#define MR_MEMBER_enum8(e)       MR_MEMBER_u8
#define MR_MEMBER_pad(n)         MR_PAD_MEMBER_##n
#define MR_MEMBER_optional(kind) MR_MEMBER_##kind

#define MR_PAD_MEMBER_1(name) uint8_t name[1]
#define MR_PAD_MEMBER_2(name) uint8_t name[2]
#define MR_PAD_MEMBER_3(name) uint8_t name[3]
#define MR_PAD_MEMBER_4(name) uint8_t name[4]
#define MR_PAD_MEMBER_5(name) uint8_t name[5]
#define MR_PAD_MEMBER_6(name) uint8_t name[6]
#define MR_PAD_MEMBER_7(name) uint8_t name[7]

#define MR_SIZE_u8             1
#define MR_SIZE_u16            2
#define MR_SIZE_u32            4
#define MR_SIZE_u64            8
#define MR_SIZE_i64            8
#define MR_SIZE_u128           16
#define MR_SIZE_flags16(e)     2
#define MR_SIZE_id128          16
#define MR_SIZE_text16         16
#define MR_SIZE_text32         32
#define MR_SIZE_reason         4
#define MR_SIZE_enum8(e)       1
#define MR_SIZE_pad(n)         n
#define MR_SIZE_optional(kind) MR_SIZE_##kind

#define MR_KIND_u8             MR_FIELD_u8
#define MR_KIND_u16            MR_FIELD_u16
#define MR_KIND_u32            MR_FIELD_u32
#define MR_KIND_u64            MR_FIELD_u64
#define MR_KIND_i64            MR_FIELD_i64
#define MR_KIND_u128           MR_FIELD_u128
#define MR_KIND_flags16(e)     MR_FIELD_flags16
#define MR_KIND_id128          MR_FIELD_id128
#define MR_KIND_text16         MR_FIELD_text16
#define MR_KIND_text32         MR_FIELD_text32
#define MR_KIND_reason         MR_FIELD_reason
#define MR_KIND_enum8(e)       MR_FIELD_enum8
#define MR_KIND_pad(n)         MR_FIELD_pad
#define MR_KIND_optional(kind) MR_KIND_##kind

#define MR_OPTIONAL_u8             false
#define MR_OPTIONAL_u16            false
#define MR_OPTIONAL_u32            false
#define MR_OPTIONAL_u64            false
#define MR_OPTIONAL_i64            false
#define MR_OPTIONAL_u128           false
#define MR_OPTIONAL_flags16(e)     false
#define MR_OPTIONAL_id128          false
#define MR_OPTIONAL_text16         false
#define MR_OPTIONAL_text32         false
#define MR_OPTIONAL_reason         false
#define MR_OPTIONAL_enum8(e)       false
#define MR_OPTIONAL_pad(n)         false
#define MR_OPTIONAL_optional(kind) true

#define MR_NAMES_u8             NULL
#define MR_NAMES_u16            NULL
#define MR_NAMES_u32            NULL
#define MR_NAMES_u64            NULL
#define MR_NAMES_i64            NULL
#define MR_NAMES_u128           NULL
#define MR_NAMES_flags16(e)     &e##_names
#define MR_NAMES_id128          NULL
#define MR_NAMES_text16         NULL
#define MR_NAMES_text32         NULL
#define MR_NAMES_reason         NULL
#define MR_NAMES_enum8(e)       &e##_names
#define MR_NAMES_pad(n)         NULL
#define MR_NAMES_optional(kind) MR_NAMES_##kind

/* clang-format on */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
