/*
 * Accounts' settings. An account that has some stays known without orders; one whose settings are
 * those of any other is forgotten with its last order.
 */
#include "core/book/controls.h"
#include "core/book/groups.h"
#include "core/book/report.h"

/* False: there is no room for what has to be remembered. */
static bool set_stp(struct mr_book *book, uint64_t number, uint8_t stp)
{
    struct book_group *account = stp == MR_BOOK_STP_ACCOUNT
                                     ? book_group_find(book, BOOK_GROUP_ACCOUNT, number)
                                     : mr_book_group_make(book, BOOK_GROUP_ACCOUNT, number);
    if (account == NULL)
        return stp == MR_BOOK_STP_ACCOUNT;
    account->stp = stp;
    mr_book_group_settle(book, account);
    return true;
}

uint32_t mr_book_account_define_apply(struct mr_book *book,
                                      const struct mr_book_account_define *command,
                                      struct mr_book_turn *turn)
{
    uint32_t reason = 0;
    if (command->stp > MR_BOOK_STP_DECREMENT)
        reason = MR_BOOK_BAD_STP;
    else if (command->account == 0)
        reason = MR_BOOK_BAD_ACCOUNT;
    else if (!set_stp(book, command->account, command->stp))
        reason = MR_BOOK_GROUPS_FULL;
    if (reason != 0)
        return book_report_setup_rejected(turn, NULL, MR_BOOK_ACTION_ACCOUNT_DEFINE,
                                          command->account, reason);
    BOOK_REPORT(turn, NULL, MR_BOOK_ACCOUNT_DEFINED, account_defined, .account = command->account,
                .stp = command->stp);
    return 0;
}

/* An account that nobody has heard of is not blocked, either. */
uint32_t mr_book_account_unblock_apply(struct mr_book *book,
                                       const struct mr_book_account_unblock *command,
                                       struct mr_book_turn *turn)
{
    if (command->account == 0)
        return book_report_setup_rejected(turn, NULL, MR_BOOK_ACTION_ACCOUNT_UNBLOCK,
                                          command->account, MR_BOOK_BAD_ACCOUNT);
    struct book_group *account = book_group_find(book, BOOK_GROUP_ACCOUNT, command->account);
    if (account != NULL) {
        account->blocked = 0;
        mr_book_group_settle(book, account);
    }
    BOOK_REPORT(turn, NULL, MR_BOOK_ACCOUNT_UNBLOCKED, account_unblocked,
                .account = command->account);
    return 0;
}
