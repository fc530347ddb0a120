/*
 * One poll of a bulk answer, from nothing to values at hand: fetch over HTTP from loopback, parse, and (for us) apply to the model.
 *
 * usage: bench_poll [-n RUNS] SERVER DIR MEGABYTES...
 *        bench_poll --as CLIENT PORT KIND MEGABYTES     (itself: one run)
 *
 * SERVER is serve-bodies, DIR holds the bodies of gen-bodies. Each run is a program started afresh and timed until it has ended; CPU and
 * peak memory are the kernel's own accounts of it and its children. Rows take turns, so that other load on the
 * machine meets all of them. Each must find the same samples, or the exit code is 1.
 *
 * Our side goes through the console's own door: a config, sources that poll (alerts, rules, targets too), model_apply().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_env.h"
#include "model/model.h"
#include "source/source.h"

enum { RUNS_MAX = 99, WORKERS = 2, SERIES_DEFAULT = 20000, SERIES_ALL = 1000000 };
#define IN_FLIGHT_MAX (INT64_C(4) << 30)

struct found {
	double sum;		/* of finite samples */
	uint64_t n;		/* finite samples */
};

static void
count_sample(struct found *f, double v)
{
	if (!isfinite(v))
		return;
	f->n++;
	f->sum += v;
}

static int
tell(const struct found *f)
{
	return printf("%.17g %" PRIu64 "\n", f->sum, f->n) > 0 ? 0 : 1;
}

/* --- opsconsole ------------------------------------------------------------------------------------------------------ */

struct poll_run {
	struct loop *loop;
	struct model *model;
};

static void
on_event(const struct event *ev, void *arg)
{
	struct poll_run *run = arg;
	const struct source_report *report = ev->block;

	model_apply(run->model, ev);
	if (ev->kind != EVENT_SOURCE_REPORT || strcmp(report->what, "query:bench") != 0)
		return;
	if (!report->is_ok)
		fprintf(stderr, "bench_poll: %s\n", report->error);
	loop_stop(run->loop, report->is_ok ? 0 : 1);
}

static struct conf *
conf_for(const char *port, const char *megabytes, int series_max)
{
	struct err err = ERR_INIT;
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	char *text = xasprintf("apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n  - name: bench\n    sources:\n"
	    "      - { name: metrics, type: prometheus, url: 'http://127.0.0.1:%s/%s', timeout: 5m, body_max: 1GiB, series_max: %d }\n"
	    "    queries:\n      - { name: bench, expr: bench }\n", port, megabytes, series_max);

	if (conf_parse("bench", text, strlen(text), &conf, &problems, &err) < 0 || problems.n > 0) {
		fprintf(stderr, "bench_poll: %s\n", problems.n > 0 ? problems.v[0] : err.msg);
		exit(1);
	}
	free(text);
	return conf;
}

static void
apply_environment(struct model *m, const struct conf_environment *env)
{
	struct event ev;

	event_init(&ev, EVENT_ENVIRONMENT, clock_now(), "", conf_environment_block(env));
	model_apply(m, &ev);
	event_done(&ev);
}

static void
sum_set(const struct series_set *set, struct found *f)
{
	for (size_t i = 0; set != NULL && i < set->n; i++)
		for (size_t k = 0; k < set->v[i].n; k++)
			count_sample(f, set->v[i].v[k].v);
}

static int
poll_once(const struct conf *conf, bool is_matrix)
{
	const struct conf_environment *env = &conf->environments[0];
	struct query_want want = { .id = "query:bench", .source = "metrics", .expr = "bench" };
	struct err err = ERR_INIT;
	struct poll_run run = { 0 };
	struct found found = { 0 };
	struct sources *sources;
	struct pool *pool;
	const struct model_query *q;
	int status;

	if (is_matrix) {
		want.end_ns = clock_now();
		want.start_ns = want.end_ns - NS_PER_HOUR;
		want.step_ns = 15 * NS_PER_S;
	}
	if (loop_new(&run.loop, &err) < 0)
		goto fail;
	pool = pool_new(run.loop, WORKERS);
	run.model = model_new(0, 0);
	apply_environment(run.model, env);
	if (sources_new(run.loop, pool, env, IN_FLIGHT_MAX, on_event, &run, &sources, &err) < 0)
		goto fail;
	sources_want(sources, &want, 1);
	sources_start(sources);
	status = loop_run(run.loop);
	q = model_query_find(run.model, "query:bench");
	sum_set(is_matrix ? q->range : q->instant, &found);
	sources_free(sources);
	pool_free(pool);
	model_free(run.model);
	loop_free(run.loop);
	return status != 0 ? status : tell(&found);
fail:
	fprintf(stderr, "bench_poll: %s\n", err.msg);
	return 1;
}

static int
client_opsconsole(const char *port, const char *kind, const char *megabytes, int series_max)
{
	struct conf *conf = conf_for(port, megabytes, series_max);
	int status;

	clock_tick();
	status = poll_once(conf, strcmp(kind, "matrix") == 0);
	conf_free(conf);
	return status;
}

static int
client_all(const char *port, const char *kind, const char *megabytes)
{
	return client_opsconsole(port, kind, megabytes, SERIES_ALL);
}

static int
client_default(const char *port, const char *kind, const char *megabytes)
{
	return client_opsconsole(port, kind, megabytes, SERIES_DEFAULT);
}

/* --- the bare loop --------------------------------------------------------------------------------------------------- */

static char *
url_of(const char *port, const char *kind, const char *megabytes)
{
	return xasprintf("http://127.0.0.1:%s/%s/api/v1/%s", port, megabytes, strcmp(kind, "matrix") == 0 ? "query_range" : "query");
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	return buf_add(arg, bytes, size * n) < 0 ? 0 : size * n;
}

static void
walk_sample(const json_t *pair, struct found *f)
{
	const json_t *text = json_array_get(pair, 1);

	if (text != NULL)
		count_sample(f, strtod(json_string_value(text), NULL));
}

static int
client_jansson(const char *port, const char *kind, const char *megabytes)
{
	char *url = url_of(port, kind, megabytes);
	CURL *curl = curl_easy_init();
	struct found found = { 0 };
	json_t *root, *series, *pair;
	struct buf body;
	size_t i, k;
	int r;

	buf_init(&body, (size_t)1 << 30);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	r = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	free(url);
	root = r == CURLE_OK ? json_loadb(body.data, body.len, 0, NULL) : NULL;
	if (root == NULL)
		return 1;
	json_array_foreach(json_object_get(json_object_get(root, "data"), "result"), i, series) {
		walk_sample(json_object_get(series, "value"), &found);
		json_array_foreach(json_object_get(series, "values"), k, pair)
			walk_sample(pair, &found);
	}
	json_decref(root);
	buf_done(&body);
	return tell(&found);
}

/* --- commands -------------------------------------------------------------------------------------------------------- */

static int
run_shell(const char *script, const char *url)
{
	execlp("sh", "sh", "-c", script, "sh", url, (char *)NULL);
	return 127;
}

static int
client_curl(const char *port, const char *kind, const char *megabytes)
{
	return run_shell("exec curl -s -o /dev/null \"$1\"", url_of(port, kind, megabytes));
}

static int
client_jq(const char *port, const char *kind, const char *megabytes)
{
	return run_shell("curl -s \"$1\" | jq -r '[.data.result[]|if .values then .values[] else .value end|.[1]"
	    "|select(. != \"NaN\" and . != \"+Inf\")|tonumber]|\"\\(add) \\(length)\"'", url_of(port, kind, megabytes));
}

struct client {
	const char *name, *shown, *command;	/* command: program it needs, or NULL */
	int (*run)(const char *port, const char *kind, const char *megabytes);
	bool is_partial;			/* does not find every sample */
};
static const struct client clients[] = {
	{ "opsconsole", "opsconsole, all series", NULL, client_all, false },
	{ "opsconsole-default", "opsconsole, 20000 series", NULL, client_default, true },
	{ "jansson", "libcurl + jansson", NULL, client_jansson, false },
	{ "jq", "curl | jq", "jq", client_jq, false },
	{ "curl", "curl alone", "curl", client_curl, true },
};
enum { N_CLIENTS = sizeof clients / sizeof clients[0] };

static int
run_as(const char *name, const char *port, const char *kind, const char *megabytes)
{
	for (size_t i = 0; i < N_CLIENTS; i++)
		if (strcmp(clients[i].name, name) == 0)
			return clients[i].run(port, kind, megabytes);
	return 2;
}

/* --- measuring ------------------------------------------------------------------------------------------------------- */

struct figures {
	double wall_ms, cpu_ms, peak_mib;
};
struct row {
	struct figures v[RUNS_MAX];
	struct figures median;
	struct found found;
	bool is_skipped, is_failed;
};

static double
ms_of(const struct timeval *tv)
{
	return (double)tv->tv_sec * 1e3 + (double)tv->tv_usec / 1e3;
}

static bool
is_there(const char *command)
{
	char *script = command == NULL ? NULL : xasprintf("command -v %s >/dev/null", command);
	bool is = script == NULL || system(script) == 0;

	free(script);
	return is;
}

/* A program of its own from start to end. 0, or -1 when it failed. */
static int
run_once(const struct client *client, const char *port, const char *kind, const char *megabytes, struct figures *ret, struct found *ret_found)
{
	int64_t began = clock_mono_fresh();
	struct rusage used;
	char text[256] = "";
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		execl("/proc/self/exe", "bench_poll", "--as", client->name, port, kind, megabytes, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	n = read(pipes[0], text, sizeof text - 1);
	close(pipes[0]);
	if (wait4(pid, &status, 0, &used) < 0 || n < 0 || status != 0)
		return -1;
	ret->wall_ms = (double)(clock_mono_fresh() - began) / 1e6;
	ret->cpu_ms = ms_of(&used.ru_utime) + ms_of(&used.ru_stime);
	ret->peak_mib = (double)used.ru_maxrss / 1024;
	return n == 0 || sscanf(text, "%lf %" SCNu64, &ret_found->sum, &ret_found->n) == 2 ? 0 : -1;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median_at(const struct figures *v, int n, size_t offset)
{
	double sorted[RUNS_MAX];

	for (int i = 0; i < n; i++)
		sorted[i] = *(const double *)(const void *)((const char *)&v[i] + offset);
	qsort(sorted, (size_t)n, sizeof sorted[0], compare_doubles);
	return sorted[n / 2];
}

static bool
is_same(const struct found *a, const struct found *b)
{
	return a->n == b->n && fabs(a->sum - b->sum) <= 1e-9 * fabs(a->sum);
}

static void
print_row(const char *name, const struct row *row, const struct figures *ours, const char *note)
{
	const struct figures *m = &row->median;

	printf("%-26s %10.1f %10.1f %10.1f %9.2f %9.2f %9.2f%s\n", name, m->wall_ms, m->cpu_ms, m->peak_mib,
	    m->wall_ms / ours->wall_ms, m->cpu_ms / ours->cpu_ms, m->peak_mib / ours->peak_mib, note);
}

static bool
print_table(struct row *rows, int runs, const char *kind, const char *megabytes)
{
	bool is_ok = true;

	printf("\n%s, %s MB, %" PRIu64 " samples, median of %d\n", kind, megabytes, rows[0].found.n, runs);
	printf("%-26s %10s %10s %10s %9s %9s %9s\n", "", "wall ms", "CPU ms", "peak MiB", "x wall", "x CPU", "x peak");
	for (size_t i = 0; i < N_CLIENTS; i++) {
		bool is_different = !clients[i].is_partial && !is_same(&rows[0].found, &rows[i].found);

		if (rows[i].is_skipped || rows[i].is_failed) {
			printf("%-26s %s\n", clients[i].shown, rows[i].is_skipped ? "skipped: not installed" : "failed");
			is_ok &= !rows[i].is_failed;
			continue;
		}
		is_ok &= !is_different;
		print_row(clients[i].shown, &rows[i], &rows[0].median, is_different ? "  differs" : "");
	}
	fflush(stdout);
	return is_ok;
}

static bool
bench_body(const char *port, const char *kind, const char *megabytes, int runs)
{
	struct row *rows = xcalloc(N_CLIENTS, sizeof *rows);
	bool is_ok;

	for (size_t i = 0; i < N_CLIENTS; i++)
		rows[i].is_skipped = !is_there(clients[i].command);
	for (int run = -1; run < runs; run++)	/* the first warms the page cache */
		for (size_t i = 0; i < N_CLIENTS; i++)
			if (!rows[i].is_skipped && !rows[i].is_failed)
				rows[i].is_failed = run_once(&clients[i], port, kind, megabytes, &rows[i].v[run < 0 ? 0 : run],
				    &rows[i].found) < 0;
	for (size_t i = 0; i < N_CLIENTS; i++)
		rows[i].median = (struct figures){
			.wall_ms = median_at(rows[i].v, runs, offsetof(struct figures, wall_ms)),
			.cpu_ms = median_at(rows[i].v, runs, offsetof(struct figures, cpu_ms)),
			.peak_mib = median_at(rows[i].v, runs, offsetof(struct figures, peak_mib)) };
	is_ok = print_table(rows, runs, kind, megabytes);
	free(rows);
	return is_ok;
}

/* Its standard input ends with us, and so does it. */
static int
start_server(const char *program, const char *folder, char port[static 16])
{
	int in[2], out[2];
	pid_t pid;
	FILE *said;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(program, program, folder, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	said = fdopen(out[0], "r");
	return said != NULL && fscanf(said, "listening %15s", port) == 1 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	int runs = 5, opt;
	bool is_ok = true;
	char port[16];

	if (argc == 6 && strcmp(argv[1], "--as") == 0)
		return run_as(argv[2], argv[3], argv[4], argv[5]);
	while ((opt = getopt(argc, argv, "n:")) != -1)
		runs = opt == 'n' ? atoi(optarg) : 0;
	if (runs < 1 || runs > RUNS_MAX || argc - optind < 3) {
		fprintf(stderr, "usage: bench_poll [-n RUNS] SERVER DIR MEGABYTES... (1 to %d runs)\n", RUNS_MAX);
		return 2;
	}
	if (start_server(argv[optind], argv[optind + 1], port) < 0) {
		fprintf(stderr, "bench_poll: %s did not start\n", argv[optind]);
		return 1;
	}
	for (int i = optind + 2; i < argc; i++) {
		is_ok &= bench_body(port, "vector", argv[i], runs);
		is_ok &= bench_body(port, "matrix", argv[i], runs);
	}
	return is_ok ? 0 : 1;
}
