// DPDK: rte_ring, over memory of ours and without the rest of its environment.
#include "bench/disruptor/graphs.h"
#include "bench/disruptor/peers.h"

#include <rte_config.h>
// What follows asks for it.
#include <rte_ring.h>
#include <rte_ring_elem.h>

namespace
{

// Flags say which producers there are; there is one consumer.
template <class Message, unsigned Flags> class ring
{
  public:
    using message = Message;

    ring()
    {
        if (rte_ring_init(ring_.get(), "bench", rows::slots<Message>, Flags | RING_F_SC_DEQ) != 0)
            abort();
    }

    uint64_t put(const Message *messages, uint64_t count)
    {
        return rte_ring_enqueue_burst_elem(ring_.get(), messages, sizeof(Message),
                                           static_cast<unsigned>(count), nullptr);
    }

    template <class Handle> uint64_t take(Handle handle, uint64_t /*max*/)
    {
        Message taken;
        if (rte_ring_sc_dequeue_elem(ring_.get(), &taken, sizeof taken) != 0)
            return 0;
        handle(taken);
        return 1;
    }

  protected:
    rows::in_memory<rte_ring> ring_ = rows::memory_for<rte_ring>(
        static_cast<size_t>(rte_ring_get_memsize_elem(sizeof(Message), rows::slots<Message>)));
};

template <class Message> struct one_by_one : ring<Message, RING_F_SP_ENQ> {
    uint64_t put(const Message *messages, uint64_t /*count*/)
    {
        // It takes what it copies from as if it wrote there.
        auto *from = const_cast<Message *>(messages);
        return rows::one_if(rte_ring_sp_enqueue_elem(this->ring_.get(), from, sizeof *from) == 0);
    }
};

template <class Message, unsigned Flags = RING_F_SP_ENQ> struct burst : ring<Message, Flags> {
    template <class Handle> uint64_t take(Handle handle, uint64_t max)
    {
        std::array<Message, 256> taken;
        const auto most = static_cast<unsigned>(std::min<uint64_t>(taken.size(), max));
        const unsigned count = rte_ring_sc_dequeue_burst_elem(this->ring_.get(), taken.data(),
                                                              sizeof(Message), most, nullptr);
        for (unsigned i = 0; i < count; i++)
            handle(taken[i]);
        return count;
    }
};

// In place, on either side, whatever is there at once.
template <class Message> struct zero_copy : ring<Message, RING_F_SP_ENQ> {
    uint64_t put(const Message *messages, uint64_t count)
    {
        rte_ring_zc_data place;
        const unsigned done = rte_ring_enqueue_zc_burst_elem_start(
            this->ring_.get(), sizeof(Message), static_cast<unsigned>(count), &place, nullptr);
        if (done == 0)
            return 0;
        const unsigned before_wrap = std::min(place.n1, done);
        std::copy_n(messages, before_wrap, static_cast<Message *>(place.ptr1));
        if (before_wrap < done)
            std::copy_n(messages + before_wrap, done - before_wrap,
                        static_cast<Message *>(place.ptr2));
        rte_ring_enqueue_zc_elem_finish(this->ring_.get(), done);
        return done;
    }

    template <class Handle> uint64_t take(Handle handle, uint64_t max)
    {
        rte_ring_zc_data place;
        const auto most = static_cast<unsigned>(std::min<uint64_t>(1024, max));
        const unsigned count = rte_ring_dequeue_zc_burst_elem_start(
            this->ring_.get(), sizeof(Message), most, &place, nullptr);
        if (count == 0)
            return 0;
        const unsigned before_wrap = std::min(place.n1, count);
        for (unsigned i = 0; i < before_wrap; i++)
            handle(static_cast<const Message *>(place.ptr1)[i]);
        for (unsigned i = before_wrap; i < count; i++)
            handle(static_cast<const Message *>(place.ptr2)[i - before_wrap]);
        rte_ring_dequeue_zc_elem_finish(this->ring_.get(), count);
        return count;
    }
};

// The default mode, in which producers wait for one another like ck_ring's, is not for more threads
// than cores; these two are, says its documentation.
using many_producers_rts = burst<uint64_t, RING_F_MP_RTS_ENQ>;
using many_producers_hts = burst<uint64_t, RING_F_MP_HTS_ENQ>;

constexpr frame_subject subjects[] = {
    {"1p1c-8", "rte_ring", 40'000'000, rows::one_to_one<one_by_one<uint64_t>>},
    {"1p1c-8", "rte_ring-burst", 100'000'000, rows::one_to_one<burst<uint64_t>>},
    {"1p1c-8", "rte_ring-zc", 100'000'000, rows::one_to_one<zero_copy<uint64_t>>},
    {"1p1c-8-batch", "rte_ring-burst", 100'000'000, rows::one_to_one<burst<uint64_t>, FRAME_BATCH>},
    {"1p1c-8-batch", "rte_ring-zc", 300'000'000,
     rows::one_to_one<zero_copy<uint64_t>, FRAME_BATCH>},
    {"1p1c-64", "rte_ring", 12'000'000, rows::one_to_one<one_by_one<frame_line>>},
    {"1p1c-64", "rte_ring-zc", 30'000'000, rows::one_to_one<zero_copy<frame_line>>},
    {"3p1c-8", "rte_ring-rts", 3'000'000, rows::three_to_one<many_producers_rts>},
    {"3p1c-8", "rte_ring-hts", 3'000'000, rows::three_to_one<many_producers_hts>},
    {"pipeline-3", "rte_ring-zc", 30'000'000,
     rows::measure_graph<rows::pipeline<zero_copy<uint64_t>>>},
    {"multicast-3", "rte_ring-zc", 20'000'000,
     rows::measure_graph<rows::multicast<zero_copy<uint64_t>>>},
    {"diamond", "rte_ring-zc", 30'000'000, rows::measure_graph<rows::diamond<zero_copy<uint64_t>>>},
    {"round-trip", "rte_ring", 1'000'000, rows::round_trip<one_by_one<uint64_t>>},
};

} // namespace

void dpdk_add()
{
    frame_add(subjects, std::size(subjects));
}
