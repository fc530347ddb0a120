/* Gathering in its order: chains, recordings, rows, what follows from them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
	if (result == 0) {
		recordings_open(r);
		people_find(r);
		result = chains_read(r, err);
	}
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
	for (size_t i = 0; i < r->environments.n; i++)
		if (r->environments.v[i] != r->o.environment)
			block_unref(r->environments.v[i]);
	free(r->environments.v);
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

/* A file that is a review in another format has words that this format could not keep. */
static int
check_format(enum report_format format, const char *old, size_t old_len, struct err *err)
{
	static const char *const names[] = { "md", "json", "html" };
	enum report_format is = REPORT_MD;
	size_t at = 0;

	while (at < old_len && (old[at] == ' ' || old[at] == '\n' || old[at] == '\r' || old[at] == '\t'))
		at++;
	if (at < old_len && old[at] == '{')
		is = REPORT_JSON;
	else if (old_len - at >= 9 && strncasecmp(old + at, "<!doctype", 9) == 0)
		is = REPORT_HTML;
	/* Something else, or damaged, is told of with its line. */
	if (is == format || (memmem(old, old_len, "opsconsole:generated", 20) == NULL && memmem(old, old_len, "\"opsconsole-report\"", 19) == NULL))
		return 0;
	return err_set(err, ERR_INVALID, "it is a review in %s, which one in %s cannot take the place of without losing what people wrote in it: write to another file, or give --format %s",
	    names[is], names[format], names[is]);
}

/* Writing makes texts in the arena of r: the report says the same afterwards. */
int
report_write(const struct report *r, enum report_format format, const char *old, size_t old_len, struct buf *b, struct err *err)
{
	struct report *w = (struct report *)(uintptr_t)r;
	struct buf fresh;
	struct doc doc;
	int result = old != NULL ? check_format(format, old, old_len, err) : 0;

	if (result < 0)
		return result;
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
