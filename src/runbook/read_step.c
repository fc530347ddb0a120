/* Steps: one list, with what include: splices in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/read.h"

enum { INCLUDES_MAX = 50, STEPS_MAX = 500, SHOWN = 200, KINDS_MAX = 16 };

static const char *const scopes[] = { "host", "run", NULL };
/* In the order of enum on_failure. */
static const char *const failures[] = { "stop", "continue", "undo", "ask", NULL };
/* Those that only read, or can be told to. */
static const enum step_kind checking[] = { STEP_SSH, STEP_HTTP, STEP_EXEC };

static read_by read_when;

#define AT(member) offsetof(struct runbook_step, member)
#define KIND(word, text) { .name = word, .type = READ_APART, .help = text }
static const struct read_row step_rows[] = {
	{ .name = "name", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(name), .max = "64", .flags = READ_REQUIRED, .help = "Its name, unique in the runbook." },
	KIND("ssh", "Run a command on the host."),
	KIND("registry", "Move an alias or a stage of the model registry, or set a tag."),
	KIND("http", "Send a request."),
	KIND("silence", "Silence alerts."),
	KIND("wait", "Wait for conditions, or a time."),
	KIND("confirm", "Ask whether to go on."),
	KIND("notify", "Say something to people."),
	KIND("action", "Do what actions: of the environment has under that name."),
	KIND("exec", "Run a program on this machine."),
	{ .name = "scope", .type = READ_APART, .choices = scopes, .help = "Once for each host, or once in the run." },
	{ .name = "first", .type = READ_SCALAR, .scalar = CONF_BOOL, .offset = AT(is_closing), .help = "Before all hosts, wherever it stands." },
	{ .name = "when", .type = READ_BY, .by = read_when, .help = "Conditions; it is skipped unless all hold." },
	{ .name = "check", .type = READ_BY, .by = read_step_check, .help = "A command that only reads, and tells whether it is done already." },
	{ .name = "undo", .type = READ_BY, .by = read_step_undo, .help = "How it is taken back; restore: put back what was there." },
	{ .name = "retries", .type = READ_UNSIGNED, .scalar = CONF_INT, .offset = AT(retries), .min = "0", .max = "20", .def = "0", .help = "How often it is tried again after it failed." },
	{ .name = "backoff", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(backoff_ns), .min = "100ms", .max = "1h", .def = "1s", .help = "Time before the first retry; doubled each time." },
	{ .name = "on_failure", .type = READ_SCALAR, .scalar = CONF_CHOICE, .offset = AT(on_failure), .choices = failures, .def = "stop", .help = "What happens when it failed." },
	{ .name = "include", .type = READ_APART, .help = "By itself: a file with a list of steps that stand here." },
	{ 0 }
};
#undef AT
const struct read_table read_step_table = { "a step", step_rows };

static const struct read_row check_rows[] = {
	{ .name = "expect", .type = READ_APART, .help = "What it must print; without it the exit status 0 says that it is done." },
	{ 0 }
};
const struct read_table read_check_table = { "check", check_rows };

static void
read_when(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct runbook_step *s = item;

	s->when = read_condition_list(rd, row->name, node, false, true, &s->n_when);
}

/* --- check and undo --------------------------------------------------------------------------------------- */

/* The map without one of its keys; shallow. */
static struct yaml_node
without(const struct yaml_node *map, const char *key)
{
	struct yaml_node rest = *map;

	rest.items = xcalloc(map->n + 1, sizeof(*rest.items));
	rest.keys = xcalloc(map->n + 1, sizeof(*rest.keys));
	rest.n = 0;
	for (size_t i = 0; i < map->n; i++)
		if (!str_eq(map->keys[i]->text, key)) {
			rest.items[rest.n] = map->items[i];
			rest.keys[rest.n++] = map->keys[i];
		}
	return rest;
}

/* { ssh: { run: .. } }, or what stands under the kind when it is that of the step: { run: .. }. */
static struct act *
read_sub_act(struct reader *rd, const struct yaml_node *map, enum step_kind usual)
{
	enum step_kind kind;
	struct act *a;

	if (map->n == 1 && step_kind_find(map->keys[0]->text, &kind)) {
		a = read_act(rd, kind, map->items[0]);
		if (kind == STEP_ACTION && rd->env != NULL)
			read_provider(rd, map->items[0], &a, NULL);
		return a;
	}
	/* What the action is, is not known without an environment. */
	if (usual == STEP_ACTION)
		usual = yaml_get(map, "path") != NULL ? STEP_HTTP : STEP_SSH;
	return read_act(rd, usual, map);
}

static bool
can_check(const struct act *a)
{
	if (a->kind == STEP_ACTION)
		return true;		/* what it is, is not known without an environment */
	for (size_t i = 0; i < sizeof checking / sizeof checking[0]; i++)
		if (checking[i] == a->kind)
			return a->kind != STEP_HTTP || a->method == NULL ||
			    str_eq(a->method, "GET") || str_eq(a->method, "HEAD");
	return false;
}

/* A host's ssh cannot be undone on no host. */
static void
check_scope(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	if (a->kind == STEP_SSH && !rd->is_per_host)
		read_problem(rd, node, rd->has_hosts ? "ssh: needs a host: it goes with scope: host" :
		    "ssh: needs hosts: the runbook stands for none");
}

/* An action's own, where the step has another. */
static void
drop_check(struct runbook_step *s)
{
	act_free_all(s->check);
	template_free(s->check_expect);
	s->check = NULL;
	s->check_expect = NULL;
}

static void
drop_undo(struct runbook_step *s)
{
	act_free_all(s->undo);
	s->undo = NULL;
	s->is_undo_restore = s->is_undo_nothing = false;
}

void
read_step_check(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	const struct yaml_node *expect = yaml_get(node, "expect");
	struct runbook_step *s = item;
	struct yaml_node rest;

	(void)row;
	if (node->type != YAML_TYPE_MAP) {
		read_problem(rd, node, "check: a map is expected: { run: [PROGRAM, ARGUMENT], expect: "
		    "TEXT }");
		return;
	}
	if (expect != NULL && expect->type != YAML_TYPE_SCALAR && s->act->kind == STEP_HTTP)
		expect = NULL;		/* http's own expect: { at: .., value: .. } */
	rest = without(node, expect != NULL ? "expect" : "");
	drop_check(s);
	s->check = read_sub_act(rd, &rest, s->act->kind);
	if (expect != NULL)
		s->check_expect = read_template(rd, "expect", expect, PLACE_WORD);
	if (!can_check(s->check))
		read_problem(rd, node, "check: only ssh, exec, and http by GET or HEAD can look without "
		    "changing anything; name one: check: { ssh: { run: [..] } }");
	check_scope(rd, node, s->check);
	free(rest.items);
	free(rest.keys);
}

static bool
can_restore(const struct act *a)
{
	return a->kind == STEP_REGISTRY || a->kind == STEP_SILENCE || a->kind == STEP_HTTP;
}

static void
read_restore(struct reader *rd, const struct yaml_node *node, struct runbook_step *s)
{
	s->is_undo_restore = true;
	if (!can_restore(s->act))
		read_problem(rd, node, "undo: restore goes with registry, http and silence; how %s is "
		    "taken back must be said: undo: { run: [..] }", step_kind_name(s->act->kind));
	else if (s->act->kind == STEP_HTTP && !str_eq(s->act->method, "PUT"))
		read_problem(rd, node, "undo: restore of http needs the method PUT: what a GET of the path "
		    "gave before is put back");
}

void
read_step_undo(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	struct runbook_step *s = item;

	(void)row;
	drop_undo(s);
	if (node->type == YAML_TYPE_SCALAR && str_eq(node->text, "restore")) {
		read_restore(rd, node, s);
		return;
	}
	if (node->type == YAML_TYPE_SCALAR && str_eq(node->text, "nothing")) {
		s->is_undo_nothing = true;
		return;
	}
	if (node->type != YAML_TYPE_MAP) {
		read_problem(rd, node, "undo: restore, nothing (it changes nothing), or a map is expected: { run: [PROGRAM, "
		    "ARGUMENT] }");
		return;
	}
	s->undo = read_sub_act(rd, node, s->act->kind);
	check_scope(rd, node, s->undo);
	if (s->undo->kind == STEP_WAIT || s->undo->kind == STEP_CONFIRM || s->undo->kind == STEP_NOTIFY)
		read_problem(rd, node, "undo: %s takes nothing back", step_kind_name(s->undo->kind));
}

/* --- one step -------------------------------------------------------------------------------------------------- */

/* ssh and actions are done on hosts, the others once. */
static bool
is_usually_run(const struct reader *rd, enum step_kind kind)
{
	return !rd->has_hosts || (kind != STEP_SSH && kind != STEP_ACTION);
}

static bool
read_scope(struct reader *rd, const struct yaml_node *node, enum step_kind kind)
{
	const struct yaml_node *scope = yaml_get(node, "scope");

	if (yaml_is_null(scope) || !read_is_text(rd, "scope", scope))
		return is_usually_run(rd, kind);
	if (str_eq(scope->text, "host") && !rd->has_hosts)
		read_problem(rd, scope, "scope: host needs hosts: the runbook stands for none");
	else if (!str_eq(scope->text, "host") && !str_eq(scope->text, "run"))
		read_problem(rd, scope, "scope: host or run is expected");
	return !str_eq(scope->text, "host");
}

static void
check_step(struct reader *rd, const struct yaml_node *node, struct runbook_step *s)
{
	enum step_kind kind = s->act->kind;
	const struct yaml_node *first = yaml_get(node, "first");

	if (!s->is_run_scope && kind == STEP_CONFIRM)
		read_problem(rd, node, "confirm: is asked once: scope: run");
	if (first != NULL && !s->is_run_scope)
		read_problem(rd, first, "first: goes with scope: run; steps on hosts keep their order");
	if (s->retries > 0 && kind == STEP_CONFIRM)
		read_problem(rd, yaml_get(node, "retries"), "retries: a question is asked once");
	check_scope(rd, node, s->act);
}

static void
read_step(struct reader *rd, const struct yaml_node *node, struct runbook_step *s)
{
	const char *names[KINDS_MAX];
	const struct yaml_node *what;
	size_t kind = 0;

	s->at = read_position(rd, node);
	for (size_t i = 0; i < STEP_KINDS; i++)
		names[i] = step_kind_name((enum step_kind)i);
	if (read_kind(rd, "a step", node, names, STEP_KINDS, &kind) == NULL)
		return;
	s->is_run_scope = read_scope(rd, node, (enum step_kind)kind);
	rd->is_per_host = !s->is_run_scope;
	what = yaml_get(node, names[kind]);
	s->act = read_act(rd, (enum step_kind)kind, what);
	if (s->act->kind == STEP_ACTION && rd->env != NULL)
		read_provider(rd, what, &s->act, s);
	read_map(rd, &read_step_table, node, s);
	check_step(rd, node, s);
	rd->is_per_host = false;
}

/* --- including ----------------------------------------------------------------------------------------------------- */

static void add_steps(struct reader *rd, const struct yaml_node *list);

/* Relative, and never up: what is included lies in the folder of the runbook or below it. */
static bool
is_inside(const char *path)
{
	if (path[0] == '/' || path[0] == '\0')
		return false;
	for (const char *p = path; p != NULL; p = strchr(p, '/') != NULL ? strchr(p, '/') + 1 : NULL)
		if (str_has_prefix(p, "../") || str_eq(p, ".."))
			return false;
	return true;
}

static const char *
keep_name(struct reader *rd, char *path)
{
	size_t n = 0;

	while (rd->rb->files[n] != NULL)
		n++;
	rd->rb->files = xreallocarray(rd->rb->files, n + 2, sizeof(*rd->rb->files));
	rd->rb->files[n] = path;
	rd->rb->files[n + 1] = NULL;
	return path;
}

static size_t
count_files(const struct reader *rd)
{
	size_t n = 0;

	while (rd->rb->files[n] != NULL)
		n++;
	return n;
}

static void
read_included(struct reader *rd, const struct yaml_node *node, const char *path, const struct buf *b)
{
	const char *before = rd->file;
	struct err err = ERR_INIT;
	struct yaml_file *f;

	/* Its name counts too: two files are not one longer one. */
	digest_add(rd->hash, node->text, node->len + 1);
	digest_add(rd->hash, b->data, b->len);
	if (yaml_parse(path, b->data, b->len, &f, &err) < 0) {
		rd->is_broken = true;
		conf_problems_add(rd->problems, "%s", err.msg);
		return;
	}
	rd->file = path;
	if (f->n_docs != 1 || f->docs[0]->type != YAML_TYPE_LIST)
		read_problem(rd, f->n_docs > 0 ? f->docs[0] :
		    &(struct yaml_node){ .line = 1, .column = 1 }, "one list of steps is expected");
	else
		add_steps(rd, f->docs[0]);
	rd->file = before;
	yaml_file_free(f);
}

static char *
sibling(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	return xasprintf("%.*s%s", slash != NULL ? (int)(slash - file) + 1 : 0, file, name);
}

/* The chain of includes, from the runbook down to here, has this file already. */
static bool
is_cycle(const struct reader *rd, const char *path)
{
	for (unsigned i = 0; i <= rd->depth; i++)
		if (str_eq(rd->chain[i], path))
			return true;
	return false;
}

static void
include(struct reader *rd, const struct yaml_node *node)
{
	char shown[SHOWN], *path;
	struct err err = ERR_INIT;
	struct buf b;

	if (!read_is_text(rd, "include", node))
		return;
	if (!is_inside(node->text)) {
		read_problem(rd, node, "include: '%s' is not inside the runbook's folder: a relative path "
		    "without .. is expected", str_escape_to(shown, sizeof shown, node->text));
		return;
	}
	path = sibling(rd->file, node->text);
	if (is_cycle(rd, path) || rd->depth + 1 >= READ_CHAIN_MAX) {
		read_problem(rd, node, is_cycle(rd, path) ? "include: %s includes itself on this way" :
		    "include: %s is too deep", str_escape_to(shown, sizeof shown, node->text));
		free(path);
		return;
	}
	if (count_files(rd) > INCLUDES_MAX) {
		read_problem(rd, node, "include: more than %d files are included", INCLUDES_MAX);
		free(path);
		return;
	}
	buf_init(&b, YAML_BYTES_MAX);
	keep_name(rd, path);
	if (runbook_file_read(path, rd->rb->is_shipped, &b, &err) < 0) {
		read_problem(rd, node, "include: %s", err.msg);
	} else {
		rd->chain[++rd->depth] = path;
		read_included(rd, node, path, &b);
		rd->depth--;
	}
	buf_done(&b);
}

static void
add_step(struct reader *rd, const struct yaml_node *node)
{
	struct runbook *rb = rd->rb;

	if (rb->n_steps == STEPS_MAX) {
		read_problem(rd, node, "steps: more than %d", STEPS_MAX);
		return;
	}
	rb->steps = xreallocarray(rb->steps, rb->n_steps + 1, sizeof *rb->steps);
	rb->steps[rb->n_steps] = (struct runbook_step){ 0 };
	read_step(rd, node, &rb->steps[rb->n_steps]);
	rb->n_steps++;
}

static void
add_steps(struct reader *rd, const struct yaml_node *list)
{
	const struct yaml_node *file;

	for (size_t i = 0; i < list->n; i++) {
		file = yaml_get(list->items[i], "include");
		if (file != NULL && list->items[i]->n == 1)
			include(rd, file);
		else if (file != NULL)
			read_problem(rd, list->items[i], "include: stands by itself");
		else
			add_step(rd, list->items[i]);
	}
}

/* Those before all hosts, those on hosts, those after; as written within each. */
static void
sort_steps(struct runbook *rb)
{
	struct runbook_step *sorted = xcalloc(rb->n_steps + 1, sizeof *sorted);
	bool has_host = false;
	size_t n = 0;

	for (size_t i = 0; i < rb->n_steps; i++) {
		struct runbook_step *s = &rb->steps[i];
		bool is_first = s->is_closing;	/* where first: was read to */

		has_host = has_host || !s->is_run_scope;
		s->is_closing = s->is_run_scope && has_host && !is_first;
	}
	for (int part = 0; part < 3; part++)
		for (size_t i = 0; i < rb->n_steps; i++) {
			const struct runbook_step *s = &rb->steps[i];

			if (part == (!s->is_run_scope ? 1 : s->is_closing ? 2 : 0))
				sorted[n++] = *s;
		}
	free(rb->steps);
	rb->steps = sorted;
}

static void
check_names(struct reader *rd)
{
	static const char *const taken[] = { "precheck", "health", "verify" };

	for (size_t i = 0; i < rd->rb->n_steps; i++) {
		const struct runbook_step *s = &rd->rb->steps[i];
		const struct yaml_node at = { .line = s->at.line, .column = s->at.column };
		const char *before = rd->file;

		rd->file = s->at.file;
		for (size_t j = 0; s->name != NULL && j < sizeof taken / sizeof taken[0]; j++)
			if (str_eq(s->name, taken[j]))
				read_problem(rd, &at, "a step cannot be called '%s': the run calls "
				    "something else so", taken[j]);
		for (size_t j = 0; s->name != NULL && j < i; j++)
			if (str_eq(rd->rb->steps[j].name, s->name))
				read_problem(rd, &at, "the name '%s' is taken by the step at line %u",
				    s->name, rd->rb->steps[j].at.line);
		rd->file = before;
	}
}

void
read_steps(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	(void)item;
	if (node->type != YAML_TYPE_LIST || node->n == 0) {
		read_problem(rd, node, "%s: a list is expected: begin each step with '- name: '",
		    row->name);
		return;
	}
	add_steps(rd, node);
	check_names(rd);
	sort_steps(rd->rb);
}

void
steps_free(struct runbook_step *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		act_free_all(v[i].act);
		act_free_all(v[i].check);
		act_free_all(v[i].undo);
		template_free(v[i].check_expect);
		conditions_free(v[i].when, v[i].n_when);
	}
	free(v);
}
