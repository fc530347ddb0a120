#include "config.h"

#include "insight/serving.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/markers.h"

enum { HOSTS_MAX = 10000, VERSION_MAX = 256, NOTE_MAX = 512, TEXT_MAX = 2048, GAP_STEPS = 3 };
#define LOOKBACK_NS (5 * NS_PER_MIN)	/* a series without a sample for so long has ended, as in Prometheus */

/* --- who serves what -------------------------------------------------------------------------------------------------------- */

struct claim {			/* a series says that a host serves a version */
	const char *instance, *version;
	size_t host_len;	/* of instance: the host in its name */
	int64_t at_ns;
};
struct run {			/* how long a series of the past has been there without a break */
	const char *instance, *version;
	int64_t first_ns, last_ns;
};
struct reader {
	const struct model_def *def;
	struct run *runs;	/* by instance, then version */
	size_t n_runs;
	int64_t gap_ns;		/* without a sample for longer, it was gone */
	struct serving_set *set;
	struct claim *v;
	size_t n;
	size_t n_unlabelled, n_hostless, n_too_long, n_too_many;
};

static const char *
label_or_empty(const struct labels *l, const char *name)
{
	const char *value = name == NULL || name[0] == '\0' ? NULL : labels_get(l, name);

	return value == NULL ? "" : value;
}

static bool
is_served(const struct sample *s)
{
	return s->v != 0 && !isnan(s->v);
}

/* A host label that the config gives and a series does not have: nobody can tell whose series it is. */
static bool
is_hostless(const struct model_def *def, const struct series *s)
{
	return def->host_label != NULL && def->host_label[0] != '\0' && label_or_empty(&s->labels, def->host_label)[0] == '\0';
}

/* A range may hold series that were there before its end. */
static bool
has_ended(const struct series_set *answer, const struct sample *last)
{
	int64_t ago_ns;

	if (answer->type != SERIES_MATRIX)
		return false;
	return __builtin_sub_overflow(answer->end_ns, last->t_ns, &ago_ns) || ago_ns > LOOKBACK_NS;
}

static void
read_series(struct reader *r, const struct series_set *answer, const struct series *s)
{
	const struct sample *last = s->n == 0 ? NULL : &s->v[s->n - 1];
	const char *version = label_or_empty(&s->labels, r->def->version_label);
	struct claim *c = &r->v[r->n];

	if (last == NULL || !is_served(last) || has_ended(answer, last))
		return;
	if (version[0] == '\0') {
		r->n_unlabelled++;
	} else if (strlen(version) > VERSION_MAX) {
		r->n_too_long++;
	} else if (is_hostless(r->def, s)) {
		r->n_hostless++;
	} else {
		*c = (struct claim){ .instance = label_or_empty(&s->labels, r->def->host_label), .version = version, .at_ns = last->t_ns };
		c->host_len = host_of_instance(c->instance);
		r->n++;
	}
}

/* --- since when -------------------------------------------------------------------------------------------------------------- */

static int
run_compare(const void *pa, const void *pb)
{
	const struct run *a = pa, *b = pb;
	int c = strcmp(a->instance, b->instance);

	return c != 0 ? c : strcmp(a->version, b->version);
}

/* The end of a series that is there without a break. */
static void
read_run(struct reader *r, const struct series *s)
{
	size_t i;
	struct run run = { .instance = label_or_empty(&s->labels, r->def->host_label), .version = label_or_empty(&s->labels, r->def->version_label) };

	if (s->n == 0 || !is_served(&s->v[s->n - 1]))
		return;
	for (i = s->n - 1; i > 0 && is_served(&s->v[i - 1]) && s->v[i].t_ns - s->v[i - 1].t_ns <= r->gap_ns; i--)
		;
	run.first_ns = s->v[i].t_ns;
	run.last_ns = s->v[s->n - 1].t_ns;
	r->runs[r->n_runs++] = run;
}

static void
read_past(struct reader *r, const struct series_set *past)
{
	if (past == NULL || past->type != SERIES_MATRIX)
		return;
	r->gap_ns = GAP_STEPS * past->step_ns;
	r->runs = xcalloc(past->n + 1, sizeof *r->runs);
	for (size_t i = 0; i < past->n; i++)
		read_run(r, &past->v[i]);
	qsort(r->runs, r->n_runs, sizeof *r->runs, run_compare);
}

/* Since when what c says has been so; 0 when the past does not reach to it. Of series that differ in labels that do not matter the longest counts. */
static int64_t
since_when(const struct reader *r, const struct claim *c)
{
	struct run key = { .instance = c->instance, .version = c->version };
	const struct run *end, *at;
	int64_t since_ns = 0;

	if (r->n_runs == 0)
		return 0;
	end = r->runs + r->n_runs;
	at = bsearch(&key, r->runs, r->n_runs, sizeof key, run_compare);
	while (at != NULL && at > r->runs && run_compare(at - 1, &key) == 0)
		at--;
	for (; at != NULL && at < end && run_compare(at, &key) == 0; at++)
		if (c->at_ns >= at->first_ns && c->at_ns - at->last_ns <= r->gap_ns && (since_ns == 0 || at->first_ns < since_ns))
			since_ns = at->first_ns;
	return since_ns;
}

/* --- by host ----------------------------------------------------------------------------------------------------------------- */

/* By host, then instance, the newest first. */
static int
claim_compare(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	size_t len = a->host_len < b->host_len ? a->host_len : b->host_len;
	int c = memcmp(a->instance, b->instance, len);

	if (c == 0)
		c = (a->host_len > b->host_len) - (a->host_len < b->host_len);
	if (c == 0)
		c = strcmp(a->instance, b->instance);
	if (c == 0)
		c = (a->at_ns < b->at_ns) - (a->at_ns > b->at_ns);
	return c != 0 ? c : strcmp(a->version, b->version);
}

static bool
is_same_host(const struct claim *a, const struct claim *b)
{
	return a->host_len == b->host_len && memcmp(a->instance, b->instance, a->host_len) == 0;
}

/* Two servers on one host differ by their ports: then the port is part of the name. */
static const char *
host_name(struct reader *r, const struct claim *first, const struct claim *end, const struct claim *c)
{
	struct arena *arena = &r->set->block.arena;

	if (strcmp(first->instance, end[-1].instance) != 0)
		return arena_strdup(arena, c->instance);
	if (c->host_len > 2 && c->instance[0] == '[' && c->instance[c->host_len - 1] == ']')
		return arena_strndup(arena, c->instance + 1, c->host_len - 2);
	return arena_strndup(arena, c->instance, c->host_len);
}

/* Of the claims for one instance the newest counts; several when they are equally new. */
static size_t
take_host(struct reader *r, struct serving *to, const struct claim *first, const struct claim *end)
{
	const struct claim *newest = first;
	size_t n = 0;

	for (const struct claim *c = first; c < end; c++) {
		if (strcmp(c->instance, newest->instance) != 0)
			newest = c;
		if (c->at_ns != newest->at_ns || (c > newest && strcmp(c->version, c[-1].version) == 0))
			continue;
		to[n++] = (struct serving){ .host = host_name(r, first, end, c), .version = arena_strdup(&r->set->block.arena, c->version),
		    .at_ns = c->at_ns, .since_ns = since_when(r, c), .error = "" };
	}
	return n;
}

/* Series that tell of a host nobody can name, or no version at all, are no answer: they stand there as one that is not known. */
static void
add_unknown(struct reader *r, struct serving *v)
{
	struct buf b;

	buf_init(&b, NOTE_MAX);
	if (r->n_hostless > 0)
		buf_printf(&b, "%zu series %s no label '%s'", r->n_hostless, r->n_hostless == 1 ? "has" : "have", r->def->host_label);
	else if (r->n == 0 && r->n_unlabelled > 0)
		buf_printf(&b, "%zu series, none has the label '%s'", r->n_unlabelled,
		    r->def->version_label == NULL ? "" : r->def->version_label);
	if (b.len > 0)
		v[r->set->n++] = (struct serving){ .host = "", .version = "", .error = arena_strdup(&r->set->block.arena, b.data) };
	buf_done(&b);
}

static void
take_claims(struct reader *r)
{
	struct serving *v = arena_alloc(&r->set->block.arena, (r->n + 1) * sizeof *v);	/* and what is not known */
	size_t n_hosts = 0;

	for (size_t i = 0, end; i < r->n; i = end) {
		for (end = i + 1; end < r->n && is_same_host(&r->v[i], &r->v[end]); end++)
			;
		if (++n_hosts > HOSTS_MAX)
			r->n_too_many++;
		else
			r->set->n += take_host(r, v + r->set->n, &r->v[i], &r->v[end]);
	}
	add_unknown(r, v);
	r->set->v = v;
}

static int
serving_compare(const void *pa, const void *pb)
{
	const struct serving *a = pa, *b = pb;
	int c = host_name_compare(a->host, b->host);

	return c != 0 ? c : strcmp(a->version, b->version);
}

static void
add_note(struct serving_set *set, const char **notes, size_t n, const char *text, const char *more)
{
	struct buf b;

	if (n == 0)
		return;
	buf_init(&b, NOTE_MAX);
	buf_printf(&b, "%zu %s%s", n, text, more);
	notes[set->notes.n++] = arena_strdup(&set->block.arena, b.data);
	buf_done(&b);
}

static void
add_notes(struct reader *r, const struct series_set *answer)
{
	const char **notes = arena_alloc(&r->set->block.arena, 4 * sizeof *notes);
	const char *label = r->def->version_label == NULL ? "" : r->def->version_label;

	r->set->notes.v = notes;
	add_note(r->set, notes, r->n_unlabelled, "series have no version: no label ", label);
	add_note(r->set, notes, r->n_too_long, "series have a version that is too long, and were left out", "");
	add_note(r->set, notes, r->n_too_many, "hosts are beyond the limit of 10000, and were left out", "");
	add_note(r->set, notes, answer->n_left_out, "series were too many, and were left out", "");
}

struct serving_set *
insight_serving(const struct model_def *def, const struct series_set *answer, const struct series_set *past)
{
	struct serving_set *set = block_new(sizeof *set);
	struct reader r = { .def = def, .set = set };

	set->model = arena_strdup(&set->block.arena, def->id);
	read_past(&r, past);
	r.v = xcalloc(answer->n + 1, sizeof *r.v);
	for (size_t i = 0; i < answer->n; i++)
		read_series(&r, answer, &answer->v[i]);
	qsort(r.v, r.n, sizeof *r.v, claim_compare);
	take_claims(&r);
	if (set->n > 0)
		qsort((struct serving *)set->v, set->n, sizeof *set->v, serving_compare);
	add_notes(&r, answer);
	free(r.v);
	free(r.runs);
	return set;
}

/* --- what moved in a registry --------------------------------------------------------------------------------------------------- */

struct mover {
	struct marker_set *set;
	struct marker *v;
	size_t n, cap;
	int64_t now_ns;
	const struct reg_model *before, *now;
};

/* When the version that came got its new place: registries tell that of stages, and of aliases some do. */
static int64_t
move_time(const struct mover *r, const char *to)
{
	const struct reg_version *was = reg_version_find(r->before, to), *is = reg_version_find(r->now, to);

	if (r->before->is_unread || is == NULL || is->updated_ns <= 0 || is->updated_ns > r->now_ns || (was != NULL && was->updated_ns >= is->updated_ns))
		return r->now_ns;
	return is->updated_ns;
}

static const char *
move_text(struct arena *arena, const char *model, const char *name, const char *from, const char *to)
{
	struct buf b;
	const char *text;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b, "%s %s %s%s-> %s", model, name, from, from[0] == '\0' ? "" : " ", to[0] == '\0' ? "none" : to);
	text = arena_strdup(arena, b.data);
	buf_done(&b);
	return text;
}

static void
add_move(struct mover *r, const char *name, const char *from, const char *to)
{
	struct arena *arena = &r->set->block.arena;

	if (strcmp(from, to) == 0 || r->n >= INSIGHT_MARKERS_MAX)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 16 : r->cap * 2;
		r->v = xreallocarray(r->v, r->cap, sizeof *r->v);
	}
	r->v[r->n++] = (struct marker){
		.kind = MARKER_CHANGE, .at_ns = to[0] == '\0' ? r->now_ns : move_time(r, to), .what = arena_strdup(arena, r->now->name),
		.from = arena_strdup(arena, from), .to = arena_strdup(arena, to), .text = move_text(arena, r->now->name, name, from, to),
		.n_series = 1,
	};
}

static const char *
wanted_or_empty(const struct reg_model *model, const char *alias, const char *stage)
{
	const char *version = reg_version_wanted(model, alias, stage);

	return version == NULL ? "" : version;
}

/* An alias that only one of the two has may have come or gone, or may be of a version that was not read. */
static bool
is_alias_known(const struct mover *r, int side)
{
	return side == 0 || !(r->before->is_unread || r->now->is_unread);
}

/* Aliases of both, by alias. */
static void
move_aliases(struct mover *r)
{
	const struct reg_model *before = r->before, *now = r->now;

	for (size_t i = 0, k = 0; i < before->n_aliases || k < now->n_aliases;) {
		int c = i == before->n_aliases ? 1 : k == now->n_aliases ? -1 : strcmp(before->aliases[i].alias, now->aliases[k].alias);

		if (is_alias_known(r, c))
			add_move(r, c <= 0 ? before->aliases[i].alias : now->aliases[k].alias, c <= 0 ? before->aliases[i].version : "",
			    c >= 0 ? now->aliases[k].version : "");
		i += c <= 0;
		k += c >= 0;
	}
}

/* "Archived" is where versions go that no longer matter; that others take their place there is no news. */
static bool
is_place(const char *stage)
{
	return stage[0] != '\0' && strcmp(stage, "Archived") != 0;
}

/* The newest version in the stage has another one in its place. One that fell off the end of the list has not left its stage. */
static void
move_stage(struct mover *r, const char *stage)
{
	const char *from = wanted_or_empty(r->before, NULL, stage), *to = wanted_or_empty(r->now, NULL, stage);

	if (to[0] != '\0' || r->now->n_left_out == 0 || reg_version_find(r->now, from) != NULL)
		add_move(r, stage, from, to);
}

/* Is it the one that counts of its stage? */
static bool
is_first_of_stage(const struct reg_model *model, size_t i)
{
	return is_place(model->versions[i].stage) &&
	    reg_version_wanted(model, NULL, model->versions[i].stage) == model->versions[i].version;
}

static void
move_stages(struct mover *r)
{
	const struct reg_model *before = r->before, *now = r->now;

	/* What was not read has not moved, and what is read again was there. */
	if (before->is_unread || now->is_unread)
		return;
	for (size_t i = 0; i < now->n_versions; i++)
		if (is_first_of_stage(now, i))
			move_stage(r, now->versions[i].stage);
	for (size_t i = 0; i < before->n_versions; i++) {
		const char *stage = before->versions[i].stage;

		if (is_first_of_stage(before, i) && reg_version_wanted(now, NULL, stage) == NULL)
			move_stage(r, stage);
	}
}

static int
marker_compare(const void *pa, const void *pb)
{
	const struct marker *a = pa, *b = pb;
	int c = (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);

	return c != 0 ? c : strcmp(a->text, b->text);
}

static const char *
moves_def(struct arena *arena, const char *source)
{
	char *id = xasprintf("registry:%s", source);
	const char *kept = arena_strdup(arena, id);

	free(id);
	return kept;
}

struct marker_set *
insight_registry_moves(const char *source, const struct registry_set *before, const struct registry_set *now, int64_t now_ns)
{
	static const struct reg_model none = { 0 };
	struct marker_set *set = block_new(sizeof *set);
	struct mover r = { .set = set, .now_ns = now_ns };
	struct marker *v;

	for (size_t i = 0; before != NULL && i < now->n; i++) {
		r.now = &now->v[i];
		r.before = reg_model_find(before, r.now->name);
		/* It may have been there all the time, on a page that was missing. */
		if (r.before == NULL && registry_set_is_partial(before))
			continue;
		r.before = r.before == NULL ? &none : r.before;
		move_aliases(&r);
		move_stages(&r);
	}
	v = arena_alloc(&set->block.arena, r.n * sizeof *v);
	if (r.n > 0)
		memcpy(v, r.v, r.n * sizeof *v);
	if (r.n > 0)
		qsort(v, r.n, sizeof *v, marker_compare);
	free(r.v);
	set->def = moves_def(&set->block.arena, source);
	set->start_ns = r.n > 0 ? v[0].at_ns : now_ns;
	set->end_ns = now_ns;
	set->n = r.n;
	set->v = v;
	return set;
}
