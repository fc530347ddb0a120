/* All that is known of one host: whether it answers, what it serves, how it does, where it is defined. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "hosts.h"

enum { LISTED_MAX = 200, BAR_W = 20 };

static void
detail_head(struct pen *p, const struct view *v, const struct model_host_row *h)
{
	char moment[PART_MOMENT_MAX];
	enum role role;
	const char *glyph = part_host_glyph(h->state, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text_w(p->c, 3, p->y++, p->c->w - 4, ROLE_STRONG, h->name, false);
	if (*h->error != '\0')
		pen_text(p, role, h->error);
	p->y++;
	if (h->state != HOST_UNKNOWN)
		pen_field(p, "state", role, host_state_name(h->state));
	else if (h->n_targets == 0)
		pen_field(p, "state", role, "? unknown: no source has a target on it");
	else
		pen_field(p, "state", role, "? unknown: its targets were not scraped yet, or what is known of them "
		    "is too old");
	if (h->seen_ns != 0)
		pen_field(p, "scraped", ROLE_TEXT, part_moment(v, h->seen_ns, moment));
}

/* --- what it serves -------------------------------------------------------------------------------- */

static void
detail_serving(struct pen *p, const struct view *v, const struct model_host_row *h)
{
	p->y++;
	pen_heading(p, "Serves");
	if (h->n_serving == 0)
		pen_text(p, ROLE_DIM, "no model, as far as is known");
	for (size_t i = 0; i < h->n_serving; i++) {
		const struct host_serving *s = &h->serving[i];
		const struct model_model *m = part_model_find(v->model, s->model);
		char age[DURATION_TEXT_MAX], wanted[PART_VERSIONS_MAX];
		enum role role;
		const char *glyph = part_serve_glyph(part_serve_of(m, s->state, s->version, s->since_ns), &role);
		int x;

		canvas_text(p->c, 1, p->y, role, glyph);
		x = canvas_text(p->c, 3, p->y, ROLE_STRONG, s->model);
		x = canvas_text(p->c, x + 2, p->y, s->state == SERVE_RIGHT ? ROLE_TEXT : role,
		    part_serve_text(s->state, s->version));
		if (s->since_ns != 0)
			x = canvas_printf(p->c, x + 2, p->y, ROLE_DIM, "for %s", view_age(v, s->since_ns, age));
		if (s->state != SERVE_RIGHT && m != NULL && m->wanted != NULL)
			canvas_printf(p->c, x + 2, p->y, role, "should serve %s", part_model_wanted(m, wanted));
		p->y++;
	}
}

/* --- health ---------------------------------------------------------------------------------------- */

static void
detail_values(struct pen *p, const struct view *v, const struct model_host_row *h)
{
	if (h->n_values == 0)
		return;
	p->y++;
	pen_heading(p, "Health");
	for (size_t i = 0; i < h->n_values; i++) {
		const struct host_value *value = &h->values[i];
		const struct query_def *def = value->def;
		bool is_old, is_high = !isnan(def->objective) && value->v > def->objective;
		char number[NUM_TEXT_MAX], age[DURATION_TEXT_MAX];
		enum role role;
		int x = 15;

		is_old = hosts_value_text(v, value, number);
		role = is_old ? ROLE_STALE : is_high ? ROLE_WARNING : ROLE_TEXT;
		canvas_text_w(p->c, 1, p->y, 13, ROLE_DIM, def->name, false);
		canvas_text_right(p->c, x + 7, p->y, role, number);
		x += 8;
		if (strcmp(def->unit, "ratio") == 0 && x + BAR_W < p->c->w) {
			bar_draw(p->c, x, p->y, BAR_W, role, value->v);
			x += BAR_W + 1;
		}
		x = canvas_printf(p->c, x, p->y, is_old ? ROLE_STALE : ROLE_DIM, "%s%s ago",
		    is_old ? GLYPH_STALE " " : "", view_age(v, value->at_ns, age));
		canvas_text_w(p->c, x + 2, p->y++, p->c->w - x - 3, ROLE_DIM, def->title, false);
	}
}

/* --- targets --------------------------------------------------------------------------------------- */

static const char *
target_glyph(enum target_health health, enum role *ret_role)
{
	return part_host_glyph(health == TARGET_UP ? HOST_UP : health == TARGET_DOWN ? HOST_DOWN : HOST_UNKNOWN,
	    ret_role);
}

static void
target_row(struct pen *p, const struct view *v, const struct host_target *at)
{
	const struct target *t = at->target;
	char age[DURATION_TEXT_MAX], took[NUM_TEXT_MAX];
	enum role role;
	const char *glyph = target_glyph(t->health, &role);
	int x;

	canvas_text(p->c, 1, p->y, role, glyph);
	x = canvas_text(p->c, 3, p->y, ROLE_STRONG, t->job);
	x = canvas_text(p->c, x + 2, p->y, ROLE_TEXT, t->instance);
	if (t->last_scrape_ns != 0)
		canvas_printf(p->c, x + 2, p->y, ROLE_DIM, "scraped %s ago in %s",
		    view_age(v, t->last_scrape_ns, age),
		    num_format(took, t->scrape_s, "seconds"));
	else
		canvas_text(p->c, x + 2, p->y, ROLE_UNKNOWN, "not scraped yet");
	p->y++;
	if (*t->error != '\0')
		pen_indented(p, 3, 3, ROLE_TEXT, t->error);
	canvas_printf(p->c, 3, p->y++, ROLE_DIM, "%s  (%s)", t->url, at->source);
}

static void
detail_targets(struct pen *p, const struct view *v, const struct model_host_row *h)
{
	char heading[64];

	if (h->n_targets == 0)
		return;
	p->y++;
	snprintf(heading, sizeof heading, "Targets: %zu", h->n_targets);
	pen_heading(p, heading);
	for (int is_up = 0; is_up <= 1; is_up++)
		for (size_t i = 0; i < h->n_targets && i < LISTED_MAX; i++)
			if ((h->targets[i].target->health == TARGET_UP) == is_up)
				target_row(p, v, &h->targets[i]);
	if (h->n_targets > LISTED_MAX)
		pen_printf(p, ROLE_DIM, "… and %zu more", h->n_targets - LISTED_MAX);
}

/* --- where it comes from ----------------------------------------------------------------------------- */

static void
groups_field(struct pen *p, const struct strings *groups)
{
	struct buf b;

	buf_init(&b, 1 << 14);
	for (size_t i = 0; i < groups->n; i++) {
		buf_addstr(&b, i > 0 ? ", " : "");
		str_escape(&b, groups->v[i], strlen(groups->v[i]));
	}
	pen_field(p, groups->n == 1 ? "group" : "groups", ROLE_TEXT, b.data);
	buf_done(&b);
}

static void
detail_definition(struct pen *p, const struct host_def *def)
{
	p->y++;
	pen_heading(p, "Definition");
	if (def == NULL) {
		pen_text(p, ROLE_DIM, "Not in the config (hosts:): it is known because it serves a model.");
		return;
	}
	groups_field(p, &def->groups);
	pen_field(p, "address", ROLE_TEXT, def->address);
	if (def->port != 0)
		pen_field_printf(p, "port", ROLE_TEXT, "%u", def->port);
	pen_field(p, "user", ROLE_TEXT, def->user);
	pen_field(p, "defined", ROLE_TEXT, def->where);
}

void
hosts_detail_draw(struct pen *p, const struct view *v, const struct model_host_row *h)
{
	detail_head(p, v, h);
	detail_serving(p, v, h);
	detail_values(p, v, h);
	detail_targets(p, v, h);
	detail_definition(p, h->def);
}
