/* The flight recorder at work: what pins, when it lets go, and what the audit log is told of it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "flight.h"
#include "tests/unit/record_world.h"
#include "trail.h"

/* --- what it stands in ------------------------------------------------------------------------------------------------------ */

static size_t n_pinned, n_unpinned;

void
trail_tell(struct trail *t, enum audit_type type, const char *incident, json_t *body)
{
	const char *state = json_string_value(json_object_get(body, "state"));

	(void)t;
	(void)incident;
	n_pinned += type == AUDIT_RECORDING && strcmp(state, "pinned") == 0;
	n_unpinned += type == AUDIT_RECORDING && strcmp(state, "unpinned") == 0;
	json_decref(body);
}

void
app_note(struct app *a, const char *text)
{
	(void)a;
	fail_msg("%s", text);
}

struct flying {
	struct world *w;
	struct conf conf;
	struct conf_environment env;
	struct app app;
};

static void
fly(struct flying *f, struct world *w)
{
	*f = (struct flying){ .w = w, .env.name = (char *)"test" };
	f->conf.record = (struct conf_record){ .keep_ns = 30 * NS_PER_MIN, .keep_bytes = 1 << 20, .kept_max = 1 << 30, .dir = w->dir };
	f->app = (struct app){ .conf = &f->conf, .env = &f->env, .loop = w->loop, .pool = w->pool, .model = w->model };
	n_pinned = n_unpinned = 0;
	f->app.flight = flight_new(&f->app, true);
	assert_non_null(f->app.flight);
}

/* Timers that are due, and what was given to the disk: a second after something was told. */
static void
at(struct flying *f, double seconds)
{
	struct recorder_state s;

	clock_freeze(T(seconds));
	model_advance(f->w->model, T(seconds));
	do {
		loop_once(f->w->loop, NS_PER_MS);
		flight_state(f->app.flight, &s);
	} while (s.waiting > 0);
}

static void
tell(struct flying *f, double seconds, const char *text)
{
	struct event ev = feed_event(seconds, "%s", text);

	clock_freeze(T(seconds));
	model_advance(f->w->model, T(seconds));
	model_apply(f->w->model, &ev);
	flight_event(f->app.flight, &ev);
	event_done(&ev);
}

#define ENVIRONMENT "{'event':'environment','name':'test','title':'Test','severity_label':'severity'," \
	"'severities':[{'value':'page','severity':'page'}],'sources':[" FEED_SOURCES_ALL "]}"
#define ALERT(source, name) "{'event':'alerts','source':'" source "','alerts':[{'name':'" name "','labels':{'alertname':'" name \
	"','severity':'page'},'state':'firing','since':'2029-12-31T23:00:00Z'}]}"
#define NO_ALERTS(source) "{'event':'alerts','source':'" source "','alerts':[]}"

static bool
is_pinned(const struct flying *f)
{
	struct recorder_state s;

	flight_state(f->app.flight, &s);
	return s.is_pinned;
}

/* --- tests -------------------------------------------------------------------------------------------------------------------- */

/* A console that is opened while a page fires: the folder is not there yet when it is pinned. */
static void
test_pinned_by_the_first_event(void **state)
{
	struct flying f;

	fly(&f, *state);
	tell(&f, 0, ENVIRONMENT);
	tell(&f, 0.1, ALERT("am", "Burns"));
	assert_true(is_pinned(&f));
	at(&f, 2);
	for (double s = 3; s < 40; s += 3) {
		tell(&f, s, ALERT("am", "Burns"));
		at(&f, s + 2);
	}
	assert_int_equal(n_pinned, 1);
	flight_free(f.app.flight);
}

/* Alertmanager is gone: nobody knows that the page is over. */
static void
test_a_stale_page_is_not_over(void **state)
{
	struct flying f;
	double s;

	fly(&f, *state);
	tell(&f, 0, ENVIRONMENT);
	at(&f, 2);
	tell(&f, 3, ALERT("am", "Burns"));
	for (s = 10; s < 3600; s += 30) {	/* another source goes on answering */
		tell(&f, s, NO_ALERTS("p1"));
		at(&f, s + 2);
	}
	assert_true(is_pinned(&f));
	for (double end = s + 900; s < end; s += 30) {
		tell(&f, s, NO_ALERTS("am"));
		at(&f, s + 2);
	}
	assert_false(is_pinned(&f));
	assert_int_equal(n_unpinned, 1);
	flight_free(f.app.flight);
}

int
main(void)
{
#define T_(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T_(test_pinned_by_the_first_event),
		T_(test_a_stale_page_is_not_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
