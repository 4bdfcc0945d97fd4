/*
 * Ordering a pizza, choreographed: no mediator. Four services (order, payment, kitchen, courier),
 * each an engine with a journal of its own; each hears the events of others and does what it thinks
 * right. Compare pizza_orchestrated.c, which gives the same results.
 *
 *     order    --placed-----> payment     charges                   <--cancelled-- order: refunds
 *     payment  --done-------> kitchen     bakes                     <--cancelled-- throws it away
 *     kitchen  --done-------> courier     delivers                  <--cancelled-- calls him back
 *     all three --done, refused--> order  knows how far it is; cancels what is refused or late
 *
 * Events carry all that a listener needs (event-carried state), so nobody asks anybody.
 *
 * How an event crosses from one journal to another exactly once: the sender's journal is its
 * outbox, and the number of the event is the request in the listener's session for that sender. So
 * the listener's image knows, durably, how far it has heard: its session's last request. Whoever
 * crashes, the reader goes on behind that, from the sender's journal; what arrives twice is the
 * same request, and has no second effect.
 *
 *     pizza_choreographed [--crash N] DIRECTORY CUSTOMER/PIZZA/STREET...
 *
 * With --crash one of the engines crashes after every N steps that did something, in turn.
 *
 * From the root:
 *
 *     cc -I. -o pizza examples/pizza_choreographed.c $(pkg-config --cflags --libs millrace)
 */
#include "examples/pizza_services.h"

enum { ORDER, PAYMENT, KITCHEN, COURIER, NODES };
static const struct mr_logic *const services[NODES] = {&order_service, &payment_service,
                                                       &kitchen_service, &courier_service};
static struct node nodes[NODES];

/* -- Who hears whom. --------------------------------------------------------------------------- */

struct link {
    int from, to;
    uint64_t heard; /* number of the last event of `from` that was looked at for `to` */
};
static struct link links[] = {
    {ORDER, PAYMENT, 0}, {PAYMENT, KITCHEN, 0}, {KITCHEN, COURIER, 0},
    {PAYMENT, ORDER, 0}, {KITCHEN, ORDER, 0},   {COURIER, ORDER, 0},
    {ORDER, KITCHEN, 0}, {ORDER, COURIER, 0}, /* of cancellations */
};
enum { LINKS = sizeof links / sizeof links[0] };

/* A sender's session at those who hear it. */
static uint64_t session_of(int sender)
{
    return (uint64_t)sender + 1;
}
enum { SESSION_CUSTOMERS = NODES + 1 };

struct letter {
    struct mr_command header;
    union {
        struct order_body order;
        struct hear hear;
    } body;
};

static int submit(int to, const struct letter *letter)
{
    int status = mr_engine_submit(nodes[to].engine, &letter->header, NULL);
    return status == MR_OK ? status : mr_error_set(&error, MR_E_LIMIT, "the input ring is full");
}

/* What an event means to whom it is for; false: nothing. */
static bool translate(const struct link *link, const struct mr_event *event, struct letter *letter)
{
    const struct order_body *body = mr_event_body(event);
    uint32_t size = sizeof *body;
    if (event->type < MR_CATALOG_LOGIC_FIRST)
        return false; /* of the engine itself: sessions and the like */
    bool first = link->from == ORDER && link->to == PAYMENT && event->type == PLACED;
    bool next = link->from != ORDER && link->to != ORDER && event->type == DONE;
    if (first || next) {
        letter->header.type = START;
    } else if (link->from == ORDER && event->type == CANCELLED) {
        letter->header.type = CANCEL;
    } else if (link->to == ORDER && event->type != UNDONE) {
        letter->header.type = HEAR;
        size = sizeof letter->body.hear;
    } else {
        return false;
    }
    letter->header.length = MR_COMMAND_HEADER + size;
    if (size == sizeof *body)
        letter->body.order = *body;
    else
        letter->body.hear = (struct hear){.order = body->order,
                                          .step = (uint32_t)(link->from - PAYMENT),
                                          .done = event->type == DONE};
    return true;
}

/* Everything that `from` says comes by here, in order, now or read again later. */
static void pass_on(void *context, const struct mr_event *event)
{
    struct link *link = context;
    struct letter letter = {0};
    if (event->number <= link->heard)
        return;
    link->heard = event->number;
    if (!translate(link, event, &letter))
        return;
    letter.header.role = MR_ROLE_USER;
    letter.header.session = session_of(link->from);
    letter.header.request = event->number;
    letter.header.cause = event->number;
    letter.header.correlation = event->aggregate_id;
    if (submit(link->to, &letter) != MR_OK)
        abort(); /* the ring holds more than all orders together can send */
}

static void on_event(void *context, const struct mr_event *event)
{
    const struct node *from = context;
    for (int i = 0; i < LINKS; i++)
        if (&nodes[links[i].from] == from)
            pass_on(&links[i], event);
}

/* -- The customers, who send their orders once. ------------------------------------------------ */

static struct plan plan;

static int place_from(uint64_t last_request)
{
    int status = MR_OK;
    for (uint64_t i = last_request; i < plan.wish_count && status == MR_OK; i++) {
        const struct wish *wish = &plan.wishes[i];
        struct letter letter = {.header = {.length = MR_COMMAND_HEADER + sizeof(struct order_body),
                                           .type = PLACE,
                                           .role = MR_ROLE_USER,
                                           .session = SESSION_CUSTOMERS,
                                           .request = i + 1},
                                .body.order = {.customer = wish->minutes[CHARGE],
                                               .pizza = wish->minutes[BAKE],
                                               .street = wish->minutes[DELIVER]}};
        status = submit(ORDER, &letter);
    }
    return status;
}

/* -- Running. ---------------------------------------------------------------------------------- */

/* After a start or a crash of a node: those whom it hears send what it has not heard, and it sends
 * what others have not heard of it. How far that is, its own image and theirs know. */
static int take_up(int at)
{
    int status = MR_OK;
    uint64_t placed = 0;
    for (int i = 0; i < LINKS && status == MR_OK; i++)
        if (links[i].to == at)
            status = mr_engine_session(nodes[at].engine, session_of(links[i].from), MR_ROLE_USER,
                                       &links[i].heard, &error);
    if (status == MR_OK && at == ORDER) {
        status =
            mr_engine_session(nodes[at].engine, SESSION_CUSTOMERS, MR_ROLE_USER, &placed, &error);
        if (status == MR_OK)
            status = place_from(placed);
    }
    for (int i = 0; i < LINKS && status == MR_OK; i++)
        if ((links[i].to == at || links[i].from == at) && nodes[links[i].from].engine != NULL &&
            nodes[links[i].to].engine != NULL)
            status = node_history(&nodes[links[i].from], &links[i], pass_on);
    return status;
}

static int crash_and_recover(int at)
{
    mr_engine_close(nodes[at].engine);
    nodes[at].engine = NULL;
    int status = node_open(&nodes[at]);
    return status == MR_OK ? take_up(at) : status;
}

static bool all_quiet(void)
{
    bool quiet = true;
    for (int at = 0; at < NODES; at++)
        quiet = quiet && node_quiet(&nodes[at]);
    return quiet;
}

/* Lets the engines work, and crash, until nothing is left to do at this time. */
static int settle(void)
{
    int status = MR_OK;
    while (status == MR_OK && !all_quiet()) {
        for (int at = 0; at < NODES && status == MR_OK; at++) {
            const struct mr_engine_handlers handlers = {.event = on_event, .context = &nodes[at]};
            for (uint32_t stage = 0; stage < MR_ENGINE_STAGES && status == MR_OK; stage++) {
                bool crash = false;
                if (node_step(&nodes[at], stage, &crash) < 0)
                    return error.code;
                if (crash)
                    status = crash_and_recover((int)(crashes % NODES));
            }
            mr_engine_poll(nodes[at].engine, &handlers, UINT32_MAX);
        }
    }
    return status;
}

/* On to when something happens next; false: never. */
static bool wait_for_next(void)
{
    uint64_t next_ns = UINT64_MAX;
    for (int at = 0; at < NODES; at++) {
        uint64_t due_ns = mr_engine_next_timer(nodes[at].engine);
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    if (next_ns == UINT64_MAX)
        return false;
    mr_simulated_clock_set(&clock_now, next_ns);
    return true;
}

static bool tell(void)
{
    const struct orders *state = mr_image_state(mr_engine_image(nodes[ORDER].engine));
    bool right = state->count == plan.wish_count;
    for (int at = 0; at < NODES; at++)
        right = mr_image_check(mr_engine_image(nodes[at].engine), services[at]) && right;
    for (uint64_t i = 0; i < state->count; i++) {
        const struct order *order = &state->orders[i];
        struct result result = {.outcome = order->outcome, .blamed = order->step};
        for (int step = 0; step < STEPS; step++) {
            const struct jobs *jobs = mr_image_state(mr_engine_image(nodes[PAYMENT + step].engine));
            result.did[step] = jobs->jobs[i].did;
            result.undid[step] = jobs->jobs[i].undid;
        }
        right = tell_result(i + 1, &result) && right;
    }
    fprintf(stderr, "%" PRIu32 " crashes\n", crashes);
    return right;
}

int main(int argc, char **argv)
{
    if (!read_plan(argc, argv, &plan))
        return 2;
    int status = MR_OK;
    for (int at = 0; at < NODES && status == MR_OK; at++)
        status = node_make(&nodes[at], plan.directory, services[at]);
    for (int at = 0; at < NODES && status == MR_OK; at++)
        status = take_up(at);
    crash_every = plan.crash_every;
    do {
        status = status == MR_OK ? settle() : status;
    } while (status == MR_OK && wait_for_next());
    bool right = status == MR_OK && tell();
    for (int at = 0; at < NODES; at++)
        mr_engine_close(nodes[at].engine);
    if (status != MR_OK) {
        fprintf(stderr, "pizza_choreographed: %s\n", error.text);
        return 4;
    }
    return right ? 0 : 1;
}
