/*
 * What a client has sent and is without answer: frames, one behind the other, in a ring of bytes
 * that is also what is sent from; and what each of them asks for, in order.
 *
 *     begin            sent                end
 *       | sent, without answer | to be sent |
 *
 * After a reconnection `sent` goes back to `begin`.
 */
#ifndef MR_WIRE_OUTSTANDING_H
#define MR_WIRE_OUTSTANDING_H

#include <millrace/wire.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum mr_outstanding_kind { MR_OUTSTANDING_COMMAND, MR_OUTSTANDING_QUERY, MR_OUTSTANDING_OTHER };

struct mr_outstanding_item {
    uint64_t request;
    uint64_t frame_at; /* where the frame begins that it is in */
    enum mr_outstanding_kind kind;
    bool done;
};

struct mr_outstanding {
    unsigned char *bytes; /* `size`, a multiple of 8 */
    uint64_t size;
    uint64_t begin, sent, end; /* positions that only grow */
    struct mr_outstanding_item *items;
    uint32_t items_max;
    uint64_t first, next; /* items, by numbers that only grow */
    uint32_t commands;    /* without answer */
    uint32_t queries;
};

bool mr_outstanding_open(struct mr_outstanding *window, uint32_t bytes, uint32_t commands);
void mr_outstanding_close(struct mr_outstanding *window);

/* True when there is room for a frame of `length` bytes that holds `commands` items. */
bool mr_outstanding_fits(const struct mr_outstanding *window, uint64_t length, uint32_t items);
/* Appends to the frame in progress, or begins one. There is room. */
void mr_outstanding_write(struct mr_outstanding *window, const void *bytes, uint32_t size);
/* Notes an item of the frame that begins at `frame_at`; MR_OUTSTANDING_OTHER wants no answer. */
void mr_outstanding_note(struct mr_outstanding *window, uint64_t frame_at,
                         enum mr_outstanding_kind kind, uint64_t request);

/* An answer has come; false: nobody waits for that one (any more). */
bool mr_outstanding_answered(struct mr_outstanding *window, enum mr_outstanding_kind kind,
                             uint64_t request);

/* The same of all that is in the same frame; the server takes none of it. */
bool mr_outstanding_refused(struct mr_outstanding *window, enum mr_outstanding_kind kind,
                            uint64_t request);

/* What is to be sent, as up to two pieces; returns how many. */
int mr_outstanding_pieces(struct mr_outstanding *window, struct iovec pieces[2]);
void mr_outstanding_sent(struct mr_outstanding *window, uint64_t size);
void mr_outstanding_again(struct mr_outstanding *window);

#endif
