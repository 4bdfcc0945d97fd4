/*
 * Millrace's ring in the rows with several consumers, which are agents of one thread. One ring does
 * for each graph: consumers come after one another, and a stage of the pipeline writes to the slots
 * for those after it.
 */
#include "bench/disruptor/ours.h"
#include "bench/disruptor/peers.h"

struct graph {
    struct ours first;
    struct mr_consumer second;
    struct mr_consumer third;
    uint64_t wrong;
};

/* One turn of a consumer that checks the messages, to each of which those before it added `added`;
 * how many it has handled. */
static inline uint64_t check_turn(struct graph *graph, struct mr_consumer *consumer, uint64_t added)
{
    uint64_t position = mr_consumer_position(consumer);
    uint64_t next = mr_consumer_available(consumer);
    if (next == position)
        return 0;
    graph->wrong |= ours_wrong(&graph->first.ring, position, next, added);
    mr_consumer_release(consumer, next);
    return next - position;
}

/* The same for a consumer that adds one to each for those after it. */
static inline uint64_t add_turn(struct graph *graph, struct mr_consumer *consumer, uint64_t added)
{
    uint64_t begin = mr_consumer_position(consumer);
    uint64_t next = mr_consumer_available(consumer);
    uint64_t wrong = 0;
    if (next == begin)
        return 0;
    for (uint64_t position = begin; position < next;) {
        uint64_t *slots = mr_ring_slot(&graph->first.ring, position);
        uint64_t count = mr_ring_run(&graph->first.ring, position, next);
        for (uint64_t k = 0; k < count; k++)
            wrong |= slots[k]++ ^ (position + k + added);
        position += count;
    }
    graph->wrong |= wrong;
    mr_consumer_release(consumer, next);
    return next - begin;
}

/* Calls the consumers round and round until all have handled everything. */
static inline bool turns(struct graph *graph, uint64_t messages, bool adding)
{
    struct mr_consumer *first = &graph->first.consumer;
    for (uint64_t left = 3 * messages; left > 0;) {
        uint64_t handled = adding ? add_turn(graph, first, 0) : check_turn(graph, first, 0);
        handled +=
            adding ? add_turn(graph, &graph->second, 1) : check_turn(graph, &graph->second, 0);
        handled += check_turn(graph, &graph->third, adding ? 2 : 0);
        left -= handled;
        if (handled < FRAME_GATHER)
            frame_pause(FRAME_PAUSES_EMPTY);
    }
    return graph->wrong == 0;
}

static bool consume_adding(void *context, uint64_t messages)
{
    return turns(context, messages, true);
}

static bool consume_checking(void *context, uint64_t messages)
{
    return turns(context, messages, false);
}

static double graph_measure(struct graph *graph, bool (*consume)(void *, uint64_t),
                            uint64_t messages)
{
    const struct frame_role roles[] = {
        {.cpu = 0, .run = ours_produce, .context = &graph->first, .messages = messages},
        {.cpu = 1, .run = consume, .context = graph, .messages = messages},
    };
    graph->wrong = 0;
    double ns = frame_run(roles, 2);
    ours_ring_end(&graph->first.ring);
    return ns;
}

static struct graph graph;

/* Begins a consumer that comes after these, and is given no more at once than any peer's agent. */
static void begin(struct mr_consumer *consumer, struct mr_consumer *const *after, uint32_t count)
{
    struct mr_consumer_options options = {
        .after = after, .after_count = count, .batch_max = FRAME_ROUND};
    ours_consumer_begin(&graph.first.ring, consumer, &options);
}

static double pipeline(uint64_t messages)
{
    struct mr_consumer *const first = &graph.first.consumer;
    struct mr_consumer *const second = &graph.second;
    ours_ring_begin(&graph.first.ring, ours_words());
    begin(first, NULL, 0);
    begin(second, &first, 1);
    begin(&graph.third, &second, 1);
    return graph_measure(&graph, consume_adding, messages);
}

static double multicast(uint64_t messages)
{
    ours_ring_begin(&graph.first.ring, ours_words());
    begin(&graph.first.consumer, NULL, 0);
    begin(&graph.second, NULL, 0);
    begin(&graph.third, NULL, 0);
    return graph_measure(&graph, consume_checking, messages);
}

static double diamond(uint64_t messages)
{
    struct mr_consumer *const both[] = {&graph.first.consumer, &graph.second};
    ours_ring_begin(&graph.first.ring, ours_words());
    begin(&graph.first.consumer, NULL, 0);
    begin(&graph.second, NULL, 0);
    begin(&graph.third, both, 2);
    return graph_measure(&graph, consume_checking, messages);
}

static const struct frame_subject subjects[] = {
    {"pipeline-3", "millrace", 40000000, pipeline},
    {"multicast-3", "millrace", 40000000, multicast},
    {"diamond", "millrace", 40000000, diamond},
};

void ours_add_graphs(void)
{
    frame_add(subjects, sizeof subjects / sizeof subjects[0]);
}
