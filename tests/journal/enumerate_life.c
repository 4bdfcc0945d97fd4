#include "tests/journal/enumerate_life.h"

enum {
    LIFE_FRAME_BYTES = (LIFE_PAYLOAD_MAX + MR_ENTRY_SIZE + MR_FRAME_ROOM + 4095) & ~4095,
};

uint32_t life_share(void)
{
    const char *text = getenv("MR_ENUMERATE_SHARE");
    if (text != NULL) {
        uint64_t share = strtoull(text, NULL, 0);
        return share == 0 || share > 1000000 ? 1 : (uint32_t)share;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(MR_VERIFY)
    return 40;
#else
    return 1;
#endif
}

void life_init(struct life *life, struct recorder *recorder)
{
    *life = (struct life){
        .recorder = recorder,
        .frames = mr_pages_allocate((size_t)LIFE_FRAMES * LIFE_FRAME_BYTES),
    };
    assert_non_null(life->frames);
    memcpy(life->id, rig_id, sizeof rig_id);
}

void life_free(struct life *life)
{
    free(life->frames);
}

static void ok(const struct life *life, int status)
{
    if (status < 0) {
        print_error("%s\n", life->error.text);
    }
    assert_true(status >= 0);
}

static void note(const struct life *life, enum life_note what, uint64_t value,
                 struct mr_digest digest)
{
    if (life->recorder->trace != NULL) {
        rec_trace_note(life->recorder->trace, (int)what, value, digest.low, digest.high);
    }
}

static void acknowledge(struct life *life, uint64_t index)
{
    assert_true(index >= life->durable);
    if (index > life->durable) {
        life->durable = index;
        note(life, life->durability == MR_DURABILITY_OS ? NOTE_HANDED_OVER : NOTE_ACKNOWLEDGED,
             index, (struct mr_digest){0, 0});
    }
}

void life_create(struct life *life, uint32_t segment_bytes)
{
    struct mr_storage *storage = &life->recorder->seam;
    struct mr_superblock superblock = {
        .segment = 1, .generation = 1, .segment_bytes = segment_bytes};
    memcpy(superblock.journal_id, life->id, sizeof life->id);
    ok(life, storage->calls->make_directory(storage, "journal", &life->error));
    ok(life, mr_directory_sync(storage, "", &life->error));
    ok(life, mr_segment_make(storage, &superblock, &life->error));
    note(life, NOTE_CREATED, 0, (struct mr_digest){0, 0});
}

static bool append(struct life *life, const struct rig_shape *shape)
{
    struct mr_tip tip = life->tip;
    if (!mr_journal_ready(life->journal)) {
        return false;
    }
    unsigned char *frame = life->frames + ((tip.index + 1) % LIFE_FRAMES) * LIFE_FRAME_BYTES;
    struct mr_digest digest = rig_fill(shape, frame, &tip);
    int status = mr_journal_append(life->journal, frame, digest, &life->error);
    ok(life, status);
    if (status == MR_OK) {
        life->tip = tip;
        life->tips[tip.index] = tip;
        note(life, NOTE_APPENDED, tip.index, digest);
    }
    return status == MR_OK;
}

static void poll_once(struct life *life, uint32_t wait_us)
{
    ok(life, mr_journal_poll(life->journal, wait_us, &life->error));
    acknowledge(life, mr_journal_durable_index(life->journal));
}

static void truncate_some(struct life *life, uint32_t drops)
{
    uint64_t keep = life->tip.index - drops;
    note(life, NOTE_TRUNCATING, keep, (struct mr_digest){0, 0});
    ok(life, mr_journal_truncate(life->journal, keep, &life->error));
    note(life, NOTE_TRUNCATED, ++life->generation, (struct mr_digest){0, 0});
    life->tip = life->tips[keep];
    life->durable = life->durable < keep ? life->durable : keep;
    acknowledge(life, mr_journal_durable_index(life->journal));
    assert_int_equal(life->durable, keep);
}

static void append_all(struct life *life, const struct life_plan *plan)
{
    struct rig_shape shape = {.salt = plan->seed, .payload_max = plan->payload_max};
    struct mr_random random;
    mr_random_init(&random, plan->seed);
    for (uint32_t appended = 0; appended < plan->entries;) {
        bool done = append(life, &shape);
        appended += done;
        if (done && appended == plan->truncate_after) {
            truncate_some(life, plan->truncate_drops);
        }
        uint64_t polls = mr_random_below(&random, plan->polls + 1);
        for (uint64_t i = done ? 0 : 1; i < polls || (!done && i == 1); i++) {
            poll_once(life, done ? 0 : 1);
        }
        if (plan->marks && mr_random_chance(&random, 1, 3)) {
            ok(life, mr_journal_mark(life->journal, &life->error));
        }
    }
}

int life_run(struct life *life, const struct life_plan *plan)
{
    struct mr_storage *storage = &life->recorder->seam;
    struct mr_journal_options options = {
        .frames_in_flight = plan->frames_in_flight,
        .durability = plan->durability,
        .replicated = plan->replicated || plan->truncate_after > 0,
    };
    recorder_reset(life->recorder);
    life->recorder->in_order = plan->in_order;
    mr_random_init(&life->recorder->random, plan->seed);
    ok(life, storage->calls->lock(storage, 0, &life->error));
    int status = mr_journal_recover(storage, &options, &life->report, &life->damage, &life->journal,
                                    &life->error);
    if (status != MR_OK) {
        return status;
    }
    life->tip = (struct mr_tip){
        .index = life->report.last_index,
        .sequence = life->report.last_sequence,
        .time_ns = life->report.last_time_ns,
        .digest = life->report.last_digest,
    };
    life->tips[life->tip.index] = life->tip;
    life->generation = life->report.generation;
    life->durable = 0;
    life->durability = MR_DURABILITY_DISK; /* recovery has synced what it found */
    acknowledge(life, life->tip.index);
    life->durability = plan->durability;
    ok(life, mr_journal_start(life->journal, &life->error));
    append_all(life, plan);
    if (!plan->killed) {
        ok(life, mr_journal_stop(life->journal, &life->error));
        acknowledge(life, life->tip.index);
        note(life, NOTE_ACKNOWLEDGED, life->tip.index, (struct mr_digest){0, 0});
    }
    mr_journal_close(life->journal);
    storage->calls->unlock(storage);
    return MR_OK;
}
