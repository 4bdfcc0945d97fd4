/*
 * The window of what a client has sent and is without answer.
 */
#include "wire/outstanding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 64, ITEMS = 4 };

static void frame(struct mr_outstanding *window, unsigned char byte, uint32_t size,
                  enum mr_outstanding_kind kind, uint64_t request)
{
    unsigned char bytes[BYTES];
    uint64_t at = window->end;
    memset(bytes, byte, sizeof bytes);
    assert_true(mr_outstanding_fits(window, size, 1));
    mr_outstanding_write(window, bytes, size);
    mr_outstanding_note(window, at, kind, request);
}

/* What would be sent now; then `sent` bytes of it are. */
static void check_sending(struct mr_outstanding *window, const char *expected, uint64_t sent)
{
    struct iovec pieces[2];
    char text[2 * BYTES] = "";
    int count = mr_outstanding_pieces(window, pieces);
    for (int i = 0; i < count; i++) {
        memcpy(text + strlen(text), pieces[i].iov_base, pieces[i].iov_len);
    }
    assert_string_equal(text, expected);
    mr_outstanding_sent(window, sent);
}

static void what_is_without_answer_goes_again_in_order_from_a_frames_beginning(void **state)
{
    (void)state;
    struct mr_outstanding window;
    assert_true(mr_outstanding_open(&window, BYTES, ITEMS));
    frame(&window, 'a', 8, MR_OUTSTANDING_COMMAND, 1);
    frame(&window, 'b', 16, MR_OUTSTANDING_COMMAND, 3);
    frame(&window, 'c', 8, MR_OUTSTANDING_COMMAND, 4);
    check_sending(&window, "aaaaaaaabbbbbbbbbbbbbbbbcccccccc", 20);
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 1));
    check_sending(&window, "bbbbcccccccc", 1);
    mr_outstanding_again(&window);
    check_sending(&window, "bbbbbbbbbbbbbbbbcccccccc", 24);
    assert_int_equal(window.commands, 2);
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 3));
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 4));
    mr_outstanding_again(&window);
    check_sending(&window, "", 0);
    assert_int_equal(window.commands, 0);
    mr_outstanding_close(&window);
}

static void an_answer_counts_once_and_only_to_what_was_asked(void **state)
{
    (void)state;
    struct mr_outstanding window;
    assert_true(mr_outstanding_open(&window, BYTES, ITEMS));
    frame(&window, 'q', 8, MR_OUTSTANDING_QUERY, 1); /* which keeps the others in the window */
    frame(&window, 'a', 8, MR_OUTSTANDING_COMMAND, 5);
    frame(&window, 'b', 8, MR_OUTSTANDING_COMMAND, 9);
    mr_outstanding_sent(&window, 24);
    assert_false(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 1));
    assert_false(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 7));
    assert_false(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 10));
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 5));
    assert_false(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 5));
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 9));
    assert_int_equal(window.commands, 0);
    assert_int_equal(window.queries, 1);
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_QUERY, 1));
    assert_false(mr_outstanding_answered(&window, MR_OUTSTANDING_QUERY, 1));
    assert_int_equal(window.begin, window.end);
    mr_outstanding_close(&window);
}

/* After a reconnection, the answer to what was sent before it may come before it is sent again. */
static void what_is_answered_while_it_is_sent_again_is_sent_to_its_end(void **state)
{
    (void)state;
    struct mr_outstanding window;
    assert_true(mr_outstanding_open(&window, BYTES, ITEMS));
    frame(&window, 'a', 16, MR_OUTSTANDING_COMMAND, 1);
    frame(&window, 'b', 8, MR_OUTSTANDING_COMMAND, 2);
    check_sending(&window, "aaaaaaaaaaaaaaaabbbbbbbb", 24);
    mr_outstanding_again(&window);
    check_sending(&window, "aaaaaaaaaaaaaaaabbbbbbbb", 6);
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 1));
    assert_int_equal(window.begin, 0); /* nothing may be written over it yet */
    check_sending(&window, "aaaaaaaaaabbbbbbbb", 10);
    assert_int_equal(window.begin, 16);
    check_sending(&window, "bbbbbbbb", 8);
    assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, 2));
    assert_int_equal(window.begin, window.end);
    mr_outstanding_close(&window);
}

static void a_batch_stays_until_all_of_it_is_answered_and_is_refused_as_a_whole(void **state)
{
    (void)state;
    struct mr_outstanding window;
    assert_true(mr_outstanding_open(&window, BYTES, ITEMS));
    for (uint32_t round = 0; round < 2; round++) {
        uint64_t at = window.end, first = 10 * round + 1;
        mr_outstanding_write(&window, "0123456789abcdef", 16);
        for (uint32_t i = 0; i < 3; i++) {
            mr_outstanding_note(&window, at, MR_OUTSTANDING_COMMAND, first + i);
        }
        mr_outstanding_sent(&window, 16);
        assert_int_equal(window.commands, 3);
        if (round == 1) {
            assert_true(mr_outstanding_refused(&window, MR_OUTSTANDING_COMMAND, first));
        } else {
            assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, first));
            mr_outstanding_again(&window);
            check_sending(&window, "0123456789abcdef", 16);
            assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, first + 1));
            assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, first + 2));
        }
        assert_int_equal(window.commands, 0);
        assert_int_equal(window.begin, window.end);
    }
    mr_outstanding_close(&window);
}

static void it_goes_round_and_is_full_when_it_is(void **state)
{
    (void)state;
    struct mr_outstanding window;
    assert_true(mr_outstanding_open(&window, BYTES, ITEMS));
    for (uint64_t request = 1; request < 200; request++) {
        char expected[41] = "";
        memset(expected, (int)('a' + request % 26), 40);
        assert_true(mr_outstanding_fits(&window, 64, 1));
        assert_false(mr_outstanding_fits(&window, 72, 1));
        frame(&window, (unsigned char)('a' + request % 26), 40, MR_OUTSTANDING_COMMAND, request);
        assert_true(mr_outstanding_fits(&window, 24, 1));
        assert_false(mr_outstanding_fits(&window, 32, 1));
        assert_false(mr_outstanding_fits(&window, 8, 1000));
        check_sending(&window, expected, 40);
        assert_true(mr_outstanding_answered(&window, MR_OUTSTANDING_COMMAND, request));
    }
    mr_outstanding_close(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_without_answer_goes_again_in_order_from_a_frames_beginning),
        cmocka_unit_test(an_answer_counts_once_and_only_to_what_was_asked),
        cmocka_unit_test(what_is_answered_while_it_is_sent_again_is_sent_to_its_end),
        cmocka_unit_test(a_batch_stays_until_all_of_it_is_answered_and_is_refused_as_a_whole),
        cmocka_unit_test(it_goes_round_and_is_full_when_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
