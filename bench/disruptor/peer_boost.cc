// Boost.Lockfree: spsc_queue, and for several producers queue.
#include "bench/disruptor/graphs.h"
#include "bench/disruptor/peers.h"

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <new>

namespace
{

template <class Message> class spsc
{
  public:
    using message = Message;

    uint64_t put(const Message *messages, uint64_t count)
    {
        return count == 1 ? rows::one_if(queue_->push(*messages)) : queue_->push(messages, count);
    }

  protected:
    using queue =
        boost::lockfree::spsc_queue<Message, boost::lockfree::capacity<rows::slots<Message>>>;
    rows::in_memory<queue> memory_ = rows::memory_for<queue>(sizeof(queue));
    queue *queue_ = new (memory_.get()) queue;
};

template <class Message> struct one_by_one : spsc<Message> {
    template <class Handle> uint64_t take(Handle handle, uint64_t /*max*/)
    {
        return rows::one_if(this->queue_->consume_one(handle));
    }
};

// consume_all knows no limit, which only graphs ask for.
template <class Message> struct consume_all : spsc<Message> {
    template <class Handle> uint64_t take(Handle handle, uint64_t /*max*/)
    {
        return this->queue_->consume_all(handle);
    }
};

template <class Message> struct bulk : spsc<Message> {
    template <class Handle> uint64_t take(Handle handle, uint64_t max)
    {
        std::array<Message, 256> taken;
        const uint64_t count =
            this->queue_->pop(taken.data(), std::min<uint64_t>(taken.size(), max));
        for (uint64_t i = 0; i < count; i++)
            handle(taken[i]);
        return count;
    }
};

// Nodes are numbered with 16 bits, and two of these numbers are taken.
class many_producers
{
  public:
    using message = uint64_t;

    uint64_t put(const uint64_t *messages, uint64_t /*count*/)
    {
        return rows::one_if(queue_->push(*messages));
    }

    template <class Handle> uint64_t take(Handle handle, uint64_t /*max*/)
    {
        return rows::one_if(queue_->consume_one(handle));
    }

  private:
    using queue = boost::lockfree::queue<uint64_t, boost::lockfree::capacity<FRAME_SLOTS - 2>>;
    rows::in_memory<queue> memory_ = rows::memory_for<queue>(sizeof(queue));
    queue *queue_ = new (memory_.get()) queue;
};

constexpr frame_subject subjects[] = {
    {"1p1c-8", "boost-spsc", 60'000'000, rows::one_to_one<one_by_one<uint64_t>>},
    {"1p1c-8", "boost-spsc-all", 200'000'000, rows::one_to_one<consume_all<uint64_t>>},
    {"1p1c-8-batch", "boost-spsc-all", 400'000'000,
     rows::one_to_one<consume_all<uint64_t>, FRAME_BATCH>},
    {"1p1c-64", "boost-spsc", 20'000'000, rows::one_to_one<one_by_one<frame_line>>},
    {"1p1c-64", "boost-spsc-all", 60'000'000, rows::one_to_one<consume_all<frame_line>>},
    {"3p1c-8", "boost-queue", 3'000'000, rows::three_to_one<many_producers>},
    {"pipeline-3", "boost-spsc", 30'000'000, rows::measure_graph<rows::pipeline<bulk<uint64_t>>>},
    {"multicast-3", "boost-spsc", 30'000'000, rows::measure_graph<rows::multicast<bulk<uint64_t>>>},
    {"diamond", "boost-spsc", 30'000'000, rows::measure_graph<rows::diamond<bulk<uint64_t>>>},
    {"round-trip", "boost-spsc", 1'000'000, rows::round_trip<one_by_one<uint64_t>>},
};

} // namespace

void boost_add()
{
    frame_add(subjects, std::size(subjects));
}
