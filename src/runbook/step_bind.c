/* Binding: templates become texts, twice; and what of the environment a step means. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

/* --- texts ------------------------------------------------------------------------------------ */

void
bound_text_set(struct bound_text *t, const char *text)
{
	t->real = xstrdup(text);
	t->shown = xstrdup(text);
}

void
bound_text_done(struct bound_text *t)
{
	if (t->real != NULL)
		explicit_bzero(t->real, strlen(t->real));
	free(t->real);
	free(t->shown);
	*t = (struct bound_text){ 0 };
}

void
bound_pairs_done(struct bound_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		bound_text_done(&v[i].value);
	}
	free(v);
}

/* The same values, but marks for secrets. */
struct marking {
	const struct bindings *bs;
	char mark[160];
};

static const char *
lookup_marked(const char *name, void *arg, const char **ret_why)
{
	struct marking *m = arg;
	const struct bindings *bs = m->bs;
	const char *value = bs->lookup(name, bs->arg, ret_why);

	if (value == NULL || bs->is_secret == NULL || !bs->is_secret(name, bs->arg))
		return value;
	str_escape_to(m->mark, sizeof m->mark - 16, name);
	memmove(m->mark + 8, m->mark, strlen(m->mark) + 1);
	memcpy(m->mark, "[secret ", 8);
	m->mark[strlen(m->mark) + 1] = '\0';
	m->mark[strlen(m->mark)] = ']';
	return m->mark;
}

static int
expand(const struct template *t, template_lookup *lookup, void *arg, char **ret, const char *what, struct err *err)
{
	struct buf b;
	int r;

	buf_init(&b, BOUND_TEXT_MAX);
	r = template_expand(t, lookup, arg, &b, err);
	if (r == 0 && memchr(b.data, '\0', b.len) != NULL)
		r = err_set(err, ERR_INVALID, "it has a NUL byte");
	if (r == 0)
		*ret = buf_take(&b, NULL);
	else
		err_prefix(err, "%s", what);
	buf_done(&b);
	return r;
}

int
bind_text(const struct template *t, const struct bindings *bs, struct bound_text *ret, const char *what, struct err *err)
{
	struct marking m = { .bs = bs };
	int r;

	if (t == NULL)
		return 0;
	r = expand(t, bs->lookup, bs->arg, &ret->real, what, err);
	return r < 0 ? r : expand(t, lookup_marked, &m, &ret->shown, what, err);
}

int
bind_pairs(const struct pair *v, size_t n, const struct bindings *bs, struct bound_pair **ret, const char *what, struct err *err)
{
	struct bound_pair *to = xcalloc(n + 1, sizeof *to);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		char *where = xasprintf("%s %s", what, v[i].name);

		to[i].name = xstrdup(v[i].name);
		r = bind_text(v[i].value, bs, &to[i].value, where, err);
		free(where);
	}
	if (r < 0) {
		bound_pairs_done(to, n);
		return r;
	}
	*ret = to;
	return 0;
}

/* --- JSON bodies ------------------------------------------------------------------------------ */

struct body_walk {
	const struct act *act;
	const struct bindings *bs;
	template_lookup *lookup;
	void *arg;
	size_t next;		/* of act->body_templates */
};

/*
 * A template in a JSON place gives what stands between the quotes: it is read back as JSON here, so a value that would leave its string is found out and not
 * sent.
 */
static json_t *
string_of(struct body_walk *walk, struct err *err)
{
	const struct template *t = walk->act->body_templates[walk->next];
	struct buf b;
	json_t *json = NULL;
	json_error_t why;

	if (t == NULL) {
		err_set(err, ERR_INVALID, "the body has more texts than templates");
		return NULL;
	}
	walk->next++;
	buf_init(&b, BOUND_TEXT_MAX);
	buf_addch(&b, '"');
	if (template_expand(t, walk->lookup, walk->arg, &b, err) == 0) {
		buf_addch(&b, '"');
		json = b.is_over ? NULL : json_loadb(b.data, b.len, JSON_DECODE_ANY, &why);
		if (!json_is_string(json)) {
			json_decref(json);
			json = NULL;
			err_set(err, ERR_INVALID, "a value cannot stand in a JSON string");
		}
	}
	buf_done(&b);
	return json;
}

static json_t *walk_body(struct body_walk *walk, const json_t *from, struct err *err);

static json_t *
walk_object(struct body_walk *walk, const json_t *from, struct err *err)
{
	json_t *to = json_object(), *value, *item;
	const char *key;

	json_object_foreach((json_t *)from, key, value) {
		item = walk_body(walk, value, err);
		if (item == NULL) {
			json_decref(to);
			return NULL;
		}
		json_object_set_new(to, key, item);
	}
	return to;
}

static json_t *
walk_array(struct body_walk *walk, const json_t *from, struct err *err)
{
	json_t *to = json_array(), *item;

	for (size_t i = 0; i < json_array_size(from); i++) {
		item = walk_body(walk, json_array_get(from, i), err);
		if (item == NULL) {
			json_decref(to);
			return NULL;
		}
		json_array_append_new(to, item);
	}
	return to;
}

static json_t *
walk_body(struct body_walk *walk, const json_t *from, struct err *err)
{
	if (json_is_string(from) && walk->act->body_templates != NULL)
		return string_of(walk, err);
	if (json_is_object(from))
		return walk_object(walk, from, err);
	if (json_is_array(from))
		return walk_array(walk, from, err);
	return json_incref((json_t *)from);
}

static int
expand_body(struct body_walk *walk, char **ret, struct err *err)
{
	struct err why = ERR_INIT;
	json_t *json = walk_body(walk, walk->act->body, &why);

	if (json == NULL) {
		err_prefix(&why, "the body");
		if (err != NULL)
			*err = why;
		return why.code;
	}
	*ret = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(json);
	return *ret == NULL ? err_set(err, ERR_INVALID, "the body cannot be written as JSON") : 0;
}

int
bind_body(const struct act *act, const struct bindings *bs, struct bound_text *ret, struct err *err)
{
	struct marking m = { .bs = bs };
	struct body_walk real = { .act = act, .bs = bs, .lookup = bs->lookup, .arg = bs->arg };
	struct body_walk shown = { .act = act, .bs = bs, .lookup = lookup_marked, .arg = &m };
	int r;

	if (act->body == NULL)
		return bind_text(act->body_text, bs, ret, "the body", err);
	r = expand_body(&real, &ret->real, err);
	return r < 0 ? r : expand_body(&shown, &ret->shown, err);
}

/* --- words for people ------------------------------------------------------------------------- */

static bool
is_plain_word(const char *word)
{
	for (const char *p = word; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			strchr("_@%+=:,./-", *p) != NULL))
			return false;
	return *word != '\0';
}

/* Nothing in it that a terminal acts on, and all of it UTF-8. */
static bool
is_safe(const char *word)
{
	size_t len = strlen(word), n;
	uint32_t cp;

	for (; len > 0; word += n, len -= n) {
		n = utf8_decode(word, len, &cp);
		if (n == 0 || cp_width(cp) < 0)
			return false;
	}
	return true;
}

static void
quote_unsafe(struct buf *b, const char *word)
{
	size_t len = strlen(word), n;
	uint32_t cp;

	buf_addstr(b, "$'");
	for (; len > 0; word += n, len -= n) {
		n = utf8_decode(word, len, &cp);
		if (n > 0 && cp_width(cp) >= 0) {
			if (*word == '\'' || *word == '\\')
				buf_addch(b, '\\');
			buf_add(b, word, n);
			continue;
		}
		n = n == 0 ? 1 : n;
		for (size_t i = 0; i < n; i++)
			buf_printf(b, word[i] == '\n' ? "\\n" : "\\%03o", (unsigned char)word[i]);
	}
	buf_addch(b, '\'');
}

void
quote_word(struct buf *b, const char *word)
{
	if (is_plain_word(word)) {
		buf_addstr(b, word);
		return;
	}
	if (!is_safe(word)) {
		quote_unsafe(b, word);
		return;
	}
	buf_addch(b, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_addstr(b, "'\\''");
		else
			buf_addch(b, *word);
	}
	buf_addch(b, '\'');
}

/* --- the environment -------------------------------------------------------------------------- */

const struct conf_source *
env_source(const struct conf_environment *env, const char *name)
{
	for (size_t i = 0; env != NULL && i < env->n_sources; i++)
		if (str_eq(env->sources[i].name, name))
			return &env->sources[i];
	return NULL;
}

const struct conf_source *
env_source_of(const struct conf_environment *env, const char *type)
{
	for (size_t i = 0; env != NULL && i < env->n_sources; i++)
		if (str_eq(env->sources[i].type, type))
			return &env->sources[i];
	return NULL;
}

const struct conf_model *
env_model(const struct conf_environment *env, const char *name)
{
	for (size_t i = 0; env != NULL && i < env->n_models; i++)
		if (str_eq(env->models[i].name, name))
			return &env->models[i];
	return NULL;
}

const struct conf_source *
env_registry(const struct conf_environment *env, const char *source, const char *model)
{
	const struct conf_model *m = env_model(env, model);

	if (source == NULL && m != NULL)
		source = m->registry;
	if (source != NULL)
		return env_source(env, source);
	for (size_t i = 0; env != NULL && i < env->n_sources; i++)
		if (registry_write_find(env->sources[i].type) != NULL)
			return &env->sources[i];
	return NULL;
}

const struct model_model *
live_model(const struct run_world *w, const char *name)
{
	const struct model *m = w->model == NULL ? NULL : w->model(w->arg);

	for (size_t i = 0; m != NULL && i < model_n_models(m); i++)
		if (str_eq(model_model(m, i)->def->name, name))
			return model_model(m, i);
	return NULL;
}
