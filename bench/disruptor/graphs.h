/*
 * The rows with several consumers, for any peer: one queue for each edge of the graph. The producer
 * has one core; the consumers are agents of one thread on the other, called round and round. See
 * rows.h for the queue that a peer gives. To a C compiler this file is empty.
 */
#ifndef MR_BENCH_DISRUPTOR_GRAPHS_H
#define MR_BENCH_DISRUPTOR_GRAPHS_H

#include "bench/disruptor/rows.h"

#ifdef __cplusplus

namespace rows
{

// Handles up to FRAME_ROUND messages of a queue; how many.
template <class Queue, class Handle> uint64_t take_round(Queue &queue, Handle handle)
{
    uint64_t handled = 0;
    while (handled < FRAME_ROUND) {
        const uint64_t taken = queue.take(handle, FRAME_ROUND - handled);
        if (taken == 0)
            break;
        handled += taken;
    }
    return handled;
}

// Collects what a stage hands on, so that it can be put in at once. A queue between stages of one
// thread is emptied every round and never full.
template <class Queue> class outbox
{
  public:
    explicit outbox(Queue &queue) : queue_(queue)
    {
    }

    void add(uint64_t message)
    {
        messages_[count_++] = message;
        if (count_ == messages_.size())
            flush();
    }

    void flush()
    {
        for (uint64_t done = 0; done < count_;) {
            const uint64_t put = queue_.put(&messages_[done], count_ - done);
            done += put;
            if (put == 0)
                abort();
        }
        count_ = 0;
    }

  private:
    Queue &queue_;
    uint64_t count_ = 0;
    std::array<uint64_t, 256> messages_;
};

// One consumer of a graph: message i must be i, and what the stages before it added.
struct stage {
    uint64_t next = 0;
    uint64_t bad = 0;

    void check(uint64_t message, uint64_t added)
    {
        bad |= message ^ (next++ + added);
    }
};

// Calls the agents of the consumers' thread round and round until all three have handled all.
template <class Round> void run_agents(uint64_t messages, Round round)
{
    for (uint64_t left = 3 * messages; left > 0;) {
        const uint64_t handled = round();
        left -= handled;
        if (handled < FRAME_GATHER)
            frame_pause(FRAME_PAUSES_EMPTY);
    }
}

template <class Graph> double measure_graph(uint64_t messages)
{
    Graph graph;
    const auto produce_into = [](void *context, uint64_t count) {
        return static_cast<Graph *>(context)->produce(count);
    };
    const auto consume_from = [](void *context, uint64_t count) {
        return static_cast<Graph *>(context)->consume(count);
    };
    const frame_role roles[] = {{0, produce_into, &graph, messages},
                                {1, consume_from, &graph, messages}};
    return frame_run(roles, std::size(roles));
}

// -- pipeline-3: each of the first two stages adds one to the message and hands it on. ------------

template <class Queue> class pipeline
{
  public:
    bool produce(uint64_t messages)
    {
        return rows::produce<Queue, 1>(&edges_[0], messages);
    }

    bool consume(uint64_t messages)
    {
        std::array<stage, 3> stages;
        run_agents(messages, [&] {
            const uint64_t handled = hand_on(stages[0], 0) + hand_on(stages[1], 1);
            return handled + take_round(edges_[2], [&](uint64_t m) { stages[2].check(m, 2); });
        });
        return (stages[0].bad | stages[1].bad | stages[2].bad) == 0;
    }

  private:
    uint64_t hand_on(stage &stage, uint64_t edge)
    {
        outbox<Queue> out(edges_[edge + 1]);
        const uint64_t handled = take_round(edges_[edge], [&](uint64_t message) {
            stage.check(message, edge);
            out.add(message + 1);
        });
        out.flush();
        return handled;
    }

    std::array<Queue, 3> edges_;
};

// -- multicast-3: three consumers that see everything. --------------------------------------------

template <class Queue, size_t Consumers>
void produce_copies(std::array<Queue, Consumers> &queues, size_t copies, uint64_t messages)
{
    for (uint64_t i = 0; i < messages; i++)
        for (size_t copy = 0; copy < copies; copy++)
            put_all(queues[copy], &i, 1);
}

template <class Queue> class multicast
{
  public:
    bool produce(uint64_t messages)
    {
        produce_copies(edges_, edges_.size(), messages);
        return true;
    }

    bool consume(uint64_t messages)
    {
        std::array<stage, 3> stages;
        run_agents(messages, [&] {
            return take(stages[0], edges_[0]) + take(stages[1], edges_[1]) +
                   take(stages[2], edges_[2]);
        });
        return (stages[0].bad | stages[1].bad | stages[2].bad) == 0;
    }

  private:
    static uint64_t take(stage &stage, Queue &queue)
    {
        return take_round(queue, [&](uint64_t message) { stage.check(message, 0); });
    }

    std::array<Queue, 3> edges_;
};

// -- diamond: two consumers see everything, a third what both have handled. -----------------------

template <class Queue> class diamond
{
  public:
    bool produce(uint64_t messages)
    {
        produce_copies(edges_, 2, messages);
        return true;
    }

    bool consume(uint64_t messages)
    {
        std::array<stage, 3> stages;
        run_agents(messages, [&] {
            const uint64_t handled = hand_on(stages[0], 0) + hand_on(stages[1], 1);
            return handled + join(stages[2]);
        });
        return (stages[0].bad | stages[1].bad | stages[2].bad) == 0;
    }

  private:
    uint64_t hand_on(stage &stage, size_t edge)
    {
        outbox<Queue> out(edges_[edge + 2]);
        const uint64_t handled = take_round(edges_[edge], [&](uint64_t message) {
            stage.check(message, 0);
            out.add(message);
        });
        out.flush();
        return handled;
    }

    // Takes as much of the one queue as of the other.
    uint64_t join(stage &stage)
    {
        uint64_t handled = 0;
        while (handled < FRAME_ROUND) {
            if (head_ == tail_) {
                head_ = tail_ = 0;
                edges_[2].take([&](uint64_t message) { waiting_[tail_++] = message; },
                               waiting_.size());
            }
            const uint64_t taken = head_ == tail_
                                       ? 0
                                       : edges_[3].take(
                                             [&](uint64_t message) {
                                                 stage.bad |= message ^ waiting_[head_++];
                                                 stage.check(message, 0);
                                             },
                                             tail_ - head_);
            if (taken == 0)
                break;
            handled += taken;
        }
        return handled;
    }

    std::array<Queue, 4> edges_; // to the first, to the second, from the first, from the second
    std::array<uint64_t, 256> waiting_; // of the first's, for the second's
    size_t head_ = 0;
    size_t tail_ = 0;
};

} // namespace rows

#endif
#endif
