/*
 * book-REGIME: what a message costs in the book alone, in ns, with its reports written into a small
 * buffer. Only that is measured: messages are brought into cache, some hundred at a time, while the
 * clock stands still.
 */
#include "bench/book/rows.h"
#include "bench/book/subjects.h"

#include "bench/harness.h"

#include <stdio.h>

struct alone {
    enum flow_regime regime;
    enum subject subject;
};

static inline __attribute__((always_inline)) void apply_each(struct subjects *subjects,
                                                             enum subject subject,
                                                             const union mr_book_request *requests,
                                                             size_t count,
                                                             struct mr_book_turn *turn)
{
    for (size_t i = 0; i < count; i++)
        subject_apply(subjects, subject, &requests[i], turn);
}

static void apply_all(struct subjects *subjects, enum subject subject,
                      const union mr_book_request *requests, size_t count,
                      struct mr_book_turn *turn)
{
    if (subject == SUBJECT_MILLRACE)
        apply_each(subjects, SUBJECT_MILLRACE, requests, count, turn);
    else if (subject == SUBJECT_MAP)
        apply_each(subjects, SUBJECT_MAP, requests, count, turn);
    else
        apply_each(subjects, SUBJECT_EMPTY, requests, count, turn);
}

/* Nanoseconds for all of them. */
static uint64_t time_all(struct subjects *subjects, enum subject subject, const struct scene *scene,
                         struct mr_book_turn *turn)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < scene_count(scene); i += FLOW_CHUNK) {
        const union mr_book_request *requests = scene_requests(scene) + i;
        size_t left = scene_count(scene) - i;
        size_t count = left < FLOW_CHUNK ? left : FLOW_CHUNK;
        flow_touch(requests, count);
        uint64_t begin = bench_now_ns();
        apply_all(subjects, subject, requests, count, turn);
        ns += bench_now_ns() - begin;
    }
    return ns;
}

static double measure(void *context)
{
    const struct alone *alone = context;
    struct subjects *subjects = subjects_get();
    const struct scene *scene = scene_get(alone->regime);
    struct mr_book_turn turn = subject_begin(subjects, alone->subject, scene);
    uint64_t ns = time_all(subjects, alone->subject, scene, &turn);
    struct outcome outcome = subject_end(subjects, alone->subject, &turn);
    return scene_confirms(scene, alone->subject, &outcome) ? (double)ns / (double)scene_count(scene)
                                                           : BENCH_FAILED;
}

void alone_add(enum flow_regime regime)
{
    static struct alone all[FLOW_REGIMES][SUBJECTS];
    static const enum subject subjects[] = {SUBJECT_MILLRACE, SUBJECT_MAP, SUBJECT_EMPTY};
    char row[64];
    snprintf(row, sizeof(row), "book-%s", flow_name(regime));
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        struct alone *alone = &all[regime][subjects[i]];
        *alone = (struct alone){regime, subjects[i]};
        bench_add((struct bench_case){.row = row,
                                      .subject = subject_name(subjects[i]),
                                      .unit = BENCH_NS,
                                      .measure = measure,
                                      .context = alone});
    }
}
