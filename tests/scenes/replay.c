/* What the bar of a replay shows, from a file: { "incident": .., "title": .., "at": TIME, "first": TIME, "last": TIME, "zero": TIME, "speed": 4, .. }. */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "scene.h"

struct scene_replay {
	json_t *json;
	struct timeline_entry *marks;
	struct replay_gap *gaps;
	struct replay_view view;
};

static int
read_times(const json_t *json, struct replay_view *v, struct err *err)
{
	const struct {
		const char *name;
		int64_t *to;
	} times[] = { { "at", &v->at_ns }, { "first", &v->first_ns }, { "last", &v->last_ns }, { "zero", &v->zero_ns } };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		const char *text = json_string_value(json_object_get(json, times[i].name));

		if (text == NULL)
			return err_set(err, ERR_INVALID, "%s: expected a time", times[i].name);
		if (clock_parse(text, times[i].to, err) < 0)
			return ERR_SYNTAX;
	}
	return 0;
}

static int
read_gaps(struct scene_replay *r, struct err *err)
{
	const json_t *gaps = json_object_get(r->json, "gaps");
	size_t n = json_array_size(gaps);

	r->gaps = xcalloc(n + 1, sizeof *r->gaps);
	for (size_t i = 0; i < n; i++) {
		const json_t *gap = json_array_get(gaps, i);
		const char *from = json_string_value(json_array_get(gap, 0)), *to = json_string_value(json_array_get(gap, 1));

		if (from == NULL || to == NULL)
			return err_set(err, ERR_INVALID, "gaps: expected [FROM, TO]");
		if (clock_parse(from, &r->gaps[i].from_ns, err) < 0 || clock_parse(to, &r->gaps[i].to_ns, err) < 0)
			return ERR_SYNTAX;
	}
	r->view.gaps = r->gaps;
	r->view.n_gaps = n;
	return 0;
}

static void
read_rest(struct scene_replay *r)
{
	const json_t *speed = json_object_get(r->json, "speed");

	r->view.incident = json_string_value(json_object_get(r->json, "incident"));
	r->view.title = json_string_value(json_object_get(r->json, "title"));
	r->view.verified = json_string_value(json_object_get(r->json, "verified"));
	r->view.speed = speed != NULL ? json_number_value(speed) : 1;
	r->view.is_paused = json_is_true(json_object_get(r->json, "paused"));
	r->view.is_following = json_is_true(json_object_get(r->json, "following"));
	r->view.is_skipping = json_is_true(json_object_get(r->json, "skipping"));
	r->view.unknown_why = json_string_value(json_object_get(r->json, "why"));
	r->view.is_film = json_is_true(json_object_get(r->json, "film"));
	r->view.follows_operator = json_is_true(json_object_get(r->json, "operator"));
}

int
scene_replay_load(const char *path, const struct model *m, struct scene_replay **ret, struct err *err)
{
	struct scene_replay *r = xcalloc(1, sizeof *r);
	json_error_t where;
	int e;

	r->json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	if (r->json == NULL) {
		scene_replay_free(r);
		return err_set(err, ERR_SYNTAX, "%s:%d: %s", path, where.line, where.text);
	}
	read_rest(r);
	e = read_times(r->json, &r->view, err);
	if (e == 0)
		e = read_gaps(r, err);
	if (e < 0) {
		scene_replay_free(r);
		return e;
	}
	r->view.n_marks = model_n_timeline(m);
	r->marks = xcalloc(r->view.n_marks + 1, sizeof *r->marks);
	for (size_t i = 0; i < r->view.n_marks; i++)
		r->marks[i] = *model_timeline(m, i);
	r->view.marks = r->marks;
	*ret = r;
	return 0;
}

const struct replay_view *
scene_replay_view(const struct scene_replay *r)
{
	return &r->view;
}

void
scene_replay_free(struct scene_replay *r)
{
	if (r == NULL)
		return;
	json_decref(r->json);
	free(r->marks);
	free(r->gaps);
	free(r);
}
