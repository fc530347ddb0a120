/*
 * The chains: each is verified as a whole, then read for the records of the incident and of its time. What stands at or behind the first thing that is wrong is kept and
 * marked; a line that does not hold in itself is no record, and is counted.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader_priv.h"
#include "audit/record_priv.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/pack.h"
#include "report/report_priv.h"

enum { KNOWN_MAX = 8 };

/* --- opening ------------------------------------------------------------------------------------------------------------ */

static struct chain *
chain_new(struct report *r, const char *path)
{
	struct chain *c = arena_alloc(&r->arena, sizeof *c);
	size_t n = r->chains.n;

	*LIST_ADD(&r->chains) = c;
	c->label = n < 26 ? rep_fmt(r, "%c", (int)('A' + n)) : rep_fmt(r, "C%zu", n + 1);
	c->path = arena_strdup(&r->arena, path);	/* cleaned once the names are known */
	return c;
}

static int
chain_verify(struct chain *c, const char *head, const char *head_path, struct err *err)
{
	int result = audit_verify(c->reader, head, head_path, &c->verdict, err);

	if (result < 0)
		return result;
	c->is_good = c->verdict.verdict == AUDIT_GOOD || c->verdict.verdict == AUDIT_UNANCHORED;
	return 0;
}

static int
open_pack(struct report *r, const char *path, struct err *err)
{
	struct pack *p;
	int result = pack_open(path, &p, err);

	if (result < 0)
		return result;
	for (size_t i = 0; i < pack_n_slices(p); i++) {
		const char *name, *head;
		size_t len;
		const char *bytes = pack_slice(p, i, &len, &name, &head);
		struct chain *c = chain_new(r, rep_fmt(r, "%s: %s", path, name));

		if (i == 0)
			c->pack = p;
		c->is_packed = true;
		c->reader = audit_reader_memory(&name, &bytes, &len, 1);
		audit_reader_set_slice(c->reader);
		result = chain_verify(c, head != NULL && *head != '\0' ? head : NULL, NULL, err);
		if (result < 0)
			return result;
	}
	if (pack_n_slices(p) == 0)
		pack_free(p);
	return 0;
}

static int
open_log(struct report *r, const char *path, const char *head_path, struct err *err)
{
	struct audit_reader *reader;
	struct chain *c;
	int result = audit_reader_open(path, &reader, err);

	if (result < 0)
		return result;
	c = chain_new(r, path);
	c->reader = reader;
	return chain_verify(c, NULL, head_path, err);
}

void
chains_close(struct report *r)
{
	for (size_t i = 0; i < r->chains.n; i++)
		audit_reader_free(r->chains.v[i]->reader);
	for (size_t i = 0; i < r->chains.n; i++)
		pack_free(r->chains.v[i]->pack);
}

/* --- which incident ----------------------------------------------------------------------------------------------------- */

struct known {		/* incidents that the chains know, the newest last */
	char id[KNOWN_MAX][64];
	size_t n;
};

static void
known_add(struct known *k, const char *id)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->id[i], id) == 0)
			return;
	if (k->n == KNOWN_MAX)
		memmove(k->id[0], k->id[1], --k->n * sizeof k->id[0]);
	str_escape_to(k->id[k->n++], sizeof k->id[0], id);
}

static void
note_bounds(struct report *r, struct chain *c, const struct audit_record *rec)
{
	if (c->first_ns == 0 || rec->time_ns < c->first_ns)
		c->first_ns = rec->time_ns;
	if (rec->time_ns > c->last_ns)
		c->last_ns = rec->time_ns;
	if (r->env == NULL && rec->env != NULL)
		r->env = arena_strdup(&r->arena, rec->env);
	if (rec->type == AUDIT_INCIDENT_OPENED) {
		if (c->opened_ns == 0) {
			c->opened_ns = rec->time_ns;
			c->is_joined = json_is_true(json_object_get(rec->json, "joined"));
		}
		c->is_open = true;
	} else if (rec->type == AUDIT_INCIDENT_CLOSED) {
		c->closed_ns = rec->time_ns;
		c->is_open = false;
	}
}

/* Bytes that every record of the incident has: cheaper to look for than to parse all. */
static char *
needle_of(const char *incident)
{
	json_t *id = json_string(incident);
	char *quoted = id == NULL ? NULL : json_dumps(id, JSON_ENCODE_ANY), *needle;

	needle = xasprintf(",\"incident\":%s", quoted != NULL ? quoted : "\"\"");
	free(quoted);
	json_decref(id);
	return needle;
}

static bool
is_opening(const struct audit_line *l)
{
	const char *name;
	size_t len;
	const char *want = audit_type_name(AUDIT_INCIDENT_OPENED);

	return audit_line_type(l->bytes, l->len, &name, &len) && len == strlen(want) && memcmp(name, want, len) == 0;
}

static int
find_incident(struct report *r, struct chain *c, const char *needle, struct known *k, struct err *err)
{
	struct audit_line l;
	int result = audit_reader_tail(c->reader, SIZE_MAX, err);

	while (result == 0 && (result = audit_reader_next(c->reader, &l, err)) > 0) {
		struct audit_record rec;

		result = 0;
		if (l.is_torn || (!is_opening(&l) && memmem(l.bytes, l.len, needle, strlen(needle)) == NULL))
			continue;
		if (audit_record_read(l.bytes, l.len, &rec, NULL) < 0)
			continue;
		if (rec.incident != NULL && rec.type == AUDIT_INCIDENT_OPENED)
			known_add(k, rec.incident);
		if (str_eq(rec.incident, r->o.incident))
			note_bounds(r, c, &rec);
		audit_record_done(&rec);
	}
	return result;
}

static int
not_known(const struct known *k, const char *incident, struct err *err)
{
	char shown[128];
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = k->n; i-- > 0;)
		buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", k->id[i]);
	err_set(err, ERR_NOTFOUND, k->n == 0 ? "no log knows incident %s, nor any other%s" : "no log knows incident %s; known, newest first: %.300s",
	    str_escape_to(shown, sizeof shown, incident), b.data);
	buf_done(&b);
	return ERR_NOTFOUND;
}

/* When it began and ended over all chains. It is closed when the chain that opened it says so, or, where none opened it, the last one. */
static bool
set_window(struct report *r)
{
	const struct chain *first = NULL;
	int64_t last_ns = 0;

	for (size_t i = 0; i < r->chains.n; i++) {
		const struct chain *c = r->chains.v[i];

		if (c->first_ns == 0)
			continue;
		if (first == NULL || (first->is_joined && !c->is_joined) || (first->is_joined == c->is_joined && c->first_ns < first->first_ns))
			first = c;
		last_ns = c->last_ns > last_ns ? c->last_ns : last_ns;
	}
	if (first == NULL)
		return false;
	r->opened_ns = first->opened_ns != 0 ? first->opened_ns : first->first_ns;
	r->closed_ns = first->is_open ? 0 : first->closed_ns;
	r->from_ns = r->opened_ns - REPORT_LEAD_NS;
	r->to_ns = r->closed_ns > last_ns ? r->closed_ns : last_ns;
	if (r->closed_ns == 0 && r->o.now_ns > r->to_ns)
		r->to_ns = r->o.now_ns;
	return true;
}

int
chains_open(struct report *r, struct err *err)
{
	struct known known = { .n = 0 };
	char *needle;
	int result = 0;

	for (size_t i = 0; r->o.chains != NULL && r->o.chains[i] != NULL && result == 0; i++)
		result = pack_is(r->o.chains[i]) ? open_pack(r, r->o.chains[i], err) :
		    open_log(r, r->o.chains[i], r->o.heads != NULL ? r->o.heads[i] : NULL, err);
	needle = needle_of(r->o.incident);
	for (size_t i = 0; i < r->chains.n && result == 0; i++)
		result = find_incident(r, r->chains.v[i], needle, &known, err);
	free(needle);
	if (result < 0)
		return result;
	return set_window(r) ? 0 : not_known(&known, r->o.incident, err);
}

/* --- the records ---------------------------------------------------------------------------------------------------------- */

bool
is_own_action(const struct audit_record *rec)
{
	switch (rec->type) {
	case AUDIT_RUN_START:
	case AUDIT_RUN_STATE:
	case AUDIT_INTENT:
	case AUDIT_RESULT:
	case AUDIT_CHECK:
	case AUDIT_RUN_END:
	case AUDIT_ACT:
	case AUDIT_ACT_RESULT:
	case AUDIT_NOTE:
		return true;
	default:
		return false;
	}
}

static int64_t
time_member(const struct audit_record *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec->json, name));
	int64_t ns = 0;

	return text != NULL && clock_parse(text, &ns, NULL) == 0 ? ns : 0;
}

/* Records of the same environment that name no incident, but are of its time: what was done before it was opened, and what the log says of itself. */
static bool
is_beside(const struct report *r, const struct audit_record *rec)
{
	if (rec->incident != NULL && rec->type != AUDIT_CHUNK)
		return false;
	if (rec->type == AUDIT_CHUNK) {
		int64_t to_ns = time_member(rec, "to");

		return time_member(rec, "from") <= r->to_ns && to_ns >= r->from_ns && to_ns != 0;
	}
	if (rec->time_ns < r->from_ns || rec->time_ns > r->to_ns || (r->env != NULL && rec->env != NULL && !str_eq(r->env, rec->env)))
		return false;
	return is_own_action(rec) || rec->type == AUDIT_GAP || rec->type == AUDIT_RECOVERED || rec->type == AUDIT_OPENED || rec->type == AUDIT_RECORDING ||
	    rec->type == AUDIT_ANCHOR;
}


/* From the first finding on nothing is vouched for. A finding without a line of its own (the head) speaks against all of it, but for what was cut off behind. */
static bool
is_trusted(const struct chain *c, const struct audit_line *l, bool *is_behind)
{
	char file[sizeof c->verdict.file];

	if (c->is_good || c->verdict.verdict == AUDIT_TRUNCATED)
		return true;
	str_escape_to(file, sizeof file, l->file);
	if (c->verdict.line == 0 || (l->number >= c->verdict.line && str_eq(file, c->verdict.file)))
		*is_behind = true;
	return !*is_behind;
}

static void
keep_record(struct report *r, struct chain *c, struct audit_record *rec, bool is_vouched)
{
	bool is_own = str_eq(rec->incident, r->o.incident);
	struct entry *e;

	if (!is_own && !is_beside(r, rec)) {
		audit_record_done(rec);
		return;
	}
	c->n_own += is_own;
	c->n_beside += !is_own;
	e = LIST_ADD(&r->entries);
	e->chain = c;
	e->rec = *rec;
	e->is_trusted = is_vouched;
	e->is_own = is_own;
	if (c->writer == NULL)
		c->writer = arena_strdup(&r->arena, rec->user);
}

static int
read_chain(struct report *r, struct chain *c, const char *needle, struct err *err)
{
	bool is_behind = false;
	int64_t last_ns = INT64_MIN;
	struct audit_line l;
	int result = audit_reader_tail(c->reader, SIZE_MAX, err);

	while (result == 0 && (result = audit_reader_next(c->reader, &l, err)) > 0) {
		struct audit_frame f;
		struct audit_record rec;
		bool is_vouched = is_trusted(c, &l, &is_behind);

		result = 0;
		if (l.is_torn || audit_frame_read(l.bytes, l.len, &f, NULL) < 0 || !f.is_hash_right) {
			c->n_left_out++;
			continue;
		}
		if (c->begin_seq == 0) {
			c->begin_seq = f.seq;
			c->begin_ns = f.time_ns;
		}
		if (f.time_ns < last_ns && f.time_ns >= r->from_ns && f.time_ns <= r->to_ns) {
			c->n_steps_back++;
			c->step_back_ns = last_ns - f.time_ns > c->step_back_ns ? last_ns - f.time_ns : c->step_back_ns;
		}
		last_ns = f.time_ns;
		/* A chunk is told when it is closed, or when it is pinned: up to its length behind, or half an hour. */
		if (memmem(l.bytes, l.len, needle, strlen(needle)) == NULL && (f.time_ns < r->from_ns || f.time_ns > r->to_ns + REPORT_LEAD_NS))
			continue;
		if (audit_record_read(l.bytes, l.len, &rec, NULL) == 0)
			keep_record(r, c, &rec, is_vouched);
		else
			c->n_left_out++;
	}
	return result;
}

/* One order for all: by time, but never against the order of a chain, whose seq says more than its clock. */
static void
merge(struct report *r)
{
	size_t n = r->entries.n, n_chains = r->chains.n, *at = xcalloc(n_chains + 1, sizeof *at), *end = xcalloc(n_chains + 1, sizeof *end);
	struct entry *v = xcalloc(n + 1, sizeof *v);

	for (size_t c = 0, i = 0; c < n_chains; c++) {
		at[c] = i;
		while (i < n && r->entries.v[i].chain == r->chains.v[c])
			i++;
		end[c] = i;
	}
	for (size_t i = 0; i < n; i++) {
		size_t best = n_chains;

		for (size_t c = 0; c < n_chains; c++)
			if (at[c] < end[c] && (best == n_chains || r->entries.v[at[c]].rec.time_ns < r->entries.v[at[best]].rec.time_ns))
				best = c;
		v[i] = r->entries.v[at[best]++];
	}
	free(r->entries.v);
	r->entries.v = v;
	r->entries.cap = n + 1;
	free(at);
	free(end);
}

/* Joined before it was opened: the clocks of two machines disagree by that much at least. */
static void
tell_skew(struct report *r)
{
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct chain *c = r->chains.v[i];

		if (c->is_joined && c->opened_ns != 0 && c->opened_ns < r->opened_ns)
			rep_missing(r, rep_fmt(r, "Chain %s joined the incident %s before it was opened elsewhere: its clock was behind by at least that much, and its rows stand too early.",
			    c->label, rep_duration(r, r->opened_ns - c->opened_ns)));
		if (c->n_steps_back > 0)
			rep_missing(r, rep_fmt(r, "The clock of chain %s stepped back %zu time%s, by up to %s: its rows stand in the order of the chain.", c->label,
			    c->n_steps_back, c->n_steps_back == 1 ? "" : "s", rep_duration(r, c->step_back_ns)));
	}
}

/* A slice that begins in the midst of what belongs to the incident: what was done before it is not known. */
static void
tell_cut(struct report *r)
{
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct chain *c = r->chains.v[i];

		if (c->is_packed && c->begin_seq > 1 && c->begin_ns > r->from_ns)
			rep_missing(r, rep_fmt(r, "Chain %s begins with record %" PRIu64 " of %s: what was recorded from %s to then is not in it.", c->label, c->begin_seq,
			    rep_time(r, c->begin_ns), rep_time(r, r->from_ns)));
	}
}

/* The first time the words of a chain are shown: who is who is known now. */
static void
name_people(struct report *r)
{
	/* Who did something comes first; who only looked has a number behind them. */
	for (size_t i = 0; i < r->entries.n; i++)
		if (r->entries.v[i].is_own || is_own_action(&r->entries.v[i].rec))
			people_add(r, r->entries.v[i].rec.user);
	for (size_t i = 0; i < r->entries.n; i++)
		people_add(r, r->entries.v[i].rec.user);
	for (size_t i = 0; i < r->chains.n; i++)
		r->chains.v[i]->path = rep_cleans(r, r->chains.v[i]->path);
	r->env = rep_cleans(r, r->env);
}

int
chains_read(struct report *r, struct err *err)
{
	char *needle = needle_of(r->o.incident);
	int result = 0;

	for (size_t i = 0; i < r->chains.n && result == 0; i++)
		result = read_chain(r, r->chains.v[i], needle, err);
	free(needle);
	if (result < 0)
		return result;
	merge(r);
	name_people(r);
	tell_skew(r);
	tell_cut(r);
	return 0;
}
