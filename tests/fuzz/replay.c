/*
 * replay ROUNDS FOLDER...: what stands in for libFuzzer in an ordinary build. Runs every file of
 * the folders through the target, then ROUNDS inputs that are mutations of them.
 */
#include "tests/fuzz/fuzz.h"

#include "base/random.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest file read, and the largest input made of it. */
enum { INPUT_MAX = 64 << 10, FILES_MAX = 4096 };

/* Of a target that has none, its address is NULL. */
#pragma weak LLVMFuzzerCustomMutator

static struct mr_random chance;

static struct {
    uint8_t *bytes;
    size_t size;
} files[FILES_MAX];
static size_t file_count;

/* One small change, as libFuzzer makes many. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    size_t at = size == 0 ? 0 : (size_t)mr_random_below(&chance, size);
    uint64_t kind = size == 0 ? 2 : mr_random_below(&chance, 6);
    switch (kind) {
    case 0:
        data[at] ^= (uint8_t)(1U << mr_random_below(&chance, 8));
        return size;
    case 1:
        data[at] = (uint8_t)mr_random_u64(&chance);
        return size;
    case 2: /* a byte more */
        if (size < max_size) {
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)mr_random_u64(&chance);
            size++;
        }
        return size;
    case 3: /* some bytes less */
        return mr_random_chance(&chance, 1, 4) ? at : size;
    case 4: /* bytes from elsewhere */
        for (size_t i = 0, from = (size_t)mr_random_below(&chance, size); i < 8; i++) {
            if (at + i < size && from + i < size) {
                data[at + i] = data[from + i];
            }
        }
        return size;
    default: /* an extreme, or a step */
        data[at] =
            (uint8_t)(mr_random_chance(&chance, 1, 2) ? 0U - (unsigned)mr_random_below(&chance, 2)
                                                      : data[at] + 1U);
        return size;
    }
}

static void run_file(const char *folder, const char *name)
{
    static uint8_t bytes[INPUT_MAX];
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rbe");
    HOLDS(file != NULL && file_count < FILES_MAX);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    uint8_t *exact = malloc(size + 1);
    HOLDS(exact != NULL);
    memcpy(exact, bytes, size);
    files[file_count].bytes = exact;
    files[file_count++].size = size;
    printf("%s\n", path);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(exact, size);
}

/* In the order of the names, so that a seed always means the same. */
static void run_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            run_file(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

static void run_mutation(void)
{
    static uint8_t work[INPUT_MAX];
    size_t chosen = (size_t)mr_random_below(&chance, file_count);
    size_t size = files[chosen].size;
    memcpy(work, files[chosen].bytes, size);
    for (uint64_t i = mr_random_below(&chance, 4) + 1; i > 0; i--) {
        size =
            LLVMFuzzerCustomMutator != NULL
                ? LLVMFuzzerCustomMutator(work, size, sizeof work, (unsigned)mr_random_u64(&chance))
                : LLVMFuzzerMutate(work, size, sizeof work);
    }
    uint8_t *exact = malloc(size + 1); /* its end is guarded by the address sanitizer */
    HOLDS(exact != NULL);
    memcpy(exact, work, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20240607;
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    mr_random_init(&chance, seed);
    for (int i = 2; i < argc; i++) {
        run_folder(argv[i]);
    }
    if (file_count == 0) {
        (void)fprintf(stderr, "no inputs in the folders\n");
        return 1;
    }
    for (unsigned long i = 0; i < rounds; i++) {
        run_mutation();
    }
    printf("%zu kept inputs and %lu mutations\n", file_count, rounds);
    for (size_t i = 0; i < file_count; i++) {
        free(files[i].bytes);
    }
    return 0;
}
