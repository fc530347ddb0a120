/* What the audit log says of one incident: when it was, and which records are about it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "audit/record.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "replay.h"

enum { NAMED_MAX = 8 };

struct search {
	const char *id;			/* NULL: the newest */
	struct incident_found found;
	struct buf others;		/* ids of the rest, for the sentence */
	size_t n_others;
};

void
incident_found_done(struct incident_found *in)
{
	free(in->id);
	free(in->title);
	free(in->env);
	*in = (struct incident_found){ 0 };
}

static void
begin(struct search *s, const struct audit_record *r)
{
	const char *title = json_string_value(json_object_get(r->json, "title"));

	/* Several chains, or a join, may open one incident: the first opening counts. */
	if (str_eq(s->found.id, r->incident))
		return;
	incident_found_done(&s->found);
	s->found = (struct incident_found){
		.id = xstrdup(r->incident), .title = xstrdup(title != NULL ? title : ""), .env = xstrdup(r->env != NULL ? r->env : ""),
		.opened_ns = r->time_ns, .first_seq = r->seq, .last_seq = r->seq };
}

static void
name_other(struct search *s, const char *id)
{
	if (s->n_others++ < NAMED_MAX)
		buf_printf(&s->others, "%s%s", s->others.len > 0 ? ", " : "", id);
}

static void
take(struct search *s, const struct audit_record *r)
{
	if (r->incident == NULL)
		return;
	if (r->type == AUDIT_INCIDENT_OPENED) {
		if (s->id == NULL || str_eq(s->id, r->incident))
			begin(s, r);
		else
			name_other(s, r->incident);
	}
	if (!str_eq(s->found.id, r->incident))
		return;
	s->found.last_seq = r->seq;
	if (r->type == AUDIT_INCIDENT_CLOSED)
		s->found.closed_ns = r->time_ns;
}

/* Most lines are about no incident, and need not be read for that. */
static bool
is_about_one(const struct audit_line *line)
{
	static const char none[] = ",\"incident\":null,";

	return !line->is_torn && memmem(line->bytes, line->len, none, sizeof none - 1) == NULL;
}

int
incident_find(const char *log, const char *id, struct incident_found *ret, struct err *err)
{
	struct search s = { .id = id };
	struct audit_reader *reader;
	struct audit_line line;
	char shown[128];
	int r;

	r = audit_reader_open(log, &reader, err);
	if (r < 0)
		return r;
	buf_init(&s.others, 1024);
	while ((r = audit_reader_next(reader, &line, err)) > 0) {
		struct audit_record rec;

		if (!is_about_one(&line) || audit_record_read(line.bytes, line.len, &rec, NULL) < 0)
			continue;
		take(&s, &rec);
		audit_record_done(&rec);
	}
	audit_reader_free(reader);
	if (r == 0 && s.found.id == NULL && id == NULL)
		r = err_set(err, ERR_NOTFOUND, "the audit log tells of no incident: opsconsole --incident-open TITLE records one");
	else if (r == 0 && s.found.id == NULL)
		r = err_set(err, ERR_NOTFOUND, "the audit log %s tells of no incident '%s'%s%s", log, str_escape_to(shown, sizeof shown, id),
		    s.others.len > 0 ? "; there are " : "", s.others.len > 0 ? s.others.data : "");
	buf_done(&s.others);
	if (r == 0)
		*ret = s.found;
	else
		incident_found_done(&s.found);
	return r < 0 ? r : 0;
}

/* --- its time ---------------------------------------------------------------------------------------------------------------- */

/* Told when a chunk is closed, or pinned: however long after. */
static bool
is_chunk_of(const struct audit_record *r, int64_t from_ns, int64_t to_ns)
{
	const char *from = json_string_value(json_object_get(r->json, "from")), *to = json_string_value(json_object_get(r->json, "to"));
	int64_t first_ns, last_ns;

	return r->type == AUDIT_CHUNK && from != NULL && to != NULL && clock_parse(from, &first_ns, NULL) == 0 && clock_parse(to, &last_ns, NULL) == 0 &&
	    first_ns <= to_ns && last_ns >= from_ns;
}

int
incident_widen(const char *log, int64_t from_ns, int64_t to_ns, struct incident_found *in, struct err *err)
{
	struct audit_reader *reader;
	struct audit_line line;
	uint64_t before = 0;
	int r = audit_reader_open(log, &reader, err);

	if (r < 0)
		return r;
	while ((r = audit_reader_next(reader, &line, err)) > 0) {
		struct audit_record rec;

		if (line.is_torn || audit_record_read(line.bytes, line.len, &rec, NULL) < 0)
			continue;
		if (rec.time_ns < from_ns && rec.seq < in->first_seq)
			before = rec.seq;
		else if (before == 0 && rec.seq < in->first_seq)
			before = rec.seq;	/* the first there is */
		if (rec.seq > in->last_seq && ((rec.time_ns >= from_ns && rec.time_ns <= to_ns) || is_chunk_of(&rec, from_ns, to_ns)))
			in->last_seq = rec.seq;
		audit_record_done(&rec);
	}
	audit_reader_free(reader);
	if (r == 0 && before != 0)
		in->first_seq = before;
	return r;
}
