#include "wire/outstanding.h"

#include "base/assert.h"
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

/* Besides commands: queries and pings. */
enum { OTHER_ITEMS = 64 };

bool mr_outstanding_open(struct mr_outstanding *window, uint32_t bytes, uint32_t commands)
{
    memset(window, 0, sizeof *window);
    window->size = mr_align_up(bytes, 8);
    window->items_max = commands + OTHER_ITEMS;
    window->bytes = malloc(window->size);
    window->items = calloc(window->items_max, sizeof *window->items);
    return window->bytes != NULL && window->items != NULL;
}

void mr_outstanding_close(struct mr_outstanding *window)
{
    free(window->bytes);
    free(window->items);
}

bool mr_outstanding_fits(const struct mr_outstanding *window, uint64_t length, uint32_t items)
{
    return length <= window->size - (window->end - window->begin) &&
           items <= window->items_max - (window->next - window->first);
}

void mr_outstanding_write(struct mr_outstanding *window, const void *bytes, uint32_t size)
{
    uint64_t at = window->end % window->size;
    uint64_t before_end = window->size - at < size ? window->size - at : size;
    ASSERT(size <= window->size - (window->end - window->begin));
    memcpy(window->bytes + at, bytes, before_end);
    memcpy(window->bytes, (const unsigned char *)bytes + before_end, size - before_end);
    window->end += size;
}

static struct mr_outstanding_item *item_at(struct mr_outstanding *window, uint64_t number)
{
    return &window->items[number % window->items_max];
}

void mr_outstanding_note(struct mr_outstanding *window, uint64_t frame_at,
                         enum mr_outstanding_kind kind, uint64_t request)
{
    ASSERT(window->next - window->first < window->items_max);
    *item_at(window, window->next++) =
        (struct mr_outstanding_item){.request = request,
                                     .frame_at = frame_at,
                                     .kind = kind,
                                     .done = kind == MR_OUTSTANDING_OTHER};
    window->commands += kind == MR_OUTSTANDING_COMMAND;
    window->queries += kind == MR_OUTSTANDING_QUERY;
}

/* Lets go of what is answered at the front, in whole frames, and never of what is not sent yet:
 * half a frame may be under way. */
static void trim(struct mr_outstanding *window)
{
    while (window->first < window->next && item_at(window, window->first)->done) {
        uint64_t next = window->first + 1;
        uint64_t begin = next < window->next ? item_at(window, next)->frame_at : window->end;
        if (begin > window->sent) {
            break;
        }
        window->first = next;
        window->begin = begin;
    }
}

/* The item that waits for an answer to `request`; window->next: there is none. */
static uint64_t find(struct mr_outstanding *window, enum mr_outstanding_kind kind, uint64_t request)
{
    for (uint64_t number = window->first; number < window->next; number++) {
        const struct mr_outstanding_item *item = item_at(window, number);
        if (item->kind == kind && item->request >= request) {
            return item->request == request && !item->done ? number : window->next;
        }
    }
    return window->next;
}

static void complete(struct mr_outstanding *window, struct mr_outstanding_item *item)
{
    window->commands -= !item->done && item->kind == MR_OUTSTANDING_COMMAND;
    window->queries -= !item->done && item->kind == MR_OUTSTANDING_QUERY;
    item->done = true;
}

bool mr_outstanding_answered(struct mr_outstanding *window, enum mr_outstanding_kind kind,
                             uint64_t request)
{
    uint64_t number = find(window, kind, request);
    if (number == window->next) {
        return false;
    }
    complete(window, item_at(window, number));
    trim(window);
    return true;
}

bool mr_outstanding_refused(struct mr_outstanding *window, enum mr_outstanding_kind kind,
                            uint64_t request)
{
    uint64_t number = find(window, kind, request);
    if (number == window->next) {
        return false;
    }
    uint64_t frame_at = item_at(window, number)->frame_at;
    for (; number < window->next && item_at(window, number)->frame_at == frame_at; number++) {
        complete(window, item_at(window, number));
    }
    trim(window);
    return true;
}

int mr_outstanding_pieces(struct mr_outstanding *window, struct iovec pieces[2])
{
    uint64_t waiting = window->end - window->sent;
    uint64_t at = window->sent % window->size;
    uint64_t before_end = window->size - at < waiting ? window->size - at : waiting;
    pieces[0] = (struct iovec){.iov_base = window->bytes + at, .iov_len = before_end};
    pieces[1] = (struct iovec){.iov_base = window->bytes, .iov_len = waiting - before_end};
    return waiting == 0 ? 0 : waiting > before_end ? 2 : 1;
}

void mr_outstanding_sent(struct mr_outstanding *window, uint64_t size)
{
    ASSERT(size <= window->end - window->sent);
    window->sent += size;
    trim(window);
}

void mr_outstanding_again(struct mr_outstanding *window)
{
    window->sent = window->begin;
}
