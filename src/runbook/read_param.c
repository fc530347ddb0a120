/* Parameters: how they are written, and which values they take. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_within.h"
#include "conf/hostlist.h"
#include "runbook/read.h"

enum { SHOWN = 72, VALUE_MAX = 4096, PARAMS_MAX = 50 };

/* In the order of enum param_type. */
static const char *const types[] = { "string", "int", "enum", "host", "model", "model-version",
    "duration", "secret", NULL };

static read_by read_bound, read_default, read_required;

#define AT(member) offsetof(struct runbook_param, member)
static const struct read_row param_rows[] = {
	{ .name = "type", .type = READ_SCALAR, .scalar = CONF_CHOICE, .offset = AT(type), .choices = types, .flags = READ_REQUIRED, .help = "What it is." },
	{ .name = "title", .type = READ_SCALAR, .scalar = CONF_STRING, .offset = AT(title), .max = "120", .help = "What is asked for." },
	{ .name = "required", .type = READ_BY, .by = read_required, .help = "Whether the run needs it." },
	{ .name = "default", .type = READ_BY, .by = read_default, .help = "Its value when none is given." },
	{ .name = "of", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(of), .max = "64", .help = "Of a model-version: the parameter with the model. Of a host: the group." },
	{ .name = "choices", .type = READ_TEXTS, .offset = AT(choices), .help = "Of an enum: what may be chosen." },
	{ .name = "pattern", .type = READ_SCALAR, .scalar = CONF_REGEX, .offset = AT(pattern), .max = "500", .help = "A regular expression for the whole value." },
	{ .name = "min", .type = READ_BY, .by = read_bound, .help = "Least value of an int or a duration." },
	{ .name = "max", .type = READ_BY, .by = read_bound, .help = "Largest value of an int or a duration." },
	{ 0 }
};
#undef AT
const struct read_table read_param_table = { "a parameter", param_rows };

/* --- values ------------------------------------------------------------------------------------------ */

static int
parse_int(const char *text, int64_t *ret)
{
	bool is_negative = text[0] == '-';
	const char *p = text + is_negative;
	int64_t n = 0;

	if (p[0] == '\0' || p[strspn(p, "0123456789")] != '\0')
		return ERR_SYNTAX;
	for (; *p != '\0'; p++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, *p - '0', &n))
			return ERR_LIMIT;
	if (!is_negative && n == INT64_MIN)
		return ERR_LIMIT;
	*ret = is_negative ? n : -n;
	return 0;
}

/* What a program may take for an option, or a terminal for a command. */
static int
check_harmless(const char *text, struct err *err)
{
	if (text[0] == '-')
		return err_set(err, ERR_INVALID, "begins with '-', which programs take for an option");
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, ERR_INVALID, "holds a control character");
	if (!utf8_is_valid(text, strlen(text)))
		return err_set(err, ERR_INVALID, "holds bytes that are not UTF-8");
	return 0;
}

static int
check_pattern(const struct runbook_param *p, const char *text, struct err *err)
{
	char shown[SHOWN], pattern[SHOWN];
	struct within *w;
	bool is_match;

	if (p->pattern == NULL)
		return 0;
	if (within_new(p->pattern, &w, err) < 0)
		return ERR_INVALID;
	is_match = within_match(w, text);
	within_free(w);
	if (is_match)
		return 0;
	if (p->type == PARAM_SECRET)
		return err_set(err, ERR_INVALID, "does not fit its pattern");
	return err_set(err, ERR_INVALID, "'%s' does not fit its pattern %s",
	    str_escape_to(shown, sizeof shown, text),
	    str_escape_to(pattern, sizeof pattern, p->pattern));
}

static int
check_int(const struct runbook_param *p, const char *text, struct err *err)
{
	char shown[SHOWN];
	int64_t n;

	if (parse_int(text, &n) < 0)
		return err_set(err, ERR_INVALID, "'%s' is no whole number",
		    str_escape_to(shown, sizeof shown, text));
	if (n < p->min || n > p->max)
		return err_set(err, ERR_INVALID, "%s is not between %lld and %lld", text,
		    (long long)p->min, (long long)p->max);
	return 0;
}

static int
check_duration(const struct runbook_param *p, const char *text, struct err *err)
{
	char shown[SHOWN], low[DURATION_TEXT_MAX], high[DURATION_TEXT_MAX];
	int64_t ns;

	if (duration_parse(text, &ns, NULL) < 0)
		return err_set(err, ERR_INVALID, "'%s' is no duration (such as 30s, 15m, 1h30m)",
		    str_escape_to(shown, sizeof shown, text));
	if (ns < p->min || ns > p->max)
		return err_set(err, ERR_INVALID, "%s is not between %s and %s", text,
		    duration_format(low, p->min), duration_format(high, p->max));
	return 0;
}

static int
check_choice(const struct runbook_param *p, const char *text, struct err *err)
{
	char shown[SHOWN], list[256] = "", one[SHOWN];
	size_t n = 0, used = 0;
	const char *near;

	for (; p->choices != NULL && p->choices[n] != NULL; n++)
		if (str_eq(p->choices[n], text))
			return 0;
	str_escape_to(shown, sizeof shown, text);
	near = str_nearest(text, (const char *const *)p->choices, n);
	if (near != NULL)
		return err_set(err, ERR_INVALID, "'%s' is no choice; did you mean '%s'?", shown, near);
	for (size_t i = 0; i < n && used < sizeof list; i++) {
		str_escape_to(one, sizeof one, p->choices[i]);
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" :
		    i + 1 < n ? ", " : " or ", one);
	}
	return err_set(err, ERR_INVALID, "'%s' is not one of %s", shown, list);
}

static int
check_host(const char *text, struct err *err)
{
	char shown[SHOWN];

	if (host_name_is_valid(text))
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is no name of a host",
	    str_escape_to(shown, sizeof shown, text));
}

static int
check_type(const struct runbook_param *p, const char *text, struct err *err)
{
	switch (p->type) {
	case PARAM_INT: return check_int(p, text, err);
	case PARAM_DURATION: return check_duration(p, text, err);
	case PARAM_ENUM: return check_choice(p, text, err);
	case PARAM_HOST: return check_host(text, err);
	case PARAM_MODEL:
	case PARAM_MODEL_VERSION:
		if (text[0] == '\0')
			return err_set(err, ERR_INVALID, "is empty");
		return check_harmless(text, err);
	case PARAM_STRING:
		/* Who gives a pattern says by it what may stand there. */
		return p->pattern != NULL ? 0 : check_harmless(text, err);
	case PARAM_SECRET:
		return text[0] == '\0' ? err_set(err, ERR_INVALID, "is empty") : 0;
	}
	return 0;
}

int
runbook_param_value(const struct runbook_param *p, const char *text, char **ret, struct err *err)
{
	struct err why = ERR_INIT;
	int r = strlen(text) > VALUE_MAX ?
	    err_set(&why, ERR_LIMIT, "is longer than %d bytes", VALUE_MAX) :
	    check_type(p, text, &why);

	if (r == 0)
		r = check_pattern(p, text, &why);
	if (r < 0)
		return err_set(err, r == ERR_LIMIT ? ERR_LIMIT : ERR_INVALID, "%s: %s", p->name,
		    why.msg);
	*ret = xstrdup(text);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static void
read_required(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	static const struct conf_row is = { .name = "required", .type = CONF_BOOL };
	struct conf_value v = { .text = NULL };
	struct err err = ERR_INIT;
	struct runbook_param *p = item;

	if (!read_is_text(rd, row->name, node))
		return;
	if (conf_scalar(&is, node->text, node->len, &v, &err) < 0)
		read_problem(rd, node, "required: %s", err.msg);
	p->is_required = v.number != 0;
}

static void
read_default(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct runbook_param *p = item;

	if (read_is_text(rd, row->name, node))
		p->def = xstrdup(node->text);
}

static void
read_bound(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct runbook_param *p = item;
	int64_t *to = str_eq(row->name, "min") ? &p->min : &p->max;

	if (p->type != PARAM_INT && p->type != PARAM_DURATION)
		read_problem(rd, node, "%s: goes with int and duration", row->name);
	else if (read_is_text(rd, row->name, node) && (p->type == PARAM_INT ?
	    parse_int(node->text, to) : duration_parse(node->text, to, NULL)) < 0)
		read_problem(rd, node, "%s: %s is expected", row->name, p->type == PARAM_INT ?
		    "a whole number" : "a duration (such as 30s)");
}

static bool
is_param_name(const char *name)
{
	static const char *const taken[] = { "env", "run", "user", "incident", "reason", "host" };

	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (str_eq(taken[i], name))
			return false;
	return strlen(name) < TEMPLATE_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static void
set_usual(struct runbook_param *p, const struct yaml_node *map)
{
	if (p->type != PARAM_INT && p->type != PARAM_DURATION)
		return;
	if (yaml_get(map, "min") == NULL)
		p->min = p->type == PARAM_INT ? INT64_MIN : 1;
	if (yaml_get(map, "max") == NULL)
		p->max = INT64_MAX;
}

static void
check_param(struct reader *rd, const struct yaml_node *key, const struct runbook_param *p)
{
	struct err err = ERR_INIT;
	char *unused = NULL;

	if ((p->type == PARAM_ENUM) != (p->choices != NULL))
		read_problem(rd, key, p->type == PARAM_ENUM ? "%s: an enum needs choices: [ONE, "
		    "ANOTHER]" : "%s: choices: go with type: enum", p->name);
	if (p->of != NULL && p->type != PARAM_MODEL_VERSION && p->type != PARAM_HOST)
		read_problem(rd, key, "%s: of: goes with model-version and host", p->name);
	if (p->min > p->max)
		read_problem(rd, key, "%s: min: is above max:", p->name);
	if (p->type == PARAM_SECRET && p->def != NULL)
		read_problem(rd, key, "%s: a secret is not written into this file", p->name);
	else if (p->def != NULL && (p->type != PARAM_ENUM || p->choices != NULL) &&
	    runbook_param_value(p, p->def, &unused, &err) < 0)
		read_problem(rd, key, "default: of %s", err.msg);
	free(unused);
}

static void
read_param(struct reader *rd, const struct yaml_node *key, const struct yaml_node *node,
    struct runbook_param *p)
{
	const struct yaml_node none = { .type = YAML_TYPE_MAP };
	char shown[SHOWN];

	p->name = xstrdup(key->text);
	p->at = read_position(rd, key);
	if (!is_param_name(p->name))
		read_problem(rd, key, "'%s' cannot be a parameter's name: a small letter, then small "
		    "letters, digits, '_' and '-'; not env, run, user, incident, reason or host",
		    str_escape_to(shown, sizeof shown, p->name));
	if (node->type == YAML_TYPE_SCALAR)
		read_one(rd, &param_rows[0], node, p);	/* model: model */
	else
		read_map(rd, &read_param_table, node, p);
	set_usual(p, node->type == YAML_TYPE_MAP ? node : &none);
	if (p->title == NULL)
		p->title = xstrdup("");
	check_param(rd, key, p);
}

/* Which model a version is of: the one that is named, or the only one. */
static void
resolve_of(struct reader *rd, const struct yaml_node *key, struct runbook_param *p)
{
	const struct runbook_param *other = p->of != NULL ? read_find_param(rd->rb, p->of) : NULL;
	size_t n = 0;

	if (p->of != NULL) {
		if (other == NULL || other->type != PARAM_MODEL)
			read_problem(rd, key, "%s: of: '%s' is no parameter of type model", p->name,
			    p->of);
		return;
	}
	for (size_t i = 0; i < rd->rb->n_params; i++)
		if (rd->rb->params[i].type == PARAM_MODEL) {
			other = &rd->rb->params[i];
			n++;
		}
	if (n == 1)
		p->of = xstrdup(other->name);
	else
		read_problem(rd, key, n == 0 ? "%s: a model-version needs a parameter of type model "
		    "whose version it is" : "%s: which model? of: PARAMETER is expected", p->name);
}

/* What the config's params: has for one of that name. */
static void
check_config_value(struct reader *rd, const struct yaml_node *key, const struct runbook_param *p)
{
	const struct conf_environment *env = rd->env;
	struct err err = ERR_INIT;
	char *unused = NULL;

	for (size_t i = 0; env != NULL && i < env->n_params; i++)
		if (str_eq(env->params[i].name, p->name) &&
		    runbook_param_value(p, env->params[i].value, &unused, &err) < 0)
			read_problem(rd, key, "what params: of the environment '%s' has does not fit: %s",
			    env->name, err.msg);
	free(unused);
}

void
read_params(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct runbook *rb = item;

	if (node->type != YAML_TYPE_MAP || node->n > PARAMS_MAX) {
		read_problem(rd, node, node->type == YAML_TYPE_MAP ? "%s: more than %d" :
		    "%s: a map is expected: NAME: { type: .. }", row->name, PARAMS_MAX);
		return;
	}
	rb->params = xcalloc(node->n + 1, sizeof *rb->params);
	for (size_t i = 0; i < node->n; i++)
		read_param(rd, node->keys[i], node->items[i], &rb->params[rb->n_params++]);
	for (size_t i = 0; i < rb->n_params; i++) {
		struct runbook_param *p = &rb->params[i];

		if (p->type == PARAM_MODEL_VERSION)
			resolve_of(rd, node->keys[i], p);
		if (p->type == PARAM_HOST && p->of != NULL && rd->env != NULL &&
		    !read_group_exists(rd->env, p->of))
			read_unknown_group(rd, node->keys[i], p->of);
		check_config_value(rd, node->keys[i], p);
	}
}

void
params_free(struct runbook_param *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *const texts[] = { v[i].name, v[i].title, v[i].def, v[i].of, v[i].pattern };

		for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
			free(texts[j]);
		for (size_t j = 0; v[i].choices != NULL && v[i].choices[j] != NULL; j++)
			free(v[i].choices[j]);
		free(v[i].choices);
	}
	free(v);
}
