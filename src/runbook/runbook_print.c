/* --runbooks and --describe: what there is, for people and as JSON. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/read.h"

enum { CELL = 200 };

/* --- JSON ---------------------------------------------------------------------------------------------- */

static int
print_json(json_t *json)
{
	int r = json_dumpf(json, stdout, JSON_INDENT(2));

	printf("\n");
	json_decref(json);
	return r < 0 || fflush(stdout) != 0 ? 1 : 0;
}

/* Names of files and values may hold any bytes; JSON may not. */
static json_t *
text_json(const char *text)
{
	struct buf b;
	json_t *json;

	if (text == NULL)
		return json_null();
	json = json_string(text);
	if (json != NULL)
		return json;
	buf_init(&b, 5 * strlen(text) + 1);
	str_escape(&b, text, strlen(text));
	json = json_string(b.data);
	buf_done(&b);
	return json;
}

static json_t *
texts_json(char *const *v)
{
	json_t *all = json_array();

	for (size_t i = 0; v != NULL && v[i] != NULL; i++)
		json_array_append_new(all, text_json(v[i]));
	return all;
}

static json_t *
param_json(const struct runbook_param *p)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", text_json(p->name));
	json_object_set_new(json, "title", text_json(p->title));
	json_object_set_new(json, "type", json_string(param_type_name(p->type)));
	json_object_set_new(json, "required", json_boolean(p->is_required && p->def == NULL));
	json_object_set_new(json, "default", text_json(p->def));
	json_object_set_new(json, "of", text_json(p->of));
	json_object_set_new(json, "choices", texts_json(p->choices));
	json_object_set_new(json, "pattern", text_json(p->pattern));
	if (p->type == PARAM_INT) {
		json_object_set_new(json, "min", json_integer(p->min));
		json_object_set_new(json, "max", json_integer(p->max));
	} else if (p->type == PARAM_DURATION) {
		json_object_set_new(json, "min_s", json_real((double)p->min / (double)NS_PER_S));
		json_object_set_new(json, "max_s", json_real((double)p->max / (double)NS_PER_S));
	}
	return json;
}

static const char *
scope_name(const struct runbook_step *s)
{
	return s->is_run_scope ? "run" : "host";
}

static const char *
undo_text(const struct runbook_step *s)
{
	return s->is_undo_restore ? "restore" : s->is_undo_nothing ? "nothing" : s->undo != NULL ? step_kind_name(s->undo->kind) : NULL;
}

static json_t *
step_json(const struct runbook_step *s)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", text_json(s->name));
	json_object_set_new(json, "kind", json_string(step_kind_name(s->act->kind)));
	json_object_set_new(json, "action", text_json(s->act->action));
	if (s->act->script != NULL)
		json_object_set_new(json, "script", text_json(s->act->script));
	json_object_set_new(json, "scope", json_string(scope_name(s)));
	json_object_set_new(json, "closing", json_boolean(s->is_closing));
	json_object_set_new(json, "check", json_boolean(s->check != NULL));
	json_object_set_new(json, "undo", text_json(undo_text(s)));
	json_object_set_new(json, "timeout_s",
	    json_real((double)s->act->timeout_ns / (double)NS_PER_S));
	json_object_set_new(json, "retries", json_integer(s->retries));
	return json;
}

static json_t *
conditions_json(struct condition *const *v, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, text_json(v[i]->text));
	return all;
}

static json_t *
head_json(const struct runbook *r)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", text_json(r->name));
	json_object_set_new(json, "title", text_json(r->title));
	json_object_set_new(json, "danger", json_string(danger_name(r->danger)));
	json_object_set_new(json, "file", text_json(r->file));
	json_object_set_new(json, "sha256", text_json(r->sha256));
	json_object_set_new(json, "shipped", json_boolean(r->is_shipped));
	json_object_set_new(json, "offer_alerts", texts_json(r->offer_alerts));
	return json;
}

static json_t *
params_json(const struct runbook *r)
{
	json_t *all = json_array();

	for (size_t i = 0; i < r->n_params; i++)
		json_array_append_new(all, param_json(&r->params[i]));
	return all;
}

static json_t *
runbook_json(const struct runbook *r)
{
	json_t *json = head_json(r), *steps = json_array();

	for (size_t i = 0; i < r->n_steps; i++)
		json_array_append_new(steps, step_json(&r->steps[i]));
	json_object_set_new(json, "description", text_json(r->description));
	json_object_set_new(json, "confirm", text_json(r->confirm != NULL ?
	    template_source(r->confirm) : NULL));
	json_object_set_new(json, "params", params_json(r));
	json_object_set_new(json, "group", text_json(r->group));
	json_object_set_new(json, "hosts", text_json(r->hosts != NULL ?
	    template_source(r->hosts) : NULL));
	json_object_set_new(json, "preconditions",
	    conditions_json(r->preconditions, r->n_preconditions));
	json_object_set_new(json, "steps", steps);
	json_object_set_new(json, "health", conditions_json(r->health, r->n_health));
	json_object_set_new(json, "verify", conditions_json(r->verify, r->n_verify));
	json_object_set_new(json, "cannot", text_json(r->cannot));
	json_object_set_new(json, "escalate", text_json(r->escalate));
	return json;
}

static json_t *
list_json(const struct runbooks *r)
{
	json_t *json = json_object(), *all = json_array(), *broken = json_array(), *one;

	for (size_t i = 0; i < r->n; i++) {
		one = head_json(r->v[i]);
		json_object_set_new(one, "params", params_json(r->v[i]));
		json_array_append_new(all, one);
	}
	for (size_t i = 0; i < r->n_broken; i++) {
		one = json_object();
		json_object_set_new(one, "name", text_json(r->broken[i].name));
		json_object_set_new(one, "file", text_json(r->broken[i].file));
		json_object_set_new(one, "problem", text_json(r->broken[i].first));
		json_array_append_new(broken, one);
	}
	json_object_set_new(json, "runbooks", all);
	json_object_set_new(json, "broken", broken);
	return json;
}

/* --- text --------------------------------------------------------------------------------------------------- */

static void
print_padded(const char *text, size_t width)
{
	char shown[CELL];
	size_t has;

	str_escape_to(shown, sizeof shown, text);
	has = str_width(shown);
	printf("%s%*s", shown, (int)(has < width ? width - has : 0), "");
}

static void
print_line(const char *name, const char *text)
{
	char shown[1000];

	if (text == NULL || text[0] == '\0')
		return;
	printf("  %-14s%s\n", name, str_escape_to(shown, sizeof shown, text));
}

static size_t
width_of_names(const struct runbooks *r)
{
	size_t width = 8;

	for (size_t i = 0; i < r->n; i++)
		width = strlen(r->v[i]->name) > width ? strlen(r->v[i]->name) : width;
	for (size_t i = 0; i < r->n_broken; i++)
		width = str_width(r->broken[i].name) > width ? str_width(r->broken[i].name) : width;
	return width < 40 ? width : 40;
}

int
runbooks_list_main(const struct runbooks *r, bool is_json)
{
	size_t width = width_of_names(r);
	char shown[600];

	if (is_json)
		return print_json(list_json(r));
	if (r->n + r->n_broken == 0)
		printf("no runbooks\n");
	for (size_t i = 0; i < r->n; i++) {
		print_padded(r->v[i]->name, width + 2);
		print_padded(danger_name(r->v[i]->danger), 8);
		printf("%s\n", str_escape_to(shown, sizeof shown, r->v[i]->title));
	}
	for (size_t i = 0; i < r->n_broken; i++) {
		print_padded(r->broken[i].name, width + 2);
		printf("cannot be run: %s\n", str_escape_to(shown, sizeof shown, r->broken[i].first));
	}
	return fflush(stdout) != 0 ? 1 : 0;
}

static void
print_description(const char *text)
{
	char shown[1000], *line;
	size_t len;

	for (; text != NULL && *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		line = xstrndup(text, len);
		printf("  %s\n", str_escape_to(shown, sizeof shown, line));
		free(line);
	}
}

static void
print_param(const struct runbook_param *p)
{
	struct buf b;
	const char *sep = "";

	buf_init(&b, 4000);
	buf_printf(&b, "%s", param_type_name(p->type));
	if (p->of != NULL)
		buf_printf(&b, " of %s", p->of);
	if (p->def != NULL)
		buf_printf(&b, ", default %s", p->def);
	else
		buf_addstr(&b, p->is_required ? ", needed" : ", may be left out");
	if (p->choices != NULL)
		buf_addstr(&b, ": ");
	for (size_t i = 0; p->choices != NULL && p->choices[i] != NULL; i++, sep = ", ")
		buf_printf(&b, "%s%s", sep, p->choices[i]);
	if (p->title[0] != '\0')
		buf_printf(&b, " - %s", p->title);
	print_line(p->name, b.data);
	buf_done(&b);
}

/* As it is written: what is run is what was read. */
static void
print_script(const char *text)
{
	struct buf b;
	size_t len;

	for (; text != NULL && *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		buf_init(&b, 5 * len + 1);
		str_escape(&b, text, len);
		printf("  %-14s| %s\n", "", b.data != NULL ? b.data : "");
		buf_done(&b);
	}
}

static void
print_step(const struct runbook_step *s)
{
	char *text = xasprintf("%s %s%s%s%s%s", step_kind_name(s->act->kind),
	    !s->is_run_scope ? "on each host" : s->is_closing ? "after all hosts" : "once",
	    s->check != NULL ? ", checked first" : "", s->n_when > 0 ? ", only when: " : "",
	    s->n_when > 0 ? s->when[0]->text : "",
	    s->is_undo_restore ? ", undo: restore" : s->is_undo_nothing ? ", changes nothing" : s->undo != NULL ? ", can be undone" :
	    s->act->kind == STEP_WAIT || s->act->kind == STEP_CONFIRM ||
	    s->act->kind == STEP_NOTIFY ? "" : ", cannot be undone");

	print_line(s->name, text);
	print_script(s->act->script);
	free(text);
}

static void
print_conditions(const char *heading, struct condition *const *v, size_t n)
{
	if (n > 0)
		printf("%s\n", heading);
	for (size_t i = 0; i < n; i++)
		printf("  %s\n", v[i]->text);
}

static void
print_batches(const struct runbook *r)
{
	struct buf b;

	buf_init(&b, 4000);
	for (size_t i = 0; i < r->n_batches; i++)
		buf_printf(&b, "%s%g%s", i > 0 ? ", " : "", r->batches[i].value,
		    r->batches[i].is_percent ? "%" : "");
	for (size_t i = 0; i < r->n_batch_lists; i++)
		for (size_t j = 0; r->batch_lists[i][j] != NULL; j++)
			buf_printf(&b, "%s%s", j > 0 ? " " : i > 0 ? ", " : "", r->batch_lists[i][j]);
	if (b.len > 0)
		buf_printf(&b, "; more than %u failing stops", r->max_failures);
	print_line("batches", b.data);
	buf_done(&b);
}

static void
print_head(const struct runbook *r)
{
	char shown[CELL], other[CELL];

	printf("%s - %s\n", r->name, str_escape_to(shown, sizeof shown, r->title));
	print_description(r->description);
	print_line("danger", danger_name(r->danger));
	print_line("confirm", r->confirm != NULL ? template_source(r->confirm) : NULL);
	print_line("file", r->file);
	if (r->group != NULL) {
		snprintf(other, sizeof other, "group %s", r->group);
		print_line("hosts", other);
	}
	print_line("hosts", r->hosts != NULL ? template_source(r->hosts) : NULL);
	print_batches(r);
	print_line("cannot", r->cannot);
	print_line("escalate", r->escalate);
}

int
runbook_describe_main(const struct runbook *r, bool is_json)
{
	if (is_json)
		return print_json(runbook_json(r));
	print_head(r);
	if (r->n_params > 0)
		printf("parameters (--set NAME=VALUE)\n");
	for (size_t i = 0; i < r->n_params; i++)
		print_param(&r->params[i]);
	print_conditions("must hold before", r->preconditions, r->n_preconditions);
	printf("steps\n");
	for (size_t i = 0; i < r->n_steps; i++)
		print_step(&r->steps[i]);
	print_conditions("must hold after each batch", r->health, r->n_health);
	print_conditions("verified by", r->verify, r->n_verify);
	return fflush(stdout) != 0 ? 1 : 0;
}
