/*
 * A place, a template and a value of any bytes: what is put together is still of the place's grammar, and a refusal leaves nothing behind.
 * The first byte is the place; a NUL or a line end ends the template, and the rest is the value.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static const char *
lookup(const char *name, void *arg, const char **ret_why)
{
	*ret_why = NULL;
	return name[0] == 'x' ? NULL : arg;
}

static void
check_json(const struct buf *b)
{
	char *text = xasprintf("\"%s\"", b->data);
	json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	if (!json_is_string(json))
		die("not the inside of a JSON string");
	json_decref(json);
	free(text);
}

static void
check_lines(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20 && b->data[i] != '\t')
			die("a header of two lines");
}

static void
check_url(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] <= 0x20 || (unsigned char)b->data[i] >= 0x7f || b->data[i] == '#')
			die("not a URL's path");
}

/* What was put together can be read as a template of the place again: strings and brackets still close. The value may hold ${, so it is hidden. */
static void
check_again(const struct template *t, enum template_place place)
{
	struct template *again;
	struct buf b;
	char plain[] = "v";

	buf_init(&b, 1 << 20);
	if (template_expand(t, lookup, plain, &b, NULL) == 0 && strstr(b.data, "${") == NULL) {
		if (template_parse(b.data, place, &again, NULL, NULL) < 0)
			die("no template of the same place any more");
		template_free(again);
	}
	buf_done(&b);
}

static void
check_sentence(int r, const struct err *err)
{
	if (r != err->code || !utf8_is_valid(err->msg, strlen(err->msg)) || strpbrk(err->msg, "\n\033") != NULL)
		die("a sentence that cannot be shown");
}

static void
try_value(const struct template *t, enum template_place place, char *value)
{
	struct err err = ERR_INIT;
	struct buf b;
	int r;

	buf_init(&b, 1 << 20);
	r = template_expand(t, lookup, value, &b, &err);
	check_sentence(r, &err);
	if (r < 0 && b.len > 0)
		die("half of it was left behind");
	if (r == 0 && place == PLACE_JSON)
		check_json(&b);
	if (r == 0 && place == PLACE_HEADER)
		check_lines(&b);
	if (r == 0 && place == PLACE_URL)
		check_url(&b);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum template_place place = size > 0 ? (enum template_place)(data[0] % (PLACE_REGEX + 1)) : PLACE_WORD;
	char *text = size > 0 ? xstrndup((const char *)data + 1, size - 1) : xstrdup(""), *value;
	size_t column = 0, len = strlen(text);
	struct template *t = NULL;
	struct err err = ERR_INIT;
	int r;

	value = text + strcspn(text, "\n");
	if (*value == '\n')
		*value++ = '\0';
	r = template_parse(text, place, &t, &column, &err);
	check_sentence(r, &err);
	if (r < 0 && (column == 0 || column > len + 1))
		die("a column that is nowhere");
	if (r == 0) {
		try_value(t, place, value);
		if (place == PLACE_PROMQL || place == PLACE_LOGQL || place == PLACE_JSON_TEXT)
			check_again(t, place);
	}
	template_free(t);
	free(text);
	return 0;
}
