#include "tools/json.h"

#include <inttypes.h>

void json_begin(struct json *json, FILE *file)
{
    *json = (struct json){.file = file};
    fputc('{', file);
}

void json_end(struct json *json)
{
    fputs("}\n", json->file);
}

static void put_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            fputc('\\', file);
            fputc(byte, file);
        } else if (byte < 0x20) {
            fprintf(file, "\\u%04x", byte);
        } else {
            fputc(byte, file);
        }
    }
    fputc('"', file);
}

static void put_key(struct json *json, const char *key)
{
    if (json->comma) {
        fputc(',', json->file);
    }
    json->comma = true;
    put_string(json->file, key);
    fputc(':', json->file);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
    put_key(json, key);
    fprintf(json->file, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
    put_key(json, key);
    fprintf(json->file, "%" PRId64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    put_key(json, key);
    fputs(value ? "true" : "false", json->file);
}

void json_text(struct json *json, const char *key, const char *value)
{
    put_key(json, key);
    put_string(json->file, value);
}

void json_digest(struct json *json, const char *key, struct mr_digest value)
{
    char text[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(value, text);
    json_text(json, key, text);
}

void json_seconds(struct json *json, const char *key, uint64_t ns)
{
    put_key(json, key);
    fprintf(json->file, "%" PRIu64 ".%06" PRIu64, ns / 1000000000, ns % 1000000000 / 1000);
}

void json_open(struct json *json, const char *key)
{
    put_key(json, key);
    fputc('{', json->file);
    json->comma = false;
}

void json_array(struct json *json, const char *key)
{
    put_key(json, key);
    fputc('[', json->file);
    json->comma = false;
}

void json_item(struct json *json)
{
    fputs(json->comma ? ",{" : "{", json->file);
    json->comma = false;
}

void json_array_end(struct json *json)
{
    fputc(']', json->file);
    json->comma = true;
}

void json_close(struct json *json)
{
    fputc('}', json->file);
    json->comma = true;
}
