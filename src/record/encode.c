#include "config.h"

#include "record/encode.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "model/json_writer.h"
#include "model/snapshot.h"
#include "record/format.h"
#include "record/range.h"

enum { SLOT_NAME_MAX = 512 };

void
encoder_init(struct encoder *e)
{
	*e = (struct encoder){ 0 };
	buf_init(&e->line, RECORD_LINE_MAX);
}

void
encoder_done(struct encoder *e)
{
	slots_done(&e->slots);
	buf_done(&e->line);
}

void
encoder_reset(struct encoder *e)
{
	slots_done(&e->slots);
}

/* What was written behind at, but for the time of the event: `{"event":"KIND","time":"2030-..Z",` is how each begins. */
static void
digest_event(const struct event *ev, const char *text, size_t len, unsigned char *ret)
{
	static const char member[] = "\"time\":\"";
	size_t at = strlen("{\"event\":\"\",") + strlen(event_kind_name(ev->kind)), from;
	struct digest *d = digest_new();

	if (at + sizeof member > len || memcmp(text + at, member, sizeof member - 1) != 0)
		at = from = 0;
	else
		from = at + sizeof member - 1 + strcspn(text + at + sizeof member - 1, "\"");
	digest_add(d, text, at);
	digest_add(d, text + from, len - from);
	digest_end(d, ret);
}

static void
begin_line(struct encoder *e, const char *slot, const int64_t *at_ns)
{
	buf_reset(&e->line);
	buf_addch(&e->line, '{');
	if (at_ns != NULL)
		buf_printf(&e->line, "\"at\":%" PRId64 ",", *at_ns);
	buf_addstr(&e->line, "\"slot\":");
	json_add_text(&e->line, slot);
	buf_addch(&e->line, ',');
}

/* No event is that long; should one be, its line says so and the rest is as it was. */
static void
end_line(struct encoder *e, const char *slot, const int64_t *at_ns)
{
	buf_addstr(&e->line, "}\n");
	if (!e->line.is_over)
		return;
	begin_line(e, slot, at_ns);
	buf_printf(&e->line, "\"left_out\":\"longer than %d bytes\"}\n", RECORD_LINE_MAX);
}

static void
write_range(struct encoder *e, struct slot *slot, const struct event *ev, bool is_alone)
{
	const struct series_set *base = NULL;

	if (!is_alone && slot->ev.block != NULL && slot->ev.kind == EVENT_SERIES && range_fits(&slot->ev))
		base = slot->ev.block;
	buf_addstr(&e->line, "\"range\":");
	range_write(&e->line, ev, base);
	if (!e->line.is_over)
		slot_keep(slot, ev);
}

/* What a slot says twice is a word the second time. */
static void
write_whole(struct encoder *e, struct slot *slot, const struct event *ev, bool is_alone)
{
	size_t before = e->line.len, at;
	unsigned char digest[32];

	buf_addstr(&e->line, "\"is\":");
	at = e->line.len;
	if (event_write(ev, &e->line) < 0 || e->line.is_over) {
		e->line.is_over = true;
		slot->has_digest = false;
		return;
	}
	digest_event(ev, e->line.data + at, e->line.len - at, digest);
	if (!is_alone && slot->has_digest && memcmp(slot->digest, digest, sizeof digest) == 0) {
		e->line.len = before;
		e->line.data[before] = '\0';
		buf_printf(&e->line, "\"again\":%" PRId64, ev->time_ns);
	}
	memcpy(slot->digest, digest, sizeof digest);
	slot->has_digest = true;
	event_done(&slot->ev);	/* a range must not continue one that another kind of answer has replaced */
}

static void
encode(struct encoder *e, const struct event *ev, const int64_t *at_ns)
{
	char name[SLOT_NAME_MAX];
	struct slot *slot;

	event_slot(ev, name, sizeof name);
	slot = slots_get(&e->slots, name);
	begin_line(e, name, at_ns);
	if (range_fits(ev)) {
		slot->has_digest = false;
		write_range(e, slot, ev, at_ns == NULL);
	} else {
		write_whole(e, slot, ev, at_ns == NULL || name[0] == '\0');
	}
	end_line(e, name, at_ns);
}

void
encode_snapshot(struct encoder *e, const struct event *ev)
{
	encode(e, ev, NULL);
}

void
encode_mark(struct encoder *e, size_t n_events)
{
	buf_reset(&e->line);
	buf_printf(&e->line, "{\"mark\":\"snapshot\",\"events\":%zu}\n", n_events);
}

void
encode_event(struct encoder *e, const struct event *ev, int64_t at_ns)
{
	encode(e, ev, &at_ns);
}
