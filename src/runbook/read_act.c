/* What stands under ssh:, registry:, http: and the other kinds of steps. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/read.h"

enum { BODY_DEPTH_MAX = 32 };
#define USUAL_TIMEOUT_NS (60 * NS_PER_S)

static const char *const kinds[] = { "ssh", "registry", "http", "silence", "wait", "confirm",
    "notify", "action", "exec" };
static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL };
static const char *const supervised[] = { "yes", "none", NULL };

static read_by read_supervise, read_body, read_status, read_http_expect, read_matchers, read_become;

#define AT(member) offsetof(struct act, member)
#define TIMEOUT { .name = "timeout", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(timeout_ns), .min = "1s", .max = "24h", \
	  .help = "When it is given up; 60s when absent." }
#define ENV { .name = "env", .type = READ_PAIRS, .offset = AT(env), .n_offset = AT(n_env), .place = PLACE_ENV, .help = "Environment variables." }
#define STDIN { .name = "stdin", .type = READ_TEMPLATE, .offset = AT(in), .place = PLACE_STDIN, .help = "What it reads." }

static const struct read_row ssh_rows[] = {
	{ .name = "run", .type = READ_WORDS, .offset = AT(argv), .help = "Program and arguments; no shell reads them." },
	{ .name = "script", .type = READ_SCALAR, .scalar = CONF_LINES, .offset = AT(script), .max = "65536", .help = "A POSIX sh script instead; it has no variables." },
	{ .name = "args", .type = READ_WORDS, .offset = AT(argv), .help = "The script's $1, $2 and so on." },
	ENV, STDIN,
	{ .name = "become", .type = READ_BY, .by = read_become, .help = "Run by sudo as this user; true is root." },
	{ .name = "supervise", .type = READ_BY, .by = read_supervise, .choices = supervised, .def = "yes", .help = "none: for accounts with a forced command." },
	TIMEOUT, { 0 }
};
static const struct read_row exec_rows[] = {
	{ .name = "run", .type = READ_WORDS, .offset = AT(argv), .flags = READ_REQUIRED, .help = "Program and arguments; no shell reads them." },
	{ .name = "dir", .type = READ_SCALAR, .scalar = CONF_PATH, .offset = AT(dir), .help = "Folder it runs in; / when absent." },
	ENV, STDIN, TIMEOUT, { 0 }
};
static const struct read_row registry_rows[] = {
	{ .name = "source", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(registry), .max = "64", .help = "The registry; the model's own when absent." },
	{ .name = "model", .type = READ_TEMPLATE, .offset = AT(model), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "The model." },
	{ .name = "alias", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(alias), .max = "120", .help = "The alias that is moved to version." },
	{ .name = "stage", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(stage), .max = "120", .help = "The stage that version is put into." },
	{ .name = "tag", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(tag), .max = "200", .help = "The tag that is set to value." },
	{ .name = "version", .type = READ_TEMPLATE, .offset = AT(version), .place = PLACE_WORD, .help = "The version." },
	{ .name = "value", .type = READ_TEMPLATE, .offset = AT(value), .place = PLACE_WORD, .help = "The tag's value." },
	TIMEOUT, { 0 }
};
static const struct read_row http_rows[] = {
	{ .name = "endpoint", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(endpoint), .max = "64", .flags = READ_REQUIRED, .help = "The source it is sent to." },
	{ .name = "method", .type = READ_SCALAR, .scalar = CONF_ENUM, .offset = AT(method), .choices = methods, .def = "GET", .help = "The method." },
	{ .name = "path", .type = READ_TEMPLATE, .offset = AT(path), .place = PLACE_URL, .flags = READ_REQUIRED, .help = "Path and query behind the source's url." },
	{ .name = "headers", .type = READ_PAIRS, .offset = AT(headers), .n_offset = AT(n_headers), .place = PLACE_HEADER, .help = "Further headers." },
	{ .name = "content_type", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(content_type), .max = "120", .help = "Of the body; application/json when absent." },
	{ .name = "body", .type = READ_BY, .by = read_body, .help = "A map or list, sent as JSON; or a text." },
	{ .name = "status", .type = READ_BY, .by = read_status, .def = "200-299", .help = "What is a good answer." },
	{ .name = "expect", .type = READ_BY, .by = read_http_expect, .help = "A value in the JSON answer." },
	TIMEOUT, { 0 }
};
static const struct read_row expect_rows[] = {
	{ .name = "at", .type = READ_SCALAR, .scalar = CONF_JPATH, .offset = AT(expect_path), .max = "200", .flags = READ_REQUIRED, .help = "Where it stands." },
	{ .name = "value", .type = READ_TEMPLATE, .offset = AT(expect_value), .place = PLACE_WORD, .help = "What it must be." },
	{ 0 }
};
static const struct read_row silence_rows[] = {
	{ .name = "match", .type = READ_BY, .by = read_matchers, .help = "Labels and their values." },
	{ .name = "match_regex", .type = READ_BY, .by = read_matchers, .help = "Labels and regular expressions for their whole values." },
	{ .name = "duration", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(duration_ns), .min = "1m", .max = "30d", .help = "How long." },
	{ .name = "end", .type = READ_SCALAR, .scalar = CONF_BOOL, .offset = AT(is_silence_end), .help = "True: silences with exactly these matchers are ended, instead." },
	{ .name = "comment", .type = READ_TEMPLATE, .offset = AT(comment), .place = PLACE_TEXT, .flags = READ_REQUIRED, .help = "Why." },
	{ .name = "source", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(alertmanager), .max = "64", .help = "The Alertmanager; the first when absent." },
	TIMEOUT, { 0 }
};
static const struct read_row confirm_rows[] = {
	{ .name = "text", .type = READ_TEMPLATE, .offset = AT(text), .place = PLACE_TEXT, .flags = READ_REQUIRED, .help = "What is asked." },
	{ 0 }
};
static const struct read_row notify_rows[] = {
	{ .name = "text", .type = READ_TEMPLATE, .offset = AT(text), .place = PLACE_TEXT, .flags = READ_REQUIRED, .help = "What is said." },
	{ .name = "contact", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(contact), .max = "64", .help = "Role of the contact it is for." },
	TIMEOUT, { 0 }
};
static const struct read_row action_rows[] = {
	{ .name = "name", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(action), .max = "64", .flags = READ_REQUIRED, .help = "Its name in actions: of the environment." },
	{ .name = "with", .type = READ_PAIRS, .offset = AT(with), .n_offset = AT(n_with), .place = PLACE_STDIN, .help = "Values for its variables." },
	TIMEOUT, { 0 }
};
#undef AT
const struct read_table read_ssh_table = { "ssh", ssh_rows };
const struct read_table read_exec_table = { "exec", exec_rows };
const struct read_table read_registry_table = { "registry", registry_rows };
const struct read_table read_http_table = { "http", http_rows };
const struct read_table read_http_expect_table = { "expect", expect_rows };
const struct read_table read_silence_table = { "silence", silence_rows };
const struct read_table read_confirm_table = { "confirm", confirm_rows };
const struct read_table read_notify_table = { "notify", notify_rows };
const struct read_table read_action_table = { "action", action_rows };

static const struct read_table *const tables[STEP_KINDS] = {
	[STEP_SSH] = &read_ssh_table, [STEP_REGISTRY] = &read_registry_table,
	[STEP_HTTP] = &read_http_table, [STEP_SILENCE] = &read_silence_table,
	[STEP_CONFIRM] = &read_confirm_table, [STEP_NOTIFY] = &read_notify_table,
	[STEP_ACTION] = &read_action_table, [STEP_EXEC] = &read_exec_table,
};

const char *
step_kind_name(enum step_kind k)
{
	return kinds[k];
}

bool
step_kind_find(const char *name, enum step_kind *ret)
{
	for (size_t i = 0; i < STEP_KINDS; i++)
		if (str_eq(kinds[i], name)) {
			*ret = (enum step_kind)i;
			return true;
		}
	return false;
}

/* --- ssh ------------------------------------------------------------------------------------------------ */

static void
read_supervise(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	struct act *a = item;

	if (!read_is_text(rd, row->name, node))
		return;
	a->is_unsupervised = str_eq(node->text, "none");
	if (!a->is_unsupervised && !str_eq(node->text, "yes"))
		read_problem(rd, node, "supervise: yes or none is expected");
}

static void
read_become(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	static const struct conf_row user = { .name = "become", .type = CONF_USER, .max = "64" };
	struct conf_value v = { .text = NULL };
	struct err err = ERR_INIT;
	struct act *a = item;

	if (!read_is_text(rd, row->name, node) || str_eq(node->text, "false"))
		return;
	if (str_eq(node->text, "true"))
		a->become = xstrdup("root");
	else if (conf_scalar(&user, node->text, node->len, &v, &err) < 0)
		read_problem(rd, node, "become: %s", err.msg);
	else
		a->become = v.text;
}

static void
check_ssh(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	bool has_run = yaml_get(node, "run") != NULL, has_script = yaml_get(node, "script") != NULL;

	if (has_run == has_script)
		read_problem(rd, node, has_run ? "ssh: has both run: and script:; one is expected" :
		    "ssh: says not what to do: run: [PROGRAM, ARGUMENT] or script: is expected");
	if (yaml_get(node, "args") != NULL && !has_script)
		read_problem(rd, yaml_get(node, "args"), "args: goes with script:; arguments of run: "
		    "stand in its list");
	if (a->script != NULL && a->script[0] == '\0')
		read_problem(rd, node, "script: is empty");
	if (a->is_unsupervised && has_script)
		read_problem(rd, node, "supervise: none does not go with script:, which the supervisor "
		    "carries");
	if (a->is_unsupervised && (a->n_env > 0 || a->become != NULL))
		read_problem(rd, node, "supervise: none does not go with env: and become:, which the "
		    "supervisor sees to");
}

/* A shell's own ${x} is fine; a parameter's name in it is a value that was meant to be put in. */
static void
check_script(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	const char *p = a->script;
	char *name;
	size_t len;

	for (; p != NULL && (p = strstr(p, "${")) != NULL; p += 2) {
		if (p > a->script && p[-1] == '$')
			continue;
		len = strspn(p + 2, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
		name = xstrndup(p + 2, len);
		if (p[2 + len] == '}' && (read_find_param(rd->rb, name) != NULL ||
		    str_has_prefix(name, "host.")))
			read_problem(rd, yaml_get(node, "script"), "script: no value is put into a "
			    "script: give ${%s} in args: and use $1, or in env:", name);
		free(name);
	}
}

/* --- http -------------------------------------------------------------------------------------------------- */

static json_t *
scalar_json(const struct yaml_node *node)
{
	json_error_t unused;
	json_t *value = NULL;

	if (!node->is_plain || strstr(node->text, "${") != NULL)
		return NULL;
	if (yaml_is_null(node))
		return json_null();
	if (str_eq(node->text, "true") || str_eq(node->text, "false"))
		return json_boolean(str_eq(node->text, "true"));
	if (node->len > 0 && strspn(node->text, "0123456789+-.eE") == node->len)
		value = json_loadb(node->text, node->len, JSON_DECODE_ANY, &unused);
	return value;
}

struct body {
	struct reader *rd;
	struct template **v;
	size_t n;
	unsigned depth;
};

static json_t *
body_string(struct body *b, const struct yaml_node *node)
{
	struct template *t = read_template(b->rd, "body", node, PLACE_JSON);

	if (t == NULL)
		return json_null();
	b->v = xreallocarray(b->v, b->n + 2, sizeof(*b->v));
	b->v[b->n++] = t;
	b->v[b->n] = NULL;
	return json_stringn(node->text, node->len);
}

static json_t *body_value(struct body *b, const struct yaml_node *node);

static json_t *
body_container(struct body *b, const struct yaml_node *node)
{
	json_t *all = node->type == YAML_TYPE_MAP ? json_object() : json_array();

	for (size_t i = 0; i < node->n; i++) {
		json_t *one = body_value(b, node->items[i]);

		if (node->type == YAML_TYPE_LIST)
			json_array_append_new(all, one);
		else if (strstr(node->keys[i]->text, "${") != NULL) {
			read_problem(b->rd, node->keys[i], "body: a variable cannot be a member's name");
			json_decref(one);
		} else if (json_object_setn_new(all, node->keys[i]->text, node->keys[i]->len, one) < 0)
			read_problem(b->rd, node->keys[i], "body: this name cannot stand in JSON");
	}
	return all;
}

static json_t *
body_value(struct body *b, const struct yaml_node *node)
{
	json_t *value;

	if (node->type == YAML_TYPE_SCALAR) {
		value = scalar_json(node);
		return value != NULL ? value : body_string(b, node);
	}
	if (b->depth == BODY_DEPTH_MAX) {
		read_problem(b->rd, node, "body: is more than %d deep", BODY_DEPTH_MAX);
		return json_null();
	}
	b->depth++;
	value = body_container(b, node);
	b->depth--;
	return value;
}

static bool
is_type(const struct act *a, const char *type)
{
	size_t len = strlen(type);

	return a->content_type != NULL && strncasecmp(a->content_type, type, len) == 0 &&
	    (a->content_type[len] == '\0' || strchr("; ", a->content_type[len]) != NULL);
}

static enum template_place
place_of_body(const struct act *a)
{
	if (a->content_type == NULL || str_contains(a->content_type, "json"))
		return PLACE_JSON_TEXT;
	return is_type(a, "application/x-www-form-urlencoded") ? PLACE_FORM : PLACE_STDIN;
}

/* content_type stands before body in the table: it is known. */
static void
read_body(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct act *a = item;
	struct body b = { .rd = rd };
	enum template_place place = place_of_body(a);

	if (node->type == YAML_TYPE_SCALAR) {
		a->body_text = read_template(rd, row->name, node, place);
		if (place == PLACE_STDIN && !is_type(a, "text/plain") && a->body_text != NULL &&
		    template_names(a->body_text, NULL) > 0)
			read_problem(rd, node, "body: how values are written in %s is not known: "
			    "variables stand in JSON, forms and text/plain", a->content_type);
		return;
	}
	if (place != PLACE_JSON_TEXT)
		read_problem(rd, node, "body: a map or list is sent as JSON, which %s is not",
		    a->content_type);
	a->body = body_value(&b, node);
	a->body_templates = b.v != NULL ? b.v : xcalloc(1, sizeof(*b.v));
}

static bool
take_status(const char *text, size_t len, int *ret)
{
	if (len != 3 || strspn(text, "0123456789") < 3 || text[0] < '1' || text[0] > '5')
		return false;
	*ret = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
	return true;
}

static void
read_status(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct act *a = item;
	const char *dash;

	if (!read_is_text(rd, row->name, node))
		return;
	dash = strchr(node->text, '-');
	if (dash != NULL ? take_status(node->text, (size_t)(dash - node->text), &a->status_min) &&
	    take_status(dash + 1, strlen(dash + 1), &a->status_max) &&
	    a->status_min <= a->status_max : take_status(node->text, node->len, &a->status_min))
		a->status_max = dash != NULL ? a->status_max : a->status_min;
	else
		read_problem(rd, node, "status: an HTTP status (200) or a range (200-299) is expected");
}

static void
read_http_expect(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	(void)row;
	read_map(rd, &read_http_expect_table, node, item);
}

static bool
is_token(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789!#$%&'*+-.^_`|~")] == '\0';
}

void
read_check_path(struct reader *rd, const struct yaml_node *node, const struct template *path)
{
	if (path != NULL && strchr("/?", template_source(path)[0]) == NULL)
		read_problem(rd, yaml_get(node, "path"), "path: begins with / : it stands behind the "
		    "source's url");
}

static void
check_http(struct reader *rd, const struct yaml_node *node, struct act *a)
{
	bool has_body = a->body != NULL || a->body_text != NULL;

	read_check_path(rd, node, a->path);
	if (a->method != NULL && has_body && (str_eq(a->method, "GET") || str_eq(a->method, "HEAD")))
		read_problem(rd, yaml_get(node, "body"), "body: does not go with the method %s",
		    a->method);
	for (size_t i = 0; i < a->n_headers; i++)
		if (!is_token(a->headers[i].name) || strcasecmp(a->headers[i].name, "Host") == 0 ||
		    strcasecmp(a->headers[i].name, "Content-Length") == 0 ||
		    strcasecmp(a->headers[i].name, "Transfer-Encoding") == 0)
			read_problem(rd, yaml_get(node, "headers"), "headers: '%s' is no header that "
			    "can be given here", a->headers[i].name);
	if (a->status_min == 0) {
		a->status_min = 200;
		a->status_max = 299;
	}
	if (has_body && a->content_type == NULL)
		a->content_type = xstrdup("application/json");
}

/* --- silence --------------------------------------------------------------------------------------------------- */

static void
read_matchers(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	bool is_regex = str_eq(row->name, "match_regex");
	struct act *a = item;

	if (node->type != YAML_TYPE_MAP || node->n == 0) {
		read_problem(rd, node, "%s: a map is expected: %s: { LABEL: VALUE }", row->name,
		    row->name);
		return;
	}
	a->matchers = xreallocarray(a->matchers, a->n_matchers + node->n, sizeof *a->matchers);
	a->matcher_is_regex = xreallocarray(a->matcher_is_regex, a->n_matchers + node->n,
	    sizeof *a->matcher_is_regex);
	for (size_t i = 0; i < node->n; i++) {
		struct template *t = read_template(rd, row->name, node->items[i],
		    is_regex ? PLACE_REGEX : PLACE_WORD);

		if (t == NULL)
			continue;
		a->matchers[a->n_matchers] = (struct pair){ xstrdup(node->keys[i]->text), t };
		a->matcher_is_regex[a->n_matchers++] = is_regex;
	}
}

static void
check_silence(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	bool is_empty = true;

	for (size_t i = 0; i < a->n_matchers; i++)
		is_empty = is_empty && (template_source(a->matchers[i].value)[0] == '\0' ||
		    (a->matcher_is_regex[i] && str_eq(template_source(a->matchers[i].value), ".*")));
	if (is_empty)
		read_problem(rd, node, "silence: matches every alert: match: { LABEL: VALUE } is "
		    "expected");
	if (a->is_silence_end && yaml_get(node, "duration") != NULL)
		read_problem(rd, yaml_get(node, "duration"), "duration: does not go with end: true, which "
		    "ends silences and makes none");
	else if (!a->is_silence_end && yaml_get(node, "duration") == NULL)
		read_problem(rd, node, "silence: says not how long: duration: is expected (or end: true, "
		    "to end those there are)");
}

/* --- registry --------------------------------------------------------------------------------------------------- */

static void
check_registry(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	int n = (a->alias != NULL) + (a->stage != NULL) + (a->tag != NULL);

	if (n != 1)
		read_problem(rd, node, "registry: exactly one of alias:, stage: and tag: is expected");
	else if (a->tag != NULL && a->value == NULL)
		read_problem(rd, node, "registry: tag: needs value:");
	else if (a->tag == NULL && a->version == NULL)
		read_problem(rd, node, "registry: %s: needs version:", a->alias != NULL ? "alias" :
		    "stage");
	else if (a->tag == NULL && a->value != NULL)
		read_problem(rd, node, "registry: value: goes with tag:");
}

/* --- all kinds ---------------------------------------------------------------------------------------------------- */

static void
read_wait(struct reader *rd, const struct yaml_node *node, struct act *a)
{
	a->conditions = read_condition_list(rd, "wait", node, true, false, &a->n_conditions);
	for (size_t i = 0; i < a->n_conditions; i++) {
		int64_t ns = a->conditions[i]->kind == COND_TIME ? a->conditions[i]->time_ns :
		    a->conditions[i]->within_ns;

		a->timeout_ns = ns > a->timeout_ns ? ns : a->timeout_ns;
	}
	/* The conditions give up by themselves, and say why; this is only the end of all patience. */
	a->timeout_ns += USUAL_TIMEOUT_NS;
}

/* `confirm: TEXT` and kin. */
static bool
read_bare(struct reader *rd, enum step_kind kind, const struct yaml_node *node, struct act *a)
{
	static const struct conf_row name = { .name = "action", .type = CONF_NAME, .max = "64" };
	struct conf_value v = { .text = NULL };
	struct err err = ERR_INIT;

	if (node->type != YAML_TYPE_SCALAR)
		return false;
	if (kind == STEP_CONFIRM || kind == STEP_NOTIFY) {
		a->text = read_template(rd, kinds[kind], node, PLACE_TEXT);
		return true;
	}
	if (kind != STEP_ACTION)
		return false;
	if (conf_scalar(&name, node->text, node->len, &v, &err) < 0)
		read_problem(rd, node, "action: %s", err.msg);
	a->action = v.text;
	return true;
}

static void
check_act(struct reader *rd, const struct yaml_node *node, struct act *a)
{
	switch (a->kind) {
	case STEP_SSH:
		check_ssh(rd, node, a);
		check_script(rd, node, a);
		break;
	case STEP_HTTP: check_http(rd, node, a); break;
	case STEP_SILENCE: check_silence(rd, node, a); break;
	case STEP_REGISTRY: check_registry(rd, node, a); break;
	default: break;
	}
}

struct act *
read_act(struct reader *rd, enum step_kind kind, const struct yaml_node *node)
{
	struct act *a = xcalloc(1, sizeof *a);

	a->kind = kind;
	a->at = read_position(rd, node);
	if (kind == STEP_WAIT)
		read_wait(rd, node, a);
	else if (!read_bare(rd, kind, node, a) && read_map(rd, tables[kind], node, a))
		check_act(rd, node, a);
	if (a->timeout_ns == 0)
		a->timeout_ns = USUAL_TIMEOUT_NS;
	if (rd->env != NULL)
		read_env_act(rd, node, a);
	return a;
}

void
pairs_free(struct pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		template_free(v[i].value);
	}
	free(v);
}

void
templates_free(struct template **v)
{
	for (size_t i = 0; v != NULL && v[i] != NULL; i++)
		template_free(v[i]);
	free(v);
}

void
act_free_all(struct act *a)
{
	if (a == NULL)
		return;
	templates_free(a->argv);
	templates_free(a->body_templates);
	pairs_free(a->env, a->n_env);
	pairs_free(a->headers, a->n_headers);
	pairs_free(a->matchers, a->n_matchers);
	pairs_free(a->with, a->n_with);
	conditions_free(a->conditions, a->n_conditions);
	struct template *const templates[] = { a->in, a->model, a->version, a->value, a->path,
	    a->body_text, a->expect_value, a->comment, a->text };
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
		template_free(templates[i]);
	char *const texts[] = { a->script, a->become, a->dir, a->registry, a->alias, a->stage, a->tag,
	    a->endpoint, a->method, a->content_type, a->expect_path, a->alertmanager, a->contact,
	    a->action };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
	free(a->matcher_is_regex);
	json_decref(a->body);
	free(a);
}
