/* Text with ${name} in it: cut into pieces once, put together with values as often as asked. */
#include "config.h"

#include "runbook/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/template_priv.h"

enum { SHOWN = 72 };

struct piece {
	bool is_variable;
	char *text;		/* what is written, or the variable's name */
	size_t len;
	enum encoding encoding;
	struct template *inner;	/* what a variable stands for; NULL: a value */
};

struct template {
	char *source;
	enum template_place place;
	size_t n;
	struct piece *v;
	size_t n_names;
	const char **names;	/* into pieces */
	const struct template_given *given;	/* while it is parsed */
	size_t n_given;
};

/* --- parsing --------------------------------------------------------------------------------------- */

static void
add_piece(struct template *t, bool is_variable, const char *text, size_t len, enum encoding e)
{
	t->v = xreallocarray(t->v, t->n + 1, sizeof *t->v);
	t->v[t->n++] = (struct piece){ .is_variable = is_variable, .text = xstrndup(text, len),
	    .len = len, .encoding = e };
}

static void
end_literal(struct template *t, struct buf *literal)
{
	if (literal->len > 0)
		add_piece(t, false, literal->data, literal->len, place_literal(t->place));
	buf_reset(literal);
}

/* Bytes that a name takes at text; 0: none stands there. */
static size_t
name_length(const char *text)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (text[0] == '\0' || strchr(first, text[0]) == NULL)
		return 0;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
}

/* Bytes: how they are encoded is decided where they are put in. */
static struct template *
find_inner(const struct template *t, const char *name)
{
	struct template *inner;

	for (size_t i = 0; i < t->n_given; i++)
		if (str_eq(t->given[i].name, name))
			return template_parse(t->given[i].value->source, PLACE_STDIN, &inner, NULL,
			    NULL) == 0 ? inner : NULL;
	return NULL;
}

static int
parse_variable(struct template *t, const struct scan *s, const char *at, size_t *ret_len,
    struct err *err)
{
	size_t len = name_length(at + 2);
	enum encoding e = ENCODE_BYTES;
	char shown[SHOWN];
	int r;

	if (len == 0 || len > TEMPLATE_NAME_MAX || at[2 + len] != '}')
		return err_set(err, ERR_SYNTAX, "'%s' is no variable: ${NAME} is expected "
		    "($${ stands for ${ itself)", str_escape_to(shown, sizeof shown, at));
	r = scan_variable(s, &e, err);
	if (r < 0)
		return r;
	add_piece(t, true, at + 2, len, e);
	t->v[t->n - 1].inner = find_inner(t, t->v[t->n - 1].text);
	*ret_len = len + 3;
	return 0;
}

static int
parse_piece(struct template *t, struct scan *s, const char *at, struct buf *literal,
    size_t *ret_len, struct err *err)
{
	size_t len = str_has_prefix(at, "$${") ? 3 : 1;
	int r = 0;

	if (str_has_prefix(at, "${")) {
		end_literal(t, literal);
		return parse_variable(t, s, at, ret_len, err);
	}
	for (size_t i = len == 3 ? 1 : 0; i < len && r == 0; i++) {
		buf_addch(literal, at[i]);
		r = scan_byte(s, at[i], err);
	}
	*ret_len = len;
	return r;
}

static void
add_name(struct template *t, const char *name)
{
	for (size_t i = 0; i < t->n_names; i++)
		if (str_eq(t->names[i], name))
			return;
	t->names = xreallocarray(t->names, t->n_names + 2, sizeof *t->names);
	t->names[t->n_names++] = name;
	t->names[t->n_names] = NULL;
}

static void
collect_names(struct template *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct template *inner = t->v[i].inner;

		if (t->v[i].is_variable && inner == NULL)
			add_name(t, t->v[i].text);
		for (size_t j = 0; inner != NULL && j < inner->n_names; j++)
			add_name(t, inner->names[j]);
	}
}

static int
parse(struct template *t, struct buf *literal, size_t *ret_at, struct err *err)
{
	struct scan s = { .place = t->place };
	const char *at = t->source;
	size_t len = 0;
	int r = 0;

	for (; *at != '\0' && r == 0; at += r == 0 ? len : 0)
		r = parse_piece(t, &s, at, literal, &len, err);
	if (r == 0)
		r = scan_end(&s, err);
	end_literal(t, literal);
	*ret_at = (size_t)(at - t->source);
	if (r == 0 && t->place == PLACE_URL)
		r = check_segments(t->source, t->source + strlen(t->source), err);
	return r;
}

int
template_parse_given(const char *text, enum template_place place,
    const struct template_given *given, size_t n, struct template **ret, size_t *ret_column,
    struct err *err)
{
	struct template *t;
	struct buf literal;
	size_t at = 0;
	int r;

	if (ret_column != NULL)
		*ret_column = 1;
	if (strlen(text) > TEMPLATE_MAX)
		return err_set(err, ERR_LIMIT, "is longer than %d KiB", TEMPLATE_MAX >> 10);
	t = xcalloc(1, sizeof *t);
	t->source = xstrdup(text);
	t->place = place;
	t->given = given;
	t->n_given = n;
	buf_init(&literal, TEMPLATE_MAX + 1);
	r = parse(t, &literal, &at, err);
	buf_done(&literal);
	if (r < 0) {
		template_free(t);
		if (ret_column != NULL)
			*ret_column = at + 1;
		return r;
	}
	t->given = NULL;
	t->n_given = 0;
	collect_names(t);
	*ret = t;
	return 0;
}

int
template_parse(const char *text, enum template_place place, struct template **ret,
    size_t *ret_column, struct err *err)
{
	return template_parse_given(text, place, NULL, 0, ret, ret_column, err);
}

void
template_free(struct template *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].text);
		template_free(t->v[i].inner);
	}
	free(t->v);
	free(t->names);
	free(t->source);
	free(t);
}

const char *
template_source(const struct template *t)
{
	return t->source;
}

size_t
template_names(const struct template *t, const char *const **ret_names)
{
	if (ret_names != NULL)
		*ret_names = t->names;
	return t->n_names;
}

/* --- putting together ------------------------------------------------------------------------------- */

static int
add_inner(const struct piece *p, template_lookup *lookup, void *arg, struct buf *b,
    struct err *err)
{
	struct buf value;
	int r;

	buf_init(&value, b->max);
	r = template_expand(p->inner, lookup, arg, &value, err);
	if (r == 0)
		r = encode(p->encoding, p->text, value.data, value.len, b, err);
	buf_done(&value);
	return r;
}

static int
add_variable(const struct piece *p, template_lookup *lookup, void *arg, struct buf *b,
    struct err *err)
{
	const char *why = NULL, *value;

	if (p->inner != NULL)
		return add_inner(p, lookup, arg, b, err);
	value = lookup(p->text, arg, &why);
	if (value == NULL)
		return err_set(err, ERR_NOTFOUND, "${%s} is not known%s%s", p->text,
		    why != NULL ? ": " : "", why != NULL ? why : "");
	return encode(p->encoding, p->text, value, strlen(value), b, err);
}

int
template_expand(const struct template *t, template_lookup *lookup, void *arg, struct buf *b,
    struct err *err)
{
	size_t before = b->len;
	int r = 0;

	for (size_t i = 0; i < t->n && r == 0; i++)
		r = t->v[i].is_variable ? add_variable(&t->v[i], lookup, arg, b, err) :
		    encode(t->v[i].encoding, "text", t->v[i].text, t->v[i].len, b, err);
	if (r == 0 && t->place == PLACE_URL)
		r = check_segments(b->data + before, b->data + b->len, err);
	if (r < 0) {
		/* Nothing half done is left behind. */
		b->len = before;
		b->data[before] = '\0';
	}
	return r;
}
