/*
 * The protocol's byte tables, and what mr_wire_look lets through.
 */
#include <millrace/error.h>
#include <millrace/wire.h>

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

static alignas(8) unsigned char bytes[ROOM];

/* A well-formed frame of each kind in `bytes`; returns its length, 0: no such kind. */
static uint32_t make(uint16_t kind)
{
    struct mr_wire_frame *frame = (struct mr_wire_frame *)(void *)bytes;
    memset(bytes, 0, sizeof bytes);
    frame->kind = kind;
    switch (kind) {
    case MR_WIRE_HELLO:
        frame->length = sizeof(struct mr_wire_hello);
        break;
    case MR_WIRE_COMMAND:
        frame->length = sizeof(struct mr_wire_command) + 16;
        ((struct mr_wire_command *)(void *)bytes)->command.length = MR_COMMAND_HEADER + 16;
        break;
    case MR_WIRE_BATCH:
        frame->length = sizeof(struct mr_wire_batch) + 2 * MR_COMMAND_HEADER + 8;
        ((struct mr_wire_batch *)(void *)bytes)->count = 2;
        ((struct mr_command *)(void *)(bytes + 16))->length = MR_COMMAND_HEADER + 8;
        ((struct mr_command *)(void *)(bytes + 16 + MR_COMMAND_HEADER + 8))->length =
            MR_COMMAND_HEADER;
        break;
    case MR_WIRE_QUERY:
        frame->length = sizeof(struct mr_wire_query) + 8;
        ((struct mr_wire_query *)(void *)bytes)->query.length = MR_QUERY_HEADER + 8;
        break;
    case MR_WIRE_PING:
    case MR_WIRE_PONG:
        frame->length = sizeof(struct mr_wire_ping);
        break;
    case MR_WIRE_GOODBYE:
        frame->length = sizeof *frame;
        break;
    case MR_WIRE_WELCOME:
        frame->length = sizeof(struct mr_wire_welcome);
        break;
    case MR_WIRE_ANSWER:
        frame->length = sizeof(struct mr_wire_answer);
        break;
    case MR_WIRE_EVENT:
        frame->length = sizeof(struct mr_wire_event) + 24;
        ((struct mr_wire_event *)(void *)bytes)->event.length = MR_EVENT_HEADER + 24;
        break;
    case MR_WIRE_REPLY: {
        struct mr_wire_reply *reply = (struct mr_wire_reply *)(void *)bytes;
        frame->length = sizeof *reply + 2 * MR_ROW_HEADER + 8;
        reply->reply.rows = 2;
        reply->reply.bytes = 2 * MR_ROW_HEADER + 8;
        ((struct mr_row *)(void *)(bytes + sizeof *reply))->length = MR_ROW_HEADER + 8;
        ((struct mr_row *)(void *)(bytes + sizeof *reply + MR_ROW_HEADER + 8))->length =
            MR_ROW_HEADER;
        break;
    }
    case MR_WIRE_REFUSE:
        frame->length = sizeof(struct mr_wire_refuse);
        break;
    default:
        return 0;
    }
    return frame->length;
}

/* On the heap and no larger than what has come: the address sanitizer sees a look beyond it. */
static int look(size_t size, uint32_t most, uint32_t *length)
{
    unsigned char *exact = malloc(size == 0 ? 1 : size);
    const char *flaw = NULL;
    memcpy(exact, bytes, size);
    int status = mr_wire_look(exact, size, most, length, &flaw);
    assert_true((status == MR_E_INVALID) == (flaw != NULL));
    free(exact);
    return status;
}

static void frames_lie_as_the_byte_tables_say(void **state)
{
    (void)state;
    const struct mr_wire_hello hello = {.frame = {.length = 32, .kind = MR_WIRE_HELLO},
                                        .magic = MR_WIRE_MAGIC,
                                        .protocol = MR_WIRE_PROTOCOL,
                                        .role = MR_ROLE_USER,
                                        .events = MR_WIRE_EVENTS_OWN,
                                        .session = 0x0102030405060708};
    static const unsigned char golden[32] = {32,  0,   0,   0,   1,   0, 0, 0, 'm', 'i', 'l',
                                             'l', 'r', 'a', 'c', 'e', 0, 0, 0, 0,   2,   1,
                                             0,   0,   8,   7,   6,   5, 4, 3, 2,   1};
    assert_memory_equal(&hello, golden, sizeof golden);
    const struct mr_wire_refuse refuse = {.frame = {.length = 128, .kind = MR_WIRE_REFUSE},
                                          .code = MR_WIRE_REFUSE_TAKEN_OVER,
                                          .request = 0x11,
                                          .text = "no"};
    static const unsigned char refused[28] = {128, 0, 0,  0, 21, 0, 0, 0, 6, 0, 0,   0,   0, 0,
                                              0,   0, 17, 0, 0,  0, 0, 0, 0, 0, 'n', 'o', 0, 0};
    assert_memory_equal(&refuse, refused, sizeof refused);
}

static void every_refusal_has_a_text(void **state)
{
    (void)state;
    for (uint32_t code = MR_WIRE_REFUSE_PROTOCOL; code <= MR_WIRE_REFUSE_FAILED; code++) {
        assert_string_not_equal(mr_wire_refusal_text(code), "unknown refusal");
    }
    assert_string_equal(mr_wire_refusal_text(0), "unknown refusal");
    assert_string_equal(mr_wire_refusal_text(MR_WIRE_REFUSE_FAILED + 1), "unknown refusal");
}

static void a_whole_frame_is_taken_and_less_of_it_waits(void **state)
{
    (void)state;
    uint32_t kinds = 0, length;
    for (uint16_t kind = 0; kind < 64; kind++) {
        uint32_t whole = make(kind);
        for (uint32_t size = 0; size < whole; size++) {
            assert_int_equal(look(size, ROOM, &length), MR_AGAIN);
        }
        if (whole > 0) {
            assert_int_equal(look(whole, ROOM, &length), MR_OK);
            assert_int_equal(length, whole);
            assert_int_equal(look(whole + 64, ROOM, &length), MR_OK);
            assert_int_equal(length, whole);
            assert_int_equal(look(whole, whole - 8, &length), MR_E_INVALID);
            kinds++;
        }
    }
    assert_int_equal(kinds, 12);
}

static void no_other_length_is_taken_for_a_kind(void **state)
{
    (void)state;
    struct mr_wire_frame *frame = (struct mr_wire_frame *)(void *)bytes;
    uint32_t length;
    for (uint16_t kind = 1; kind < 64; kind++) {
        uint32_t whole = make(kind);
        for (uint32_t wrong = 0; whole > 0 && wrong <= ROOM; wrong++) {
            frame->length = wrong;
            assert_int_equal(look(ROOM, ROOM, &length), wrong == whole ? MR_OK : MR_E_INVALID);
        }
    }
}

static void a_length_is_refused_before_its_bytes_come(void **state)
{
    (void)state;
    const uint32_t lengths[] = {
        0, 4, 7, 9, 12, ROOM + 8, MR_WIRE_FRAME_MAX + 8, UINT32_MAX - 7, UINT32_MAX};
    uint32_t length;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        (void)make(MR_WIRE_COMMAND);
        memcpy(bytes, &lengths[i], sizeof lengths[i]);
        assert_int_equal(look(8, ROOM, &length), MR_E_INVALID);
    }
    (void)make(MR_WIRE_COMMAND);
    memcpy(bytes, &(uint32_t){MR_WIRE_FRAME_MAX + 8}, 4);
    assert_int_equal(look(8, UINT32_MAX, &length), MR_E_INVALID);
}

static void flags_and_unknown_kinds_are_refused(void **state)
{
    (void)state;
    uint32_t length;
    for (uint32_t kind = 0; kind <= UINT16_MAX; kind += kind < 64 ? 1 : 97) {
        uint32_t whole = make((uint16_t)kind);
        if (whole == 0) {
            memcpy(bytes, &(uint32_t){16}, 4);
            assert_int_equal(look(16, ROOM, &length), MR_E_INVALID);
            continue;
        }
        bytes[6] = 1;
        assert_int_equal(look(whole, ROOM, &length), kind == MR_WIRE_ANSWER ? MR_OK : MR_E_INVALID);
    }
}

static void a_batch_adds_up_or_is_refused(void **state)
{
    (void)state;
    struct mr_wire_batch *batch = (struct mr_wire_batch *)(void *)bytes;
    struct mr_command *first = (struct mr_command *)(void *)(bytes + 16);
    const uint32_t counts[] = {0, 1, 3, 8190, 8191, UINT32_MAX};
    const uint32_t lengths[] = {0, 8, 48, 57, 60, 72, 120, 1 << 20, UINT32_MAX - 7};
    uint32_t length;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint32_t whole = make(MR_WIRE_BATCH);
        batch->count = counts[i];
        assert_int_equal(look(whole, ROOM, &length), MR_E_INVALID);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint32_t whole = make(MR_WIRE_BATCH);
        first->length = lengths[i];
        assert_int_equal(look(whole, ROOM, &length), MR_E_INVALID);
    }
}

static void the_message_inside_is_as_long_as_its_frame(void **state)
{
    (void)state;
    static const struct {
        uint16_t kind;
        uint32_t at, size; /* of the length in it */
    } inside[] = {{MR_WIRE_COMMAND, 8, 4}, {MR_WIRE_QUERY, 8, 4}, {MR_WIRE_EVENT, 8 + 26, 2}};
    uint32_t length;
    for (size_t i = 0; i < 3; i++) {
        uint32_t whole = make(inside[i].kind);
        for (uint32_t wrong = 0; wrong < 512; wrong++) {
            memcpy(bytes + inside[i].at, &wrong, inside[i].size);
            assert_int_equal(look(whole, ROOM, &length), wrong == whole - 8 ? MR_OK : MR_E_INVALID);
        }
    }
}

static void rows_add_up_or_the_reply_is_refused(void **state)
{
    (void)state;
    struct mr_wire_reply *reply = (struct mr_wire_reply *)(void *)bytes;
    uint32_t length;
    const uint32_t counts[] = {0, 1, 3, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint32_t whole = make(MR_WIRE_REPLY);
        reply->reply.rows = counts[i];
        assert_int_equal(look(whole, ROOM, &length), MR_E_INVALID);
    }
    for (uint32_t wrong = 0; wrong < 64; wrong++) {
        uint32_t whole = make(MR_WIRE_REPLY);
        ((struct mr_row *)(void *)(bytes + sizeof *reply))->length = (uint16_t)wrong;
        assert_int_equal(look(whole, ROOM, &length),
                         wrong == MR_ROW_HEADER + 8 ? MR_OK : MR_E_INVALID);
    }
    uint32_t whole = make(MR_WIRE_REPLY);
    reply->reply.bytes = UINT32_MAX - 7;
    assert_int_equal(look(whole, ROOM, &length), MR_E_INVALID);
}

static void a_refusal_without_an_end_is_refused(void **state)
{
    (void)state;
    uint32_t length;
    uint32_t whole = make(MR_WIRE_REFUSE);
    memset(bytes + 24, 'a', 104);
    assert_int_equal(look(whole, ROOM, &length), MR_E_INVALID);
    bytes[127] = 0;
    assert_int_equal(look(whole, ROOM, &length), MR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_lie_as_the_byte_tables_say),
        cmocka_unit_test(every_refusal_has_a_text),
        cmocka_unit_test(a_whole_frame_is_taken_and_less_of_it_waits),
        cmocka_unit_test(no_other_length_is_taken_for_a_kind),
        cmocka_unit_test(a_length_is_refused_before_its_bytes_come),
        cmocka_unit_test(flags_and_unknown_kinds_are_refused),
        cmocka_unit_test(a_batch_adds_up_or_is_refused),
        cmocka_unit_test(the_message_inside_is_as_long_as_its_frame),
        cmocka_unit_test(rows_add_up_or_the_reply_is_refused),
        cmocka_unit_test(a_refusal_without_an_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
