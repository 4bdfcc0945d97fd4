/*
 * Test tables (ledger_table.h) against the ledger: without arguments our own, those of
 * tests/core/ledger_tables; with the argument `given` those of the file that MR_LEDGER_TABLES names
 * (as extracted from the public tests of the reference), and skipped where it names none.
 */
#include "tests/core/ledger_table.h"

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0)
        text = calloc((size_t)size + 1, 1);
    if (text != NULL && fread(text, 1, (size_t)size, file) != (size_t)size) {
        free(text);
        text = NULL;
    }
    if (file != NULL)
        fclose(file);
    return text;
}

static bool replay(const char *path)
{
    struct ledger_tables report = {0};
    char *text = read_file(path);
    if (text == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        return false;
    }
    ledger_tables_replay(path, text, stdout, &report);
    free(text);
    printf("%s: %u tables, %u rows compared, %u differences, %u known ones, %u rows skipped, "
           "%u not understood\n",
           path, report.tables, report.rows, report.differences, report.known, report.skipped,
           report.errors);
    return report.rows > 0 && report.differences == 0 && report.errors == 0;
}

/* What the reader must not pass over: each row is wrong, or cannot be read. */
static bool sees_what_is_wrong(void)
{
    static const char rows[] =
        "account A1 0 0 0 0 _ _ _ _ L1 C1 _ _ _ _ _ _ _ _ exists\n"
        "account A2 0 0 0 0 _ _ _ _ L1 C1 _ _ _ _ _ _ _ _ created //!\n"
        "commit create_accounts\n"
        "lookup_account A1 0 0 1 0 _\n"
        "lookup_account A2 0 0 0 0 CLSD\n"
        "lookup_account A3 0 0 0 0 _\n"
        "commit lookup_accounts\n"
        "query_accounts _ _ _ _ _ _ _ 9 _\n"
        "commit query_accounts\n"
        "account A3 0 0 0 0 _ _ _ _ L1 C1 _ _ _ _ _ _ _ _\n"
        "transfer T1 A1 A2 5 _ _ _ _ _ L1 C70000 _ _ _ _ _ _ _ _ _ _ _ created\n"
        "transfers\n";
    struct ledger_tables report = {0};
    char text[sizeof rows];
    memcpy(text, rows, sizeof rows);
    FILE *out = fopen("/dev/null", "w");
    if (out == NULL)
        return false;
    ledger_tables_replay("wrong", text, out, &report);
    fclose(out);
    bool right = report.differences == 6 && report.errors == 4;
    if (!right)
        printf("of wrong rows: %u differences, %u not understood\n", report.differences,
               report.errors);
    return right;
}

static bool replay_own(void)
{
    glob_t found;
    if (glob(MR_LEDGER_OWN_TABLES "/*.txt", 0, NULL, &found) != 0)
        return false;
    bool right = sees_what_is_wrong();
    for (size_t i = 0; i < found.gl_pathc; i++)
        right &= replay(found.gl_pathv[i]);
    globfree(&found);
    return right;
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "given") == 0) {
        const char *path = getenv("MR_LEDGER_TABLES");
        if (path == NULL || *path == 0) {
            printf("skipped: MR_LEDGER_TABLES names no file of tables\n");
            return SKIPPED;
        }
#ifdef MR_VERIFY
        /* Their `setup` rows put balances there that no transfer has made. */
        printf("skipped: a build with MILLRACE_VERIFY does not bear such tables\n");
        return SKIPPED;
#else
        return replay(path) ? 0 : 1;
#endif
    }
    return replay_own() ? 0 : 1;
}
