/*
 * Journals of format version 0, kept as text (NAME.golden): what each says of itself, then its
 * files as hexadecimal numbers. The present code reads them as they say, and the present writer
 * writes them again, byte for byte. After a change of the format that is meant, MR_GOLDEN_WRITE=1
 * makes this test write them anew; what it wrote is to be looked at.
 *
 *     decided A                           and so on, a word and a value
 *     file journal/00000001.seg 32768     a file and its size
 *     2000 4d52...                        bytes from that (hexadecimal) offset on
 *     3000 c3c3c3c3c3c3c3c3*480           the same 8 bytes, so many times; all others are zero
 */
#include "tests/fuzz/format.h"
#include "tests/fuzz/lives.h"

#include "base/digest.h"
#include "journal/truncation.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_SIZE = 256, SAID_SIZE = 2048, TINY = 32 << 10 };

/* What happened to the files behind the writer's back. */
enum damage {
    NONE,
    ROT,       /* the second frame is zeros, although a watermark covers it */
    HALF_HEAD, /* one copy of a superblock lost its first bytes */
    OTHER_TIP, /* a whole truncation record that is not about what lies in front of the cut */
};

static const struct {
    const char *name;
    struct life life;
    enum damage damage;
} goldens[] = {
    {"plain", {TINY, 7, 40, 1500, LIFE_STOPPED, MR_DURABILITY_DISK}, NONE},
    {"died", {TINY, 4, 40, 0, LIFE_DIED, MR_DURABILITY_DISK}, NONE},
    {"torn", {TINY, 5, 300, 1500, LIFE_TORN, MR_DURABILITY_DISK}, NONE},
    {"os", {TINY, 5, 40, 0, LIFE_STOPPED, MR_DURABILITY_OS}, NONE},
    {"unsynced", {TINY, 5, 300, 0, LIFE_TORN, MR_DURABILITY_OS}, NONE},
    {"truncated", {TINY, 6, 40, 0, LIFE_TRUNCATED, MR_DURABILITY_DISK}, NONE},
    {"cut", {TINY, 6, 40, 0, LIFE_CUT, MR_DURABILITY_DISK}, NONE},
    {"rot", {TINY, 4, 40, 0, LIFE_STOPPED, MR_DURABILITY_DISK}, ROT},
    {"other-tip", {TINY, 3, 40, 0, LIFE_CUT, MR_DURABILITY_DISK}, OTHER_TIP},
    {"half-head", {TINY, 2, 40, 0, LIFE_STOPPED, MR_DURABILITY_DISK}, HALF_HEAD},
};

enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

static void damage(struct memory_storage *memory, enum damage damage)
{
    size_t size;
    unsigned char *bytes = memory_storage_bytes(memory, "journal/00000001.seg", &size);
    assert_non_null(bytes);
    if (damage == ROT) {
        memset(bytes + MR_SEGMENT_HEAD + MR_PAGE_SIZE, 0, MR_PAGE_SIZE);
    } else if (damage == HALF_HEAD) {
        memset(bytes + MR_SUPERBLOCK_COPY_B, 0xff, 16);
    } else if (damage == OTHER_TIP) {
        unsigned char *record = memory_storage_bytes(memory, MR_TRUNCATION_NAME, &size);
        assert_non_null(record);
        record[offsetof(struct mr_truncation, keep.digest)] ^= 1;
        format_repair_superblock(record);
    }
}

static struct memory_storage *make(int golden)
{
    struct memory_storage *memory = lives_make(&goldens[golden].life);
    damage(memory, goldens[golden].damage);
    return memory;
}

/* -- What a journal says of itself. ------------------------------------------------------------ */

static struct mr_digest entries_digest(struct mr_storage *storage, uint64_t last_index)
{
    struct mr_error error;
    struct mr_reader *reader;
    const struct mr_entry *entry;
    struct mr_digest_stream *stream = mr_digest_begin();
    assert_non_null(stream);
    if (last_index > 0) {
        assert_int_equal(mr_reader_open(storage,
                                        &(struct mr_reader_options){.last_index = last_index},
                                        &reader, &error),
                         MR_OK);
        while (mr_reader_next(reader, &entry, NULL, &error) == MR_OK) {
            mr_digest_add(stream, entry, entry->length);
        }
        mr_reader_close(reader);
    }
    return mr_digest_end(stream);
}

static void say(struct memory_storage *memory, char text[SAID_SIZE])
{
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_recovery report;
    struct mr_damage found = {0};
    struct mr_error error;
    char last[MR_DIGEST_TEXT_SIZE], all[MR_DIGEST_TEXT_SIZE] = "-";
    int status = mr_journal_plan(storage, &report, &found, &error);
    if (status == MR_OK) {
        mr_digest_format(entries_digest(storage, report.last_index), all);
    }
    mr_digest_format(report.last_digest, last);
    (void)snprintf(text, SAID_SIZE,
                   "status %d\ndecided %c\nsegments %u\ngeneration %" PRIu64 "\nlast_index %" PRIu64
                   "\nlast_sequence %" PRIu64 "\nlast_digest %s\nall_entries %s\n"
                   "durable_index %" PRIu64 "\ncommitted_index %" PRIu64 "\ndurability %s\n"
                   "torn_bytes %" PRIu64 "\ntorn %s %" PRIu64 "\nhead %s %" PRIu64 "\n"
                   "damage %s %" PRIu64 " %" PRIu64 "\n",
                   status, status == MR_OK ? report.decided : found.decided, report.segments,
                   report.generation, report.last_index, report.last_sequence, last, all,
                   report.durable_index, report.committed_index,
                   report.durability == MR_DURABILITY_OS ? "os" : "disk", report.torn_bytes,
                   report.torn ? report.torn_segment : "-", report.torn_offset,
                   report.head_segment[0] != 0 ? report.head_segment : "-", report.head_offset,
                   found.segment[0] != 0 ? found.segment : "-", found.offset, found.sequence);
}

/* -- Files as text. ---------------------------------------------------------------------------- */

static void write_words(FILE *file, const unsigned char *bytes, size_t at, size_t size)
{
    (void)fprintf(file, "%zx ", at);
    for (size_t i = 0; i < size; i++) {
        (void)fprintf(file, "%02x", bytes[at + i]);
    }
}

/* How many words from `at` on are the same. */
static size_t same_words(const unsigned char *bytes, size_t at, size_t size)
{
    size_t count = 1;
    while (at + 8 * (count + 1) <= size && memcmp(bytes + at, bytes + at + 8 * count, 8) == 0) {
        count++;
    }
    return count;
}

static void write_file(void *context, const char *name, const unsigned char *bytes, size_t size)
{
    static const unsigned char zero[8];
    FILE *file = context;
    size_t at = 0;
    (void)fprintf(file, "file %s %zu\n", name, size);
    assert_int_equal(size % 8, 0);
    while (at < size) {
        size_t same = same_words(bytes, at, size);
        if (memcmp(bytes + at, zero, 8) == 0) {
            at += 8 * same;
        } else if (same > 4) {
            write_words(file, bytes, at, 8);
            (void)fprintf(file, "*%zu\n", same);
            at += 8 * same;
        } else {
            size_t length = 8;
            while (length < 32 && at + length < size && same_words(bytes, at + length, size) < 3) {
                length += 8;
            }
            write_words(file, bytes, at, length);
            (void)fputs("\n", file);
            at += length;
        }
    }
}

static FILE *open_golden(const char *name, const char *mode)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tests/golden/%s.golden", MR_ROOT, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void write_golden(const char *name, struct memory_storage *memory)
{
    char said[SAID_SIZE];
    FILE *file = open_golden(name, "we");
    say(memory, said);
    (void)fputs(said, file);
    memory_storage_each(memory, write_file, file);
    assert_int_equal(fclose(file), 0);
}

static unsigned char hex_byte(const char *text)
{
    char digits[3] = {text[0], text[1], 0};
    char *end;
    unsigned long value = strtoul(digits, &end, 16);
    assert_true(end == digits + 2);
    return (unsigned char)value;
}

static void read_bytes(const char *line, unsigned char *bytes, size_t size)
{
    char *text;
    size_t at = strtoull(line, &text, 16);
    assert_true(*text == ' ');
    text++;
    size_t length = strspn(text, "0123456789abcdef") / 2;
    size_t times = text[2 * length] == '*' ? strtoull(text + 2 * length + 1, NULL, 10) : 1;
    assert_true(length > 0 && times > 0 && at + times * length <= size);
    for (size_t i = 0; i < times * length; i++) {
        bytes[at + i] = hex_byte(text + 2 * (i % length));
    }
}

/* "file NAME SIZE" */
static unsigned char *read_file_line(char *line, struct memory_storage *memory, size_t *size)
{
    char *name = line + strlen("file ");
    char *blank = strchr(name, ' ');
    assert_non_null(blank);
    *blank = 0;
    memory_storage_resize(memory, name, strtoull(blank + 1, NULL, 10));
    return memory_storage_bytes(memory, name, size);
}

static struct memory_storage *read_golden(const char *name, char said[SAID_SIZE])
{
    char line[LINE_SIZE];
    struct memory_storage *memory = memory_storage_create();
    struct mr_storage *storage = memory_storage_seam(memory);
    unsigned char *bytes = NULL;
    size_t size = 0;
    size_t used = 0;
    FILE *file = open_golden(name, "re");
    assert_int_equal(storage->calls->make_directory(storage, "journal", NULL), MR_OK);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "file ", 5) == 0) {
            bytes = read_file_line(line, memory, &size);
        } else if (bytes == NULL) {
            assert_true(used + strlen(line) < SAID_SIZE);
            memcpy(said + used, line, strlen(line) + 1);
            used += strlen(line);
        } else {
            read_bytes(line, bytes, size);
        }
    }
    (void)fclose(file);
    return memory;
}

/* -- The tests. -------------------------------------------------------------------------------- */

static void a_kept_journal_is_read_as_it_says(void **state)
{
    (void)state;
    for (int i = 0; i < GOLDENS; i++) {
        char said[SAID_SIZE] = "", found[SAID_SIZE];
        struct memory_storage *memory = read_golden(goldens[i].name, said);
        say(memory, found);
        print_message("%s\n", goldens[i].name);
        assert_string_equal(found, said);
        memory_storage_destroy(memory);
    }
}

static void the_writer_writes_the_same_bytes_again(void **state)
{
    (void)state;
    for (int i = 0; i < GOLDENS; i++) {
        char said[SAID_SIZE];
        struct memory_storage *kept = read_golden(goldens[i].name, said);
        struct memory_storage *made = make(i);
        print_message("%s\n", goldens[i].name);
        assert_true(mr_digest_equal(memory_storage_digest(kept), memory_storage_digest(made)));
        memory_storage_destroy(kept);
        memory_storage_destroy(made);
    }
}

static void a_kept_journal_is_recovered_and_goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < GOLDENS; i++) {
        char said[SAID_SIZE];
        struct memory_storage *memory = read_golden(goldens[i].name, said);
        struct mr_storage *storage = memory_storage_seam(memory);
        struct mr_journal *journal;
        struct mr_recovery report;
        struct mr_error error;
        struct mr_digest before = memory_storage_digest(memory);
        int status = mr_journal_recover(storage, &(struct mr_journal_options){0}, &report, NULL,
                                        &journal, &error);
        bool refused = goldens[i].damage == ROT || goldens[i].damage == OTHER_TIP;
        assert_int_equal(status, refused ? MR_E_CORRUPT : MR_OK);
        if (status != MR_OK) {
            assert_true(mr_digest_equal(before, memory_storage_digest(memory)));
        } else {
            uint64_t last = report.last_index;
            lives_append(memory, journal, &report, 3);
            mr_journal_close(journal);
            assert_int_equal(mr_journal_plan(storage, &report, NULL, &error), MR_OK);
            assert_int_equal(report.decided, 'A');
            assert_int_equal(report.last_index, last + 3);
        }
        memory_storage_destroy(memory);
    }
}

/* Nobody's disk fills up because somebody starts a journal again and again. */
static void what_was_stopped_is_not_changed_by_a_start_and_a_stop(void **state)
{
    (void)state;
    for (int i = 0; i < GOLDENS; i++) {
        if (goldens[i].life.end != LIFE_STOPPED || goldens[i].damage != NONE) {
            continue;
        }
        struct memory_storage *memory = make(i);
        struct mr_digest before = memory_storage_digest(memory);
        const struct mr_journal_options options = {.durability = goldens[i].life.durability};
        struct mr_storage *storage = memory_storage_seam(memory);
        struct mr_journal *journal;
        struct mr_recovery report;
        struct mr_error error;
        assert_int_equal(mr_journal_recover(storage, &options, &report, NULL, &journal, &error),
                         MR_OK);
        assert_int_equal(storage->calls->lock(storage, 0, &error), MR_OK);
        assert_int_equal(mr_journal_start(journal, &error), MR_OK);
        assert_int_equal(mr_journal_stop(journal, &error), MR_OK);
        mr_journal_close(journal);
        assert_true(mr_digest_equal(memory_storage_digest(memory), before));
        assert_int_equal(memory_storage_open_count(memory), 0);
        memory_storage_destroy(memory);
    }
}

/* Every frame and superblock, as the document says and without the journal's code. */
static void check_sums(void *context, const char *name, const unsigned char *bytes, size_t size)
{
    int *checked = context;
    struct mr_frame_place place = {.segment = (uint32_t)strtoul(name + 8, NULL, 10)};
    memcpy(place.journal_id, lives_id, sizeof lives_id);
    for (size_t at = 0; at < size; at += MR_PAGE_SIZE) {
        struct mr_digest stored, expected;
        bool is_frame = memcmp(bytes + at, "MRFRAME", 8) == 0;
        place.offset = at;
        if (is_frame) {
            memcpy(&stored, bytes + at + 240, sizeof stored);
            expected = format_frame_checksum(bytes + at, &place);
        } else if (memcmp(bytes + at, "MRSEGMT", 8) == 0 || memcmp(bytes + at, "MRTRUNC", 8) == 0) {
            memcpy(&stored, bytes + at + 112, sizeof stored);
            expected = format_superblock_checksum(bytes + at);
        } else {
            continue;
        }
        ++*checked;
        assert_true(mr_digest_equal(stored, expected));
    }
}

static void checksums_are_what_the_document_says(void **state)
{
    (void)state;
    int checked = 0;
    for (int i = 0; i < GOLDENS; i++) {
        char said[SAID_SIZE];
        struct memory_storage *memory = read_golden(goldens[i].name, said);
        memory_storage_each(memory, check_sums, &checked);
        memory_storage_destroy(memory);
    }
    assert_true(checked > 5 * GOLDENS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_journal_is_read_as_it_says),
        cmocka_unit_test(the_writer_writes_the_same_bytes_again),
        cmocka_unit_test(a_kept_journal_is_recovered_and_goes_on),
        cmocka_unit_test(what_was_stopped_is_not_changed_by_a_start_and_a_stop),
        cmocka_unit_test(checksums_are_what_the_document_says),
    };
    for (int i = 0; i < GOLDENS && getenv("MR_GOLDEN_WRITE") != NULL; i++) {
        struct memory_storage *memory = make(i);
        write_golden(goldens[i].name, memory);
        memory_storage_destroy(memory);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
