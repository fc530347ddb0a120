/* What must not be missed below the lines: stores that do not answer, lines ahead of our clock, and a filter that could not be. */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logs.h"

enum { ROWS_MAX = 4 };
#define AHEAD_LEAST (5 * NS_PER_S)	/* what is less nobody sees */

static bool
is_log_store(const struct model_source *s)
{
	return str_eq(s->type, "loki") || str_eq(s->type, "elasticsearch") || str_eq(s->type, "journald");
}

const struct model_source *
logs_dead_store(const struct view *v)
{
	if (v->live == NULL || !v->range.is_live)
		return NULL;
	for (size_t i = 0; i < model_n_sources(v->live); i++) {
		const struct model_source *s = model_source(v->live, i);

		if (is_log_store(s) && (s->state == SOURCE_STALE || s->state == SOURCE_DOWN))
			return s;
	}
	return NULL;
}

static const char *
glyph_of(enum source_state state, enum role *ret_role)
{
	*ret_role = state == SOURCE_DOWN ? ROLE_CRITICAL : state == SOURCE_STALE ? ROLE_STALE : ROLE_WARNING;
	return state == SOURCE_DOWN ? GLYPH_FIRING : state == SOURCE_STALE ? GLYPH_STALE : GLYPH_PENDING;
}

/* "~ loki stale 41s: HTTP 500" */
static void
write_store(struct pen *p, const struct view *v, const struct model_source *s)
{
	char age[DURATION_TEXT_MAX], name[64], error[256];
	enum role role;
	const char *glyph = glyph_of(s->state, &role);

	str_escape_to(name, sizeof name, s->name);
	str_escape_to(error, sizeof error, *s->error != '\0' ? s->error : "no answer comes any more");
	pen_printf(p, role, "%s %s %s %s: %s", glyph, name, source_state_name(s->state), duration_format(age, v->now_ns - s->since_ns), error);
}

/* They stand where they say that they were written: below everything that is now. */
static void
write_ahead(struct pen *p, const struct view *v, const struct log_view *view)
{
	char at[CLOCK_TEXT_MAX], n[LOGS_COUNT_MAX], name[64];
	struct log_ref last;
	size_t ahead;

	if (view == NULL || view->n == 0 || !v->range.is_live || v->replay != NULL)
		return;
	log_view_line(view, view->n - 1, &last);
	if (last.time_ns <= v->now_ns + AHEAD_LEAST)
		return;
	ahead = view->n - log_view_find(view, v->now_ns + AHEAD_LEAST);
	clock_format(at, last.time_ns, 0);
	pen_printf(p, ROLE_STALE, "%s %s line%s ahead of this machine's clock, up to %s (%s)", GLYPH_STALE, logs_count(ahead, n), ahead == 1 ? "" : "s", at + 11,
	    str_escape_to(name, sizeof name, last.source));
}

static void
write_notes(struct pen *p, const struct view *v)
{
	const struct log_view *view = logs_view(v);

	for (size_t i = 0; v->live != NULL && v->range.is_live && i < model_n_sources(v->live); i++) {
		const struct model_source *s = model_source(v->live, i);

		if (is_log_store(s) && (s->state >= SOURCE_STALE || (s->state == SOURCE_DEGRADED && *s->error != '\0')))
			write_store(p, v, s);
	}
	write_ahead(p, v, view);
	if (view != NULL && *view->error != '\0')
		pen_printf(p, ROLE_CRITICAL, "filter: %s; shown is the last one that could be", view->error);
}

int
logs_notes_rows(const struct view *v, int w, int h)
{
	struct pen_measure measure;
	int n, most = h / 3 < ROWS_MAX ? h / 3 : ROWS_MAX;

	write_notes(pen_measure(&measure, w), v);
	n = pen_measure_done(&measure);
	return n < most ? n : most;
}

void
logs_notes_draw(const struct view *v, struct canvas *c, int rows)
{
	struct canvas part = canvas_sub(c, 0, c->h - rows, c->w, rows);
	struct pen pen = { .c = &part };

	if (rows > 0)
		write_notes(&pen, v);
}
