/* All that is known of one alert. What helps to act stands first. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "alerts.h"
#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "parts_run.h"

/* Prometheus writes 2.9739776951672864e-01; a person reads 0.297. */
static void
value_field(struct pen *p, const char *text)
{
	char number[NUM_TEXT_MAX];
	double value;

	if (text != NULL && jread_double(text, strlen(text), &value) == 0)
		text = num_format(number, value, "none");
	pen_field(p, "value", ROLE_TEXT, text);
}

bool
alerts_tells_of(const struct model_alert *a, const struct slo_def *d)
{
	return d->alert_labels.n > 0 && labels_within(&d->alert_labels, a->labels);
}

/* The alert may be how an objective tells of its burn. */
static void
detail_budget(struct pen *p, const struct view *v, const struct model_alert *a)
{
	size_t n = 0;

	for (size_t i = 0; i < model_n_slos(v->model); i++) {
		const struct model_slo *m = model_slo(v->model, i);
		char text[SLO_TEXT_MAX];

		if (alerts_tells_of(a, m->def))
			pen_field_printf(p, "budget", ROLE_STRONG, "%s: %s%s", m->def->name, slo_budget_text(text, sizeof text, m->slo),
			    n++ == 0 ? " (b shows it)" : "");
	}
}

static void
detail_head(struct pen *p, const struct view *v, const struct model_alert *a)
{
	char moment[PART_MOMENT_MAX], seen[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = part_row_glyph(a, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text_w(p->c, 3, p->y++, p->c->w - 4, ROLE_STRONG, *a->name != '\0' ? a->name : "(no name)", false);
	if (*part_alert_summary(a->annotations) != '\0')
		pen_text(p, ROLE_TEXT, part_alert_summary(a->annotations));
	p->y++;
	pen_field_printf(p, "state", role, "%s, %s%s", part_row_word(a), part_severity_word(a),
	    a->is_stale ? " (as last seen)" : "");
	pen_field(p, "since", ROLE_TEXT, a->since_ns != 0 ? part_moment(v, a->since_ns, moment) : "not said");
	if (a->prometheus != NULL)
		value_field(p, a->prometheus->value);
	pen_field_printf(p, "seen", a->is_stale ? ROLE_STALE : ROLE_TEXT, "%s%s ago%s%s%s%s", a->is_stale ? "~ " : "",
	    view_age(v, a->seen_ns, seen), a->am_source != NULL ? ", " : "", a->am_source != NULL ? a->am_source : "",
	    a->prometheus_source != NULL ? ", " : "", a->prometheus_source != NULL ? a->prometheus_source : "");
	if (a->am == NULL && a->state == ALERT_FIRING && part_has_alertmanager(v->model))
		pen_field(p, "", ROLE_WARNING, "Alertmanager does not tell of it: nobody may have been notified.");
}

static void
detail_silence(struct pen *p, const struct view *v, const char *id)
{
	const struct model_silence *s = model_silence_find(v->model, id);
	char moment[PART_MOMENT_MAX];

	if (s == NULL) {
		pen_field_printf(p, "silenced by", ROLE_TEXT, "%s (not in the list of silences)", id);
		return;
	}
	pen_field_printf(p, "silenced by", ROLE_TEXT, "%s: %s", *s->silence->created_by != '\0' ? s->silence->created_by : "?",
	    *s->silence->comment != '\0' ? s->silence->comment : "(no comment)");
	pen_field(p, "until", ROLE_TEXT, part_moment(v, s->silence->ends_ns, moment));
	pen_field(p, "silence", ROLE_DIM, id);
}

/* Fingerprints mean nothing to a person where the alert they stand for is known. */
static void
detail_inhibitor(struct pen *p, const struct view *v, const char *fingerprint)
{
	for (size_t i = 0; i < model_n_alerts(v->model); i++) {
		const struct model_alert *a = model_alert(v->model, i);

		if (a->am != NULL && str_eq(a->am->fingerprint, fingerprint)) {
			struct buf b;

			buf_init(&b, 4096);
			part_labels(&b, a->labels, NULL, part_severity_label(v));
			pen_field_printf(p, "inhibited by", ROLE_TEXT, "%s  %s", a->name, b.data);
			buf_done(&b);
			return;
		}
	}
	pen_field_printf(p, "inhibited by", ROLE_TEXT, "alert %s", fingerprint);
}

/* A muted alert stays in its groups, but nobody hears of it. */
static void
detail_notified(struct pen *p, const struct model_alert *a)
{
	for (size_t i = 0; i < a->n_groups; i++) {
		const char *name = a->state == ALERT_FIRING ? "notified" : "grouped";
		struct buf b;

		buf_init(&b, NOTIFICATION_MAX);
		alerts_notification_text(&b, a->groups[i]);
		pen_field(p, i == 0 ? name : "", ROLE_TEXT, b.data);
		buf_done(&b);
	}
}

static void
detail_routing(struct pen *p, const struct view *v, const struct model_alert *a)
{
	const struct alert *am = a->am;
	struct buf b;

	for (size_t i = 0; i < am->silenced_by.n; i++)
		detail_silence(p, v, am->silenced_by.v[i]);
	for (size_t i = 0; i < am->inhibited_by.n; i++)
		detail_inhibitor(p, v, am->inhibited_by.v[i]);
	if (a->n_groups > 0) {
		detail_notified(p, a);
		return;
	}
	buf_init(&b, 4096);
	for (size_t i = 0; i < am->receivers.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", am->receivers.v[i]);
	pen_field(p, "goes to", ROLE_TEXT, b.data);
	buf_done(&b);
}

/* Those that can be run from here. */
static void
detail_runbooks(struct pen *p, const struct view *v, const struct model_alert *a)
{
	char names[512];

	if (*part_runbooks_for(v->model, a->name, names, sizeof names) != '\0')
		pen_field_printf(p, "can be run", ROLE_STRONG, "%s   (R)", names);
}

static bool
is_among(const char *name, const char *const *names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void
detail_pairs(struct pen *p, const char *title, const struct labels *l, const char *const *left_out)
{
	int name_w = 13;	/* as the fields above have it */
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		int width = (int)str_width(l->v[i].name);

		name_w = width > name_w ? width : name_w;
	}
	p->name_w = name_w > p->c->w / 3 ? p->c->w / 3 : name_w;
	for (size_t i = 0; i < l->n; i++) {
		if (is_among(l->v[i].name, left_out))
			continue;
		if (n++ == 0) {
			p->y++;
			pen_heading(p, title);
		}
		pen_field(p, l->v[i].name, ROLE_TEXT, *l->v[i].value != '\0' ? l->v[i].value : "(empty)");
	}
	p->name_w = 0;
}

void
alerts_detail(struct pen *p, const struct view *v, const struct model_alert *a)
{
	static const char *const shown_above[] = { "summary", "runbook_url", NULL };
	const struct alert *am = a->am, *prometheus = a->prometheus;
	const char *url;

	detail_head(p, v, a);
	detail_budget(p, v, a);
	pen_field(p, "runbook", ROLE_STRONG, labels_get(a->annotations, "runbook_url"));
	detail_runbooks(p, v, a);
	if (am != NULL)
		detail_routing(p, v, a);
	detail_pairs(p, "Labels", a->labels, NULL);
	detail_pairs(p, "Annotations", a->annotations, shown_above);
	url = am != NULL && am->generator_url != NULL ? am->generator_url : prometheus != NULL ? prometheus->generator_url : NULL;
	if (url != NULL) {
		p->y++;
		pen_field(p, "from", ROLE_DIM, url);
	}
}
