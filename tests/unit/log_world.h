/* Lines of logs for tests and benchmarks, made from a seed. */
#ifndef OPS_TESTS_UNIT_LOG_WORLD_H
#define OPS_TESTS_UNIT_LOG_WORLD_H

#include "model/log.h"
#include "model/model.h"

enum { LOG_WORLD_STREAMS = 8 };	/* of {host="web-N"}, of service web (even) or ranker */

struct batch_line {
	int64_t time_ns;
	const char *text;
	size_t len;		/* 0: strlen() */
	enum line_level level;
	uint32_t stream;
	const char *id, *fields;
};
struct log_batch *batch_new(const struct batch_line *v, size_t n);
/* An EVENT_LOG_LINES of these. */
void tell(struct model *m, int64_t now_ns, const char *source, const struct batch_line *v, size_t n);
uint32_t log_random(uint64_t *state);
/* A line as programs write them, of 93 bytes, into text of at least 94. Returns its length. */
size_t log_text(char *text, size_t size, uint64_t *state);

#endif
