/*
 * Rules of others: objectives found in them, and written out as rules again.
 *
 * Input: a rule a line, "r" (recording) or "a" (alerting), name, expression, then label and value in turn, all between tabs. Whatever is found keeps the
 * promises of model/slo.h; its indicator can be asked or is refused with a reason; and what is exported is YAML whose recordings are found again.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/yaml.h"
#include "insight/slo_found.h"
#include "insight/slo_promql.h"
#include "insight/slo_rules.h"

enum { RULES_MAX = 256, LABELS_MAX = 8, EXPORT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

/* --- input --------------------------------------------------------------------------------------------------------------- */

static int
label_compare(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static const char *
take_field(char **line)
{
	const char *field = strsep(line, "\t");

	return field == NULL ? "" : field;
}

static void
read_rule(struct arena *arena, char *line, struct rule *r)
{
	struct label *labels = arena_alloc(arena, LABELS_MAX * sizeof *labels);
	size_t n = 0;

	r->is_alerting = take_field(&line)[0] == 'a';
	r->name = take_field(&line);
	r->query = take_field(&line);
	for (; line != NULL && n < LABELS_MAX; n++) {
		labels[n].name = take_field(&line);
		labels[n].value = take_field(&line);
	}
	if (n > 0)
		qsort(labels, n, sizeof *labels, label_compare);
	r->labels = (struct labels){ n, labels };
	r->group = "group";
	r->error = "";
	r->health = "ok";
}

static void
read_rules(struct rule_set *set, const uint8_t *data, size_t size)
{
	struct arena *arena = &set->block.arena;
	char *text = arena_strndup(arena, (const char *)data, size), *line;
	struct rule *v = arena_alloc(arena, RULES_MAX * sizeof *v);

	while (set->n < RULES_MAX && (line = strsep(&text, "\n")) != NULL)
		read_rule(arena, line, &v[set->n++]);
	set->v = v;
}

/* --- what must hold --------------------------------------------------------------------------------------------------------- */

static void
check_def(const struct slo_def *d)
{
	if (!(d->target > 0 && d->target < 1) || d->period_ns <= 0 || d->resolution_ns <= 0 || d->name[0] == '\0' || !str_has_prefix(d->id, "slo:"))
		die("an objective out of range");
	if (d->sli == SLI_RATIO ? d->total == NULL || (d->good == NULL) == (d->bad == NULL) : d->raw == NULL)
		die("an objective that measures nothing");
	for (size_t i = 0; i < d->n_rules; i++) {
		const struct slo_rule *r = &d->rules[i];

		if (!(r->factor > 0) || r->long_ns <= 0 || r->short_ns < 0 || r->short_ns > r->long_ns || r->severity == SEVERITY_NONE)
			die("a burn rate that cannot be");
		if (i > 0 && (r[-1].severity < r->severity || (r[-1].severity == r->severity && r[-1].factor < r->factor)))
			die("burn rates out of order");
	}
}

/* The recordings of an export, as a Prometheus that loaded it would tell of them. */
static struct rule_set *
load(const char *text, size_t len)
{
	struct rule_set *set = block_new(sizeof *set);
	struct arena *arena = &set->block.arena;
	struct rule *v = arena_alloc(arena, 64 * sizeof *v);
	struct err err = ERR_INIT;
	const struct yaml_node *rules;
	struct yaml_file *file;

	if (yaml_parse("export", text, len, &file, &err) < 0)
		die(err.msg);
	rules = yaml_get(yaml_get(file->docs[0], "groups")->items[0], "rules");
	for (size_t i = 0; i < rules->n && i < 64; i++) {
		const struct yaml_node *own = yaml_get(rules->items[i], "labels");
		struct label *labels = arena_alloc(arena, own->n * sizeof *labels);

		for (size_t j = 0; j < own->n; j++)
			labels[j] = (struct label){ arena_strdup(arena, own->keys[j]->text), arena_strdup(arena, own->items[j]->text) };
		qsort(labels, own->n, sizeof *labels, label_compare);
		v[set->n++] = (struct rule){ .group = "", .name = arena_strdup(arena, yaml_get(rules->items[i], "record")->text), .query = "", .error = "",
			.health = "ok", .labels = { own->n, labels } };
	}
	set->v = v;
	yaml_file_free(file);
	return set;
}

/* Written down by hand, it would be exported. */
static void
check_export(const struct slo_def *found)
{
	struct slo_def def = *found;
	struct slo_def_set one = { .n = 1, .v = &def }, *with;
	struct rule_set *rules;
	struct err err = ERR_INIT;
	struct buf b;

	def.origin = SLO_FROM_CONFIG;
	buf_init(&b, EXPORT_MAX);
	if (slo_rules_export(&one, &b, &err) == 0) {
		rules = load(b.data, b.len);
		with = slo_found_recorded(&one, rules, def.source);
		/* What is not UTF-8 is written as U+FFFD, and so is another name. */
		if (with->v[0].recorded_ns <= 0 && utf8_is_valid(def.name, strlen(def.name)) && utf8_is_valid(def.service, strlen(def.service)))
			die("recordings that are not found");
		block_unref(with);
		block_unref(rules);
	} else if (err.msg[0] == '\0' || b.len > 0) {
		die("refused without a reason, or half written");
	}
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_set *rules = block_new(sizeof *rules);
	struct slo_def_set *set, *with;

	read_rules(rules, data, size);
	set = slo_found(rules, "prometheus");
	for (size_t i = 0; i < set->n; i++) {
		check_def(&set->v[i]);
		if (i > 0 && strcmp(set->v[i - 1].id, set->v[i].id) >= 0)
			die("objectives out of order");
		check_export(&set->v[i]);
	}
	with = slo_found_recorded(set, rules, "prometheus");
	if (with->n != set->n)
		die("objectives lost");
	block_unref(with);
	block_unref(set);
	block_unref(rules);
	return 0;
}
