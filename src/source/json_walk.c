#include "config.h"

#include "source/json_walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/xalloc.h"
#include "source/decode_json.h"
#include "source/intern.h"

enum { DEPTH_MAX = 64, TEXT_MAX = 4 << 20, PREFIX_MAX = 96 };

/* --- reading ---------------------------------------------------------------------------------- */

struct builder {
	json_t *root;
	json_t *open[DEPTH_MAX + 1];
	char *keys[DEPTH_MAX + 1];	/* of the member to come, in each open object */
	unsigned depth;
};

static int
put(struct builder *b, json_t *v)
{
	json_t *in = b->depth == 0 ? NULL : b->open[b->depth - 1];

	if (in == NULL)
		b->root = v;
	else if (json_is_array(in))
		json_array_append_new(in, v);
	else
		json_object_set_new_nocheck(in, b->keys[b->depth - 1], v);
	return 0;
}

static int
begin(struct builder *b, json_t *v)
{
	put(b, v);
	b->open[b->depth++] = v;
	return 0;
}

static int
on_object(void *arg)
{
	return begin(arg, json_object());
}

static int
on_array(void *arg)
{
	return begin(arg, json_array());
}

static int
on_end(void *arg)
{
	struct builder *b = arg;

	b->depth--;
	free(b->keys[b->depth]);
	b->keys[b->depth] = NULL;
	return 0;
}

/* A NUL inside, which no C string can hold, becomes the picture of NUL here too. */
static int
on_key(void *arg, const char *text, size_t len)
{
	struct builder *b = arg;
	struct arena a = ARENA_INIT;

	free(b->keys[b->depth - 1]);
	b->keys[b->depth - 1] = xstrdup(text_copy(&a, text, len));
	arena_done(&a);
	return 0;
}

static int
on_text(void *arg, const char *text, size_t len)
{
	return put(arg, json_stringn_nocheck(text, len));
}

static int
on_boolean(void *arg, bool value)
{
	return put(arg, json_boolean(value));
}

static int
on_null(void *arg)
{
	return put(arg, json_null());
}

static const struct jread_ops ops = {
	.object_begin = on_object, .object_end = on_end, .array_begin = on_array, .array_end = on_end, .key = on_key,
	.string = on_text, .number = on_text, .boolean = on_boolean, .null = on_null,
};

static void
explain(const char *body, size_t len, const char *what, const struct err *why, struct err *err)
{
	char line[SENTENCE_MAX];

	if (*body_line(line, body, len) == '\0')
		err_set(err, ERR_SYNTAX, "the body is empty, not %s", what);
	else
		err_set(err, why->code, "not %s: %.220s; the body begins: %.80s", what, why->msg, line);
}

json_t *
json_texts(const char *body, size_t len, const char *what, struct err *err)
{
	struct builder b = { 0 };
	struct err why = ERR_INIT;
	struct jread r;

	jread_init(&r, &ops, &b, DEPTH_MAX, TEXT_MAX);
	if (jread_push(&r, body, len, &why) == 0)
		jread_finish(&r, &why);
	jread_done(&r);
	while (b.depth > 0)
		on_end(&b);
	if (why.code == 0)
		return b.root;
	json_decref(b.root);
	explain(body, len, what, &why, err);
	return NULL;
}

/* --- following -------------------------------------------------------------------------------- */

static const json_t *
member(const json_t *object, const char *key, size_t len)
{
	char *copy = xstrndup(key, len);
	const json_t *v = json_object_get(object, copy);

	free(copy);
	return v;
}

const json_t *
json_walk(const json_t *root, const struct jpath *path)
{
	for (size_t i = 0; i < path->n && root != NULL; i++) {
		const struct jpath_step *s = &path->v[i];

		root = s->is_index ? json_array_get(root, s->index) : member(root, s->key, s->len);
	}
	return root;
}

const char *
json_word(struct arena *a, const json_t *v)
{
	if (json_is_string(v))
		return json_text(a, v);
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	return NULL;
}

const char *
json_kind(const json_t *v)
{
	if (v == NULL)
		return "nothing";
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "a list";
	case JSON_TRUE:
	case JSON_FALSE: return "true or false";
	case JSON_NULL: return "null";
	default: return "a text or number";
	}
}
