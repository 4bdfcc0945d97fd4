/* Digests: known values, streams, seeds, and their text form. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* XXH3-128 of nothing, from the specification's test vectors: digests are stored and compared
 * between machines, so they may never change. */
static void the_digest_of_nothing_is_the_known_one(void **state)
{
    (void)state;
    char text[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(mr_digest_of("", 0), text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
}

static void one_bit_makes_another_digest(void **state)
{
    (void)state;
    unsigned char bytes[600];
    memset(bytes, 7, sizeof bytes);
    struct mr_digest before = mr_digest_of(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_false(mr_digest_equal(before, mr_digest_of(bytes, sizeof bytes)));
        bytes[i] ^= 1;
    }
    assert_true(mr_digest_equal(before, mr_digest_of(bytes, sizeof bytes)));
}

static void a_seed_makes_another_digest(void **state)
{
    (void)state;
    struct mr_digest plain = mr_digest_of("hello", 5);
    assert_true(mr_digest_equal(plain, mr_digest_seeded("hello", 5, 0)));
    assert_false(mr_digest_equal(plain, mr_digest_seeded("hello", 5, 1)));
    assert_false(mr_digest_equal(mr_digest_seeded("hello", 5, 1), mr_digest_seeded("hello", 5, 2)));
}

static void pieces_give_the_digest_of_the_whole(void **state)
{
    (void)state;
    unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 31);
    }
    for (size_t step = 1; step < sizeof bytes; step = step * 3 + 1) {
        struct mr_digest_stream *stream = mr_digest_begin();
        assert_non_null(stream);
        for (size_t done = 0; done < sizeof bytes; done += step) {
            size_t size = sizeof bytes - done < step ? sizeof bytes - done : step;
            mr_digest_add(stream, bytes + done, size);
        }
        assert_true(mr_digest_equal(mr_digest_end(stream), mr_digest_of(bytes, sizeof bytes)));
    }
}

static void text_goes_there_and_back(void **state)
{
    (void)state;
    struct mr_digest digest = {.low = UINT64_C(0x0123456789abcdef), .high = 5};
    struct mr_digest back = {0};
    char text[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(digest, text);
    assert_string_equal(text, "00000000000000050123456789abcdef");
    assert_true(mr_digest_parse(text, 32, &back));
    assert_true(mr_digest_equal(digest, back));
}

static void no_other_text_is_a_digest(void **state)
{
    (void)state;
    static const char good[] = "00000000000000050123456789abcdef";
    struct mr_digest digest = {.low = 1, .high = 2};
    assert_false(mr_digest_parse(good, 31, &digest));
    assert_false(mr_digest_parse(good, 0, &digest));
    for (size_t i = 0; i < 32; i++) {
        static const char bad[] = {'g', 'A', ' ', '/', ':', '`', '\0'};
        for (size_t j = 0; j < sizeof bad; j++) {
            char text[33];
            memcpy(text, good, sizeof text);
            text[i] = bad[j];
            assert_false(mr_digest_parse(text, 32, &digest));
        }
    }
    assert_true(digest.low == 1 && digest.high == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_of_nothing_is_the_known_one),
        cmocka_unit_test(one_bit_makes_another_digest),
        cmocka_unit_test(a_seed_makes_another_digest),
        cmocka_unit_test(pieces_give_the_digest_of_the_whole),
        cmocka_unit_test(text_goes_there_and_back),
        cmocka_unit_test(no_other_text_is_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
