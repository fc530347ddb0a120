/*
 * How long it took to detect, acknowledge, mitigate and resolve. Each is the distance between two things that are recorded, and names both; where one of them is not
 * recorded it is not known, and says why.
 */
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "report/report_priv.h"

static bool
is_symptom(const struct row *w)
{
	return w->kind == ROW_ALERT || w->kind == ROW_SLO || w->kind == ROW_MODEL;
}

static const struct row *
end_of(const struct report *r, const struct row *begin)
{
	for (const struct row *w = begin; w < r->rows.v + r->rows.n; w++)
		if (w->is_end && w->kind == begin->kind && w->at_ns >= begin->at_ns && str_eq(w->id, begin->id))
			return w;
	return NULL;
}

/* What began before the incident was closed, and was not over when it was opened. */
static bool
belongs(const struct report *r, const struct row *w)
{
	const struct row *end;

	if (!is_symptom(w) || w->is_end || w->evidence.chunk == NULL || (r->closed_ns != 0 && w->at_ns > r->closed_ns))
		return false;
	end = end_of(r, w);
	return end == NULL || end->at_ns >= r->opened_ns;
}

static const struct row *
first_symptom(const struct report *r, bool is_page)
{
	const struct row *first = NULL;

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];
		int64_t at_ns = is_page ? w->known_ns : w->at_ns;

		if (!belongs(r, w) || (is_page && !w->is_page))
			continue;
		if (first == NULL || at_ns < (is_page ? first->known_ns : first->at_ns))
			first = w;
	}
	return first;
}

static const struct row *
incident_row(const struct report *r, bool is_end)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];

		if (w->kind == ROW_INCIDENT && w->at_ns == (is_end ? r->closed_ns : r->opened_ns) && w->at_ns != 0)
			return w;
	}
	return NULL;
}

static const struct row *
first_act(const struct report *r, int64_t from_ns)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];

		if (w->at_ns >= from_ns && w->evidence.n_cites > 0 && (w->kind == ROW_ACT || w->kind == ROW_INCIDENT || w->kind == ROW_RUN || w->kind == ROW_NOTE))
			return w;
	}
	return NULL;
}

/* The last end of what burned or paged; NULL, and *ret_open, while something of it goes on. */
static const struct row *
last_end(const struct report *r, bool is_pages, const struct row **ret_open)
{
	const struct row *last = NULL;

	*ret_open = NULL;
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i], *end;

		if (!belongs(r, w) || (is_pages ? w->kind != ROW_ALERT || !w->is_page : w->kind != ROW_SLO && !(w->kind == ROW_ALERT && w->is_page)))
			continue;
		end = end_of(r, w);
		if (end == NULL)
			*ret_open = w;
		else if (last == NULL || end->at_ns > last->at_ns)
			last = end;
	}
	return *ret_open != NULL ? NULL : last;
}

static void
known(struct measure *m, int64_t from_ns, const struct evidence *from, int64_t to_ns, const struct evidence *to, const char *basis)
{
	m->is_known = true;
	m->from_ns = from_ns;
	m->to_ns = to_ns;
	if (from != NULL)
		m->from = *from;
	if (to != NULL)
		m->to = *to;
	m->basis = basis;
}

static void
detect(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *page = first_symptom(r, true), *told = page != NULL ? page : start, *opened = incident_row(r, false);

	if (start == NULL) {
		m->basis = "not known: no recording says when it began";
		return;
	}
	if (opened != NULL && opened->at_ns < told->known_ns)
		known(m, start->at_ns, &start->evidence, opened->at_ns, &opened->evidence, rep_fmt(r, "from \"%s\" to the opening of the incident, which came before any alert was known",
		    start->text));
	else
		known(m, start->at_ns, &start->evidence, told->known_ns, &told->evidence, rep_fmt(r, "from \"%s\" to when %s was known here", start->text,
		    page != NULL ? rep_fmt(r, "the first page (\"%s\")", page->text) : "it"));
}

static void
acknowledge(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *acted = start != NULL ? first_act(r, start->at_ns) : NULL;

	if (acted != NULL)
		known(m, start->at_ns, &start->evidence, acted->at_ns, &acted->evidence, rep_fmt(r, "from \"%s\" to the first record of a person: \"%s\"", start->text, acted->text));
	else
		m->basis = start == NULL ? "not known: no recording says when it began" : "not known: no record says that anybody took it up";
}

/* The last verified run before all of it was over: what came after the end did not bring it about. */
static const struct tried *
cure(const struct report *r, int64_t from_ns, int64_t over_ns)
{
	for (size_t i = 0; i < r->tried.n; i++) {
		const struct tried *t = r->tried.v[i];
		bool is_relapse = false;

		if (!t->is_run || !t->is_verified || t->ended_ns < from_ns || (over_ns != 0 && t->begun_ns > over_ns))
			continue;
		for (size_t j = 0; j < r->rows.n; j++)
			is_relapse |= belongs(r, &r->rows.v[j]) && r->rows.v[j].kind != ROW_MODEL && r->rows.v[j].at_ns > t->ended_ns;
		if (!is_relapse)
			return t;
	}
	return NULL;
}

static void
mitigate(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *open, *over = last_end(r, false, &open);
	const struct tried *t = start == NULL ? NULL : cure(r, start->at_ns, over != NULL ? over->at_ns : 0);

	if (start == NULL)
		m->basis = "not known: no recording says when it began";
	else if (open != NULL)
		m->basis = rep_fmt(r, "not known: \"%s\" goes on where the recording ends", open->text);
	else if (t != NULL && over != NULL)
		known(m, start->at_ns, &start->evidence, t->ended_ns, &t->evidence, rep_fmt(r, "from \"%s\" to the verified end of run %s, with which it was over (\"%s\" at %s)",
		    start->text, t->id, over->text, rep_time(r, over->at_ns)));
	else if (over != NULL)
		known(m, start->at_ns, &start->evidence, over->at_ns, &over->evidence, rep_fmt(r, "from \"%s\" to when nothing burned or paged any more (\"%s\"); no verified run came before",
		    start->text, over->text));
	else
		m->basis = "not known: the recording has no end of what burned or paged";
}

static void
resolve(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *open, *over = last_end(r, true, &open), *closed = incident_row(r, true);

	if (start == NULL)
		m->basis = "not known: no recording says when it began";
	else if (over != NULL)
		known(m, start->at_ns, &start->evidence, over->at_ns, &over->evidence, rep_fmt(r, "from \"%s\" to the end of the last page (\"%s\")", start->text, over->text));
	else if (closed != NULL && open == NULL)
		known(m, start->at_ns, &start->evidence, closed->at_ns, &closed->evidence, rep_fmt(r, "from \"%s\" to the closing of the incident; no page is recorded", start->text));
	else
		m->basis = open != NULL ? rep_fmt(r, "not known: \"%s\" still fires where the recording ends", open->text) : "not known: the incident is not closed";
}

void
measures_make(struct report *r)
{
	static const char *const names[][2] = { { "detect", "Time to detect" }, { "acknowledge", "Time to acknowledge" }, { "mitigate", "Time to mitigate" },
		{ "resolve", "Time to resolve" } };
	const struct row *start = first_symptom(r, false);

	for (size_t i = 0; i < 4; i++)
		r->measures[i] = (struct measure){ .name = names[i][0], .title = names[i][1], .basis = "" };
	detect(r, &r->measures[0], start);
	acknowledge(r, &r->measures[1], start);
	mitigate(r, &r->measures[2], start);
	resolve(r, &r->measures[3], start);
}
