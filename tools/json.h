/*
 * Newline-delimited JSON: one object a line, written field by field.
 *
 *     struct json json;
 *     json_begin(&json, stdout);
 *     json_text(&json, "type", "order_new");
 *     json_u64(&json, "sequence", 17);
 *     json_end(&json);                          {"type":"order_new","sequence":17}
 */
#ifndef MR_TOOLS_JSON_H
#define MR_TOOLS_JSON_H

#include <millrace/digest.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *file;
    bool comma; /* something stands before the next field */
};

void json_begin(struct json *json, FILE *file);
void json_end(struct json *json); /* and ends the line */

void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* A string; quotes, backslashes and control characters are escaped. */
void json_text(struct json *json, const char *key, const char *value);
/* 32 hex digits, as a string. */
void json_digest(struct json *json, const char *key, struct mr_digest value);
/* A span of time in seconds, with six decimals. */
void json_seconds(struct json *json, const char *key, uint64_t ns);
/* An object within the object. */
void json_open(struct json *json, const char *key);
void json_close(struct json *json);
/* An array of objects within the object: json_item begins each, json_close ends it. */
void json_array(struct json *json, const char *key);
void json_item(struct json *json);
void json_array_end(struct json *json);

#endif
