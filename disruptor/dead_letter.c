#include "disruptor/dead_letter.h"
#include "base/bits.h"

#include <string.h>

_Static_assert(sizeof(struct mr_dead_letter) == 32, "a letter's content is aligned to 8");

/* The bytes of a slot that are its user's: in the latency layout all but the mark at its end. */
static size_t slot_bytes(const struct mr_ring *ring)
{
    return ring->layout == MR_RING_LATENCY ? ring->stride - sizeof(uint32_t) : ring->stride;
}

size_t mr_dead_letter_size(const struct mr_ring *ring)
{
    return mr_align_up(sizeof(struct mr_dead_letter) + slot_bytes(ring),
                       alignof(struct mr_dead_letter));
}

bool mr_dead_letter_fits(const struct mr_ring *dead_letters, const struct mr_ring *source)
{
    return slot_bytes(dead_letters) >= sizeof(struct mr_dead_letter) + slot_bytes(source) &&
           dead_letters->stride % alignof(struct mr_dead_letter) == 0;
}

static int claim(struct mr_ring *dead_letters, uint64_t *position)
{
    if (mr_ring_try_claim(dead_letters, 1, position) == MR_OK)
        return MR_OK;
    if (!mr_ring_halted(dead_letters))
        return MR_AGAIN;
    /* Once more: what was released before the halt may have come after the first look. */
    return mr_ring_try_claim(dead_letters, 1, position) == MR_OK ? MR_OK : MR_E_HALTED;
}

int mr_dead_letter_write(struct mr_ring *dead_letters, const struct mr_ring *source,
                         struct mr_dead_letter head)
{
    uint64_t position;
    int status = claim(dead_letters, &position);
    if (status != MR_OK)
        return status;
    head.source = source;
    head.length = (uint32_t)slot_bytes(source);
    struct mr_dead_letter *letter = mr_ring_slot(dead_letters, position);
    *letter = head;
    memcpy(letter + 1, mr_ring_slot(source, head.position), head.length);
    mr_ring_publish(dead_letters, position, 1);
    return MR_OK;
}
