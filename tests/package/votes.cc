/*
 * A durable ballot in C++17: a logic, an engine around it, and everything that a C++ program does
 * with the public headers. Prints how many voted yes and no; they are remembered across runs.
 *
 *     votes DIRECTORY [yes|no...]
 */
#include <millrace/millrace.h>

#include <cstdio>
#include <memory>
#include <string>

namespace
{

#define VOTES(V) V(VOTE_NO, 0, no) V(VOTE_YES, 1, yes)
enum vote { VOTES(MR_ENUM_VALUE) };
MR_ENUM_NAMES(vote, VOTES);

#define WISHES(V) V(WISH_SECRET, 0, secret) V(WISH_RECOUNT, 1, recount)
enum wish { WISHES(MR_FLAG_VALUE) };
MR_ENUM_NAMES(wish, WISHES);

#define CAST_FIELDS(F)                                               \
    F(optional(u128), voter, "", "who votes; 0: nobody says")        \
    F(optional(flags16(wish)), wishes, "", "what else is asked for") \
    F(enum8(vote), vote, "", "what is chosen")                       \
    F(pad(5), padding, "", "")
#define COUNTED_FIELDS(F)                  \
    F(u64, no, "votes", "against, so far") \
    F(u64, yes, "votes", "in favour, so far")
MR_MESSAGE_STRUCT(cast, CAST_FIELDS);
MR_MESSAGE_STRUCT(counted, COUNTED_FIELDS);
constexpr std::uint16_t CAST = MR_CATALOG_LOGIC_FIRST;
constexpr std::uint16_t COUNTED = MR_CATALOG_LOGIC_FIRST;

const mr_message commands[] = {
    MR_COMMAND(CAST, cast, cast, CAST_FIELDS, MR_ROLE_BIT(MR_ROLE_USER), "casts a vote")};
const mr_message events[] = {
    MR_EVENT(COUNTED, counted, counted, COUNTED_FIELDS, 0, "a vote was counted")};

struct ballot {
    std::uint64_t counts[2];
};

std::uint64_t state_size(const void *)
{
    return sizeof(ballot);
}

std::uint32_t apply(mr_context *context, const mr_command *command)
{
    auto *state = static_cast<ballot *>(context->state);
    auto *body = static_cast<const cast *>(mr_command_body(command));
    if (body->vote > VOTE_YES || body->voter.high != 1 || body->wishes != WISH_SECRET) {
        return MR_REASON_BAD_VALUE;
    }
    state->counts[body->vote]++;
    auto *event =
        static_cast<counted *>(mr_emit(context, COUNTED, 0, sizeof(counted), 0, 0, nullptr));
    event->no = state->counts[VOTE_NO];
    event->yes = state->counts[VOTE_YES];
    return 0;
}

const mr_catalog &catalog()
{
    static mr_catalog made{};
    made.commands = commands;
    made.command_count = 1;
    made.events = events;
    made.event_count = 1;
    return made;
}

const mr_logic &logic()
{
    static mr_logic made{};
    made.name = "votes";
    made.version = 1;
    made.catalog = &catalog();
    made.command_size_max = 128;
    made.event_size_max = 128;
    made.state_size = state_size;
    made.apply = apply;
    return made;
}

struct closer {
    void operator()(mr_engine *engine) const
    {
        mr_engine_close(engine);
    }
};
using engine_pointer = std::unique_ptr<mr_engine, closer>;

/* One line for a vote, as people would write it. */
int vote(mr_engine *engine, std::uint64_t request, const std::string &choice, mr_error *error)
{
    alignas(8) unsigned char bytes[256];
    auto *command = reinterpret_cast<mr_command *>(bytes);
    const std::string line = "cast session=1 request=" + std::to_string(request) +
                             " vote=" + choice + " voter=0x10000000000000000 wishes=secret";
    mr_text_error wrong;
    if (mr_text_command_read(&logic(), line.data(), line.size(), command, sizeof bytes, nullptr,
                             &wrong) != MR_TEXT_COMMAND) {
        return mr_error_set(error, MR_E_INVALID, "%s", wrong.text);
    }
    mr_engine_handlers handlers{};
    handlers.event = [](void *, const mr_event *event) {
        if (event->type == COUNTED) {
            auto *body = static_cast<const counted *>(mr_event_body(event));
            std::printf("yes %llu no %llu\n", static_cast<unsigned long long>(body->yes),
                        static_cast<unsigned long long>(body->no));
        }
    };
    mr_answer answer;
    int status = mr_engine_execute(engine, command, &handlers, &answer, error);
    if (status == MR_OK && answer.result != 0) {
        return mr_error_set(error, MR_E_INVALID, "%s",
                            mr_catalog_reason_name(&catalog(), answer.result));
    }
    return status;
}

int vote_all(mr_engine *engine, char **choices, mr_error *error)
{
    std::uint64_t request = 0;
    int status = mr_engine_session(engine, 1, MR_ROLE_USER, &request, error);
    for (; status == MR_OK && *choices != nullptr; choices++) {
        status = vote(engine, ++request, *choices, error);
    }
    return status;
}

int run(const char *directory, char **choices, mr_error *error)
{
    mr_engine_options options{};
    options.directory = directory;
    options.create = true;
    options.logic = &logic();
    options.segment_bytes = 4 << 20;
    mr_engine *opened = nullptr;
    int status = mr_engine_open(&options, &opened, error);
    const engine_pointer engine(opened);
    if (status == MR_OK) {
        status = mr_engine_start(engine.get(), error);
    }
    if (status != MR_OK) {
        return status;
    }
    status = vote_all(engine.get(), choices, error);
    const int stopped = mr_engine_stop(engine.get(), status == MR_OK ? error : nullptr);
    return status == MR_OK ? stopped : status;
}

} // namespace

int main(int argc, char **argv)
{
    mr_error error{};
    if (argc < 2 || run(argv[1], argv + 2, &error) != MR_OK) {
        std::fprintf(stderr, "votes: %s\n", argc < 2 ? "where?" : error.text);
        return 1;
    }
    return 0;
}
