/*
 * What is done in the rows with one queue or two, for any peer: C++ templates over its queue, so
 * that the peer's code is inlined as its user would have it. graphs.h has the rows with more. To a
 * C compiler both are empty.
 *
 * A peer's file gives a class for each way of using its queue:
 *
 *     struct queue {
 *         using message = ...;                           // uint64_t or frame_line
 *         uint64_t put(const message *m, uint64_t n);    // how many of n >= 1 went in; 0: full
 *         template <class F>
 *         uint64_t take(F handle, uint64_t max);         // how many of max came out; 0: empty
 *     };
 */
#ifndef MR_BENCH_DISRUPTOR_ROWS_H
#define MR_BENCH_DISRUPTOR_ROWS_H

#include "bench/disruptor/frame.h"

#ifdef __cplusplus

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>

namespace rows
{

// -- Messages and queues. -----------------------------------------------------------------------

constexpr uint64_t no_limit = UINT64_MAX;

// Slots of a queue of such messages.
template <class Message>
constexpr size_t slots = sizeof(Message) == 8 ? FRAME_SLOTS : FRAME_LINE_SLOTS;

inline void write(uint64_t &message, uint64_t i)
{
    message = i;
}

inline void write(frame_line &message, uint64_t i)
{
    frame_line_write(&message, i);
}

inline uint64_t wrong(uint64_t message, uint64_t i)
{
    return message ^ i;
}

inline uint64_t wrong(const frame_line &message, uint64_t i)
{
    return frame_line_wrong(&message, i);
}

// How many went in or came out, told of one.
constexpr uint64_t one_if(bool done)
{
    return done ? 1 : 0;
}

struct freed {
    void operator()(void *memory) const
    {
        free(memory);
    }
};

// Something plain in the memory that everybody gets.
template <class T> using in_memory = std::unique_ptr<T, freed>;

template <class T> in_memory<T> memory_for(size_t size)
{
    return in_memory<T>(static_cast<T *>(frame_memory(size)));
}

// -- 1p1c-8, 1p1c-8-batch, 1p1c-64. -------------------------------------------------------------

// Puts all in, and waits as long as there is no room.
template <class Queue>
void put_all(Queue &queue, const typename Queue::message *messages, uint64_t count)
{
    for (uint64_t done = 0; done < count;) {
        const uint64_t put = queue.put(messages + done, count - done);
        done += put;
        if (put == 0)
            frame_pause(FRAME_PAUSES_FULL);
    }
}

template <class Queue, uint64_t Batch> bool produce(void *context, uint64_t messages)
{
    auto &queue = *static_cast<Queue *>(context);
    for (uint64_t i = 0; i < messages;) {
        std::array<typename Queue::message, Batch> batch;
        const uint64_t count = std::min(Batch, messages - i);
        for (uint64_t k = 0; k < count; k++)
            write(batch[k], i + k);
        put_all(queue, batch.data(), count);
        i += count;
    }
    return true;
}

template <class Queue> bool consume(void *context, uint64_t messages)
{
    auto &queue = *static_cast<Queue *>(context);
    uint64_t bad = 0;
    uint64_t next = 0;
    const auto check = [&](const typename Queue::message &message) {
        bad |= wrong(message, next++);
    };
    for (uint64_t left = messages; left > 0;) {
        const uint64_t taken = queue.take(check, no_limit);
        left -= taken;
        if (taken == 0)
            frame_pause(FRAME_PAUSES_EMPTY);
    }
    return bad == 0;
}

template <class Queue, uint64_t Batch = 1> double one_to_one(uint64_t messages)
{
    Queue queue;
    const frame_role roles[] = {{0, produce<Queue, Batch>, &queue, messages},
                                {1, consume<Queue>, &queue, messages}};
    return frame_run(roles, std::size(roles));
}

// -- 3p1c-8. ------------------------------------------------------------------------------------

template <class Queue> struct shared {
    Queue queue;
    std::atomic<uint64_t> producers{0};
};

template <class Queue> bool produce_shared(void *context, uint64_t messages)
{
    auto &all = *static_cast<shared<Queue> *>(context);
    const uint64_t producer = all.producers++;
    for (uint64_t i = 0; i < messages; i++) {
        const uint64_t message = frame_shared_message(producer, i);
        unsigned turns = 0;
        while (all.queue.put(&message, 1) == 0)
            frame_wait_politely(&turns);
    }
    return true;
}

template <class Queue> bool consume_shared(void *context, uint64_t messages)
{
    auto &all = *static_cast<shared<Queue> *>(context);
    frame_shared_check check = {};
    const auto handle = [&](uint64_t message) { frame_shared_take(&check, message); };
    unsigned turns = 0;
    for (uint64_t next = 0; next < messages;) {
        const uint64_t taken = all.queue.take(handle, no_limit);
        next += taken;
        if (taken == 0)
            frame_wait_politely(&turns);
        else
            turns = 0;
    }
    return check.wrong == 0;
}

template <class Queue> double three_to_one(uint64_t messages)
{
    shared<Queue> all;
    return frame_run_shared(produce_shared<Queue>, consume_shared<Queue>, &all, messages);
}

// -- round-trip. --------------------------------------------------------------------------------

template <class Queue> struct table {
    Queue there;
    Queue back;
};

template <class Queue> uint64_t receive(Queue &queue)
{
    uint64_t received = 0;
    while (queue.take([&](uint64_t message) { received = message; }, 1) == 0)
        ;
    return received;
}

template <class Queue> bool serve(void *context, uint64_t messages)
{
    auto &both = *static_cast<table<Queue> *>(context);
    uint64_t bad = 0;
    for (uint64_t i = 0; i < messages; i++) {
        put_all(both.there, &i, 1);
        bad |= wrong(receive(both.back), i);
    }
    return bad == 0;
}

template <class Queue> bool answer(void *context, uint64_t messages)
{
    auto &both = *static_cast<table<Queue> *>(context);
    for (uint64_t i = 0; i < messages; i++) {
        const uint64_t message = receive(both.there);
        put_all(both.back, &message, 1);
    }
    return true;
}

template <class Queue> double round_trip(uint64_t messages)
{
    table<Queue> both;
    const frame_role roles[] = {{0, serve<Queue>, &both, messages},
                                {1, answer<Queue>, &both, messages}};
    return frame_run(roles, std::size(roles));
}

} // namespace rows

#endif
#endif
