/*
 * Answers to PromQL queries, read while they arrive: {"status", "data": {"resultType", "result": [...]}, "warnings", "infos"}.
 *
 * The reader's events move a cursor over the places of such an answer; the table `steps` is its grammar. The order of members does not
 * matter, members that are not in the table are passed over ("stats", "analysis"), and a known one of the wrong kind is an error.
 */
#include "config.h"

#include "source/prometheus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/series_build.h"

enum { DEPTH_MAX = 64, STRING_MAX = 1 << 20, NOTES_MAX = 32, PLACES_DEEP = 12 };

enum place {		/* the containers of an answer */
	AT_TOP, AT_ROOT, AT_DATA, AT_RESULT, AT_SERIES, AT_METRIC,
	AT_VALUES, AT_PAIR, AT_HISTOGRAMS, AT_HISTOGRAM_PAIR, AT_HISTOGRAM, AT_BUCKETS, AT_BUCKET,
	AT_WARNINGS, AT_INFOS, N_PLACES
};
enum key {		/* members that mean something; KEY_ITEM is the place of an item of an array */
	KEY_OTHER, KEY_ITEM, KEY_STATUS, KEY_DATA, KEY_ERROR, KEY_ERROR_TYPE, KEY_WARNINGS, KEY_INFOS, KEY_IS_PARTIAL,
	KEY_RESULT_TYPE, KEY_RESULT, KEY_METRIC, KEY_VALUE, KEY_VALUES, KEY_HISTOGRAM, KEY_HISTOGRAMS, KEY_COUNT, KEY_SUM,
	KEY_BUCKETS, N_KEYS
};
#define NAME(s) { s, sizeof s - 1 }
static const struct {
	const char *text;
	size_t len;
} key_names[N_KEYS] = {
	[KEY_STATUS] = NAME("status"), [KEY_DATA] = NAME("data"), [KEY_ERROR] = NAME("error"),
	[KEY_ERROR_TYPE] = NAME("errorType"), [KEY_WARNINGS] = NAME("warnings"),
	[KEY_INFOS] = NAME("infos"), [KEY_IS_PARTIAL] = NAME("isPartial"),
	[KEY_RESULT_TYPE] = NAME("resultType"), [KEY_RESULT] = NAME("result"),
	[KEY_METRIC] = NAME("metric"), [KEY_VALUE] = NAME("value"), [KEY_VALUES] = NAME("values"),
	[KEY_HISTOGRAM] = NAME("histogram"), [KEY_HISTOGRAMS] = NAME("histograms"),
	[KEY_COUNT] = NAME("count"), [KEY_SUM] = NAME("sum"), [KEY_BUCKETS] = NAME("buckets"),
};
#undef NAME

struct step {
	char kind;		/* '{' or '['; 0: not part of the grammar */
	enum place to;
};
static const struct step steps[N_PLACES][N_KEYS] = {
	[AT_TOP] = { [KEY_ITEM] = { '{', AT_ROOT } },
	[AT_ROOT] = { [KEY_DATA] = { '{', AT_DATA }, [KEY_WARNINGS] = { '[', AT_WARNINGS }, [KEY_INFOS] = { '[', AT_INFOS } },
	[AT_DATA] = { [KEY_RESULT] = { '[', AT_RESULT } },
	[AT_RESULT] = { [KEY_ITEM] = { '{', AT_SERIES } },
	[AT_SERIES] = { [KEY_METRIC] = { '{', AT_METRIC }, [KEY_VALUE] = { '[', AT_PAIR }, [KEY_VALUES] = { '[', AT_VALUES },
	    [KEY_HISTOGRAM] = { '[', AT_HISTOGRAM_PAIR }, [KEY_HISTOGRAMS] = { '[', AT_HISTOGRAMS } },
	[AT_VALUES] = { [KEY_ITEM] = { '[', AT_PAIR } },
	[AT_HISTOGRAMS] = { [KEY_ITEM] = { '[', AT_HISTOGRAM_PAIR } },
	[AT_HISTOGRAM_PAIR] = { [KEY_ITEM] = { '{', AT_HISTOGRAM } },
	[AT_HISTOGRAM] = { [KEY_BUCKETS] = { '[', AT_BUCKETS } },
	[AT_BUCKETS] = { [KEY_ITEM] = { '[', AT_BUCKET } },
};

/* What stands at a place, for sentences; and how many items an array of fixed length has. */
static const struct {
	const char *what;
	unsigned n_items;
} places[N_PLACES] = {
	[AT_TOP] = { "the answer (an object)", 0 },
	[AT_ROOT] = { "the answer", 0 },
	[AT_DATA] = { "data", 0 },
	[AT_RESULT] = { "result (a list of series)", 0 },
	[AT_SERIES] = { "a series", 0 },
	[AT_METRIC] = { "metric (an object of strings)", 0 },
	[AT_VALUES] = { "values (a list of samples)", 0 },
	[AT_PAIR] = { "a sample [time, \"value\"]", 2 },
	[AT_HISTOGRAMS] = { "histograms (a list)", 0 },
	[AT_HISTOGRAM_PAIR] = { "a histogram [time, {...}]", 2 },
	[AT_HISTOGRAM] = { "a histogram {count, sum, buckets}", 0 },
	[AT_BUCKETS] = { "buckets (a list)", 0 },
	[AT_BUCKET] = { "a bucket [boundaries, \"low\", \"high\", \"count\"]", 4 },
	[AT_WARNINGS] = { "warnings (a list of strings)", 0 },
	[AT_INFOS] = { "infos (a list of strings)", 0 },
};

struct notes {
	const char *v[NOTES_MAX + 2];	/* and room for what we add; in the arena of the set */
	size_t n, n_more;
};

struct query_state {
	struct jread reader;
	struct series_build build;
	struct err *err;		/* of the push under way, for callbacks */
	struct {
		enum place place;
		unsigned index;		/* items seen, in an array */
	} stack[PLACES_DEEP];
	unsigned depth;
	unsigned n_skipped;		/* containers open inside something passed over */
	enum key key;
	bool has_result, is_partial, is_scalar;
	char *status, *error_type, *error, *result_type;
	struct notes warnings, infos;
	int64_t t_ns;			/* of the sample or histogram being read */
	double count, sum;
	bool has_count, has_sum;
	struct bucket bucket;
	double scalar;
	bool has_scalar;		/* the scalar's text is a number */
	const char *text;		/* of a string or scalar; in the arena of the set */
};

/* --- where we are ------------------------------------------------------------------------------------------------- */

static enum place
place_of(const struct query_state *q)
{
	return q->stack[q->depth].place;
}

static bool
is_array(enum place place)
{
	switch (place) {
	case AT_RESULT:
	case AT_VALUES:
	case AT_PAIR:
	case AT_HISTOGRAMS:
	case AT_HISTOGRAM_PAIR:
	case AT_BUCKETS:
	case AT_BUCKET:
	case AT_WARNINGS:
	case AT_INFOS:
		return true;
	default:
		return false;
	}
}

static int
wrong(struct query_state *q)
{
	return err_set(q->err, ERR_INVALID, "not a Prometheus answer: byte %llu is not what %s holds",
	    (unsigned long long)jread_offset(&q->reader), places[place_of(q)].what);
}

/* A scalar that the grammar does not place: fine as a member we do not know, wrong where a container or a list's item should be. */
static int
stray(struct query_state *q)
{
	enum place place = place_of(q);

	if (is_array(place) || place == AT_METRIC || place == AT_TOP || steps[place][q->key].kind != 0)
		return wrong(q);
	return 0;
}

static int
object_or_array_begin(struct query_state *q, char kind)
{
	enum place place = place_of(q);
	const struct step *s = &steps[place][is_array(place) || place == AT_TOP ? KEY_ITEM : q->key];

	if (q->n_skipped > 0 || (s->kind == 0 && !is_array(place) && place != AT_METRIC)) {
		q->n_skipped++;
		return 0;
	}
	if (s->kind != kind || (place == AT_HISTOGRAM_PAIR && q->stack[q->depth].index != 1))
		return wrong(q);
	if (s->to == AT_SERIES && !series_build_begin(&q->build)) {
		q->stack[q->depth].index++;
		q->n_skipped++;
		return 0;
	}
	if (s->to == AT_HISTOGRAM)
		q->has_count = q->has_sum = false;
	q->has_result |= s->to == AT_RESULT;
	q->stack[q->depth].index++;
	q->depth++;
	q->stack[q->depth].place = s->to;
	q->stack[q->depth].index = 0;
	return 0;
}

static int
object_begin(void *arg)
{
	return object_or_array_begin(arg, '{');
}

static int
array_begin(void *arg)
{
	return object_or_array_begin(arg, '[');
}

static int
object_end(void *arg)
{
	struct query_state *q = arg;

	if (q->n_skipped > 0) {
		q->n_skipped--;
		return 0;
	}
	if (place_of(q) == AT_SERIES && !series_build_end(&q->build))
		return err_set(q->err, ERR_INVALID, "not a Prometheus answer: the series that ends at byte %llu has a label twice",
		    (unsigned long long)jread_offset(&q->reader));
	if (place_of(q) == AT_HISTOGRAM && !(q->has_count && q->has_sum))
		return wrong(q);
	q->depth--;
	return 0;
}

static int
array_end(void *arg)
{
	struct query_state *q = arg;
	enum place place = place_of(q);

	if (q->n_skipped > 0) {
		q->n_skipped--;
		return 0;
	}
	if (places[place].n_items > 0 && q->stack[q->depth].index != places[place].n_items)
		return wrong(q);
	if (place == AT_RESULT && q->is_scalar && q->stack[q->depth].index != 2)
		return wrong(q);
	if (place == AT_BUCKET)
		series_build_bucket(&q->build, &q->bucket);
	else if (place == AT_HISTOGRAM_PAIR)
		series_build_histogram(&q->build, q->t_ns, q->count, q->sum);
	q->depth--;
	return 0;
}

static int
key(void *arg, const char *text, size_t len)
{
	struct query_state *q = arg;
	int i;

	if (q->n_skipped > 0)
		return 0;
	if (place_of(q) == AT_METRIC) {
		series_build_label_name(&q->build, text, len);
		return 0;
	}
	q->key = KEY_OTHER;
	for (i = KEY_STATUS; i < N_KEYS; i++)
		if (key_names[i].len == len && memcmp(key_names[i].text, text, len) == 0)
			q->key = (enum key)i;
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Kept where it is a member that means something; the last of two counts. */
static int
keep_text(char **dst, const char *text, size_t len)
{
	free(*dst);
	*dst = xstrndup(text, len);
	return 0;
}

static int
keep_note(struct query_state *q, struct notes *notes, const char *text, size_t len)
{
	if (notes->n < NOTES_MAX)
		notes->v[notes->n++] = text_copy(&q->build.set->block.arena, text, len);
	else
		notes->n_more++;
	return 0;
}

static int
sample_value(struct query_state *q, const char *text, size_t len)
{
	double v;

	if (q->stack[q->depth].index++ != 1 || jread_double(text, len, &v) < 0)
		return wrong(q);
	series_build_sample(&q->build, q->t_ns, v);
	return 0;
}

static int
bucket_value(struct query_state *q, const char *text, size_t len)
{
	double *const dst[] = { NULL, &q->bucket.lo, &q->bucket.hi, &q->bucket.count };
	unsigned i = q->stack[q->depth].index++;

	if (i < 1 || i > 3 || jread_double(text, len, dst[i]) < 0)
		return wrong(q);
	return 0;
}

/* A scalar or a string is [time, "text"] in place of the list of series; which of them, resultType says, perhaps later. */
static int
scalar_value(struct query_state *q, const char *text, size_t len)
{
	if (q->stack[q->depth].index++ != 1 || !q->is_scalar)
		return wrong(q);
	q->has_scalar = jread_double(text, len, &q->scalar) == 0;
	q->text = text_copy(&q->build.set->block.arena, text, len);
	return 0;
}

static int
string(void *arg, const char *text, size_t len)
{
	struct query_state *q = arg;

	if (q->n_skipped > 0)
		return 0;
	switch (place_of(q)) {
	case AT_PAIR:
		return sample_value(q, text, len);
	case AT_METRIC:
		series_build_label_value(&q->build, text, len);
		return 0;
	case AT_BUCKET:
		return bucket_value(q, text, len);
	case AT_RESULT:
		return scalar_value(q, text, len);
	case AT_WARNINGS:
		return keep_note(q, &q->warnings, text, len);
	case AT_INFOS:
		return keep_note(q, &q->infos, text, len);
	default:
		break;
	}
	switch (q->key) {
	case KEY_STATUS:
		return place_of(q) == AT_ROOT ? keep_text(&q->status, text, len) : 0;
	case KEY_ERROR:
		return place_of(q) == AT_ROOT ? keep_text(&q->error, text, len) : 0;
	case KEY_ERROR_TYPE:
		return place_of(q) == AT_ROOT ? keep_text(&q->error_type, text, len) : 0;
	case KEY_RESULT_TYPE:
		return place_of(q) == AT_DATA ? keep_text(&q->result_type, text, len) : 0;
	case KEY_COUNT:
		q->has_count = place_of(q) == AT_HISTOGRAM && jread_double(text, len, &q->count) == 0;
		return 0;
	case KEY_SUM:
		q->has_sum = place_of(q) == AT_HISTOGRAM && jread_double(text, len, &q->sum) == 0;
		return 0;
	default:
		return stray(q);
	}
}

/* Numbers as JSON numbers are the times, and the kind of a bucket's boundaries; sample values are strings. */
static int
number(void *arg, const char *text, size_t len)
{
	struct query_state *q = arg;
	enum place place = place_of(q);
	unsigned *index = &q->stack[q->depth].index;

	if (q->n_skipped > 0)
		return 0;
	if (place == AT_BUCKET && *index == 0 && len == 1 && *text >= '0' && *text <= '3') {
		q->bucket.boundaries = *text - '0';
		(*index)++;
		return 0;
	}
	if (place == AT_PAIR || place == AT_HISTOGRAM_PAIR || place == AT_RESULT) {
		if (*index != 0 || prometheus_time(text, len, &q->t_ns) < 0)
			return wrong(q);
		q->t_ns = clock_within(q->t_ns);
		q->is_scalar |= place == AT_RESULT;
		(*index)++;
		return 0;
	}
	return stray(q);
}

static int
boolean(void *arg, bool value)
{
	struct query_state *q = arg;
	enum place place = place_of(q);

	if (q->n_skipped > 0)
		return 0;
	if (place == AT_ROOT && q->key == KEY_IS_PARTIAL)
		q->is_partial = value;
	return stray(q);
}

/* A member that is null is one that is not there. */
static int
null(void *arg)
{
	struct query_state *q = arg;
	enum place place = place_of(q);

	if (q->n_skipped > 0)
		return 0;
	return is_array(place) || place == AT_METRIC || place == AT_TOP ? wrong(q) : 0;
}

static const struct jread_ops reader_ops = {
	.object_begin = object_begin, .object_end = object_end, .array_begin = array_begin, .array_end = array_end,
	.key = key, .string = string, .number = number, .boolean = boolean, .null = null,
};

/* --- the decoder -------------------------------------------------------------------------------------------------- */

static int
query_begin(struct decoder *d)
{
	struct query_state *q = decoder_state(d);

	jread_init(&q->reader, &reader_ops, q, DEPTH_MAX, STRING_MAX);
	series_build_init(&q->build, decoder_ctx(d)->series_max);
	return 0;
}

static int
query_push(struct decoder *d, const char *bytes, size_t len, struct err *err)
{
	struct query_state *q = decoder_state(d);

	q->err = err;
	return jread_push(&q->reader, bytes, len, err);
}

static void
query_end(struct decoder *d)
{
	struct query_state *q = decoder_state(d);

	jread_done(&q->reader);
	series_build_done(&q->build);
	free(q->status);
	free(q->error_type);
	free(q->error);
	free(q->result_type);
}

/* The answer is whole JSON; is it one that says what we asked? */
static int
check(const struct query_state *q, enum series_type *ret_type, struct err *err)
{
	static const char *const types[] = { "vector", "matrix", "scalar", "string" };
	char shown[64];
	int i;

	if (str_eq(q->status, "error"))
		return prometheus_error(q->error_type, q->error == NULL ? "" : q->error, err);
	if (!str_eq(q->status, "success") || !q->has_result || q->result_type == NULL)
		return err_set(err, ERR_INVALID,
		    "not a Prometheus answer: expected status, data.resultType and data.result; check the source's url and type");
	for (i = 0; i < 4; i++)
		if (str_eq(q->result_type, types[i])) {
			*ret_type = (enum series_type)i;
			break;
		}
	if (i == 4)
		return err_set(err, ERR_UNSUPPORTED, "the answer is of type \"%s\", which is not one of PromQL's: does the source speak another language?",
		    str_escape_to(shown, sizeof shown, q->result_type));
	if ((i >= SERIES_SCALAR) != q->is_scalar || (q->is_scalar && q->text == NULL) || (i == SERIES_SCALAR && !q->has_scalar))
		return err_set(err, ERR_INVALID, "not a Prometheus answer: the result is not the %s that resultType says", types[i]);
	return 0;
}

static struct strings
settle_notes(struct arena *mem, struct notes *notes)
{
	const char **v;
	char more[64];

	if (notes->n_more > 0) {
		snprintf(more, sizeof more, "and %zu more", notes->n_more);
		notes->v[notes->n++] = arena_strdup(mem, more);
	}
	if (notes->n == 0)
		return (struct strings){ 0 };
	v = arena_alloc(mem, notes->n * sizeof *v);
	memcpy(v, notes->v, notes->n * sizeof *v);
	return (struct strings){ .n = notes->n, .v = v };
}

static int
query_finish(struct decoder *d, struct event_list *events, struct err *err)
{
	static const char partial[] = "partial answer: some storage nodes did not answer";
	struct query_state *q = decoder_state(d);
	const struct decode_ctx *ctx = decoder_ctx(d);
	enum series_type type = SERIES_VECTOR;
	struct series_set *set;
	struct arena *mem;
	int r;

	q->err = err;
	r = jread_finish(&q->reader, err);
	if (r == 0)
		r = check(q, &type, err);
	if (r < 0)
		return r;
	if (type == SERIES_SCALAR && series_build_begin(&q->build)) {
		series_build_sample(&q->build, q->t_ns, q->scalar);
		series_build_end(&q->build);
	}
	set = series_build_take(&q->build);
	mem = &set->block.arena;
	set->type = type;
	set->query = arena_strdup(mem, ctx->query);
	set->start_ns = ctx->start_ns;
	set->end_ns = ctx->end_ns;
	set->step_ns = ctx->step_ns;
	set->text = type == SERIES_STRING ? q->text : NULL;
	if (q->is_partial)
		q->warnings.v[q->warnings.n++] = partial;
	set->warnings = settle_notes(mem, &q->warnings);
	set->infos = settle_notes(mem, &q->infos);
	event_list_add(events, EVENT_SERIES, ctx->requested_ns, ctx->source, set);
	return 0;
}

const struct decoder_ops prometheus_query_decoder = {
	.name = "prometheus query", .size = sizeof(struct query_state),
	.begin = query_begin, .push = query_push, .finish = query_finish, .refuse = prometheus_refuse, .end = query_end,
};
