/*
 * `millrace serve`: an engine for clients on a socket. The main thread is the server's.
 */
#include "tools/command.h"
#include "tools/config.h"
#include "tools/engine_options.h"
#include "tools/hash_seed.h"
#include "tools/json.h"
#include "tools/logics.h"
#include "tools/notify.h"
#include "tools/output.h"
#include "tools/stop.h"

#include "base/clock.h"

#include <millrace/engine.h>
#include <millrace/server.h>

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define SERVE_OPTIONS(O, tag)                                                                  \
    O(tag, text, data, "DIR", NULL, "the data directory; made if it is missing")               \
    O(tag, text, socket, "PATH", NULL,                                                         \
      "listen on a Unix socket there; DIR/socket when neither this nor --tcp is given")        \
    O(tag, text, tcp, "[HOST:]PORT", NULL,                                                     \
      "listen on TCP, of the loopback address unless HOST, a number, says otherwise")          \
    OPTION_LOGIC(O, tag)                                                                       \
    OPTION_CONFIG(O, tag)                                                                      \
    OPTION_JSON(O, tag)                                                                        \
    O(tag, number, clients, "N", "64", "clients at once, at most")                             \
    O(tag, choice, operators, "local|all", "local",                                            \
      "who may be an operator: this user on the Unix socket, or all clients")                  \
    O(tag, choice, access, "user|group|all", "user", "who may connect to the Unix socket")     \
    O(tag, number, idle, "SECONDS", "300", "cut a client off that sends nothing; 0: never")    \
    O(tag, number, window, "N", "1024", "commands of a client without answer, at most")        \
    O(tag, number, frame, "BYTES", "262144",                                                   \
      "the largest frame of a client, and so its largest batch; 2 MiB and 64 KiB hold any")    \
    O(tag, number, sessions, "N", "64", "of a new journal: sessions that can be open at once") \
    O(tag, number, answers, "N", "1024", "of a new journal: answers kept for each session")    \
    O(tag, number, session_idle, "SECONDS", "0",                                               \
      "of a new journal: close a session that sends nothing; 0: never")                        \
    O(tag, text, hash_seed, "N", NULL,                                                         \
      "of a new journal: the number that keys the mixing of ids; random when not given")       \
    O(tag, choice, clock, "wall|input", "wall",                                                \
      "of a new journal: whose time commands carry, the machine's or their sender's")          \
    OPTIONS_ENGINE(O, tag)
OPTIONS_STRUCT(serve_settings, SERVE_OPTIONS);

enum {
    TIMER_SLACK_NS = 1000,
    STEP_MS = 200, /* the longest that a signal is not noticed that another thread got */
    TELL_NS = 1000000000,
    PATH_SIZE = 128,
};

struct serve {
    const struct serve_settings *settings;
    const struct mr_logic *logic;
    struct mr_engine *engine;
    struct mr_server *server;
    void *config;         /* of a new journal; NULL: the logic's defaults */
    bool started;         /* the engine's threads */
    char path[PATH_SIZE]; /* of the socket; "": none */
    uint64_t told_ns;     /* when the service manager was told last */
};

/* -- What it says. ----------------------------------------------------------------------------- */

static void on_log(void *context, enum mr_log_level level, const char *message)
{
    (void)context;
    (void)level;
    say("%s", message);
}

static void on_progress(void *context, uint64_t sequence, uint64_t last)
{
    struct serve *serve = context;
    uint64_t now_ns = mr_monotonic_ns();
    progress_of_sequences(NULL, sequence, last);
    if (now_ns - serve->told_ns >= TELL_NS) {
        serve->told_ns = now_ns;
        /* A long recovery is no reason to be killed: it asks for ten seconds more, each second. */
        notify("STATUS=Recovering: command %llu of %llu\nEXTEND_TIMEOUT_USEC=10000000",
               (unsigned long long)sequence, (unsigned long long)last);
    }
}

static void tell_ready(struct serve *serve)
{
    uint64_t last = mr_engine_durable_sequence(serve->engine);
    uint16_t port = mr_server_port(serve->server);
    if (serve->settings->json) {
        struct json json;
        json_begin(&json, stdout);
        json_bool(&json, "ready", true);
        if (serve->path[0] != '\0') {
            json_text(&json, "socket", serve->path);
        }
        if (port != 0) {
            json_u64(&json, "tcp_port", port);
        }
        json_u64(&json, "last_sequence", last);
        json_end(&json);
    } else {
        printf("READY");
        if (serve->path[0] != '\0') {
            printf(" unix:%s", serve->path);
        }
        if (port != 0) {
            printf(" tcp:%u", port);
        }
        printf(" last_sequence=%llu\n", (unsigned long long)last);
    }
    (void)fflush(stdout);
    notify("READY=1\nSTATUS=Serving, from sequence %llu on", (unsigned long long)last);
}

/* Once a second at most, and only if somebody asked to be told. */
static void tell_status(struct serve *serve)
{
    uint64_t now_ns = mr_monotonic_ns();
    if (now_ns - serve->told_ns < TELL_NS) {
        return;
    }
    struct mr_server_status status = mr_server_status_get(serve->server);
    serve->told_ns = now_ns;
    notify("STATUS=Serving %u clients, at sequence %llu", status.clients,
           (unsigned long long)mr_engine_durable_sequence(serve->engine));
}

static void report(const struct serve *serve, const struct mr_server_status *served)
{
    uint64_t last = mr_engine_durable_sequence(serve->engine);
    if (!serve->settings->json) {
        say("stopped by a signal: %s clients have sent %s commands, and all that was accepted is "
            "done, up to sequence %s",
            number_grouped(served->accepted).text, number_grouped(served->commands).text,
            number_grouped(last).text);
        return;
    }
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", true);
    json_u64(&json, "clients", served->accepted);
    json_u64(&json, "commands", served->commands);
    json_u64(&json, "answers", served->answers);
    json_u64(&json, "cut_off", served->cut_off);
    json_u64(&json, "last_sequence", last);
    json_digest(&json, "state_digest", mr_engine_state_digest(serve->engine));
    json_digest(&json, "event_digest", mr_engine_event_digest(serve->engine));
    json_end(&json);
    output_told();
}

/* -- Opening. ---------------------------------------------------------------------------------- */

static const enum mr_clock_kind clocks[] = {MR_CLOCK_WALL, MR_CLOCK_INPUT};
static const uint32_t modes[] = {0600, 0660, 0666};

static uint32_t bounded(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static int open_engine(struct serve *serve, struct mr_error *error)
{
    const struct serve_settings *settings = serve->settings;
    struct mr_engine_options options = {
        .logic = serve->logic,
        .config = serve->config,
        .clock_kind = clocks[settings->clock],
        .sessions_max = bounded(settings->sessions),
        .answers_max = bounded(settings->answers),
        .session_idle_ns = settings->session_idle * UINT64_C(1000000000),
        .output = MR_OUTPUT_NONE,
        .log = {.write = on_log, .level = MR_LOG_WARNING},
        .progress = on_progress,
        .progress_context = serve,
    };
    engine_choice_take(&ENGINE_CHOICE(settings), &options);
    int status = mr_engine_open(&options, &serve->engine, error);
    progress_clear();
    if (status == MR_OK) {
        const struct mr_engine_recovery *recovery = mr_engine_recovery_get(serve->engine);
        if (!recovery->created) {
            say("recovered %s commands in %s", number_grouped(recovery->journal.last_sequence).text,
                number_duration(recovery->journal.elapsed_ns + recovery->replay_ns).text);
            status =
                config_check(serve->logic, mr_engine_image(serve->engine), settings->config, error);
        }
        if (status == MR_OK) {
            status = mr_engine_start(serve->engine, error);
        }
        serve->started = status == MR_OK;
    }
    /* A new journal begins with its genesis, and until that is applied there is nothing to ask. */
    while (status == MR_OK && mr_engine_applied_sequence(serve->engine) == 0) {
        mr_engine_pause();
        status = mr_engine_failure(serve->engine, error);
    }
    return status;
}

static int choose_path(struct serve *serve, struct mr_error *error)
{
    const struct serve_settings *settings = serve->settings;
    int length = 0;
    if (settings->socket != NULL) {
        length = snprintf(serve->path, sizeof serve->path, "%s", settings->socket);
    } else if (settings->tcp == NULL && settings->data != NULL) {
        length = snprintf(serve->path, sizeof serve->path, "%s/socket", settings->data);
    }
    if (length >= (int)sizeof serve->path) {
        return mr_error_set(error, MR_E_INVALID,
                            "the path of the Unix socket is too long: name a shorter one with "
                            "--socket");
    }
    return MR_OK;
}

/* Of a new journal. What --config says goes on top of a seed of its own. */
static int choose_config(struct serve *serve, struct mr_error *error)
{
    const struct serve_settings *settings = serve->settings;
    void *chosen = NULL;
    int status = hash_seed_choose(serve->logic, settings->hash_seed, &serve->config, error);
    if (status == MR_OK) {
        status = config_choose(serve->logic, serve->config, settings->config, &chosen, error);
    }
    if (chosen != NULL) {
        free(serve->config);
        serve->config = chosen;
    }
    return status;
}

/* Two of the largest frames, at least. */
static uint32_t output_for(uint32_t frame)
{
    const uint32_t ordinary = 1 << 20;
    return frame > ordinary / 2 ? 2 * frame : ordinary;
}

static int open_all(struct serve *serve, struct mr_error *error)
{
    const struct serve_settings *settings = serve->settings;
    int status = logic_chosen(settings->logic, &serve->logic, error);
    if (status == MR_OK) {
        status = choose_path(serve, error);
    }
    if (status == MR_OK) {
        status = choose_config(serve, error);
    }
    if (status == MR_OK) {
        status = open_engine(serve, error);
    }
    if (status != MR_OK) {
        return status;
    }
    const struct mr_server_options options = {
        .engine = serve->engine,
        .socket_path = serve->path[0] == '\0' ? NULL : serve->path,
        .socket_mode = modes[settings->access],
        .tcp = settings->tcp,
        .operators_anywhere = settings->operators != 0,
        .clients_max = bounded(settings->clients),
        .in_flight_max = bounded(settings->window),
        .frame_bytes_max = bounded(settings->frame),
        .output_bytes = output_for(bounded(settings->frame)),
        .idle_ms = bounded(settings->idle * 1000),
        .log = {.write = on_log, .level = MR_LOG_WARNING},
    };
    return mr_server_open(&options, &serve->server, error);
}

/* -- Serving. ---------------------------------------------------------------------------------- */

static int serve_all(struct serve *serve)
{
    struct mr_error error = {0};
    bool told = false;
    int64_t did = 0;
    tell_ready(serve);
    while (did >= 0) {
        if (stop_requested() && !told) {
            told = true;
            notify("STOPPING=1\nSTATUS=Answering what was accepted");
            mr_server_stop(serve->server);
        }
        did = mr_server_step(serve->server, STEP_MS);
        if (!told) {
            tell_status(serve);
        }
    }
    struct mr_server_status served = mr_server_status_get(serve->server);
    mr_server_close(serve->server);
    serve->server = NULL;
    if (mr_engine_stop(serve->engine, &error) != MR_OK) {
        notify("STATUS=Failed: %s", error.text);
        return complain_of(&error);
    }
    report(serve, &served);
    return EXIT_OK;
}

/* When it cannot serve after all. */
static void stop_engine(struct serve *serve)
{
    mr_server_close(serve->server);
    if (serve->started) {
        (void)mr_engine_stop(serve->engine, NULL);
    }
}

static int check(const struct serve_settings *settings)
{
    const struct engine_choice choice = ENGINE_CHOICE(settings);
    int wrong = engine_choice_check(&choice);
    if (wrong != EXIT_OK) {
        return wrong;
    }
    if (!engine_choice_keeps(&choice) && settings->socket == NULL && settings->tcp == NULL) {
        return complain(EXIT_USAGE, "where to listen? --socket PATH, or --tcp PORT");
    }
    if (settings->clients == 0 || settings->window == 0 || settings->sessions == 0 ||
        settings->answers == 0) {
        return complain(EXIT_USAGE, "--clients, --window, --sessions and --answers are above 0");
    }
    if (settings->idle > UINT32_MAX / 1000 || settings->session_idle > UINT32_MAX) {
        return complain(EXIT_USAGE, "--idle and --session-idle are not that long");
    }
    return EXIT_OK;
}

static int execute(const void *settings)
{
    struct serve serve = {.settings = settings};
    struct mr_error error;
    int code = check(settings);
    if (code != EXIT_OK) {
        return code;
    }
    /* Short sleeps shall be short; the engine's threads inherit this. */
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    if (open_all(&serve, &error) == MR_OK) {
        code = serve_all(&serve);
    } else {
        code = complain_of(&error);
        stop_engine(&serve);
    }
    mr_engine_close(serve.engine);
    free(serve.config);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "run an engine for clients on a Unix or TCP socket",
    .description =
        "Creates the data directory, or recovers it after whatever happened to it, and\n"
        "takes commands and queries from clients ('millrace send', or any program with\n"
        "<millrace/client.h>) until SIGTERM or Ctrl-C. It says READY, on standard\n"
        "output and to systemd, once it has recovered and listens.\n"
        "\n"
        "A client has a session, and sends again what it has no answer to: each command\n"
        "takes effect once, and its first answer comes again, whatever was killed\n"
        "meanwhile. When it is stopped, what was accepted is done and answered.",
    .examples = "  millrace serve --data d\n"
                "  millrace serve --data d --socket /run/orders.socket --tcp 7070\n"
                "  millrace serve --data l --logic ledger --config transfers_max=10000000\n"
                "  echo '?status' | millrace send --to unix:d/socket\n",
    COMMAND_OPTIONS(serve_settings, SERVE_OPTIONS),
    .run = execute,
};
