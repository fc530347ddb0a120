/* The newest lines as batches, one of each source: what a snapshot tells of logs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_priv.h"

enum { LINES_MAX = 1000, TEXT_MAX = 512 << 10, SOURCES = 64 };

struct taking {
	struct log_batch *batch;
	struct log_line *lines;
	struct log_stream *streams;
	const struct labels **labels;	/* of each stream, as the segments have them */
	const char *source;
};

static uint32_t
stream_of(struct taking *t, const struct log_ref *line)
{
	struct arena *arena = &t->batch->block.arena;
	struct labels *l;
	struct label *v;

	for (size_t i = t->batch->n_streams; i-- > 0;)
		if (t->labels[i] == line->labels || (strcmp(t->streams[i].service, line->service) == 0 && labels_equal(t->labels[i], line->labels)))
			return (uint32_t)i;
	t->labels[t->batch->n_streams] = line->labels;
	l = &t->streams[t->batch->n_streams].labels;
	v = arena_alloc(arena, (line->labels->n + 1) * sizeof *v);
	for (size_t i = 0; i < line->labels->n; i++)
		v[i] = (struct label){ arena_strdup(arena, line->labels->v[i].name), arena_strdup(arena, line->labels->v[i].value) };
	*l = (struct labels){ line->labels->n, v };
	t->streams[t->batch->n_streams].service = arena_strdup(arena, line->service);
	return (uint32_t)t->batch->n_streams++;
}

static void
take(struct taking *t, const struct log_ref *line)
{
	struct arena *arena = &t->batch->block.arena;
	struct log_line *to = &t->lines[t->batch->n++];
	char *text = arena_alloc(arena, line->len + 1);

	memcpy(text, line->text, line->len);
	text[line->len] = '\0';
	*to = (struct log_line){ .time_ns = line->time_ns, .text = text, .len = line->len, .level = line->level, .stream = stream_of(t, line),
		.fields = line->fields != NULL ? arena_strdup(arena, line->fields) : NULL, .id = line->id != NULL ? arena_strdup(arena, line->id) : NULL };
}

static struct taking *
taking_of(struct taking *v, size_t *n, const char *source)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(v[i].source, source) == 0)
			return &v[i];
	if (*n == SOURCES)
		return NULL;
	v[*n] = (struct taking){ .batch = block_new(sizeof *v->batch), .source = source, .labels = xcalloc(LINES_MAX, sizeof(struct labels *)) };
	v[*n].lines = arena_alloc(&v[*n].batch->block.arena, LINES_MAX * sizeof *v->lines);
	v[*n].streams = arena_alloc(&v[*n].batch->block.arena, LINES_MAX * sizeof *v->streams);
	v[*n].batch->v = v[*n].lines;
	v[*n].batch->streams = v[*n].streams;
	v[*n].batch->want = "snapshot";
	return &v[(*n)++];
}

void
logs_snapshot(const struct model *m, struct event_list *ret)
{
	struct taking v[SOURCES];
	size_t n = 0, n_lines = 0, bytes = 0;

	for (size_t i = model_n_log_segments(m); i-- > 0 && n_lines < LINES_MAX && bytes < TEXT_MAX;) {
		const struct log_segment *s = model_log_segment(m, i);

		for (size_t j = log_segment_n(s); j-- > 0 && n_lines < LINES_MAX && bytes < TEXT_MAX;) {
			struct log_ref line;
			struct taking *t;

			log_segment_line(s, j, &line);
			t = taking_of(v, &n, line.source);
			if (t == NULL)
				continue;
			take(t, &line);
			n_lines++;
			bytes += line.len + (line.fields != NULL ? strlen(line.fields) : 0);
		}
	}
	for (size_t i = 0; i < n; i++) {
		free(v[i].labels);
		event_list_add(ret, EVENT_LOG_LINES, m->now_ns, v[i].source, v[i].batch);
	}
}
