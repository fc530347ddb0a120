/* Unpacked chunks, kept while there is room: stepping to and fro costs no unpacking. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/recording_priv.h"

enum { CACHE_MAX = 64 << 20, CHUNK_MAX = 24 << 20 };	/* of one chunk what events are kept */

/* --- bytes ------------------------------------------------------------------------------------------------------------------------------ */

/* Copied, not mapped: the writer may remove or cut it while it is read. */
int
store_bytes(const struct recording *r, const struct rchunk *c, const char **ret, size_t *ret_len, struct err *err)
{
	int fd;
	struct stat st;
	size_t len = 0;
	char *bytes;

	if (c->bytes != NULL) {
		*ret = c->bytes;
		*ret_len = c->size;
		return 0;
	}
	(void)r;
	fd = openat(c->dir_fd, c->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int e = errno;

		if (fd >= 0)
			close(fd);
		return err_set_errno(err, ERR_IO, e, "%s", c->file);
	}
	if (!S_ISREG(st.st_mode) || st.st_size > RECORD_FILE_MAX) {
		close(fd);
		return err_set(err, ERR_LIMIT, "%s: no file, or larger than %d MiB", c->file, RECORD_FILE_MAX >> 20);
	}
	bytes = xmalloc((size_t)st.st_size + 1);
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	*ret = bytes;
	*ret_len = len;
	return 0;
}

void
store_bytes_done(const struct rchunk *c, const char *bytes)
{
	if (c->bytes == NULL)
		free((char *)bytes);
}

static struct recording *
whole(struct recording *r)
{
	return r->whole != NULL ? r->whole : r;
}

/* --- the cache ---------------------------------------------------------------------------------------------------------------------------- */

static void
snaps_done(struct decoded *d)
{
	for (size_t i = 0; i < d->n_snaps; i++) {
		event_done(&d->snaps[i].ev);
		free(d->snaps[i].slot);
	}
	free(d->snaps);
	d->snaps = NULL;
	d->n_snaps = 0;
	d->has_snaps = false;
}

static void
events_done(struct decoded *d)
{
	for (size_t i = 0; i < d->n_events; i++) {
		event_done(&d->events[i].ev);
		free(d->events[i].slot);
	}
	free(d->events);
	d->events = NULL;
	d->n_events = 0;
}

void
store_forget(struct recording *r, struct rchunk *c)
{
	struct decoded *d = c->decoded;

	if (d == NULL)
		return;
	whole(r)->cached -= d->bytes;
	snaps_done(d);
	events_done(d);
	chunk_text_done(&d->text);
	free(d);
	c->decoded = NULL;
}

/* What was not used for longest goes, but for the one just asked for. */
static void
make_room(struct recording *r, const struct rchunk *but)
{
	while (r->cached > CACHE_MAX) {
		struct rchunk *oldest = NULL;

		for (size_t i = 0; i < r->n + r->n_gone; i++) {
			struct rchunk *c = i < r->n ? r->chunks[i] : r->gone[i - r->n];

			if (c != but && c->decoded != NULL && (oldest == NULL || c->decoded->used < oldest->decoded->used))
				oldest = c;
		}
		if (oldest == NULL)
			return;
		store_forget(r, oldest);
	}
}

static void
count(struct recording *r, struct rchunk *c)
{
	struct decoded *d = c->decoded;
	size_t bytes = sizeof *d + d->text.text.cap + d->text.cap_lines * sizeof *d->text.lines;

	for (size_t i = 0; i < d->n_snaps; i++)
		bytes += block_bytes(d->snaps[i].ev.block) + sizeof *d->snaps;
	for (size_t i = 0; i < d->n_events; i++)
		bytes += block_bytes(d->events[i].ev.block) + sizeof *d->events;
	whole(r)->cached += bytes - d->bytes;
	d->bytes = bytes;
	d->used = ++whole(r)->clock;
	make_room(whole(r), c);
}

/* --- text ------------------------------------------------------------------------------------------------------------------------------------ */

static bool
read_text(struct recording *r, struct rchunk *c, struct chunk_text *ret)
{
	const char *bytes;
	size_t len;

	if (store_bytes(r, c, &bytes, &len, NULL) < 0) {
		recording_damaged(r, c, INT64_MIN, "it cannot be read");
		return false;
	}
	c->size = len;
	c->pub.bytes = len;
	if (len < c->head.size)
		len = c->head.size = 0;	/* it was cut since its header was read: nothing is left */
	chunk_text_read(bytes + c->head.size, len - c->head.size, c->pub.from_ns, ret);
	store_bytes_done(c, bytes);
	return true;
}

/*
 * A file that is still written ends where it ends; what its writer never ended is known as far as it goes. One that was closed is shown
 * whole or not at all: where its checksum does not say that it is what was written, nobody knows which of it is not.
 */
static void
judge(struct recording *r, struct rchunk *c, const struct chunk_text *t)
{
	if (!t->has_snapshot)
		recording_damaged(r, c, INT64_MIN, t->problem);
	else if (c->pub.is_closed && !(t->is_ended && t->problem[0] == '\0'))
		recording_damaged(r, c, INT64_MIN, t->problem[0] != '\0' ? t->problem : "its zstd frame is cut short");
	else if (t->problem[0] != '\0')
		recording_damaged(r, c, t->end_ns, t->problem);
	else if (!c->pub.is_closed)
		c->pub.to_ns = t->end_ns;
}

struct decoded *
store_text(struct recording *r, struct rchunk *c)
{
	if (c->decoded == NULL && c->is_usable) {
		struct decoded *d = xcalloc(1, sizeof *d);

		if (!read_text(r, c, &d->text)) {
			free(d);
			return NULL;
		}
		judge(r, c, &d->text);
		c->decoded = d;
		count(r, c);
	}
	if (c->decoded == NULL || !c->is_usable)
		return NULL;
	c->decoded->used = ++whole(r)->clock;
	return c->decoded;
}

void
store_grown(struct recording *r, struct rchunk *c)
{
	struct decoded *d = c->decoded;
	struct chunk_text text;

	if (d == NULL) {
		store_text(r, c);
		return;
	}
	if (!read_text(r, c, &text))
		return;
	/* A player may stand in it: it must be the same text, and more. */
	if (text.n_snapshot != d->text.n_snapshot || text.text.len < d->text.text.len ||
	    memcmp(text.text.data, d->text.text.data, d->text.text.len) != 0) {
		chunk_text_done(&text);
		recording_damaged(r, c, d->text.end_ns, "it was changed while it was read");
		return;
	}
	chunk_text_done(&d->text);
	d->text = text;
	judge(r, c, &d->text);
	count(r, c);
}

/* --- the snapshot ------------------------------------------------------------------------------------------------------------------------------- */

static void
keep_snap(struct decoded *d, const struct event *ev, const char *slot)
{
	if ((d->n_snaps & (d->n_snaps - 1)) == 0)
		d->snaps = xreallocarray(d->snaps, d->n_snaps == 0 ? 1 : d->n_snaps * 2, sizeof *d->snaps);
	d->snaps[d->n_snaps++] = (struct snap){ *ev, xstrdup(slot) };
}

struct decoded *
store_snapshot(struct recording *r, struct rchunk *c)
{
	struct decoded *d = store_text(r, c);
	struct slots slots = { 0 };
	struct err err = ERR_INIT;
	int code = 0;

	if (d == NULL || d->has_snaps)
		return d;
	d->work = RECORD_WORK_MAX;
	for (size_t i = 0; code >= 0 && i < d->text.n_snapshot; i++) {
		const struct chunk_line *line = &d->text.lines[i];
		const char *slot;
		struct event ev;

		code = chunk_line_read(c->head.format, d->text.text.data + line->at, line->len, &slots, &d->work, &ev, &slot, &err);
		if (code == 1)
			keep_snap(d, &ev, slot);
	}
	slots_done(&slots);
	d->has_snaps = code >= 0;
	if (code < 0) {
		char text[sizeof err.msg + 32];

		snprintf(text, sizeof text, "its snapshot is damaged: %s", err.msg);
		snaps_done(d);
		recording_damaged(r, c, INT64_MIN, text);
		return NULL;
	}
	count(r, c);
	return d;
}

/* --- events ------------------------------------------------------------------------------------------------------------------------------------- */

/* More lines of a file that has grown are more events. */
static struct known_event *
place_of(struct recording *r, struct rchunk *c, size_t i)
{
	struct decoded *d = c->decoded;
	size_t more = d->text.n_lines - d->n_events;

	if (more > 0) {
		d->events = xreallocarray(d->events, d->text.n_lines, sizeof *d->events);
		memset(d->events + d->n_events, 0, more * sizeof *d->events);
		d->n_events = d->text.n_lines;
		d->bytes += more * sizeof *d->events;
		whole(r)->cached += more * sizeof *d->events;
	}
	return &d->events[i];
}

static void
keep_event(struct recording *r, struct rchunk *c, struct known_event *known, const struct event *ev, const char *slot, uint64_t work)
{
	struct decoded *d = c->decoded;
	size_t bytes = block_bytes(ev->block);

	if (d->bytes + bytes > CHUNK_MAX)
		return;
	*known = (struct known_event){ *ev, xstrdup(slot), work };
	known->ev.block = block_ref(ev->block);
	d->bytes += bytes;
	whole(r)->cached += bytes;
	make_room(whole(r), c);
}

int
store_event(struct recording *r, struct rchunk *c, size_t i, struct slots *slots, uint64_t *work, struct event *ret, struct err *err)
{
	struct decoded *d = c->decoded;
	const struct chunk_line *line = &d->text.lines[i];
	struct known_event *known = place_of(r, c, i);
	struct slots none = { 0 };
	uint64_t before = *work;
	const char *slot;
	int code;

	if (known->ev.block != NULL && known->work <= *work) {
		*ret = known->ev;
		block_ref(ret->block);
		*work -= known->work;
		if (slots != NULL && known->slot[0] != '\0')
			slot_keep(slots_get(slots, known->slot), ret);
		return 1;
	}
	code = chunk_line_read(c->head.format, d->text.text.data + line->at, line->len, slots != NULL ? slots : &none, work, ret, &slot, err);
	if (code == 1 && ret->block != NULL)
		keep_event(r, c, known, ret, slot, before - *work);
	slots_done(&none);
	return code;
}
