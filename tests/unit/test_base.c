/* Buffers, arenas, clocks, errors and the debug log. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
buf_refuses_whole_what_does_not_fit(void **state)
{
	struct buf b;
	size_t len = 0;
	char *taken;

	(void)state;
	buf_init(&b, 8);
	assert_int_equal(buf_addstr(&b, "12345"), 0);
	assert_int_equal(buf_addstr(&b, "6789"), ERR_LIMIT);
	assert_string_equal(b.data, "12345");
	assert_true(b.is_over);
	assert_int_equal(buf_addch(&b, '6'), ERR_LIMIT);
	buf_reset(&b);
	assert_false(b.is_over);
	assert_int_equal(buf_printf(&b, "%s%d", "abcdefg", 1), 0);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(buf_printf(&b, "%d", 2), ERR_LIMIT);
	taken = buf_take(&b, &len);
	assert_int_equal(len, 8);
	assert_string_equal(taken, "abcdefg1");
	free(taken);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add(&b, "x\0y", 3), 0);
	assert_memory_equal(b.data, "x\0y", 4);
	assert_int_equal(buf_add(&b, "x", SIZE_MAX), ERR_LIMIT);
	buf_done(&b);
}

static void
buf_grows_to_its_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf_addch(&b, (char)('a' + i % 26)), 0);
	assert_int_equal(buf_addch(&b, 'x'), ERR_LIMIT);
	assert_int_equal(strlen(b.data), 100000);
	assert_int_equal(b.data[99999], 'a' + 99999 % 26);
	buf_done(&b);
}

static void
arena_keeps_everything_apart(void **state)
{
	struct arena a = ARENA_INIT;
	char *texts[500];
	uint64_t *numbers[500];
	char *large;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char text[32];

		snprintf(text, sizeof text, "text %zu", i);
		texts[i] = arena_strdup(&a, text);
		numbers[i] = arena_alloc(&a, sizeof *numbers[i]);
		assert_int_equal((uintptr_t)numbers[i] % _Alignof(max_align_t), 0);
		assert_int_equal(*numbers[i], 0);
		*numbers[i] = i;
	}
	large = arena_alloc(&a, 1 << 20);
	memset(large, 'x', 1 << 20);
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	for (size_t i = 0; i < COUNT(texts); i++) {
		char text[32];

		snprintf(text, sizeof text, "text %zu", i);
		assert_string_equal(texts[i], text);
		assert_int_equal(*numbers[i], i);
	}
	assert_true(a.bytes > 1 << 20);
	arena_done(&a);
	assert_int_equal(a.bytes, 0);
}

static void
clock_reads_and_writes_rfc3339(void **state)
{
	static const struct {
		const char *in;
		unsigned digits;
		const char *out;	/* NULL: refused */
	} cases[] = {
		{ "2030-01-01T00:05:00Z", 0, "2030-01-01T00:05:00Z" },
		{ "2030-01-01T00:05:00.123456789Z", 9, "2030-01-01T00:05:00.123456789Z" },
		{ "2026-11-22T01:42:54.50161408Z", 9, "2026-11-22T01:42:54.501614080Z" },
		{ "2030-01-01T00:05:00.9999999999Z", 9, "2030-01-01T00:05:00.999999999Z" },
		{ "2030-01-01T02:05:00+02:00", 0, "2030-01-01T00:05:00Z" },
		{ "2029-12-31T18:35:00-05:30", 0, "2030-01-01T00:05:00Z" },
		{ "1969-12-31T23:59:59.5Z", 1, "1969-12-31T23:59:59.5Z" },
		{ "2024-02-29T00:00:00Z", 0, "2024-02-29T00:00:00Z" },
		{ "2030-01-01T00:00:00z", 3, "2030-01-01T00:00:00.000Z" },
		{ "", 0, NULL }, { "2030", 0, NULL }, { "2030-13-01T00:00:00Z", 0, NULL }, { "2030-02-29T00:00:00Z", 0, NULL },
		{ "2100-02-29T00:00:00Z", 0, NULL }, { "2000-02-30T00:00:00Z", 0, NULL }, { "2000-02-29T00:00:00Z", 0, "2000-02-29T00:00:00Z" },
		{ "2030-01-32T00:00:00Z", 0, NULL },
		{ "2030-01-01T24:00:00Z", 0, NULL }, { "2030-01-01T00:00:00", 0, NULL }, { "2030-01-01T00:00:00.Z", 0, NULL },
		{ "2030-01-01T00:00:00Zx", 0, NULL }, { "2030-01-01T00:00:00+2:00", 0, NULL }, { " 2030-01-01T00:00:00Z", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;
		char text[CLOCK_TEXT_MAX];
		int64_t ns = 0;
		int r = clock_parse(cases[i].in, &ns, &err);

		assert_int_equal(r, cases[i].out == NULL ? ERR_SYNTAX : 0);
		if (r == 0)
			assert_string_equal(clock_format(text, ns, cases[i].digits), cases[i].out);
	}
}

static void
clock_clamps_what_is_out_of_reach(void **state)
{
	int64_t ns = 0;

	(void)state;
	assert_int_equal(clock_parse("0001-01-01T00:00:00Z", &ns, NULL), 0);
	assert_true(ns == INT64_MIN);
	assert_int_equal(clock_parse("9999-12-31T23:59:59Z", &ns, NULL), 0);
	assert_true(ns == INT64_MAX);
	assert_true(clock_within(INT64_MIN) == -CLOCK_FAR_NS && clock_within(INT64_MAX) == CLOCK_FAR_NS && clock_within(-1) == -1);
}

static void
clock_stands_when_frozen(void **state)
{
	(void)state;
	clock_freeze(1234 * NS_PER_S);
	clock_tick();
	assert_true(clock_now() == 1234 * NS_PER_S);
	assert_true(clock_mono() == 1234 * NS_PER_S);
	clock_freeze(0);
	assert_true(clock_now() > 1234 * NS_PER_S);
}

static void
durations_both_ways(void **state)
{
	static const struct {
		const char *in;
		int r;
		int64_t ns;
	} parse[] = {
		{ "500ms", 0, 500 * NS_PER_MS }, { "30s", 0, 30 * NS_PER_S }, { "1h30m", 0, 90 * NS_PER_MIN }, { "7d", 0, 168 * NS_PER_HOUR },
		{ "2w", 0, 336 * NS_PER_HOUR }, { "0s", 0, 0 }, { "5", ERR_SYNTAX, 0 }, { "", ERR_SYNTAX, 0 }, { "-5s", ERR_SYNTAX, 0 },
		{ "5 s", ERR_SYNTAX, 0 }, { "1.5h", ERR_SYNTAX, 0 }, { "300y", ERR_LIMIT, 0 }, { "99999999999999999999s", ERR_LIMIT, 0 },
	};
	static const struct {
		int64_t ns;
		const char *out;
	} format[] = {
		{ 0, "0s" }, { 41 * NS_PER_S, "41s" }, { 14 * NS_PER_MIN + 5 * NS_PER_S, "14m" }, { 6 * NS_PER_HOUR + 10 * NS_PER_MIN, "6h10m" },
		{ 12 * 24 * NS_PER_HOUR, "12d" }, { -90 * NS_PER_S, "-1m" }, { 2 * 24 * NS_PER_HOUR + NS_PER_HOUR, "2d01h" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(parse); i++) {
		int64_t ns = 0;

		assert_int_equal(duration_parse(parse[i].in, &ns, NULL), parse[i].r);
		assert_true(ns == parse[i].ns);
	}
	for (size_t i = 0; i < COUNT(format); i++) {
		char text[DURATION_TEXT_MAX];

		assert_string_equal(duration_format(text, format[i].ns), format[i].out);
	}
	{
		char text[DURATION_TEXT_MAX];

		assert_true(strlen(duration_format(text, INT64_MAX)) <= 8);
		assert_true(strlen(duration_format(text, INT64_MIN)) <= 8);
	}
}

static void
errors_are_one_sentence(void **state)
{
	struct err err = ERR_INIT;
	char large[2000];

	(void)state;
	assert_int_equal(err_set(&err, ERR_LIMIT, "too %s", "large"), ERR_LIMIT);
	err_prefix(&err, "file:%d", 7);
	assert_string_equal(err.msg, "file:7: too large");
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(err_set_errno(&err, ERR_IO, 2, "open x"), ERR_IO);
	assert_string_equal(err.msg, "open x: No such file or directory");
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	err_set(&err, ERR_IO, "%s", large);
	err_prefix(&err, "%s", large);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
	assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static char *
read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void
log_counts_repeats_and_keeps_to_a_line(void **state)
{
	char path[] = "/tmp/ops-log-XXXXXX", text[4096];
	int fd = mkstemp(path);
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	log_write(LOG_ERROR, "test", "goes nowhere");
	assert_int_equal(log_open(path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	for (int i = 0; i < 5; i++)
		log_write(LOG_INFO, "http", "answer %d\n\x1b[2J", 7);
	log_write(LOG_DEBUG, "http", "other");
	/* C1 (CSI), a bidi override, a byte that is not UTF-8; letters stay. */
	log_write(LOG_DEBUG, "http", "a\xc2\x9b" "2J b\xe2\x80\xae" "c \xff \xc3\xa9");
	log_close();
	log_write(LOG_ERROR, "test", "goes nowhere");
	read_file(path, text, sizeof text);
	unlink(path);
	assert_non_null(strstr(text, "Z info  http: answer 7??[2J\n"));
	assert_non_null(strstr(text, "log: 4 more like the line before\n"));
	assert_non_null(strstr(text, "debug http: other\n"));
	assert_non_null(strstr(text, "debug http: a??2J b???c ? \xc3\xa9\n"));
	assert_null(strstr(text, "nowhere"));
	assert_int_equal(log_open("/nonexistent/dir/log", &err), ERR_IO);
	assert_non_null(strstr(err.msg, "/nonexistent/dir/log"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_refuses_whole_what_does_not_fit),
		cmocka_unit_test(buf_grows_to_its_ceiling),
		cmocka_unit_test(arena_keeps_everything_apart),
		cmocka_unit_test(clock_reads_and_writes_rfc3339),
		cmocka_unit_test(clock_clamps_what_is_out_of_reach),
		cmocka_unit_test(clock_stands_when_frozen),
		cmocka_unit_test(durations_both_ways),
		cmocka_unit_test(errors_are_one_sentence),
		cmocka_unit_test(log_counts_repeats_and_keeps_to_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
