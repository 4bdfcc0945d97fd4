#include "tools/condition.h"

#include "base/clock.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <string.h>

#define COPY_BACK                                                                               \
    "If you have a copy of the named file, put it back; otherwise 'millrace repair' says what " \
    "can be saved."

static const struct condition conditions[] = {
    {'A', true, "The journal ends cleanly.", "Nothing is to be done."},
    {'B', true,
     "The end is torn: writes that were in flight when the writer died lost parts. Nothing of it "
     "was ever acknowledged.",
     "Recovery keeps a copy of the torn bytes in archive/, clears them, and goes on."},
    {'J', true,
     "The end is torn, and the journal was last written with --durability os: commands that were "
     "acknowledged, and not yet synced when the system went down, may be among what is lost.",
     "Recovery keeps a copy of the torn bytes in archive/, clears them, and goes on."},
    {'K', true, "A truncation was cut off in the middle.", "Recovery completes it, and goes on."},
    {'L', true,
     "Of the two copies of a segment's superblock one is damaged; the other is whole and is used.",
     "'millrace repair' writes the damaged copy anew."},
    {'C', false,
     "Something that was on stable storage is damaged or gone, for what comes later says that it "
     "was there: the disk changed it, or never wrote it.",
     COPY_BACK},
    {'D', false,
     "Something is damaged in a way that no crash leaves behind: the disk changed it, or another "
     "program wrote into the file.",
     COPY_BACK},
    {'E', false,
     "A whole frame stands where another one belongs: a write that went astray, or files of "
     "different ages that were put together.",
     COPY_BACK},
    {'F', false, "There are bytes where nothing was ever written.", COPY_BACK},
    {'G', false,
     "The head of a segment is damaged, or belongs to another journal or another number, or the "
     "file does not have the length that its head says: was it renamed, or copied only in part?",
     COPY_BACK},
    {'H', false, "A segment is missing.", COPY_BACK},
    {'I', false, "Something was written by a version that this one does not know.",
     "Use the newer millrace, which wrote it."},
    {'M', false, "The record of a truncation is damaged, or names another place.", COPY_BACK},
    {0, false, "The journal is in a condition that has no name here.", COPY_BACK},
};

const struct condition *condition_of(char letter)
{
    const struct condition *condition = conditions;
    while (condition->letter != 0 && condition->letter != letter)
        condition++;
    return condition;
}

const char *condition_durability(enum mr_durability durability)
{
    switch (durability) {
    case MR_DURABILITY_DISK:
        return "disk";
    case MR_DURABILITY_OS:
        return "os";
    case MR_DURABILITY_NONE:
        break;
    }
    return "none";
}

void condition_print(const char *title, const char *text)
{
    enum { COLUMN = 16, COLUMNS = 79 };
    int column = printf("  %-14s", title);
    while (*text != '\0') {
        int size = (int)strcspn(text, " ");
        if (column > COLUMN && column + 1 + size > COLUMNS)
            column = printf("\n%*s", COLUMN, "") - 1;
        else if (column > COLUMN)
            column += printf(" ");
        column += printf("%.*s", size, text);
        text += size;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void condition_put_report(struct json *json, const struct mr_recovery *report)
{
    json_text(json, "durability", condition_durability(report->durability));
    json_u64(json, "generation", report->generation);
    json_u64(json, "first_sequence", report->first_sequence);
    json_u64(json, "last_sequence", report->last_sequence);
    json_u64(json, "last_index", report->last_index);
    json_u64(json, "last_time", report->last_time_ns);
    json_u64(json, "durable_index", report->durable_index);
    json_u64(json, "segments", report->segments);
    json_u64(json, "bytes", report->bytes_scanned);
    json_digest(json, "chain", report->last_digest);
    json_bool(json, "truncation_pending", report->decided == 'K');
    if (report->head_segment[0] != '\0') {
        json_text(json, "head_segment", report->head_segment);
        json_u64(json, "head_offset", report->head_offset);
    }
    json_bool(json, "torn", report->torn);
    if (report->torn) {
        json_text(json, "torn_segment", report->torn_segment);
        json_u64(json, "torn_offset", report->torn_offset);
        json_u64(json, "torn_bytes", report->torn_bytes);
    }
    if (report->archive[0] != '\0')
        json_text(json, "archive", report->archive);
}

void condition_put_damage(struct json *json, const struct mr_damage *damage)
{
    char letter[2] = {damage->decided, '\0'};
    if (damage->decided != 0)
        json_text(json, "case", letter);
    if (damage->segment[0] != '\0') {
        json_text(json, "segment", damage->segment);
        json_u64(json, "offset", damage->offset);
    }
    json_u64(json, "sequence", damage->sequence);
}

void condition_put_hint(struct json *json, const char *data)
{
    char hint[512];
    (void)snprintf(hint, sizeof hint, "millrace repair --data %s", data);
    json_text(json, "hint", hint);
}

bool condition_progress(void *context, uint64_t bytes, uint64_t total)
{
    struct condition_progress *progress = context;
    uint64_t now_ns = mr_monotonic_ns();
    if (progress->started_ns == 0)
        progress->started_ns = now_ns;
    if (progress_due())
        progress_show("read %s of %s (%u%%)   %s/s", number_bytes(bytes).text,
                      number_bytes(total).text, (unsigned)(total == 0 ? 100 : bytes * 100 / total),
                      number_bytes(rate_per_second(bytes, now_ns - progress->started_ns)).text);
    return !stop_requested();
}
