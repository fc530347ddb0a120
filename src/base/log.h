/*
 * The debug log: for developers, to a file, never to the screen.
 *
 * One line a message: time, level, subsystem, text. Text from outside should be escaped by the caller (str_escape_to()), which keeps what it
 * said; bytes that no terminal should see (controls, bidi, what is not UTF-8) that come here all the same are written as '?'.
 * The same message repeated is counted, not repeated. Safe from any thread.
 */
#ifndef OPS_BASE_LOG_H
#define OPS_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_INFO, LOG_DEBUG };

/* Open path for appending (mode 0600). Without it all logging is off and costs one comparison. */
int log_open(const char *path, struct err *err);
void log_close(void);
void log_write(enum log_level level, const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
