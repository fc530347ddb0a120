/* What goes together in log stores and in what is read of them, and what their names refer to. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jread.h"
#include "base/redact.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"

enum { SHOWN = 72, CANDIDATES_MAX = 100, JSON_DEPTH_MAX = 100 };

bool
conf_source_is_log_store(const struct conf_source *s)
{
	return str_eq(s->type, "loki") || str_eq(s->type, "elasticsearch") || str_eq(s->type, "journald");
}

int
conf_index(const char *text, char **ret_index, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.*:+@$";
	char shown[SHOWN];
	size_t len = strlen(text);

	if (len == 0 || len > 255 || text[strspn(text, allowed)] != '\0' || str_eq(text, ".") ||
	    str_eq(text, ".."))
		return err_set(err, ERR_INVALID, "'%s' is not the name of an index or data stream "
		    "(small letters, digits, - _ . and *, such as logs-*)",
		    str_escape_to(shown, sizeof shown, text));
	*ret_index = xstrdup(text);
	return 0;
}

/* --- a source -------------------------------------------------------------------------------- */

struct store {
	struct conf_decode *d;
	const struct yaml_node *node;
	const struct conf_source *s;
	bool is_good;
};

static void
only_of(struct store *st, const struct yaml_node *map, const char *key, const char *types)
{
	char word[64];

	if (!conf_is_given(map, key))
		return;
	/* types: words, each with a blank before and behind it. */
	snprintf(word, sizeof word, " %s ", st->s->type);
	if (strstr(types, word) != NULL)
		return;
	conf_problem(st->d, conf_at(map, key), "%s: goes with type:%.*s only", key,
	    (int)strlen(types) - 1, types);
	st->is_good = false;
}

static void
check_api_key(struct store *st)
{
	const struct conf_source *s = st->s;

	if (!conf_is_given(st->node, "api_key"))
		return;
	if (s->user != NULL || secret_is_set(&s->password) || secret_is_set(&s->bearer)) {
		conf_problem(st->d, conf_at(st->node, "api_key"),
		    "api_key: cannot go with user and password or bearer; keep one");
		st->is_good = false;
	}
	for (size_t i = 0; i < s->n_headers; i++)
		if (strcasecmp(s->headers[i].name, "Authorization") == 0) {
			conf_problem(st->d, conf_at(st->node, "headers"),
			    "headers: Authorization cannot go with api_key; keep one");
			st->is_good = false;
		}
}

static void
check_tenant(struct store *st)
{
	const struct conf_source *s = st->s;

	for (size_t i = 0; s->tenant != NULL && i < s->n_headers; i++)
		if (strcasecmp(s->headers[i].name, "X-Scope-OrgID") == 0) {
			conf_problem(st->d, conf_at(st->node, "headers"),
			    "headers: X-Scope-OrgID cannot go with tenant; keep one");
			st->is_good = false;
		}
}

bool
conf_rule_log_store(struct conf_decode *d, const struct yaml_node *node, const struct conf_source *s)
{
	const struct yaml_node *fields = yaml_get(node, "fields");
	struct store st = { .d = d, .node = node, .s = s, .is_good = true };

	if (s->type == NULL)
		return true;
	only_of(&st, node, "tenant", " loki ");
	only_of(&st, node, "indices", " elasticsearch ");
	only_of(&st, node, "api_key", " elasticsearch ");
	only_of(&st, node, "fields", " loki elasticsearch journald ");
	only_of(&st, fields, "time", " elasticsearch ");
	only_of(&st, fields, "message", " elasticsearch journald ");
	check_api_key(&st);
	check_tenant(&st);
	return st.is_good;
}

/* --- what is redacted ------------------------------------------------------------------------ */

bool
conf_rule_redact(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	const struct conf_redact *r = item;
	struct redact *redact = redact_new(false);
	struct err err = ERR_INIT;
	bool is_good = redact_add(redact, r->name, r->pattern, &err) == 0;

	if (!is_good)
		conf_problem(d, conf_at(node, "pattern"), "pattern: %s", err.msg);
	redact_free(redact);
	return is_good;
}

/* --- the lines of an alert ------------------------------------------------------------------- */

/* ${alert} or ${labels.NAME}, up to its brace. */
static bool
is_placeholder(const char *s, size_t len)
{
	static const char labels[] = "labels.";
	size_t n = strlen(labels);

	if (len == strlen("alert") && memcmp(s, "alert", len) == 0)
		return true;
	if (len <= n || memcmp(s, labels, n) != 0 || isdigit((unsigned char)s[n]))
		return false;
	for (size_t i = n; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_')
			return false;
	return true;
}

bool
conf_rule_log_alert(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	const struct conf_log_alert *a = item;
	const char *p = a->query, *end;
	char shown[SHOWN];

	while (p != NULL && (p = strstr(p, "${")) != NULL) {
		end = strchr(p, '}');
		if (end == NULL || !is_placeholder(p + 2, (size_t)(end - p) - 2)) {
			conf_problem(d, conf_at(node, "query"), "query: '%s' is filled in nowhere; "
			    "${alert} and ${labels.NAME} are",
			    str_escape_to(shown, sizeof shown, p));
			return false;
		}
		p = end;
	}
	return true;
}

/* --- streams --------------------------------------------------------------------------------- */

static const struct conf_source *
first_store(const struct conf_environment *env)
{
	for (size_t i = 0; i < env->n_sources; i++)
		if (conf_source_is_log_store(&env->sources[i]))
			return &env->sources[i];
	return NULL;
}

static void
unknown_store(struct conf_decode *d, const struct yaml_node *where, const struct yaml_node *env_node,
    const struct conf_environment *env, const char *name)
{
	const char *names[CANDIDATES_MAX], *near;
	char shown[SHOWN];
	size_t n = 0;

	for (size_t i = 0; i < env->n_sources && n < CANDIDATES_MAX; i++)
		if (conf_source_is_log_store(&env->sources[i]))
			names[n++] = env->sources[i].name;
	near = str_nearest(name, names, n);
	str_escape_to(shown, sizeof shown, name);
	if (conf_is_written(yaml_get(env_node, "sources"), name))
		conf_problem(d, where, "stream: its source '%s' has a mistake of its own", shown);
	else if (near != NULL)
		conf_problem(d, where, "stream: there is no source '%s'; did you mean '%s'?", shown,
		    near);
	else
		conf_problem(d, where, "stream: there is no source '%s' in this environment", shown);
}

static bool
resolve_stream(struct conf_decode *d, const struct yaml_node *env_node,
    const struct conf_environment *env, struct conf_log_stream *s)
{
	const struct yaml_node *list = yaml_get(yaml_get(env_node, "logs"), "streams");
	const struct yaml_node *node = conf_find_item(list, s->line, s->column);
	const struct conf_source *first = first_store(env);
	char shown[SHOWN];

	if (s->source == NULL && first != NULL) {
		s->source = xstrdup(first->name);
		return true;
	}
	if (s->source == NULL) {
		conf_problem(d, node, "stream: the environment has no source of type loki, "
		    "elasticsearch or journald to ask");
		return false;
	}
	for (size_t i = 0; i < env->n_sources; i++) {
		if (!str_eq(env->sources[i].name, s->source))
			continue;
		if (conf_source_is_log_store(&env->sources[i]))
			return true;
		conf_problem(d, conf_at(node, "source"), "stream: the source '%s' is of type %s, which "
		    "has no lines", str_escape_to(shown, sizeof shown, s->source),
		    env->sources[i].type);
		return false;
	}
	unknown_store(d, conf_at(node, "source"), env_node, env, s->source);
	return false;
}

/* A Loki without a selector has no answer, and what counts lines has none to show. */
static int
check_logql(const char *query, struct err *err)
{
	query += strspn(query, " \t\r\n");
	if (strchr(query, '{') == NULL)
		return err_set(err, ERR_INVALID, "a Loki needs a selector, such as {app=\"web\"}");
	if (*query != '{')
		return err_set(err, ERR_INVALID, "a stream begins with its selector, such as {app=\"web\"}: what counts lines (rate, sum, ..) has none to show");
	return 0;
}

/* A JSON object, or a query string. */
static int
check_elastic(const char *query, struct err *err)
{
	static const struct jread_ops nothing = { 0 };
	struct jread r;
	int result;

	query += strspn(query, " \t\r\n");
	if (*query != '{')
		return 0;
	jread_init(&r, &nothing, NULL, JSON_DEPTH_MAX, strlen(query) + 1);
	result = jread_push(&r, query, strlen(query), err);
	if (result == 0)
		result = jread_finish(&r, err);
	jread_done(&r);
	if (result < 0)
		err_prefix(err, "the JSON object");
	return result;
}

/* NAME=VALUE, with a name of capital letters, digits and _; "+" for or. */
static int
check_journal(const char *query, struct err *err)
{
	char shown[SHOWN], word[SHOWN];
	bool is_quoted = false;

	for (const char *p = query + strspn(query, " \t\r\n"), *end; *p != '\0'; p = end + strspn(end, " \t\r\n")) {
		size_t name = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

		for (end = p; *end != '\0' && (is_quoted || strchr(" \t\r\n", *end) == NULL); end++)
			is_quoted ^= *end == '"';
		if ((name > 0 && p[name] == '=') || (end - p == 1 && *p == '+'))
			continue;
		snprintf(word, sizeof word, "%.*s", end - p < SHOWN ? (int)(end - p) : SHOWN - 1, p);
		return err_set(err, ERR_INVALID, "'%s' is no match of a journal: NAME=VALUE is expected, with a name such as _SYSTEMD_UNIT",
		    str_escape_to(shown, sizeof shown, word));
	}
	return 0;
}

static bool
check_query(struct conf_decode *d, const struct yaml_node *env_node, const struct conf_environment *env,
    const struct conf_log_stream *s)
{
	const struct yaml_node *list = yaml_get(yaml_get(env_node, "logs"), "streams");
	const struct yaml_node *node = conf_find_item(list, s->line, s->column);
	const char *query = s->query != NULL ? s->query : "", *type = "";
	struct err err = ERR_INIT;
	int r;

	for (size_t i = 0; i < env->n_sources; i++)
		if (str_eq(env->sources[i].name, s->source))
			type = env->sources[i].type;
	r = str_eq(type, "loki") ? check_logql(query, &err) : str_eq(type, "elasticsearch") ? check_elastic(query, &err) : check_journal(query, &err);
	if (r < 0)
		conf_problem(d, conf_at(node, "query"), "query: %s", err.msg);
	return r == 0;
}

void
conf_rule_logs(struct conf_decode *d, const struct yaml_node *env_node, struct conf_environment *env)
{
	struct conf_logs *logs = &env->logs;
	size_t kept = 0;

	for (size_t i = 0; i < logs->n_streams; i++) {
		struct conf_log_stream *s = &logs->streams[i];

		if (!resolve_stream(d, env_node, env, s) || !check_query(d, env_node, env, s)) {
			conf_item_done(&conf_table_log_stream, s);
			continue;
		}
		if (s->title == NULL)
			s->title = xstrdup(s->name);
		if (s->query == NULL)
			s->query = xstrdup("");
		logs->streams[kept++] = *s;
	}
	logs->n_streams = kept;
}
