/*
 * JSON of any shape, as registries send it: read with all its numbers as text (versions are text; 1.10 is
 * not 1.1, and 9007199254740993 stays what it is), and followed by paths.
 */
#ifndef OPS_SOURCE_JSON_WALK_H
#define OPS_SOURCE_JSON_WALK_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/jpath.h"

/* New reference to the body's value, numbers as strings; NULL and err. what: "an MLflow answer". Of members
 * with the same name the last counts. */
json_t *json_texts(const char *body, size_t len, const char *what, struct err *err);
/* Borrowed; NULL where there is nothing. */
const json_t *json_walk(const json_t *root, const struct jpath *path);
/* A text or number as text, true and false as words, copied; NULL: something else, or nothing. */
const char *json_word(struct arena *a, const json_t *v);
/* "a list", "an object", "a text or number", "true or false", "null", "nothing". */
const char *json_kind(const json_t *v);

#endif
