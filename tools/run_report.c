/*
 * What people and programs get to read of a run.
 */
#include "tools/run_parts.h"

#include "tools/output.h"
#include "tools/picture.h"

#include <millrace/text.h>

#include <errno.h>
#include <stdio.h>

enum { BOOKS_MAX = 3, LEVELS_MAX = 5 };

void run_report_recovery(const struct run *run)
{
    const struct mr_engine_recovery *recovery = &run->report->recovery;
    const struct mr_recovery *journal = &recovery->journal;
    if (recovery->created || run->report->watched) {
        return;
    }
    say("recovered %s commands from %s of journal in %s (reading %s, replaying %s)",
        number_grouped(journal->last_sequence).text, number_bytes(journal->bytes_scanned).text,
        number_duration(journal->elapsed_ns + recovery->replay_ns).text,
        number_duration(journal->elapsed_ns).text, number_duration(recovery->replay_ns).text);
    if (journal->decided == 'K') {
        say("a truncation that had been cut off was completed");
    }
    /* What is more than the course of things, the engine's log has told. */
    if (journal->decided != 'J' && journal->torn) {
        say("a write that the crash tore (%s at offset %llu of %s) was never acknowledged; its "
            "remains are kept as %s",
            number_bytes(journal->torn_bytes).text, (unsigned long long)journal->torn_offset,
            journal->torn_segment, journal->archive);
    }
}

void run_report_event(void *context, const struct mr_event *event)
{
    const struct run *run = context;
    if (!run->settings->events && run->answered < run->prefix_count) {
        return; /* who types is shown what comes of it, not the set-up */
    }
    char line[16 << 10];
    size_t length = run->settings->json ? mr_json_event_write(run->logic, event, line, sizeof line)
                                        : mr_text_event_write(run->logic, event, line, sizeof line);
    if (length < sizeof line) {
        puts(line);
    }
}

void run_report_progress(const struct run *run)
{
    if (run->source->interactive || !progress_due()) {
        return;
    }
    uint64_t done = run->done_before + mr_atomic_load(&run->report->acknowledged, relaxed);
    uint64_t total = run->source->total;
    char of_total[96] = "", speed[144] = "";
    if (total > 0) {
        snprintf(of_total, sizeof of_total, " of %s (%llu%%)", number_grouped(total).text,
                 (unsigned long long)(done * 100 / total));
    }
    if (run->recent_rate > 0) {
        snprintf(speed, sizeof speed, "   %s a second   p99 %s",
                 number_grouped(run->recent_rate).text, number_duration(run->recent_p99_ns).text);
    }
    progress_show("%s commands%s%s", number_grouped(done).text, of_total, speed);
}

static void print_for_people(const struct run *run)
{
    const struct run_report *report = run->report;
    const char *data = run->settings->data;
    summary_print(&report->summary, &report->latency);
    if (report->bad_lines > 0) {
        printf("  %-14s%s\n", "bad lines", number_grouped(report->bad_lines).text);
    }
    if (data == NULL) {
        printf("  %-14snothing is kept (durability none)\n", "journal");
    } else {
        printf("  %-14s%s/journal (%s)\n", "journal", data, run->storage);
    }
    putchar('\n');
    picture_books(mr_engine_image(run->engine), run->logic, BOOKS_MAX, LEVELS_MAX);
    picture_ledgers(mr_engine_image(run->engine), run->logic);
    if (data == NULL) {
        return;
    }
    const char *program = program_invocation_name;
    printf("\nNext: %s replay --data %s    proves that the journal gives the same digests\n"
           "      %s verify --data %s    checks every byte of it\n"
           "      %s dump --data %s      prints it, a command a line\n"
           "      %s state --data %s     tells what can be asked of it\n",
           program, data, program, data, program, data, program, data);
}

void run_report_result(const struct run *run)
{
    if (run->settings->json) {
        summary_write_json(&run->report->summary, &run->report->latency, stdout);
    } else if (run->end != RUN_INPUT_BAD && run->end != RUN_FAILED) {
        print_for_people(run);
    }
}
