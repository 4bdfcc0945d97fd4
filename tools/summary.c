#include "tools/summary.h"

#include "tools/executions.h"
#include "tools/output.h"
#include "tools/picture.h"

#include <millrace/book.h>
#include <millrace/ledger.h>

#include <stdio.h>

/* The percentiles that are told, here once. */
static const struct {
    const char *key;   /* in JSON */
    const char *title; /* for people */
    uint32_t thousandths;
} percentiles[] = {
    {"p50", "p50", 50000},
    {"p90", "p90", 90000},
    {"p99", "p99", 99000},
    {"p99_9", "p99.9", 99900},
    {"max", "max", MR_PERCENTILE_WHOLE},
};
enum { PERCENTILES = sizeof percentiles / sizeof percentiles[0] };

void summary_count(struct summary *summary, const struct mr_image *image,
                   const struct mr_logic *logic)
{
    struct mr_image_status status = mr_image_status_get(image);
    summary->commands = status.sequence;
    summary->events = status.events;
    summary->rejects = status.rejects;
    summary->trades =
        logic == &mr_logic_book ? mr_book_totals_get(mr_image_state(image)).trades : 0;
    summary->first_sequence = status.sequence == 0 ? 0 : 1;
    summary->last_sequence = status.sequence;
    summary->is_ledger = logic == &mr_logic_ledger && status.sequence > 0;
    if (summary->is_ledger) {
        struct mr_ledger_totals totals = mr_ledger_totals_get(mr_image_state(image));
        summary->accounts = totals.accounts;
        summary->transfers = totals.transfers;
        summary->pending = totals.pending;
        summary->ledger = mr_image_state(image);
        summary->catalog = logic->catalog;
    }
}

/* The next reason, from `code` on, for which something was rejected; SUMMARY_REASONS: none. Those
 * that are too high to be counted by themselves come first, as 0. */
static uint32_t next_reason(const struct summary *summary, uint32_t code)
{
    while (code < SUMMARY_REASONS && summary->reasons[code] == 0)
        code++;
    return code;
}

static const char *reason_name(const struct summary *summary, uint32_t code)
{
    return code == 0 ? "other" : mr_catalog_reason_name(summary->catalog, code);
}

static void put_ledger(struct json *json, const struct summary *summary)
{
    json_u64(json, "accounts", summary->accounts);
    json_u64(json, "transfers", summary->transfers);
    json_u64(json, "pending", summary->pending);
    json_open(json, "rejected"); /* of this run */
    for (uint32_t code = next_reason(summary, 0); code < SUMMARY_REASONS;
         code = next_reason(summary, code + 1))
        json_u64(json, reason_name(summary, code), summary->reasons[code]);
    json_close(json);
    picture_ledgers_put(summary->ledger, json);
}

static void print_reasons(const struct summary *summary)
{
    uint64_t counted = 0;
    for (uint32_t code = 0; code < SUMMARY_REASONS; code++)
        counted += summary->reasons[code];
    if (counted > 0 && counted != summary->rejects)
        printf("  %-14sof this run:\n", "");
    for (uint32_t code = next_reason(summary, 0); code < SUMMARY_REASONS;
         code = next_reason(summary, code + 1))
        printf("  %-14s%s %s\n", "", number_grouped(summary->reasons[code]).text,
               reason_name(summary, code));
}

static void print_ledger(const struct summary *summary)
{
    printf("  %-14s%s\n", "accounts", number_grouped(summary->accounts).text);
    printf("  %-14s%s, %s of them pending now\n", "transfers",
           number_grouped(summary->transfers).text, number_grouped(summary->pending).text);
}

static void put_latency(struct json *json, const struct mr_histogram *latency)
{
    json_open(json, "latency_ns");
    for (uint32_t i = 0; i < PERCENTILES; i++) {
        json_u64(json, percentiles[i].key,
                 mr_histogram_percentile(latency, percentiles[i].thousandths));
    }
    json_close(json);
}

void summary_write_json(const struct summary *summary, const struct mr_histogram *latency,
                        FILE *file)
{
    struct json json;
    json_begin(&json, file);
    json_u64(&json, "commands", summary->commands);
    json_u64(&json, "events", summary->events);
    json_u64(&json, "rejects", summary->rejects);
    json_u64(&json, "trades", summary->trades);
    json_u64(&json, "first_sequence", summary->first_sequence);
    json_u64(&json, "last_sequence", summary->last_sequence);
    json_u64(&json, "durable_sequence", summary->durable_sequence);
    json_digest(&json, "state_digest", summary->state_digest);
    json_digest(&json, "event_digest", summary->event_digest);
    json_seconds(&json, "elapsed_s", summary->elapsed_ns);
    json_u64(&json, "commands_per_s", rate_per_second(summary->run_commands, summary->elapsed_ns));
    if (latency != NULL) {
        put_latency(&json, latency);
    }
    if (summary->is_ledger) {
        put_ledger(&json, summary);
    }
    if (summary->executions != NULL) {
        executions_write_json(summary->executions, summary->catalog, &json);
    }
    json_end(&json);
    output_told();
}

static void print_digest(const char *title, struct mr_digest digest)
{
    char text[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(digest, text);
    printf("  %-14s%s\n", title, text);
}

void summary_print_latency(const struct mr_histogram *latency)
{
    for (uint32_t i = 0; i < PERCENTILES; i++) {
        uint64_t ns = mr_histogram_percentile(latency, percentiles[i].thousandths);
        printf("%s%s %s", i == 0 ? "" : "   ", percentiles[i].title, number_duration(ns).text);
    }
    putchar('\n');
}

void summary_print(const struct summary *summary, const struct mr_histogram *latency)
{
    printf("  %-14s%s\n", "commands", number_grouped(summary->commands).text);
    printf("  %-14s%s\n", "events", number_grouped(summary->events).text);
    if (summary->is_ledger) {
        print_ledger(summary);
    } else {
        printf("  %-14s%s\n", "trades", number_grouped(summary->trades).text);
    }
    printf("  %-14s%s\n", "rejects", number_grouped(summary->rejects).text);
    if (summary->is_ledger) {
        print_reasons(summary);
    }
    printf("  %-14s%s to %s, durable up to %s\n", "sequences",
           number_grouped(summary->first_sequence).text,
           number_grouped(summary->last_sequence).text,
           number_grouped(summary->durable_sequence).text);
    print_digest("state digest", summary->state_digest);
    print_digest("event digest", summary->event_digest);
    if (summary->executions != NULL) {
        executions_print(summary->executions, summary->catalog);
    }
    printf("  %-14s%s commands in %s", "this run", number_grouped(summary->run_commands).text,
           number_duration(summary->elapsed_ns).text);
    if (summary->run_commands > 0 && summary->elapsed_ns > 0) {
        printf(", %s a second",
               number_grouped(rate_per_second(summary->run_commands, summary->elapsed_ns)).text);
    }
    putchar('\n');
    if (latency != NULL && latency->count > 0) {
        printf("  %-14s", "latency");
        summary_print_latency(latency);
    }
}
