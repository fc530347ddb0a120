#include "config.h"

#include "export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "console.h"
#include "record/pack.h"
#include "replay.h"
#include "ui/ansi.h"

enum { LINE_MAX_BYTES = 64 << 20, FRAME_MAX = 4 << 20, WIDTH = 120, HEIGHT = 36, RECORDINGS_MAX = 64 };
#define FRAME_EVERY (NS_PER_S / 4)		/* in the film */
#define EVENT_STEP NS_PER_S
#define BEFORE_INCIDENT (30 * NS_PER_MIN)
#define AFTER_INCIDENT (10 * NS_PER_MIN)

static int
cannot_write(struct err *err)
{
	return err_set_errno(err, ERR_IO, errno, "it could not be written");
}

/* --- JSON lines --------------------------------------------------------------------------------------------------------------- */

struct lines {
	FILE *f;
	struct buf line;
	bool is_bad;
};

static void
write_event(const struct event *ev, int64_t at_ns, void *arg)
{
	struct lines *l = arg;
	char at[CLOCK_TEXT_MAX];

	buf_reset(&l->line);
	if (event_write(ev, &l->line) < 0) {	/* longer than any recording holds: not ours to lose silently */
		l->is_bad = true;
		return;
	}
	fprintf(l->f, "{\"at\":\"%s\",\"event\":", clock_format(at, at_ns, 9));
	fwrite(l->line.data, 1, l->line.len, l->f);
	fputs("}\n", l->f);
}

int
export_jsonl(struct recording *rec, FILE *f, struct err *err)
{
	struct lines l = { .f = f };
	struct player *p = player_new(rec);
	struct recording_info info;

	recording_info(rec, &info);
	buf_init(&l.line, LINE_MAX_BYTES);
	player_on_event(p, write_event, &l);
	/* In steps, so that no more than one chunk's worth is held at a time. */
	for (int64_t t = info.first_ns; t < info.last_ns && !ferror(f); t += EVENT_STEP)
		player_seek(p, t, NULL);
	player_seek(p, info.last_ns, NULL);
	player_free(p);
	buf_done(&l.line);
	if (ferror(f) || fflush(f) != 0)
		return cannot_write(err);
	return l.is_bad ? err_set(err, ERR_LIMIT, "an event was too long to be written: the rest is there") : 0;
}

/* --- a film ------------------------------------------------------------------------------------------------------------------- */

struct film {
	FILE *f;
	struct replay *replay;
	struct console *console;
	struct grid *before, *now;	/* before NULL: this is the first frame */
	struct buf bytes;
	double seconds;			/* of the film */
	const struct timeline_entry *marks;
	size_t n_marks, next_mark;
};

static void
write_line(struct film *f, const char *kind, const char *text, size_t len)
{
	json_t *line = json_pack("[f, s, o]", f->seconds, kind, json_stringn(text, len));

	if (line != NULL)
		json_dumpf(line, f->f, JSON_COMPACT | JSON_REAL_PRECISION(9));
	fputc('\n', f->f);
	json_decref(line);
}

static void
write_head(struct film *f, const struct options *o, int w, int h)
{
	struct recording_info info;
	json_t *head;

	recording_info(replay_recording(f->replay), &info);
	head = json_pack("{s:i, s:i, s:i, s:I, s:s, s:{s:s}}", "version", 2, "width", w, "height", h, "timestamp", (json_int_t)(info.first_ns / NS_PER_S),
	    "title", o->n_words > 0 ? o->words[0] : info.id, "env", "TERM", "xterm-256color");
	if (head != NULL)
		json_dumpf(head, f->f, JSON_COMPACT);
	fputc('\n', f->f);
	json_decref(head);
}

static void
write_marks(struct film *f)
{
	char what[160], text[256];

	for (; f->next_mark < f->n_marks && f->marks[f->next_mark].known_ns <= replay_position(f->replay); f->next_mark++) {
		const struct timeline_entry *e = &f->marks[f->next_mark];

		if (e->is_backfilled)
			continue;
		snprintf(text, sizeof text, "%s %s%s", timeline_kind_name(e->kind), str_escape_to(what, sizeof what, e->what), e->is_end ? " ends" : "");
		write_line(f, "m", text, strlen(text));
	}
}

static int
write_frame(struct film *f, struct err *err)
{
	struct grid *shown = f->before;

	console_film_draw(f->console, f->now);
	buf_reset(&f->bytes);
	if (ansi_frame(f->before, f->now, console_theme(f->console), ANSI_256, &f->bytes) < 0)
		return err_set(err, ERR_LIMIT, "a frame is too large");
	if (f->bytes.len > 0)
		write_line(f, "o", f->bytes.data, f->bytes.len);
	f->before = f->now;
	f->now = shown != NULL ? shown : grid_new(grid_width(f->before), grid_height(f->before), false);
	return ferror(f->f) ? cannot_write(err) : 0;
}

/* How far the film goes on in one frame: at its speed, and over idle stretches faster. */
static int64_t
step(const struct film *f, const struct options *o, double speed)
{
	int64_t at = replay_position(f->replay), by = (int64_t)(speed * (double)FRAME_EVERY), next = INT64_MAX;
	int64_t idle = (int64_t)((double)o->max_idle_ns * speed);

	for (size_t i = f->next_mark; i < f->n_marks && next == INT64_MAX; i++)
		if (!f->marks[i].is_backfilled && f->marks[i].known_ns > at)
			next = f->marks[i].known_ns;
	if (o->max_idle_ns > 0 && next != INT64_MAX && next - at > idle)
		by = next - at - idle;
	return by;
}

static int
roll(struct film *f, const struct options *o, struct err *err)
{
	double speed = o->speed > 0 ? o->speed : 1;
	struct recording_info info;
	int r;

	recording_info(replay_recording(f->replay), &info);
	for (;;) {
		write_marks(f);
		r = write_frame(f, err);
		if (r < 0 || replay_position(f->replay) >= info.last_ns)
			return r;
		replay_seek(f->replay, replay_position(f->replay) + step(f, o, speed));
		f->seconds += (double)FRAME_EVERY / NS_PER_S;
	}
}

int
export_asciicast(struct app *a, FILE *out, struct err *err)
{
	const struct options *o = a->options;
	int w = o->width > 0 ? o->width : WIDTH, h = o->height > 0 ? o->height : HEIGHT, r;
	struct film f = { .f = out, .replay = a->replay };

	replay_film(a->replay);
	r = console_film(a, w, h, &f.console, err);
	if (r < 0)
		return r;
	buf_init(&f.bytes, FRAME_MAX);
	f.now = grid_new(w, h, false);
	f.n_marks = player_timeline(replay_player(a->replay), &f.marks);
	write_head(&f, o, w, h);
	r = roll(&f, o, err);
	if (r == 0 && fflush(out) != 0)
		r = cannot_write(err);
	buf_done(&f.bytes);
	grid_free(f.before);
	grid_free(f.now);
	console_film_free(f.console);
	return r;
}

/* --- one file ----------------------------------------------------------------------------------------------------------------- */

/* Every recording of that time: each console saw its own. */
static size_t
open_recordings(const struct conf *conf, const char *env, int64_t from_ns, int64_t to_ns, struct recording **ret)
{
	struct recording_found *v = NULL;
	size_t n = 0, n_open = 0;

	recordings_find(conf->record.dir, env, &v, &n, NULL);
	for (size_t i = 0; i < n && n_open < RECORDINGS_MAX; i++)
		if (v[i].last_ns >= from_ns && v[i].first_ns <= to_ns && recording_open(v[i].path, &ret[n_open], NULL) == 0)
			n_open++;
	recordings_free(v, n);
	return n_open;
}

int
export_pack(const struct conf *conf, const struct options *o, int fd, struct err *err)
{
	char *log = audit_dir(conf->audit.dir);
	struct recording *recordings[RECORDINGS_MAX];
	struct incident_found in;
	struct pack_slice slice;
	struct pack_draft draft;
	int64_t from_ns, to_ns;
	int r;

	r = incident_find(log, o->n_words > 0 ? o->words[0] : NULL, &in, err);
	if (r < 0)
		goto done;
	from_ns = in.opened_ns - BEFORE_INCIDENT;
	to_ns = in.closed_ns != 0 ? in.closed_ns + AFTER_INCIDENT : clock_now();
	r = incident_widen(log, from_ns, to_ns, &in, err);
	if (r < 0) {
		incident_found_done(&in);
		goto done;
	}
	slice = (struct pack_slice){ .path = log, .first_seq = in.first_seq, .last_seq = in.last_seq };
	draft = (struct pack_draft){
		.incident = in.id, .title = in.title, .env = in.env, .version = PACKAGE_VERSION, .from_ns = from_ns, .to_ns = to_ns,
		.slices = &slice, .n_slices = 1, .recordings = recordings };
	draft.n_recordings = open_recordings(conf, in.env, draft.from_ns, draft.to_ns, recordings);
	r = pack_write(fd, &draft, err);
	for (size_t i = 0; i < draft.n_recordings; i++)
		recording_free(recordings[i]);
	incident_found_done(&in);
done:
	free(log);
	return r;
}
