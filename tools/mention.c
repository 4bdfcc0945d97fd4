#include "tools/mention.h"

#include <millrace/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_SIZE = 32, BODY_SIZE = 64 << 10 };

struct mention {
    uint16_t type;
    bool event;
    uint8_t version; /* of the layout */
    uint16_t offset, size;
    unsigned char value[VALUE_SIZE];
};

/* -- Names. ------------------------------------------------------------------------------------ */

/* Fields that are called by the part that the thing plays. */
static const struct {
    const char *kind, *field;
} roles[] = {{"order", "maker"}, {"order", "taker"}, {"transfer", "pending_id"}};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* KIND_ANYTHING or ANYTHING_KIND. */
static bool is_about(const struct mr_message *message, const char *kind)
{
    size_t length = strlen(kind), whole = strlen(message->name);
    bool first = strncmp(message->name, kind, length) == 0 && message->name[length] == '_';
    bool last = whole > length && message->name[whole - length - 1] == '_' &&
                ends_with(message->name, kind);
    return first || last;
}

static bool can_be_id(const struct mr_field *field)
{
    enum mr_field_kind kind = field->kind;
    bool number = kind == MR_FIELD_u32 || kind == MR_FIELD_u64 || kind == MR_FIELD_u128;
    return number || kind == MR_FIELD_id128 || kind == MR_FIELD_text16 || kind == MR_FIELD_text32;
}

static bool names(const struct mr_message *message, const struct mr_field *field, const char *kind)
{
    char id[80], other_id[80], new_one[80];
    (void)snprintf(id, sizeof id, "%s_id", kind);
    (void)snprintf(other_id, sizeof other_id, "_%s_id", kind);
    (void)snprintf(new_one, sizeof new_one, "new_%s", kind);
    if (!can_be_id(field))
        return false;
    if (strcmp(field->name, kind) == 0 || strcmp(field->name, id) == 0 ||
        strcmp(field->name, new_one) == 0 || ends_with(field->name, other_id))
        return true;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(kind, roles[i].kind) == 0 && strcmp(field->name, roles[i].field) == 0)
            return true;
    }
    return is_about(message, kind) && strcmp(field->name, "id") == 0;
}

/* -- Finding. ---------------------------------------------------------------------------------- */

struct search {
    const struct mr_logic *logic;
    const char *kind, *id;
    struct mentions *mentions;
    bool named;      /* there is a field for it */
    char flaw[240];  /* why the id is none for a field */
    char known[512]; /* the kinds of things that there are */
};

/* The id as the field has it. False: it cannot be in that field. */
static bool value_of(struct search *search, const struct mr_message *message,
                     const struct mr_field *field, unsigned char value[VALUE_SIZE])
{
    static unsigned char body[BODY_SIZE];
    char pair[256];
    struct mr_text_error flaw;
    int length = snprintf(pair, sizeof pair, "%s=%s", field->name, search->id);
    if (length < 0 || (size_t)length >= sizeof pair || field->size > VALUE_SIZE)
        return false;
    if (mr_text_field_read(search->logic->catalog, message, body, pair, (size_t)length, &flaw) <
        0) {
        (void)snprintf(search->flaw, sizeof search->flaw, "%s", flaw.text);
        return false;
    }
    memcpy(value, body + field->offset, field->size);
    return true;
}

static bool add(struct mentions *mentions, const struct mention *mention)
{
    if (mentions->count == mentions->room) {
        uint32_t room = mentions->room == 0 ? 64 : 2 * mentions->room;
        struct mention *list = realloc(mentions->list, room * sizeof *list);
        if (list == NULL)
            return false;
        mentions->list = list;
        mentions->room = room;
    }
    mentions->list[mentions->count++] = *mention;
    return true;
}

static bool search_message(struct search *search, const struct mr_message *message, bool event)
{
    bool room = true;
    for (uint32_t i = 0; i < message->field_count && room; i++) {
        const struct mr_field *field = &message->fields[i];
        if (!names(message, field, search->kind))
            continue;
        struct mention mention = {
            .type = message->type,
            .event = event,
            .version = message->version,
            .offset = field->offset,
            .size = field->size,
        };
        search->named = true;
        if (value_of(search, message, field, mention.value))
            room = add(search->mentions, &mention);
    }
    return room;
}

/* What is in front of _create, _new, _define and the like is a kind of thing. */
static void note_kind(struct search *search, const struct mr_message *message)
{
    char word[80], blank[96];
    size_t length = strcspn(message->name, "_");
    if (message->roles == MR_ROLE_BIT(MR_ROLE_SYSTEM) || message->name[length] == 0 ||
        length >= sizeof word)
        return;
    (void)snprintf(word, sizeof word, "%.*s", (int)length, message->name);
    (void)snprintf(blank, sizeof blank, " %s", word);
    size_t used = strlen(search->known);
    if (strstr(search->known, blank) == NULL)
        (void)snprintf(search->known + used, sizeof search->known - used, "%s%s",
                       used == 0 ? "" : ",", blank);
}

static bool search_catalog(struct search *search, const struct mr_catalog *catalog)
{
    bool room = true;
    for (uint32_t i = 0; i < catalog->command_count && room; i++) {
        note_kind(search, &catalog->commands[i]);
        room = search_message(search, &catalog->commands[i], false);
    }
    for (uint32_t i = 0; i < catalog->event_count && room; i++)
        room = search_message(search, &catalog->events[i], true);
    return room;
}

int mentions_find(const struct mr_logic *logic, const char *kind, const char *id,
                  struct mentions *mentions, struct mr_error *error)
{
    struct search search = {.logic = logic, .kind = kind, .id = id, .mentions = mentions};
    *mentions = (struct mentions){0};
    if (strlen(kind) > 40 || !search_catalog(&search, logic->catalog) ||
        !search_catalog(&search, &mr_catalog_common))
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to look for %.40s", kind);
    if (!search.named)
        return mr_error_set(error, MR_E_INVALID,
                            "no message of the logic '%s' names a thing of the kind '%s'; there "
                            "are%s",
                            logic->name, kind, search.known);
    if (mentions->count == 0)
        return mr_error_set(error, MR_E_INVALID, "%s", search.flaw);
    return MR_OK;
}

void mentions_free(struct mentions *mentions)
{
    free(mentions->list);
    *mentions = (struct mentions){0};
}

/* -- Looking. ---------------------------------------------------------------------------------- */

static bool is_named(const struct mentions *mentions, bool event, uint16_t type, uint8_t version,
                     const unsigned char *body, size_t size)
{
    for (uint32_t i = 0; i < mentions->count; i++) {
        const struct mention *mention = &mentions->list[i];
        if (mention->type == type && mention->event == event && mention->version == version &&
            (size_t)mention->offset + mention->size <= size &&
            memcmp(body + mention->offset, mention->value, mention->size) == 0)
            return true;
    }
    return false;
}

bool mentions_command(const struct mentions *mentions, const struct mr_command *command)
{
    return is_named(mentions, false, command->type, command->version, mr_command_body(command),
                    command->length - MR_COMMAND_HEADER);
}

bool mentions_event(const struct mentions *mentions, const struct mr_event *event)
{
    return is_named(mentions, true, event->type, event->version, mr_event_body(event),
                    event->length - (size_t)MR_EVENT_HEADER);
}
