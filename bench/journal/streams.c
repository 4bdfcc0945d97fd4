/*
 * Commands of 128 bytes in a stream.
 *
 * durable-128: they arrive one by one from another thread, through a ring. The writer's thread
 * gathers them in blocks: it cuts a block as soon as a frame may go out, with all that has arrived
 * by then, 256 KiB at most. There is no timer; while four frames are in flight, commands gather.
 * The subjects -os and -none are durable in a lesser sense, by the policies of those names.
 *
 * cpu-256: what a command costs in CPU time, the kernel's included, in entries of 256 commands:
 * copied into the block, hashed, framed, written, known to be durable.
 */
#include "bench/journal/fio.h"
#include "bench/journal/ours.h"
#include "bench/journal/rows.h"

#include <millrace/disruptor.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_IN_FLIGHT = 4,
    BLOCK_FRAME = 256 << 10,
    SLOTS = 16384, /* 2 MiB: eight blocks */
    COMMANDS = 8000000,
    COMMANDS_QUICK = 1000000,
    BATCH = 256,
    BATCH_FRAME = 36 << 10,
    BATCHES = 8192,
    BATCHES_QUICK = 2048,
};

static uint64_t stream_commands(void)
{
    return bench_quick() ? COMMANDS_QUICK : COMMANDS;
}

/* -- durable-128. ------------------------------------------------------------------------------ */

struct stream {
    struct mr_ring ring;
    struct mr_consumer consumer;
    struct ours ours;
    uint64_t commands;
    uint32_t count; /* in the block in hand */
    uint64_t appended;
};

static void *produce(void *context)
{
    struct stream *stream = context;
    struct mr_producer producer = mr_producer_of(&stream->ring, NULL);
    for (uint64_t i = 1; i <= stream->commands; i++) {
        uint64_t position;
        if (mr_producer_claim(&producer, 1, &position) != MR_OK) {
            break; /* halted: the writer has failed */
        }
        common_command_make(mr_producer_slot(&producer, position), i);
        mr_producer_publish(&producer, position, 1);
    }
    return NULL;
}

/* Takes what has arrived, as far as the block has room; returns how many. */
static uint32_t gather(struct stream *stream)
{
    uint32_t room = ours_block_bytes(&stream->ours) / COMMON_COMMAND_BYTES - stream->count;
    uint64_t position = mr_consumer_position(&stream->consumer);
    uint64_t next = mr_consumer_available(&stream->consumer);
    next = next - position > room ? position + room : next;
    unsigned char *block = ours_block(&stream->ours);
    uint32_t taken = (uint32_t)(next - position);
    while (position < next) {
        uint64_t run = mr_ring_run(&stream->ring, position, next);
        memcpy(block + (size_t)stream->count * COMMON_COMMAND_BYTES,
               mr_ring_slot(&stream->ring, position), run * COMMON_COMMAND_BYTES);
        stream->count += (uint32_t)run;
        position += run;
    }
    if (taken > 0) {
        mr_consumer_release(&stream->consumer, next);
    }
    return taken;
}

/* One turn: gathers, appends if a frame may go out, and lets the writer have its turn. Sleeps while
 * nothing else can be done. */
static bool turn(struct stream *stream)
{
    uint32_t taken = gather(stream);
    bool ready = mr_journal_ready(stream->ours.journal);
    if (ready && stream->count > 0) {
        uint32_t bytes = stream->count * COMMON_COMMAND_BYTES;
        int status = ours_append(&stream->ours, stream->count, bytes);
        if (status == MR_OK) {
            stream->appended += stream->count;
            stream->count = 0;
        } else if (status != MR_AGAIN) {
            return false;
        }
    } else if (ready) {
        sched_yield();
    }
    return ours_poll(&stream->ours, taken == 0 && !ready);
}

static bool write_all(struct stream *stream)
{
    while (stream->appended < stream->commands) {
        if (!turn(stream)) {
            return false;
        }
    }
    return ours_settle(&stream->ours);
}

static bool set_up_ring(struct stream *stream)
{
    static _Alignas(4096) unsigned char slots[SLOTS * COMMON_COMMAND_BYTES];
    const struct mr_ring_options options = {
        .capacity = SLOTS,
        .slot_size = COMMON_COMMAND_BYTES,
        .producers = MR_PRODUCER_SINGLE,
        .layout = MR_RING_THROUGHPUT,
        .producer_wait = {.kind = MR_WAIT_PARK},
        .consumer_wait = {.kind = MR_WAIT_YIELD}, /* never used: nobody needs to be woken */
        .memory = slots,
    };
    struct mr_error error;
    if (mr_ring_init(&stream->ring, &options, &error) != MR_OK ||
        mr_ring_consumer_add(&stream->ring, &stream->consumer, NULL, &error) != MR_OK) {
        (void)common_fail("ring", error.text);
        return false;
    }
    return true;
}

/* Commands a second, from the first that is produced to the last that is durable. */
static double run_stream(struct stream *stream)
{
    pthread_t producer;
    uint64_t start_ns = bench_now_ns();
    if (pthread_create(&producer, NULL, produce, stream) != 0) {
        return common_fail("durable-128", "cannot start a thread");
    }
    bool good = write_all(stream);
    uint64_t elapsed_ns = bench_now_ns() - start_ns;
    mr_ring_halt(&stream->ring);
    pthread_join(producer, NULL);
    if (!good || !ours_stop(&stream->ours)) {
        return BENCH_FAILED;
    }
    if (ours_count(&stream->ours) != (int64_t)stream->commands) {
        return common_fail("durable-128", "not all commands are there");
    }
    return (double)stream->commands * 1e9 / (double)elapsed_ns;
}

static double durable_ours(void *context)
{
    static struct stream stream;
    struct ours_options options = *(const struct ours_options *)context;
    memset(&stream, 0, sizeof stream);
    stream.commands = stream_commands();
    if (options.prepared_bytes > 0) {
        /* Blocks that are not full take more room than their commands. */
        options.prepared_bytes = stream.commands * COMMON_COMMAND_BYTES * 5 / 4;
    }
    double result = BENCH_FAILED;
    if (ours_open(&stream.ours, &options) && set_up_ring(&stream)) {
        result = run_stream(&stream);
    }
    ours_close(&stream.ours);
    return result;
}

/* All bytes that the disk takes in blocks of that size, as if all were commands. */
static double durable_fio(void *context)
{
    (void)context;
    const struct fio_job job = {.block_bytes = BLOCK_FRAME,
                                .depth = FRAMES_IN_FLIGHT,
                                .bytes = stream_commands() * COMMON_COMMAND_BYTES};
    struct fio_report report;
    double status = fio_run(&job, &report);
    return status < 0 ? status : report.bytes_per_s / COMMON_COMMAND_BYTES;
}

/* -- cpu-256. ---------------------------------------------------------------------------------- */

static bool append_batches(struct ours *ours, uint64_t batches)
{
    uint64_t sequence = 0;
    for (uint64_t i = 0; i < batches; i++) {
        unsigned char *block = ours_block(ours);
        for (size_t k = 0; k < BATCH; k++) {
            common_command_make(block + k * COMMON_COMMAND_BYTES, ++sequence);
        }
        if (!ours_append_soon(ours, BATCH, BATCH * COMMON_COMMAND_BYTES) ||
            !ours_poll(ours, false)) {
            return false;
        }
    }
    return ours_settle(ours);
}

static double cpu_ours(void *context)
{
    struct ours_options options = *(const struct ours_options *)context;
    uint64_t batches = bench_quick() ? BATCHES_QUICK : BATCHES;
    options.prepared_bytes = options.prepared_bytes > 0 ? batches * BATCH_FRAME : 0;
    struct ours ours;
    double result = BENCH_FAILED;
    if (ours_open(&ours, &options)) {
        uint64_t start_ns = common_cpu_ns();
        bool good = append_batches(&ours, batches);
        uint64_t spent_ns = common_cpu_ns() - start_ns;
        if (good && ours_stop(&ours) && ours_count(&ours) == (int64_t)(batches * BATCH)) {
            result = (double)spent_ns / (double)(batches * BATCH);
        }
    }
    ours_close(&ours);
    return result;
}

static void add(const char *row, const char *subject, enum bench_unit unit,
                double (*measure)(void *context), struct ours_options *options)
{
    bench_add((struct bench_case){
        .row = row, .subject = subject, .unit = unit, .measure = measure, .context = options});
}

void streams_add(void)
{
    static struct ours_options blocks = {.frame_bytes = BLOCK_FRAME,
                                         .frames_in_flight = FRAMES_IN_FLIGHT};
    static struct ours_options batches = {.frame_bytes = BATCH_FRAME,
                                          .frames_in_flight = FRAMES_IN_FLIGHT};
    static struct ours_options blocks_prepared;
    static struct ours_options blocks_os;
    static struct ours_options blocks_none;
    static struct ours_options batches_prepared;
    blocks_prepared = blocks_os = blocks_none = blocks;
    batches_prepared = batches;
    /* How many bytes follows from the run. */
    blocks_prepared.prepared_bytes = batches_prepared.prepared_bytes = 1;
    blocks_os.durability = MR_DURABILITY_OS;
    blocks_none.durability = MR_DURABILITY_NONE;
    add("durable-128", "millrace", BENCH_COMMANDS_PER_S, durable_ours, &blocks);
    add("durable-128", "millrace-prepared", BENCH_COMMANDS_PER_S, durable_ours, &blocks_prepared);
    add("durable-128", "limit:fio", BENCH_COMMANDS_PER_S, durable_fio, NULL);
    add("durable-128", "millrace-os", BENCH_COMMANDS_PER_S, durable_ours, &blocks_os);
    add("durable-128", "millrace-none", BENCH_COMMANDS_PER_S, durable_ours, &blocks_none);
    add("cpu-256", "millrace", BENCH_NS, cpu_ours, &batches);
    add("cpu-256", "millrace-prepared", BENCH_NS, cpu_ours, &batches_prepared);
}
