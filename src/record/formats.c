/* The lines of a chunk, one reader for each format that was ever written. */
#include "config.h"

#include <jansson.h>
#include <string.h>

#include "record/chunk_read.h"
#include "record/lines.h"
#include "record/range.h"

const char *const chunk_after_names[] = { "start", "chunk", "quiet", "gap", NULL };

/* apart: what of an event is not in line; NULL: nothing. */
typedef int format_line(json_t *line, const struct lines_apart *apart, struct slots *slots, uint64_t *work, struct event *ret, const char **ret_slot,
    struct err *err);

/* --- format 1 -------------------------------------------------------------------------------------------------------------------------- */

static bool
is_known(const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "event"));

	for (int i = 0; name != NULL && i < EVENT_KINDS; i++)
		if (strcmp(event_kind_name((enum event_kind)i), name) == 0)
			return true;
	return name == NULL;	/* then it is wrong, and not new */
}

/* What the slot says again, at another time; ret stays without a block where this version does not know what it said. */
static int
read_again(const json_t *time, const struct slot *slot, struct event *ret, struct err *err)
{
	json_int_t v = json_integer_value(time);

	if (slot == NULL)
		return err_set(err, ERR_INVALID, "something is said again that was not said");
	if (slot->ev.block == NULL)
		return 0;	/* and ret has none, either */
	*ret = slot->ev;
	ret->block = block_ref(slot->ev.block);
	ret->time_ns = v > INT64_MAX / 2 ? INT64_MAX / 2 : v < -(INT64_MAX / 2) ? -(INT64_MAX / 2) : (int64_t)v;
	return 0;
}

static int
read_apart(const json_t *is, const struct lines_apart *apart, struct event *ret)
{
	int r = event_from_json(is, ret, NULL);

	if (r < 0 || lines_put(apart, ret))
		return r;
	event_done(ret);
	return ERR_INVALID;
}

static int
line_1(json_t *line, const struct lines_apart *apart, struct slots *slots, uint64_t *work, struct event *ret, const char **ret_slot, struct err *err)
{
	const char *name = json_string_value(json_object_get(line, "slot"));
	const json_t *is = json_object_get(line, "is"), *range = json_object_get(line, "range"), *again = json_object_get(line, "again");
	struct slot *slot = name != NULL ? slots_find(slots, name) : NULL;
	int r;

	if (json_is_object(is) && !is_known(is)) {
		/* it may be said again, and what the slot said before is over */
		if (name != NULL)
			event_done(&slots_get(slots, name)->ev);
		return 0;
	}
	if (apart != NULL)
		r = json_is_object(is) ? read_apart(is, apart, ret) : ERR_INVALID;
	else if (json_is_object(is))
		r = event_from_json(is, ret, err);
	else if (json_is_object(range))
		r = range_read(range, slot != NULL && slot->ev.block != NULL && slot->ev.kind == EVENT_SERIES ? slot->ev.block : NULL, work, ret, err);
	else if (json_is_integer(again))
		r = read_again(again, slot, ret, err);
	else
		return 0;
	if (r < 0 || ret->block == NULL)
		return r;
	if (name == NULL || name[0] == '\0')
		return 1;
	slot = slots_get(slots, name);
	slot_keep(slot, ret);
	*ret_slot = slot->name;
	return 1;
}

/* --- all of them ----------------------------------------------------------------------------------------------------------------------- */

static format_line *const formats[RECORD_FORMAT + 1] = { [1] = line_1 };

static int
read_json(unsigned format, const char *text, size_t len, const struct lines_apart *apart, struct slots *slots, uint64_t *work, struct event *ret, const char **ret_slot,
    struct err *err)
{
	json_t *json = json_loadb(text, len, JSON_ALLOW_NUL, NULL);	/* lines of logs may hold any byte; other texts with one are refused by the codec */
	int r;

	*ret = (struct event){ .source = "" };
	*ret_slot = "";
	if (!json_is_object(json))
		r = err_set(err, ERR_SYNTAX, "not a JSON object");
	else
		r = formats[format](json, apart, slots, work, ret, ret_slot, err);
	json_decref(json);
	return r;
}

int
chunk_line_read(unsigned format, const char *line, size_t len, struct slots *slots, uint64_t *work, struct event *ret, const char **ret_slot,
    struct err *err)
{
	struct lines_apart apart;

	if (format == 0 || format > RECORD_FORMAT)
		return err_set(err, ERR_INVALID, "format %u", format);
	if (lines_take_apart(line, len, &apart)) {
		int r = read_json(format, apart.rest.data, apart.rest.len, &apart, slots, work, ret, ret_slot, NULL);

		buf_done(&apart.rest);
		if (r == 1)
			return 1;
	}
	return read_json(format, line, len, NULL, slots, work, ret, ret_slot, err);
}
