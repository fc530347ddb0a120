/*
 * Which reader for bulk answers? Each one reads a Prometheus answer from a file, keeps the labels
 * and adds up the samples.
 *
 * usage: bench_json [-n RUNS] FILE...
 *
 * Each run is a process of its own: time is wall time from open to result, memory its peak over
 * that of a run that only reads the bytes. Push readers get 16 KiB at a time, as libcurl hands
 * them over. All must find the same samples and labels, or the exit code is 1.
 */
#include "config.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#ifdef HAVE_YAJL
#include <yajl/yajl_parse.h>
#endif

#include "base/arena.h"
#include "base/jread.h"

enum { CHUNK = 16 << 10, RUNS_MAX = 99, DEPTH_LABELS = 5, STRING_MAX = 1 << 20 };

struct result {
	double sum;		/* of finite samples */
	uint64_t samples;
	uint64_t label_bytes;	/* of values kept */
	double seconds;
	long rss_kb;
};

/* What is made of the events; the same for every reader that has events. */
struct consumer {
	struct result *out;
	struct arena labels;
	const char *kept;		/* the last name or value of a label */
	unsigned depth;
	bool in_array[64];
	int (*convert)(const char *text, size_t len, double *ret_value);	/* NULL: only hear of it */
};

typedef int parse_fn(const char *path, struct result *out);

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
count_sample(struct result *out, double v)
{
	out->samples++;
	if (isfinite(v))
		out->sum += v;
}

/* --- consumer --- */

static int
on_begin(struct consumer *c, bool is_array)
{
	if (++c->depth >= sizeof c->in_array)
		return -1;
	c->in_array[c->depth] = is_array;
	return 0;
}

static int
on_object_begin(void *arg)
{
	return on_begin(arg, false);
}

static int
on_array_begin(void *arg)
{
	return on_begin(arg, true);
}

static int
on_end(void *arg)
{
	struct consumer *c = arg;

	c->depth--;
	return 0;
}

static int
on_string(void *arg, const char *text, size_t len)
{
	struct consumer *c = arg;
	double v;

	if (c->convert == NULL)
		return 0;
	if (c->in_array[c->depth]) {
		if (c->convert(text, len, &v) < 0)
			return -1;
		count_sample(c->out, v);
	} else if (c->depth == DEPTH_LABELS) {
		c->kept = arena_strndup(&c->labels, text, len);
		c->out->label_bytes += len;
	}
	return 0;
}

static int
on_key(void *arg, const char *text, size_t len)
{
	struct consumer *c = arg;

	if (c->convert != NULL && c->depth == DEPTH_LABELS)
		c->kept = arena_strndup(&c->labels, text, len);
	return 0;
}

static int
on_number(void *arg, const char *text, size_t len)
{
	struct consumer *c = arg;
	double v;

	return c->convert != NULL ? c->convert(text, len, &v) : 0;
}

static int
convert_strtod(const char *text, size_t len, double *ret_value)
{
	char copy[512], *end;

	if (len >= sizeof copy)
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*ret_value = strtod(copy, &end);
	return end == copy + len ? 0 : -1;
}

/* --- readers --- */

/* Hand over a file in chunks; what push returns below 0 ends it. */
static int
feed(const char *path, int (*push)(void *arg, const char *bytes, size_t len), void *arg)
{
	static char chunk[CHUNK];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while (r >= 0 && (n = read(fd, chunk, sizeof chunk)) != 0)
		r = n < 0 ? -1 : push(arg, chunk, (size_t)n);
	close(fd);
	return r;
}

static int
push_nothing(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
	return 0;
}

static int
parse_nothing(const char *path, struct result *out)
{
	(void)out;
	return feed(path, push_nothing, NULL);
}

static int
push_jread(void *arg, const char *bytes, size_t len)
{
	return jread_push(arg, bytes, len, NULL);
}

static int
parse_jread_with(const char *path, struct result *out, int (*convert)(const char *, size_t, double *))
{
	static const struct jread_ops ops = {
		.object_begin = on_object_begin, .object_end = on_end, .array_begin = on_array_begin, .array_end = on_end,
		.key = on_key, .string = on_string, .number = on_number,
	};
	struct consumer c = { .out = out, .convert = convert };
	struct jread r;
	int rc;

	jread_init(&r, &ops, &c, 32, STRING_MAX);
	rc = feed(path, push_jread, &r);
	if (rc >= 0)
		rc = jread_finish(&r, NULL);
	jread_done(&r);
	arena_done(&c.labels);
	return rc;
}

static int
parse_jread(const char *path, struct result *out)
{
	return parse_jread_with(path, out, jread_double);
}

static int
parse_jread_events(const char *path, struct result *out)
{
	return parse_jread_with(path, out, NULL);
}

#ifdef HAVE_YAJL
static int
yajl_object_begin(void *arg)
{
	return on_begin(arg, false) == 0;
}

static int
yajl_array_begin(void *arg)
{
	return on_begin(arg, true) == 0;
}

static int
yajl_end(void *arg)
{
	return on_end(arg) == 0;
}

static int
yajl_key(void *arg, const unsigned char *text, size_t len)
{
	return on_key(arg, (const char *)text, len) == 0;
}

static int
yajl_string(void *arg, const unsigned char *text, size_t len)
{
	return on_string(arg, (const char *)text, len) == 0;
}

static int
yajl_number(void *arg, const char *text, size_t len)
{
	return on_number(arg, text, len) == 0;
}

static int
push_yajl(void *arg, const char *bytes, size_t len)
{
	return yajl_parse(arg, (const unsigned char *)bytes, len) == yajl_status_ok ? 0 : -1;
}

static int
parse_yajl_with(const char *path, struct result *out, int (*convert)(const char *, size_t, double *))
{
	static const yajl_callbacks callbacks = {
		.yajl_start_map = yajl_object_begin, .yajl_end_map = yajl_end, .yajl_start_array = yajl_array_begin,
		.yajl_end_array = yajl_end, .yajl_map_key = yajl_key, .yajl_string = yajl_string, .yajl_number = yajl_number,
	};
	struct consumer c = { .out = out, .convert = convert };
	yajl_handle h = yajl_alloc(&callbacks, NULL, &c);
	int rc;

	rc = feed(path, push_yajl, h);
	if (rc >= 0 && yajl_complete_parse(h) != yajl_status_ok)
		rc = -1;
	yajl_free(h);
	arena_done(&c.labels);
	return rc;
}

static int
parse_yajl(const char *path, struct result *out)
{
	return parse_yajl_with(path, out, convert_strtod);
}

static int
parse_yajl_fast(const char *path, struct result *out)
{
	return parse_yajl_with(path, out, jread_double);
}

static int
parse_yajl_events(const char *path, struct result *out)
{
	return parse_yajl_with(path, out, NULL);
}
#endif

static void
walk_sample(const json_t *pair, struct result *out)
{
	double v;
	const json_t *text = json_array_get(pair, 1);

	if (convert_strtod(json_string_value(text), json_string_length(text), &v) == 0)
		count_sample(out, v);
}

static int
parse_jansson(const char *path, struct result *out)
{
	json_t *root = json_load_file(path, 0, NULL), *series, *pair, *label;
	const char *name;
	size_t i, k;

	if (root == NULL)
		return -1;
	json_array_foreach(json_object_get(json_object_get(root, "data"), "result"), i, series) {
		json_object_foreach(json_object_get(series, "metric"), name, label)
			out->label_bytes += json_string_length(label);
		if ((pair = json_object_get(series, "value")) != NULL)
			walk_sample(pair, out);
		json_array_foreach(json_object_get(series, "values"), k, pair)
			walk_sample(pair, out);
	}
	json_decref(root);
	return 0;
}

static int
parse_jq(const char *path, struct result *out)
{
	static const char program[] =
	    "[.data.result[]|.metric|add|utf8bytelength] as $labels"
	    "|[.data.result[]|if .values then .values[] else .value end|.[1]] as $all"
	    "|[$all[]|select(. != \"NaN\" and . != \"+Inf\")|tonumber] as $finite"
	    "|\"\\($finite|add) \\($all|length) \\($labels|add)\"";
	char line[256];
	int pipes[2], status;
	FILE *from;
	pid_t pid;
	bool is_read;

	if (pipe(pipes) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		execlp("jq", "jq", "-r", program, path, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	from = fdopen(pipes[0], "r");
	is_read = from != NULL && fgets(line, sizeof line, from) != NULL;
	if (from != NULL)
		fclose(from);
	waitpid(pid, &status, 0);
	if (!is_read || status != 0)
		return -1;
	return sscanf(line, "%lf %lu %lu", &out->sum, &out->samples, &out->label_bytes) == 3 ? 0 : -1;
}

static const struct reader {
	const char *name;
	parse_fn *parse;
	bool is_partial;	/* has no result to compare */
} readers[] = {
	{ "(bytes only)", parse_nothing, true },
	{ "jread", parse_jread, false },
#ifdef HAVE_YAJL
	{ "yajl, strtod", parse_yajl, false },
	{ "yajl, jread_double", parse_yajl_fast, false },
#endif
	{ "jansson", parse_jansson, false },
	{ "jq", parse_jq, false },
	{ "jread, events only", parse_jread_events, true },
#ifdef HAVE_YAJL
	{ "yajl, events only", parse_yajl_events, true },
#endif
};

/* --- measuring --- */

/* One run in a process of its own. 0, or -1 when the reader failed. */
static int
run_once(const struct reader *reader, const char *path, struct result *ret_result)
{
	struct rusage self, children;
	struct result out = { 0 };
	int pipes[2], status, n;
	double began;
	pid_t pid;

	fflush(stdout);
	if (pipe(pipes) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		began = now_s();
		if (reader->parse(path, &out) < 0)
			_exit(1);
		out.seconds = now_s() - began;
		getrusage(RUSAGE_SELF, &self);
		getrusage(RUSAGE_CHILDREN, &children);
		out.rss_kb = self.ru_maxrss > children.ru_maxrss ? self.ru_maxrss : children.ru_maxrss;
		_exit(write(pipes[1], &out, sizeof out) == (ssize_t)sizeof out ? 0 : 1);
	}
	close(pipes[1]);
	n = (int)read(pipes[0], ret_result, sizeof *ret_result);
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return n == (int)sizeof *ret_result && status == 0 ? 0 : -1;
}

static int
compare_seconds(const void *a, const void *b)
{
	double x = ((const struct result *)a)->seconds, y = ((const struct result *)b)->seconds;

	return (x > y) - (x < y);
}

static int
run_median(const struct reader *reader, const char *path, int runs, struct result *ret_result)
{
	struct result results[RUNS_MAX];
	int i;

	for (i = 0; i < runs; i++)
		if (run_once(reader, path, &results[i]) < 0)
			return -1;
	qsort(results, (size_t)runs, sizeof results[0], compare_seconds);
	*ret_result = results[runs / 2];
	return 0;
}

static bool
is_same(const struct result *a, const struct result *b)
{
	return a->samples == b->samples && a->label_bytes == b->label_bytes &&
	    fabs(a->sum - b->sum) <= 1e-9 * fabs(a->sum);
}

static bool
bench_file(const char *path, int runs)
{
	struct result floor = { 0 }, first = { 0 }, one;
	double megabytes;
	bool is_ok = true, is_different;
	size_t i;
	FILE *f;

	f = fopen(path, "r");
	if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
		perror(path);
		return false;
	}
	megabytes = (double)ftell(f) / 1e6;
	fclose(f);
	printf("%s, %.1f MB, median of %d\n", path, megabytes, runs);
	printf("%-20s %10s %8s %8s %10s\n", "", "ms", "MB/s", "x jread", "MiB more");
	for (i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		if (run_median(&readers[i], path, runs, &one) < 0) {
			printf("%-20s failed\n", readers[i].name);
			is_ok = false;
			continue;
		}
		if (i == 0)
			floor = one;
		if (i == 1)
			first = one;
		is_different = !readers[i].is_partial && !is_same(&one, &first);
		is_ok &= !is_different;
		printf("%-20s %10.2f %8.0f %8.2f %10.1f%s\n", readers[i].name, one.seconds * 1e3,
		    megabytes / one.seconds, i == 0 ? 0 : one.seconds / first.seconds,
		    (double)(one.rss_kb - floor.rss_kb) / 1024, is_different ? "  differs" : "");
	}
	return is_ok;
}

int
main(int argc, char **argv)
{
	int runs = 5, opt, i;
	bool is_ok = true;

	while ((opt = getopt(argc, argv, "n:")) != -1) {
		runs = opt == 'n' ? atoi(optarg) : 0;
		if (runs < 1 || runs > RUNS_MAX) {
			fprintf(stderr, "usage: %s [-n RUNS] FILE... (1 to %d runs)\n", argv[0], RUNS_MAX);
			return 2;
		}
	}
	for (i = optind; i < argc; i++)
		is_ok &= bench_file(argv[i], runs);
	return is_ok ? 0 : 1;
}
