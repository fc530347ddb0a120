/*
 * What recording costs and how soon any time of it is shown again.
 *
 * usage: bench_record [-h HOURS] [-q QUERIES] [-s SERIES] [-l LINES] [-k] | bench_record -r RECORDING
 *
 * A console's load on a clock of its own: QUERIES ranges of 240 samples and SERIES series every five seconds, each with its report, alerts,
 * targets, and LINES lines of logs a minute from three stores. Once only to the model, once to the recorder as well: the difference is what recording costs. Then the recording is sought in.
 * -k keeps the folder. -r seeks in a recording that is there already.
 */
#include "config.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/log.h"
#include "record/recorder.h"
#include "record/recording.h"

enum { SAMPLES = 240, SEEKS = 200, STORES = 3, SERVICES = 6 };
#define BEGIN INT64_C(1893456000000000000)
#define STEP (15 * NS_PER_S)

struct load {
	unsigned hours, n_queries, n_series, n_lines;
	struct model *model;
	struct recorder *recorder;	/* NULL: only the model */
	struct loop *loop;
	uint64_t n_events, block_bytes;
};

/* --- the load --------------------------------------------------------------------------------------------------------------- */

static void
give(struct load *l, int64_t at, struct event *ev)
{
	clock_freeze(at);
	model_apply(l->model, ev);
	if (l->recorder != NULL)
		recorder_event(l->recorder, l->model, ev, at);
	l->n_events++;
	l->block_bytes += block_bytes(ev->block);
	event_done(ev);
}

/* Text with ' for ". */
static void
give_text(struct load *l, int64_t at, char *text)
{
	struct err err = ERR_INIT;
	char time[CLOCK_TEXT_MAX];
	struct event ev;
	json_t *json;

	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(text, 0, NULL);
	json_object_set_new(json, "time", json_string(clock_format(time, at, 9)));
	if (event_from_json(json, &ev, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err.msg, text);
		exit(1);
	}
	json_decref(json);
	free(text);
	give(l, at, &ev);
}

/* The same at the same time of the same series, as a server answers; the digits of a ratio or a rate. */
static double
value(unsigned query, unsigned series, int64_t at)
{
	uint64_t x = (uint64_t)(at / STEP) * 2654435761u + query * 40503u + series * 9973u;

	x ^= x >> 31;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	return query % 3 == 0 ? (double)(x % 1000) : sin((double)(at / STEP) / 40 + series) + (double)(x >> 11) * 0x1p-60;
}

static void
give_range(struct load *l, int64_t at, unsigned query)
{
	struct series_set *set = block_new(sizeof *set);
	struct arena *a = &set->block.arena;
	struct series *v = arena_alloc(a, l->n_series * sizeof *v);
	struct event ev;
	char id[32];

	snprintf(id, sizeof id, "query:q%u", query);
	set->type = SERIES_MATRIX;
	set->query = arena_strdup(a, id);
	set->end_ns = at / STEP * STEP;
	set->start_ns = set->end_ns - (SAMPLES - 1) * STEP;
	set->step_ns = STEP;
	set->n = l->n_series;
	set->v = v;
	for (unsigned s = 0; s < l->n_series; s++) {
		struct label *labels = arena_alloc(a, 2 * sizeof *labels);
		struct sample *samples = arena_alloc(a, SAMPLES * sizeof *samples);

		snprintf(id, sizeof id, "web-%u", s);
		labels[0] = (struct label){ "instance", arena_strdup(a, id) };
		labels[1] = (struct label){ "job", "blog" };
		v[s].labels = (struct labels){ 2, labels };
		for (int i = 0; i < SAMPLES; i++)
			samples[i] = (struct sample){ set->start_ns + i * STEP, value(query, s, set->start_ns + i * STEP) };
		v[s].v = samples;
		v[s].n = SAMPLES;
	}
	event_init(&ev, EVENT_SERIES, at, "prometheus", set);
	give(l, at, &ev);
	give_text(l, at, xasprintf("{'event':'source-report','source':'prometheus','what':'query:q%u','ok':true,'error':'','http_status':200,"
	    "'latency_ns':%lld,'bytes':%lld}", query, 1000000 + (long long)(at / NS_PER_S % 977) * 1000, 20000 + (long long)(at / NS_PER_S % 31)));
}

static void
give_alerts(struct load *l, int64_t at)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{'event':'alerts','source':'alertmanager','alerts':[");
	for (int i = 0; i < 20 + (at / NS_PER_MIN % 7 == 0); i++)
		buf_printf(&b, "%s{'name':'Alert%d','labels':{'alertname':'Alert%d','severity':'ticket','instance':'web-%d','job':'blog'},'annotations':"
		    "{'summary':'Something about web-%d is not as it should be, and somebody should look'},'state':'firing','since':'2029-12-31T2%d:00:00Z',"
		    "'updated':'2030-01-01T00:00:00Z','fingerprint':'%016d','receivers':['team']}", i > 0 ? "," : "", i, i, i, i, i % 4, i);
	buf_addstr(&b, "]}");
	give_text(l, at, buf_take(&b, NULL));
	buf_done(&b);
}

static void
give_targets(struct load *l, int64_t at)
{
	struct buf b;
	char time[CLOCK_TEXT_MAX];

	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{'event':'targets','source':'prometheus','n_up':20,'targets':[");
	for (int i = 0; i < 20; i++)
		buf_printf(&b, "%s{'job':'blog','instance':'web-%d','url':'http://web-%d:9100/metrics','error':'','labels':{'instance':'web-%d','job':'blog'},"
		    "'health':'up','last_scrape':'%s','scrape_s':0.0%d}", i > 0 ? "," : "", i, i, i, clock_format(time, at - i * 100 * NS_PER_MS, 3),
		    12345 + (int)(at / NS_PER_S % 1000) + i);
	buf_addstr(&b, "]}");
	give_text(l, at, buf_take(&b, NULL));
	buf_done(&b);
}

/* As programs write them: a shipper's JSON beside the text, logfmt with an id of the journal, plain words. */
static void
make_line(struct log_line *line, struct arena *a, unsigned store, int64_t at, uint64_t x)
{
	static const char *const paths[] = { "/posts/new", "/feed/home", "/comments", "/login" };
	char text[512], extra[256];
	int n;

	if (store == 0) {
		n = snprintf(text, sizeof text, "{\"level\":\"info\",\"msg\":\"request served\",\"path\":\"%s\",\"status\":200,\"took_ms\":%d.%d,\"trace\":\"%016llx\",\"user\":\"u%d\"}",
		    paths[x % 4], (int)(x >> 8 & 255), (int)(x % 10), (unsigned long long)x, (int)(x >> 20 & 4095));
		snprintf(extra, sizeof extra, "{\"pod\":\"web-%d\",\"trace\":\"%016llx\",\"took_ms\":%d.%d}", (int)(x % 5), (unsigned long long)x, (int)(x >> 8 & 255), (int)(x % 10));
		line->fields = arena_strdup(a, extra);
	} else if (store == 1) {
		n = snprintf(text, sizeof text, "level=info ts=%lld caller=filter.go:%d msg=\"judged\" post=%d score=0.%04d took=%dms", (long long)(at / NS_PER_MS), (int)(x % 400),
		    (int)(x >> 12 & 0xfffff), (int)(x >> 5 & 8191), (int)(x >> 8 & 63));
		snprintf(extra, sizeof extra, "s=%032llx;i=%llx", (unsigned long long)x, (unsigned long long)at);
		line->id = arena_strdup(a, extra);
	} else {
		n = snprintf(text, sizeof text, "INFO ranker: ranked %d candidates for u%d in %d.%d ms (model v%d)", (int)(x & 511), (int)(x >> 20 & 4095), (int)(x >> 8 & 127),
		    (int)(x % 10), (int)(x % 3));
	}
	line->time_ns = at;
	line->text = arena_strndup(a, text, (size_t)n);
	line->len = (size_t)n;
	line->level = LOG_LEVEL_INFO;
	line->stream = (uint32_t)(x % SERVICES);
}

/* What a store had in the five seconds before. */
static void
give_lines(struct load *l, int64_t at, unsigned store)
{
	static const char *const stores[STORES] = { "loki", "journal", "elastic" };
	static const char *const services[SERVICES] = { "web", "feed", "comments", "spam-filter", "ranker", "mailer" };
	struct log_batch *batch = block_new(sizeof *batch);
	struct arena *a = &batch->block.arena;
	size_t n = l->n_lines / (60 / 5) / STORES;
	struct log_line *v = arena_alloc(a, n * sizeof *v);
	struct log_stream *streams = arena_alloc(a, SERVICES * sizeof *streams);
	struct event ev;
	static uint64_t x = 1;

	for (int i = 0; i < SERVICES; i++) {
		struct label *labels = arena_alloc(a, 2 * sizeof *labels);

		labels[0] = (struct label){ "instance", i % 2 == 0 ? "host-1" : "host-2" };
		labels[1] = (struct label){ "service", services[i] };
		streams[i] = (struct log_stream){ .labels = { 2, labels }, .service = services[i] };
	}
	for (size_t i = 0; i < n; i++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
		make_line(&v[i], a, store, at - 5 * NS_PER_S + (int64_t)i * (5 * NS_PER_S / (int64_t)n) + (int64_t)(x >> 40 & 0xffff), x >> 11);
	}
	batch->want = "logs";
	batch->v = v;
	batch->n = n;
	batch->streams = streams;
	batch->n_streams = SERVICES;
	batch->start_ns = at - 5 * NS_PER_S;
	batch->end_ns = at;
	event_init(&ev, EVENT_LOG_LINES, at, stores[store], batch);
	give(l, at, &ev);
}

static void
give_environment(struct load *l)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{'event':'environment','name':'bench','title':'Bench','severity_label':'severity','sources':[{'name':'alertmanager','type':'alertmanager',"
	    "'interval_ns':5000000000},{'name':'prometheus','type':'prometheus','interval_ns':5000000000}],'queries':[");
	for (unsigned i = 0; i < l->n_queries; i++)
		buf_printf(&b, "%s{'id':'query:q%u','name':'q%u','title':'Query %u','expr':'x','unit':'ratio','source':'prometheus'}", i > 0 ? "," : "", i, i, i);
	buf_addstr(&b, "]}");
	give_text(l, BEGIN, buf_take(&b, NULL));
	buf_done(&b);
}

static void
wait_for_disk(struct load *l)
{
	struct recorder_state s;

	if (l->recorder == NULL)
		return;
	do {
		loop_once(l->loop, 0);
		recorder_state(l->recorder, &s);
	} while (s.waiting > 0);
}

/* Five seconds, a fifth of the queries in each: as a console spreads them, so that something is flushed every second. */
static void
run(struct load *l)
{
	give_environment(l);
	for (int64_t second = 1; second <= l->hours * INT64_C(3600); second++) {
		int64_t at = BEGIN + second * NS_PER_S;

		for (unsigned q = (unsigned)(second % 5); q < l->n_queries; q += 5)
			give_range(l, at, q);
		if (l->n_lines > 0 && second % 5 < STORES)
			give_lines(l, at, (unsigned)(second % 5));
		if (second % 5 == 0)
			give_alerts(l, at);
		if (second % 15 == 0)
			give_targets(l, at);
		model_advance(l->model, at);
		clock_freeze(at + 950 * NS_PER_MS);
		loop_once(l->loop, 0);
		if (second % 30 == 0)
			wait_for_disk(l);
	}
	wait_for_disk(l);
}

/* --- measuring ------------------------------------------------------------------------------------------------------------------ */

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* What it costs whatever else this machine does. */
static int64_t
thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* What seeking to a time costs; where: from where it is asked for. */
static void
seek_row(struct player *p, const struct recording_info *info, const char *what, int64_t (*next)(int64_t at, const struct recording_info *info))
{
	double ms[SEEKS], cpu_ms[SEEKS];
	int64_t at = info->first_ns + (info->last_ns - info->first_ns) / 2;

	player_seek(p, at, NULL);
	for (int i = 0; i < SEEKS; i++) {
		int64_t begin = clock_mono_fresh(), cpu = thread_ns();

		at = next(at, info);
		if (player_seek(p, at, NULL) == NULL) {
			fprintf(stderr, "%s: not recorded\n", what);
			exit(1);
		}
		ms[i] = (double)(clock_mono_fresh() - begin) / 1e6;
		cpu_ms[i] = (double)(thread_ns() - cpu) / 1e6;
	}
	qsort(ms, SEEKS, sizeof *ms, by_value);
	qsort(cpu_ms, SEEKS, sizeof *cpu_ms, by_value);
	printf("  %-26s median %7.2f ms   95%% %7.2f ms   most %7.2f ms   of the processor: median %7.2f ms   most %7.2f ms\n", what, ms[SEEKS / 2], ms[SEEKS * 95 / 100],
	    ms[SEEKS - 1], cpu_ms[SEEKS / 2], cpu_ms[SEEKS - 1]);
}

static int64_t
anywhere(int64_t at, const struct recording_info *info)
{
	static uint64_t seed = 1;

	(void)at;
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return info->first_ns + (int64_t)((seed >> 16) % (uint64_t)(info->last_ns - info->first_ns));
}

static int64_t
second_on(int64_t at, const struct recording_info *info)
{
	return at + NS_PER_S < info->last_ns ? at + NS_PER_S : info->first_ns;
}

static int64_t
second_back(int64_t at, const struct recording_info *info)
{
	return at - NS_PER_S > info->first_ns ? at - NS_PER_S : info->last_ns;
}

static int64_t
ten_minutes_on(int64_t at, const struct recording_info *info)
{
	return at + 10 * NS_PER_MIN < info->last_ns ? at + 10 * NS_PER_MIN : info->first_ns + at % NS_PER_S;
}

static void
seek_all(const char *path)
{
	const struct timeline_entry *entries;
	struct recording_info info;
	struct recording *r;
	struct player *p;
	struct err err = ERR_INIT;
	int64_t begin = clock_mono_fresh(), opened, first;

	if (recording_open(path, &r, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	opened = clock_mono_fresh();
	recording_info(r, &info);
	p = player_new(r);
	if (player_seek(p, info.first_ns + (info.last_ns - info.first_ns) * 2 / 3, NULL) == NULL)
		exit(1);
	first = clock_mono_fresh();
	printf("%s: %zu chunks, %.1f MB\n", "seeking", info.n_chunks, (double)info.bytes / 1e6);
	printf("  %-26s %7.2f ms\n  %-26s %7.2f ms\n", "open", (double)(opened - begin) / 1e6, "the first seek", (double)(first - opened) / 1e6);
	seek_row(p, &info, "anywhere", anywhere);
	seek_row(p, &info, "ten minutes on", ten_minutes_on);
	seek_row(p, &info, "a second on", second_on);
	seek_row(p, &info, "a second back", second_back);
	begin = clock_mono_fresh();
	player_timeline(p, &entries);
	printf("  %-26s %7.2f ms\n", "the timeline of all of it", (double)(clock_mono_fresh() - begin) / 1e6);
	player_free(p);
	recording_free(r);
}

/* --- from beginning to end ---------------------------------------------------------------------------------------------------------- */

static void
remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char *inner = xasprintf("%s/%s", path, e->d_name);

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(inner) < 0)
			remove_all(inner);
		free(inner);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

static void
on_problem(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

static double
run_once(struct load *l, struct pool *pool, const char *dir, char *ret_path, size_t size)
{
	struct recorder_options o = { .dir = dir, .env = "bench", .version = "bench", .keep_bytes = INT64_C(1) << 40, .problem = on_problem };
	struct recorder_state s;
	struct err err = ERR_INIT;
	double begin = cpu_s(), spent;

	l->model = model_new(0, 0);
	l->n_events = l->block_bytes = 0;
	if (dir != NULL && recorder_new(l->loop, pool, &o, &l->recorder, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	if (dir != NULL)
		recorder_pin(l->recorder, "bench");
	run(l);
	if (dir != NULL) {
		recorder_state(l->recorder, &s);
		snprintf(ret_path, size, "%s", s.path);
		recorder_free(l->recorder, 600 * NS_PER_S);
		l->recorder = NULL;
	}
	spent = cpu_s() - begin;
	if (dir != NULL)
		printf("recorded %u h: %llu events, %.1f MB of blocks; %.2f MB an hour on disk\n", l->hours, (unsigned long long)l->n_events,
		    (double)l->block_bytes / 1e6, s.bytes_per_hour / 1e6);
	model_free(l->model);
	return spent;
}

int
main(int argc, char **argv)
{
	struct load l = { .hours = 24, .n_queries = 30, .n_series = 4, .n_lines = 2000 };
	char dir[] = "/tmp/ops-bench-record.XXXXXX", path[512] = "", *root;
	bool is_kept = false;
	struct pool *pool;
	double bare, recorded;
	int opt;

	while ((opt = getopt(argc, argv, "h:q:s:l:r:k")) != -1)
		switch (opt) {
		case 'h': l.hours = (unsigned)atoi(optarg); break;
		case 'q': l.n_queries = (unsigned)atoi(optarg); break;
		case 's': l.n_series = (unsigned)atoi(optarg); break;
		case 'l': l.n_lines = (unsigned)atoi(optarg); break;
		case 'r': seek_all(optarg); return 0;
		case 'k': is_kept = true; break;
		default: return 2;
		}
	if (mkdtemp(dir) == NULL || loop_new(&l.loop, NULL) < 0)
		return 1;
	root = xasprintf("%s/recordings", dir);
	pool = pool_new(l.loop, 1);
	bare = run_once(&l, pool, NULL, NULL, 0);
	recorded = run_once(&l, pool, root, path, sizeof path);
	printf("cpu: %.2f s without, %.2f s with the recorder: %.3f %% of a core; %.0f MB/s of blocks\n", bare, recorded,
	    100 * (recorded - bare) / (l.hours * 3600.0), (double)l.block_bytes / 1e6 / (recorded - bare));
	clock_freeze(0);
	seek_all(path);
	if (is_kept)
		printf("%s\n", path);
	else
		remove_all(dir);
	free(root);
	pool_free(pool);
	loop_free(l.loop);
	return 0;
}
