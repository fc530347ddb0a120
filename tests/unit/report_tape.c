/* A recording in memory. Seeking applies its events to a model, as the real player does; chunks have hashes that come of their names. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/record.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/pack.h"
#include "tests/unit/report_world.h"

enum { EVENTS_MAX = 4096, CHUNKS_MAX = 256, GAPS_MAX = 8 };

struct tape {
	char id[64];
	int64_t from_ns, to_ns;
	struct event v[EVENTS_MAX];
	size_t n, n_chunks, n_gaps;
	bool is_damaged, is_found_out;
	struct recording_chunk chunks[CHUNKS_MAX];
	struct recording_gap gaps[GAPS_MAX];
};

struct tape *
tape_new(const char *id, double from, double to)
{
	struct tape *t = xcalloc(1, sizeof *t);

	snprintf(t->id, sizeof t->id, "%s", id);
	t->from_ns = T(from);
	t->to_ns = T(to);
	for (int64_t at = t->from_ns; at < t->to_ns && t->n_chunks < CHUNKS_MAX; at += NS_PER_MIN) {
		t->chunks[t->n_chunks] = (struct recording_chunk){ .number = t->n_chunks + 1, .file = "chunk", .from_ns = at, .to_ns = at + NS_PER_MIN - 1, .bytes = 4096,
			.is_closed = true, .problem = "" };
		t->n_chunks++;
	}
	return t;
}

void
tape_free(struct tape *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		event_done(&t->v[i]);
	free(t);
}

void
tape_feed(struct tape *t, double seconds, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	assert_true(t->n < EVENTS_MAX);
	t->v[t->n++] = feed_event(seconds, "%s", text);
}

void
tape_alert(struct tape *t, double seconds, const char *alerts)
{
	tape_feed(t, seconds, "{'event':'source-report','source':'am','what':'alerts','ok':true,'http_status':200,'latency_ns':10000000}");
	tape_feed(t, seconds, "{'event':'alerts','source':'am','alerts':[%s]}", alerts);
}

void
tape_slo(struct tape *t, double seconds, const char *state, double left, double burn, double bad)
{
	char at[CLOCK_TEXT_MAX];

	clock_format(at, T(seconds), 9);
	tape_feed(t, seconds, "{'event':'slos','at':'%s','every_ns':60000000000,'slos':[{'id':'slo:good-mail','state':'%s','why':'','at':'%s','left':%.4f,'budget_ns':2592000000000,"
	    "'bad':%.1f,'total':1000000,'burn':%.2f,'burn_window_ns':3600000000000}]}", at, state, at, left, bad, burn);
}

void
tape_gap(struct tape *t, double from, double to)
{
	t->gaps[t->n_gaps++] = (struct recording_gap){ T(from), T(to), "the chunk cannot be read" };
}

void
tape_damage(struct tape *t)
{
	t->is_damaged = true;
}

void
tape_hash_of(const char *id, uint64_t n, char *ret_hex)
{
	char text[128];

	snprintf(text, sizeof text, "%s/%llu", id, (unsigned long long)n);
	digest_hex(text, strlen(text), ret_hex);
}

void
tape_hash(const struct tape *t, uint64_t n, char *ret_hex)
{
	tape_hash_of(t->id, n, ret_hex);
}

struct recording *
tape_recording(struct tape *t)
{
	return (struct recording *)(void *)t;
}

static struct tape *
tape_of(const struct recording *r)
{
	return (struct tape *)(uintptr_t)r;
}

/* --- record/recording.h ---------------------------------------------------------------------------------------------------- */

void
recording_info(const struct recording *r, struct recording_info *ret)
{
	static const char *const problems[] = { "000001.rec: its snapshot is damaged" };
	struct tape *t = tape_of(r);

	*ret = (struct recording_info){ .path = t->id, .id = t->id, .env = "prod", .version = "1", .user = "alice", .host = "web", .first_ns = t->from_ns, .last_ns = t->to_ns,
		.n_chunks = t->n_chunks, .is_pinned = true, .incident = "" };
	if (t->is_found_out) {
		ret->id = "";
		ret->first_ns = ret->last_ns = 0;
		ret->problems = (struct strings){ 1, problems };
	}
}

const struct recording_chunk *
recording_chunk(const struct recording *r, size_t i)
{
	return &tape_of(r)->chunks[i];
}

int
recording_chunk_hash(struct recording *r, size_t i, char *ret_hex, struct err *err)
{
	(void)err;
	tape_hash(tape_of(r), i + 1, ret_hex);
	return 0;
}

size_t
recording_gaps(const struct recording *r, const struct recording_gap **ret)
{
	*ret = tape_of(r)->gaps;
	return tape_of(r)->n_gaps;
}

static struct tape *found;

void
tapes_found(struct tape *t)
{
	found = t;
}

int
recordings_find(const char *dir, const char *env, struct recording_found **ret, size_t *ret_n, struct err *err)
{
	(void)dir;
	(void)env;
	if (found == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no recording");
	*ret = xcalloc(1, sizeof **ret);
	**ret = (struct recording_found){ .path = xstrdup(found->id), .id = xstrdup(found->id), .env = xstrdup("prod"), .first_ns = found->from_ns, .last_ns = found->to_ns };
	*ret_n = 1;
	return 0;
}

void
recordings_free(struct recording_found *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].id);
		free(v[i].env);
	}
	free(v);
}

int
recording_open(const char *path, struct recording **ret, struct err *err)
{
	if (found == NULL || strcmp(path, found->id) != 0)
		return err_set(err, ERR_SYNTAX, "this is no recording");
	*ret = tape_recording(found);
	return 0;
}

void
recording_free(struct recording *r)
{
	(void)r;	/* the test's */
}

/* --- the player -------------------------------------------------------------------------------------------------------------- */

struct player {
	struct tape *tape;
	struct model *model, *whole;
	size_t next;
	int64_t at_ns;
	struct timeline_entry *entries;
};

struct player *
player_new(struct recording *r)
{
	struct player *p = xcalloc(1, sizeof *p);

	p->tape = tape_of(r);
	return p;
}

void
player_free(struct player *p)
{
	model_free(p->model);
	model_free(p->whole);
	free(p->entries);
	free(p);
}

static void
apply_until(struct tape *t, struct model *m, size_t *next, int64_t t_ns)
{
	for (; *next < t->n && t->v[*next].time_ns <= t_ns; ++*next) {
		model_advance(m, t->v[*next].time_ns);
		model_apply(m, &t->v[*next]);
	}
	model_advance(m, t_ns);
}

const struct model *
player_seek(struct player *p, int64_t t_ns, const char **ret_why)
{
	const char *unused;

	ret_why = ret_why == NULL ? &unused : ret_why;
	*ret_why = "not recorded";
	if (p->tape->is_damaged) {
		p->tape->is_found_out = true;
		return NULL;
	}
	if (t_ns < p->tape->from_ns || t_ns > p->tape->to_ns)
		return NULL;
	for (size_t i = 0; i < p->tape->n_gaps; i++)
		if (t_ns >= p->tape->gaps[i].from_ns && t_ns < p->tape->gaps[i].to_ns)
			return NULL;
	if (p->model == NULL || t_ns < p->at_ns) {
		model_free(p->model);
		p->model = model_new(0, 0);
		p->next = 0;
	}
	p->at_ns = t_ns;
	apply_until(p->tape, p->model, &p->next, t_ns);
	return p->model;
}

size_t
player_timeline(struct player *p, const struct timeline_entry **ret)
{
	size_t next = 0, n;

	if (p->whole == NULL) {
		p->whole = model_new(0, 0);
		apply_until(p->tape, p->whole, &next, p->tape->to_ns);
	}
	n = model_n_timeline(p->whole);
	free(p->entries);
	p->entries = xcalloc(n + 1, sizeof *p->entries);
	for (size_t i = 0; i < n; i++)
		p->entries[i] = *model_timeline(p->whole, i);
	*ret = p->entries;
	return n;
}

/* --- record/pack.h -------------------------------------------------------------------------------------------------------------- */

static struct { char path[256]; const struct log *logs[4]; size_t n; } packed;
struct pack { char *texts[4], *heads[4], *names[4]; size_t lens[4], n; };

void
packs_found(const char *path, const struct log *const *logs, size_t n)
{
	snprintf(packed.path, sizeof packed.path, "%s", path != NULL ? path : "");
	packed.n = n;
	for (size_t i = 0; i < n; i++)
		packed.logs[i] = logs[i];
}

bool
pack_is(const char *path)
{
	return *packed.path != '\0' && strcmp(path, packed.path) == 0;
}

/* From the third record on: a slice need not begin with the first. */
int
pack_open(const char *path, struct pack **ret, struct err *err)
{
	struct pack *p = xcalloc(1, sizeof *p);

	(void)path;
	(void)err;
	p->n = packed.n;
	for (size_t i = 0; i < p->n; i++) {
		char *whole = log_text(packed.logs[i], &p->lens[i]), *from = strchr(strchr(whole, '\n') + 1, '\n') + 1, *last;

		p->lens[i] -= (size_t)(from - whole);
		p->texts[i] = xstrndup(from, p->lens[i]);
		last = memrchr(p->texts[i], '\n', p->lens[i] - 1) + 1;
		p->heads[i] = xasprintf("%llu:%.64s", strtoull(last + strlen("{\"seq\":"), NULL, 10), p->texts[i] + p->lens[i] - strlen("\"}\n") - AUDIT_HASH_HEX);
		p->names[i] = xasprintf("audit-%zu.jsonl", i);
		free(whole);
	}
	*ret = p;
	return 0;
}

void
pack_free(struct pack *p)
{
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		free(p->texts[i]);
		free(p->heads[i]);
		free(p->names[i]);
	}
	free(p);
}

size_t
pack_n_slices(const struct pack *p)
{
	return p->n;
}

const char *
pack_slice(const struct pack *p, size_t i, size_t *ret_len, const char **ret_name, const char **ret_head)
{
	*ret_len = p->lens[i];
	*ret_name = p->names[i];
	*ret_head = p->heads[i];
	return p->texts[i];
}
