#include "config.h"

#include <dirent.h>
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

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "record/recorder_priv.h"
#include "tests/unit/record_world.h"

/* --- files ------------------------------------------------------------------------------------------------------------------ */

void
world_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char inner[512];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
		if (unlink(inner) < 0)
			world_remove(inner);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

void *
world_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes = xcalloc(1, (size_t)st.st_size + 1);
	assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

void
world_write_file(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

size_t
world_count(const char *dir, const char *end)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name), end_len = strlen(end);

		n += e->d_name[0] != '.' && len >= end_len && strcmp(e->d_name + len - end_len, end) == 0;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

/* --- from setup to teardown -------------------------------------------------------------------------------------------------- */

static void
on_chunk(const struct chunk_info *c, bool is_pinned, void *arg)
{
	struct world *w = arg;
	struct told *t = &w->told[w->n_told++];

	assert_true(w->n_told < WORLD_TOLD_MAX);
	snprintf(t->recording, sizeof t->recording, "%s", c->recording);
	snprintf(t->file, sizeof t->file, "%s", c->file);
	snprintf(t->sha256, sizeof t->sha256, "%s", c->sha256);
	snprintf(t->prev, sizeof t->prev, "%s", c->prev);
	t->number = c->number;
	t->bytes = c->bytes;
	t->n_events = c->n_events;
	t->from_ns = c->from_ns;
	t->to_ns = c->to_ns;
	t->is_pinned = is_pinned;
}

static void
on_problem(const char *text, void *arg)
{
	struct world *w = arg;

	assert_true(w->n_problems < 32);
	snprintf(w->problems[w->n_problems++], sizeof w->problems[0], "%s", text);
}

int
world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	clock_freeze(T0);
	snprintf(w->root, sizeof w->root, "/tmp/ops-record-XXXXXX");
	assert_non_null(mkdtemp(w->root));
	snprintf(w->dir, sizeof w->dir, "%s/recordings", w->root);
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	w->pool = pool_new(w->loop, 2);
	w->model = model_new(0, 0);
	w->options = (struct recorder_options){ .dir = w->dir, .env = "test", .version = "1", .chunk = on_chunk, .problem = on_problem, .arg = w };
	*state = w;
	return 0;
}

int
world_teardown(void **state)
{
	struct world *w = *state;

	world_close(w);
	pool_free(w->pool);
	model_free(w->model);
	loop_free(w->loop);
	world_remove(w->root);
	free(w);
	clock_freeze(0);
	return 0;
}

void
world_open(struct world *w)
{
	struct err err = ERR_INIT;

	if (recorder_new(w->loop, w->pool, &w->options, &w->recorder, &err) < 0)
		fail_msg("%s", err.msg);
}

void
world_close(struct world *w)
{
	recorder_free(w->recorder, 60 * NS_PER_S);
	w->recorder = NULL;
}

void
world_settle(struct world *w)
{
	while (!TAILQ_EMPTY(&w->recorder->batches))
		loop_once(w->loop, NS_PER_MS);
}

void
world_at(struct world *w, double seconds)
{
	clock_freeze(T0 + (int64_t)(seconds * 1e9));
	loop_once(w->loop, 0);
	world_settle(w);
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

void
world_apply(struct world *w, double seconds, const struct event *ev)
{
	int64_t at = T0 + (int64_t)(seconds * 1e9);

	clock_freeze(at);
	model_advance(w->model, at);
	model_apply(w->model, ev);
	recorder_event(w->recorder, w->model, ev, at);
	loop_once(w->loop, 0);
}

void
world_event(struct world *w, double seconds, const char *fmt, ...)
{
	struct event ev;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	ev = feed_event(seconds, "%s", text);
	free(text);
	world_apply(w, seconds, &ev);
	event_done(&ev);
}

void
world_environment(struct world *w, double seconds)
{
	world_event(w, seconds, "{'event':'environment','name':'test','title':'Test','severity_label':'severity',"
	    "'severities':[{'value':'page','severity':'page'}],'sources':[" FEED_SOURCES_ALL "],"
	    "'queries':[{'id':'query:fp','name':'fp','title':'False positives','expr':'x','unit':'ratio','source':'p1'}]}");
}

static void
range(struct world *w, double seconds)
{
	struct series_set *set = block_new(sizeof *set);
	struct arena *a = &set->block.arena;
	int64_t step = 15 * NS_PER_S, end = (T0 + (int64_t)(seconds * 1e9)) / step * step;
	struct series *v = arena_alloc(a, 3 * sizeof *v);
	struct event ev;

	set->type = SERIES_MATRIX;
	set->query = "query:fp";
	set->end_ns = end;
	set->start_ns = end - 39 * step;
	set->step_ns = step;
	set->n = 3;
	set->v = v;
	for (int s = 0; s < 3; s++) {
		struct label *l = arena_alloc(a, sizeof *l);
		struct sample *samples = arena_alloc(a, 40 * sizeof *samples);

		*l = (struct label){ "host", s == 0 ? "a" : s == 1 ? "b" : "c\"\n" };
		v[s].labels = (struct labels){ 1, l };
		for (int i = 0; i < 40; i++)
			if (s != 1 || (set->start_ns / step + i) % 7 != 0)
				samples[v[s].n++] = (struct sample){ set->start_ns + i * step, sin((double)(set->start_ns / step + i) + s) };
		v[s].v = samples;
	}
	event_init(&ev, EVENT_SERIES, T0 + (int64_t)(seconds * 1e9), "p1", set);
	world_apply(w, seconds, &ev);
	event_done(&ev);
}

void
world_round(struct world *w, double seconds)
{
	int i = (int)(seconds / 5);

	range(w, seconds);
	world_event(w, seconds + 0.1, "{'event':'source-report','source':'p1','what':'query:fp','ok':true,'error':'','latency_ns':%d}", 1000000 + i);
	world_event(w, seconds + 0.2, "{'event':'alerts','source':'am','alerts':[{'name':'Always','labels':{'alertname':'Always','severity':'page'},"
	    "'state':'firing','since':'2029-12-31T23:00:00Z'}%s]}", i % 4 < 2 ? "" :
	    ",{'name':'Now','labels':{'alertname':'Now','severity':'info'},'state':'firing','since':'2030-01-01T00:00:00Z'}");
	world_event(w, seconds + 0.3, "{'event':'source-report','source':'am','what':'alerts','ok':%s,'error':'%s'}", i % 9 == 8 ? "false" : "true",
	    i % 9 == 8 ? "connection refused" : "");
	if (i % 10 == 3)
		world_event(w, seconds + 0.4, "{'event':'note','text':'note %d','by':'alice','seq':%d}", i, i);
}

void
world_run(struct world *w, double begin, double end)
{
	for (double s = begin; s < end; s += 5)
		world_round(w, s);
}

/* --- reading it ------------------------------------------------------------------------------------------------------------------ */

const char *
world_recording(const struct world *w)
{
	static char path[512];
	char env[128];
	DIR *d;
	struct dirent *e;
	int n = 0;

	snprintf(env, sizeof env, "%s/test", w->dir);
	d = opendir(env);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/%s", env, e->d_name);
			n++;
		}
	closedir(d);
	assert_int_equal(n, 1);
	return path;
}

struct recording *
world_read(const struct world *w)
{
	struct recording *r = NULL;
	struct err err = ERR_INIT;

	if (recording_open(world_recording(w), &r, &err) < 0)
		fail_msg("%s", err.msg);
	return r;
}

char *
world_dump(const struct model *m)
{
	return feed_dump(m);
}
