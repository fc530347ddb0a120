/* Lines of logs for the tests of what is done with them. */
#ifndef OPS_TESTS_LOGS_WORLD_H
#define OPS_TESTS_LOGS_WORLD_H

#include "model/model.h"

#define LOGS_NOW (INT64_C(1893464912) * 1000000000)	/* 2030-01-01T02:28:32Z */

struct logs_line {
	int64_t time_ns;
	const char *service;
	enum line_level level;
	const char *text;
};
/* As a store tells them: one batch of the source. */
void logs_tell_model(struct model *m, const char *source, const struct logs_line *v, size_t n);
/* The texts of a view, joined by "|"; freed by the caller. */
char *logs_view_text(const struct log_view *view);
/* n lines a second apart, the last one at end: "line 0", "line 1", ..; each tenth an error of the service ranker, the others info of web. */
void logs_tell_many(struct model *m, size_t first, size_t n, int64_t end_ns);

#endif
