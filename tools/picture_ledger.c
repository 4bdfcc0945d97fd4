/*
 * What a ledger holds, in the terminal: the ledgers, and the accounts that moved most.
 */
#include "tools/id_map.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/picture.h"

#include <millrace/ledger.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEDGERS_SHOWN = 5, ACCOUNTS_SHOWN = 8, LEDGERS_PUT = 100 };

struct ledger_line {
    uint32_t ledger;
    uint32_t accounts;
    struct mr_u128 posted, pending; /* on the debit side, which is that of the credit side, too */
};

struct ledger_picture {
    struct id_map numbers;
    struct ledger_line *lines; /* in the order of their first account */
    uint32_t count, room;
    struct mr_ledger_account accounts[ACCOUNTS_SHOWN + 1];
    uint32_t account_count;
};

/* -- Gathering. -------------------------------------------------------------------------------- */

/* NULL: no memory, and there will be no picture. */
static struct ledger_line *line_of(struct ledger_picture *picture, uint32_t ledger)
{
    struct mr_u128 id = mr_u128_of(0, ledger);
    uint32_t number = id_map_find(&picture->numbers, id);
    if (number != 0)
        return &picture->lines[number - 1];
    if (picture->count == picture->room) {
        uint32_t room = picture->room == 0 ? 16 : 2 * picture->room;
        struct ledger_line *lines = realloc(picture->lines, room * sizeof *lines);
        if (lines == NULL)
            return NULL;
        picture->lines = lines;
        picture->room = room;
    }
    if (!id_map_add(&picture->numbers, id, picture->count + 1))
        return NULL;
    picture->lines[picture->count] = (struct ledger_line){.ledger = ledger};
    return &picture->lines[picture->count++];
}

static struct mr_u128 turnover(const struct mr_ledger_account *account)
{
    struct mr_u128 sum;
    return mr_u128_add(account->debits_posted, account->credits_posted, &sum) ? mr_u128_max() : sum;
}

/* Keeps those that moved most, most first. */
static void keep(struct ledger_picture *picture, const struct mr_ledger_account *candidate)
{
    uint32_t place = picture->account_count;
    struct mr_u128 moved = turnover(candidate);
    while (place > 0 && mr_u128_below(turnover(&picture->accounts[place - 1]), moved))
        place--;
    if (place == ACCOUNTS_SHOWN)
        return;
    picture->account_count += picture->account_count < ACCOUNTS_SHOWN;
    memmove(&picture->accounts[place + 1], &picture->accounts[place],
            (picture->account_count - 1 - place) * sizeof *candidate);
    picture->accounts[place] = *candidate;
}

static bool gather(struct ledger_picture *picture, const struct mr_ledger *ledger)
{
    struct mr_ledger_account account;
    for (uint32_t i = 0; mr_ledger_account_at(ledger, i, &account); i++) {
        struct ledger_line *line = line_of(picture, account.ledger);
        if (line == NULL)
            return false;
        line->accounts++;
        (void)mr_u128_add(line->posted, account.debits_posted, &line->posted);
        (void)mr_u128_add(line->pending, account.debits_pending, &line->pending);
        keep(picture, &account);
    }
    return true;
}

/* -- Drawing. ---------------------------------------------------------------------------------- */

static void draw_ledgers(const struct ledger_picture *picture)
{
    for (uint32_t i = 0; i < picture->count && i < LEDGERS_SHOWN; i++) {
        const struct ledger_line *line = &picture->lines[i];
        printf("  %sledger %u%s: %s accounts, %s posted", paint(PAINT_BOLD), line->ledger,
               paint(PAINT_NONE), number_grouped(line->accounts).text,
               number_u128_grouped(line->posted).text);
        if (!mr_u128_is_zero(line->pending))
            printf(", %s pending", number_u128_grouped(line->pending).text);
        putchar('\n');
    }
    if (picture->count > LEDGERS_SHOWN)
        printf("  and %s ledgers more\n", number_grouped(picture->count - LEDGERS_SHOWN).text);
}

/* An amount, and in brackets what is pending besides. */
static void draw_side(struct mr_u128 posted, struct mr_u128 pending)
{
    char text[2 * NUMBER_TEXT_SIZE + 4];
    if (mr_u128_is_zero(pending))
        (void)snprintf(text, sizeof text, "%s", number_u128_grouped(posted).text);
    else
        (void)snprintf(text, sizeof text, "%s (%s)", number_u128_grouped(posted).text,
                       number_u128_grouped(pending).text);
    printf(" %24s", text);
}

static void draw_accounts(const struct ledger_picture *picture)
{
    if (picture->account_count == 0)
        return;
    printf("    %s%20s %24s %24s%s\n", paint(PAINT_DIM), "account", "debits (pending)",
           "credits (pending)", paint(PAINT_NONE));
    for (uint32_t i = 0; i < picture->account_count; i++) {
        const struct mr_ledger_account *account = &picture->accounts[i];
        printf("    %20s", number_u128(account->id).text);
        draw_side(account->debits_posted, account->debits_pending);
        draw_side(account->credits_posted, account->credits_pending);
        if ((account->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0)
            printf("  %sclosed%s", paint(PAINT_YELLOW), paint(PAINT_NONE));
        putchar('\n');
    }
}

void picture_ledgers(const struct mr_image *image, const struct mr_logic *logic)
{
    if (logic != &mr_logic_ledger)
        return;
    struct ledger_picture picture = {0};
    if (gather(&picture, mr_image_state(image))) {
        draw_ledgers(&picture);
        draw_accounts(&picture);
    }
    id_map_free(&picture.numbers);
    free(picture.lines);
}

void picture_ledgers_put(const struct mr_ledger *ledger, struct json *json)
{
    struct ledger_picture picture = {0};
    bool whole = gather(&picture, ledger);
    json_array(json, "ledgers");
    for (uint32_t i = 0; whole && i < picture.count && i < LEDGERS_PUT; i++) {
        const struct ledger_line *line = &picture.lines[i];
        json_item(json);
        json_u64(json, "ledger", line->ledger);
        json_u64(json, "in_accounts", line->accounts);
        json_text(json, "posted", number_u128(line->posted).text);
        json_text(json, "reserved", number_u128(line->pending).text);
        json_close(json);
    }
    json_array_end(json);
    id_map_free(&picture.numbers);
    free(picture.lines);
}
