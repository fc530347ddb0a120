#include "config.h"

#include "tests/unit/log_world.h"

#include <stdio.h>
#include <string.h>

struct log_batch *
batch_new(const struct batch_line *v, size_t n)
{
	struct log_batch *b = block_new(sizeof *b);
	struct log_line *lines = arena_alloc(&b->block.arena, n * sizeof *lines);
	struct log_stream *streams = arena_alloc(&b->block.arena, LOG_WORLD_STREAMS * sizeof *streams);

	for (size_t i = 0; i < LOG_WORLD_STREAMS; i++) {
		struct label *labels = arena_alloc(&b->block.arena, sizeof *labels);
		char text[32];

		snprintf(text, sizeof text, "web-%zu", i);
		*labels = (struct label){ "host", arena_strdup(&b->block.arena, text) };
		streams[i] = (struct log_stream){ { 1, labels }, i % 2 == 0 ? "web" : "ranker" };
	}
	for (size_t i = 0; i < n; i++)
		lines[i] = (struct log_line){
			.time_ns = v[i].time_ns,
			.text = arena_strndup(&b->block.arena, v[i].text, v[i].len == 0 ? strlen(v[i].text) : v[i].len),
			.len = v[i].len == 0 ? strlen(v[i].text) : v[i].len,
			.level = v[i].level,
			.stream = v[i].stream,
			.id = v[i].id == NULL ? NULL : arena_strdup(&b->block.arena, v[i].id),
			.fields = v[i].fields == NULL ? NULL : arena_strdup(&b->block.arena, v[i].fields),
		};
	b->want = "logs:test";
	b->v = lines;
	b->n = n;
	b->streams = streams;
	b->n_streams = LOG_WORLD_STREAMS;
	return b;
}

void
tell(struct model *m, int64_t now_ns, const char *source, const struct batch_line *v, size_t n)
{
	struct event ev;

	event_init(&ev, EVENT_LOG_LINES, now_ns, source, batch_new(v, n));
	model_apply(m, &ev);
	event_done(&ev);
}

uint32_t
log_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static const char *const shapes[] = {
	"GET /api/v1/posts/%u 200 %ums trace=%08x",
	"GET /api/v1/feed?user=%u 200 %ums cache=hit id=%08x",
	"level=info msg=\"request done\" user=%u took=%ums id=%08x",
	"level=warn msg=\"slow query\" table=posts rows=%u took=%ums id=%08x",
	"level=error msg=\"ranker timeout\" user=%u after=%ums id=%08x",
	"connection from 10.0.%u.%u closed id=%08x",
	"{\"level\":\"info\",\"msg\":\"scored\",\"n\":%u,\"ms\":%u,\"model\":\"ranker\",\"id\":\"%08x\"}",
	"user %u not found in shard %u while loading profile id=%08x",
};

size_t
log_text(char *text, size_t size, uint64_t *state)
{
	const char *shape = shapes[log_random(state) % (sizeof shapes / sizeof shapes[0])];
	uint32_t a = log_random(state) % 100000, b = log_random(state) % 250, c = log_random(state);
	char line[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line, sizeof line, shape, a, b, c);
#pragma GCC diagnostic pop
	return (size_t)snprintf(text, size, "%-93.93s", line);
}
