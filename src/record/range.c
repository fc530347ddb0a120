#include "config.h"

#include "record/range.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/json_writer.h"
#include "record/format.h"

/* --- which series of the base is it? --------------------------------------------------------------------------------------- */

struct finder {
	const struct series_set *base;
	size_t hint;		/* servers answer in the same order: the one behind the last found */
	size_t cap, *places;	/* made when the hint was wrong; place + 1, 0 free */
};

static void
finder_index(struct finder *f)
{
	f->cap = 16;
	while (f->cap < f->base->n * 2)
		f->cap *= 2;
	f->places = xcalloc(f->cap, sizeof *f->places);
	for (size_t i = 0; i < f->base->n; i++) {
		size_t at = (size_t)labels_hash(&f->base->v[i].labels) & (f->cap - 1);

		while (f->places[at] != 0)
			at = (at + 1) & (f->cap - 1);
		f->places[at] = i + 1;
	}
}

static bool
finder_find(struct finder *f, const struct labels *l, size_t *ret)
{
	size_t at;

	if (f->hint < f->base->n && labels_equal(&f->base->v[f->hint].labels, l)) {
		*ret = f->hint++;
		return true;
	}
	if (f->places == NULL)
		finder_index(f);
	for (at = (size_t)labels_hash(l) & (f->cap - 1); f->places[at] != 0; at = (at + 1) & (f->cap - 1))
		if (labels_equal(&f->base->v[f->places[at] - 1].labels, l)) {
			*ret = f->places[at] - 1;
			f->hint = *ret + 1;
			return true;
		}
	return false;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------ */

bool
range_fits(const struct event *ev)
{
	const struct series_set *set = ev->block;

	if (ev->kind != EVENT_SERIES || set->type != SERIES_MATRIX || set->step_ns <= 0)
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].n_histograms > 0)
			return false;
	return true;
}

static bool
same_sample(const struct sample *a, const struct sample *b)
{
	return a->t_ns == b->t_ns && (memcmp(&a->v, &b->v, sizeof a->v) == 0 || (isnan(a->v) && isnan(b->v)));
}

/* How many of old fall out in front, and how many of them stay. */
static void
overlap(const struct series *old, const struct series *new, size_t *ret_drop, size_t *ret_keep)
{
	size_t lo = 0, hi = old->n, k = 0;

	while (new->n > 0 && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (old->v[mid].t_ns < new->v[0].t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + k < old->n && k < new->n && same_sample(&old->v[lo + k], &new->v[k]))
		k++;
	*ret_drop = k > 0 ? lo : 0;
	*ret_keep = k;
}

/* Runs of samples that follow each other by the step: [first time, value, value, ..]. */
static void
write_runs(struct buf *b, const struct sample *v, size_t n, int64_t step_ns)
{
	buf_addch(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || v[i].t_ns - v[i - 1].t_ns != step_ns)
			buf_printf(b, "%s[%" PRId64, i == 0 ? "" : "],", v[i].t_ns);
		buf_addch(b, ',');
		json_add_number(b, v[i].v);
	}
	buf_addstr(b, n > 0 ? "]]" : "]");
}

static void
write_series(struct buf *b, const struct series *s, struct finder *f, int64_t step_ns)
{
	size_t of, drop, keep = 0;

	if (f->base != NULL && finder_find(f, &s->labels, &of)) {
		overlap(&f->base->v[of], s, &drop, &keep);
		buf_printf(b, "{\"of\":%zu,\"drop\":%zu,\"keep\":%zu", of, drop, keep);
	} else {
		buf_addstr(b, "{\"labels\":");
		json_add_labels(b, &s->labels);
	}
	if (s->n > keep) {
		buf_addstr(b, ",\"runs\":");
		write_runs(b, s->v + keep, s->n - keep, step_ns);
	}
	buf_addch(b, '}');
}

void
range_write(struct buf *b, const struct event *ev, const struct series_set *base)
{
	const struct series_set *set = ev->block;
	struct finder f = { .base = base };

	buf_printf(b, "{\"time\":%" PRId64 ",\"source\":", ev->time_ns);
	json_add_text(b, ev->source);
	buf_addstr(b, ",\"query\":");
	json_add_text(b, set->query);
	buf_printf(b, ",\"start\":%" PRId64 ",\"end\":%" PRId64 ",\"step\":%" PRId64, set->start_ns, set->end_ns, set->step_ns);
	if (base != NULL)
		buf_addstr(b, ",\"base\":true");
	if (set->n_left_out > 0)
		buf_printf(b, ",\"left_out\":%zu", set->n_left_out);
	if (set->warnings.n > 0) {
		buf_addstr(b, ",\"warnings\":");
		json_add_strings(b, &set->warnings);
	}
	if (set->infos.n > 0) {
		buf_addstr(b, ",\"infos\":");
		json_add_strings(b, &set->infos);
	}
	buf_addstr(b, ",\"series\":[");
	for (size_t i = 0; i < set->n; i++) {
		if (i > 0)
			buf_addch(b, ',');
		write_series(b, &set->v[i], &f, set->step_ns);
	}
	buf_addstr(b, "]}");
	free(f.places);
}

/* --- reading ------------------------------------------------------------------------------------------------------------------ */

/* As the codec does: what else would add up to more than an int64 when two are compared. */
static int64_t
time_member(const json_t *object, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(object, name));

	return v > INT64_MAX / 2 ? INT64_MAX / 2 : v < -(INT64_MAX / 2) ? -(INT64_MAX / 2) : (int64_t)v;
}

static int
spend(uint64_t *work, uint64_t bytes, struct err *err)
{
	if (bytes > *work)
		return err_set(err, ERR_LIMIT, "its ranges unfold to more than %" PRIu64 " GiB", RECORD_WORK_MAX >> 30);
	*work -= bytes;
	return 0;
}

static int
read_text(const json_t *object, const char *name, struct arena *a, const char **ret, struct err *err)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text == NULL)
		return err_set(err, ERR_INVALID, "a range without text '%s'", name);
	*ret = arena_strdup(a, text);
	return 0;
}

static void
read_strings(const json_t *list, struct arena *a, struct strings *ret)
{
	size_t n = json_array_size(list);
	const char **v = n == 0 ? NULL : arena_alloc(a, n * sizeof *v);

	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		v[i] = text == NULL ? "" : arena_strdup(a, text);
	}
	*ret = (struct strings){ n, v };
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static int
read_labels(json_t *object, struct arena *a, struct labels *ret, struct err *err)
{
	size_t n = json_object_size(object), i = 0;
	struct label *v = n == 0 ? NULL : arena_alloc(a, n * sizeof *v);
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return err_set(err, ERR_INVALID, "a series of a range without 'labels' and 'of'");
	json_object_foreach(object, name, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_INVALID, "a label of a range is no text");
		v[i++] = (struct label){ arena_strdup(a, name), arena_strdup(a, json_string_value(value)) };
	}
	if (n > 1)
		qsort(v, n, sizeof *v, by_name);
	*ret = (struct labels){ n, v };
	return 0;
}

static void
copy_labels(const struct labels *from, struct arena *a, struct labels *ret)
{
	struct label *v = from->n == 0 ? NULL : arena_alloc(a, from->n * sizeof *v);

	for (size_t i = 0; i < from->n; i++)
		v[i] = (struct label){ arena_strdup(a, from->v[i].name), arena_strdup(a, from->v[i].value) };
	*ret = (struct labels){ from->n, v };
}

static bool
read_value(const json_t *json, double *ret)
{
	const char *word = json_string_value(json);

	if (json_is_number(json)) {
		*ret = json_number_value(json);
		return true;
	}
	if (word == NULL)
		return false;
	if (strcmp(word, "NaN") == 0)
		*ret = NAN;
	else if (strcmp(word, "+Inf") == 0 || strcmp(word, "-Inf") == 0)
		*ret = word[0] == '+' ? INFINITY : -INFINITY;
	else
		return false;
	return true;
}

/* One run behind v[n]; ascending, as every reader of series relies on. */
static int
read_run(const json_t *run, int64_t step_ns, struct sample *v, size_t *n, struct err *err)
{
	size_t size = json_array_size(run);
	json_int_t at = json_integer_value(json_array_get(run, 0));

	if (size < 2 || !json_is_integer(json_array_get(run, 0)) || at > INT64_MAX / 2 || at < -(INT64_MAX / 2))
		return err_set(err, ERR_INVALID, "a run of samples without its time or its values");
	for (size_t i = 1; i < size; i++, at += step_ns) {
		if (at > INT64_MAX / 2 || (*n > 0 && at <= v[*n - 1].t_ns))
			return err_set(err, ERR_INVALID, "samples of a range are out of order");
		v[*n].t_ns = at;
		if (!read_value(json_array_get(run, i), &v[*n].v))
			return err_set(err, ERR_INVALID, "a sample of a range is no number");
		++*n;
	}
	return 0;
}

static size_t
runs_size(const json_t *runs)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(runs); i++) {
		size_t size = json_array_size(json_array_get(runs, i));

		n += size > 0 ? size - 1 : 0;
	}
	return n;
}

/* The series of the base that it continues, and which of its samples stay. */
static int
read_of(const json_t *json, const struct series_set *base, const struct series **ret, size_t *ret_drop, size_t *ret_keep, struct err *err)
{
	json_int_t of = json_integer_value(json_object_get(json, "of")), drop = json_integer_value(json_object_get(json, "drop")),
	    keep = json_integer_value(json_object_get(json, "keep"));

	if (base == NULL || of < 0 || (uint64_t)of >= base->n)
		return err_set(err, ERR_INVALID, "a series of a range continues one that is not there");
	*ret = &base->v[of];
	if (drop < 0 || keep < 0 || (uint64_t)drop > (*ret)->n || (uint64_t)keep > (*ret)->n - (uint64_t)drop)
		return err_set(err, ERR_INVALID, "a series of a range keeps more than there was");
	*ret_drop = (size_t)drop;
	*ret_keep = (size_t)keep;
	return 0;
}

static int
read_series(const json_t *json, const struct series_set *base, int64_t step_ns, struct arena *a, uint64_t *work, struct series *ret,
    struct err *err)
{
	const json_t *runs = json_object_get(json, "runs");
	const struct series *old = NULL;
	size_t drop = 0, keep = 0, n = runs_size(runs), label_bytes = 0;
	struct sample *v;
	int r = 0;

	if (json_object_get(json, "of") != NULL)
		r = read_of(json, base, &old, &drop, &keep, err);
	if (r < 0)
		return r;
	for (size_t i = 0; old != NULL && i < old->labels.n; i++)
		label_bytes += strlen(old->labels.v[i].name) + strlen(old->labels.v[i].value) + sizeof(struct label);
	r = spend(work, (keep + n) * sizeof *v + label_bytes + sizeof *ret, err);
	if (r < 0)
		return r;
	if (old != NULL)
		copy_labels(&old->labels, a, &ret->labels);
	else if ((r = read_labels(json_object_get(json, "labels"), a, &ret->labels, err)) < 0)
		return r;
	v = keep + n == 0 ? NULL : arena_alloc(a, (keep + n) * sizeof *v);
	if (keep > 0)
		memcpy(v, old->v + drop, keep * sizeof *v);
	for (size_t i = 0; r == 0 && i < json_array_size(runs); i++)
		r = read_run(json_array_get(runs, i), step_ns, v, &keep, err);
	ret->v = v;
	ret->n = keep;
	return r;
}

static int
read_set(const json_t *range, const struct series_set *base, uint64_t *work, struct series_set *set, struct err *err)
{
	struct arena *a = &set->block.arena;
	const json_t *list = json_object_get(range, "series");
	json_int_t left_out = json_integer_value(json_object_get(range, "left_out"));
	struct series *v;
	int r = read_text(range, "query", a, &set->query, err);

	set->type = SERIES_MATRIX;
	set->start_ns = time_member(range, "start");
	set->end_ns = time_member(range, "end");
	set->step_ns = time_member(range, "step");
	set->n_left_out = left_out > 0 ? (size_t)left_out : 0;
	read_strings(json_object_get(range, "warnings"), a, &set->warnings);
	read_strings(json_object_get(range, "infos"), a, &set->infos);
	if (r == 0 && set->step_ns <= 0)
		r = err_set(err, ERR_INVALID, "a range without a step");
	if (r < 0)
		return r;
	set->n = json_array_size(list);
	set->v = v = set->n == 0 ? NULL : arena_alloc(a, set->n * sizeof *v);
	for (size_t i = 0; r == 0 && i < set->n; i++)
		r = read_series(json_array_get(list, i), base, set->step_ns, a, work, &v[i], err);
	return r;
}

int
range_read(const json_t *range, const struct series_set *base, uint64_t *work, struct event *ret, struct err *err)
{
	const char *source = json_string_value(json_object_get(range, "source"));
	struct series_set *set;
	int r;

	if (!json_is_true(json_object_get(range, "base")))
		base = NULL;
	else if (base == NULL)
		return err_set(err, ERR_INVALID, "a range continues one that is not there");
	set = block_new(sizeof *set);
	r = read_set(range, base, work, set, err);
	if (r < 0)
		block_unref(set);
	else
		event_init(ret, EVENT_SERIES, time_member(range, "time"), source, set);
	return r;
}
