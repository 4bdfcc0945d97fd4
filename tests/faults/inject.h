/*
 * Faults in the calls that the real storage makes: the linker puts these functions in the place of
 * the system's (--wrap, see tests.cmake), and the n-th call, or every call from the n-th on, fails.
 * They also watch: no file is synced again whose sync has failed.
 *
 * An operation of the queue is made to fail when it is submitted: it is done wholly, by half or not
 * at all, and its completion says what the fault is. For that, completions must come by these
 * functions before the storage sees them, which needs Linux 6.1 (IORING_SETUP_DEFER_TASKRUN).
 */
#ifndef MR_TESTS_FAULTS_INJECT_H
#define MR_TESTS_FAULTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#define INJECT_CALL_LIST(X)         \
    X(NONE, "none")                 \
    X(OPEN, "open")                 \
    X(CREATE, "create")             \
    X(FSTAT, "fstat")               \
    X(PREAD, "pread")               \
    X(PWRITE, "pwrite")             \
    X(SYNC, "sync")                 \
    X(RENAME, "rename")             \
    X(UNLINK, "unlink")             \
    X(MKDIR, "mkdir")               \
    X(READDIR, "readdir")           \
    X(STATVFS, "statvfs")           \
    X(FLOCK, "flock")               \
    X(RING, "ring set-up")          \
    X(BUFFERS, "register buffers")  \
    X(SLOT, "register a file")      \
    X(ENTER, "enter")               \
    X(QUEUED_WRITE, "queued write") \
    X(QUEUED_SYNC, "queued sync")

#define INJECT_CALL_ENUM(name, text) INJECT_##name,
enum inject_call { INJECT_CALL_LIST(INJECT_CALL_ENUM) INJECT_CALLS };
#undef INJECT_CALL_ENUM

/* What a fault is, apart from errno values: part of the bytes only, or part of the entries. */
enum { INJECT_SHORT = -1 };

struct inject_plan {
    uint64_t at;   /* the first call that fails, from 1, of those that can fail so; 0: none does */
    bool for_ever; /* and all after it */
    int fault;     /* an errno value, or INJECT_SHORT */
    uint32_t only; /* bits of calls (1 << enum inject_call); 0: all */
    /* What reaches the file of a queued write that fails: 0 nothing, 1 half, 2 all of it. */
    uint32_t reaches;
};

struct inject_report {
    uint64_t calls;         /* that could have failed so */
    uint64_t failed;        /* that did */
    enum inject_call first; /* the first of them */
    uint32_t first_stage;   /* when it was; of a queued operation, when its completion came */
    bool first_of_segment;  /* a queued sync of a segment that has its name */
    bool first_parted;      /* a short entry, which left a sync behind its write's */
    uint64_t frame_bound;   /* no index above it may be acknowledged any more */
    uint64_t synced_again;  /* syncs of a file whose sync had failed: a bug */
    uint64_t all;           /* calls of all kinds, which tells a loop without an end */
};

/* From now on, for the calling thread. */
void inject_begin(const struct inject_plan *plan);
/* No more. */
struct inject_report inject_end(void);
/* Calls from now on belong to this stage of the test; at first it is 0. */
void inject_stage(uint32_t stage);

const char *inject_call_text(enum inject_call call);
const char *inject_fault_text(int fault);

/* True when queued operations can be made to fail here. */
bool inject_works(void);

#endif
