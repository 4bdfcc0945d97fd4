/*
 * The disruptor alone, as a diamond: one producer, two stages that see everything side by side, and
 * a third that comes after both.
 *
 *                    +--> sum ----+
 *     producer ---> ring          +--> report
 *                    +--> check --+
 *
 * Usage: diamond COUNT. The producer sends 1 to COUNT. `sum` adds up and writes the running total
 * into the slot, `check` refuses multiples of seven, which become dead letters, and `report` prints
 * the last total when it has seen everything.
 */
#include <millrace/disruptor.h>
#include <millrace/processor.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SUM, CHECK, REPORT, STAGES };
enum { CAPACITY = 256, COUNT_MAX = 7 * CAPACITY /* as many dead letters as their ring holds */ };

struct message {
    uint64_t number;
    uint64_t total; /* written by `sum`, read by `report` */
};

static struct mr_ring ring, letters;
static struct mr_consumer consumers[STAGES];
static struct mr_processor processors[STAGES];
static uint64_t totals[STAGES]; /* each stage's own; CHECK has none */

/* -- The stages. ------------------------------------------------------------------------------- */

static int sum(void *context, const struct mr_delivery *delivery)
{
    uint64_t *total = context;
    struct message *message = delivery->slot;
    *total += message->number;
    message->total = *total;
    return MR_OK;
}

static int check(void *context, const struct mr_delivery *delivery)
{
    const struct message *message = delivery->slot;
    (void)context;
    return message->number % 7 == 0 ? MR_E_INVALID : MR_OK;
}

static int report(void *context, const struct mr_delivery *delivery)
{
    const struct message *message = delivery->slot;
    uint64_t *last = context;
    *last = message->total;
    return MR_OK;
}

static void *run(void *processor)
{
    mr_processor_run(processor);
    return NULL;
}

/* -- Putting it together. ---------------------------------------------------------------------- */

static int make_ring(struct mr_ring *made, uint32_t slot_size, struct mr_error *error)
{
    struct mr_ring_options options = {.capacity = CAPACITY, .slot_size = slot_size};
    options.memory = aligned_alloc(MR_RING_PADDING, mr_ring_memory_size(&options));
    return mr_ring_init(made, &options, error);
}

static int connect_stages(struct mr_error *error)
{
    struct mr_consumer *both[] = {&consumers[SUM], &consumers[CHECK]};
    const struct mr_consumer_options after_both = {.after = both, .after_count = 2};
    int (*const handlers[STAGES])(void *, const struct mr_delivery *) = {sum, check, report};

    int status = make_ring(&ring, sizeof(struct message), error);
    if (status == MR_OK)
        status = make_ring(&letters, (uint32_t)mr_dead_letter_size(&ring), error);
    for (int i = 0; i < STAGES && status == MR_OK; i++) {
        status =
            mr_ring_consumer_add(&ring, &consumers[i], i == REPORT ? &after_both : NULL, error);
        struct mr_processor_options options = {
            .consumer = &consumers[i], .handler = {.handle = handlers[i], .context = &totals[i]}};
        if (i == CHECK)
            options.failure =
                (struct mr_failure_policy){.action = MR_FAILURE_SKIP, .dead_letters = &letters};
        if (status == MR_OK)
            status = mr_processor_init(&processors[i], &options, error);
    }
    return status;
}

/* The producer: one claim a message. Claims wait for room, so nothing is lost. */
static void produce(uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t position;
        if (mr_ring_claim(&ring, 1, &position) != MR_OK)
            return;
        struct message *message = mr_ring_slot(&ring, position);
        message->number = i;
        mr_ring_publish(&ring, position, 1);
    }
}

int main(int argc, char **argv)
{
    struct mr_error error;
    struct mr_ring_report seen;
    pthread_t threads[STAGES];
    uint64_t count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    if (count == 0 || count > COUNT_MAX) {
        fprintf(stderr, "usage: diamond COUNT (1 to %d)\n", COUNT_MAX);
        return 2;
    }
    if (connect_stages(&error) != MR_OK) {
        fprintf(stderr, "diamond: %s\n", error.text);
        return 4;
    }
    for (int i = 0; i < STAGES; i++)
        if (pthread_create(&threads[i], NULL, run, &processors[i]) != 0)
            return 4;

    produce(count);
    mr_ring_drain(&ring, 0); /* everything is handled by everybody ... */
    mr_ring_halt(&ring);     /* ... and then the stages end */
    for (int i = 0; i < STAGES; i++)
        pthread_join(threads[i], NULL);

    mr_ring_report_take(&ring, &seen);
    printf("handled %" PRIu64 ", total %" PRIu64 ", dead letters %" PRIu64 "\n", seen.slowest,
           totals[REPORT], mr_ring_cursor(&letters));
    for (uint64_t i = 0; i < mr_ring_cursor(&letters) && i < 3; i++) {
        const struct mr_dead_letter *letter = mr_ring_slot(&letters, i);
        const struct message *message = mr_dead_letter_content(letter);
        printf("position %" PRIu64 " (number %" PRIu64 "): %s\n", letter->position, message->number,
               mr_status_text(letter->status));
    }
    free(ring.slots);
    free(letters.slots);
    return 0;
}
