/*
 * hand-over-REGIME: messages a second through the book, whose reports go straight into the slots of
 * a ring, to a second thread that makes a digest of them all.
 */
#include "bench/book/rows.h"
#include "bench/book/subjects.h"

#include "bench/disruptor/frame.h"

#include <millrace/disruptor.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    RING_SLOTS = 8192, /* 512 KiB: with the book's own lines, they stay in a core's own cache */
    CLAIM = 1024,      /* slots that are claimed at once */
    BATCH = 32,        /* messages whose reports are published at once */
    OWNED = 32,        /* slots that the producer's core owns before they are written */
    FAILED = 4,
};

struct hand_over {
    enum flow_regime regime;
    enum subject subject;
};

/* What the two threads share, and what each knows. */
struct passage {
    struct mr_ring ring;
    struct mr_consumer consumer;
    /* Of the producer. */
    struct subjects *subjects;
    enum subject subject;
    const struct scene *scene;
    struct mr_book_turn turn;
    /* Of the consumer. */
    struct outcome outcome;
};

/* Room for all that one message may report: the claim runs ahead of what is published. */
static inline bool make_room(struct mr_producer *producer, struct mr_book_turn *turn,
                             uint64_t *published)
{
    uint64_t first;
    if (mr_producer_try_claim(producer, CLAIM, &first) == MR_OK)
        return true;
    /* The consumer must see what is there before it can make room. */
    mr_producer_publish(producer, *published, (uint32_t)(turn->next - *published));
    *published = turn->next;
    return mr_producer_claim(producer, CLAIM, &first) == MR_OK;
}

/* Brings a line for writing. The compiler's own does so only for processors named to it. */
static inline void bring_for_writing(void *line)
{
#if defined(__x86_64__)
    __asm__ __volatile__("prefetchw %0" : : "m"(*(unsigned char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* The lines of the next slots lie where the consumer has read them. The book's own stores would
 * wait behind those to a line that must be brought first, so they are brought early. */
static inline uint64_t own_slots(const struct mr_book_turn *turn, uint64_t owned)
{
    for (; owned < turn->next + OWNED; owned++)
        bring_for_writing(&turn->reports[owned & turn->mask]);
    return owned;
}

static inline __attribute__((always_inline)) bool produce_by(struct passage *passage,
                                                             enum subject subject,
                                                             uint64_t messages)
{
    struct mr_producer producer = mr_producer_of(&passage->ring, NULL);
    struct subjects *subjects = passage->subjects;
    struct mr_book_turn *turn = &passage->turn;
    const union mr_book_request *requests = scene_requests(passage->scene);
    uint64_t room = mr_book_reports_max(&subjects->desk.config);
    uint64_t published = 0;
    uint64_t owned = 0;
    for (uint64_t i = 0; i < messages;) {
        uint64_t end = messages - i < BATCH ? messages : i + BATCH;
        for (; i < end; i++) {
            if (producer.next - turn->next < room && !make_room(&producer, turn, &published))
                return false;
            flow_look_ahead(&requests[i]);
            owned = own_slots(turn, owned);
            subject_apply(subjects, subject, &requests[i], turn);
        }
        mr_producer_publish(&producer, published, (uint32_t)(turn->next - published));
        published = turn->next;
    }
    return true;
}

static bool produce(void *context, uint64_t messages)
{
    struct passage *passage = context;
    bool done;
    if (passage->subject == SUBJECT_MILLRACE)
        done = produce_by(passage, SUBJECT_MILLRACE, messages);
    else if (passage->subject == SUBJECT_MAP)
        done = produce_by(passage, SUBJECT_MAP, messages);
    else if (passage->subject == SUBJECT_EMPTY)
        done = produce_by(passage, SUBJECT_EMPTY, messages);
    else
        done = produce_by(passage, SUBJECT_HAND_OVER, messages);
    /* Whoever waits for reports that will never come waits no longer. */
    if (passage->turn.next != passage->scene->wanted[passage->subject].reports)
        mr_ring_halt(&passage->ring);
    return done;
}

static bool consume(void *context, uint64_t messages)
{
    struct passage *passage = context;
    struct mr_consumer *consumer = &passage->consumer;
    uint64_t wanted = passage->scene->wanted[passage->subject].reports;
    uint64_t digest = 1;
    uint64_t position = 0;
    (void)messages;
    while (position < wanted) {
        uint64_t next = mr_consumer_wait(consumer);
        if (next == position)
            break; /* halted */
        for (; position < next; position++)
            digest = outcome_add(digest, mr_ring_slot(&passage->ring, position));
        mr_consumer_release(consumer, next);
    }
    passage->outcome.reports = position;
    passage->outcome.digest = digest;
    mr_ring_halt(&passage->ring);
    return true;
}

static void open_ring(struct passage *passage)
{
    struct mr_error error;
    struct mr_ring_options options = {.capacity = RING_SLOTS,
                                      .slot_size = sizeof(union mr_book_report),
                                      .producer_wait = {.kind = MR_WAIT_SPIN},
                                      .consumer_wait = {.kind = MR_WAIT_SPIN}};
    options.memory = frame_memory(mr_ring_memory_size(&options));
    if (mr_ring_init(&passage->ring, &options, &error) != MR_OK ||
        mr_ring_consumer_add(&passage->ring, &passage->consumer, NULL, &error) != MR_OK) {
        fprintf(stderr, "bench_book: %s\n", error.text);
        exit(FAILED);
    }
}

static double measure(void *context)
{
    static struct passage passage;
    const struct hand_over *hand_over = context;
    const struct scene *scene = scene_get(hand_over->regime);
    memset(&passage, 0, sizeof(passage));
    passage.subjects = subjects_get();
    passage.subject = hand_over->subject;
    passage.scene = scene;
    open_ring(&passage);
    subject_begin(passage.subjects, passage.subject, scene);
    passage.turn = (struct mr_book_turn){.reports = mr_ring_slot(&passage.ring, 0),
                                         .mask = mr_ring_capacity(&passage.ring) - 1};
    const struct frame_role roles[] = {
        {.cpu = 0, .run = produce, .context = &passage, .messages = scene_count(scene)},
        {.cpu = 1, .run = consume, .context = &passage},
    };
    double ns = frame_run(roles, 2);
    struct outcome outcome = subject_end(passage.subjects, passage.subject, &passage.turn);
    outcome.tail = scene->wanted[passage.subject].tail; /* of another buffer */
    outcome.reports = passage.outcome.reports;
    outcome.digest = passage.outcome.digest;
    free(passage.ring.slots);
    if (ns < 0)
        return ns;
    return scene_confirms(scene, passage.subject, &outcome) ? (double)scene_count(scene) * 1e9 / ns
                                                            : BENCH_FAILED;
}

void hand_over_add(enum flow_regime regime)
{
    static struct hand_over all[FLOW_REGIMES][SUBJECTS];
    char row[64];
    snprintf(row, sizeof(row), "hand-over-%s", flow_name(regime));
    for (int subject = 0; subject < SUBJECTS; subject++) {
        struct hand_over *hand_over = &all[regime][subject];
        *hand_over = (struct hand_over){regime, (enum subject)subject};
        bench_add((struct bench_case){.row = row,
                                      .subject = subject_name((enum subject)subject),
                                      .unit = BENCH_MESSAGES_PER_S,
                                      .measure = measure,
                                      .context = hand_over});
    }
}
