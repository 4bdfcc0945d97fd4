/*
 * Who deals with the messages: ours, a peer, and limits, all called alike.
 */
#ifndef MR_BENCH_BOOK_SUBJECTS_H
#define MR_BENCH_BOOK_SUBJECTS_H

#include "bench/book/desk.h"
#include "bench/book/flow.h"
#include "bench/book/peer_map.h"

enum subject {
    SUBJECT_MILLRACE,
    SUBJECT_MAP,       /* std::map */
    SUBJECT_EMPTY,     /* limit: looks at a message's type and acknowledges it */
    SUBJECT_HAND_OVER, /* limit: as many reports as the book has, made of nothing */
    SUBJECTS
};

/* As the harness names it. */
const char *subject_name(enum subject subject);

/* One of each. */
struct subjects {
    struct desk desk;
    struct peer_map *map;
    struct outcome plain; /* of the limits: reports so far */
    uint64_t share;       /* reports a message, in 2^-32 */
    uint64_t due;         /* likewise: reports that are still to come */
};

/* A regime's messages, and what must come of them. */
struct scene {
    enum flow_regime regime;
    struct flow flow;
    struct outcome wanted[SUBJECTS]; /* of the first two: as std::map finds it, all reports */
    bool right;                      /* ours made the same reports */
};

/* The one that was asked for last is kept. */
const struct scene *scene_get(enum flow_regime regime);

/* What is measured of a scene. */
static inline const union mr_book_request *scene_requests(const struct scene *scene)
{
    return scene->flow.requests + scene->flow.standing;
}

static inline size_t scene_count(const struct scene *scene)
{
    return scene->flow.count - scene->flow.standing;
}

/* Makes the subject ready for the scene, what stands included, and returns the turn to go on with,
 * whose reports go to the desk's buffer. */
struct mr_book_turn subject_begin(struct subjects *subjects, enum subject subject,
                                  const struct scene *scene);
/* What came of it. */
struct outcome subject_end(struct subjects *subjects, enum subject subject,
                           const struct mr_book_turn *turn);

struct subjects *subjects_get(void);

/* Whether that is what had to come of it; says what is not. */
bool scene_confirms(const struct scene *scene, enum subject subject, const struct outcome *outcome);

/* The limits. */
void subject_acknowledge(const union mr_book_request *request, struct mr_book_turn *turn);
void subject_report(struct subjects *subjects, struct mr_book_turn *turn);

/* Inlined where the subject is known: then each has a loop of its own. */
static inline __attribute__((always_inline)) void subject_apply(
    struct subjects *subjects, enum subject subject, const union mr_book_request *request,
    struct mr_book_turn *turn)
{
    switch (subject) {
    case SUBJECT_MILLRACE:
        mr_book_apply(subjects->desk.book, request, turn);
        break;
    case SUBJECT_MAP:
        peer_map_apply(subjects->map, request, turn);
        break;
    case SUBJECT_EMPTY:
        subject_acknowledge(request, turn);
        break;
    case SUBJECT_HAND_OVER:
    case SUBJECTS:
        subject_report(subjects, turn);
        break;
    }
}

#endif
