/*
 * Every line of a dump is checked against what the lines before it promised: the header of an entry
 * against the entries before it, commands against the header, and the chain, which each entry and
 * the last line carry on, against everything.
 */
#include "tools/load.h"

#include "base/assert.h"
#include "base/limits.h"
#include "base/storage.h"
#include "tools/batch.h"
#include "tools/entry_text.h"
#include "tools/logics.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <millrace/common.h>
#include <millrace/text.h>

#include <stdlib.h>
#include <string.h>

enum { FRAMES = 4, POLL_WAIT_US = 1000, PAGE = 4096 };

struct load {
    struct lines *lines;
    struct mr_storage *storage;
    uint64_t segment_bytes;
    const struct mr_logic *logic; /* NULL until genesis names it */
    struct mr_journal *journal;   /* NULL until then, too */
    unsigned char *frames;        /* FRAMES of them, used in turn */

    /* The entry that is being read; NULL: none. */
    struct mr_entry *entry;
    uint64_t entry_line;   /* where it begins */
    uint32_t count;        /* commands read */
    uint64_t last_time_ns; /* of the last one */
    uint32_t batch;        /* of them, how many are of a batch that is to go on */

    /* The entries before it. */
    uint64_t index, sequence;
    struct mr_digest chain;
    bool ended; /* the last line has come */
};

static int refuse(const struct load *load, struct mr_error *error, const char *reason)
{
    return mr_error_set(error, MR_E_INVALID, "%s:%llu: %s", load->lines->name,
                        (unsigned long long)load->lines->number, reason);
}

/* -- The journal. ------------------------------------------------------------------------------ */

static int start_journal(struct load *load, const struct mr_command *genesis,
                         struct mr_error *error)
{
    const struct mr_genesis *body = mr_command_body(genesis);
    const struct mr_journal_options options = {
        .segment_bytes = load->segment_bytes,
        .frames_in_flight = FRAMES,
        .buffers = load->frames,
        .buffers_size = (size_t)FRAMES * MR_FRAME_BYTES_MAX,
    };
    struct mr_recovery recovery;
    struct mr_damage damage;
    int status = mr_journal_create(load->storage, body->journal, &options, error);
    if (status == MR_OK)
        status =
            mr_journal_recover(load->storage, &options, &recovery, &damage, &load->journal, error);
    return status == MR_OK ? mr_journal_start(load->journal, error) : status;
}

/* Waits until the entry with that index is durable: its frame may be used again. */
static int wait_for(struct load *load, uint64_t index, struct mr_error *error)
{
    while (mr_journal_durable_index(load->journal) < index) {
        int did = mr_journal_poll(load->journal, POLL_WAIT_US, error);
        if (did < 0)
            return did;
    }
    return MR_OK;
}

static int append(struct load *load, struct mr_error *error)
{
    unsigned char *frame = (unsigned char *)load->entry - MR_FRAME_ROOM;
    load->chain = mr_entry_digest(load->entry);
    int status;
    while ((status = mr_journal_append(load->journal, frame, load->chain, error)) == MR_AGAIN) {
        int did = mr_journal_poll(load->journal, POLL_WAIT_US, error);
        if (did < 0)
            return did;
    }
    int did = status == MR_OK ? mr_journal_poll(load->journal, 0, error) : status;
    return did < 0 ? did : MR_OK;
}

/* -- Entries. ---------------------------------------------------------------------------------- */

static int end_entry(struct load *load, struct mr_error *error)
{
    if (load->entry == NULL)
        return MR_OK;
    const struct mr_entry *entry = load->entry;
    if (load->count != entry->count || load->last_time_ns != entry->time_ns)
        return mr_error_set(error, MR_E_INVALID,
                            "%s:%llu: the entry has %u commands, up to time %llu, of which %u "
                            "came, up to time %llu",
                            load->lines->name, (unsigned long long)load->entry_line, entry->count,
                            (unsigned long long)entry->time_ns, load->count,
                            (unsigned long long)load->last_time_ns);
    if (load->batch != 0)
        return mr_error_set(error, MR_E_INVALID,
                            "%s:%llu: the entry's last command, at sequence %llu, has more=1: its "
                            "batch has no end",
                            load->lines->name, (unsigned long long)load->entry_line,
                            (unsigned long long)load->sequence);
    int status = append(load, error);
    load->entry = NULL;
    return status;
}

static int begin_entry(struct load *load, const struct mr_entry *header, struct mr_error *error)
{
    if (header->index != load->index + 1 || header->first_sequence != load->sequence + 1)
        return refuse(load, error,
                      load->index == 0
                          ? "the dump does not begin with the first entry of its journal"
                          : "the entry does not follow the one before");
    if (!mr_digest_equal(header->previous, load->chain))
        return refuse(load, error, "what stands before this entry is not as it was dumped");
    uint64_t index = header->index;
    if (index > FRAMES) {
        int status = wait_for(load, index - FRAMES, error);
        if (status != MR_OK)
            return status;
    }
    unsigned char *frame = load->frames + index % FRAMES * MR_FRAME_BYTES_MAX;
    load->entry = (struct mr_entry *)(void *)(frame + MR_FRAME_ROOM);
    *load->entry = *header;
    load->entry->length = MR_ENTRY_SIZE;
    load->entry_line = load->lines->number;
    load->count = 0;
    load->batch = 0;
    load->last_time_ns = 0;
    load->index = index;
    if (progress_due())
        progress_show("%s commands in %s entries", number_grouped(load->sequence).text,
                      number_grouped(load->index).text);
    return MR_OK;
}

static int end_dump(struct load *load, const struct entry_end *end, struct mr_error *error)
{
    if (end->index != load->index || end->sequence != load->sequence || load->index == 0)
        return refuse(load, error, "the dump ends elsewhere than it says");
    if (!mr_digest_equal(end->chain, load->chain))
        return refuse(load, error, "what stands before this line is not as it was dumped");
    load->ended = true;
    return wait_for(load, load->index, error);
}

/* -- Commands. --------------------------------------------------------------------------------- */

/* The logic that this genesis, read with the catalog of `logic`, names. */
static bool names(const struct mr_command *command, const struct mr_logic *logic)
{
    const struct mr_genesis *genesis = mr_command_body(command);
    return command->type == MR_COMMAND_GENESIS &&
           strncmp(genesis->logic, logic->name, sizeof genesis->logic) == 0;
}

static int read_genesis(struct load *load, const char *line, size_t length,
                        struct mr_command *command, size_t room, struct mr_error *error)
{
    struct mr_text_error flaw;
    enum mr_text_outcome outcome = MR_TEXT_BAD;
    for (const struct mr_logic *const *logic = logics_known; *logic != NULL; logic++) {
        outcome = mr_text_command_read(*logic, line, length, command, room, NULL, &flaw);
        if (outcome == MR_TEXT_COMMAND && names(command, *logic)) {
            load->logic = *logic;
            return start_journal(load, command, error);
        }
    }
    if (outcome == MR_TEXT_BAD)
        return refuse(load, error, flaw.text);
    return refuse(load, error, "the first command is not the genesis of a logic that is known");
}

static int read_line(struct load *load, const char *line, size_t length, struct mr_error *error)
{
    uint64_t used = MR_FRAME_ROOM + load->entry->length;
    struct mr_command *command = (void *)((unsigned char *)load->entry + load->entry->length);
    size_t room = MR_FRAME_BYTES_MAX - used;
    if (room < MR_COMMAND_HEADER)
        return refuse(load, error, "the entry is longer than a journal can have");
    if (room > MR_COMMAND_SIZE_MAX)
        room = MR_COMMAND_SIZE_MAX;
    uint32_t stated = MR_TEXT_SEQUENCE;
    if (load->logic == NULL) {
        int status = read_genesis(load, line, length, command, room, error);
        if (status != MR_OK)
            return status;
    } else {
        struct mr_text_error flaw;
        if (mr_text_command_read(load->logic, line, length, command, room, &stated, &flaw) !=
            MR_TEXT_COMMAND)
            return refuse(load, error, flaw.text);
    }
    if (command->sequence != load->sequence + 1 || load->count == load->entry->count)
        return refuse(load, error,
                      load->count == load->entry->count
                          ? "the entry has more commands than it says"
                          : "the sequence does not follow that of the command before");
    if (load->batch == MR_BATCH_COMMANDS_MAX)
        return refuse(load, error, "the batch is too large: " BATCH_LIMITS);
    if (load->batch > 0 && command->time_ns != load->last_time_ns)
        return refuse(load, error, "the command has another time than its batch began with");
    load->batch = command->more ? load->batch + 1 : 0;
    load->sequence++;
    load->count++;
    load->last_time_ns = command->time_ns;
    load->entry->length += command->length;
    return MR_OK;
}

static bool is_empty(const char *line, size_t length)
{
    size_t blanks = 0;
    while (blanks < length && (line[blanks] == ' ' || line[blanks] == '\t' || line[blanks] == '\r'))
        blanks++;
    return blanks == length || line[blanks] == '#';
}

static int take_line(struct load *load, const char *line, size_t length, struct mr_error *error)
{
    struct mr_entry header;
    struct entry_end end;
    enum entry_line kind = entry_read(line, length, &header, &end);
    if (kind == ENTRY_LINE_BAD)
        return refuse(load, error, "the line is not as dump writes it");
    if (kind == ENTRY_LINE_OTHER && is_empty(line, length))
        return MR_OK;
    if (load->ended)
        return refuse(load, error, "something follows the line that ends the dump");
    if (kind == ENTRY_LINE_OTHER && load->entry == NULL)
        return refuse(load, error,
                      "a command that belongs to no entry: only what 'millrace dump' wrote can be "
                      "loaded; 'millrace run --input' takes any text");
    if (kind == ENTRY_LINE_OTHER)
        return read_line(load, line, length, error);
    int status = end_entry(load, error);
    if (status != MR_OK)
        return status;
    return kind == ENTRY_LINE_ENTRY ? begin_entry(load, &header, error)
                                    : end_dump(load, &end, error);
}

static int load_lines(struct load *load, struct mr_error *error)
{
    int status = MR_OK;
    while (status == MR_OK) {
        const char *line;
        size_t length;
        bool whole;
        if (stop_requested())
            return MR_AGAIN;
        switch (lines_next(load->lines, &line, &length, &whole, error)) {
        case LINES_LINE:
            status = whole ? take_line(load, line, length, error)
                           : refuse(load, error, "the dump is cut in the middle of a line");
            break;
        case LINES_WAIT:
            lines_wait(load->lines);
            break;
        case LINES_END:
            return load->ended ? MR_OK
                               : refuse(load, error,
                                        "the dump is cut: the line that ends it is "
                                        "missing");
        case LINES_TOO_LONG:
        case LINES_FAILED:
            return error->code;
        }
    }
    return status;
}

int load_journal(struct lines *lines, struct mr_storage *storage, uint64_t segment_bytes,
                 struct load_report *report, struct mr_error *error)
{
    struct load load = {.lines = lines, .storage = storage, .segment_bytes = segment_bytes};
    load.frames = aligned_alloc(PAGE, (size_t)FRAMES * MR_FRAME_BYTES_MAX);
    if (load.frames == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for entries");
    int status = load_lines(&load, error);
    progress_clear();
    if (load.journal != NULL) {
        struct mr_error at_stop;
        int stopped = mr_journal_stop(load.journal, &at_stop);
        if (status == MR_OK && stopped != MR_OK)
            status = mr_error_set(error, stopped, "%s", at_stop.text);
        mr_journal_close(load.journal);
    }
    free(load.frames);
    *report =
        (struct load_report){.entries = load.index, .commands = load.sequence, .chain = load.chain};
    return status;
}
