#include "config.h"

#include "logs_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"

static const struct log_stream *
streams_of(struct arena *arena, const struct logs_line *v, size_t n)
{
	struct log_stream *streams = arena_alloc(arena, n * sizeof *streams);

	for (size_t i = 0; i < n; i++) {
		struct label *label = arena_alloc(arena, sizeof *label);

		*label = (struct label){ "app", arena_strdup(arena, v[i].service) };
		streams[i] = (struct log_stream){ .service = label->value, .labels = { 1, label } };
	}
	return streams;
}

void
logs_tell_model(struct model *m, const char *source, const struct logs_line *v, size_t n)
{
	struct log_batch *b = block_new(sizeof *b);
	struct log_line *lines = arena_alloc(&b->block.arena, (n + 1) * sizeof *lines);
	struct event ev;

	for (size_t i = 0; i < n; i++)
		lines[i] = (struct log_line){ .time_ns = v[i].time_ns, .text = arena_strdup(&b->block.arena, v[i].text), .len = strlen(v[i].text),
			.level = v[i].level, .stream = (uint32_t)i };
	b->want = "logs:test";
	b->n = n;
	b->v = lines;
	b->streams = streams_of(&b->block.arena, v, n);
	b->n_streams = n;
	event_init(&ev, EVENT_LOG_LINES, LOGS_NOW, source, b);
	model_apply(m, &ev);
	event_done(&ev);
}

void
logs_tell_many(struct model *m, size_t first, size_t n, int64_t end_ns)
{
	struct logs_line *v = xcalloc(n + 1, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct logs_line){ end_ns - (int64_t)(n - 1 - i) * NS_PER_S, (first + i) % 10 == 0 ? "ranker" : "web",
			(first + i) % 10 == 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, xasprintf("line %zu", first + i) };
	/* A batch at a time, as stores page. */
	for (size_t i = 0; i < n; i += 1000)
		logs_tell_model(m, "loki", v + i, n - i < 1000 ? n - i : 1000);
	for (size_t i = 0; i < n; i++)
		free((char *)(uintptr_t)v[i].text);
	free(v);
}

char *
logs_view_text(const struct log_view *view)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < view->n; i++) {
		struct log_ref line;

		log_view_line(view, i, &line);
		buf_printf(&b, "%s%s", i > 0 ? "|" : "", line.text);
	}
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}
