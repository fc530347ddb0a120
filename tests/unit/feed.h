/* Events for tests of the model, written as JSON with ' for " so that a case reads at a glance. */
#ifndef OPS_TESTS_UNIT_FEED_H
#define OPS_TESTS_UNIT_FEED_H

#include "model/model.h"

/* 2030-01-01T00:00:00Z: times in tests are seconds after it. */
#define T0 INT64_C(1893456000000000000)
#define T(seconds) (T0 + (int64_t)(seconds) * INT64_C(1000000000))

/* The event in text (printf-like; ' becomes "), observed at T(seconds). Fails the test when it is not one. */
struct event feed_event(double seconds, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, applied to m. */
void feed(struct model *m, double seconds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* An environment with sources am (alertmanager), p1 and p2 (prometheus), interval 5 s; m stands at T(0). */
#define FEED_SOURCES_ALL "{'name':'am','type':'alertmanager','interval_ns':5000000000}," \
	"{'name':'p1','type':'prometheus','interval_ns':5000000000},{'name':'p2','type':'prometheus','interval_ns':5000000000}"
void feed_environment(struct model *m, const char *sources);
/* A good answer for what from source, at T(seconds), and a failed one. */
void feed_ok(struct model *m, double seconds, const char *source, const char *what);
void feed_failed(struct model *m, double seconds, const char *source, const char *what, const char *error);
/* All alerts of a source: a list of alert objects; with the report that goes with it. */
void feed_alerts(struct model *m, double seconds, const char *source, const char *alerts);

/* The dump of m as text; free() it. */
char *feed_dump(const struct model *m);

#endif
