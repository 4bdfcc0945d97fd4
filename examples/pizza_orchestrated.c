/*
 * Ordering a pizza, orchestrated: one logic, the mediator, holds the state of every order and says
 * who is to do what next. A saga: three steps, each with a time-out and an undoing.
 *
 *     charge the customer   5 minutes    undone by a refund
 *     bake the pizza       30 minutes    undone by throwing it away
 *     deliver it           40 minutes    undone by calling the courier back
 *
 * The logic does nothing outside. It emits `asked` events; the outside (bank, oven, courier, here
 * simulated) does what it is asked, and sends a `report`, whose cause is the number of the event
 * that asked. The mediator waits for exactly one such number at a time, so a report that comes
 * twice or too late finds nobody waiting for it, and changes nothing.
 *
 *     pizza_orchestrated [--crash N] DIRECTORY CUSTOMER/PIZZA/STREET...
 *
 * With --crash the engine crashes after every N steps that did something. pizza_choreographed.c is
 * the same without a mediator.
 *
 * From the root:
 *
 *     cc -I. -o pizza examples/pizza_orchestrated.c $(pkg-config --cflags --libs millrace)
 */
#include "examples/pizza_mediator.h"

/* -- The outside: it outlives the engine's crashes, and does nothing twice. -------------------- */

/* Each who sends has a session, and numbers what it sends; what has no answer when the engine
 * crashes is sent again, under the same number. */
enum { SESSION_CUSTOMERS = 1, SESSION_OUTSIDE = 2, SESSIONS = 2 };
enum { LETTERS_MAX = 4096 };

struct letter {
    uint64_t due_ns; /* the outside needs so long */
    bool sent;
    struct {
        struct mr_command header;
        union {
            struct place place;
            struct report report;
        } body;
    } command;
};

static struct letter letters[LETTERS_MAX];
static uint32_t letter_count;
static uint64_t requests[SESSIONS + 1], not_waited_for;

struct deed {
    uint64_t asked; /* number of the event that asked last; what is older has been seen to */
    uint32_t did, undid;
    bool forgot;
};
/* Whose detail is this loses the first request to undo something: it has to be asked again. */
enum { FORGETFUL = 3 };
static struct deed deeds[ORDERS_MAX + 1][STEPS];

static struct node node;

static struct letter *write_letter(uint64_t due_ns, uint64_t session, uint16_t type, uint64_t cause,
                                   uint32_t body_size)
{
    if (letter_count == LETTERS_MAX)
        abort();
    struct letter *letter = &letters[letter_count++];
    letter->due_ns = due_ns;
    letter->command.header =
        (struct mr_command){.length = MR_COMMAND_HEADER + body_size,
                            .type = type,
                            .role = session == SESSION_CUSTOMERS ? MR_ROLE_USER : MR_ROLE_OPERATOR,
                            .session = session,
                            .cause = cause};
    return letter;
}

/* Does what it is asked, unless it has seen that event before, and reports when it is done. */
static void on_event(void *context, const struct mr_event *event)
{
    (void)context;
    if (event->type != ASKED)
        return;
    const struct asked *asked = mr_event_body(event);
    bool undoing = asked->task >= STEPS;
    struct deed *deed = &deeds[event->aggregate_id][asked->task % STEPS];
    if (event->number <= deed->asked)
        return;
    deed->asked = event->number;
    if (undoing && asked->detail == FORGETFUL && !deed->forgot) {
        deed->forgot = true;
        return;
    }
    uint64_t now_ns = mr_clock_now(&simulated);
    bool able = undoing || asked->detail > 0;
    deed->did += !undoing && able;
    deed->undid += undoing && deed->did > deed->undid;
    uint64_t due_ns = now_ns + (undoing ? 0 : asked->detail * MINUTE_NS);
    /* It does not remember whether it has reported, so it does so twice, under two numbers. */
    for (int times = 0; times < 2; times++) {
        struct letter *letter =
            write_letter(due_ns, SESSION_OUTSIDE, REPORT, event->number, sizeof(struct report));
        letter->command.header.correlation = event->aggregate_id;
        letter->command.body.report = (struct report){
            .order = event->aggregate_id, .answer = able ? ANSWER_DONE : ANSWER_REFUSED};
    }
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    (void)context;
    not_waited_for += answer->result == REASON_NOT_WAITED_FOR && !answer->duplicate;
}

static int submit(const struct letter *letter)
{
    int status = mr_engine_submit(node.engine, &letter->command.header, NULL);
    return status == MR_OK ? status : mr_error_set(&error, MR_E_LIMIT, "the input ring is full");
}

static int send_due(void)
{
    int status = MR_OK;
    for (uint32_t i = 0; i < letter_count && status == MR_OK; i++) {
        struct letter *letter = &letters[i];
        if (!letter->sent && letter->due_ns <= mr_clock_now(&simulated)) {
            letter->sent = true;
            letter->command.header.request = ++requests[letter->command.header.session];
            status = submit(letter);
        }
    }
    return status;
}

/* What the session sent and the image has not seen, in the order of its numbers. */
static int send_again(uint64_t session, uint64_t last_request)
{
    int status = MR_OK;
    for (uint64_t request = last_request + 1; request <= requests[session]; request++)
        for (uint32_t i = 0; i < letter_count && status == MR_OK; i++)
            if (letters[i].sent && letters[i].command.header.session == session &&
                letters[i].command.header.request == request)
                status = submit(&letters[i]);
    return status;
}

/* After a start or a crash: who sends picks up where the image is, and the outside looks for what
 * it was asked and has not seen. */
static int take_up(void)
{
    int status = MR_OK;
    uint64_t last[SESSIONS + 1];
    for (uint64_t session = 1; session <= SESSIONS && status == MR_OK; session++)
        status = mr_engine_session(node.engine, session,
                                   session == SESSION_CUSTOMERS ? MR_ROLE_USER : MR_ROLE_OPERATOR,
                                   &last[session], &error);
    if (status == MR_OK)
        status = node_history(&node, NULL, on_event);
    for (uint64_t session = 1; session <= SESSIONS && status == MR_OK; session++)
        status = send_again(session, last[session]);
    return status;
}

/* Lets the engine work, and crash, until nothing is left to do at this time. */
static int settle(void)
{
    const struct mr_engine_handlers handlers = {.event = on_event, .answer = on_answer};
    int status = send_due();
    while (status == MR_OK && !node_quiet(&node)) {
        bool crash = false;
        int64_t did = 0;
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES && !crash && did >= 0; stage++)
            did = node_step(&node, stage, &crash);
        if (did < 0)
            return error.code;
        if (crash) {
            mr_engine_close(node.engine);
            node.engine = NULL;
            status = node_open(&node);
            if (status == MR_OK)
                status = take_up();
        } else {
            mr_engine_poll(node.engine, &handlers, UINT32_MAX);
        }
        if (status == MR_OK)
            status = send_due();
    }
    return status;
}

/* On to when something happens next; false: never. */
static bool wait_for_next(void)
{
    uint64_t next_ns = mr_engine_next_timer(node.engine);
    for (uint32_t i = 0; i < letter_count; i++)
        if (!letters[i].sent && letters[i].due_ns < next_ns)
            next_ns = letters[i].due_ns;
    if (next_ns == UINT64_MAX)
        return false;
    mr_simulated_clock_set(&clock_now, next_ns);
    return true;
}

static bool tell(const struct plan *plan)
{
    const struct state *state = mr_image_state(mr_engine_image(node.engine));
    bool right =
        state->count == plan->wish_count && mr_image_check(mr_engine_image(node.engine), &mediator);
    for (uint64_t id = 1; id <= state->count; id++) {
        const struct order *order = &state->orders[id - 1];
        struct result result = {.outcome = order->outcome, .blamed = order->blamed};
        for (int step = 0; step < STEPS; step++) {
            result.did[step] = deeds[id][step].did;
            result.undid[step] = deeds[id][step].undid;
        }
        right = tell_result(id, &result) && right;
    }
    fprintf(stderr, "%" PRIu32 " crashes, %" PRIu64 " reports that nobody waited for\n", crashes,
            not_waited_for);
    return right;
}

int main(int argc, char **argv)
{
    static struct plan plan;
    if (!read_plan(argc, argv, &plan))
        return 2;
    int status = node_make(&node, plan.directory, &mediator);
    if (status == MR_OK)
        status = take_up();
    for (uint32_t i = 0; i < plan.wish_count; i++) {
        struct letter *letter =
            write_letter(START_NS, SESSION_CUSTOMERS, PLACE, 0, sizeof(struct place));
        letter->command.body.place = (struct place){.customer = plan.wishes[i].minutes[CHARGE],
                                                    .pizza = plan.wishes[i].minutes[BAKE],
                                                    .street = plan.wishes[i].minutes[DELIVER]};
    }
    crash_every = plan.crash_every;
    do {
        status = status == MR_OK ? settle() : status;
    } while (status == MR_OK && wait_for_next());
    bool right = status == MR_OK && tell(&plan);
    mr_engine_close(node.engine);
    if (status != MR_OK) {
        fprintf(stderr, "pizza_orchestrated: %s\n", error.text);
        return 4;
    }
    return right ? 0 : 1;
}
