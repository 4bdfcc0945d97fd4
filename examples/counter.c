/*
 * A durable counter: all that business logic needs, and a program around it. Run it again and
 * again, kill it whenever you like: it never forgets an addition that it has answered.
 *
 *     counter DIRECTORY [AMOUNT...]
 *
 * As a shared object it is for the millrace command:
 *
 *     cc -shared -fPIC -o counter.so counter.c
 *     millrace --logic ./counter.so dump --data DIRECTORY
 */
#include <millrace/millrace.h>

#include <stdio.h>
#include <stdlib.h>

#define ADD_FIELDS(F)   F(i64, amount, "units", "how much is added, may be negative")
#define ADDED_FIELDS(F) F(i64, total, "units", "the counter, with it")
MR_MESSAGE_STRUCT(add, ADD_FIELDS);
MR_MESSAGE_STRUCT(added, ADDED_FIELDS);
enum { ADD = MR_CATALOG_LOGIC_FIRST, ADDED = MR_CATALOG_LOGIC_FIRST };

static const struct mr_message commands[] = {
    MR_COMMAND(ADD, add, add, ADD_FIELDS, MR_ROLE_BIT(MR_ROLE_USER), "Adds to the counter.")};
static const struct mr_message events[] = {
    MR_EVENT(ADDED, added, added, ADDED_FIELDS, 0, "Something was added.")};
static const struct mr_catalog catalog = {
    .commands = commands, .events = events, .command_count = 1, .event_count = 1};

static uint64_t state_size(const void *config)
{
    (void)config;
    return sizeof(int64_t);
}

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    const struct add *add = mr_command_body(command);
    int64_t *total = context->state, sum;
    if (__builtin_add_overflow(*total, add->amount, &sum)) {
        return MR_REASON_BAD_VALUE; /* a rejected command leaves no effect */
    }
    *total = sum;
    struct added *added = mr_emit(context, ADDED, 0, sizeof *added, 0, 0, NULL);
    added->total = *total;
    return 0;
}

static const struct mr_logic counter = {.name = "counter",
                                        .version = 1,
                                        .catalog = &catalog,
                                        .command_size_max = 256,
                                        .event_size_max = 128,
                                        .state_size = state_size,
                                        .apply = apply};
MR_LOGIC_PLUGIN(counter) /* millrace --logic counter.so: the tools know it, too */

static void print_event(void *context, const struct mr_event *event)
{
    (void)context;
    if (event->type == ADDED) {
        const struct added *added = mr_event_body(event);
        printf("%lld\n", (long long)added->total);
    }
}

/* Adds each amount in turn; every total that is printed is durable. */
static int add_all(struct mr_engine *engine, char **amounts, struct mr_error *error)
{
    const struct mr_engine_handlers handlers = {.event = print_event};
    uint64_t request;
    int status = mr_engine_session(engine, 1, MR_ROLE_USER, &request, error);
    for (; *amounts != NULL && status == MR_OK; amounts++) {
        request++;
        struct {
            struct mr_command header;
            struct add body;
        } command = {.header = {.length = sizeof command,
                                .type = ADD,
                                .role = MR_ROLE_USER,
                                .session = 1,
                                .request = request},
                     .body = {.amount = strtoll(*amounts, NULL, 10)}};
        status = mr_engine_execute(engine, &command.header, &handlers, NULL, error);
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: counter DIRECTORY [AMOUNT...]\n");
        return 2;
    }
    struct mr_error error;
    struct mr_engine *engine = NULL;
    struct mr_engine_options options = {
        .directory = argv[1], .create = true, .logic = &counter, .segment_bytes = 4 << 20};
    int status = mr_engine_open(&options, &engine, &error);
    if (status == MR_OK && (status = mr_engine_start(engine, &error)) == MR_OK) {
        status = add_all(engine, argv + 2, &error);
        int stopped = mr_engine_stop(engine, status == MR_OK ? &error : NULL);
        status = status == MR_OK ? stopped : status;
    }
    mr_engine_close(engine);
    if (status != MR_OK) {
        fprintf(stderr, "counter: %s\n", error.text);
        return 4;
    }
    return 0;
}
