/*
 * Every fixed limit and size of Millrace, with the relations between them asserted. What a user can
 * configure lives in genesis (see <millrace/image.h>) and is checked against these. Freestanding.
 */
#ifndef MR_BASE_LIMITS_H
#define MR_BASE_LIMITS_H

#include <stdint.h>

enum {
    /* Counters that different threads write sit this far apart: two lines, because the hardware
     * prefetches lines in pairs. */
    MR_CACHE_LINE = 64,
    MR_PADDING = 128,

    MR_BATCH_COMMANDS_MAX = 8190,
    MR_BATCH_BYTES_MAX = 2 << 20,
    MR_BLOCK_BYTES_MAX = 256 << 10, /* of a block that holds no batch larger than this */

    MR_COMMAND_SIZE_MAX = 64 << 10, /* header included */
    MR_EVENT_SIZE_MAX = 4 << 10,    /* header included */
    MR_EVENTS_PER_TURN_MAX = 64 << 10,

    MR_FRAME_HEADER_SIZE = 256, /* room the journal needs in front of an entry */
    MR_ENTRY_HEADER_SIZE = 128,
    MR_FRAME_BYTES_MAX = MR_BATCH_BYTES_MAX + 4096, /* headers and padding included */

    MR_FRAMES_IN_FLIGHT_MAX = 8,

    MR_SEGMENT_BYTES_MIN = 4 << 20,
    MR_SEGMENT_BYTES_DEFAULT = 64 << 20,
    MR_SEGMENT_BYTES_MAX = 256 << 20,
};

_Static_assert(MR_PADDING % MR_CACHE_LINE == 0, "padding is whole lines");
_Static_assert(MR_SEGMENT_BYTES_MIN >= MR_FRAME_BYTES_MAX + (64 << 10),
               "the smallest segment holds the largest frame, its superblocks and its seal");
_Static_assert(MR_BLOCK_BYTES_MAX >= MR_COMMAND_SIZE_MAX + MR_ENTRY_HEADER_SIZE,
               "a block holds the largest command");
_Static_assert(MR_FRAME_BYTES_MAX >=
                   MR_BATCH_BYTES_MAX + MR_FRAME_HEADER_SIZE + MR_ENTRY_HEADER_SIZE,
               "a frame holds the largest batch");

#endif
