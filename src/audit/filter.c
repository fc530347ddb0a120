/*
 * --log's filters: words, parsed by descent into a tree.
 *
 *   any   = all { "or" all }          all = one { ["and"] one }          one = "not" one | "(" any ")" | KEY=VALUES | WORD
 *
 * Values are lists with commas, of shell patterns. Only a run's first record bears the name of its runbook: the filter remembers the runs it has seen begin.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { DEPTH_MAX = 64, WORDS_MAX = 1024, WORD_LEN_MAX = 4096, RUNS_MAX = 4096 };

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_FIELD, NODE_SINCE, NODE_UNTIL, NODE_TEXT };
enum field { FIELD_RUN, FIELD_RUNBOOK, FIELD_TYPE, FIELD_HOST, FIELD_USER, FIELD_ENV, FIELD_INCIDENT, FIELD_OUTCOME, FIELDS };
static const char *const field_names[FIELDS] = { "run", "runbook", "type", "host", "user", "env", "incident", "outcome" };

struct node {
	enum node_kind kind;
	struct node *a, *b;
	enum field field;
	char **values;
	size_t n_values;
	int64_t time_ns;
	char *text;
};

struct seen_run {
	char *run, *runbook;
};

struct audit_filter {
	struct node *root;
	struct seen_run *runs;	/* a ring; its own memory, so that a const filter can learn */
	size_t *n_runs;
};

struct parser {
	char **tokens;
	size_t n, i;
	int64_t now_ns;
	const char *const *types;	/* others than those of records; NULL-terminated, NULL: those of records */
	struct err *err;
	unsigned depth;
};

static void
node_free(struct node *n)
{
	if (n == NULL)
		return;
	node_free(n->a);
	node_free(n->b);
	for (size_t i = 0; i < n->n_values; i++)
		free(n->values[i]);
	free(n->values);
	free(n->text);
	free(n);
}

static struct node *
node_new(enum node_kind kind, struct node *a, struct node *b)
{
	struct node *n = xcalloc(1, sizeof *n);

	n->kind = kind;
	n->a = a;
	n->b = b;
	return n;
}

/* --- words into tokens ------------------------------------------------------------------------------------------------------------------------------ */

static void
token_add(struct parser *p, const char *text, size_t len)
{
	p->tokens = xreallocarray(p->tokens, p->n + 1, sizeof *p->tokens);
	p->tokens[p->n++] = xstrndup(text, len);
}

/* Parentheses at its ends are tokens of their own, unless the word has the partner inside, as in text=f(x). */
static void
split_word(struct parser *p, const char *word)
{
	size_t len = strlen(word), closing = 0;
	int open = 0;

	while (len > 0 && *word == '(') {
		token_add(p, word++, 1);
		len--;
	}
	for (size_t i = 0; i < len; i++)
		open += word[i] == '(' ? 1 : word[i] == ')' ? -1 : 0;
	for (; len > 0 && word[len - 1] == ')' && open < 0; open++, len--)
		closing++;
	if (len > 0)
		token_add(p, word, len);
	while (closing-- > 0)
		token_add(p, ")", 1);
}

/*
 * One argument may hold several words, as a shell's quotes pass them: 'host=a and not type=check'. What text= looks for may have blanks itself and takes the
 * rest of its argument.
 */
static void
split_argument(struct parser *p, const char *word)
{
	static const char blanks[] = " \t\n";

	if (word[strspn(word, blanks)] == '\0')
		token_add(p, "", 0);	/* refused below */
	for (word += strspn(word, blanks); *word != '\0'; word += strspn(word, blanks)) {
		size_t open = strspn(word, "("), len = str_has_prefix(word + open, "text=") ? strlen(word) : strcspn(word, blanks);
		char *one = xstrndup(word, len);

		split_word(p, one);
		free(one);
		word += len;
	}
}

/* --- terms -------------------------------------------------------------------------------------------------------------------------------------------- */

static struct node *
refuse(struct parser *p, int code, const char *fmt, const char *word)
{
	char shown[128];

	if (p->err != NULL && p->err->code == 0)
		err_set(p->err, code, fmt, str_escape_to(shown, sizeof shown, word));
	return NULL;
}

static bool
is_type(const struct parser *p, const char *value)
{
	enum audit_type type;

	for (size_t i = 0; p->types != NULL && p->types[i] != NULL; i++)
		if (strcmp(p->types[i], value) == 0)
			return true;
	return p->types == NULL && audit_type_find(value, &type);
}

static int
check_value(struct parser *p, enum field field, const char *value)
{

	if (value[0] == '\0')
		return refuse(p, ERR_USAGE, "a value is missing in %s=", field_names[field]) == NULL ? -1 : 0;
	if (field == FIELD_TYPE && strpbrk(value, "*?[") == NULL && !is_type(p, value))
		return refuse(p, ERR_USAGE, p->types == NULL ? "there is no type \"%s\" (such as intent, result, run-start, note)" :
		    "there is no type \"%s\" (such as alert, change, run, note)", value) == NULL ? -1 : 0;
	return 0;
}

static struct node *
field_node(struct parser *p, enum field field, const char *values)
{
	struct node *n = node_new(NODE_FIELD, NULL, NULL);

	n->field = field;
	for (;;) {
		size_t len = strcspn(values, ",");

		n->values = xreallocarray(n->values, n->n_values + 1, sizeof *n->values);
		n->values[n->n_values++] = xstrndup(values, len);
		if (check_value(p, field, n->values[n->n_values - 1]) < 0) {
			node_free(n);
			return NULL;
		}
		if (values[len] == '\0')
			return n;
		values += len + 1;
	}
}

/* "10:58" or "10:58:30": the last time it was that. */
static int
time_of_day(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	const int64_t day_ns = 24 * NS_PER_HOUR;
	char full[CLOCK_TEXT_MAX + 16], now[CLOCK_TEXT_MAX];
	int r;

	snprintf(full, sizeof full, "%.11s%.8s%sZ", clock_format(now, now_ns, 0), text, strlen(text) == 5 ? ":00" : "");
	r = clock_parse(full, ret_ns, NULL);
	if (r == 0 && *ret_ns > now_ns)
		*ret_ns -= day_ns;
	return r;
}

/* RFC 3339, a day alone, a time of day, or -2h. */
static struct node *
time_node(struct parser *p, enum node_kind kind, const char *text)
{
	struct node *n;
	char *day;
	int64_t ns = 0;
	int r;

	if (text[0] == '-') {
		r = duration_parse(text + 1, &ns, NULL);
		if (r == 0 && __builtin_sub_overflow(p->now_ns, ns, &ns))
			ns = INT64_MIN;
	} else if (text[0] != '\0' && text[1] != '\0' && text[2] == ':' && (strlen(text) == 5 || strlen(text) == 8)) {
		r = time_of_day(text, p->now_ns, &ns);
	} else {
		day = strlen(text) == 10 ? xasprintf("%sT00:00:00Z", text) : xstrdup(text);
		r = clock_parse(day, &ns, NULL);
		free(day);
	}
	if (r < 0)
		return refuse(p, ERR_USAGE, "\"%s\" is no time: expected 2030-01-01T02:00:00Z, 2030-01-01, 02:10 (UTC) or -2h", text);
	n = node_new(kind, NULL, NULL);
	n->time_ns = ns;
	return n;
}

static struct node *
text_node(struct parser *p, const char *text)
{
	struct node *n;

	if (text[0] == '\0')
		return refuse(p, ERR_USAGE, "text=%s looks for nothing", "");
	n = node_new(NODE_TEXT, NULL, NULL);
	n->text = xstrdup(text);
	return n;
}

static bool
is_key(const char *word, size_t len)
{
	return len > 0 && strspn(word, "abcdefghijklmnopqrstuvwxyz") == len;
}

static struct node *
term(struct parser *p, const char *word)
{
	static const char *const all[] = { "run", "runbook", "type", "host", "user", "env", "incident", "outcome", "actor", "since", "until", "text" };
	size_t len = strcspn(word, "=");
	char key[32];
	const char *near;

	if (word[len] == '\0' || !is_key(word, len) || len >= sizeof key)
		return text_node(p, word);
	memcpy(key, word, len);
	key[len] = '\0';
	if (strcmp(key, "actor") == 0)
		return field_node(p, FIELD_USER, word + len + 1);
	for (int i = 0; i < FIELDS; i++)
		if (strcmp(key, field_names[i]) == 0)
			return field_node(p, (enum field)i, word + len + 1);
	if (strcmp(key, "since") == 0)
		return time_node(p, NODE_SINCE, word + len + 1);
	if (strcmp(key, "until") == 0)
		return time_node(p, NODE_UNTIL, word + len + 1);
	if (strcmp(key, "text") == 0)
		return text_node(p, word + len + 1);
	near = str_nearest(key, all, sizeof all / sizeof all[0]);
	if (near != NULL)
		return refuse(p, ERR_USAGE, "there is no such filter (did you mean %s=?); text=WORD looks for a word with '=' in it", near);
	return refuse(p, ERR_USAGE, "there is no filter \"%s=\"; text=WORD looks for a word with '=' in it", key);
}

/* --- the tree ----------------------------------------------------------------------------------------------------------------------------------------- */

static struct node *parse_any(struct parser *p);

static bool
is_next(const struct parser *p, const char *token)
{
	return p->i < p->n && strcmp(p->tokens[p->i], token) == 0;
}

static struct node *
parse_one(struct parser *p)
{
	struct node *n;
	bool is_not = is_next(p, "not"), is_group = is_next(p, "(");

	if (p->i == p->n || is_next(p, "or") || is_next(p, "and") || is_next(p, ")"))
		return refuse(p, ERR_USAGE, "a filter is missing before %s", p->i == p->n ? "the end" : p->tokens[p->i]);
	if (p->depth == DEPTH_MAX)
		return refuse(p, ERR_LIMIT, "the filter is nested too deeply%s", "");
	if (!is_not && !is_group)
		return term(p, p->tokens[p->i++]);
	p->i++;
	p->depth++;
	n = is_not ? parse_one(p) : parse_any(p);
	p->depth--;
	if (n == NULL || is_not)
		return n == NULL ? NULL : node_new(NODE_NOT, n, NULL);
	if (!is_next(p, ")")) {
		node_free(n);
		return refuse(p, ERR_USAGE, "a parenthesis is not closed%s", "");
	}
	p->i++;
	return n;
}

static struct node *
join(enum node_kind kind, struct node *a, struct node *b)
{
	if (b != NULL)
		return node_new(kind, a, b);
	node_free(a);
	return NULL;
}

static struct node *
parse_all(struct parser *p)
{
	struct node *n = parse_one(p);

	while (n != NULL && p->i < p->n && !is_next(p, "or") && !is_next(p, ")")) {
		if (is_next(p, "and"))
			p->i++;
		n = join(NODE_AND, n, parse_one(p));
	}
	return n;
}

static struct node *
parse_any(struct parser *p)
{
	struct node *n = parse_all(p);

	while (n != NULL && is_next(p, "or")) {
		p->i++;
		n = join(NODE_OR, n, parse_all(p));
	}
	return n;
}

int
audit_filter_parse_types(const char *const *words, size_t n, int64_t now_ns, const char *const *types, struct audit_filter **ret, struct err *err)
{
	struct err e = ERR_INIT;
	struct parser p = { .now_ns = now_ns, .types = types, .err = &e };
	struct node *root = NULL;

	if (n > WORDS_MAX)
		return err_set(err, ERR_LIMIT, "filter: more than %d words", WORDS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i]) > WORD_LEN_MAX)
			err_set(&e, ERR_LIMIT, "a word is longer than %d bytes", WORD_LEN_MAX);
		else
			split_argument(&p, words[i]);
	}
	if (e.code == 0 && p.n > 0)
		root = parse_any(&p);
	if (root != NULL && p.i < p.n) {
		refuse(&p, ERR_USAGE, "unexpected \"%s\"", p.tokens[p.i]);
		node_free(root);
		root = NULL;
	}
	for (size_t i = 0; i < p.n; i++)
		free(p.tokens[i]);
	free(p.tokens);
	if (e.code != 0) {
		err_prefix(&e, "filter");
		if (err != NULL)
			*err = e;
		return e.code;
	}
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->root = root;
	(*ret)->runs = xcalloc(RUNS_MAX, sizeof *(*ret)->runs);
	(*ret)->n_runs = xcalloc(1, sizeof(size_t));
	return 0;
}

int
audit_filter_parse(const char *const *words, size_t n, int64_t now_ns, struct audit_filter **ret, struct err *err)
{
	return audit_filter_parse_types(words, n, now_ns, NULL, ret, err);
}

void
audit_filter_free(struct audit_filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < RUNS_MAX; i++) {
		free(f->runs[i].run);
		free(f->runs[i].runbook);
	}
	free(f->runs);
	free(f->n_runs);
	node_free(f->root);
	free(f);
}

/* --- matching ------------------------------------------------------------------------------------------------------------------------------------------ */

static const char *
body_text(const struct audit_record *r, const char *name)
{
	return json_string_value(json_object_get(r->json, name));
}

static void
learn(const struct audit_filter *f, const struct audit_record *r)
{
	const char *runbook = body_text(r, "runbook");
	struct seen_run *s;

	if (r->type != AUDIT_RUN_START || r->run == NULL || runbook == NULL)
		return;
	s = &f->runs[(*f->n_runs)++ % RUNS_MAX];
	free(s->run);
	free(s->runbook);
	s->run = xstrdup(r->run);
	s->runbook = xstrdup(runbook);
}

static const char *
runbook_of(const struct audit_filter *f, const struct audit_record *r)
{
	const char *own = body_text(r, "runbook");
	size_t n = *f->n_runs, first = n > RUNS_MAX ? n - RUNS_MAX : 0;

	if (own != NULL || r->run == NULL)
		return own;
	while (n-- > first)
		if (strcmp(f->runs[n % RUNS_MAX].run, r->run) == 0)
			return f->runs[n % RUNS_MAX].runbook;
	return NULL;
}

static bool
matches_text(const struct node *n, const char *text)
{
	for (size_t i = 0; text != NULL && i < n->n_values; i++)
		if (fnmatch(n->values[i], text, 0) == 0)
			return true;
	return false;
}

/* The host of a step, or one of a run's hosts: a list of names, or an object by name. */
static bool
matches_host(const struct node *n, const struct audit_record *r)
{
	json_t *hosts = json_object_get(r->json, "hosts"), *v;
	const char *name;
	size_t i;

	if (matches_text(n, body_text(r, "host")))
		return true;
	json_array_foreach(hosts, i, v)
		if (matches_text(n, json_string_value(v)))
			return true;
	if (json_is_object(hosts))
		json_object_foreach(hosts, name, v)
			if (matches_text(n, name))
				return true;
	return false;
}

static bool
matches_field(const struct audit_filter *f, const struct node *n, const struct audit_record *r)
{
	switch (n->field) {
	case FIELD_RUN:
		return matches_text(n, r->run);
	case FIELD_RUNBOOK:
		return matches_text(n, runbook_of(f, r));
	case FIELD_TYPE:
		return matches_text(n, r->type_name);
	case FIELD_HOST:
		return matches_host(n, r);
	case FIELD_USER:
		return matches_text(n, r->user);
	case FIELD_ENV:
		return matches_text(n, r->env);
	case FIELD_INCIDENT:
		return matches_text(n, r->incident);
	case FIELD_OUTCOME:
		return matches_text(n, body_text(r, "outcome"));
	case FIELDS:
		break;
	}
	return false;
}

static bool
matches_line(const struct node *n, const struct audit_record *r)
{
	char *text = json_dumps(r->json, JSON_COMPACT);
	bool is_found = text != NULL && str_contains(text, n->text);

	free(text);
	return is_found;
}

static bool
matches(const struct audit_filter *f, const struct node *n, const struct audit_record *r)
{
	switch (n->kind) {
	case NODE_AND:
		return matches(f, n->a, r) && matches(f, n->b, r);
	case NODE_OR:
		return matches(f, n->a, r) || matches(f, n->b, r);
	case NODE_NOT:
		return !matches(f, n->a, r);
	case NODE_FIELD:
		return matches_field(f, n, r);
	case NODE_SINCE:
		return r->time_ns >= n->time_ns;
	case NODE_UNTIL:
		return r->time_ns <= n->time_ns;
	case NODE_TEXT:
		return matches_line(n, r);
	}
	return false;
}

bool
audit_filter_matches(const struct audit_filter *f, const struct audit_record *r)
{
	if (f == NULL)
		return true;
	learn(f, r);
	return f->root == NULL || matches(f, f->root, r);
}
