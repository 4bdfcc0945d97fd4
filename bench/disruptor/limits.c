/*
 * What the machine itself allows: the same bytes through the caches of two cores with next to no
 * ring around them, and one or two lines that bounce between the cores.
 */
#include "bench/disruptor/frame.h"
#include "bench/disruptor/peers.h"

#include <millrace/atomic.h>

#include <stdlib.h>

enum { PADDING = 128 };

/* -- limit:stream-of-lines. -------------------------------------------------------------------- */

/* Nothing but the messages themselves, in words. The last word of what is written at once, other
 * than in the round before, says that all before it is there. The consumer looks at the last word
 * of a block before it reads the block, and says once a block what may be overwritten. */

enum { BLOCK_WORDS = 8192, BLOCK_PAUSES = 64 };

struct stream {
    alignas(PADDING) MR_ATOMIC(uint64_t) consumed; /* words */
    alignas(PADDING) uint64_t *words;              /* a power of two of them */
    uint64_t mask;
};

/* The word by which others see what was written before it. */
static MR_ATOMIC(uint64_t) * signal_of(uint64_t *word)
{
    return (MR_ATOMIC(uint64_t) *)word;
}

/* Writes `words` words, `unit` at once, which is known when this is compiled. */
static inline bool stream_write(struct stream *stream, uint64_t words, uint64_t unit)
{
    uint64_t room = stream->mask + 1;
    for (uint64_t w = 0; w < words; w += unit) {
        while (w == room) {
            /* Acquire: pairs with the release at the end of a block. */
            room = mr_atomic_load(&stream->consumed, acquire) + stream->mask + 1;
            if (w == room)
                frame_pause(FRAME_PAUSES_FULL);
        }
        uint64_t *to = &stream->words[w & stream->mask];
        for (uint64_t k = 0; k + 1 < unit; k++)
            to[k] = w + k + 1;
        /* Release: pairs with the acquire of a block's last word. */
        mr_atomic_store(signal_of(&to[unit - 1]), w + unit, release);
    }
    return true;
}

static uint64_t block_wrong(const uint64_t *words, uint64_t first)
{
    uint64_t wrong = 0;
    for (uint64_t k = 0; k < BLOCK_WORDS; k++)
        wrong |= words[k] ^ (first + k + 1);
    return wrong;
}

static bool stream_read(void *context, uint64_t words)
{
    struct stream *stream = context;
    uint64_t wrong = 0;
    for (uint64_t w = 0; w < words; w += BLOCK_WORDS) {
        uint64_t *block = &stream->words[w & stream->mask];
        /* Acquire: pairs with the release of the word in stream_write. */
        while (mr_atomic_load(signal_of(&block[BLOCK_WORDS - 1]), acquire) != w + BLOCK_WORDS)
            frame_pause(BLOCK_PAUSES);
        wrong |= block_wrong(block, w);
        /* Release: pairs with the acquire of whoever waits for room. */
        mr_atomic_store(&stream->consumed, w + BLOCK_WORDS, release);
    }
    return wrong == 0;
}

static bool write_word_by_word(void *context, uint64_t words)
{
    return stream_write(context, words, 1);
}

static bool write_line_by_line(void *context, uint64_t words)
{
    return stream_write(context, words, FRAME_WORDS);
}

static bool write_in_batches(void *context, uint64_t words)
{
    return stream_write(context, words, FRAME_BATCH);
}

/* Rounds up to whole blocks, which is next to nothing in so many words. */
static double stream_measure(bool (*write)(void *context, uint64_t words), uint64_t words,
                             uint64_t capacity)
{
    uint64_t whole = (words + BLOCK_WORDS - 1) / BLOCK_WORDS * BLOCK_WORDS;
    struct stream stream = {.words = frame_memory(capacity * sizeof(uint64_t)),
                            .mask = capacity - 1};
    const struct frame_role roles[] = {
        {.cpu = 0, .run = write, .context = &stream, .messages = whole},
        {.cpu = 1, .run = stream_read, .context = &stream, .messages = whole},
    };
    double ns = frame_run(roles, 2);
    free(stream.words);
    return ns;
}

static double stream_of_words(uint64_t messages)
{
    return stream_measure(write_word_by_word, messages, FRAME_SLOTS);
}

static double stream_of_batches(uint64_t messages)
{
    return stream_measure(write_in_batches, messages, FRAME_SLOTS);
}

static double stream_of_lines(uint64_t messages)
{
    return stream_measure(write_line_by_line, messages * FRAME_WORDS,
                          (uint64_t)FRAME_LINE_SLOTS * FRAME_WORDS);
}

/* -- limit:one-line, limit:two-lines. ---------------------------------------------------------- */

/* A number goes there and comes back, on the same line or on another. */

struct ball {
    alignas(PADDING) MR_ATOMIC(uint64_t) there;
    alignas(PADDING) MR_ATOMIC(uint64_t) back;
};

struct court {
    MR_ATOMIC(uint64_t) * there;
    MR_ATOMIC(uint64_t) * back;
    uint64_t answer; /* added to what came, if both use one line */
};

/* Acquire: pairs with the release of whoever sends. */
static inline void receive(MR_ATOMIC(uint64_t) * line, uint64_t number)
{
    while (mr_atomic_load(line, acquire) != number)
        ;
}

static bool serve(void *context, uint64_t messages)
{
    const struct court *court = context;
    for (uint64_t i = 1; i <= messages; i++) {
        /* Release: pairs with the acquire in receive. */
        mr_atomic_store(court->there, 2 * i, release);
        receive(court->back, 2 * i + court->answer);
    }
    return true;
}

static bool answer(void *context, uint64_t messages)
{
    const struct court *court = context;
    for (uint64_t i = 1; i <= messages; i++) {
        receive(court->there, 2 * i);
        /* Release: pairs with the acquire in receive. */
        mr_atomic_store(court->back, 2 * i + court->answer, release);
    }
    return true;
}

static double bounce(struct court court, uint64_t messages)
{
    const struct frame_role roles[] = {
        {.cpu = 0, .run = serve, .context = &court, .messages = messages},
        {.cpu = 1, .run = answer, .context = &court, .messages = messages},
    };
    return frame_run(roles, 2);
}

static double one_line(uint64_t messages)
{
    struct ball ball = {0};
    return bounce((struct court){.there = &ball.there, .back = &ball.there, .answer = 1}, messages);
}

static double two_lines(uint64_t messages)
{
    struct ball ball = {0};
    return bounce((struct court){.there = &ball.there, .back = &ball.back}, messages);
}

static const struct frame_subject subjects[] = {
    {"1p1c-8", "limit:stream-of-lines", 200000000, stream_of_words},
    {"1p1c-8-batch", "limit:stream-of-lines", 400000000, stream_of_batches},
    {"1p1c-64", "limit:stream-of-lines", 60000000, stream_of_lines},
    {"round-trip", "limit:one-line", 2000000, one_line},
    {"round-trip", "limit:two-lines", 2000000, two_lines},
};

void limits_add(void)
{
    frame_add(subjects, sizeof subjects / sizeof subjects[0]);
}
