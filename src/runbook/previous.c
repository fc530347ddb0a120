/*
 * Which version is `previous`: the newest that was champion before the current one and is not marked bad. Asked in this order, and the first that knows one decides:
 *
 *   the audit log of this machine: the last run that made a version serve and verified it (previous_audit.c);
 *   the registry's tag opsconsole.previous of the model, written at each move, by any console;
 *   its alias rollback-target, for registries that keep one themselves;
 *   what served before: the move this console has seen itself, else the metric that tells who serves (one instant query: when was each version last seen).
 *
 * A version that is current, marked bad, or that the registry does not have (any more) is passed over. Those that come later are named where they agree or not.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/previous.h"
#include "runbook/step_priv.h"

#define SERVED_BACK "7d"
#define SERVED_STEP "5m"
#define ALIAS_ROLLBACK "rollback-target"

struct previous_ask {
	const struct run_world *w;
	char *model;
	previous_cb *cb;
	void *arg;
	struct loop_timer *later;
	struct audit_reading *reading;
	struct world_ask *ask;
	struct previous found;		/* strings owned */
	struct err err;
	struct buf looked;		/* where nothing was found, for the sentence */
};

/* --- what the registry says of versions --------------------------------------------------------- */

bool
version_is_bad(const struct reg_model *reg, const char *version)
{
	const struct reg_version *v = reg_version_find(reg, version);
	const char *tag = v == NULL ? NULL : labels_get(&v->tags, TAG_BAD);

	return tag != NULL && *tag != '\0' && strcmp(tag, "false") != 0;
}

bool
version_is_candidate(const struct reg_model *reg, const char *current, const char *version)
{
	bool is_all_known = !reg->is_unread && reg->n_left_out == 0 && reg->n_versions > 0;

	if (version == NULL || *version == '\0' || str_eq(version, current))
		return false;
	if (is_all_known && reg_version_find(reg, version) == NULL)
		return false;
	return !version_is_bad(reg, version);
}

static const char *
alias_version(const struct reg_model *reg, const char *alias)
{
	for (size_t i = 0; i < reg->n_aliases; i++)
		if (strcmp(reg->aliases[i].alias, alias) == 0)
			return reg->aliases[i].version;
	return NULL;
}

/* --- the end ------------------------------------------------------------------------------------ */

static void
ask_free(struct previous_ask *p)
{
	loop_timer_free(p->later);
	buf_done(&p->looked);
	free(p->found.version);
	free(p->found.from);
	free(p->found.current);
	free(p->model);
	free(p);
}

static void
on_later(void *arg)
{
	struct previous_ask *p = arg;

	p->cb(p->err.code == 0 ? &p->found : NULL, p->err.code == 0 ? NULL : &p->err, p->arg);
	ask_free(p);
}

static void
tell_later(struct previous_ask *p)
{
	loop_timer_in(p->later, 0);
}

static void
not_found(struct previous_ask *p)
{
	char name[64];

	err_set(&p->err, ERR_NOTFOUND, "no version of %s before %s is known that is not marked bad: %s. Name the version", str_escape_to(name, sizeof name, p->model),
	    p->found.current, p->looked.data);
	tell_later(p);
}

static void
looked(struct previous_ask *p, const char *where, const char *found)
{
	char shown[64];

	buf_printf(&p->looked, "%s%s: %s", p->looked.len > 0 ? "; " : "", where,
	    found == NULL || *found == '\0' ? "none" : str_escape_to(shown, sizeof shown, found));
}

/* A version that is there and does not count, with why. */
static void
passed_over(struct previous_ask *p, const struct reg_model *reg, const char *where, const char *version)
{
	const char *why = "not in the registry";
	char *text;

	if (version == NULL || *version == '\0') {
		looked(p, where, NULL);
		return;
	}
	if (str_eq(version, p->found.current))
		why = "the current one";
	else if (version_is_bad(reg, version))
		why = "marked bad";
	text = xasprintf("%s, %s", version, why);
	looked(p, where, text);
	free(text);
}

/* --- what served ---------------------------------------------------------------------------------- */

struct last_seen { const char *version; int64_t at_ns; size_t n_hosts; };

/* Of each version the last time it was seen, and by how many at that time (within a step of the query). */
static struct last_seen
newest_other(const struct previous_ask *p, const struct series_set *set, const struct model_model *row)
{
	struct last_seen best = { 0 };

	for (size_t i = 0; i < set->n; i++) {
		const struct series *s = &set->v[i];
		const char *version = labels_get(&s->labels, row->def->version_label);
		double at = s->n > 0 ? s->v[s->n - 1].v : 0;
		int64_t at_ns = at > 0 && at < 9e9 ? (int64_t)(at * 1e9) : 0;

		if (at_ns == 0 || !version_is_candidate(row->reg, p->found.current, version))
			continue;
		if (best.version != NULL && strcmp(best.version, version) == 0)
			best.n_hosts++;
		else if (best.version == NULL || at_ns > best.at_ns)
			best = (struct last_seen){ version, at_ns, 1 };
		if (at_ns > best.at_ns)
			best.at_ns = at_ns;
	}
	return best;
}

static void
on_series(const struct series_set *set, const struct err *err, void *arg)
{
	struct previous_ask *p = arg;
	const struct model_model *row = live_model(p->w, p->model);
	struct last_seen seen = { 0 };
	char at[CLOCK_TEXT_MAX];

	p->ask = NULL;
	if (set != NULL && row != NULL && row->reg != NULL)
		seen = newest_other(p, set, row);
	if (seen.version == NULL) {
		looked(p, "who served it in the last " SERVED_BACK, set == NULL ? err->msg : "no other");
		not_found(p);
		return;
	}
	p->found.version = xstrdup(seen.version);
	p->found.from = xasprintf("served by %zu host%s until %s", seen.n_hosts, seen.n_hosts == 1 ? "" : "s", clock_format(at, seen.at_ns, 0));
	on_later(p);
}

static void
ask_series(struct previous_ask *p, const struct model_model *row)
{
	char *expr;

	if (row->def->serving_expr == NULL) {
		not_found(p);
		return;
	}
	/* A subquery of its own samples' times: one value for each series there was. */
	expr = xasprintf("max_over_time(timestamp(%s)[" SERVED_BACK ":" SERVED_STEP "])", row->def->serving_expr);
	p->ask = p->w->query(p->w->arg, row->def->serving_source, expr, on_series, p);
	free(expr);
	if (p->ask == NULL)
		not_found(p);
}

/* --- in order ------------------------------------------------------------------------------------- */

/* text is taken. */
static void
found(struct previous_ask *p, const char *version, char *text)
{
	p->found.version = xstrdup(version);
	p->found.from = text;
}

static bool
from_audit(struct previous_ask *p, const struct audit_log *log, const struct model_model *row)
{
	struct audit_evidence e = { 0 };
	struct err err = ERR_INIT;
	char date[CLOCK_TEXT_MAX];

	if (previous_audit(log, p->model, row->reg, p->found.current, &e, &err) < 0) {
		looked(p, "audit log", err.code == ERR_NOTFOUND ? "" : err.msg);
		return false;
	}
	clock_format(date, e.at_ns, 0);
	date[10] = '\0';
	found(p, e.version, xasprintf("audit %s:%llu, verified there %s", e.host, (unsigned long long)e.seq, date));
	free(e.version);
	free(e.host);
	return true;
}

static void
agree(struct previous_ask *p, const char *where, const char *version)
{
	char *from = p->found.from, shown[64];

	if (version == NULL || *version == '\0')
		return;
	if (strcmp(version, p->found.version) == 0)
		p->found.from = xasprintf("%s; %s agrees", from, where);
	else
		p->found.from = xasprintf("%s; %s says %s", from, where, str_escape_to(shown, sizeof shown, version));
	free(from);
}

static bool
from_registry(struct previous_ask *p, const struct model_model *row)
{
	const char *tag = labels_get(&row->reg->tags, TAG_PREVIOUS), *alias = alias_version(row->reg, ALIAS_ROLLBACK);

	if (version_is_candidate(row->reg, p->found.current, tag)) {
		found(p, tag, xstrdup("registry tag " TAG_PREVIOUS));
		agree(p, "alias " ALIAS_ROLLBACK, alias);
		return true;
	}
	passed_over(p, row->reg, "tag " TAG_PREVIOUS, tag);
	if (version_is_candidate(row->reg, p->found.current, alias)) {
		found(p, alias, xstrdup("registry alias " ALIAS_ROLLBACK));
		return true;
	}
	passed_over(p, row->reg, "alias " ALIAS_ROLLBACK, alias);
	return false;
}

static bool
from_sight(struct previous_ask *p, const struct model_model *row)
{
	char at[CLOCK_TEXT_MAX];

	if (!version_is_candidate(row->reg, p->found.current, row->previous))
		return false;
	found(p, row->previous, xasprintf("seen from here: it was replaced by %s at %s", p->found.current, clock_format(at, row->wanted_since_ns, 0)));
	return true;
}

static int
check_registry(struct previous_ask *p, const struct model_model *row)
{
	const char *current;
	char name[64];

	str_escape_to(name, sizeof name, p->model);
	if (row == NULL)
		return err_set(&p->err, ERR_NOTFOUND, "model %s is not in this environment's models:, so which alias says what should serve is not known", name);
	if (row->reg == NULL || row->is_reg_stale)
		return err_set(&p->err, ERR_NOTFOUND, "the registry does not tell of %s now", name);
	current = reg_version_wanted(row->reg, row->def->alias, row->def->stage);
	if (current == NULL)
		return err_set(&p->err, ERR_NOTFOUND, "%s %s of %s points to no version", row->def->alias != NULL ? "alias" : "stage",
		    row->def->alias != NULL ? row->def->alias : row->def->stage, name);
	p->found.current = xstrdup(current);
	return 0;
}

/* The model is looked at only now: it may have changed while the log was read. */
static void
on_log(const struct audit_log *log, void *arg)
{
	struct previous_ask *p = arg;
	const struct model_model *row = live_model(p->w, p->model);

	p->reading = NULL;
	if (check_registry(p, row) < 0) {
		tell_later(p);
	} else if (from_audit(p, log, row)) {
		agree(p, "registry tag", labels_get(&row->reg->tags, TAG_PREVIOUS));
		tell_later(p);
	} else if (from_registry(p, row) || from_sight(p, row)) {
		tell_later(p);
	} else {
		ask_series(p, row);
	}
}

struct previous_ask *
previous_begin(const struct run_world *w, const char *model, previous_cb *cb, void *arg)
{
	struct previous_ask *p = xcalloc(1, sizeof *p);

	*p = (struct previous_ask){ .w = w, .model = xstrdup(model), .cb = cb, .arg = arg };
	buf_init(&p->looked, 1024);
	p->later = loop_timer_new(w->loop, on_later, p);
	p->reading = previous_audit_read(w, on_log, p);
	return p;
}

void
previous_cancel(struct previous_ask *p)
{
	if (p == NULL)
		return;
	previous_audit_cancel(p->reading);
	if (p->ask != NULL)
		p->w->query_cancel(p->w->arg, p->ask);
	ask_free(p);
}
