/*
 * What people and programs get to read about executions.
 */
#include "tools/executions.h"

#include "tools/output.h"

#include <stdio.h>

/* In both forms, in this order. */
static const char *const reject_keys[EXECUTION_REJECTS] = {"rejected_new", "rejected_cancel",
                                                           "rejected_replace", "rejected"};
static const char *const reject_titles[EXECUTION_REJECTS] = {"new orders", "cancels", "reductions",
                                                             "executions"};

static uint64_t others(const struct execution_counts *counts)
{
    return counts->passed_over + counts->nothing_filled;
}

static uint64_t unknowns(const struct execution_counts *counts)
{
    return counts->earlier_nothing + counts->earlier_other + counts->gone_nothing +
           counts->gone_other;
}

static uint64_t rejects_of(const struct execution_counts *counts, enum execution_reject kind)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < EXECUTION_REASONS; i++)
        sum += counts->rejects[kind][i];
    return sum;
}

/* -- For programs. ----------------------------------------------------------------------------- */

static void put_rejects(const struct execution_counts *counts, enum execution_reject kind,
                        const struct mr_catalog *catalog, struct json *json)
{
    json_open(json, reject_keys[kind]);
    for (uint32_t i = 0; i < EXECUTION_REASONS; i++) {
        if (counts->rejects[kind][i] > 0)
            json_u64(json, mr_catalog_reason_name(catalog, i), counts->rejects[kind][i]);
    }
    json_close(json);
}

void executions_write_json(const struct execution_counts *counts, const struct mr_catalog *catalog,
                           struct json *json)
{
    json_u64(json, "traded_at_once", counts->traded_at_once);
    for (int kind = 0; kind < EXECUTION_REJECT_EXECUTION; kind++)
        put_rejects(counts, (enum execution_reject)kind, catalog, json);
    json_u64(json, "hidden_executions", counts->hidden);
    json_u64(json, "cross_trades", counts->crosses);
    json_u64(json, "halts", counts->halts);
    json_u64(json, "quotes_resumed", counts->quotes_resumed);
    json_u64(json, "resumes", counts->resumes);
    json_open(json, "executions");
    json_u64(json, "total", counts->same_order + others(counts) + unknowns(counts));
    json_u64(json, "same_order", counts->same_order);
    json_u64(json, "other_order", others(counts));
    json_u64(json, "unknown_order", unknowns(counts));
    json_u64(json, "passed_over", counts->passed_over);
    json_u64(json, "nothing_filled", counts->nothing_filled);
    json_u64(json, "earlier_nothing_filled", counts->earlier_nothing);
    json_u64(json, "earlier_other_filled", counts->earlier_other);
    json_u64(json, "gone_nothing_filled", counts->gone_nothing);
    json_u64(json, "gone_other_filled", counts->gone_other);
    json_u64(json, "unfilled", counts->unfilled);
    json_u64(json, "unfilled_quantity", counts->unfilled_quantity);
    put_rejects(counts, EXECUTION_REJECT_EXECUTION, catalog, json);
    json_close(json);
}

/* -- For people. ------------------------------------------------------------------------------- */

static void print_share(const char *title, uint64_t count, uint64_t total, const char *meaning)
{
    /* In hundredths of a percent, rounded down: 100.00 is all. */
    uint64_t share = total == 0 ? 0 : count * 10000 / total;
    printf("    %-14s%12s  %3llu.%02llu%%  %s\n", title, number_grouped(count).text,
           (unsigned long long)(share / 100), (unsigned long long)(share % 100), meaning);
}

static void print_cause(uint64_t count, const char *meaning)
{
    if (count > 0)
        printf("    %-14s%12s    %s\n", "", number_grouped(count).text, meaning);
}

static void print_rejects(const struct execution_counts *counts, enum execution_reject kind,
                          const struct mr_catalog *catalog)
{
    if (rejects_of(counts, kind) == 0)
        return;
    printf("  %-14s%s %s:", "rejected", number_grouped(rejects_of(counts, kind)).text,
           reject_titles[kind]);
    for (uint32_t i = 0; i < EXECUTION_REASONS; i++) {
        if (counts->rejects[kind][i] > 0)
            printf(" %s %s", mr_catalog_reason_name(catalog, i),
                   number_grouped(counts->rejects[kind][i]).text);
    }
    putchar('\n');
}

void executions_print(const struct execution_counts *counts, const struct mr_catalog *catalog)
{
    uint64_t total = counts->same_order + others(counts) + unknowns(counts);
    printf("  %-14s%s of visible orders; of hidden ones %s, cross trades %s: not sent\n",
           "executions", number_grouped(total).text, number_grouped(counts->hidden).text,
           number_grouped(counts->crosses).text);
    print_share("same order", counts->same_order, total,
                "every fill hit the order that the exchange filled");
    print_share("other order", others(counts), total, "that order is in the book, but");
    print_cause(counts->passed_over, "some fill hit another one");
    print_cause(counts->nothing_filled, "nothing was filled");
    print_share("unknown order", unknowns(counts), total, "that order is not in the book:");
    print_cause(counts->earlier_nothing, "it stood before the file began; nothing was filled");
    print_cause(counts->earlier_other, "it stood before the file began; others were filled");
    print_cause(counts->gone_nothing, "it is gone already; nothing was filled");
    print_cause(counts->gone_other, "it is gone already; others were filled");
    if (counts->unfilled > 0)
        printf("  %-14s%s executions, for %s units in all\n", "not filled",
               number_grouped(counts->unfilled).text,
               number_grouped(counts->unfilled_quantity).text);
    if (counts->traded_at_once > 0)
        printf("  %-14s%s new orders traded at once, which on the exchange rested\n", "crossed",
               number_grouped(counts->traded_at_once).text);
    for (int kind = 0; kind < EXECUTION_REJECTS; kind++)
        print_rejects(counts, (enum execution_reject)kind, catalog);
    if (counts->halts + counts->resumes + counts->quotes_resumed > 0)
        printf("  %-14s%s, quotes resumed %s times, trading %s times\n", "halts",
               number_grouped(counts->halts).text, number_grouped(counts->quotes_resumed).text,
               number_grouped(counts->resumes).text);
}
