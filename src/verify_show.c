#include "config.h"

#include "verify_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/reader_priv.h"
#include "audit/verify.h"
#include "base/str.h"
#include "record/pack.h"
#include "verify_chunks.h"

struct session {
	const struct verify_show *o;
	struct chunk_claims *claims;
	struct audit_report chain;	/* of several the first that does not hold, else the first that is not anchored */
	struct chunk_report chunks;
	struct err damage;		/* of a packed file's own sums */
};

static void
on_record(const char *line, size_t len, enum audit_type type, void *arg)
{
	struct session *s = arg;

	chunk_claims_record(line, len, type, s->claims);
}

static bool
on_progress(uint64_t n, void *arg)
{
	const struct session *s = arg;

	return s->o->progress == NULL || s->o->progress(n, s->o->arg);
}

static int
verify(struct session *s, struct audit_reader *reader, const char *head, const char *head_path, struct audit_report *ret, struct err *err)
{
	const struct audit_verify_options o = { .head = head, .head_path = head_path, .progress = on_progress, .record = on_record, .arg = s, .threads = 1 };

	return audit_verify_with(reader, &o, ret, err);
}

static void
add_report(struct chunk_report *sum, const struct chunk_report *one)
{
	sum->good += one->good;
	sum->edited += one->edited;
	sum->missing += one->missing;
	sum->absent += one->absent;
	sum->unrecorded += one->unrecorded;
	for (size_t i = 0; i < one->n && sum->n < CHUNK_FINDINGS_MAX; i++)
		sum->v[sum->n++] = one->v[i];
}

/* Those that are replayed, as one. */
static int
check_replayed(struct session *s, struct err *err)
{
	int r = chunk_claims_check_recording(s->claims, s->o->recording, &s->chunks, err);

	for (const char *const *p = s->o->others; r == 0 && p != NULL && *p != NULL; p++) {
		struct chunk_report one;

		r = chunk_claims_check_recording(s->claims, *p, &one, err);
		add_report(&s->chunks, &one);
	}
	return r;
}

/* --- a log ------------------------------------------------------------------------------------------------------------------------------------------ */

static int
verify_log(struct session *s, struct err *err)
{
	struct audit_reader *reader;
	int r = audit_reader_open(s->o->path, &reader, err);

	if (r < 0)
		return r;
	r = verify(s, reader, NULL, s->o->head_path, &s->chain, err);
	audit_reader_free(reader);
	if (r == 0 && s->o->recording != NULL)
		r = check_replayed(s, err);
	else if (r == 0)
		chunk_claims_check(s->claims, s->o->recordings, &s->chunks);
	return r;
}

/* --- a packed file ------------------------------------------------------------------------------------------------------------------------------------ */

static bool
is_finding(const struct audit_report *r)
{
	return r->verdict != AUDIT_GOOD && r->verdict != AUDIT_UNANCHORED;
}

/* Each slice is of a chain of its own, and was packed under a head of its own. */
static int
verify_slices(struct session *s, const struct pack *p, struct err *err)
{
	size_t n = pack_n_slices(p), len;
	const char *name, *head, *text;
	int r = n > 0 ? 0 : err_set(err, ERR_NOTFOUND, "the packed file holds no part of an audit log: nothing vouches for it");

	for (size_t i = 0; i < n && r == 0; i++) {
		struct audit_report one;
		struct audit_reader *reader;

		text = pack_slice(p, i, &len, &name, &head);
		reader = audit_reader_memory(&name, &text, &len, 1);
		audit_reader_set_slice(reader);
		r = verify(s, reader, head != NULL && head[0] != '\0' ? head : NULL, NULL, &one, err);
		audit_reader_free(reader);
		if (r == 0 && (i == 0 || (s->chain.verdict == AUDIT_GOOD ? one.verdict != AUDIT_GOOD : !is_finding(&s->chain) && is_finding(&one))))
			s->chain = one;
	}
	return r;
}

static int
verify_pack(struct session *s, struct err *err)
{
	struct pack *p;
	int r = pack_open(s->o->path, &p, err);

	if (r < 0)
		return r;
	r = verify_slices(s, p, err);
	if (r == 0) {
		chunk_claims_check_pack(s->claims, p, &s->chunks);
		pack_check(p, &s->damage);
	}
	pack_free(p);
	return r;
}

/* --- in words ------------------------------------------------------------------------------------------------------------------------------------------- */

static const char *
verdict_of(const struct session *s)
{
	if (is_finding(&s->chain))
		return audit_verdict_name(s->chain.verdict);
	if (s->chunks.n > 0)
		return s->chunks.v[0].what;
	if (s->damage.code != 0)
		return "damaged";
	return s->chunks.unrecorded > 0 ? "partial" : audit_verdict_name(s->chain.verdict);
}

static void
say_chain(const struct audit_report *r, struct buf *b)
{
	buf_addstr(b, r->text);
	if (r->line > 0)
		buf_printf(b, " (%s, line %" PRIu64 ")", r->file, r->line);
}

/* What is worst comes first: a bar has room for no more. */
static void
say(const struct session *s, struct buf *b)
{
	const struct chunk_report *c = &s->chunks;
	uint64_t n = c->good + c->edited + c->missing + c->unrecorded, bad = c->edited + c->missing;

	if (is_finding(&s->chain)) {
		say_chain(&s->chain, b);
		return;
	}
	if (c->n > 0)
		buf_printf(b, "%s: %s; ", c->v[0].what, c->v[0].text);
	if (bad > 1)
		buf_printf(b, "%" PRIu64 " more chunks do not hold or are gone; ", bad - 1);
	if (s->damage.code != 0)
		buf_printf(b, "%s; ", s->damage.msg);
	if (c->unrecorded > 0)
		buf_printf(b, "no record vouches for %" PRIu64 " of %" PRIu64 " chunk%s of the recording; ", c->unrecorded, n, n == 1 ? "" : "s");
	say_chain(&s->chain, b);
	if (c->good > 0)
		buf_printf(b, "; %" PRIu64 " chunk%s of recordings hold%s", c->good, c->good == 1 ? "" : "s", c->good == 1 ? "s" : "");
	if (c->absent > 0)
		buf_printf(b, "; %" PRIu64 " chunk%s of recordings that are not here", c->absent, c->absent == 1 ? "" : "s");
}

int
verify_show(const struct verify_show *o, struct verify_told *ret, struct err *err)
{
	struct session s = { .o = o, .claims = chunk_claims_new(), .damage = ERR_INIT };
	struct buf b;
	int r;

	chunk_claims_watch(s.claims, o->progress, o->arg);
	r = pack_is(o->path) ? verify_pack(&s, err) : verify_log(&s, err);
	chunk_claims_free(s.claims);
	if (r == 0 && o->progress != NULL && !o->progress(s.chain.records, o->arg))
		r = err_set(err, ERR_CANCELLED, "the verification was given up");
	if (r < 0)
		return r;
	buf_init(&b, 8 << 10);
	say(&s, &b);
	snprintf(ret->verdict, sizeof ret->verdict, "%s", verdict_of(&s));
	snprintf(ret->text, sizeof ret->text, "%s", b.data);
	buf_done(&b);
	return 0;
}
