/* Reading recordings back: as it was live, at any time, in any order; and bytes that are not what a recorder writes. */
#include "config.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "record/chunk_read.h"
#include "record/range.h"
#include "tests/unit/record_world.h"

/* --- replay equals live ---------------------------------------------------------------------------------------------------------- */

enum { STATES = 80 };
struct states {
	size_t n;
	int64_t at[STATES];
	char *dump[STATES];
};

/* A recording of five minutes, pinned, and the live model's dump every few seconds. */
static void
record_states(struct world *w, struct states *st)
{
	st->n = 0;
	world_open(w);
	recorder_pin(w->recorder, "test");
	world_environment(w, 0);
	for (double s = 1; s < 300; s += 5) {
		world_round(w, s);
		/* also a while after the last event: what became stale then is stale in the replay, too */
		clock_freeze(T0 + (int64_t)((s + 2) * 1e9));
		model_advance(w->model, clock_now());
		st->at[st->n] = clock_now();
		st->dump[st->n++] = world_dump(w->model);
	}
	world_event(w, 301, "{'event':'note','text':'the end','by':'alice'}");
	world_at(w, 310);
}

static void
states_done(struct states *st)
{
	for (size_t i = 0; i < st->n; i++)
		free(st->dump[i]);
}

static void
expect_state(struct player *p, const struct states *st, size_t i)
{
	const char *why = "";
	const struct model *m = player_seek(p, st->at[i], &why);
	char *dump;

	if (m == NULL)
		fail_msg("state %zu: %s", i, why);
	assert_int_equal(player_time(p), st->at[i]);
	dump = world_dump(m);
	if (strcmp(dump, st->dump[i]) != 0) {
		world_write_file("/tmp/ops-record-live.txt", st->dump[i], strlen(st->dump[i]));
		world_write_file("/tmp/ops-record-replay.txt", dump, strlen(dump));
		fail_msg("state %zu differs: /tmp/ops-record-live.txt, /tmp/ops-record-replay.txt", i);
	}
	free(dump);
}

static void
test_replay_equals_live(void **state)
{
	struct world *w = *state;
	struct states st;
	struct recording *r;
	struct player *p;

	record_states(w, &st);
	r = world_read(w);
	p = player_new(r);
	for (size_t i = 0; i < st.n; i++)
		expect_state(p, &st, i);
	for (size_t i = st.n; i-- > 0; )
		expect_state(p, &st, i);
	for (size_t i = 0; i < 200; i++)
		expect_state(p, &st, i * 7919 % st.n);
	player_free(p);
	recording_free(r);
	world_close(w);
	r = world_read(w);
	p = player_new(r);
	for (size_t i = 0; i < 100; i++)
		expect_state(p, &st, i * 104729 % st.n);
	player_free(p);
	recording_free(r);
	states_done(&st);
}

/* --- steps, marks, mirrors --------------------------------------------------------------------------------------------------------- */

struct mirror {
	struct model *m;
	size_t n;
	int64_t last_ns;
};

static void
mirror_event(const struct event *ev, int64_t at_ns, void *arg)
{
	struct mirror *mirror = arg;

	assert_true(at_ns >= mirror->last_ns);
	mirror->last_ns = at_ns;
	model_advance(mirror->m, at_ns);
	model_apply(mirror->m, ev);
	mirror->n++;
}

/* Who steps from event to event and applies what is told has the same model at the end. */
static void
test_steps_and_mirror(void **state)
{
	struct world *w = *state;
	struct states st;
	struct mirror mirror = { .m = model_new(0, 0) };
	struct recording *r;
	struct recording_info info;
	struct player *p;
	const struct model *m = NULL;
	char *a, *b;
	size_t steps = 0;

	record_states(w, &st);
	world_close(w);
	r = world_read(w);
	recording_info(r, &info);
	p = player_new(r);
	player_on_event(p, mirror_event, &mirror);
	for (int64_t t = info.first_ns; t != INT64_MAX; t = player_next(p, t)) {
		m = player_seek(p, t, NULL);
		assert_non_null(m);
		steps++;
	}
	assert_true(mirror.n >= 60 * 4);
	assert_in_range(steps, 60 * 4, 60 * 5);
	a = world_dump(m);
	b = world_dump(mirror.m);
	assert_string_equal(a, b);
	assert_int_equal(player_next(p, info.last_ns), INT64_MAX);
	free(a);
	free(b);
	model_free(mirror.m);
	player_free(p);
	recording_free(r);
	states_done(&st);
}

/* What is told, each report's number of seconds: what ended a chunk between two steps, and chunks shorter than a step, are told, too. */
static void
keep_second(const struct event *ev, int64_t at_ns, void *arg)
{
	bool *told = arg;

	if (ev->kind == EVENT_SOURCE_REPORT)
		told[(at_ns - T0) / (100 * NS_PER_MS)] = true;
}

static void
test_mirror_in_large_steps(void **state)
{
	static const double seconds[] = { 1.5, 10.2, 10.3, 10.5, 10.6, 10.9, 20 };
	struct world *w = *state;
	bool told[1000] = { false };
	struct recording *r;
	struct player *p;

	world_open(w);
	world_environment(w, 0);
	for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
		world_event(w, seconds[i], "{'event':'source-report','source':'p1','what':'query:fp','ok':true,'latency_ns':%zu}", i + 1);
		if (seconds[i] == 10.3 || seconds[i] == 10.6) {	/* a chunk ends where nothing pins any more */
			recorder_pin(w->recorder, "x");
			recorder_unpin(w->recorder, "x");
		}
	}
	recorder_pin(w->recorder, "x");
	world_close(w);
	r = world_read(w);
	p = player_new(r);
	player_on_event(p, keep_second, told);
	for (int s = 0; s <= 20; s++)
		player_seek(p, T(s), NULL);
	for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
		if (!told[(size_t)(seconds[i] * 10 + 0.5)])
			fail_msg("what came at %g s was not told", seconds[i]);
	player_free(p);
	recording_free(r);
}

/* Each at its own time, told by the second. */
static void
tell_lines(struct world *w, int second)
{
	char text[4096];
	int used = snprintf(text, sizeof text, "{'event':'log-lines','source':'loki','want':'logs:app','streams':[{'labels':{'app':'web'},'service':'web'}],'lines':[");

	for (int i = 0; i < 20; i++)
		used += snprintf(text + used, sizeof text - (size_t)used, "%s[%lld,'line %d of second %d','info',0]", i > 0 ? "," : "",
		    (long long)(T(second) - 1000 + i), i, second);
	snprintf(text + used, sizeof text - (size_t)used, "]}");
	world_event(w, second, "%s", text);
}

/* A chunk's own snapshot has a thousand of them only. */
static void
test_lines_of_logs(void **state)
{
	static const int seeks[] = { 240, 30, 200, 205, 250, 70, 1 };
	struct world *w = *state;
	struct recording *r;
	struct player *p;

	world_open(w);
	world_environment(w, 0);
	for (int s = 1; s <= 250; s++)
		tell_lines(w, s);
	recorder_pin(w->recorder, "x");
	world_close(w);
	r = world_read(w);
	p = player_new(r);
	for (size_t i = 0; i < sizeof seeks / sizeof seeks[0]; i++) {
		const struct model *m = player_seek(p, T(seeks[i]), NULL);

		assert_non_null(m);
		/* All, or so many that no more were looked for. */
		assert_true(model_log_totals(m)->n == (size_t)seeks[i] * 20 || (model_log_totals(m)->n >= 2000 && seeks[i] > 100));
		assert_true(model_log_totals(m)->n <= (size_t)seeks[i] * 20);
	}
	player_seek(p, T(1), NULL);
	for (int s = 1; s <= 250; s += 7)	/* played */
		assert_int_equal(model_log_totals(player_seek(p, T(s), NULL))->n, s * 20);
	player_free(p);
	recording_free(r);
}

static void
test_timeline_of_the_whole(void **state)
{
	struct world *w = *state;
	const struct timeline_entry *entries;
	struct states st;
	struct recording *r;
	struct player *p;
	size_t n, notes = 0;

	record_states(w, &st);
	r = world_read(w);
	p = player_new(r);
	assert_non_null(player_seek(p, T(10), NULL));
	n = player_timeline(p, &entries);
	assert_int_equal(n, model_n_timeline(w->model));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(entries[i].text, model_timeline(w->model, i)->text);
		notes += entries[i].kind == TIMELINE_NOTE;
	}
	assert_int_equal(notes, 7);
	assert_int_equal(player_time(p), T(10));
	player_free(p);
	recording_free(r);
	states_done(&st);
}

static void
test_where_nothing_is_recorded(void **state)
{
	struct world *w = *state;
	const char *why = "";
	struct states st;
	struct recording *r;
	struct player *p;

	record_states(w, &st);
	r = world_read(w);
	p = player_new(r);
	assert_null(player_seek(p, T(-1), &why));
	assert_non_null(strstr(why, "before the recording"));
	assert_null(player_seek(p, T(5000), &why));
	assert_non_null(strstr(why, "after the recording"));
	expect_state(p, &st, 3);
	player_free(p);
	recording_free(r);
	states_done(&st);
}

/* --- as it grows --------------------------------------------------------------------------------------------------------------------- */

static void
test_follow(void **state)
{
	struct world *w = *state;
	struct recording *r;
	struct player *p;
	struct recording_info info;

	w->options.keep_ns = 2 * NS_PER_MIN;
	world_open(w);
	world_environment(w, 0);
	world_at(w, 1);
	r = world_read(w);
	p = player_new(r);
	assert_false(recording_refresh(r));
	for (double s = 2; s < 600; s += 5) {
		char *live, *shown;

		world_round(w, s);
		world_at(w, s + 2);
		model_advance(w->model, T(s) + 400 * NS_PER_MS);
		assert_true(recording_refresh(r));
		recording_info(r, &info);
		assert_true(info.last_ns >= T(s) + 290 * NS_PER_MS);
		assert_int_equal(info.problems.n, 0);
		assert_non_null(player_seek(p, info.last_ns, NULL));
		live = world_dump(w->model);
		shown = world_dump(player_seek(p, info.last_ns, NULL));
		assert_int_equal(strlen(live) > 100, true);
		assert_true(strstr(shown, "Always") != NULL);
		free(live);
		free(shown);
	}
	assert_true(info.first_ns > T(300));
	player_free(p);
	recording_free(r);
}

static void
test_find(void **state)
{
	struct world *w = *state;
	struct recording_found *v;
	size_t n;

	assert_int_equal(recordings_find(w->dir, NULL, &v, &n, NULL), 0);
	assert_int_equal(n, 0);
	recordings_free(v, n);
	for (int i = 0; i < 2; i++) {
		world_open(w);
		recorder_pin(w->recorder, "x");
		world_environment(w, i * 100);
		world_run(w, i * 100 + 1, i * 100 + 30);
		world_at(w, i * 100 + 31);
		if (i == 0)
			world_close(w);
	}
	assert_int_equal(recordings_find(w->dir, "test", &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].first_ns, T(0));
	assert_int_equal(v[1].first_ns, T(100));
	assert_string_equal(v[0].env, "test");
	assert_true(v[0].is_pinned && !v[0].is_live && v[1].is_live);
	recordings_free(v, n);
	assert_int_equal(recordings_find(w->dir, "other", &v, &n, NULL), 0);
	assert_int_equal(n, 0);
	recordings_free(v, n);
}

/* --- bytes that are not right --------------------------------------------------------------------------------------------------------- */

/* One closed chunk of a minute; its states. */
static char *
one_chunk(struct world *w, struct states *st, size_t *ret_len)
{
	char path[600], *bytes;

	st->n = 0;
	world_open(w);
	recorder_pin(w->recorder, "test");
	world_event(w, 0, "{'event':'environment','name':'test','title':'Test','sources':[]}");
	for (int s = 1; s <= 20; s++) {
		world_event(w, s, "{'event':'note','text':'note %d','by':'alice'}", s);
		st->at[st->n] = T(s);
		st->dump[st->n++] = world_dump(w->model);
		world_at(w, s + 0.95);
	}
	world_close(w);
	snprintf(path, sizeof path, "%s/000001.rec", world_recording(w));
	bytes = world_file(path, ret_len);
	return bytes;
}

/* Whatever is shown of it is what was live then. Returns how many of the states are shown. */
static size_t
expect_true_or_nothing(const char *path, const struct states *st, bool is_header_in_doubt)
{
	struct recording *r;
	struct player *p;
	struct err err = ERR_INIT;
	size_t n = 0;

	if (recording_open(path, &r, &err) < 0) {
		assert_true(err.msg[0] != '\0');
		return 0;
	}
	p = player_new(r);
	for (size_t i = 0; i < st->n; i++) {
		const char *why = "";
		const struct model *m = player_seek(p, st->at[i], &why);
		char *dump;

		if (m == NULL) {
			assert_true(why[0] != '\0');
			continue;
		}
		n++;
		if (is_header_in_doubt)
			continue;
		dump = world_dump(m);
		assert_string_equal(dump, st->dump[i]);
		free(dump);
	}
	player_free(p);
	recording_free(r);
	return n;
}

static void
test_every_byte_changed(void **state)
{
	struct world *w = *state;
	struct states st;
	char path[160], *bytes;
	size_t len, header;

	bytes = one_chunk(w, &st, &len);
	header = (size_t)((char *)memchr(bytes, '\n', len) - bytes) + 1;
	snprintf(path, sizeof path, "%s/one.rec", w->root);
	world_write_file(path, bytes, len);
	assert_int_equal(expect_true_or_nothing(path, &st, false), st.n);
	for (size_t i = 0; i < len - 256; i++) {
		char was = bytes[i];

		bytes[i] = (char)(was ^ (1 << i % 8));
		world_write_file(path, bytes, len);
		/* The header has no checksum of its own: the audit log's hash is what tells of it. */
		expect_true_or_nothing(path, &st, i < header);
		bytes[i] = was;
	}
	free(bytes);
	states_done(&st);
}

/* Cut anywhere, all is there up to the last flush before it. */
static void
test_every_cut(void **state)
{
	struct world *w = *state;
	struct states st;
	char path[160], *bytes;
	size_t len, before = 0, n = 0;

	bytes = one_chunk(w, &st, &len);
	snprintf(path, sizeof path, "%s/one.rec", w->root);
	for (size_t i = 0; i <= len; i++) {
		world_write_file(path, bytes, i);
		n = expect_true_or_nothing(path, &st, false);
		assert_true(n >= before);
		before = n;
	}
	assert_int_equal(n, st.n);
	free(bytes);
	states_done(&st);
}

static void
expect_refused(const char *path, int code, const char *said)
{
	struct recording *r;
	struct err err = ERR_INIT;

	assert_int_equal(recording_open(path, &r, &err), code);
	if (strstr(err.msg, said) == NULL)
		fail_msg("'%s' does not say '%s'", err.msg, said);
}

static void
test_not_a_recording(void **state)
{
	struct world *w = *state;
	char path[160];
	static const char newer[] = "{\"opsconsole\":\"recording\",\"format\":2,\"number\":1}\n";

	snprintf(path, sizeof path, "%s/x", w->root);
	expect_refused(path, ERR_NOTFOUND, "No such file");
	world_write_file(path, "hello\n", 6);
	expect_refused(path, ERR_SYNTAX, "not a recording");
	world_write_file(path, "", 0);
	expect_refused(path, ERR_SYNTAX, "not a recording");
	world_write_file(path, "{}\n", 3);
	expect_refused(path, ERR_SYNTAX, "header line");
	world_write_file(path, newer, sizeof newer - 1);
	expect_refused(path, ERR_INVALID, "format 2");
	expect_refused(w->root, ERR_SYNTAX, "without chunks");
	expect_refused("/dev/null", ERR_SYNTAX, "neither a folder nor a file");
}

static void
test_missing_and_damaged_chunks(void **state)
{
	struct world *w = *state;
	const struct recording_gap *gaps;
	const char *why = "";
	struct states st;
	struct recording *r;
	struct recording_info info;
	struct player *p;
	char path[600], *bytes, hex[65];
	size_t len;

	record_states(w, &st);
	world_close(w);
	snprintf(path, sizeof path, "%s/000002.rec", world_recording(w));
	unlink(path);
	snprintf(path, sizeof path, "%s/000004.rec", world_recording(w));
	bytes = world_file(path, &len);
	bytes[len / 2] ^= 1;
	world_write_file(path, bytes, len);
	free(bytes);
	r = world_read(w);
	p = player_new(r);
	expect_state(p, &st, 2);
	assert_null(player_seek(p, T(90), &why));
	assert_non_null(strstr(why, "missing"));
	expect_state(p, &st, 27);
	why = "";
	assert_null(player_seek(p, T(240), &why));
	assert_non_null(strstr(why, "000004.rec"));
	expect_state(p, &st, st.n - 1);
	expect_state(p, &st, 1);
	recording_info(r, &info);
	assert_int_equal(info.problems.n, 1);
	assert_non_null(strstr(info.problems.v[0], "000004.rec"));
	assert_int_equal(recording_gaps(r, &gaps), 2);
	assert_int_equal(recording_chunk(r, 0)->number, 1);
	assert_int_equal(recording_chunk_hash(r, 0, hex, NULL), 0);
	assert_string_equal(hex, w->told[0].sha256);
	assert_int_equal(recording_chunk_hash(r, 100, hex, NULL), ERR_NOTFOUND);
	player_free(p);
	recording_free(r);
	states_done(&st);
}

/* --- chunks made by hand ----------------------------------------------------------------------------------------------------------------- */

#define HEAD "{\"opsconsole\":\"recording\",\"format\":1,\"recording\":\"x\",\"env\":\"test\",\"user\":\"u\",\"host\":\"h\",\"version\":\"1\",\"number\":1," \
	"\"from\":\"2030-01-01T00:00:00Z\",\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"after\":\"start\"}\n"
#define MARK "{\"mark\":\"snapshot\",\"events\":1}\n"
#define ENVIRONMENT "{\"slot\":\"env\",\"is\":{\"event\":\"environment\",\"time\":\"2030-01-01T00:00:00Z\",\"source\":\"\",\"name\":\"test\"}}\n"

static void
make_chunk(const char *path, const char *text, size_t text_len, int window_log)
{
	size_t bound = ZSTD_compressBound(text_len) + 1024, len = strlen(HEAD);
	char *bytes = xmalloc(bound + len);
	ZSTD_CCtx *z = ZSTD_createCCtx();
	ZSTD_inBuffer in = { text, text_len, 0 };
	ZSTD_outBuffer out = { bytes, bound + len, len };

	memcpy(bytes, HEAD, len);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	if (window_log > 0)
		ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window_log);
	assert_int_equal(ZSTD_compressStream2(z, &out, &in, ZSTD_e_end), 0);
	world_write_file(path, bytes, out.pos);
	ZSTD_freeCCtx(z);
	free(bytes);
}

static const char *
problem_of(const char *path, int64_t t_ns)
{
	static char said[512];
	struct recording *r;
	struct recording_info info;
	struct player *p;
	const char *why = "";

	assert_int_equal(recording_open(path, &r, NULL), 0);
	p = player_new(r);
	player_seek(p, T0, &why);
	player_seek(p, t_ns, &why);
	recording_info(r, &info);
	snprintf(said, sizeof said, "%s", info.problems.n > 0 ? info.problems.v[0] : "");
	player_free(p);
	recording_free(r);
	return said;
}

static void
test_chunks_by_hand(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ ENVIRONMENT MARK, "" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"new\":1}\n{\"other\":2}\n", "" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"is\":{\"event\":\"of-the-future\",\"time\":\"2030-01-01T00:00:00Z\"}}\n"
		  "{\"at\":1893456002000000000,\"slot\":\"s\",\"again\":1893456002000000000}\n", "" },
		{ ENVIRONMENT, "snapshot is not whole" },
		{ "nonsense\n" MARK, "its snapshot is damaged" },
		{ "{\"slot\":\"env\",\"is\":{\"event\":\"environment\"}}\n" MARK, "its snapshot is damaged" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,nonsense\n", "line 3 of it is damaged" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"again\":1}\n", "was not said" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"base\":true}}\n", "continues one that is not there" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"query\":\"q\",\"step\":1,\"series\":[{\"of\":0}]}}\n",
		  "continues one that is not there" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"query\":\"q\",\"step\":0}}\n", "without a step" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"query\":\"q\",\"step\":9000000000000000000,\"series\":[{\"labels\":{},"
		  "\"runs\":[[4000000000000000000,1,2,3]]}]}}\n", "out of order" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"query\":\"q\",\"step\":1,\"series\":[{\"labels\":{},"
		  "\"runs\":[[5,1],[4,1]]}]}}\n", "out of order" },
		{ ENVIRONMENT MARK "{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"query\":\"q\",\"step\":1,\"series\":[{\"labels\":{\"a\":\"b\"},"
		  "\"runs\":[[5,1]]}]}}\n{\"at\":1893456001000000000,\"slot\":\"s\",\"range\":{\"base\":true,\"query\":\"q\",\"step\":1,\"series\":[{\"of\":0,"
		  "\"drop\":1,\"keep\":1}]}}\n", "keeps more than there was" },
	};
	struct world *w = *state;
	char path[160];

	snprintf(path, sizeof path, "%s/hand.rec", w->root);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *said;

		make_chunk(path, cases[i].text, strlen(cases[i].text), 0);
		said = problem_of(path, T(1));
		if (cases[i].problem[0] == '\0' ? said[0] != '\0' : strstr(said, cases[i].problem) == NULL)
			fail_msg("case %zu: '%s' and not '%s'", i, said, cases[i].problem);
	}
}

static void
test_ceilings(void **state)
{
	struct world *w = *state;
	size_t size = (size_t)96 << 20;
	char path[160], *text = xmalloc(size);

	snprintf(path, sizeof path, "%s/hand.rec", w->root);
	memset(text, ' ', size);
	memcpy(text, ENVIRONMENT MARK, strlen(ENVIRONMENT MARK));
	text[size - 1] = '\n';
	memcpy(text + strlen(ENVIRONMENT MARK), "{\"at\":1893456001000000000,", 26);
	make_chunk(path, text, size, 0);
	assert_non_null(strstr(problem_of(path, T(1)), "line of it is too long"));
	make_chunk(path, text, size, 26);
	assert_non_null(strstr(problem_of(path, T(1)), "window is larger"));
	free(text);
}

/* --- ranges -------------------------------------------------------------------------------------------------------------------------------- */

static double
any_value(unsigned n)
{
	static const double odd[] = { 0, -0.0, 1, -1, 1e300, 1e-300, 0.1, 1.0 / 3, NAN, INFINITY, -INFINITY, 1e15, 123456789012345678.0, 9007199254740993.0 };

	return n % 3 == 0 ? odd[n / 3 % (sizeof odd / sizeof *odd)] : sin(n) * 1000;
}

static unsigned
any(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static struct event
any_range(unsigned *seed, unsigned round)
{
	struct series_set *set = block_new(sizeof *set);
	struct arena *a = &set->block.arena;
	struct series *v;
	struct event ev;

	set->type = SERIES_MATRIX;
	set->query = "q";
	set->step_ns = 15;
	set->start_ns = 1000 + round * 15;
	set->end_ns = set->start_ns + 20 * 15;
	set->n = any(seed, 6);
	set->v = v = arena_alloc(a, 6 * sizeof *v);
	for (size_t i = 0; i < set->n; i++) {
		struct label *l = arena_alloc(a, 2 * sizeof *l);
		struct sample *s = arena_alloc(a, 20 * sizeof *s);

		l[0] = (struct label){ "a", arena_strndup(a, "xyz\"\\\t", 1 + any(seed, 6)) };
		l[1] = (struct label){ "n", arena_strndup(a, &"0123456789"[i + (any(seed, 8) == 0 ? 1 : 0)], 1) };
		v[i].labels = (struct labels){ 2, l };
		for (unsigned k = 0; k < 20; k++)
			if (any(seed, 10) > 0)
				s[v[i].n++] = (struct sample){ set->start_ns + k * 15 + (any(seed, 30) == 0 ? 1 : 0),
					any(seed, 20) == 0 ? any_value(any(seed, 100)) : any_value(round + k) };
		v[i].v = s;
	}
	event_init(&ev, EVENT_SERIES, 5000 + round, "p1", set);
	return ev;
}

static void
expect_same_event(const struct event *a, const struct event *b)
{
	json_t *x = event_to_json(a), *y = event_to_json(b);
	char *s = json_dumps(x, JSON_COMPACT | JSON_SORT_KEYS), *t = json_dumps(y, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(s, t);
	free(s);
	free(t);
	json_decref(x);
	json_decref(y);
}

static void
test_ranges_there_and_back(void **state)
{
	unsigned seed = 1;
	struct event before = { .source = "" };

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct event ev = any_range(&seed, i), back;
		const struct series_set *base = i % 50 == 0 ? NULL : before.block;
		uint64_t work = RECORD_WORK_MAX;
		struct err err = ERR_INIT;
		struct buf b;
		json_t *json;

		buf_init(&b, 1 << 20);
		assert_true(range_fits(&ev));
		range_write(&b, &ev, base);
		json = json_loadb(b.data, b.len, 0, NULL);
		assert_non_null(json);
		if (range_read(json, base, &work, &back, &err) < 0)
			fail_msg("%s: %s", err.msg, b.data);
		expect_same_event(&ev, &back);
		json_decref(json);
		buf_done(&b);
		event_done(&ev);
		event_done(&before);
		before = back;
	}
	event_done(&before);
}

/* A few bytes may say "all of that again": how much they unfold to has a ceiling. */
static void
test_unfolding_is_bounded(void **state)
{
	unsigned seed = 3;
	uint64_t work = 4000;
	struct event ev, back;
	struct buf b;
	json_t *json;
	int r, n = 0;

	(void)state;
	do
		ev = any_range(&seed, 1);
	while (((const struct series_set *)ev.block)->n == 0 && (event_done(&ev), true));
	buf_init(&b, 1 << 20);
	range_write(&b, &ev, ev.block);
	json = json_loadb(b.data, b.len, 0, NULL);
	while ((r = range_read(json, ev.block, &work, &back, NULL)) == 0) {
		event_done(&back);
		n++;
	}
	assert_int_equal(r, ERR_LIMIT);
	assert_in_range(n, 1, 20);
	json_decref(json);
	buf_done(&b);
	event_done(&ev);
}

/* --- formats that were ------------------------------------------------------------------------------------------------------------------------ */

/* A folder of format 1, recorded when that was new: each later version opens it. With GENERATE=DIR in the environment such a one is recorded there. */
static void
test_format_1(void **state)
{
	struct world *w = *state;
	const struct timeline_entry *entries;
	struct recording_info info;
	struct recording *r;
	struct player *p;
	const struct model *m;
	char *dump;

	if (getenv("GENERATE") != NULL) {
		w->options.dir = getenv("GENERATE");
		world_open(w);
		recorder_pin(w->recorder, "incident 20300101-0000-fixture");
		world_environment(w, 0);
		world_run(w, 1, 150);
		world_at(w, 155);
		return;
	}
	assert_int_equal(recording_open(SOURCE_DIR "/tests/fixtures/recordings/format-1", &r, NULL), 0);
	recording_info(r, &info);
	assert_string_equal(info.env, "test");
	assert_int_equal(info.problems.n, 0);
	assert_int_equal(info.n_chunks, 3);
	assert_int_equal(info.first_ns, T0);
	p = player_new(r);
	for (int64_t t = info.first_ns; t != INT64_MAX; t = player_next(p, t))
		assert_non_null(player_seek(p, t, NULL));
	m = player_seek(p, T(100), NULL);
	assert_non_null(m);
	dump = world_dump(m);
	assert_non_null(strstr(dump, "Always"));
	assert_non_null(model_query_find(m, "query:fp")->range);
	assert_int_equal(model_query_find(m, "query:fp")->range->n, 3);
	assert_true(player_timeline(p, &entries) > 3);
	free(dump);
	player_free(p);
	recording_free(r);
}

int
main(void)
{
#define T_(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T_(test_replay_equals_live),
		T_(test_steps_and_mirror),
		T_(test_mirror_in_large_steps),
		T_(test_lines_of_logs),
		T_(test_timeline_of_the_whole),
		T_(test_where_nothing_is_recorded),
		T_(test_follow),
		T_(test_find),
		T_(test_every_byte_changed),
		T_(test_every_cut),
		T_(test_not_a_recording),
		T_(test_missing_and_damaged_chunks),
		T_(test_chunks_by_hand),
		T_(test_ceilings),
		T_(test_ranges_there_and_back),
		T_(test_unfolding_is_bounded),
		T_(test_format_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
