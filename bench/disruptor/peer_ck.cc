// Concurrency Kit: ck_ring, which hands over one message at a time. It has no place in 3p1c-8: its
// several producers publish in the order of their claims and spin for one another. With more
// threads than cores, once one was interrupted, every message costs a time slice: milliseconds.
#include "bench/disruptor/graphs.h"
#include "bench/disruptor/peers.h"

// A C header: in one place it returns `false` for a null pointer, which C++ does not take.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define false 0 // NOLINT
#include <ck_ring.h>
#undef false

namespace
{

// The functions of 8-byte values are public. Other sizes are meant to be had by CK_RING_PROTOTYPE,
// whose pointers C++ does not convert either: these are the calls that it expands to.
bool enqueue(ck_ring *ring, ck_ring_buffer *buffer, uint64_t message)
{
    return ck_ring_enqueue_spsc(ring, buffer, reinterpret_cast<void *>(message));
}

bool dequeue(ck_ring *ring, const ck_ring_buffer *buffer, uint64_t &message)
{
    return ck_ring_dequeue_spsc(ring, buffer, &message);
}

bool enqueue(ck_ring *ring, frame_line *buffer, const frame_line &message)
{
    return _ck_ring_enqueue_sp(ring, buffer, &message, sizeof message, nullptr);
}

bool dequeue(ck_ring *ring, const frame_line *buffer, frame_line &message)
{
    return _ck_ring_dequeue_sc(ring, buffer, &message, sizeof message);
}

template <class Message, class Buffer> class spsc
{
  public:
    using message = Message;

    spsc()
    {
        ck_ring_init(ring_.get(), rows::slots<Message>);
    }

    uint64_t put(const Message *messages, uint64_t /*count*/)
    {
        return rows::one_if(enqueue(ring_.get(), buffer_.get(), *messages));
    }

    template <class Handle> uint64_t take(Handle handle, uint64_t /*max*/)
    {
        Message taken;
        if (!dequeue(ring_.get(), buffer_.get(), taken))
            return 0;
        handle(taken);
        return 1;
    }

  private:
    rows::in_memory<ck_ring> ring_ = rows::memory_for<ck_ring>(sizeof(ck_ring));
    rows::in_memory<Buffer> buffer_ =
        rows::memory_for<Buffer>(sizeof(Buffer) * rows::slots<Message>);
};

using words = spsc<uint64_t, ck_ring_buffer>;
using lines = spsc<frame_line, frame_line>;

constexpr frame_subject subjects[] = {
    {"1p1c-8", "ck_ring", 60'000'000, rows::one_to_one<words>},
    {"1p1c-64", "ck_ring", 15'000'000, rows::one_to_one<lines>},
    {"pipeline-3", "ck_ring", 20'000'000, rows::measure_graph<rows::pipeline<words>>},
    {"multicast-3", "ck_ring", 20'000'000, rows::measure_graph<rows::multicast<words>>},
    {"diamond", "ck_ring", 20'000'000, rows::measure_graph<rows::diamond<words>>},
    {"round-trip", "ck_ring", 1'000'000, rows::round_trip<words>},
};

} // namespace

void ck_add()
{
    frame_add(subjects, std::size(subjects));
}
