/*
 * Lines of logs, read without a tree of JSON in between: of a recording they are nine bytes in ten.
 *
 * As the recorder writes an event of them, its lines stand last: `{..,"is":{"event":"log-lines",..,"lines":[..]}}`. All but the list is read as any other event is, the list by the streaming
 * reader. What is of any other form is left to the reader of all events, which also says what is wrong with it; both make the same of the same line.
 */
#ifndef OPS_RECORD_LINES_H
#define OPS_RECORD_LINES_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/event.h"

struct lines_apart {
	struct buf rest;	/* the line with an empty list; buf_done() */
	const char *list;	/* in the line that was given */
	size_t len;
};
/* Of a line of a recording nothing but its beginning is looked at: is it about lines of logs? */
bool lines_are_in(const char *line, size_t len);
/* false: it is not of that form, and nothing is to be released. */
bool lines_take_apart(const char *line, size_t len, struct lines_apart *ret);
/* ev is what the rest says, and nobody else has it yet: has its lines put in. false: it has to be read whole, and ev is as good as damaged. */
bool lines_put(const struct lines_apart *apart, struct event *ev);

#endif
