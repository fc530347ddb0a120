/*
 * OpenSLO documents of any bytes, in one file or (from a line "%%" on) two: problems can be shown
 * and say where, definitions have all that is required and every number in its range. The first
 * byte says whether there are two sources to ask.
 */
#include "config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/openslo.h"

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n  sources:\n" \
    "  - { name: first, type: prometheus, url: 'http://first.example:9090' }\n"
#define SECOND "  - { name: second, type: prometheus, url: 'http://second.example/prom' }\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_text(const char *text, bool has_lines)
{
	if (text == NULL || !utf8_is_valid(text, strlen(text)) || strchr(text, '\033') != NULL ||
	    (!has_lines && strchr(text, '\n') != NULL))
		die("text that cannot be shown");
}

static void
check_rules(const struct slo_def *d)
{
	for (size_t i = 0; i < d->n_rules; i++) {
		const struct slo_rule *r = &d->rules[i];

		if (!(r->factor > 0) || r->long_ns <= 0 || r->long_ns > d->period_ns ||
		    r->short_ns < 0 || r->short_ns >= r->long_ns || r->for_ns < 0)
			die("a rule out of range");
		if (i > 0 && r->severity > r[-1].severity)
			die("rules out of order");
	}
}

static void
check_indicator(const struct slo_def *d)
{
	if (d->sli == SLI_RATIO && ((d->good == NULL) == (d->bad == NULL) || d->total == NULL))
		die("half a ratio");
	if (d->sli != SLI_RATIO && d->raw == NULL)
		die("no expression");
	if (d->sli == SLI_THRESHOLD && !isfinite(d->threshold))
		die("no threshold");
	if ((d->method == SLO_OCCURRENCES) != (d->slice_ns == 0) ||
	    (d->method == SLO_TIMESLICES) != !isnan(d->slice_target))
		die("slices that do not go with the method");
	if (d->resolution_ns <= 0 || (d->slice_ns > 0 && d->slice_ns % d->resolution_ns != 0))
		die("a resolution that does not go with the slices");
}

static void
check_def(const struct slo_def *d)
{
	check_text(d->name, false);
	check_text(d->title, false);
	check_text(d->service, false);
	check_text(d->where, false);
	if (!str_has_prefix(d->id, "slo:") || !str_eq(d->id + 4, d->name))
		die("an id of another name");
	if (!str_eq(d->source, "first") && !str_eq(d->source, "second"))
		die("a source that the config does not have");
	if (!(d->target > 0 && d->target < 1) || d->period_ns <= 0)
		die("no target, or no period");
	for (size_t i = 1; i < d->n_bounds; i++)
		if (d->bounds[i] <= d->bounds[i - 1])
			die("bounds that do not ascend");
	if (d->n_bounds == 1)
		die("one bound is no window");
	for (size_t i = 0; i < d->notes.n; i++)
		check_text(d->notes.v[i], false);
	check_indicator(d);
	check_rules(d);
}

static void
add_files(struct openslo *o, const char *text, size_t len)
{
	const char *second = memmem(text, len, "\n%%\n", 4);
	size_t first_len = second != NULL ? (size_t)(second - text) + 1 : len;

	openslo_add(o, "fuzz", text, first_len);
	if (second != NULL)
		openslo_add(o, "fuzz2", second + 4, len - first_len - 3);
}

static void
check_result(const struct slo_build *b, const struct conf_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		check_text(problems->v[i], false);
		if (!str_has_prefix(problems->v[i], "fuzz"))
			die("a problem that does not say where");
	}
	for (size_t i = 0; i < b->n; i++) {
		check_def(&b->v[i]);
		for (size_t j = 0; j < i; j++)
			if (str_eq(b->v[i].id, b->v[j].id))
				die("two of one id");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *config = size > 0 && data[0] == '2' ? HEAD SECOND : HEAD;
	struct conf_problems problems = { 0 };
	struct slo_build b = { .d = NULL };
	struct conf_decode d;
	struct openslo *o;
	struct conf *conf;

	if (size == 0 || conf_parse("c", config, strlen(config), &conf, &problems, NULL) < 0)
		return 0;
	clock_freeze(INT64_C(1907755200) * NS_PER_S);
	d = (struct conf_decode){ .name = "c", .conf = conf, .problems = &problems };
	b.d = &d;
	b.env = &conf->environments[0];
	b.set = block_new(sizeof *b.set);
	o = openslo_new(&b);
	add_files(o, (const char *)data + 1, size - 1);
	openslo_build(o);
	openslo_free(o);
	check_result(&b, &problems);
	free(b.v);
	block_unref(b.set);
	conf_problems_done(&problems);
	conf_free(conf);
	return 0;
}
