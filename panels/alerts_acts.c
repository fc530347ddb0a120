/* What can be done about alerts from here. Nothing is done here: each returns what the app is asked to do. */
#include "config.h"

#include <string.h>

#include "alerts.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

#define SILENCE_DEFAULT (2 * NS_PER_HOUR)
enum { LISTED_MAX = 8, MATCHERS_MAX = 1 << 14 };

static struct op *
nothing_selected(const struct alerts *s)
{
	const struct alerts_row *row = alerts_row_selected(s);

	if (row != NULL && row->is_header)
		return op_text(OP_MESSAGE, "a group is selected: Enter opens or folds it; select one of its alerts");
	return op_text(OP_MESSAGE, "no alert is selected");
}

static struct op *
op_with_source(enum op_kind kind, const char *source)
{
	struct op *op = op_new(kind);

	op->source = xstrdup_or_null(source);
	op->silence = silence_block_new(NULL);
	return op;
}

/* Alertmanager knows the alert by its own labels: external ones come on top of what Prometheus shows. */
static const struct labels *
labels_to_match(const struct model_alert *a)
{
	return a->am != NULL ? &a->am->labels : a->labels;
}

static void
match_labels(struct silence_block *b, const struct labels *l)
{
	struct matcher *v = arena_alloc(&b->arena, (l->n > 0 ? l->n : 1) * sizeof *v);

	for (size_t i = 0; i < l->n; i++)
		v[i] = (struct matcher){ .name = arena_strdup(&b->arena, l->v[i].name),
			.value = arena_strdup(&b->arena, l->v[i].value), .is_equal = true };
	b->silence.matchers = v;
	b->silence.n_matchers = l->n;
}

static void
draft_span(struct silence_block *b, const struct view *v, int64_t length_ns, const char *comment)
{
	b->silence.created_by = arena_strdup(&b->arena, v->user != NULL ? v->user : "");
	b->silence.comment = arena_strdup(&b->arena, comment);
	b->silence.starts_ns = v->now_ns;
	b->silence.ends_ns = v->now_ns + length_ns;
}

struct op *
alerts_act_ack(const struct alerts *s, const struct view *v)
{
	const struct model_alert *a = alerts_selected(s, v);
	struct op *op;

	if (a == NULL)
		return nothing_selected(s);
	if (v->ack_ns == 0)
		return op_text(OP_ERROR, "ack is off by config (ack: in opsconsole.yaml); s silences");
	if (a->state == ALERT_SILENCED)
		return op_text(OP_MESSAGE, "%s is %s already; S lists the silences", *a->name != '\0' ? a->name : "it",
		    part_row_word(a));
	if (a->state == ALERT_PENDING && a->am == NULL)
		return op_text(OP_MESSAGE, "it is still pending: Alertmanager does not know it yet; s silences it ahead");
	op = op_with_source(OP_ACK, a->am_source);
	match_labels(op->silence, labels_to_match(a));
	draft_span(op->silence, v, v->ack_ns, "ACK");
	return op;
}

/* A notification group becomes the labels it is made by; other alerts may have them too, which the form shows. */
static struct op *
silence_notification(const struct alerts *s, const struct view *v, const struct alerts_row *row)
{
	const struct model_alert *a = alerts_notification_first(row, v->model);
	struct op *op;

	if (a == NULL)
		return nothing_selected(s);
	if (a->groups[0]->labels.n == 0)
		return op_text(OP_MESSAGE, "no label makes this group, a silence would hide everything; select one of its alerts");
	op = op_with_source(OP_SILENCE_FORM, a->am_source);
	match_labels(op->silence, &a->groups[0]->labels);
	draft_span(op->silence, v, SILENCE_DEFAULT, "");
	return op;
}

/* A group becomes one matcher where its key is a label that all of it has. */
static struct op *
silence_group(const struct alerts *s, const struct view *v, const struct alerts_row *row)
{
	struct op *op;
	const char *name = s->group == GROUP_NAME ? "alertname" : s->group == GROUP_SERVICE ? "service" : NULL;
	struct label label = { name, row->key };
	struct labels l = { 1, &label };

	if (s->group == GROUP_NOTIFICATION)
		return silence_notification(s, v, row);
	if (name == NULL || *row->key == '\0')
		return nothing_selected(s);
	op = op_with_source(OP_SILENCE_FORM, NULL);
	match_labels(op->silence, &l);
	draft_span(op->silence, v, SILENCE_DEFAULT, "");
	return op;
}

struct op *
alerts_act_silence(const struct alerts *s, const struct view *v)
{
	const struct alerts_row *row = alerts_row_selected(s);
	const struct model_alert *a = alerts_selected(s, v);
	struct op *op;

	if (s->is_silences || row == NULL) {
		op = op_with_source(OP_SILENCE_FORM, NULL);
		draft_span(op->silence, v, SILENCE_DEFAULT, "");
		return op;
	}
	if (row->is_header)
		return silence_group(s, v, row);
	if (a == NULL)
		return nothing_selected(s);
	op = op_with_source(OP_SILENCE_FORM, a->am_source);
	match_labels(op->silence, labels_to_match(a));
	draft_span(op->silence, v, SILENCE_DEFAULT, "");
	return op;
}

/* --- silences that are there --------------------------------------------------------------------- */

/* The one in the list of silences, or the one that silences the selected alert. */
static const struct model_silence *
silence_meant(const struct alerts *s, const struct view *v)
{
	const struct model_alert *a;

	if (s->is_silences)
		return alerts_silence_selected(s, v);
	a = alerts_selected(s, v);
	if (a == NULL || a->am == NULL || a->am->silenced_by.n == 0)
		return NULL;
	return model_silence_find(v->model, a->am->silenced_by.v[0]);
}

static struct op *
no_silence(const struct alerts *s)
{
	return op_text(OP_MESSAGE, s->is_silences ? "no silence is selected" :
	    "the selected alert is not silenced; S lists all silences");
}

/* Hidden by this silence and by no other: these come back. */
static bool
comes_back(const struct model_alert *a, const char *id)
{
	return a->am != NULL && a->am->silenced_by.n == 1 && strcmp(a->am->silenced_by.v[0], id) == 0;
}

static void
confirm_what_comes_back(struct op *op, const struct view *v, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < model_n_alerts(v->model); i++)
		n += comes_back(model_alert(v->model, i), id);
	if (n == 0) {
		op_confirm_line(op, "It hides nothing now.");
		return;
	}
	op_confirm_line(op, "%zu alert%s come%s back and may page:", n, n == 1 ? "" : "s", n == 1 ? "s" : "");
	n = 0;
	for (size_t i = 0; i < model_n_alerts(v->model); i++) {
		const struct model_alert *a = model_alert(v->model, i);
		struct buf b;

		if (!comes_back(a, id))
			continue;
		if (n++ == LISTED_MAX) {
			op_confirm_line(op, "  …");
			return;
		}
		buf_init(&b, 1024);
		part_labels(&b, a->labels, NULL, part_severity_label(v));
		op_confirm_line(op, "  %s  %s  %s", part_severity_word(a), a->name, b.data);
		buf_done(&b);
	}
}

struct op *
alerts_act_expire(const struct alerts *s, const struct view *v)
{
	const struct model_silence *silence = silence_meant(s, v);
	const struct environment *e = model_environment(v->live);
	char moment[PART_MOMENT_MAX];
	struct buf b;
	struct op *op;

	if (silence == NULL)
		return no_silence(s);
	if (silence->silence->state == SILENCE_EXPIRED)
		return op_text(OP_MESSAGE, "that silence has expired already");
	op = op_text(OP_EXPIRE, "%s", silence->silence->id);
	op->source = xstrdup(silence->source);
	op_confirm_line(op, "Expire a silence on %s%s%s", silence->source, e != NULL ? " in " : "", e != NULL ? e->name : "");
	buf_init(&b, MATCHERS_MAX);
	for (size_t i = 0; i < silence->silence->n_matchers; i++) {
		buf_reset(&b);
		part_matcher(&b, &silence->silence->matchers[i]);
		op_confirm_line(op, "%s  %s", i == 0 ? "matchers" : "        ", b.data);
	}
	buf_done(&b);
	op_confirm_line(op, "by        %s: %s", silence->silence->created_by, silence->silence->comment);
	op_confirm_line(op, "until     %s", part_moment(v, silence->silence->ends_ns, moment));
	confirm_what_comes_back(op, v, silence->silence->id);
	return op;
}

struct op *
alerts_act_edit(const struct alerts *s, const struct view *v)
{
	const struct model_silence *silence = silence_meant(s, v);
	struct op *op;

	if (silence == NULL)
		return no_silence(s);
	op = op_new(OP_SILENCE_FORM);
	op->source = xstrdup(silence->source);
	op->silence = silence_block_new(silence->silence);
	/* An expired one cannot be changed: what is edited is a draft of a new one like it. */
	if (silence->silence->state == SILENCE_EXPIRED) {
		op->silence->silence.id = "";
		draft_span(op->silence, v, SILENCE_DEFAULT, silence->silence->comment);
	}
	return op;
}

/* --- budgets --------------------------------------------------------------------------------- */

/* The most urgent objective that it tells of. */
struct op *
alerts_act_budget(const struct alerts *s, const struct view *v)
{
	const struct model_alert *a = alerts_selected(s, v);
	struct op *op;

	if (a == NULL)
		return nothing_selected(s);
	for (size_t i = 0; i < model_n_slos(v->model); i++) {
		const struct slo_def *d = model_slo(v->model, i)->def;

		if (!alerts_tells_of(a, d))
			continue;
		op = op_text(OP_PANEL, "slo");
		op->arg = xstrdup(d->id);
		return op;
	}
	return op_text(OP_MESSAGE, "%s tells of no objective", a->name);
}
