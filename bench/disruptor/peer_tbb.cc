// oneTBB: concurrent_bounded_queue, for several producers. It allocates its own memory.
#include "bench/disruptor/peers.h"
#include "bench/disruptor/rows.h"

#include <oneapi/tbb/concurrent_queue.h>

namespace
{

class many_producers
{
  public:
    using message = uint64_t;

    many_producers()
    {
        queue_.set_capacity(FRAME_SLOTS);
    }

    uint64_t put(const uint64_t *messages, uint64_t /*count*/)
    {
        return rows::one_if(queue_.try_push(*messages));
    }

    template <class Handle> uint64_t take(Handle handle, uint64_t /*max*/)
    {
        uint64_t taken = 0;
        if (!queue_.try_pop(taken))
            return 0;
        handle(taken);
        return 1;
    }

  private:
    tbb::concurrent_bounded_queue<uint64_t> queue_;
};

constexpr frame_subject subjects[] = {
    {"3p1c-8", "tbb-bounded", 2'000'000, rows::three_to_one<many_producers>},
};

} // namespace

void tbb_add()
{
    frame_add(subjects, std::size(subjects));
}
