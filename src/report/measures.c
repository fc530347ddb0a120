/*
 * How long it took to detect, acknowledge, mitigate and resolve. Each is the distance between two things that are recorded, and names both; where one of them is not
 * recorded it is not known, and says why.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
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

static bool
is_begin(const struct report *r, const struct row *w)
{
	return is_symptom(w) && !w->is_end && w->evidence.chunk != NULL && (r->closed_ns == 0 || w->at_ns <= r->closed_ns);
}

static bool
is_over_at_opening(const struct report *r, const struct row *w)
{
	const struct row *end = end_of(r, w);

	return end != NULL && end->at_ns < r->opened_ns;
}

/* Opened when what paged was over already: it is about that. */
static bool
is_late(const struct report *r)
{
	bool was_paged = false;

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];

		if (!w->is_page || !is_begin(r, w))
			continue;
		if (!is_over_at_opening(r, w))
			return false;
		was_paged = true;
	}
	return was_paged;
}

/* What began before the incident was closed, and was not over when it was opened, unless that was late. */
static bool
belongs(const struct report *r, const struct row *w)
{
	return is_begin(r, w) && (r->is_late || !is_over_at_opening(r, w));
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

/* Where two ends are what one answer told, no time lies between them. */
#define ONCE_NS (5 * NS_PER_S)
/* A change so long before the start at most is told beside it. */
#define CHANGE_BEFORE_NS (30 * NS_PER_MIN)
enum { TICKETS_SHOWN = 3 };

/* Whoever wrote of this incident knew of it; what names no incident counts from the start on. */
static const struct row *
first_act(const struct report *r, int64_t from_ns)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];

		if (w->evidence.n_cites == 0 || (w->kind != ROW_ACT && w->kind != ROW_INCIDENT && w->kind != ROW_RUN && w->kind != ROW_NOTE))
			continue;
		if (!w->is_beside || w->at_ns >= from_ns)
			return w;
	}
	return NULL;
}

static bool
is_paging(const struct row *w)
{
	return w->is_page && (w->kind == ROW_ALERT || w->kind == ROW_SLO);
}

/* When it paged no more: its end, or when it became a ticket. */
static const struct row *
page_end(const struct report *r, const struct row *begin)
{
	for (const struct row *w = begin + 1; w < r->rows.v + r->rows.n; w++)
		if (w->kind == begin->kind && str_eq(w->id, begin->id) && (w->is_end || !w->is_page))
			return w;
	return NULL;
}

/* The last end of what paged; NULL, and *ret_open, while something of it goes on. */
static const struct row *
last_page_end(const struct report *r, const struct row **ret_open)
{
	const struct row *last = NULL;

	*ret_open = NULL;
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i], *end;

		if (!is_paging(w) || !belongs(r, w))
			continue;
		end = page_end(r, w);
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

int64_t
measure_ns(const struct measure *m)
{
	return m->to_ns > m->from_ns ? m->to_ns - m->from_ns : 0;
}

/* The change before the start that is nearest to it: beside the measures, as that it was the cause is for people to say. */
static void
find_change(struct report *r, const struct row *start)
{
	for (size_t i = 0; start != NULL && i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];

		if (w->kind == ROW_CHANGE && w->at_ns <= start->at_ns && w->at_ns >= start->at_ns - CHANGE_BEFORE_NS)
			r->change = w;
	}
}

static const char *
after_change(struct report *r, int64_t ns)
{
	if (r->change == NULL)
		return "";
	return rep_fmt(r, "; %s after the change before it (\"%s\" at %s)", rep_duration(r, ns - r->change->at_ns), r->change->text, rep_time(r, r->change->at_ns));
}

/* A person knew before any symptom: no time to tell, and never less than none. */
static bool
known_before(struct report *r, struct measure *m, const struct row *start, const struct row *acted)
{
	if (acted == NULL || acted->at_ns >= start->at_ns)
		return false;
	known(m, start->at_ns, &start->evidence, acted->at_ns, &acted->evidence, rep_fmt(r, "the first record of a person (\"%s\" at %s) came %s before \"%s\" of %s",
	    acted->text, rep_time(r, acted->at_ns), rep_duration(r, start->at_ns - acted->at_ns), start->text, rep_time(r, start->at_ns)));
	m->instead = "known before it was seen in the metrics";
	return true;
}

static void
detect(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *page = first_symptom(r, true), *told = page != NULL ? page : start, *acted;

	if (start == NULL) {
		m->basis = "not known: no recording says when it began";
		return;
	}
	acted = first_act(r, start->at_ns);
	if (known_before(r, m, start, acted))
		return;
	if (acted != NULL && acted->at_ns < told->known_ns) {
		known(m, start->at_ns, &start->evidence, acted->at_ns, &acted->evidence, rep_fmt(r, "from \"%s\" to the first record of a person (\"%s\"), which came before any "
		    "page was known%s", start->text, acted->text, after_change(r, acted->at_ns)));
		return;
	}
	known(m, start->at_ns, &start->evidence, told->known_ns, &told->evidence, NULL);
	if (told != start)
		m->basis = rep_fmt(r, "from \"%s\" to when %s was known here%s", start->text, page != NULL ? rep_fmt(r, "the first page (\"%s\")", page->text) : "it",
		    after_change(r, told->known_ns));
	else
		m->basis = rep_fmt(r, "\"%s\" began, and %s later it was known here%s", start->text, rep_duration(r, measure_ns(m)), after_change(r, told->known_ns));
	if (told == start && measure_ns(m) < ONCE_NS)
		m->instead = rep_fmt(r, "at once, by its own %s%s", start->kind == ROW_ALERT ? "alert" : start->kind == ROW_SLO ? "burn" : "sign", r->change == NULL ? "" :
		    rep_fmt(r, "; %s after the change before it", rep_duration(r, told->known_ns - r->change->at_ns)));
}

static void
acknowledge(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *acted = start != NULL ? first_act(r, start->at_ns) : NULL;

	if (start == NULL)
		m->basis = "not known: no recording says when it began";
	else if (acted == NULL)
		m->basis = "not known: no record says that anybody took it up";
	else if (!known_before(r, m, start, acted))
		known(m, start->at_ns, &start->evidence, acted->at_ns, &acted->evidence, rep_fmt(r, "from \"%s\" to the first record of a person: \"%s\"", start->text, acted->text));
}

/* The last verified run before the paging was over: what came after the end did not bring it about. */
static const struct tried *
cure(const struct report *r, int64_t from_ns, int64_t over_ns)
{
	for (size_t i = 0; i < r->tried.n; i++) {
		const struct tried *t = r->tried.v[i];
		bool is_relapse = false;

		if (!t->is_run || !t->is_verified || t->ended_ns < from_ns || (over_ns != 0 && t->begun_ns > over_ns))
			continue;
		for (size_t j = 0; j < r->rows.n; j++)
			is_relapse |= is_paging(&r->rows.v[j]) && belongs(r, &r->rows.v[j]) && r->rows.v[j].at_ns > t->ended_ns;
		if (!is_relapse)
			return t;
	}
	return NULL;
}

static const struct row *
next_of(const struct report *r, const struct row *begin)
{
	for (const struct row *w = begin + 1; w < r->rows.v + r->rows.n; w++)
		if (w->kind == begin->kind && str_eq(w->id, begin->id))
			return w;
	return NULL;
}

/* What burned or fired on behind it, without paging anybody. */
static const char *
tickets_behind(struct report *r, int64_t ns)
{
	const char *text = "";
	size_t n = 0;

	for (size_t i = 0; i < r->rows.n && n < TICKETS_SHOWN; i++) {
		const struct row *w = &r->rows.v[i], *end;

		if ((w->kind != ROW_SLO && w->kind != ROW_ALERT) || w->is_page || !belongs(r, w))
			continue;
		end = next_of(r, w);
		if (end != NULL && (!end->is_end || end->at_ns <= ns))
			continue;
		text = rep_fmt(r, "%s%s\"%s\" %s", text, n++ == 0 ? "; without a page " : ", ", w->text, end != NULL ? rep_fmt(r, "went on until %s", rep_time(r, end->at_ns)) :
		    "goes on where the recording ends");
	}
	return text;
}

/* No later than resolved: the end of the last page ends both. */
static void
mitigate(struct report *r, struct measure *m, const struct row *start, const struct measure *resolved)
{
	const struct row *open, *over = last_page_end(r, &open);
	const struct tried *t = start == NULL ? NULL : cure(r, start->at_ns, over != NULL ? over->at_ns : 0);

	if (start == NULL)
		m->basis = "not known: no recording says when it began";
	else if (open != NULL)
		m->basis = rep_fmt(r, "not known: \"%s\" goes on where the recording ends", open->text);
	else if (t != NULL && (over == NULL || t->ended_ns < over->at_ns) && (!resolved->is_known || t->ended_ns <= resolved->to_ns))
		known(m, start->at_ns, &start->evidence, t->ended_ns, &t->evidence, rep_fmt(r, "from \"%s\" to the verified end of run %s%s%s", start->text, t->id,
		    over == NULL ? "; nothing paged" : rep_fmt(r, ", with which it was over (\"%s\" at %s)", over->text, rep_time(r, over->at_ns)),
		    tickets_behind(r, t->ended_ns)));
	else if (over != NULL)
		known(m, start->at_ns, &start->evidence, over->at_ns, &over->evidence, rep_fmt(r, "from \"%s\" to when nothing paged any more (\"%s\"); %s%s", start->text, over->text,
		    t != NULL ? rep_fmt(r, "run %s was verified at %s", t->id, rep_time(r, t->ended_ns)) : "no verified run came before", tickets_behind(r, over->at_ns)));
	else
		m->basis = rep_fmt(r, "not known: nothing paged, and no verified run ended it%s", tickets_behind(r, r->to_ns));
}

static void
resolve(struct report *r, struct measure *m, const struct row *start)
{
	const struct row *open, *over = last_page_end(r, &open), *closed = incident_row(r, true);

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
	const struct row *start;

	r->is_late = is_late(r);
	start = first_symptom(r, false);
	for (size_t i = 0; i < 4; i++)
		r->measures[i] = (struct measure){ .name = names[i][0], .title = names[i][1], .basis = "" };
	find_change(r, start);
	detect(r, &r->measures[0], start);
	acknowledge(r, &r->measures[1], start);
	resolve(r, &r->measures[3], start);
	mitigate(r, &r->measures[2], start, &r->measures[3]);
}
