// The frame of the benches: Google Benchmark runs the measurements, this file says in which
// order, and prints. See harness.h.
#include "bench/harness.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace
{

constexpr int runs_default = 7;
constexpr int runs_default_quick = 3;
constexpr double loop_seconds = 0.5;
constexpr double loop_seconds_quick = 0.1;
constexpr uint64_t quick_budget_ns = 20'000'000'000;

enum exit_code { exit_ok = 0, exit_usage = 2, exit_failed = 4 };

struct measurement {
    std::string row;
    std::string subject;
    bench_unit unit;
    bench_case given;
    std::vector<double> figures;
    bool skipped = false;
};

struct option_help {
    std::string name;
    std::string fallback;
    std::string help;
};

// One bench is one process, so one object will do.
struct {
    std::string suite;
    std::vector<std::string> arguments;
    std::set<size_t> consumed; // indices of arguments
    std::vector<option_help> options;
    std::vector<measurement> measurements;
    uint64_t started_ns = 0;
    int runs = 0;
    bool json = false;
    bool quick = false;
    bool list = false;
    bool help = false;
    bool failed = false;
    std::string only_row;
    cpu_set_t cpus; // what the process may use before any thread binds itself
} bench;

const char *unit_name(bench_unit unit)
{
    switch (unit) {
    case BENCH_NS:
        return "ns";
    case BENCH_MB_PER_S:
        return "MB/s";
    case BENCH_MESSAGES_PER_S:
        return "messages/s";
    case BENCH_COMMANDS_PER_S:
        return "commands/s";
    case BENCH_TRANSFERS_PER_S:
        return "transfers/s";
    case BENCH_COMMITS_PER_S:
        return "commits/s";
    }
    abort();
}

// -- The command line. --------------------------------------------------------------------------

bool take_flag(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < bench.arguments.size(); i++) {
        if (bench.arguments[i] == name) {
            bench.consumed.insert(i);
            found = true;
        }
    }
    return found;
}

// The value of `--name VALUE` or `--name=VALUE`, the last one given.
const char *take_value(const std::string &name)
{
    const std::string flag = "--" + name;
    const char *value = nullptr;
    for (size_t i = 0; i < bench.arguments.size(); i++) {
        const std::string &argument = bench.arguments[i];
        if (argument == flag && i + 1 < bench.arguments.size()) {
            bench.consumed.insert({i, i + 1});
            value = bench.arguments[++i].c_str();
        } else if (argument.compare(0, flag.size() + 1, flag + "=") == 0) {
            bench.consumed.insert(i);
            value = argument.c_str() + flag.size() + 1;
        }
    }
    return value;
}

void print_help()
{
    printf("bench_%s: measures Millrace, its peers and the machine's limits side by side.\n\n"
           "  --json      rows alone on standard output, one JSON object a line\n"
           "  --quick     less of everything; ends within thirty seconds\n"
           "  --runs N    measurements of each subject (default %d, quick %d)\n"
           "  --row TEXT  only rows whose name contains TEXT\n"
           "  --list      name rows and subjects, measure nothing\n",
           bench.suite.c_str(), runs_default, runs_default_quick);
    for (const auto &option : bench.options)
        printf("  --%s VALUE\n              %s (default: %s)\n", option.name.c_str(),
               option.help.c_str(), option.fallback.c_str());
}

bool usage_valid()
{
    for (size_t i = 0; i < bench.arguments.size(); i++) {
        if (bench.consumed.count(i) == 0) {
            fprintf(stderr, "bench_%s: unknown argument '%s' (see --help)\n", bench.suite.c_str(),
                    bench.arguments[i].c_str());
            return false;
        }
    }
    if (bench.runs < 1) {
        fprintf(stderr, "bench_%s: --runs takes a positive number\n", bench.suite.c_str());
        return false;
    }
    return true;
}

// -- Measuring. ---------------------------------------------------------------------------------

// Takes each figure from Google Benchmark's report of one run, and prints nothing.
class figure_reporter : public benchmark::BenchmarkReporter
{
  public:
    double figure = BENCH_FAILED;

    bool ReportContext(const Context & /*context*/) override
    {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        const auto found = runs.at(0).counters.find("figure");
        if (found != runs.at(0).counters.end())
            figure = found->second.value;
    }
};

void run_measure(benchmark::State &state, const bench_case &given)
{
    double figure = BENCH_FAILED;
    while (state.KeepRunning()) {
        const uint64_t before_ns = bench_now_ns();
        figure = given.measure(given.context);
        state.SetIterationTime(static_cast<double>(bench_now_ns() - before_ns) * 1e-9);
    }
    state.counters["figure"] = figure;
}

void run_loop(benchmark::State &state, const bench_case &given)
{
    const auto iterations = state.max_iterations;
    const uint64_t before_ns = bench_now_ns();
    while (state.KeepRunningBatch(iterations))
        given.loop(given.context, static_cast<uint64_t>(iterations));
    const auto elapsed_ns = static_cast<double>(bench_now_ns() - before_ns);
    const double ns = elapsed_ns / static_cast<double>(iterations);
    state.counters["figure"] = given.unit == BENCH_NS ? ns : 1e9 / ns;
}

// Google Benchmark selects by regular expression: anchors and escapes our name.
std::string exactly(const std::string &name)
{
    std::string pattern = "^";
    for (char c : name) {
        if (strchr(".[]{}()*+?|^$\\", c) != nullptr)
            pattern += '\\';
        pattern += c;
    }
    return pattern;
}

std::string full_name(const measurement &m)
{
    return m.row + "/" + m.subject + "/" + unit_name(m.unit) + "/";
}

void register_measurement(const measurement &m)
{
    const bench_case given = m.given;
    if (given.measure != nullptr)
        benchmark::RegisterBenchmark(
            full_name(m).c_str(), [given](benchmark::State &state) { run_measure(state, given); })
            ->Iterations(1)
            ->UseManualTime();
    else
        benchmark::RegisterBenchmark(full_name(m).c_str(),
                                     [given](benchmark::State &state) { run_loop(state, given); })
            ->MinTime(bench.quick ? loop_seconds_quick : loop_seconds)
            ->UseRealTime();
}

void run_once(measurement &m)
{
    figure_reporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter, exactly(full_name(m)));
    if (reporter.figure == BENCH_SKIPPED) {
        m.skipped = true;
    } else if (!(reporter.figure >= 0) || std::isinf(reporter.figure)) {
        fprintf(stderr, "bench_%s: %s of %s failed\n", bench.suite.c_str(), m.row.c_str(),
                m.subject.c_str());
        m.skipped = true;
        bench.failed = true;
    } else {
        m.figures.push_back(reporter.figure);
    }
}

void progress(const measurement &m, int run, int runs)
{
    if (isatty(STDERR_FILENO) != 0)
        fprintf(stderr, "\r\033[K%s: %s %d/%d\r", m.row.c_str(), m.subject.c_str(), run + 1, runs);
}

void progress_end()
{
    if (isatty(STDERR_FILENO) != 0)
        fprintf(stderr, "\r\033[K");
}

bool out_of_time()
{
    return bench.quick && bench_now_ns() - bench.started_ns > quick_budget_ns;
}

// The subjects of one row in turn, so that what disturbs the machine disturbs all alike.
void run_row(const std::vector<measurement *> &subjects)
{
    for (int run = 0; run < bench.runs && !(run > 0 && out_of_time()); run++) {
        for (measurement *m : subjects) {
            if (m->skipped)
                continue;
            progress(*m, run, bench.runs);
            run_once(*m);
        }
    }
    progress_end();
}

// -- Printing. ----------------------------------------------------------------------------------

double median(std::vector<double> figures)
{
    std::sort(figures.begin(), figures.end());
    const size_t middle = figures.size() / 2;
    return figures.size() % 2 == 1 ? figures[middle] : (figures[middle - 1] + figures[middle]) / 2;
}

std::string figure_text(double figure, bench_unit unit)
{
    char text[64];
    snprintf(text, sizeof text, "%.*f",
             unit == BENCH_NS         ? 3
             : unit == BENCH_MB_PER_S ? 1
                                      : 0,
             figure);
    return text;
}

void print_json(const measurement &m)
{
    const auto [low, high] = std::minmax_element(m.figures.begin(), m.figures.end());
    printf("{\"suite\":\"%s\",\"row\":\"%s\",\"subject\":\"%s\",\"unit\":\"%s\",\"median\":%s,"
           "\"min\":%s,\"max\":%s,\"runs\":%zu}\n",
           bench.suite.c_str(), m.row.c_str(), m.subject.c_str(), unit_name(m.unit),
           figure_text(median(m.figures), m.unit).c_str(), figure_text(*low, m.unit).c_str(),
           figure_text(*high, m.unit).c_str(), m.figures.size());
}

void print_heading()
{
    printf("%-24s %-24s %14s %14s %14s  %-11s %5s %9s\n", "row", "subject", "median", "min", "max",
           "unit", "runs", "ratio");
}

// `base` is what the ratio refers to: millrace's median, or else the first subject's.
void print_line(const measurement &m, double base)
{
    const auto [low, high] = std::minmax_element(m.figures.begin(), m.figures.end());
    const double middle = median(m.figures);
    printf("%-24s %-24s %14s %14s %14s  %-11s %5zu %8.2fx\n", m.row.c_str(), m.subject.c_str(),
           figure_text(middle, m.unit).c_str(), figure_text(*low, m.unit).c_str(),
           figure_text(*high, m.unit).c_str(), unit_name(m.unit), m.figures.size(), middle / base);
}

void print_row(const std::vector<measurement *> &subjects)
{
    double base = 0;
    for (const measurement *m : subjects)
        if (!m->figures.empty() && (base == 0 || m->subject == "millrace"))
            base = median(m->figures);
    for (const measurement *m : subjects) {
        if (m->figures.empty())
            continue;
        if (bench.json)
            print_json(*m);
        else
            print_line(*m, base);
    }
    fflush(stdout);
}

// -- The whole. ---------------------------------------------------------------------------------

// Rows in the order in which they first appear, each with its subjects in theirs.
std::vector<std::vector<measurement *>> rows()
{
    std::vector<std::vector<measurement *>> result;
    for (measurement &m : bench.measurements) {
        if (m.row.find(bench.only_row) == std::string::npos)
            continue;
        auto row = std::find_if(result.begin(), result.end(),
                                [&m](const auto &r) { return r.front()->row == m.row; });
        if (row == result.end())
            row = result.insert(result.end(), std::vector<measurement *>());
        row->push_back(&m);
    }
    return result;
}

void list_rows()
{
    for (const auto &row : rows())
        for (const measurement *m : row)
            printf("%s %s %s\n", m->row.c_str(), m->subject.c_str(), unit_name(m->unit));
}

void run_all()
{
    for (const measurement &m : bench.measurements)
        register_measurement(m);
    bench.started_ns = bench_now_ns();
    if (!bench.json)
        print_heading();
    for (const auto &row : rows()) {
        run_row(row);
        print_row(row);
    }
    benchmark::Shutdown();
}

[[noreturn]] void misuse(const char *what)
{
    fprintf(stderr, "bench: misuse of the harness: %s\n", what);
    abort();
}

} // namespace

void bench_begin(const char *suite, int argc, char **argv)
{
    bench.suite = suite;
    CPU_ZERO(&bench.cpus);
    if (sched_getaffinity(0, sizeof bench.cpus, &bench.cpus) != 0)
        misuse("the system does not tell which CPUs there are");
    bench.arguments.assign(argv + 1, argv + argc);
    bench.json = take_flag("--json");
    bench.quick = take_flag("--quick");
    bench.list = take_flag("--list");
    bench.help = take_flag("--help");
    const char *runs = take_value("runs");
    const char *row = take_value("row");
    bench.runs = bench.quick ? runs_default_quick : runs_default;
    if (runs != nullptr)
        bench.runs = static_cast<int>(std::min(strtol(runs, nullptr, 10), 1000L));
    bench.only_row = row != nullptr ? row : "";
#ifndef __OPTIMIZE__
    fprintf(stderr, "bench_%s: built without optimisation; the figures mean nothing\n", suite);
#endif
}

const char *bench_option(const char *name, const char *fallback, const char *help)
{
    bench.options.push_back({name, fallback != nullptr ? fallback : "none", help});
    const char *value = take_value(name);
    return value != nullptr ? value : fallback;
}

void bench_add(struct bench_case given)
{
    if ((given.measure == nullptr) == (given.loop == nullptr))
        misuse("a case has exactly one of measure and loop");
    for (const measurement &m : bench.measurements)
        if (m.row == given.row && (m.subject == given.subject || m.unit != given.unit))
            misuse("a row has one unit, and each subject once");
    bench.measurements.push_back({given.row, given.subject, given.unit, given, {}, false});
}

int bench_end(void)
{
    if (bench.help) {
        print_help();
        return exit_ok;
    }
    if (!usage_valid())
        return exit_usage;
    if (bench.list)
        list_rows();
    else
        run_all();
    return bench.failed ? exit_failed : exit_ok;
}

bool bench_quick(void)
{
    return bench.quick;
}

uint64_t bench_now_ns(void)
{
    using namespace std::chrono;
    return static_cast<uint64_t>(
        duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count());
}

unsigned bench_cpus(void)
{
    return static_cast<unsigned>(CPU_COUNT(&bench.cpus));
}

bool bench_pin(unsigned cpu)
{
    unsigned left = cpu % bench_cpus();
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &bench.cpus) || left-- != 0)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        return sched_setaffinity(0, sizeof one, &one) == 0;
    }
    return false;
}
