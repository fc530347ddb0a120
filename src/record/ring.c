/* What is kept and what makes room; and what came of the batches. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/json_writer.h"
#include "record/recorder_priv.h"

enum { MARK_MAX = 8192 };

void
ring_done(struct recorder *r)
{
	for (size_t i = 0; i < r->n_pins; i++)
		free(r->pins[i]);
	free(r->pins);
	free(r->chunks);
	batch_free(r->next);
}

void
recorder_tell(struct recorder *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	log_write(LOG_INFO, "record", "%s", text);
	if (r->options.problem != NULL)
		r->options.problem(text, r->options.arg);
	free(text);
}

/* --- what is kept ------------------------------------------------------------------------------------------------------------------- */

static bool
has_room(struct recorder *r, uint64_t bytes)
{
	char text[NUM_TEXT_MAX];

	if (r->kept_elsewhere + r->kept_bytes + bytes <= (uint64_t)r->options.kept_max)
		return true;
	if (!r->is_full)
		recorder_tell(r, "Recordings that are kept take all of the %s they may have: nothing more is kept. Remove some (opsconsole --recordings lists them).",
		    num_format(text, (double)r->options.kept_max, "bytes"));
	r->is_full = true;
	return false;
}

static void
tell_chunk(struct recorder *r, const struct ring_chunk *c, bool is_pinned)
{
	const struct chunk_facts *f = &c->facts;
	char *dir;
	struct chunk_info info;

	if (r->options.chunk == NULL)
		return;
	dir = xasprintf("%s/%s/%s", r->root, r->env, r->id);
	info = (struct chunk_info){ .recording = r->id, .dir = dir, .number = f->number, .file = f->file, .from_ns = f->from_ns, .to_ns = f->to_ns,
		.bytes = f->bytes, .n_events = f->n_events, .sha256 = f->sha256, .prev = f->prev };
	r->options.chunk(&info, is_pinned, r->options.arg);
	free(dir);
}

/* In order: the chain of the audit log has them as they follow each other. */
static void
keep_chunks(struct recorder *r)
{
	for (size_t i = 0; i < r->n_chunks; i++) {
		struct ring_chunk *c = &r->chunks[i];

		if (c->is_kept || (r->n_pins == 0 && c->facts.number > r->kept_through))
			continue;
		if (!has_room(r, c->facts.bytes))
			return;
		c->is_kept = true;
		r->kept_bytes += c->facts.bytes;
		if (c->is_told)
			continue;
		c->is_told = true;
		tell_chunk(r, c, true);
	}
}

static void
drop_chunk(struct recorder *r, size_t i)
{
	recorder_job(r, JOB_REMOVE)->number = r->chunks[i].facts.number;
	memmove(&r->chunks[i], &r->chunks[i + 1], (--r->n_chunks - i) * sizeof *r->chunks);
}

/* Oldest first, until what is not kept fits in time and room. */
static void
make_room(struct recorder *r)
{
	uint64_t bytes = 0;

	if (r->is_ending || (r->n_pins > 0 && !r->is_full))
		return;
	for (size_t i = 0; i < r->n_chunks; i++)
		bytes += r->chunks[i].is_kept ? 0 : r->chunks[i].facts.bytes;
	for (size_t i = 0; i < r->n_chunks; ) {
		const struct ring_chunk *c = &r->chunks[i];

		if (c->is_kept) {
			i++;
			continue;
		}
		if (c->facts.to_ns >= r->last_ns - r->options.keep_ns && bytes <= (uint64_t)r->options.keep_bytes)
			break;
		bytes -= c->facts.bytes;
		drop_chunk(r, i);
	}
	r->since_ns = r->n_chunks > 0 ? r->chunks[0].facts.from_ns : r->has_chunk ? r->from_ns : 0;
	recorder_send(r);
}

void
recorder_end(struct recorder *r)
{
	bool is_kept = r->n_pins > 0 || (r->was_pinned && r->number > 0 && r->number <= r->kept_through);

	if (r->was_pinned) {
		for (size_t i = r->n_chunks; i-- > 0; )
			if (!r->chunks[i].is_kept && r->n_pins == 0 && r->chunks[i].facts.number > r->kept_through)
				drop_chunk(r, i);
		if (!is_kept && r->number > 0)
			recorder_job(r, JOB_REMOVE)->number = r->number;
	}
	recorder_job(r, JOB_END)->number = r->was_pinned ? 0 : 1;
}

/* --- pins ---------------------------------------------------------------------------------------------------------------------------- */

static void
mark(struct recorder *r, const char *word, const char *why)
{
	char at[CLOCK_TEXT_MAX];
	struct buf b;

	buf_init(&b, MARK_MAX);
	buf_printf(&b, "{\"at\":\"%s\",\"%s\":", clock_format(at, clock_now(), 3), word);
	json_add_text(&b, why);
	buf_printf(&b, ",\"chunk\":%" PRIu64 "}\n", r->number);
	if (!b.is_over)
		recorder_job(r, JOB_MARK)->text = buf_take(&b, NULL);
	buf_done(&b);
}

static size_t
find_pin(const struct recorder *r, const char *why)
{
	size_t i = 0;

	while (i < r->n_pins && strcmp(r->pins[i], why) != 0)
		i++;
	return i;
}

void
recorder_pin(struct recorder *r, const char *why)
{
	if (find_pin(r, why) < r->n_pins)
		return;
	r->pins = xreallocarray(r->pins, r->n_pins + 1, sizeof *r->pins);
	r->pins[r->n_pins++] = xstrdup(why);
	r->was_pinned = true;
	r->is_full = false;
	mark(r, "pinned", why);
	recorder_job(r, JOB_KEPT);	/* its report tells of the chunks that are there */
	recorder_send(r);
}

void
recorder_unpin(struct recorder *r, const char *why)
{
	size_t i = find_pin(r, why);

	if (i == r->n_pins)
		return;
	free(r->pins[i]);
	memmove(&r->pins[i], &r->pins[i + 1], (--r->n_pins - i) * sizeof *r->pins);
	mark(r, "unpinned", why);
	if (r->n_pins == 0) {
		/* The chunk under way ends here, so that its hash is known soon and a packed file can have it. */
		r->kept_through = r->number;
		if (clock_now() > r->last_ns)
			r->last_ns = clock_now();
		recorder_close_chunk(r, r->last_ns);
	}
	recorder_send(r);
}

/* --- what came of a batch -------------------------------------------------------------------------------------------------------------- */

static struct ring_chunk *
add_chunk(struct recorder *r, const struct chunk_facts *f)
{
	if (r->n_chunks == r->cap_chunks) {
		r->cap_chunks = r->cap_chunks == 0 ? 32 : r->cap_chunks * 2;
		r->chunks = xreallocarray(r->chunks, r->cap_chunks, sizeof *r->chunks);
	}
	r->chunks[r->n_chunks] = (struct ring_chunk){ .facts = *f };
	return &r->chunks[r->n_chunks++];
}

static void
on_closed(struct recorder *r, const struct chunk_facts *f)
{
	struct ring_chunk *c = add_chunk(r, f);

	r->chunk_bytes = 0;
	keep_chunks(r);
	if (!c->is_kept)
		tell_chunk(r, c, false);
	make_room(r);
}

/* A torn chunk takes part in the ring, but has no hash that could be told. */
static void
on_failed(struct recorder *r, const char *text, const struct chunk_facts *torn)
{
	if (torn->number > 0)
		add_chunk(r, torn)->is_told = true;
	r->is_broken = true;
	r->retry_mono = clock_mono() + RETRY_NS;
	recorder_gap(r, text);
}

static void
on_begun(struct recorder *r)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	if (!r->is_told)
		return;
	r->is_told = false;
	recorder_tell(r, "The flight recorder goes on. Not recorded: %s to %s.", clock_format(from, r->gap_ns, 0), clock_format(to, r->from_ns, 0));
}

static void
take_report(struct recorder *r, const struct report_item *item)
{
	switch (item->kind) {
	case REPORT_OPENED:
		free(r->id);
		r->id = xstrdup(item->text);
		r->kept_elsewhere = item->bytes;
		break;
	case REPORT_BEGUN:
		on_begun(r);
		break;
	case REPORT_CLOSED:
		on_closed(r, &item->chunk);
		break;
	case REPORT_KEPT:
		r->kept_elsewhere = item->bytes;
		keep_chunks(r);
		break;
	case REPORT_FAILED:
		on_failed(r, item->text, &item->chunk);
		break;
	}
}

void
recorder_reports(struct recorder *r, const struct batch *b)
{
	r->waiting -= b->n_events;
	r->waiting_bytes -= b->bytes;
	r->chunk_bytes = b->chunk_bytes;
	for (size_t i = 0; i < b->n_reports; i++)
		take_report(r, &b->reports[i]);
}
