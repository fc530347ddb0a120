/* Gathering in its order: chains, recordings, rows, what follows from them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "report/doc.h"
#include "report/report_priv.h"

static void
find_title(struct report *r)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];

		if (e->is_own && e->rec.type == AUDIT_INCIDENT_OPENED && (*r->title == '\0' || !json_is_true(json_object_get(e->rec.json, "joined"))))
			r->title = rep_member(r, &e->rec, "title");
	}
	r->state = r->closed_ns != 0 ? "closed" : "open";
}

static bool
all_sound(const struct report *r)
{
	for (size_t i = 0; i < r->chains.n; i++)
		if (!r->chains.v[i]->is_good)
			return false;
	for (size_t i = 0; i < r->tapes.n; i++)
		for (size_t j = 0; j < r->tapes.v[i].n_chunks; j++)
			if (r->tapes.v[i].chunks[j].state == CHUNK_DIFFERS || r->tapes.v[i].chunks[j].state == CHUNK_UNREAD)
				return false;
	return r->n_gone == 0;
}

int
report_gather(const struct report_options *o, struct report **ret, struct err *err)
{
	struct report *r = xcalloc(1, sizeof *r);
	int result;

	r->o = *o;
	r->title = "";
	result = chains_open(r, err);
	if (result == 0)
		result = chains_read(r, err);
	if (result < 0) {
		report_free(r);
		return result;
	}
	recordings_read(r);
	r->incident = rep_cleans(r, o->incident);
	find_title(r);
	impact_read(r);
	rows_make(r);
	tried_make(r);
	measures_make(r);
	said_make(r);
	r->is_sound = all_sound(r);
	*ret = r;
	return 0;
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->tapes.n; i++)
		player_free(r->tapes.v[i].player);
	for (size_t i = 0; i < r->entries.n; i++)
		audit_record_done(&r->entries.v[i].rec);
	for (size_t i = 0; i < r->tried.n; i++)
		free(r->tried.v[i]->steps.v);
	chains_close(r);
	free(r->people.v);
	free(r->chains.v);
	free(r->entries.v);
	free(r->tapes.v);
	free(r->rows.v);
	free(r->tried.v);
	free(r->notes.v);
	free(r->messages.v);
	free(r->changes.v);
	free(r->handover.v);
	free(r->missing.v);
	free(r->impacts.v);
	free(r->hurts.v);
	free(r->curves.v);
	arena_done(&r->arena);
	free(r);
}

bool
report_is_sound(const struct report *r)
{
	return r->is_sound;
}

/* Writing makes texts in the arena of r: the report says the same afterwards. */
int
report_write(const struct report *r, enum report_format format, const char *old, size_t old_len, struct buf *b, struct err *err)
{
	struct report *w = (struct report *)(uintptr_t)r;
	struct buf fresh;
	struct doc doc;
	int result;

	if (format == REPORT_JSON)
		return write_json(w, old, old_len, b, err);
	buf_init(&fresh, b->max);
	doc_init(&doc);
	compose(w, &doc);
	result = format == REPORT_HTML ? write_html(w, &doc, &fresh) : write_md(&doc, &fresh);
	doc_done(&doc);
	if (result < 0)
		err_set(err, result, "the review is longer than %zu bytes", b->max);
	else
		result = places_merge(fresh.data, fresh.len, old, old_len, format == REPORT_HTML, b, err);
	buf_done(&fresh);
	return result;
}
