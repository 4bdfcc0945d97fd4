/*
 * A small journal, stopped in good order, and what each of its bytes is: worked out from the frames
 * that were written, not from what recovery says.
 */
#ifndef MR_TESTS_JOURNAL_ENUMERATE_MAP_H
#define MR_TESTS_JOURNAL_ENUMERATE_MAP_H

#include "tests/journal/enumerate_life.h"

enum { MAP_SEGMENTS_MAX = 8, MAP_PAGES_MAX = 32 };

enum map_kind {
    MAP_COPY,    /* of a superblock */
    MAP_GAP,     /* zeros in the head, or between frames and seal: never written */
    MAP_COVERED, /* a frame (or a seal) that a watermark covers */
    MAP_LAST,    /* a frame behind the watermark: without an entry, as the journal was stopped */
    MAP_START,   /* zeros, where the next frame must begin */
    MAP_ZERO,    /* zeros that frames in flight may lie on */
};

struct map_page {
    enum map_kind kind;
    uint64_t offset;   /* of the frame that it belongs to, or its own */
    uint64_t sequence; /* of the frame's first command, or of the one that would follow */
};

struct map {
    struct rec_disk disk;
    struct recorder recorder;
    struct life life;
    struct mr_recovery whole; /* what is found when nothing is damaged */
    uint32_t segments;
    uint32_t segment_bytes;
    uint64_t watermark;          /* the highest number of a frame that is covered */
    uint32_t uncovered;          /* frames behind it */
    uint32_t masked;             /* frames */
    int files[MAP_SEGMENTS_MAX]; /* of the disk */
    struct map_page pages[MAP_SEGMENTS_MAX][MAP_PAGES_MAX];
};

/* Lives the plans one after the other on an empty disk, and draws the map. */
void map_make(struct map *map, const uint8_t id[MR_JOURNAL_ID_SIZE], const struct life_plan *plans,
              int count);
void map_free(struct map *map);

static inline const struct map_page *map_at(const struct map *map, uint32_t segment,
                                            uint64_t offset)
{
    return &map->pages[segment][offset / MR_PAGE_SIZE];
}

static inline unsigned char *map_bytes(const struct map *map, uint32_t segment, uint64_t offset)
{
    return map->disk.files[map->files[segment]].bytes + offset;
}

struct map_verdict {
    int status;
    struct mr_recovery report;
    struct mr_damage damage;
    struct mr_error error;
};

/* Plans, and checks that nothing was changed. `recover`: recovers as well, which must say the same,
 * and on a refusal leave every byte alone; what it did otherwise is taken back. */
void map_judge(struct map *map, bool recover, struct map_verdict *verdict);
/* It is refused as corrupt, and the message tells of this segment. */
void map_assert_refused(const struct map *map, const struct map_verdict *verdict, uint32_t segment);
/* It goes on as `decided`, and every entry is still there. */
void map_assert_accepted(const struct map *map, const struct map_verdict *verdict, char decided);

#endif
