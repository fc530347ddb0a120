#include "config.h"

#include "runbook_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secrets.h"
#include "base/str.h"

enum { CHOICES_MAX = 12, LINE_MAX_BYTES = 64 << 10, NAME_W = 14, HOST_W = 14, OUTCOME_W = 12 };

/* --- choices ---------------------------------------------------------------------------------------------------------- */

static void
add_choice(struct buf *b, const char *name, const char *beside)
{
	if (b->len > 0)
		buf_addstr(b, ", ");
	str_escape(b, name, strlen(name));
	if (*beside == '\0')
		return;
	buf_addstr(b, " (");
	str_escape(b, beside, strlen(beside));
	buf_addch(b, ')');
}

static const char *
set_value(const struct run_set *sets, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(sets[i].name, name))
			return sets[i].value;
	return NULL;
}

/* Newest first, with the alias or stage that each bears. */
static void
version_choices(const struct model *m, const char *model, struct buf *b)
{
	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *mm = model_model(m, i);

		if (mm->reg == NULL || (model != NULL && !str_eq(mm->def->name, model)))
			continue;
		for (size_t j = 0; j < mm->reg->n_versions && j < CHOICES_MAX; j++) {
			const struct reg_version *v = &mm->reg->versions[j];

			add_choice(b, v->version, v->aliases.n > 0 ? v->aliases.v[0] : v->stage);
		}
		return;
	}
}

void
runbook_choices(const struct runbook_param *p, const struct run_set *sets, size_t n_sets, const struct model *m, struct buf *b)
{
	switch (p->type) {
	case PARAM_ENUM:
		for (size_t i = 0; p->choices != NULL && p->choices[i] != NULL; i++)
			add_choice(b, p->choices[i], "");
		break;
	case PARAM_MODEL:
		for (size_t i = 0; i < model_n_models(m) && i < CHOICES_MAX; i++)
			add_choice(b, model_model(m, i)->def->name, "");
		break;
	case PARAM_MODEL_VERSION:
		version_choices(m, p->of != NULL ? set_value(sets, n_sets, p->of) : NULL, b);
		break;
	case PARAM_HOST:
		for (size_t i = 0, n = 0; i < model_n_hosts(m) && n < CHOICES_MAX; i++) {
			const struct host_def *h = model_host(m, i)->def;

			for (size_t j = 0; h != NULL && j < h->groups.n; j++)
				if (p->of == NULL || strcmp(h->groups.v[j], p->of) == 0) {
					add_choice(b, h->name, "");
					n++;
					break;
				}
		}
		break;
	default:
		break;
	}
}

/* --- text --------------------------------------------------------------------------------------------------------------------- */

static void
stamp(FILE *to, int64_t at_ns)
{
	char at[CLOCK_TEXT_MAX];

	fprintf(to, "%.8sZ  ", clock_format(at, at_ns, 0) + 11);
}

static void
print_output(FILE *to, const struct run_notice *n)
{
	struct buf shown;
	const char *line;

	buf_init(&shown, 4 * n->len + 64);
	/* Lines stay lines; all else that could move the cursor is written visibly. */
	for (size_t i = 0; i < n->len;) {
		const char *end = memchr(n->text + i, '\n', n->len - i);
		size_t len = end != NULL ? (size_t)(end - n->text) - i : n->len - i;

		str_escape(&shown, n->text + i, len);
		buf_addch(&shown, '\n');
		i += len + 1;
	}
	for (line = shown.data; *line != '\0'; line += strcspn(line, "\n") + 1)
		fprintf(to, "           %-*s %s %.*s\n", HOST_W, n->host, n->is_err ? "!" : "|", (int)strcspn(line, "\n"), line);
	buf_done(&shown);
}

void
runbook_text_notice(FILE *to, const struct run_info *info, const struct run_notice *n)
{
	const char *host = *n->host != '\0' ? n->host : info->runbook;

	switch (n->kind) {
	case NOTICE_OUTPUT:
		print_output(to, n);
		return;
	case NOTICE_FACT:
	case NOTICE_QUESTION:	/* facts stand in the plan; a question is asked */
		return;
	case NOTICE_STATE:
		stamp(to, n->at_ns);
		fprintf(to, "%-*s %s", HOST_W, info->runbook, run_state_name(info->state));
		fprintf(to, *n->text != '\0' && strcmp(n->text, run_state_name(info->state)) != 0 ? ": %s\n" : "\n", n->text);
		break;
	case NOTICE_BATCH:
		stamp(to, n->at_ns);
		fprintf(to, "%-*s batch %d of %u: %s\n", HOST_W, info->runbook, n->batch + 1, info->n_batches, n->text);
		break;
	case NOTICE_STEP:
	case NOTICE_CONDITION:
		stamp(to, n->at_ns);
		fprintf(to, "%-*s %-*s %-*s %s", HOST_W, host, NAME_W, n->name, OUTCOME_W, outcome_name(n->outcome), n->text);
		if (n->attempt > 1)
			fprintf(to, " (attempt %u)", n->attempt);
		fputc('\n', to);
		break;
	case NOTICE_END:
		break;
	}
	fflush(to);
}

static void
print_head(FILE *to, const struct run_info *info)
{
	fprintf(to, "%s  %s  %s\n", info->runbook, *info->target != '\0' ? info->target : info->env, info->title);
	for (size_t i = 0; i < info->n_values; i++)
		fprintf(to, "  %-11s %s%s%s%s\n", info->values[i].name, info->values[i].value, *info->values[i].from != '\0' ? "  (" : "",
		    info->values[i].from, *info->values[i].from != '\0' ? ")" : "");
}

static bool
is_after_hosts(const struct run_column *column)
{
	return column->phase == PHASE_CLOSING || column->phase == PHASE_VERIFY;
}

/* Of what is done once: that before the hosts, or that after them. */
static void
print_cells(FILE *to, const struct run_info *info, const struct run_row *row, bool is_after)
{
	bool is_once = *row->host == '\0';

	for (size_t i = 0; i < info->n_columns; i++) {
		const struct run_cell *cell = &row->cells[i];

		if (cell->outcome == OUTCOME_NONE || is_after != (is_once && is_after_hosts(&info->columns[i])))
			continue;
		fprintf(to, "  %-*s %-*s %-*s %s\n", HOST_W, *row->host != '\0' ? row->host : "(once)", NAME_W, info->columns[i].name, OUTCOME_W,
		    outcome_name(cell->outcome), cell->text);
		if (*cell->command != '\0')
			fprintf(to, "  %-*s   $ %s\n", HOST_W, "", cell->command);
		if (*cell->undo != '\0')
			fprintf(to, "  %-*s   undo: %s\n", HOST_W, "", cell->undo);
	}
}

/* In the order in which they are done, not in that of the rows. */
static void
print_rows(FILE *to, const struct run_info *info, bool is_once, bool is_after)
{
	for (size_t i = 0; i < info->n_rows; i++)
		if ((*info->rows[i].host == '\0') == is_once)
			print_cells(to, info, &info->rows[i], is_after);
}

/* Values stand above the facts, and the exact commands of steps below them. */
static bool
is_told(const struct run_info *info, const char *fact)
{
	for (size_t i = 0; i < info->n_values; i++)
		if (strcmp(info->values[i].name, fact) == 0)
			return true;
	return strcmp(fact, "steps") == 0;
}

void
runbook_text_plan(FILE *to, const struct run_info *info)
{
	print_head(to, info);
	for (size_t i = 0; i < info->n_facts; i++)
		if (!is_told(info, info->facts[i].name))
			fprintf(to, "  %-11s %s%s%s\n", info->facts[i].name,
			    info->facts[i].outcome != OUTCOME_NONE ? outcome_name(info->facts[i].outcome) : "",
			    info->facts[i].outcome != OUTCOME_NONE ? ": " : "", info->facts[i].text);
	fputc('\n', to);
	print_rows(to, info, true, false);
	print_rows(to, info, false, false);
	print_rows(to, info, true, true);
	fprintf(to, "\n%s\n", info->text);
	if (*info->plan != '\0')
		fprintf(to, "plan %s\n", info->plan);
	fflush(to);
}

/* Something was begun and did not end well, and was not taken back. */
static bool
can_go_on(const struct run_info *info)
{
	if (info->is_dry_run || info->seq_first == 0 || (info->exit != 1 && info->exit != 5))
		return false;
	for (size_t i = 0; i < info->n_rows; i++)
		for (size_t j = 0; j < info->n_columns; j++)
			if (info->rows[i].cells[j].outcome == OUTCOME_UNDONE)
				return false;
	return true;
}

/* Only a run of the same values can be gone on with. */
static void
print_going_on(FILE *to, const struct run_info *info)
{
	bool is_given = false;

	for (size_t i = 0; i < info->n_values; i++)
		is_given |= str_eq(info->values[i].from, "given") || str_eq(info->values[i].from, "asked");
	fprintf(to, "to go on: opsconsole --env %s --runbook %s --resume %s%s\n", info->env, info->runbook, info->id,
	    is_given ? ", with the same --set" : "");
}

void
runbook_text_summary(FILE *to, const struct run_info *info)
{
	char took[DURATION_TEXT_MAX];

	for (size_t i = 0; i < info->n_rows; i++)
		if (*info->rows[i].host != '\0')
			fprintf(to, "%-*s %s\n", HOST_W, info->rows[i].host, info->rows[i].state);
	fprintf(to, "%s %s: %s\n", info->runbook, info->id, info->text);
	if (info->started_ns != 0 && info->ended_ns != 0)
		fprintf(to, "took %s", duration_format(took, info->ended_ns - info->started_ns));
	if (info->seq_first != 0)
		fprintf(to, "%srecords %llu to %llu of the audit log", info->started_ns != 0 && info->ended_ns != 0 ? ", " : "",
		    (unsigned long long)info->seq_first, (unsigned long long)info->seq_last);
	fputc('\n', to);
	if (can_go_on(info))
		print_going_on(to, info);
	fflush(to);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------------- */

static json_t *
text_json(const char *text, size_t len)
{
	struct buf masked, shown;
	json_t *json;

	buf_init(&masked, LINE_MAX_BYTES + 4 * len);
	secrets_mask(&masked, text, len);
	json = json_stringn(masked.data, masked.len);
	if (json == NULL) {	/* not UTF-8 */
		buf_init(&shown, 4 * masked.len + 1);
		str_escape(&shown, masked.data, masked.len);
		json = json_stringn(shown.data, shown.len);
		buf_done(&shown);
	}
	buf_done(&masked);
	return json != NULL ? json : json_string("");
}

static json_t *
string_json(const char *text)
{
	return text != NULL ? text_json(text, strlen(text)) : json_null();
}

static json_t *
time_json(int64_t at_ns)
{
	char at[CLOCK_TEXT_MAX];

	return at_ns != 0 ? json_string(clock_format(at, at_ns, 9)) : json_null();
}

static void
print_json(FILE *to, json_t *json)
{
	json_dumpf(json, to, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', to);
	fflush(to);
	json_decref(json);
}

void
runbook_json_notice(FILE *to, const struct run_info *info, const struct run_notice *n)
{
	static const char *const names[] = { [NOTICE_STATE] = "state", [NOTICE_FACT] = "fact", [NOTICE_STEP] = "step", [NOTICE_OUTPUT] = "output",
		[NOTICE_CONDITION] = "condition", [NOTICE_BATCH] = "batch", [NOTICE_QUESTION] = "question", [NOTICE_END] = "end" };
	json_t *json = json_object();

	json_object_set_new(json, "event", json_string(names[n->kind]));
	json_object_set_new(json, "time", time_json(n->at_ns));
	json_object_set_new(json, "run", string_json(info->id));
	json_object_set_new(json, "state", json_string(run_state_name(info->state)));
	if (n->name != NULL && *n->name != '\0')
		json_object_set_new(json, "name", string_json(n->name));
	if (n->host != NULL && *n->host != '\0')
		json_object_set_new(json, "host", string_json(n->host));
	if (n->batch >= 0)
		json_object_set_new(json, "batch", json_integer(n->batch));
	if (n->outcome != OUTCOME_NONE)
		json_object_set_new(json, "outcome", json_string(outcome_name(n->outcome)));
	if (n->attempt > 0)
		json_object_set_new(json, "attempt", json_integer(n->attempt));
	if (n->kind == NOTICE_OUTPUT)
		json_object_set_new(json, "stream", json_string(n->is_err ? "stderr" : "stdout"));
	json_object_set_new(json, "text", n->kind == NOTICE_OUTPUT ? text_json(n->text, n->len) : string_json(n->text));
	if (n->seq != 0)
		json_object_set_new(json, "seq", json_integer((json_int_t)n->seq));
	print_json(to, json);
}

static json_t *
cell_json(const struct run_column *column, const struct run_cell *cell)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", string_json(column->name));
	json_object_set_new(json, "kind", string_json(column->kind));
	json_object_set_new(json, "outcome", json_string(outcome_name(cell->outcome)));
	json_object_set_new(json, "text", string_json(cell->text));
	json_object_set_new(json, "command", string_json(cell->command));
	json_object_set_new(json, "undo", string_json(cell->undo));
	json_object_set_new(json, "attempt", json_integer(cell->attempt));
	json_object_set_new(json, "started", time_json(cell->started_ns));
	json_object_set_new(json, "ended", time_json(cell->ended_ns));
	json_object_set_new(json, "intent", cell->intent != 0 ? json_integer((json_int_t)cell->intent) : json_null());
	json_object_set_new(json, "result", cell->result != 0 ? json_integer((json_int_t)cell->result) : json_null());
	json_object_set_new(json, "transport", string_json(cell->transport));
	return json;
}

static json_t *
row_json(const struct run_info *info, const struct run_row *row)
{
	json_t *json = json_object(), *steps = json_array();

	for (size_t i = 0; i < info->n_columns; i++)
		if (row->cells[i].outcome != OUTCOME_NONE)
			json_array_append_new(steps, cell_json(&info->columns[i], &row->cells[i]));
	json_object_set_new(json, "host", *row->host != '\0' ? string_json(row->host) : json_null());
	json_object_set_new(json, "batch", row->batch >= 0 ? json_integer(row->batch) : json_null());
	json_object_set_new(json, "state", string_json(row->state));
	json_object_set_new(json, "failed", json_boolean(row->is_failed));
	json_object_set_new(json, "steps", steps);
	return json;
}

void
runbook_json_summary(FILE *to, const struct run_info *info)
{
	json_t *json = json_object(), *values = json_array(), *facts = json_array(), *hosts = json_array();

	for (size_t i = 0; i < info->n_values; i++)
		json_array_append_new(values, json_pack("{s:o, s:o, s:o}", "name", string_json(info->values[i].name), "value",
		    string_json(info->values[i].value), "from", string_json(info->values[i].from)));
	for (size_t i = 0; i < info->n_facts; i++)
		json_array_append_new(facts, json_pack("{s:o, s:o, s:o}", "name", string_json(info->facts[i].name), "text",
		    string_json(info->facts[i].text), "outcome",
		    info->facts[i].outcome != OUTCOME_NONE ? json_string(outcome_name(info->facts[i].outcome)) : json_null()));
	for (size_t i = 0; i < info->n_rows; i++)
		json_array_append_new(hosts, row_json(info, &info->rows[i]));
	json_object_set_new(json, "event", json_string("summary"));
	json_object_set_new(json, "run", string_json(info->id));
	json_object_set_new(json, "runbook", string_json(info->runbook));
	json_object_set_new(json, "env", string_json(info->env));
	json_object_set_new(json, "target", string_json(info->target));
	json_object_set_new(json, "danger", json_string(danger_name(info->danger)));
	json_object_set_new(json, "dry_run", json_boolean(info->is_dry_run));
	json_object_set_new(json, "plan", string_json(info->plan));
	json_object_set_new(json, "incident", string_json(info->incident));
	json_object_set_new(json, "started", time_json(info->started_ns));
	json_object_set_new(json, "ended", time_json(info->ended_ns));
	json_object_set_new(json, "exit", json_integer(info->exit));
	json_object_set_new(json, "text", string_json(info->text));
	json_object_set_new(json, "values", values);
	json_object_set_new(json, "facts", facts);
	json_object_set_new(json, "rows", hosts);
	json_object_set_new(json, "audit", info->seq_first != 0 ? json_pack("{s:I, s:I, s:b}", "first", (json_int_t)info->seq_first, "last",
	    (json_int_t)info->seq_last, "durable", info->is_durable) : json_null());
	print_json(to, json);
}

void
runbook_json_error(FILE *to, const char *text, int status)
{
	print_json(to, json_pack("{s:s, s:o, s:i}", "event", "error", "text", string_json(text), "exit", status));
}
