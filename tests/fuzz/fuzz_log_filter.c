/*
 * A query on the first line, lines of a log on the others: what a segment lets through is what each line alone does; what is highlighted is inside the line; what a filter that
 * narrows another lets through, the other does too; what stores are asked for fits their quoting.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_filter.h"

enum { LINES_MAX = 24, QUERY_MAX = 200, LINE_MAX_BYTES = 300 };	/* so that one input takes no time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_runs(const struct log_filter *f, const struct log_segment *s, const struct log_filter *wider)
{
	size_t n = log_segment_n(s), costly = 0, at = 0;
	uint32_t found[LINES_MAX + 1];
	size_t some = log_filter_run(f, s, 0, n, found, &costly);

	for (size_t i = 0; i < n; i++) {
		struct log_ref line;
		size_t start, end;
		bool is_in = at < some && found[at] == i;

		at += is_in;
		log_segment_line(s, i, &line);
		if (costly == 0 && log_filter_line(f, &line) != is_in)
			die("a line alone is another thing");
		if (is_in && wider != NULL && !log_filter_line(wider, &line))
			die("it does not narrow");
		for (size_t from = 0; log_filter_find(f, line.text, line.len, from, &start, &end); from = end)
			if (start < from || end <= start || end > line.len)
				die("highlighted outside the line");
	}
	if (at != some)
		die("lines out of order");
}

static void
check_pushed(const struct log_filter *f)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	if (log_filter_logql(f, "{}", &b) == 0 && memchr(b.data, '\0', b.len) != NULL)
		die("NUL in a query");
	buf_reset(&b);
	if (log_filter_query_string(f, "", &b) == 0 && b.len == 0)
		die("an empty query");
	buf_reset(&b);
	log_filter_matches(f, "A=b", &b);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *newline = size == 0 ? NULL : memchr(p, '\n', size);
	size_t len = newline == NULL ? size : (size_t)(newline - p), n = 0;
	char *query = xstrndup(p, len < QUERY_MAX ? len : QUERY_MAX);
	struct log_ref lines[LINES_MAX];
	struct log_filter *f = NULL, *wider = NULL;
	struct err err = ERR_INIT;
	struct log_segment *s;
	int r = log_filter_new(query, &f, &err);

	if (r != err.code || (r < 0 && (!utf8_is_valid(err.msg, strlen(err.msg)) || strpbrk(err.msg, "\n\033") != NULL)))
		die("an error that cannot be shown");
	for (p = newline == NULL ? end : newline + 1; r == 0 && p < end && n < LINES_MAX; p += len + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		len = newline == NULL ? (size_t)(end - p) : (size_t)(newline - p);
		lines[n] = (struct log_ref){ .time_ns = (int64_t)n, .text = p, .len = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES, .source = "loki", .service = "web",
			.level = log_level_guess(p, len) };
		n++;
	}
	if (r == 0) {
		/* The query as it was before its last character was typed. */
		if (query[0] != '\0')
			query[strlen(query) - 1] = '\0';
		if (log_filter_new(query, &wider, NULL) == 0 && !log_filter_narrows(wider, f)) {
			log_filter_free(wider);
			wider = NULL;
		}
		s = log_segment_new(lines, n);
		check_runs(f, s, wider);
		check_pushed(f);
		block_unref(s);
	}
	log_filter_free(wider);
	log_filter_free(f);
	free(query);
	return 0;
}
