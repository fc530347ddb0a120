/*
 * Scenes: what a person sees. A file holds a setting and, behind a line "--", the screen that comes of it:
 *
 *	# alerts-ack.scene: what it shows
 *	size 80x22   clock 2030-01-01T00:05:00Z   panel alerts
 *	feed incident.json
 *	keys j "text" Enter
 *	--
 *	screen
 *
 * feed       files of feeds/, JSON arrays of events in the order they come; see feed.c for what abbreviates them
 * arg        what the panel is asked to show, as OP_PANEL does
 * keys       names of keys as key_parse() reads them, or text in quotes, which is typed
 *            +NAME stands for a feed that comes between two keys, -NAME for one that the screen does not show yet at
 *            the key behind it
 * filter     to the end of the line, as behind /
 * past       the time cursor stands there, instead of live; span: length of the range, 1h otherwise
 * metrics    a feed: of the past nothing is known but what it tells, as of ALERTS of the metrics
 * from       where that past comes from: memory, recording, none (then there is no model)
 * replay     a file of feeds/: a replay, whose bar stands below the panel; see replay.c. Its marks are the timeline of all feeds
 * ascii, read-only, unfocused: as they say
 * status     the console's status line stands above the panel
 *
 * The first line of the screen is the panel's title with its summary. What was asked of the app stands below the screen.
 */
#ifndef OPS_TESTS_SCENES_SCENE_H
#define OPS_TESTS_SCENES_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/model.h"
#include "ui/view.h"

enum { SCENE_FEEDS_MAX = 8 };

struct scene {
	char *head;			/* the lines above "--", as they are */
	char *expected;			/* the lines below */
	int w, h;
	int64_t clock_ns, past_ns, span_ns;
	char *panel, *arg, *keys, *filter, *replay, *from, *metrics;
	char *feeds[SCENE_FEEDS_MAX];
	int n_feeds;
	bool is_ascii, is_read_only, is_unfocused, has_status;
};

/* 0, or err says what is wrong with the file. */
int scene_load(const char *path, struct scene *ret_scene, struct err *err);
void scene_done(struct scene *s);

/* Apply the events of a feed. */
int feed_apply(const char *path, struct model *m, struct err *err);

/* Fill in what a replay's bar shows, from its file; strings and lists stay in the result. */
struct scene_replay;
int scene_replay_load(const char *path, const struct model *m, struct scene_replay **ret, struct err *err);
const struct replay_view *scene_replay_view(const struct scene_replay *r);
void scene_replay_free(struct scene_replay *r);

/* Play the scene; what is then to be seen, and what was asked of the app. */
int scene_play(const struct scene *s, const char *feeds_dir, struct buf *out, struct err *err);

#endif
