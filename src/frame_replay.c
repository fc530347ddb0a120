/* The bar of a replay: where we are in the recording, what happened when, and what the keys do. */
#include "config.h"

#include "frame.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "panels/parts_timeline.h"

enum { BAR_MIN = 10, BAR_CELLS_MAX = 1024, NAME_MAX_W = 32, NAME_MIN_W = 8, SPEED_MAX = 48, STALE_TEXT_MAX = 160 };

/* Left of the bar, from what can be spared last to first. */
struct head {
	char at[CLOCK_TEXT_MAX], offset[PART_OFFSET_MAX], speed[SPEED_MAX], name[256], end[CLOCK_TEXT_MAX];
	int name_w;
	bool has_offset, has_end;
};

/* --- how it goes ----------------------------------------------------------------------------------------- */

static const char *
speed_text(const struct replay_view *r, char *buf)
{
	if (r->is_following && !r->is_paused)
		snprintf(buf, SPEED_MAX, "follows");
	else
		snprintf(buf, SPEED_MAX, "%sx%g%s", r->is_paused ? "paused " : "", r->speed, r->is_skipping ? " skip" : "");
	return buf;
}

/* A day that is not the first one's must be told. */
static void
time_text(const struct replay_view *r, int64_t at_ns, char *buf)
{
	char at[CLOCK_TEXT_MAX], first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];

	clock_format(at, at_ns, 0);
	clock_format(first, r->first_ns, 0);
	clock_format(last, r->last_ns, 0);
	snprintf(buf, CLOCK_TEXT_MAX, "%s", memcmp(first, last, 10) == 0 ? at + 11 : at);
}

static int
head_width(const struct head *h)
{
	int w = 9 + 1 + h->name_w + 1 + (int)strlen(h->at) + 2 + (int)strlen(h->speed) + 2;

	return w + (h->has_offset ? 2 + (int)strlen(h->offset) : 0) + (h->has_end ? 1 + (int)strlen(h->end) : 0);
}

/* The position is never spared, nor that it is a replay; then the bar. */
static void
head_fit(struct head *h, int w)
{
	int wanted = (int)str_width(h->name);

	h->has_offset = h->has_end = true;
	h->name_w = wanted < NAME_MAX_W ? wanted : NAME_MAX_W;
	while (head_width(h) + BAR_MIN + 2 > w && h->name_w > NAME_MIN_W)
		h->name_w--;
	if (head_width(h) + BAR_MIN + 2 > w)
		h->has_end = false;
	if (head_width(h) + BAR_MIN + 2 > w)
		h->has_offset = false;
	if (head_width(h) + BAR_MIN + 2 > w)
		h->name_w = 0;
}

static void
head_of(const struct replay_view *r, int w, struct head *h)
{
	bool is_incident = r->incident != NULL && *r->incident != '\0';
	char name[200];

	time_text(r, r->at_ns, h->at);
	time_text(r, r->last_ns, h->end);
	part_offset(r->at_ns, r->zero_ns, h->offset);
	speed_text(r, h->speed);
	str_escape_to(name, sizeof name, is_incident ? r->incident : r->title != NULL ? r->title : "");
	snprintf(h->name, sizeof h->name, "%s%s", is_incident ? "INC " : "", name);
	head_fit(h, w);
}

/* --- the bar ----------------------------------------------------------------------------------------------- */

struct bar {
	const struct replay_view *r;
	int w;
};

/* Of what lies outside, the edge. */
static int
cell_of(const struct bar *b, int64_t at_ns)
{
	int64_t span = b->r->last_ns - b->r->first_ns;
	double x;

	if (span <= 0 || at_ns <= b->r->first_ns)
		return 0;
	x = (double)(at_ns - b->r->first_ns) / (double)span * b->w;
	return x >= b->w ? b->w - 1 : (int)x;
}

static void
draw_track(const struct bar *b, struct canvas *c, int x0)
{
	int position = cell_of(b, b->r->at_ns);

	for (int x = 0; x < b->w; x++)
		canvas_char(c, x0 + x, 0, x <= position ? ROLE_STRONG : ROLE_BORDER, x <= position ? 0x2501 : 0x2500);
}

/* Where nothing is known there is no line; a gap that is shorter than half a cell is not drawn, it would hide what was. */
static void
draw_gaps(const struct bar *b, struct canvas *c, int x0)
{
	int64_t cell_ns = (b->r->last_ns - b->r->first_ns) / b->w;

	for (size_t i = 0; i < b->r->n_gaps; i++) {
		const struct replay_gap *g = &b->r->gaps[i];

		if (g->to_ns - g->from_ns < cell_ns / 2)
			continue;
		for (int x = cell_of(b, g->from_ns); x <= cell_of(b, g->to_ns - 1); x++)
			canvas_char(c, x0 + x, 0, ROLE_UNKNOWN, '?');
	}
}

static void
draw_marks(const struct bar *b, struct canvas *c, int x0)
{
	const struct timeline_entry *best[BAR_CELLS_MAX] = { NULL };

	for (size_t i = 0; i < b->r->n_marks; i++) {
		const struct timeline_entry *e = &b->r->marks[i];
		int x = cell_of(b, e->at_ns);

		if (e->at_ns >= b->r->first_ns && e->at_ns <= b->r->last_ns && (best[x] == NULL || part_timeline_rank(e) > part_timeline_rank(best[x])))
			best[x] = e;
	}
	for (int x = 0; x < b->w; x++) {
		enum role role;
		const char *glyph;

		if (best[x] == NULL)
			continue;
		glyph = part_timeline_glyph(best[x], &role);
		canvas_text(c, x0 + x, 0, role, glyph);
	}
}

/* A mark under the position stays to be seen: the position is a background, and where nothing is, a pointer too. */
static void
draw_position(const struct bar *b, struct canvas *c, int x0)
{
	int x = cell_of(b, b->r->at_ns);
	bool has_mark = false;

	for (size_t i = 0; i < b->r->n_marks; i++)
		has_mark |= cell_of(b, b->r->marks[i].at_ns) == x;
	if (!has_mark)
		canvas_char(c, x0 + x, 0, ROLE_CURSOR, 0x25bc);
	canvas_select(c, x0 + x, 0, 1);
}

static void
draw_bar(struct canvas *c, int x, int x_end, const struct replay_view *r)
{
	struct bar b = { .r = r, .w = x_end - x - 2 < BAR_CELLS_MAX ? x_end - x - 2 : BAR_CELLS_MAX };

	if (b.w < 1)
		return;
	canvas_char(c, x, 0, ROLE_BORDER, canvas_is_ascii(c) ? '[' : 0x2595);
	canvas_char(c, x + 1 + b.w, 0, ROLE_BORDER, canvas_is_ascii(c) ? ']' : 0x258f);
	draw_track(&b, c, x + 1);
	draw_gaps(&b, c, x + 1);
	draw_marks(&b, c, x + 1);
	draw_position(&b, c, x + 1);
}

static void
draw_first(struct canvas *c, const struct replay_view *r)
{
	struct head h;
	int x, end = c->w - 1;

	head_of(r, c->w, &h);
	x = canvas_text(c, 0, 0, ROLE_STATUS_PAST, " REPLAY ");
	if (h.name_w > 0)
		x = canvas_text_w(c, x + 1, 0, h.name_w, ROLE_STRONG, h.name, false);
	x = canvas_text(c, x + 1, 0, ROLE_STRONG, h.at);
	if (h.has_offset)
		x = canvas_text(c, x + 2, 0, ROLE_TEXT, h.offset);
	x = canvas_text(c, x + 2, 0, r->is_paused ? ROLE_WARNING : ROLE_TEXT, h.speed);
	if (h.has_end)
		end = canvas_text_right(c, c->w - 1, 0, ROLE_DIM, h.end) - 1;
	draw_bar(c, x + 2, end, r);
}

/* --- the second line: keys, and how far what is shown can be trusted --------------------------------------------- */

/* "shown as known then; loki was 41s stale": what was not fresh for who looked then is not fresh now. */
static void
then_text(const struct view *v, char *buf, size_t size)
{
	size_t n = v->model != NULL ? model_n_sources(v->model) : 0, used;
	char name[64], age[DURATION_TEXT_MAX];

	if (v->model == NULL) {
		const char *why = v->replay->unknown_why != NULL ? v->replay->unknown_why : "";
		char shown[STALE_TEXT_MAX];

		snprintf(buf, size, "? not recorded%s%s", *why != '\0' ? ": " : "", str_escape_to(shown, sizeof shown, why));
		return;
	}
	used = (size_t)snprintf(buf, size, "shown as known then");
	for (size_t i = 0; i < n && used < size; i++) {
		const struct model_source *s = model_source(v->model, i);

		if (s->state != SOURCE_STALE && s->state != SOURCE_DOWN)
			continue;
		str_escape_to(name, sizeof name, s->name);
		if (s->state == SOURCE_STALE && s->last_ok_ns != 0)
			used += (size_t)snprintf(buf + used, size - used, "; %s was %s stale", name,
			    duration_format(age, (view_time(v) - s->last_ok_ns) / NS_PER_S * NS_PER_S));
		else
			used += (size_t)snprintf(buf + used, size - used, "; %s was %s", name, source_state_name(s->state));
	}
}

static int
draw_keys(struct canvas *c, int y, int x_end, const struct replay_view *r)
{
	const struct {
		const char *key, *word;
	} keys[] = { { "Space", r->is_paused ? "play" : "pause" }, { "< >", "speed" }, { "n p", "next, previous" }, { "g", "go to" },
		{ "i", r->is_skipping ? "no skipping" : "skip idle" }, { "o", r->follows_operator ? "own view" : "operator's view" },
		{ "q", "leave" } };
	int x = 1;

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (x + (int)(strlen(keys[i].key) + 1 + strlen(keys[i].word)) >= x_end)
			break;
		x = canvas_text(c, x, y, ROLE_KEY, keys[i].key);
		x = canvas_text(c, x + 1, y, ROLE_HINT, keys[i].word) + 2;
	}
	return x;
}

/* Returns where the keys end. */
static int
draw_unknown(struct canvas *c, int x_end, const char *text)
{
	int w = (int)str_width(text);

	w = w < x_end - 1 ? w : x_end - 1;
	canvas_text_w(c, x_end - w, 1, w, ROLE_UNKNOWN, text, false);
	return x_end - w - 2;
}

/* That something was changed is not left to chance: it stands before the keys, and leaves them what is left. */
static void
draw_second(struct canvas *c, const struct view *v)
{
	const struct replay_view *r = v->replay;
	const char *verified = r->verified != NULL ? r->verified : "";
	bool is_good = strcmp(verified, "verified") == 0;
	char then[STALE_TEXT_MAX];
	int end = c->w - 1, keys_end;

	then_text(v, then, sizeof then);
	if (*verified != '\0') {
		enum role role = is_good ? ROLE_DIM : str_has_prefix(verified, "NOT") ? ROLE_CRITICAL : ROLE_WARNING;
		char shown[STALE_TEXT_MAX];
		int w = (int)str_width(str_escape_to(shown, sizeof shown, verified)), most = c->w * 2 / 3;

		w = w < most ? w : most;
		canvas_text_w(c, c->w - 1 - w, 1, w, role, shown, false);
		end = c->w - 1 - w - 2;
	}
	if (v->model == NULL)	/* why there is nothing to be seen comes before the keys */
		end = draw_unknown(c, end, then);
	keys_end = r->is_film ? 1 : draw_keys(c, 1, end, r);
	if (v->model != NULL && keys_end + (int)str_width(then) + 1 <= end)
		canvas_text_right(c, end, 1, strchr(then, ';') != NULL ? ROLE_STALE : ROLE_DIM, then);
}

void
frame_replay(struct canvas *c, const struct view *v)
{
	if (v->replay == NULL || c->h < 1)
		return;
	canvas_fill(c, 0, 0, c->w, c->h, ROLE_TEXT);
	draw_first(c, v->replay);
	if (c->h > 1)
		draw_second(c, v);
}
