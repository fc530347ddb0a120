/*
 * A replay for pipes: what happened, a line each, in the order in which it was known. Filters are those of --log: an entry of the timeline is made to look like a record, with its kind as type.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "replay.h"

enum { EXIT_NONE = 1, EXIT_USAGE = 2, EXIT_UNREADABLE = 3 };

static json_t *
json_of(const struct timeline_entry *e)
{
	char at[CLOCK_TEXT_MAX], known[CLOCK_TEXT_MAX];
	json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s}", "time", clock_format(at, e->at_ns, 9), "known", clock_format(known, e->known_ns, 9),
	    "kind", timeline_kind_name(e->kind), "end", e->is_end, "severity", severity_name(e->severity), "id", e->id, "what", e->what, "text", e->text,
	    "by", e->by);

	if (e->seq != 0)
		json_object_set_new(json, "seq", json_integer((json_int_t)e->seq));
	return json;
}

/* The part of id behind "run:" names the run. */
static bool
is_wanted(const struct audit_filter *f, const struct timeline_entry *e, const char *env, json_t *json)
{
	struct audit_record r = { .seq = e->seq, .time_ns = e->at_ns, .type = AUDIT_TYPES, .json = json, .user = e->by, .env = env };

	snprintf(r.type_name, sizeof r.type_name, "%s", timeline_kind_name(e->kind));
	if (str_has_prefix(e->id, "run:"))
		r.run = e->id + strlen("run:");
	if (str_has_prefix(e->id, "incident:"))
		r.incident = e->id + strlen("incident:");
	return audit_filter_matches(f, &r);
}

/* Things that last have a beginning and an end, the others just are. */
static const char *
word_of(const struct timeline_entry *e)
{
	switch (e->kind) {
	case TIMELINE_CHANGE:
	case TIMELINE_ACT:
	case TIMELINE_MESSAGE:
	case TIMELINE_NOTE:
		return "";
	default:
		return e->is_end ? "ends" : "begins";
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct timeline_entry *x = *(const struct timeline_entry *const *)a, *y = *(const struct timeline_entry *const *)b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return (x > y) - (x < y);	/* as they were known */
}

static void
print_text(const struct timeline_entry *e)
{
	char at[CLOCK_TEXT_MAX], what[256], text[512], by[80];

	printf("%s  %-8s %-6s  %s", clock_format(at, e->at_ns, 0), timeline_kind_name(e->kind), word_of(e),
	    str_escape_to(what, sizeof what, e->what));
	if (*e->text != '\0')
		printf(": %s", str_escape_to(text, sizeof text, e->text));
	if (*e->by != '\0')
		printf("  by %s", str_escape_to(by, sizeof by, e->by));
	if (e->seq != 0)
		printf("  audit %" PRIu64, e->seq);
	putchar('\n');
}

static bool
print_one(const struct timeline_entry *e, const struct audit_filter *f, const char *env, bool is_json)
{
	json_t *json = json_of(e);
	bool wanted = json != NULL && is_wanted(f, e, env, json);

	if (wanted && is_json) {
		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (wanted) {
		print_text(e);
	}
	json_decref(json);
	return wanted;
}

static void
print_head(const struct recording_info *info)
{
	char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];

	fprintf(stderr, "opsconsole: recording %s of %s, %s to %s, by %s@%s\n", info->id, info->env, clock_format(first, info->first_ns, 0),
	    clock_format(last, info->last_ns, 0), info->user, info->host);
	for (size_t i = 0; i < info->problems.n; i++)
		fprintf(stderr, "opsconsole: not recorded: %s\n", info->problems.v[i]);
}

static int
parse_filter(const struct options *o, int64_t now_ns, struct audit_filter **ret, struct err *err)
{
	const char *kinds[TIMELINE_KINDS + 1] = { NULL };
	size_t first = replay_what(o) != NULL ? 1 : 0;

	for (int i = 0; i < TIMELINE_KINDS; i++)
		kinds[i] = timeline_kind_name((enum timeline_kind)i);
	if (o->n_words <= first)
		return 0;
	return audit_filter_parse_types((const char *const *)o->words + first, o->n_words - first, now_ns, kinds, ret, err);
}

int
replay_print(const struct conf *conf, const struct options *o, struct recording *rec)
{
	const struct timeline_entry *v, **order;
	struct player *player = player_new(rec);
	struct err err = ERR_INIT;
	struct audit_filter *f = NULL;
	struct recording_info info;
	size_t n, n_printed = 0;
	int status = EXIT_SUCCESS;

	(void)conf;
	recording_info(rec, &info);
	if (parse_filter(o, info.last_ns, &f, &err) < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		player_free(player);
		return EXIT_USAGE;
	}
	print_head(&info);
	n = player_timeline(player, &v);
	order = xcalloc(n, sizeof(struct timeline_entry *));
	for (size_t i = 0; i < n; i++)
		order[i] = &v[i];
	if (n > 0)
		qsort(order, n, sizeof(struct timeline_entry *), by_time);
	for (size_t i = 0; i < n; i++)
		n_printed += print_one(order[i], f, info.env, o->is_json);
	free(order);
	if (n_printed == 0)
		status = EXIT_NONE;
	if (fflush(stdout) != 0)
		status = EXIT_UNREADABLE;
	audit_filter_free(f);
	player_free(player);
	return status;
}
