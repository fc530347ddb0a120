/*
 * How the chain stands. Each thing that is not as it should be has a line of its own, and never gives way; what is well is dim, and
 * where room is short it is left out.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "audit.h"

enum { LINES_MAX = 40, LINE_MAX_BYTES = 1200, HASH_SHOWN = 12, LIST_LEAST = 5, LOUD_ROWS = 3 };

struct line {
	const char *glyph;
	enum role glyph_role, role;
	bool is_quiet;
	char text[LINE_MAX_BYTES];
};
struct lines {
	struct line v[LINES_MAX];
	int n;
};

static void __attribute__((format(printf, 5, 6)))
add(struct lines *l, const char *glyph, enum role role, bool is_quiet, const char *fmt, ...)
{
	struct line *line;
	va_list ap;

	if (l->n == LINES_MAX)
		return;
	line = &l->v[l->n++];
	line->glyph = glyph;
	line->glyph_role = role;
	line->role = is_quiet ? ROLE_DIM : role;
	line->is_quiet = is_quiet;
	va_start(ap, fmt);
	vsnprintf(line->text, sizeof line->text, fmt, ap);
	va_end(ap);
}

/* --- the chain ------------------------------------------------------------------------------------------ */

static const char *
ago(const struct view *v, int64_t at_ns, char *buf)
{
	char text[DURATION_TEXT_MAX];
	int64_t ns = (v->now_ns - at_ns) / NS_PER_S * NS_PER_S;

	if (at_ns == 0 || v->replay != NULL)	/* a replay's now is not the log's */
		buf[0] = '\0';
	else
		snprintf(buf, DURATION_TEXT_MAX + 8, ", %s ago", duration_format(text, ns < 0 ? 0 : ns));
	return buf;
}

/* A log that cannot be written is the end of all acting from here; in a replay nothing would be written anyway. */
static void
add_writable(struct lines *l, const struct view *v, const struct audit_view *a)
{
	char why[512];

	if (a->is_writable || v->replay != NULL)
		return;
	add(l, GLYPH_FIRING, ROLE_CRITICAL, false, "NOT WRITABLE: %s. Nothing that writes runs until it is.",
	    *a->why != '\0' ? str_escape_to(why, sizeof why, a->why) : "the reason is not known");
}

static void
add_records(struct lines *l, const struct view *v, const struct audit_view *a)
{
	char path[512];

	str_escape_to(path, sizeof path, a->path);
	if (a->n_records == 0) {
		add(l, GLYPH_OK, ROLE_DIM, true, v->replay != NULL || !a->is_writable ? "no records: %s" :
		    "no records yet: %s begins with the first act, run or note", path);
		return;
	}
	if (v->replay != NULL && a->n_records < a->last_seq - a->first_seq + 1) {
		add(l, GLYPH_OK, ROLE_OK, true, "%llu of %llu records up to this time, head %.*s…  %s", (unsigned long long)a->n_records,
		    (unsigned long long)(a->last_seq - a->first_seq + 1), HASH_SHOWN, a->last_hash, path);
		return;
	}
	add(l, GLYPH_OK, ROLE_OK, true, "%llu records, %llu to %llu, head %.*s…  %s", (unsigned long long)a->n_records,
	    (unsigned long long)a->first_seq, (unsigned long long)a->last_seq, HASH_SHOWN, a->last_hash, path);
	l->v[l->n - 1].role = ROLE_TEXT;
}

static void
add_verdict(struct lines *l, const struct view *v, const struct audit_view *a)
{
	char when[DURATION_TEXT_MAX + 8], text[900], verdict[64];

	if (a->n_records == 0)
		return;
	ago(v, a->verified_ns, when);
	str_escape_to(text, sizeof text, a->verdict_text);
	str_escape_to(verdict, sizeof verdict, a->verdict);
	if (*a->verdict == '\0')
		add(l, GLYPH_UNKNOWN, ROLE_UNKNOWN, false, "NOT VERIFIED: nobody has looked whether it was changed; v does");
	else if (strcmp(a->verdict, "running") == 0)
		add(l, GLYPH_PENDING, ROLE_ALERT_PENDING, false, "verifying it …");
	else if (strcmp(a->verdict, "good") == 0)
		add(l, GLYPH_OK, ROLE_OK, true, "verified good%s%s%s", when, *text != '\0' ? ": " : "", text);
	else if (strcmp(a->verdict, "partial") == 0)
		add(l, GLYPH_STALE, ROLE_WARNING, false, "verified, not all of it vouched for%s: %s", when, text);
	else if (strcmp(a->verdict, "unanchored") == 0)
		add(l, GLYPH_STALE, ROLE_WARNING, false, "verified, not all of it anchored%s: %s", when, text);
	else
		add(l, GLYPH_FIRING, ROLE_CRITICAL, false, "NOT AS IT WAS WRITTEN (%s%s): %s", verdict, when, text);
}

static void
add_open(struct lines *l, const struct audit_view *a)
{
	if (a->n_open > 0)
		add(l, GLYPH_UNKNOWN, ROLE_UNKNOWN, false, "%llu %s no result: the outcome is unknown", (unsigned long long)a->n_open,
		    a->n_open == 1 ? "intent has" : "intents have");
}

/* --- what vouches for it --------------------------------------------------------------------------------- */

static const char *
anchor_glyph(enum anchor_state state, enum role *ret_role)
{
	switch (state) {
	case ANCHOR_OK: *ret_role = ROLE_OK; return GLYPH_OK;
	case ANCHOR_BEHIND: *ret_role = ROLE_STALE; return GLYPH_STALE;
	case ANCHOR_FAILED: *ret_role = ROLE_CRITICAL; return GLYPH_FIRING;
	case ANCHOR_OFF: break;
	}
	*ret_role = ROLE_DIM;
	return "·";
}

static void
add_anchor(struct lines *l, const struct view *v, const struct audit_view *a, const struct audit_anchor *anchor)
{
	static const char *const words[] = { [ANCHOR_OFF] = "off", [ANCHOR_OK] = "ok", [ANCHOR_BEHIND] = "behind", [ANCHOR_FAILED] = "FAILED" };
	char name[256], text[512], when[DURATION_TEXT_MAX + 8], reach[64] = "";
	enum role role;
	const char *glyph = anchor_glyph(anchor->state, &role), *word = words[anchor->state];
	bool is_quiet = anchor->state == ANCHOR_OK || anchor->state == ANCHOR_OFF;

	if (anchor->seq != 0 && anchor->seq == a->last_seq)
		snprintf(reach, sizeof reach, ", reaches the end");
	else if (anchor->seq != 0)
		snprintf(reach, sizeof reach, ", reaches %llu of %llu", (unsigned long long)anchor->seq, (unsigned long long)a->last_seq);
	else if (anchor->state != ANCHOR_OFF)
		snprintf(reach, sizeof reach, ", has none of it");
	else if (a->n_records == 0 && *anchor->text == '\0')	/* it will, and nobody switched it off */
		word = "nothing to vouch for yet";
	add(l, glyph, role, is_quiet, "%s%s%s: %s%s%s%s%s", anchor->kind, *anchor->name != '\0' ? " " : "",
	    str_escape_to(name, sizeof name, anchor->name), word,
	    reach, ago(v, anchor->at_ns, when), *anchor->text != '\0' ? ": " : "", str_escape_to(text, sizeof text, anchor->text));
}

static void
add_anchors(struct lines *l, const struct view *v, const struct audit_view *a)
{
	size_t n_on = 0;

	for (size_t i = 0; i < a->n_anchors; i++)
		n_on += a->anchors[i].state != ANCHOR_OFF;
	if (n_on == 0 && a->n_records > 0 && v->replay == NULL)
		add(l, GLYPH_UNKNOWN, ROLE_WARNING, false, "NOT ANCHORED: nothing outside the log remembers its end; a cut end would not be seen");
	for (size_t i = 0; i < a->n_anchors; i++)
		add_anchor(l, v, a, &a->anchors[i]);
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

/* What is loud first. */
static void
sort_lines(struct lines *l)
{
	struct lines *sorted = xcalloc(1, sizeof *sorted);

	for (int quiet = 0; quiet < 2; quiet++)
		for (int i = 0; i < l->n; i++)
			if (l->v[i].is_quiet == quiet)
				sorted->v[sorted->n++] = l->v[i];
	*l = *sorted;
	free(sorted);
}

static struct lines *
lines_of(const struct view *v, const struct audit_view *a)
{
	struct lines *l = xcalloc(1, sizeof *l);

	add_writable(l, v, a);
	add_records(l, v, a);
	add_verdict(l, v, a);
	add_open(l, a);
	add_anchors(l, v, a);
	sort_lines(l);
	return l;
}

/* What is loud is read to its end, as far as a few rows go; what is quiet is a row. */
static int
draw_line(struct canvas *c, int y, const struct line *l)
{
	canvas_text(c, 1, y, l->glyph_role, l->glyph);
	if (!l->is_quiet)
		return canvas_wrap(c, 3, y, c->w - 4, LOUD_ROWS, l->role, l->text);
	canvas_text_w(c, 3, y, c->w - 4, l->role, l->text, false);
	return 1;
}

/* A list that shows nothing would be no list: but what is loud has room before it. */
int
audit_head_rows(const struct view *v, const struct audit_view *a, int w, int h)
{
	struct lines *l = lines_of(v, a);
	struct pen_measure measure;
	struct pen *pen = pen_measure(&measure, w);
	int loud = 0, most = h > 2 * LIST_LEAST ? h / 3 : 1, rows = 0;

	for (int i = 0; i < l->n; i++) {
		rows += draw_line(pen->c, 0, &l->v[i]);
		loud = l->v[i].is_quiet ? loud : rows;
	}
	pen_measure_done(&measure);
	rows = rows < most ? rows : most;
	rows = rows < loud ? loud : rows;
	free(l);
	return rows < h ? rows : h;
}

void
audit_head_draw(const struct view *v, const struct audit_view *a, struct canvas *c)
{
	struct lines *l = lines_of(v, a);

	for (int i = 0, y = 0; i < l->n && y < c->h; i++)
		y += draw_line(c, y, &l->v[i]);
	free(l);
}
