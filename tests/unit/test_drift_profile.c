/* Training profiles: what is read of them, and what is said of wrong ones. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "insight/drift_profile.h"

static struct drift_profile *
parse(const char *text)
{
	struct drift_profile *p = NULL;
	struct err err = ERR_INIT;

	if (drift_profile_parse(text, strlen(text), &p, &err) < 0)
		fail_msg("%s", err.msg);
	return p;
}

static void
test_all_shapes(void **state)
{
	struct drift_profile *p = parse(
	    "{\"version\": \"6\", \"by\": \"train.py\", \"features\": {"
	    "\"url_count\": {\"n\": 50000, \"missing\": 0.001, \"bounds\": [0, 1, 2.5], \"counts\": [1, 2, 3, 4]},"
	    "\"language\": {\"categories\": {\"en\": 40, \"de\": 10}},"
	    "\"queue_age\": {\"n\": 7, \"mean\": 3, \"stddev\": 2, \"quantiles\": {\"0.5\": 2.5, \"0.9\": 4, \"0.95\": 5}}},"
	    "\"predictions\": {\"language\": {\"categories\": {\"x\": 2}}}}");
	const struct drift_profile_feature *f = drift_profile_find(p, DRIFT_FEATURE, "url_count");

	(void)state;
	assert_string_equal(p->version, "6");
	assert_int_equal(f->n_cells, 4);
	assert_true(f->edges[0] == -INFINITY && f->edges[3] == 2.5 && f->edges[4] == INFINITY);
	assert_true(f->counts[3] == 4 && f->n == 10 && f->missing == 0.001);
	f = drift_profile_find(p, DRIFT_SKEW, "language");
	assert_int_equal(f->n_cells, 2);
	assert_string_equal(f->values[0], "de");
	assert_true(f->counts[0] == 10 && f->n == 50 && isnan(f->missing));
	f = drift_profile_find(p, DRIFT_PREDICTION, "language");
	assert_string_equal(f->values[0], "x");
	f = drift_profile_find(p, DRIFT_LABEL, "queue_age");
	assert_true(f->n_cells == 0 && f->mean == 3 && f->stddev == 2 && f->q50 == 2.5 && f->q95 == 5);
	assert_null(drift_profile_find(p, DRIFT_FEATURE, "x"));
	drift_profile_free(p);
}

static void
test_shares(void **state)
{
	struct drift_profile *p = parse(
	    "{\"features\":{\"a\":{\"n\":200,\"bounds\":[1],\"counts\":[0.25,0.75]}}}");
	const struct drift_profile_feature *f = drift_profile_find(p, DRIFT_FEATURE, "a");

	(void)state;
	assert_string_equal(p->version, "");
	assert_true(fabs(f->counts[0] - 50) < 1e-9 && fabs(f->counts[1] - 150) < 1e-9);
	drift_profile_free(p);
}

static const struct {
	const char *text;
	int code;
	const char *says;
} refused[] = {
	{ "", ERR_SYNTAX, "line 1" },
	{ "{\"features\":{\"a\":1,\"a\":2}}", ERR_SYNTAX, "duplicate" },
	{ "[]", ERR_INVALID, "must be an object" },
	{ "{}", ERR_INVALID, "tells of no features" },
	{ "{\"version\":6,\"features\":{}}", ERR_INVALID, "version must be text" },
	{ "{\"features\":[]}", ERR_INVALID, "features must be an object" },
	{ "{\"features\":{\"a\":1}}", ERR_INVALID, "features \"a\": must be an object" },
	{ "{\"labels\":{\"a\":{}}}", ERR_INVALID, "labels \"a\": needs bounds" },
	{ "{\"features\":{\"a\\nb\":{}}}", ERR_INVALID, "a\\nb" },
	{ "{\"features\":{\"a\":{\"bounds\":[1,2],\"counts\":[1,2]}}}", ERR_INVALID,
	    "2 counts for 2 bounds" },
	{ "{\"features\":{\"a\":{\"bounds\":[2,1],\"counts\":[1,2,3]}}}", ERR_INVALID,
	    "each above the one before" },
	{ "{\"features\":{\"a\":{\"bounds\":[\"1\"],\"counts\":[1,2]}}}", ERR_INVALID,
	    "bounds must be numbers" },
	{ "{\"features\":{\"a\":{\"bounds\":[],\"counts\":[1]}}}", ERR_INVALID, "not empty" },
	{ "{\"features\":{\"a\":{\"bounds\":[1],\"counts\":[1,-2]}}}", ERR_INVALID, "counts must hold" },
	{ "{\"features\":{\"a\":{\"bounds\":[1],\"counts\":[0,0]}}}", ERR_INVALID, "all counts are 0" },
	{ "{\"features\":{\"a\":{\"bounds\":[1],\"counts\":[0.5,0.5]}}}", ERR_INVALID, "n is needed" },
	{ "{\"features\":{\"a\":{\"categories\":{}}}}", ERR_INVALID, "not empty" },
	{ "{\"features\":{\"a\":{\"categories\":{\"x\":null}}}}", ERR_INVALID, "categories must hold" },
	{ "{\"features\":{\"a\":{\"missing\":2,\"categories\":{\"x\":3}}}}", ERR_INVALID,
	    "missing must be a number from 0 to 1" },
	{ "{\"features\":{\"a\":{\"n\":9,\"mean\":1,\"stddev\":-1}}}", ERR_INVALID, "stddev must be" },
	{ "{\"features\":{\"a\":{\"n\":9,\"mean\":1,\"stddev\":1,\"quantiles\":{\"x\":1}}}}",
	    ERR_INVALID, "names of quantiles" },
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct drift_profile *p = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(drift_profile_parse(refused[i].text, strlen(refused[i].text), &p, &err),
		    refused[i].code);
		assert_null(p);
		if (strstr(err.msg, refused[i].says) == NULL || err.code != refused[i].code)
			fail_msg("%s: %s", refused[i].text, err.msg);
	}
}

static void
test_too_large(void **state)
{
	size_t len = DRIFT_PROFILE_BYTES_MAX + 1;
	char *text = calloc(1, len);
	struct drift_profile *p;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(drift_profile_parse(text, len, &p, &err), ERR_LIMIT);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_shapes),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
