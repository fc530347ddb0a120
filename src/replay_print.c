/*
 * A replay for pipes: what happened, a line each, in the order in which it was known. Filters are those of --log: an entry of the timeline is made to look like a record, with its kind as type.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "plain_line.h"
#include "replay.h"
#include "verify_show.h"

enum { EXIT_NONE = 1, EXIT_USAGE = 2, EXIT_UNREADABLE = 3, RECORDINGS_MAX = 256, LINE_MAX_BYTES = 64 << 10 };
#define FOLLOW_EVERY (500 * NS_PER_MS)

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
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	plain_line_entry(&line, e);
	fwrite(line.data, 1, line.len, stdout);
	buf_done(&line);
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

/* --- how far it can be trusted -------------------------------------------------------------------------------------------------- */

/* Nobody waits for it: what takes longer is said to be left undone. */
#define LOOK_MAX NS_PER_S

struct patience {
	int64_t until_ns;	/* monotonic */
};

static bool
is_patient(uint64_t n, void *arg)
{
	const struct patience *p = arg;

	(void)n;
	return clock_mono() < p->until_ns;
}

/* Damage shows when a chunk is unpacked: each is, once. */
static bool
read_all(struct recording *rec, struct player *player)
{
	struct patience p = { clock_mono() + LOOK_MAX };
	struct recording_info info;
	int64_t *at;
	size_t i;

	recording_info(rec, &info);
	at = xcalloc(info.n_chunks, sizeof *at);
	for (i = 0; i < info.n_chunks; i++)
		at[i] = recording_chunk(rec, i)->from_ns;	/* what is damaged changes their order */
	for (i = 0; i < info.n_chunks && is_patient(i, &p); i++)
		player_seek(player, at[i], NULL);
	free(at);
	return i == info.n_chunks;
}

static void
print_gaps(struct recording *rec)
{
	const struct recording_gap *gaps;
	size_t n = recording_gaps(rec, &gaps);
	struct recording_info info;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], why[512];

	recording_info(rec, &info);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "opsconsole: not recorded from %s to %s: %s\n", clock_format(from, gaps[i].from_ns, 0), clock_format(to, gaps[i].to_ns, 0),
		    str_escape_to(why, sizeof why, gaps[i].why));
	for (size_t i = 0; i < info.problems.n; i++) {
		bool is_said = false;

		for (size_t k = 0; k < n; k++)
			is_said |= str_eq(gaps[k].why, info.problems.v[i]);
		if (!is_said)
			fprintf(stderr, "opsconsole: cannot be read: %s\n", str_escape_to(why, sizeof why, info.problems.v[i]));
	}
}

static void
print_verified(const struct conf *conf, const struct recording *rec)
{
	struct patience p = { clock_mono() + LOOK_MAX };
	struct recording_info info;
	char *log, *head, text[1400], path[512];
	const char *others[RECORDINGS_MAX + 1] = { NULL };
	struct verify_show ask = { .progress = is_patient, .arg = &p, .recordings = conf->record.dir };
	struct verify_told told = { "", "" };
	struct err err = ERR_INIT;
	int r;

	recording_info(rec, &info);
	log = info.is_packed ? xstrdup(info.path) : audit_dir(conf->audit.dir);
	head = audit_head_path(conf->audit.head);
	ask.path = log;
	ask.head_path = head;
	if (!info.is_packed) {
		ask.recording = recording_path(rec, 0);
		for (size_t i = 0; i < RECORDINGS_MAX; i++)
			others[i] = recording_path(rec, i + 1);
		ask.others = others;
	}
	r = info.n_recordings > RECORDINGS_MAX ? ERR_CANCELLED : verify_show(&ask, &told, &err);
	if (r == ERR_CANCELLED)
		fprintf(stderr, "opsconsole: not verified, which would take longer: opsconsole --verify %s\n", str_escape_to(path, sizeof path, log));
	else if (r < 0)
		fprintf(stderr, "opsconsole: NOT VERIFIED: %s\n", str_escape_to(text, sizeof text, err.msg));
	else if (str_eq(told.verdict, "good") || str_eq(told.verdict, "unanchored"))
		fprintf(stderr, "opsconsole: verified\n");
	else
		fprintf(stderr, "opsconsole: %s: %s\n", str_eq(told.verdict, "partial") ? "verified in part" : "NOT VERIFIED",
		    str_escape_to(text, sizeof text, told.text));
	free(head);
	free(log);
}

static void
print_head(const struct conf *conf, struct recording *rec, struct player *player)
{
	char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX], more[64] = "";
	bool is_read = read_all(rec, player);
	struct recording_info info;

	recording_info(rec, &info);
	if (info.n_recordings > 1)
		snprintf(more, sizeof more, " and %zu more", info.n_recordings - 1);
	fprintf(stderr, "opsconsole: recording %s%s of %s, %s to %s, by %s@%s\n", info.id, more, info.env, clock_format(first, info.first_ns, 0),
	    clock_format(last, info.last_ns, 0), info.user, info.host);
	print_gaps(rec);
	if (!is_read)
		fprintf(stderr, "opsconsole: not all of it was read: more may be damaged\n");
	print_verified(conf, rec);
}

/* --- all of it ------------------------------------------------------------------------------------------------------------------ */

struct printing {
	const struct options *o;
	struct recording *rec;
	struct player *player;
	struct audit_filter *filter;
	size_t n_printed;
	size_t n_seen;		/* entries that were printed, or are not wanted */
	uint64_t *seen;
};

static uint64_t
name_of(const struct timeline_entry *e)
{
	char text[64];
	uint64_t h = str_hash(e->id, strlen(e->id), 0);

	snprintf(text, sizeof text, "%" PRIi64 " %d %d", e->at_ns, (int)e->kind, e->is_end);
	return str_hash(text, strlen(text), h);
}

static bool
is_seen(const struct printing *p, uint64_t name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p->seen[i] == name)
			return true;
	return false;
}

/* What was not there the last time, in the order in which it happened. */
static int
print_new(struct printing *p)
{
	const struct timeline_entry *v, **order;
	struct recording_info info;
	size_t n = player_timeline(p->player, &v), n_before = p->n_seen, n_new = 0;

	recording_info(p->rec, &info);
	order = xcalloc(n, sizeof(struct timeline_entry *));
	p->seen = xreallocarray(p->seen, p->n_seen + n, sizeof *p->seen);
	for (size_t i = 0; i < n; i++) {
		uint64_t name = name_of(&v[i]);

		if (is_seen(p, name, n_before))
			continue;
		p->seen[p->n_seen++] = name;
		order[n_new++] = &v[i];
	}
	if (n_new > 0)
		qsort(order, n_new, sizeof(struct timeline_entry *), by_time);
	for (size_t i = 0; i < n_new; i++)
		p->n_printed += print_one(order[i], p->filter, info.env, p->o->is_json);
	free(order);
	return fflush(stdout) != 0 ? -1 : 0;
}

static void
on_again(void *arg)
{
	(void)arg;
}

/* Until its writer ends, or we are interrupted. */
static int
print_on(struct printing *p)
{
	struct recording_info info = { .is_live = true };
	struct loop_timer *timer;
	struct err err = ERR_INIT;
	struct loop *l;
	int r;

	r = loop_new(&l, &err);
	if (r < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		return r;
	}
	timer = loop_timer_new(l, on_again, NULL);
	while (r == 0 && info.is_live) {
		loop_timer_in(timer, FOLLOW_EVERY);
		loop_once(l, -1);
		recording_info(p->rec, &info);	/* before the look: what it wrote last is not missed */
		if (recording_refresh(p->rec))
			r = print_new(p);
	}
	loop_free(l);
	if (r == 0)
		fprintf(stderr, "opsconsole: the console that wrote this has ended\n");
	return r;
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
	struct printing p = { .o = o, .rec = rec };
	struct err err = ERR_INIT;
	struct recording_info info;
	int status, r;

	recording_info(rec, &info);
	if (parse_filter(o, info.last_ns, &p.filter, &err) < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		return EXIT_USAGE;
	}
	if (o->is_following && !info.is_live) {
		fprintf(stderr, "opsconsole: --follow: nobody writes %s any more; without it what there is is printed\n", info.path);
		audit_filter_free(p.filter);
		return EXIT_USAGE;
	}
	p.player = player_new(rec);
	print_head(conf, rec, p.player);
	r = print_new(&p);
	if (r == 0 && o->is_following)
		r = print_on(&p);
	status = r < 0 ? EXIT_UNREADABLE : p.n_printed == 0 ? EXIT_NONE : EXIT_SUCCESS;
	free(p.seen);
	audit_filter_free(p.filter);
	player_free(p.player);
	return status;
}
