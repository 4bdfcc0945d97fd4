/*
 * Genesis: what the first command of a journal says about the image, checked and worked out.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/limits.h"
#include "core/image.h"
#include "core/layout.h"
#include "core/memory.h"

enum { STATE_BITS_MAX = 46 }; /* so that no sum of sizes overflows */

_Static_assert(sizeof(struct mr_genesis_applied) + MR_EVENT_HEADER <= 128, "see outbox_event_size");

/* Bytes of outbox that an event takes. */
static uint32_t outbox_event_size(const struct mr_logic *logic)
{
    return logic->event_size_max < 128 ? 128 : logic->event_size_max; /* our own events, too */
}

static const char *check_header(const struct mr_logic *logic, const struct mr_command *command)
{
    uint32_t config_size = logic->config == NULL ? 0 : logic->config->size;
    if (command->type != MR_COMMAND_GENESIS) {
        return "the first command is not genesis";
    }
    if (command->version != 0) {
        return "unknown version of genesis";
    }
    if (command->session != 0 || command->role != MR_ROLE_SYSTEM || command->sequence > 1) {
        return "genesis is the engine's own first command: session 0, role system, sequence 1";
    }
    if (command->length < MR_COMMAND_HEADER + sizeof(struct mr_genesis)) {
        return "genesis is cut short";
    }
    const struct mr_genesis *body = (const struct mr_genesis *)mr_command_body(command);
    if (body->config_size != config_size ||
        command->length != MR_COMMAND_HEADER + sizeof *body + config_size) {
        return "the configuration has another size than the logic's";
    }
    return NULL;
}

static const char *check_body(const struct mr_logic *logic, const struct mr_genesis *body)
{
    char name[sizeof body->logic] = {0};
    mr_copy(name, logic->name, mr_length(logic->name));
    if (!mr_equal(name, body->logic, sizeof name)) {
        return "it names another logic";
    }
    if (body->logic_version != logic->version) {
        return "unknown version of the logic";
    }
    if (body->layout_version != logic->layout_version) {
        return "unknown version of the logic's layout";
    }
    if (body->sessions_max == 0 || body->sessions_max > MR_SESSIONS_MAX) {
        return "sessions_max is not 1 to 1048576";
    }
    if (body->answers_max == 0 || body->answers_max > MR_ANSWERS_MAX) {
        return "answers_max is not 1 to 1048576";
    }
    if (body->timers_max > MR_TIMERS_MAX) {
        return "timers_max is above 268435456";
    }
    if (body->clock > MR_CLOCK_SIMULATED) {
        return "unknown kind of clock";
    }
    if (!mr_is_zero(body->reserved, sizeof body->reserved)) {
        return "reserved bytes are not zero";
    }
    return NULL;
}

static uint8_t bits_for(uint64_t places)
{
    return (uint8_t)mr_log2(mr_power_of_two_at_least(places));
}

static struct mr_image_parts lay_out(const struct mr_image_limits *limits,
                                     const struct mr_image_sizes *sizes, uint32_t config_size,
                                     uint64_t state_size)
{
    uint64_t sessions = limits->sessions_max;
    uint64_t timers = limits->timers_max + (limits->session_idle_ns == 0 ? 0 : sessions);
    struct mr_image_parts parts;
    uint64_t end = sizeof(struct mr_image);
    parts.config = mr_place(&end, 1, config_size);
    parts.sessions = mr_place(&end, sessions + 1, sizeof(struct mr_session));
    parts.origins = mr_place(&end, sessions + 1, sizeof(struct mr_session_origin));
    parts.open = mr_place(&end, sessions / 64 + 1, sizeof(uint64_t));
    parts.session_index =
        mr_place(&end, UINT64_C(1) << sizes->session_index_bits, sizeof(uint32_t));
    parts.answers = mr_place(&end, sessions << sizes->answer_bits, sizeof(struct mr_stored_answer));
    parts.timers = mr_place(&end, timers + 1, sizeof(struct mr_timer_node));
    parts.timer_heap = mr_place(&end, timers + 1, sizeof(struct mr_heap_key));
    parts.state = mr_align_up(end, MR_IMAGE_ALIGNMENT);
    parts.end = parts.state + state_size;
    return parts;
}

const char *mr_genesis_measure(const struct mr_logic *logic, const void *config,
                               const struct mr_image_limits *limits, struct mr_image_sizes *sizes)
{
    uint64_t state_size = logic->state_size(config);
    if (state_size == 0 || state_size >> STATE_BITS_MAX != 0) {
        return "the logic does not accept its configuration";
    }
    uint32_t events_max = logic->turn_events_max == NULL ? 1 : logic->turn_events_max(config);
    if (events_max == 0 || events_max > MR_EVENTS_PER_TURN_MAX) {
        return "the configuration would emit more than 65536 events a turn, or none";
    }
    sizes->outbox_size = (events_max + MR_TURN_EVENTS_FULL) * outbox_event_size(logic);
    sizes->session_index_bits = bits_for(limits->sessions_max * UINT64_C(4));
    sizes->answer_bits = bits_for(limits->answers_max);
    uint32_t config_size = logic->config == NULL ? 0 : logic->config->size;
    sizes->parts = lay_out(limits, sizes, config_size, state_size);
    return sizes->parts.end > SIZE_MAX - MR_IMAGE_ALIGNMENT ? "the image is too large" : NULL;
}

const char *mr_genesis_plan(const struct mr_logic *logic, const struct mr_command *command,
                            struct mr_genesis_plan *plan)
{
    const char *flaw = mr_logic_flaw(logic);
    flaw = flaw != NULL ? flaw : check_header(logic, command);
    if (flaw != NULL) {
        return flaw;
    }
    const struct mr_genesis *body = (const struct mr_genesis *)mr_command_body(command);
    flaw = check_body(logic, body);
    if (flaw != NULL) {
        return flaw;
    }
    plan->genesis = body;
    plan->limits = (struct mr_image_limits){.session_idle_ns = body->session_idle_ns,
                                            .sessions_max = body->sessions_max,
                                            .answers_max = body->answers_max,
                                            .timers_max = body->timers_max,
                                            .clock = body->clock};
    plan->config = body->config_size == 0 ? NULL : body + 1;
    return mr_genesis_measure(logic, plan->config, &plan->limits, &plan->sizes);
}

bool mr_genesis_fits(const struct mr_image *image, const struct mr_command *command)
{
    const struct mr_genesis *body = (const struct mr_genesis *)mr_command_body(command);
    const struct mr_image_limits *limits = &image->limits;
    return command->length == MR_COMMAND_HEADER + sizeof *body + image->config_size &&
           mr_equal(body->logic, image->logic, sizeof image->logic) &&
           body->logic_version == image->logic_version &&
           body->layout_version == image->logic_layout_version && body->clock == limits->clock &&
           body->config_size == image->config_size && body->sessions_max == limits->sessions_max &&
           body->answers_max == limits->answers_max && body->timers_max == limits->timers_max &&
           body->session_idle_ns == limits->session_idle_ns &&
           mr_equal(body + 1, mr_image_at(image, image->parts.config), image->config_size);
}

bool mr_genesis_parts_check(const struct mr_image *image, const struct mr_logic *logic)
{
    const struct mr_image_limits *limits = &image->limits;
    struct mr_image_sizes sizes;
    return limits->sessions_max != 0 && limits->sessions_max <= MR_SESSIONS_MAX &&
           limits->answers_max != 0 && limits->answers_max <= MR_ANSWERS_MAX &&
           limits->timers_max <= MR_TIMERS_MAX && limits->clock <= MR_CLOCK_SIMULATED &&
           mr_genesis_measure(logic, mr_image_config(image), limits, &sizes) == NULL &&
           sizes.outbox_size == image->outbox_size &&
           sizes.session_index_bits == image->session_index_bits &&
           sizes.answer_bits == image->answer_bits &&
           mr_equal(&sizes.parts, &image->parts, sizeof image->parts);
}
