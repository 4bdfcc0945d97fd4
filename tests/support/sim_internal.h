/*
 * What the parts of the simulated storage share. Private to sim_*.c.
 */
#ifndef MR_TESTS_SUPPORT_SIM_INTERNAL_H
#define MR_TESTS_SUPPORT_SIM_INTERNAL_H

#include "tests/support/sim_storage.h"

#include <pthread.h>

struct sim_handle {
    bool used;
    bool writable;
    bool direct;
    uint32_t in_flight;
    struct sim_node *node;
    char name[MR_STORAGE_NAME_MAX];
};

struct sim_operation {
    enum { SIM_FREE, SIM_SUBMITTED, SIM_FLUSHED } state;
    struct mr_io io;
    /* The operation's own, because a process may end before its operations do. */
    struct sim_node *node;
    uint8_t *data;              /* a copy */
    struct sim_capture capture; /* of a sync, once it is flushed */
    uint64_t order;             /* of submission */
    uint32_t delay;             /* reaps to go */
    struct mr_sim_fault fault;  /* system_error 0: none */
};

struct sim_armed_fault {
    struct mr_sim_fault fault;
    uint64_t seen; /* matching calls since it was injected */
};

struct mr_sim {
    struct mr_storage storage; /* first: the seam's handle */
    pthread_mutex_t mutex;
    struct mr_sim_options options;
    struct mr_random random;
    struct sim_disk disk;
    struct sim_handle handles[MR_STORAGE_FILES_MAX];
    bool locked;
    bool queue_running;
    bool power_cut;
    uint32_t depth;
    uint32_t in_flight;
    uint64_t submitted;
    struct sim_operation operations[MR_QUEUE_DEPTH_MAX];
    struct sim_armed_fault faults[MR_SIM_FAULTS_MAX];
    uint32_t fault_count;
    uint64_t calls[MR_SIM_CALLS];
};

/* Every call of the seam runs between enter and leave, which returns `result`. */
struct mr_sim *sim_enter(struct mr_storage *storage);
int sim_leave(struct mr_sim *sim, int result);

/* Counts a call and says what strikes it: system_error is 0 when nothing does. */
struct mr_sim_fault sim_count_call(struct mr_sim *sim, enum mr_sim_call call, const char *name);

/* Applies a write that failed: to some of its sectors, to none when the power is cut. */
void sim_write_some(struct mr_sim *sim, struct sim_node *node, const struct mr_io *io,
                    const struct mr_sim_fault *fault);

struct sim_handle *sim_handle_of(struct mr_sim *sim, int file);
void sim_assert_access(const struct sim_handle *handle, uint64_t offset, const void *data,
                       size_t size);
void sim_release_handle(struct mr_sim *sim, struct sim_handle *handle);
void sim_end_sync(struct mr_sim *sim, struct sim_capture *capture, bool failed);

/* The queue's calls. */
int sim_queue_start(struct mr_storage *storage, const struct mr_queue_options *options,
                    struct mr_error *error);
void sim_queue_stop(struct mr_storage *storage);
int sim_queue_submit(struct mr_storage *storage, const struct mr_io *io);
int sim_queue_flush(struct mr_storage *storage, struct mr_error *error);
int sim_queue_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                   uint32_t wait_us, struct mr_error *error);

/* For a killed process: all that had been flushed completes. */
void sim_queue_complete_all(struct mr_sim *sim);
/* For a power loss: of writes that had been flushed, what `choice` keeps becomes durable. */
void sim_queue_crash(struct mr_sim *sim, const struct sim_choice *choice);
/* Nothing is in flight any more, without effect. */
void sim_queue_forget(struct mr_sim *sim);

#endif
