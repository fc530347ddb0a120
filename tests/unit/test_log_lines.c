/* Lines of logs in the model: order, repeats, late ones, budget, memory, the past, JSON. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "model/snapshot.h"
#include "tests/unit/feed.h"
#include "tests/unit/log_world.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define L(t, s) { .time_ns = (t), .text = (s) }

/* All lines held, checked to be in order; free(). Returns how many. */
static size_t
all_lines(const struct model *m, struct log_ref **ret)
{
	size_t n = 0, segments = model_n_log_segments(m);
	const struct log_totals *totals = model_log_totals(m);
	struct log_ref *v = calloc(totals->n + 1, sizeof *v);
	int64_t last_ns = INT64_MIN;

	for (size_t i = 0; i < segments; i++) {
		const struct log_segment *s = model_log_segment(m, i);

		assert_true(log_segment_n(s) > 0);
		for (size_t j = 0; j < log_segment_n(s); j++) {
			assert_true(n < totals->n);
			log_segment_line(s, j, &v[n]);
			assert_true(v[n].time_ns >= last_ns);
			assert_int_equal(v[n].text[v[n].len], '\0');
			last_ns = v[n++].time_ns;
		}
		assert_true(log_segment_last(s) == last_ns);
	}
	assert_int_equal(n, totals->n);
	*ret = v;
	return n;
}

static void
assert_texts(const struct model *m, const char *expected)
{
	struct log_ref *v;
	size_t n = all_lines(m, &v);
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : " ", v[i].text);
	assert_string_equal(b.data, expected);
	buf_done(&b);
	free(v);
}

/* --- order, repeats --------------------------------------------------------------------------------------------------------- */

static void
sources_are_merged_in_time_order(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	tell(m, T(10), "loki", (struct batch_line[]){ L(T(1), "a"), L(T(3), "c"), L(T(5), "e") }, 3);
	assert_texts(m, "a c e");
	tell(m, T(11), "journal", (struct batch_line[]){ L(T(4), "d"), L(T(2), "b"), L(T(6), "f") }, 3);
	assert_texts(m, "a b c d e f");
	/* History of another source is not late, whatever is newer. */
	assert_int_equal(model_log_totals(m)->n_late, 0);
	tell(m, T(12), "loki", (struct batch_line[]){ L(T(0), "z") }, 1);
	assert_int_equal(model_log_totals(m)->n_late, 0);
	tell(m, T(12), "loki", (struct batch_line[]){ L(T(2), "late") }, 1);
	assert_int_equal(model_log_totals(m)->n_late, 1);
	assert_texts(m, "z a b late c d e f");
	assert_true(model_changes(m) & MODEL_LOGS);
	model_free(m);
}

static void
a_page_newest_first_keeps_lines_of_one_time_as_written(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	tell(m, T(10), "loki", (struct batch_line[]){ L(T(2), "d"), L(T(1), "c"), L(T(1), "b"), L(T(0), "a") }, 4);
	assert_texts(m, "a b c d");
	model_free(m);
}

static void
repeats_are_dropped_and_counted(void **state)
{
	static const struct batch_line twice[] = { L(T(1), "same"), L(T(1), "same"), L(T(1), "other") };
	struct model *m = model_new(0, 0);

	(void)state;
	tell(m, T(10), "loki", twice, 3);
	/* True duplicates inside one answer stay, the same answer again adds nothing. */
	assert_texts(m, "same same other");
	tell(m, T(11), "loki", twice, 3);
	assert_texts(m, "same same other");
	assert_int_equal(model_log_totals(m)->n_repeats, 3);
	/* One more than was told before is one more. */
	tell(m, T(12), "loki", (struct batch_line[]){ L(T(1), "same"), L(T(1), "same"), L(T(1), "same") }, 3);
	assert_texts(m, "same same other same");
	assert_int_equal(model_log_totals(m)->n_repeats, 5);
	/* Of another source, stream or time it is another line. */
	tell(m, T(13), "es", (struct batch_line[]){ L(T(1), "same") }, 1);
	tell(m, T(13), "loki", (struct batch_line[]){ { .time_ns = T(1), .text = "same", .stream = 1 } }, 1);
	tell(m, T(13), "loki", (struct batch_line[]){ L(T(2), "same") }, 1);
	assert_texts(m, "same same other same same same same");
	assert_int_equal(model_log_totals(m)->n_repeats, 5);
	model_free(m);
}

static void
an_id_is_there_once(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	tell(m, T(10), "es", (struct batch_line[]){ { .time_ns = T(1), .text = "x", .id = "i/1" }, { .time_ns = T(1), .text = "x", .id = "i/2" }, { .time_ns = T(1), .text = "x", .id = "i/1" } }, 3);
	assert_texts(m, "x x");
	tell(m, T(10), "es", (struct batch_line[]){ { .time_ns = T(1), .text = "changed", .id = "i/2" }, { .time_ns = T(1), .text = "y", .id = "i/3" } }, 2);
	assert_texts(m, "x x y");
	assert_int_equal(model_log_totals(m)->n_repeats, 2);
	model_free(m);
}

static void
overlapping_answers_in_one_turn_are_told_apart(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	tell(m, T(10), "loki", (struct batch_line[]){ L(T(1), "a"), L(T(2), "b"), L(T(2), "b") }, 3);
	tell(m, T(10), "loki", (struct batch_line[]){ L(T(2), "b"), L(T(2), "b"), L(T(3), "c") }, 3);
	assert_texts(m, "a b b c");
	assert_int_equal(model_log_totals(m)->n_repeats, 2);
	model_free(m);
}

/* --- against a naive model ------------------------------------------------------------------------------------------------------ */

struct naive {
	int64_t time_ns;
	unsigned text, n;
};

static size_t
naive_add(struct naive *v, size_t n, const struct batch_line *batch, size_t n_batch, const unsigned *texts)
{
	for (size_t i = 0; i < n_batch; i++) {
		unsigned told = 0;
		size_t at = 0;

		for (size_t j = 0; j < n_batch; j++)
			told += batch[j].time_ns == batch[i].time_ns && texts[j] == texts[i];
		while (at < n && (v[at].time_ns != batch[i].time_ns || v[at].text != texts[i]))
			at++;
		if (at == n)
			v[n++] = (struct naive){ batch[i].time_ns, texts[i], 0 };
		if (v[at].n < told)
			v[at].n = told;
	}
	return n;
}

static int
naive_compare(const void *pa, const void *pb)
{
	const struct naive *a = pa, *b = pb;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return (a->text > b->text) - (a->text < b->text);
}

/* Few times and texts, so that repeats, late lines and lines of one time abound; small chunks, so that they are split and remade. */
static void
any_batches_give_what_a_naive_model_holds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct model *m = model_new(0, 0);
		uint64_t random = seed;
		struct naive naive[2000];
		size_t n_naive = 0, n_lines = 0, n;
		struct log_ref *v;

		model_log_limit(m, 64 << 20, 16 * (1 + log_random(&random) % 40) + 4000);
		for (int round = 0; round < 40; round++) {
			struct batch_line batch[40];
			unsigned texts[40];
			char names[40][8];
			size_t n_batch = 1 + log_random(&random) % 40;

			for (size_t i = 0; i < n_batch; i++) {
				texts[i] = log_random(&random) % 4;
				snprintf(names[i], sizeof names[i], "%u", texts[i]);
				batch[i] = (struct batch_line)L(T(round + (int)(log_random(&random) % 60)), names[i]);
			}
			tell(m, T(100 + round), "loki", batch, n_batch);
			n_naive = naive_add(naive, n_naive, batch, n_batch, texts);
			if (log_random(&random) % 3 == 0)
				model_n_log_segments(m);
		}
		qsort(naive, n_naive, sizeof naive[0], naive_compare);
		n = all_lines(m, &v);
		for (size_t i = 0; i < n_naive; i++) {
			unsigned found = 0;

			n_lines += naive[i].n;
			for (size_t j = 0; j < n; j++)
				found += v[j].time_ns == naive[i].time_ns && (unsigned)atoi(v[j].text) == naive[i].text;
			assert_int_equal(found, naive[i].n);
		}
		assert_int_equal(n, n_lines);
		free(v);
		model_free(m);
	}
}

/* --- many --------------------------------------------------------------------------------------------------------------------- */

static void
tell_many(struct model *m, size_t n, size_t each)
{
	struct batch_line *v = calloc(each, sizeof *v);
	char (*texts)[100] = calloc(each, sizeof *texts);
	uint64_t random = 7;

	for (size_t done = 0; done < n; done += each) {
		for (size_t i = 0; i < each; i++) {
			size_t len = log_text(texts[i], sizeof texts[i], &random);

			v[i] = (struct batch_line){ .time_ns = T0 + (int64_t)(done + i) * 1000000, .text = texts[i], .len = len, .level = LOG_LEVEL_INFO,
				.stream = (uint32_t)(i % LOG_WORLD_STREAMS) };
		}
		tell(m, T(0), "loki", v, each);
	}
	free(texts);
	free(v);
}

static void
a_million_lines_take_little_more_than_their_text(void **state)
{
	struct model *m = model_new(0, 0);
	const struct log_totals *t;
	struct log_ref *v;
	size_t n;

	(void)state;
	tell_many(m, 1000000, 5000);
	t = model_log_totals(m);
	n = all_lines(m, &v);
	assert_int_equal(n, 1000000);
	assert_int_equal(t->n_dropped + t->n_repeats + t->n_late, 0);
	assert_int_equal(t->text_bytes, 93000000);
	assert_true((double)t->bytes <= 1.3 * (double)t->text_bytes);
	assert_true(t->first_ns == T0 && t->last_ns == T0 + INT64_C(999999) * 1000000);
	free(v);
	model_free(m);
}

static void
the_oldest_go_beyond_the_budget_and_are_counted(void **state)
{
	struct model *m = model_new(0, 0);
	const struct log_totals *t;
	struct log_ref *v;
	size_t n;

	(void)state;
	model_log_limit(m, 0, 10000);
	tell_many(m, 50000, 700);
	t = model_log_totals(m);
	n = all_lines(m, &v);
	assert_true(n <= 10000 && n >= 10000 - 2 * 10000 / 16);
	assert_int_equal(t->n_dropped + n, (50000 + 699) / 700 * 700);
	assert_true(t->first_ns == T0 + (int64_t)t->n_dropped * 1000000);
	assert_true(t->whole_since_ns > t->first_ns - 1000000 && t->whole_since_ns <= t->first_ns);
	free(v);
	/* By bytes: a smaller limit takes hold at once. */
	model_log_limit(m, 200000, 10000);
	t = model_log_totals(m);
	assert_true(t->n > 0 && t->n < n);
	model_free(m);
}

/* What lines have beside their text counts as well, and a chunk of many such lines is no larger than others. */
static void
large_fields_are_within_the_budget(void **state)
{
	enum { LIMIT = 4 << 20, SIZE = 10000 };
	struct model *m = model_new(0, 0);
	char *fields = malloc(SIZE + 1);
	const struct log_totals *t;

	(void)state;
	memset(fields, 'x', SIZE);
	fields[SIZE] = '\0';
	model_log_limit(m, LIMIT, 100000);
	for (int i = 0; i < 3000; i++) {
		tell(m, T0 + i, "es", (struct batch_line[]){ { .time_ns = T0 + i, .text = "a", .fields = fields } }, 1);
		if (i % 100 == 0)
			assert_true(model_log_totals(m)->bytes <= LIMIT + LIMIT / 8);
	}
	t = model_log_totals(m);
	assert_true(t->bytes <= LIMIT + LIMIT / 8);
	if (t->n < 100 || t->n_dropped + t->n != 3000)
		fail_msg("%zu lines, %llu dropped, %zu bytes", t->n, (unsigned long long)t->n_dropped, t->bytes);
	free(fields);
	model_free(m);
}

/* A snapshot is written down often: what lines have beside their text counts as well. */
static void
a_snapshot_takes_no_more_than_its_share(void **state)
{
	enum { SIZE = 100000 };
	struct model *m = model_new(0, 0);
	char *fields = malloc(SIZE + 1);
	struct event_list events = { 0 };
	size_t n = 0, bytes = 0;

	(void)state;
	memset(fields, 'x', SIZE);
	fields[SIZE] = '\0';
	for (int i = 0; i < 100; i++)
		tell(m, T0 + i, "es", (struct batch_line[]){ { .time_ns = T0 + i, .text = "a", .fields = fields } }, 1);
	model_snapshot(m, false, &events);
	for (size_t i = 0; i < events.n; i++) {
		if (events.v[i].kind != EVENT_LOG_LINES)
			continue;
		n += ((const struct log_batch *)events.v[i].block)->n;
		bytes += block_bytes(events.v[i].block);
	}
	assert_true(n > 0 && bytes < 2 << 20);
	event_list_done(&events);
	free(fields);
	model_free(m);
}

/* --- hostile lines ---------------------------------------------------------------------------------------------------------------- */

static void
hostile_lines_are_kept_byte_by_byte(void **state)
{
	static const struct batch_line lines[] = {
		{ T(1), "\033[31mred\033]0;title\007", 0, 0, 0, NULL, NULL },
		{ T(2), "nul\0inside", 10, 0, 0, NULL, NULL },
		{ T(3), "\xff\xfe bad \xc3 utf-8 \xed\xa0\x80", 0, 0, 0, NULL, NULL },
		{ T(4), "forged\n2030-01-01T00:00:00Z ERROR not a line", 0, 0, 0, NULL, NULL },
		{ T(5), "\xe2\x80\xae" "bidi", 0, 0, 0, NULL, NULL },
	};
	struct model *m = model_new(0, 0);
	char *large = malloc(2 << 20);
	struct log_ref *v;
	size_t n;

	(void)state;
	memset(large, 'x', 2 << 20);
	tell(m, T(9), "loki", lines, COUNT(lines));
	tell(m, T(9), "loki", (struct batch_line[]){ { .time_ns = T(6), .text = large, .len = LOG_TEXT_MAX }, { .time_ns = T(7), .text = large, .len = 2 << 20 }, L(INT64_MAX, "far"), L(INT64_MIN, "early") }, 4);
	tell(m, T(9), "loki", (struct batch_line[]){ { .time_ns = T(8), .text = "of no stream", .stream = UINT32_MAX } }, 1);
	n = all_lines(m, &v);
	assert_int_equal(n, COUNT(lines) + 5);
	assert_string_equal(v[0].text, "early");
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_int_equal(v[i + 1].len, lines[i].len == 0 ? strlen(lines[i].text) : lines[i].len);
		assert_memory_equal(v[i + 1].text, lines[i].text, v[i + 1].len);
	}
	assert_int_equal(v[6].len, LOG_TEXT_MAX);
	assert_int_equal(v[7].len, LOG_TEXT_MAX);
	assert_int_equal(v[8].labels->n, 0);
	assert_string_equal(v[9].text, "far");
	free(v);
	free(large);
	model_free(m);
}

/* --- readers keep what they have ---------------------------------------------------------------------------------------------------- */

static void
a_segment_stays_as_it_was(void **state)
{
	struct model *m = model_new(0, 0);
	const struct log_segment *held;
	struct log_ref line;

	(void)state;
	tell(m, T(1), "loki", (struct batch_line[]){ L(T(1), "a"), L(T(3), "c") }, 2);
	assert_int_equal(model_n_log_segments(m), 1);
	held = block_ref(model_log_segment(m, 0));
	assert_ptr_equal(held, model_log_segment(m, 0));
	tell(m, T(1), "loki", (struct batch_line[]){ { .time_ns = T(4), .text = "d", .id = "7", .fields = "{}" } }, 1);
	assert_int_equal(model_n_log_segments(m), 1);
	assert_true(log_segment_extends(model_log_segment(m, 0), held));
	assert_int_equal(log_segment_n(held), 2);
	tell(m, T(1), "loki", (struct batch_line[]){ L(T(2), "b") }, 1);
	assert_texts(m, "a b c d");
	assert_false(log_segment_extends(model_log_segment(m, 0), held));
	assert_int_equal(log_segment_n(held), 2);
	log_segment_line(held, 1, &line);
	assert_string_equal(line.text, "c");
	assert_null(line.fields);
	model_free(m);
	log_segment_line(held, 0, &line);
	assert_string_equal(line.text, "a");
	block_unref(held);
}

static void
a_key_stays_when_the_line_is_moved(void **state)
{
	struct model *m = model_new(0, 0);
	struct log_ref *v;
	uint64_t a, b;

	(void)state;
	tell(m, T(1), "loki", (struct batch_line[]){ L(T(1), "a"), L(T(3), "b") }, 2);
	all_lines(m, &v);
	a = v[0].key;
	b = v[1].key;
	free(v);
	assert_true(a != b);
	tell(m, T(1), "loki", (struct batch_line[]){ L(T(2), "late"), L(T(0), "older") }, 2);
	all_lines(m, &v);
	assert_true(v[1].key == a && v[3].key == b);
	free(v);
	model_free(m);
}

static void
the_past_has_the_lines_up_to_it(void **state)
{
	struct model *m = model_new(0, 0);
	const struct model *past;

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	tell(m, T(5), "loki", (struct batch_line[]){ L(T(1), "a"), L(T(2), "b"), L(T(3), "c") }, 3);
	model_advance(m, T(10));
	past = model_at(m, T(2), NULL);
	assert_non_null(past);
	assert_texts(past, "a b");
	assert_texts(m, "a b c");
	past = model_at(m, T(4), NULL);
	assert_texts(past, "a b c");
	assert_int_equal(model_log_totals(m)->n, 3);
	model_free(m);
}

static void
notes_are_kept_newest_first_and_counted(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	for (int i = 0; i < 40; i++)
		feed(m, i, "{'event':'log-lines','source':'loki','note':'note %d'}", i);
	feed(m, 50, "{'event':'log-lines','source':'loki','note':'note 38','n_cut':2}");
	assert_int_equal(model_n_log_notices(m), 32);
	assert_string_equal(model_log_notice(m, 0)->text, "note 38");
	assert_int_equal(model_log_notice(m, 0)->n, 2);
	assert_true(model_log_notice(m, 0)->at_ns == T(50));
	assert_string_equal(model_log_notice(m, 1)->text, "note 39");
	assert_string_equal(model_log_notice(m, 31)->text, "note 8");
	assert_int_equal(model_log_totals(m)->n_cut, 2);
	model_free(m);
}

/* --- views -------------------------------------------------------------------------------------------------------------------------- */

static void
a_view_is_one_list(void **state)
{
	static const uint32_t lines[] = { 0, 2 };
	struct model *m = model_new(0, 0);
	struct log_view *v = log_view_new();
	struct log_part *parts = arena_alloc(&v->block.arena, 2 * sizeof *parts);
	struct log_ref one[] = { { .time_ns = T(1), .text = "a", .len = 1, .source = "s", .service = "" }, { .time_ns = T(2), .text = "b", .len = 1, .source = "s", .service = "" },
		{ .time_ns = T(3), .text = "c", .len = 1, .source = "s", .service = "" } };
	struct log_ref two[] = { { .time_ns = T(4), .text = "d", .len = 1, .source = "s", .service = "" }, { .time_ns = T(5), .text = "e", .len = 1, .source = "s", .service = "" } };
	const struct log_view *past;
	struct log_ref line;
	struct event ev;

	(void)state;
	parts[0] = (struct log_part){ .segment = log_segment_new(one, 3), .n = 2, .v = lines };
	parts[1] = (struct log_part){ .segment = log_segment_new(two, 2), .n = 2 };
	v->parts = parts;
	v->n_parts = 2;
	v->n = 4;
	log_view_line(v, 1, &line);
	assert_string_equal(line.text, "c");
	log_view_line(v, 3, &line);
	assert_string_equal(line.text, "e");
	assert_int_equal(log_view_find(v, T(0)), 0);
	assert_int_equal(log_view_find(v, T(2)), 1);
	assert_int_equal(log_view_find(v, T(4)), 2);
	assert_int_equal(log_view_find(v, T(6)), 4);
	feed_environment(m, FEED_SOURCES_ALL);
	tell(m, T(5), "s", (struct batch_line[]){ L(T(1), "a") }, 1);
	event_init(&ev, EVENT_LOG_VIEW, T(6), "", v);
	model_apply(m, &ev);
	event_done(&ev);
	model_advance(m, T(10));
	assert_ptr_equal(model_log_view(m), v);
	past = model_log_view(model_at(m, T(4), NULL));
	assert_int_equal(past->n, 3);
	log_view_line(past, 2, &line);
	assert_string_equal(line.text, "d");
	past = model_log_view(model_at(m, T(2), NULL));
	assert_int_equal(past->n, 1);
	model_free(m);
}

/* --- JSON --------------------------------------------------------------------------------------------------------------------------- */

static json_t *
load(const char *text)
{
	char *copy = strdup(text);
	json_error_t err;
	json_t *json;

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(copy, JSON_ALLOW_NUL, &err);
	if (json == NULL)
		fail_msg("%s at %d in %s", err.text, err.position, copy);
	free(copy);
	return json;
}

static void
what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *json, *word;
	} cases[] = {
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','lines':7}", "lines" },
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','lines':[[1,'a'],[1]]}", "lines[1]" },
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','lines':[['never','a']]}", "lines[0]" },
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','lines':[[1,'a','bad']]}", "level" },
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','streams':[{}],'lines':[[1,'a','info',1]]}", "stream" },
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','lines':[[1,'a','info',-1]]}", "stream" },
		{ "{'event':'log-lines','time':'2030-01-01T00:00:00Z','lines':[[1,'a','info',0,7]]}", "fields" },
		{ "{'event':'log-view','time':'2030-01-01T00:00:00Z','buckets':[[1,2,3,4,5,6,7,8]]}", "step_ns" },
		{ "{'event':'log-view','time':'2030-01-01T00:00:00Z','lines':[[1,'a','info','s','',[]]]}", "lines[0]" },
		{ "{'event':'log-patterns','time':'2030-01-01T00:00:00Z','patterns':[{'trend':[-1]}]}", "patterns[0]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *json = load(cases[i].json);
		struct err err = ERR_INIT;
		struct event ev;

		assert_int_equal(event_from_json(json, &ev, &err), ERR_INVALID);
		if (!str_contains(err.msg, cases[i].word))
			fail_msg("%s: %s", cases[i].json, err.msg);
		json_decref(json);
	}
}

static void
bytes_that_json_cannot_hold_are_written_visibly(void **state)
{
	struct event ev;
	json_t *json;

	(void)state;
	event_init(&ev, EVENT_LOG_LINES, T(0), "loki", batch_new((struct batch_line[]){ L(T(1), "\xff\n\xc3\xa9") }, 1));
	json = event_to_json(&ev);
	assert_string_equal(json_string_value(json_array_get(json_array_get(json_object_get(json, "lines"), 0), 1)), "\\xFF\n\xc3\xa9");
	json_decref(json);
	event_done(&ev);
}

/* --- levels -------------------------------------------------------------------------------------------------------------------------- */

static void
levels_are_found_and_guessed(void **state)
{
	static const struct {
		const char *text;
		enum line_level level;
	} cases[] = {
		{ "E0101 12:00:00.000000 1 main.go:7] boom", LOG_LEVEL_ERROR }, { "I1231 x", LOG_LEVEL_INFO }, { "2030-01-01 ERROR boom", LOG_LEVEL_ERROR },
		{ "level=warn msg=\"an ERROR\"", LOG_LEVEL_WARNING }, { "{\"msg\":\"x\",\"level\":\"fatal\"}", LOG_LEVEL_CRITICAL }, { "{\"level\": 30}", LOG_LEVEL_INFO },
		{ "[error] x", LOG_LEVEL_ERROR }, { "[W] x", LOG_LEVEL_WARNING }, { "error: no such file", LOG_LEVEL_ERROR }, { "no error was found", LOG_LEVEL_UNKNOWN },
		{ "GET /errors 200", LOG_LEVEL_UNKNOWN }, { "", LOG_LEVEL_UNKNOWN }, { "2030-01-01 00:00:00,123 - app - DEBUG - x", LOG_LEVEL_DEBUG },
		{ "severity=CRITICAL", LOG_LEVEL_CRITICAL }, { "sublevel=error", LOG_LEVEL_UNKNOWN }, { "WARNING: x", LOG_LEVEL_WARNING }, { "Ex", LOG_LEVEL_UNKNOWN },
		{ "level=", LOG_LEVEL_UNKNOWN }, { "level", LOG_LEVEL_UNKNOWN }, { "user=error name=x", LOG_LEVEL_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (log_level_guess(cases[i].text, strlen(cases[i].text)) != cases[i].level)
			fail_msg("%s: %s", cases[i].text, log_level_name(log_level_guess(cases[i].text, strlen(cases[i].text))));
	assert_int_equal(log_level_find("3", 1, true), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_find("3", 1, false), LOG_LEVEL_UNKNOWN);
	assert_int_equal(log_level_find("WARNING", 7, false), LOG_LEVEL_WARNING);
	assert_int_equal(log_level_find("warnings", 8, false), LOG_LEVEL_UNKNOWN);
	assert_int_equal(log_level_find("", 0, true), LOG_LEVEL_UNKNOWN);
	for (int i = 0; i < LOG_LEVELS; i++)
		assert_int_equal(strlen(log_level_short((enum line_level)i)), 4);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_merged_in_time_order),
		cmocka_unit_test(a_page_newest_first_keeps_lines_of_one_time_as_written),
		cmocka_unit_test(repeats_are_dropped_and_counted),
		cmocka_unit_test(an_id_is_there_once),
		cmocka_unit_test(overlapping_answers_in_one_turn_are_told_apart),
		cmocka_unit_test(any_batches_give_what_a_naive_model_holds),
		cmocka_unit_test(a_million_lines_take_little_more_than_their_text),
		cmocka_unit_test(the_oldest_go_beyond_the_budget_and_are_counted),
		cmocka_unit_test(large_fields_are_within_the_budget),
		cmocka_unit_test(a_snapshot_takes_no_more_than_its_share),
		cmocka_unit_test(hostile_lines_are_kept_byte_by_byte),
		cmocka_unit_test(a_segment_stays_as_it_was),
		cmocka_unit_test(a_key_stays_when_the_line_is_moved),
		cmocka_unit_test(the_past_has_the_lines_up_to_it),
		cmocka_unit_test(notes_are_kept_newest_first_and_counted),
		cmocka_unit_test(a_view_is_one_list),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(bytes_that_json_cannot_hold_are_written_visibly),
		cmocka_unit_test(levels_are_found_and_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
