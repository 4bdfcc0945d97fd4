/*
 * The parts of `millrace run`.
 *
 *     run.c            opens and closes everything, in order
 *     run_sessions.c   what must be sent before the input's commands, and where the input goes on
 *     run_dump.c       the same for an input that is a whole dump
 *     run_batch.c      gathers the input's commands into their batches
 *     run_loop.c       sends, polls, measures
 *     run_report.c     what people and programs get to read
 */
#ifndef MR_TOOLS_RUN_PARTS_H
#define MR_TOOLS_RUN_PARTS_H

#include "tools/acks.h"
#include "tools/batch.h"
#include "tools/run.h"
#include "tools/source.h"

#include <stdalign.h>

enum {
    RUN_FLIGHTS = 1 << 16, /* room to remember commands that are on their way */
    RUN_POLL_LIMIT = 512,  /* events and answers taken at once */
};

/* A command on its way: submitted, not yet answered. */
struct run_flight {
    uint64_t sent_ns; /* at a given rate: when it should have been sent */
    uint64_t session, request;
    bool setup; /* not the input's: sent by run itself */
};

/* Why no more commands are sent. */
enum run_end { RUN_GOES_ON, RUN_INPUT_ENDED, RUN_INPUT_BAD, RUN_STOPPED, RUN_FAILED };

struct run {
    const struct run_settings *settings;
    struct run_report *report;
    const struct mr_logic *logic;
    struct source *source;
    struct mr_engine *engine;
    enum mr_clock_kind clock; /* of the journal */
    char storage[128];        /* how it is written, for people */
    void *config;             /* of a new journal, by --config; NULL: the source's */
    struct acks *acks;        /* NULL: none wanted */

    /* Sent before the input's own commands: the sessions, the source's set-up. */
    const struct mr_command **prefix;
    uint32_t prefix_count, prefix_next;
    bool prefix_is_lazy; /* sent only when the source has a command */
    bool fetched;        /* it has: in `batch`, to be sent behind the prefix */
    alignas(8) unsigned char session_opens[2][128]; /* room for the commands that open sessions */
    uint64_t done_before; /* commands of the input that an earlier run did */

    /* Sending. */
    struct batch batch;                      /* of the input: parsed, but not sent yet */
    const struct mr_command *const *waiting; /* to be sent: `batch`, or one of the prefix */
    uint32_t waiting_count;                  /* 0: nothing is */
    struct run_flight *flights;
    uint64_t sent, answered; /* of all; flights[n % RUN_FLIGHTS] is number n, from 0 */
    uint64_t schedule_ns;    /* at a given rate: when the first one was due; 0: not begun */
    uint64_t schedule_count; /* sent since */
    enum run_end end;
    struct mr_error error; /* of RUN_INPUT_BAD and RUN_FAILED */

    /* Measuring. */
    uint64_t started_ns;                    /* the first command of all was about to be sent */
    uint64_t sequence_before;               /* of the journal, when the run began */
    uint64_t batch_sent_ns[RUN_POLL_LIMIT]; /* of the answers in one poll */
    uint32_t batch_count;
    struct mr_histogram recent; /* latencies of the last second */
    uint64_t recent_since_ns, recent_answered;
    uint64_t recent_p99_ns, recent_rate; /* of the second before */
};

/* run_sessions.c, run_dump.c: before any thread runs; what they find out is from the image and the
 * journal alone, so that a run that is killed at any moment goes on where it was. MR_E_MISMATCH:
 * the directory belongs to another input. */
int run_sessions_prepare(struct run *run, struct mr_error *error);
int run_dump_prepare(struct run *run, struct mr_error *error);

/* run_batch.c: has the source's next batch whole in run->batch; a command without `more` is one by
 * itself. SOURCE_COMMAND: it has; SOURCE_WAIT: there is none yet, and what there is of it stays;
 * SOURCE_BAD: a malformed command, with which all of its batch is left out; SOURCE_END,
 * SOURCE_FAILED. */
enum source_outcome run_batch_next(struct run *run, struct mr_error *error);

/* run_loop.c: sends and polls until everything that was sent is answered; sets run->end. */
void run_loop(struct run *run);

/* run_report.c */
void run_report_recovery(const struct run *run);
void run_report_event(void *context, const struct mr_event *event); /* context: the run */
void run_report_progress(const struct run *run);
void run_report_result(const struct run *run);

#endif
