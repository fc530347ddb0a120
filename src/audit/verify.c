/*
 * Line by line: its grammar, its hash, its place in the order, its link to the line before; then the head. The first thing that is wrong ends the pass. Where the
 * order is wrong the rest is looked through once, to tell a missing record from one that stands elsewhere and from one that stands twice.
 */
#include "config.h"

#include "audit/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_priv.h"
#include "base/str.h"
#include "base/xalloc.h"

#define OPEN_CLOSED (UINT64_C(1) << 63)

const char *
audit_verdict_name(enum audit_verdict v)
{
	static const char *const names[] = {
		[AUDIT_GOOD] = "good", [AUDIT_MALFORMED] = "malformed", [AUDIT_TORN] = "torn", [AUDIT_EDITED] = "edited",
		[AUDIT_DELETED] = "deleted", [AUDIT_INSERTED] = "inserted", [AUDIT_REORDERED] = "reordered", [AUDIT_TRUNCATED] = "truncated",
		[AUDIT_UNANCHORED] = "unanchored",
	};

	return names[v];
}

/* --- what was found ------------------------------------------------------------------------------------------------------------------------------- */

static int __attribute__((format(printf, 4, 5)))
found(struct verify *v, enum audit_verdict verdict, uint64_t seq, const char *fmt, ...)
{
	va_list ap;

	v->report->verdict = verdict;
	v->report->seq = seq;
	va_start(ap, fmt);
	vsnprintf(v->report->text, sizeof v->report->text, fmt, ap);
	va_end(ap);
	return 1;
}

static void
at_line(struct verify *v, const struct audit_line *l)
{
	str_escape_to(v->report->file, sizeof v->report->file, l->file);
	v->report->line = l->number;
	v->report->offset = l->offset;
}

static void
at_place(struct verify *v, const struct place *p)
{
	memcpy(v->report->file, p->file, sizeof v->report->file);
	v->report->line = p->line;
	v->report->offset = p->offset;
}

/* --- intents without results ---------------------------------------------------------------------------------------------------------------------- */

static void
open_add(struct verify *v, uint64_t seq)
{
	if (v->n_open == v->cap_open) {
		size_t n = 0;

		for (size_t i = 0; i < v->n_open; i++)
			if (!(v->open[i] & OPEN_CLOSED))
				v->open[n++] = v->open[i];
		v->n_open = n;
		if (n > v->cap_open / 2 || v->cap_open == 0) {
			v->cap_open = v->cap_open * 2 + 256;
			v->open = xreallocarray(v->open, v->cap_open, sizeof *v->open);
		}
	}
	v->open[v->n_open++] = seq;
}

static void
open_close(struct verify *v, uint64_t seq)
{
	size_t lo = 0, hi = v->n_open;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		uint64_t s = v->open[mid] & ~OPEN_CLOSED;

		if (s == seq) {
			v->open[mid] |= OPEN_CLOSED;
			return;
		}
		if (s < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
}

void
verify_tell(const struct verify *v, const char *line, size_t len, enum audit_type type)
{
	if (v->options->record != NULL && (type == AUDIT_RECORDING || type == AUDIT_CHUNK || type == AUDIT_ANCHOR))
		v->options->record(line, len, type, v->options->arg);
}

void
verify_count(struct verify *v, uint64_t seq, const char *hash, enum audit_type type, uint64_t ref)
{
	struct audit_report *rep = v->report;

	rep->records++;
	if (seq == v->head.seq) {
		v->is_head_met = true;
		v->is_head_right = memcmp(hash, v->head.hash, AUDIT_HASH_HEX) == 0;
	}
	for (size_t i = 0; i < v->options->n_marks; i++)
		if (v->options->marks[i].seq == seq) {
			v->mark_met[i] = true;
			v->mark_right[i] = memcmp(hash, v->options->marks[i].hash, AUDIT_HASH_HEX) == 0;
		}
	rep->unknown_types += type == AUDIT_TYPES;
	rep->recovered += type == AUDIT_RECOVERED;
	rep->gaps += type == AUDIT_GAP;
	if (v->options->is_chain_only)
		return;
	if (type == AUDIT_INTENT || type == AUDIT_ACT)
		open_add(v, seq);
	else if (type == AUDIT_RESULT || type == AUDIT_ACT_RESULT)
		open_close(v, ref);
}

static void
copy_member(char *dst, size_t size, const struct audit_record *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec->json, name));

	str_escape_to(dst, size, text != NULL ? text : "");
}

static void
name_one(struct audit_report *rep, const struct audit_line *l)
{
	struct audit_open *o = &rep->open[rep->n_open];
	struct audit_record rec;

	if (audit_record_read(l->bytes, l->len, &rec, NULL) < 0)
		return;
	*o = (struct audit_open){ .seq = rec.seq, .is_act = rec.type == AUDIT_ACT };
	str_escape_to(o->run, sizeof o->run, rec.run != NULL ? rec.run : "");
	copy_member(o->step, sizeof o->step, &rec, o->is_act ? "verb" : "step");
	copy_member(o->host, sizeof o->host, &rec, o->is_act ? "object" : "host");
	rep->n_open++;
	audit_record_done(&rec);
}

/* Of a line that is known to be a record. */
static uint64_t
seq_of(const struct audit_line *l)
{
	uint64_t n = 0;

	for (size_t i = sizeof "{\"seq\":" - 1; i < l->len && (unsigned char)(l->bytes[i] - '0') <= 9 && n < OPEN_CLOSED / 10; i++)
		n = n * 10 + (uint64_t)(l->bytes[i] - '0');
	return n;
}

/* Counts them, and reads the first ones once more for what they were about. */
static int
name_open(struct verify *v, struct err *err)
{
	struct audit_report *rep = v->report;
	struct audit_line l;
	size_t next = 0, n = 0;
	int r = 0;

	for (size_t i = 0; i < v->n_open; i++)
		if (!(v->open[i] & OPEN_CLOSED))
			v->open[n++] = v->open[i];
	rep->open_intents = v->n_open = n;
	n = n < AUDIT_OPEN_MAX ? n : AUDIT_OPEN_MAX;
	if (n == 0)
		return 0;
	audit_reader_seek(v->reader, &(struct audit_place){ 0 });
	while (next < n && (r = audit_reader_next(v->reader, &l, err)) > 0) {
		if (l.is_torn || seq_of(&l) != v->open[next])
			continue;
		name_one(rep, &l);
		next++;
	}
	return r < 0 ? r : 0;
}

/* --- order ------------------------------------------------------------------------------------------------------------------------------------------ */

/* What the rest of the log has of two seqs. Lines that are wrong themselves are passed over. */
static int
look_ahead(struct verify *v, uint64_t a, uint64_t b, bool *has_a, bool *has_b, struct audit_frame *first, struct err *err)
{
	struct audit_line l;
	struct audit_frame f;
	bool is_first = true;
	int r;

	*has_a = *has_b = false;
	*first = (struct audit_frame){ 0 };
	while ((r = audit_reader_next(v->reader, &l, err)) > 0) {
		if (l.is_torn || audit_frame_read(l.bytes, l.len, &f, NULL) < 0 || !f.is_hash_right)
			continue;
		if (is_first)
			*first = f;
		is_first = false;
		*has_a |= f.seq == a;
		*has_b |= f.seq == b;
	}
	return r;
}

static int
judge_ahead(struct verify *v, const struct audit_frame *f, uint64_t want, struct err *err)
{
	struct audit_frame next;
	bool has_again, has_want;
	int r = look_ahead(v, f->seq, want, &has_again, &has_want, &next, err);

	if (r < 0)
		return r;
	if (has_again)
		return found(v, AUDIT_INSERTED, f->seq, "record %" PRIu64 " stands here and once more behind: this one was inserted", f->seq);
	if (has_want)
		return found(v, AUDIT_REORDERED, f->seq, "record %" PRIu64 " stands before %" PRIu64 ": records changed places", f->seq, want);
	if (f->seq - want == 1)
		return found(v, AUDIT_DELETED, want, "record %" PRIu64 " is missing: %s", want,
		    want == 1 ? "the log begins behind it" : "it was deleted");
	return found(v, AUDIT_DELETED, want, "records %" PRIu64 " to %" PRIu64 " are missing: %s", want, f->seq - 1,
	    want == 1 ? "the log begins behind them" : "they were deleted");
}

static int
judge_behind(struct verify *v, const struct audit_frame *f, struct err *err)
{
	struct audit_frame next;
	bool unused[2];
	int r;

	if (f->seq < v->report->first_seq)
		return found(v, AUDIT_REORDERED, f->seq, "record %" PRIu64 " stands behind %" PRIu64 ": files or records changed places", f->seq,
		    v->last.seq);
	r = look_ahead(v, 0, 0, &unused[0], &unused[1], &next, err);
	if (r < 0)
		return r;
	/* Two with the same number: the one that the next record names is the right one. */
	if (f->seq == v->last.seq && next.seq == f->seq + 1 && strcmp(next.prev, f->hash) == 0 && strcmp(f->hash, v->last.hash) != 0)
		at_place(v, &v->last_place);
	return found(v, AUDIT_INSERTED, f->seq, "record %" PRIu64 " was there already: one of the two was inserted", f->seq);
}

static int
judge_link(struct verify *v, const struct audit_frame *f, struct err *err)
{
	struct audit_frame next;
	bool unused[2];
	int r = look_ahead(v, 0, 0, &unused[0], &unused[1], &next, err);

	if (r < 0)
		return r;
	if (next.seq == f->seq)
		return found(v, AUDIT_INSERTED, f->seq, "record %" PRIu64 " stands twice, and the first does not link to the one before: it was inserted",
		    f->seq);
	if (v->last.seq == 0)
		return found(v, AUDIT_EDITED, f->seq, "record 1 names a record before it: it, or the beginning of the log, was replaced");
	at_place(v, &v->last_place);
	return found(v, AUDIT_EDITED, v->last.seq, "record %" PRIu64 " holds in itself, but the next one names another hash: it was replaced",
	    v->last.seq);
}

/* 0 in order. */
static int
check_order(struct verify *v, const struct audit_frame *f, struct err *err)
{
	bool is_first = v->last.seq == 0;
	uint64_t want = v->last.seq + 1;

	if (is_first && !audit_reader_is_whole(v->reader) && f->seq > 1)
		return 0;
	if (f->seq > want)
		return judge_ahead(v, f, want, err);
	if (f->seq < want)
		return judge_behind(v, f, err);
	if (strcmp(f->prev, is_first ? AUDIT_ZERO : v->last.hash) != 0)
		return judge_link(v, f, err);
	return 0;
}

/* --- the pass ---------------------------------------------------------------------------------------------------------------------------------------- */

static void
remember(struct verify *v, const struct audit_line *l, const struct audit_frame *f)
{
	struct audit_checked c;

	if (v->last.seq == 0)
		v->report->first_seq = f->seq;
	v->last = *f;
	v->last_place.line = l->number;
	v->last_place.offset = l->offset;
	if (l->file != v->file) {
		str_escape_to(v->last_place.file, sizeof v->last_place.file, l->file);
		v->file = l->file;
	}
	audit_check_line(l->bytes, l->len, &c);
	verify_count(v, f->seq, f->hash, c.type, c.ref);
	verify_tell(v, l->bytes, l->len, c.type);
}

/* 1 something is wrong, 0 not, or an error. */
static int
check_line(struct verify *v, const struct audit_line *l, struct err *err)
{
	uint64_t want = v->last.seq + 1;
	struct audit_frame f;
	struct err why = ERR_INIT;
	int r;

	at_line(v, l);
	if (l->is_torn)
		return found(v, AUDIT_TORN, want, "the file ends in %zu bytes without a line feed: a write that did not end (the next opening of the log "
		    "moves them to a side file)", l->len);
	if (audit_frame_read(l->bytes, l->len, &f, &why) < 0)
		return found(v, AUDIT_MALFORMED, want, "this is no record: %s", why.msg);
	if (!f.is_hash_right)
		return found(v, AUDIT_EDITED, want, "the hash of this record does not hold: it was changed");
	r = check_order(v, &f, err);
	if (r == 0)
		remember(v, l, &f);
	return r;
}

static int
check_lines(struct verify *v, struct err *err)
{
	struct audit_line l;
	int r, bad;

	for (;;) {
		/* The first record may be any; all that follow are told by it. */
		if (v->last.seq > 0 && !v->is_careful) {
			v->is_careful = true;
			r = verify_blocks(v, err);
			if (r < 0)
				return r;
		}
		r = audit_reader_next(v->reader, &l, err);
		if (r <= 0)
			return r;
		if (l.is_torn && audit_reader_is_busy(v->reader))
			continue;	/* it is being written */
		bad = check_line(v, &l, err);
		if (bad != 0)
			return bad;
	}
}

/* Of the head, and of each mark, that its record is there and is the one. */
static int
check_edited(struct verify *v)
{
	if (v->is_head_met && !v->is_head_right)
		return found(v, AUDIT_EDITED, v->head.seq, "record %" PRIu64 " is not the one that the head names: the log was replaced from there on, or "
		    "earlier", v->head.seq);
	for (size_t i = 0; i < v->options->n_marks; i++)
		if (v->mark_met[i] && !v->mark_right[i])
			return found(v, AUDIT_EDITED, v->options->marks[i].seq, "record %" PRIu64 " is not the one that %s names: the log was "
			    "replaced from there on, or earlier", v->options->marks[i].seq, v->options->marks[i].name);
	return 0;
}

static int
check_truncated(struct verify *v)
{
	uint64_t seq = v->report->has_head ? v->head.seq : 0;
	const char *name = "its head";

	for (size_t i = 0; i < v->options->n_marks; i++)
		if (v->options->marks[i].seq > seq) {
			seq = v->options->marks[i].seq;
			name = v->options->marks[i].name;
		}
	if (seq <= v->last.seq)
		return 0;
	return found(v, AUDIT_TRUNCATED, v->last.seq + 1, "the log ends with record %" PRIu64 ", but %s names %" PRIu64 ": %" PRIu64
	    " record%s cut off", v->last.seq, name, seq, seq - v->last.seq, seq - v->last.seq == 1 ? " was" : "s were");
}

/* All lines hold. */
static int
check_head(struct verify *v)
{
	struct audit_report *rep = v->report;
	int r;

	at_place(v, &v->last_place);
	for (size_t i = 0; i < v->options->n_marks; i++)
		rep->marks_met += v->mark_met[i];
	r = check_edited(v);
	if (r == 0)
		r = check_truncated(v);
	if (r != 0)
		return r;
	rep->file[0] = '\0';
	rep->line = rep->offset = 0;
	if (rep->has_head && v->head.seq < v->last.seq) {
		rep->unanchored = v->is_head_met ? v->last.seq - v->head.seq : rep->records;
		return found(v, AUDIT_UNANCHORED, 0, "all records hold, but the newest %" PRIu64 " stand behind the head (record %" PRIu64
		    "): nothing vouches that no more were cut off", rep->unanchored, v->head.seq);
	}
	return found(v, AUDIT_GOOD, 0, rep->has_head ? "all records hold, up to the head" :
	    "all records hold; there was no head to compare with, so records cut off at the end would not show");
}

/* A head that was written while we read. */
static void
read_head_again(struct verify *v, const char *head_path)
{
	struct audit_head again;

	if (head_path != NULL && audit_head_read(head_path, &again, NULL) == 0 && again.seq == v->last.seq &&
	    strcmp(again.hash, v->last.hash) == 0) {
		v->head = again;
		v->is_head_met = v->is_head_right = true;
	}
}

static int
find_head(struct verify *v, const char *head, const char *head_path, struct err *err)
{
	int r;

	if (head != NULL) {
		if (!audit_head_parse(head, strlen(head), &v->head))
			return err_set(err, ERR_USAGE, "--head: expected SEQ:HASH, the hash in 64 lower-case hex digits");
		v->report->has_head = true;
		return 0;
	}
	if (head_path == NULL)
		return 0;
	r = audit_head_read(head_path, &v->head, err);
	if (r == ERR_NOTFOUND)
		return 0;
	v->report->has_head = r == 0;
	return r;
}

/* The head was read when the log was open already: what it names may have been written in between. */
static int
check_grown(struct verify *v, struct err *err)
{
	struct audit_place at = { 0 };
	char newest[sizeof v->last_place.file];
	const char *file;
	struct audit_line l;
	bool has_last;
	int r = 1;

	if (!v->report->has_head || v->options->head != NULL || v->head.seq <= v->last.seq || !audit_reader_grow(v->reader))
		return 0;
	for (size_t i = 0; (file = audit_reader_file(v->reader, i, NULL)) != NULL; i++) {
		at.file = i;
		str_escape_to(newest, sizeof newest, file);
	}
	has_last = v->last.seq > 0 && strcmp(newest, v->last_place.file) == 0;
	if (has_last) {
		at.offset = (int64_t)v->last_place.offset;
		at.number = v->last_place.line - 1;
	}
	audit_reader_seek(v->reader, &at);
	if (has_last)
		r = audit_reader_next(v->reader, &l, err);	/* the last record itself */
	return r < 0 ? r : check_lines(v, err);
}

int
audit_verify_with(struct audit_reader *reader, const struct audit_verify_options *o, struct audit_report *ret, struct err *err)
{
	struct audit_report rep = { .verdict = AUDIT_GOOD };
	struct verify v = { .reader = reader, .options = o, .report = &rep };
	struct err why = ERR_INIT;
	int r = find_head(&v, o->head, o->head_path, err);

	if (r == 0)
		r = check_lines(&v, err);
	if (r == 0)
		r = check_grown(&v, err);
	rep.last_seq = v.last.seq;
	memcpy(rep.last_hash, v.last.hash, sizeof rep.last_hash);
	if (r == 0) {
		if (rep.has_head && o->head == NULL && v.head.seq < v.last.seq)
			read_head_again(&v, o->head_path);
		r = check_head(&v);
	}
	if (r >= 0 && name_open(&v, &why) < 0)
		r = err_set(err, why.code, "%s", why.msg);
	free(v.open);
	if (r < 0)
		return r;
	*ret = rep;
	return 0;
}

int
audit_verify(struct audit_reader *reader, const char *head, const char *head_path, struct audit_report *ret, struct err *err)
{
	const struct audit_verify_options o = { .head = head, .head_path = head_path };

	return audit_verify_with(reader, &o, ret, err);
}

bool
audit_mark_parse(const char *text, size_t len, struct audit_mark *ret)
{
	struct audit_head head;

	if (!audit_head_parse(text, len, &head))
		return false;
	ret->seq = head.seq;
	memcpy(ret->hash, head.hash, sizeof ret->hash);
	return true;
}
