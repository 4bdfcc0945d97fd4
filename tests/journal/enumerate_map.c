#include "tests/journal/enumerate_map.h"

#include <inttypes.h>
#include <malloc.h>

static bool is_frame(const struct map *map, uint32_t segment, uint64_t offset,
                     struct mr_frame_header *header)
{
    memcpy(header, map_bytes(map, segment, offset), sizeof *header);
    return memcmp(&header->magic, "MRFRAME", sizeof header->magic) == 0;
}

static void draw_head(struct map *map, uint32_t segment)
{
    for (uint64_t offset = 0; offset < MR_SEGMENT_HEAD; offset += MR_PAGE_SIZE) {
        bool copy = offset == MR_SUPERBLOCK_COPY_A || offset == MR_SUPERBLOCK_COPY_B;
        map->pages[segment][offset / MR_PAGE_SIZE] =
            (struct map_page){.kind = copy ? MAP_COPY : MAP_GAP, .offset = offset};
    }
}

static uint64_t draw_frame(struct map *map, uint32_t segment, uint64_t offset,
                           const struct mr_frame_header *header)
{
    struct map_page page = {
        .kind = MAP_COVERED, .offset = offset, .sequence = header->before.sequence + 1};
    for (uint64_t at = 0; at < header->length; at += MR_PAGE_SIZE) {
        map->pages[segment][(offset + at) / MR_PAGE_SIZE] = page;
    }
    map->masked += header->mask != 0;
    return header->length;
}

/* Frames, and whatever zeros lie behind them. */
static void draw_segment(struct map *map, uint32_t segment)
{
    uint64_t seal_offset = mr_segment_seal_offset(map->segment_bytes);
    struct mr_frame_header header;
    bool sealed = is_frame(map, segment, seal_offset, &header);
    uint64_t offset = MR_SEGMENT_HEAD;
    draw_head(map, segment);
    while (offset < seal_offset && is_frame(map, segment, offset, &header)) {
        offset += draw_frame(map, segment, offset, &header);
    }
    enum map_kind kind = sealed ? MAP_GAP : MAP_START;
    for (; offset < seal_offset; offset += MR_PAGE_SIZE) {
        map->pages[segment][offset / MR_PAGE_SIZE] =
            (struct map_page){.kind = kind, .offset = offset};
        kind = sealed ? MAP_GAP : MAP_ZERO;
    }
    /* The seal has its place: what stands there is one. */
    struct map_page *seal = &map->pages[segment][seal_offset / MR_PAGE_SIZE];
    if (sealed) {
        (void)is_frame(map, segment, seal_offset, &header);
        (void)draw_frame(map, segment, seal_offset, &header);
    } else {
        *seal = (struct map_page){.kind = MAP_START, .offset = seal_offset};
    }
}

/* Calls `each` for the header of every frame. */
static void each_frame(struct map *map, void (*each)(struct map *map, struct map_page *page,
                                                     const struct mr_frame_header *header))
{
    for (uint32_t segment = 0; segment < map->segments; segment++) {
        for (uint64_t offset = 0; offset < map->segment_bytes; offset += MR_PAGE_SIZE) {
            struct mr_frame_header header;
            struct map_page *page = &map->pages[segment][offset / MR_PAGE_SIZE];
            if (page->kind == MAP_COVERED && page->offset == offset) {
                assert_true(is_frame(map, segment, offset, &header));
                each(map, page, &header);
            }
        }
    }
}

static void find_watermark(struct map *map, struct map_page *page,
                           const struct mr_frame_header *header)
{
    (void)page;
    if (header->durable_number > map->watermark) {
        map->watermark = header->durable_number;
    }
}

/* The frames that no other speaks of: what a stop writes last, without an entry, of one page. */
static void mark_last(struct map *map, struct map_page *page, const struct mr_frame_header *header)
{
    if (header->number > map->watermark) {
        assert_int_not_equal(header->kind, MR_FRAME_ENTRY);
        page->kind = MAP_LAST;
        map->uncovered++;
    }
}

void map_make(struct map *map, const uint8_t id[MR_JOURNAL_ID_SIZE], const struct life_plan *plans,
              int count)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    memset(map, 0, sizeof *map);
    rec_disk_init(&map->disk);
    recorder_init(&map->recorder, &map->disk, NULL, plans[0].seed);
    life_init(&map->life, &map->recorder);
    memcpy(map->life.id, id, sizeof map->life.id);
    life_create(&map->life, plans[0].segment_bytes);
    map->segment_bytes = plans[0].segment_bytes;
    for (int i = 0; i < count; i++) {
        assert_int_equal(life_run(&map->life, &plans[i]), MR_OK);
    }
    assert_int_equal(mr_journal_plan(&map->recorder.seam, &map->whole, NULL, NULL), MR_OK);
    assert_int_equal(map->whole.decided, 'A');
    map->segments = map->whole.segments;
    assert_true(map->segments <= MAP_SEGMENTS_MAX);
    assert_true(map->segment_bytes <= MAP_PAGES_MAX * MR_PAGE_SIZE);
    for (uint32_t i = 0; i < map->segments; i++) {
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name(i + 1, name);
        int at = rec_disk_find(&map->disk, name);
        assert_true(at >= 0);
        map->files[i] = map->disk.names[at].file;
        draw_segment(map, i);
    }
    each_frame(map, find_watermark);
    each_frame(map, mark_last);
    assert_true(map->uncovered > 0);
}

void map_free(struct map *map)
{
    life_free(&map->life);
    rec_disk_free(&map->disk);
}

static void recover(struct map *map, const struct map_verdict *verdict)
{
    struct mr_storage *storage = &map->recorder.seam;
    struct mr_journal_options options = {0};
    struct mr_recovery report;
    struct mr_damage damage = {0};
    struct mr_journal *journal;
    struct mr_error error;
    size_t mark = rec_disk_mark(&map->disk);
    recorder_reset(&map->recorder);
    int status = mr_journal_recover(storage, &options, &report, &damage, &journal, &error);
    assert_int_equal(status, verdict->status);
    assert_int_equal(report.decided, verdict->report.decided);
    if (status == MR_OK) {
        assert_int_equal(report.last_index, verdict->report.last_index);
        mr_journal_close(journal);
    } else {
        assert_true(rec_disk_unchanged(&map->disk, mark));
        assert_memory_equal(&damage, &verdict->damage, sizeof damage);
    }
    rec_disk_rollback(&map->disk, mark);
}

void map_judge(struct map *map, bool recover_too, struct map_verdict *verdict)
{
    size_t mark = rec_disk_mark(&map->disk);
    verdict->damage = (struct mr_damage){0};
    verdict->error = (struct mr_error){0};
    verdict->status =
        mr_journal_plan(&map->recorder.seam, &verdict->report, &verdict->damage, &verdict->error);
    assert_true(rec_disk_unchanged(&map->disk, mark));
    rec_disk_rollback(&map->disk, mark);
    if (recover_too) {
        recover(map, verdict);
    }
}

void map_assert_refused(const struct map *map, const struct map_verdict *verdict, uint32_t segment)
{
    char name[MR_SEGMENT_NAME_SIZE];
    (void)map;
    mr_segment_name(segment + 1, name);
    if (verdict->status != MR_E_CORRUPT || strcmp(verdict->damage.segment, name) != 0) {
        print_error("status %d, case %c, index %" PRIu64 ", %s: %s\n", verdict->status,
                    verdict->report.decided, verdict->report.last_index, verdict->damage.segment,
                    verdict->error.text);
    }
    assert_int_equal(verdict->status, MR_E_CORRUPT);
    assert_string_equal(verdict->damage.segment, name);
    assert_true(verdict->damage.decided >= 'C' && verdict->damage.decided <= 'H');
    assert_non_null(strstr(verdict->error.text, name));
}

void map_assert_accepted(const struct map *map, const struct map_verdict *verdict, char decided)
{
    if (verdict->status != MR_OK || verdict->report.decided != decided) {
        print_error("status %d, case %c: %s\n", verdict->status, verdict->report.decided,
                    verdict->error.text);
    }
    assert_int_equal(verdict->status, MR_OK);
    assert_int_equal(verdict->report.decided, decided);
    assert_int_equal(verdict->report.last_index, map->whole.last_index);
    assert_true(mr_digest_equal(verdict->report.last_digest, map->whole.last_digest));
}
