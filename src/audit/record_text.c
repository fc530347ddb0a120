/* One line for people. A record says what its members say; what is missing is left out, what is of another type than expected is shown as JSON. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record.h"
#include "base/clock.h"
#include "base/str.h"

static const json_t *
member(const struct audit_record *r, const char *name)
{
	const json_t *v = json_object_get(r->json, name);

	return v == NULL || json_is_null(v) ? NULL : v;
}

static const char *
text_of(const struct audit_record *r, const char *name)
{
	const char *s = json_string_value(member(r, name));

	return s == NULL ? "" : s;
}

static bool
is_true(const struct audit_record *r, const char *name)
{
	return json_is_true(member(r, name));
}

static int
add_json(struct buf *b, const json_t *v)
{
	char *text;

	if (json_is_string(v))
		return (str_escape(b, json_string_value(v), json_string_length(v)), 0);
	text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text != NULL)
		str_escape(b, text, strlen(text));
	free(text);
	return 0;
}

/* before, the value, after; nothing when there is no such member or it is "". */
static void
add(struct buf *b, const struct audit_record *r, const char *before, const char *name, const char *after)
{
	const json_t *v = member(r, name);

	if (v == NULL || (json_is_string(v) && json_string_length(v) == 0))
		return;
	buf_addstr(b, before);
	add_json(b, v);
	buf_addstr(b, after);
}

static void
add_elapsed(struct buf *b, const struct audit_record *r)
{
	const json_t *v = member(r, "elapsed_ms");
	int64_t ms = json_integer_value(v);
	char text[DURATION_TEXT_MAX];

	if (!json_is_integer(v))
		return;
	if (ms >= 0 && ms < 60000)
		buf_printf(b, " in %" PRId64 ".%" PRId64 "s", ms / 1000, ms % 1000 / 100);
	else if (ms >= 0 && ms < INT64_MAX / NS_PER_MS)
		buf_printf(b, " in %s", duration_format(text, ms * NS_PER_MS));
}

/* In records the first is 0, for people it is 1. */
static void
add_batch(struct buf *b, const struct audit_record *r, const char *before, const char *behind)
{
	const json_t *batch = member(r, "batch");

	if (json_is_integer(batch) && json_integer_value(batch) >= 0)
		buf_printf(b, "%s%lld%s", before, (long long)json_integer_value(batch) + 1, behind);
}

/* "activate on web-01" */
static void
add_step(struct buf *b, const struct audit_record *r)
{
	if (is_true(r, "undo"))
		buf_addstr(b, "undo of ");
	add(b, r, "", "step", "");
	add(b, r, " on ", "host", "");
	add_batch(b, r, ", batch ", "");
	if (json_integer_value(member(r, "attempt")) > 1)
		add(b, r, ", attempt ", "attempt", "");
}

static void
add_run_start(struct buf *b, const struct audit_record *r)
{
	const json_t *hosts = member(r, "hosts");

	add(b, r, "", "runbook", " begins");
	add(b, r, " on ", "confirm", "");
	add(b, r, ": ", "title", "");
	if (json_is_array(hosts))
		buf_printf(b, "; %zu host%s", json_array_size(hosts), json_array_size(hosts) == 1 ? "" : "s");
	add(b, r, "; danger ", "danger", "");
	add(b, r, "; confirmed: ", "confirmed", "");
	if (strlen(text_of(r, "plan")) >= 12)
		buf_printf(b, "; plan %.12s", text_of(r, "plan"));
}

static void
add_run_end(struct buf *b, const struct audit_record *r)
{
	const json_t *verified = member(r, "verified");

	add(b, r, "ended: ", "outcome", "");
	add(b, r, ", exit ", "exit", "");
	if (json_is_boolean(verified))
		buf_addstr(b, json_is_true(verified) ? ", verified" : ", not verified");
	add(b, r, ": ", "text", "");
}

static void
add_check(struct buf *b, const struct audit_record *r)
{
	const char *what = json_string_value(json_object_get(r->json, "what")), *expected = json_string_value(json_object_get(r->json, "expected"));
	bool is_said = what != NULL && expected != NULL && str_has_prefix(what, expected);	/* a condition is named by what it expects */

	add(b, r, "", "check", " ");
	add(b, r, "", "what", "");
	add(b, r, " on ", "host", "");
	if (!is_said)
		add(b, r, ": expected ", "expected", "");
	add(b, r, is_said ? ": found " : ", found ", "found", "");
	add(b, r, ": ", "outcome", "");
	add(b, r, " (", "text", ")");
}

static void
add_body(struct buf *b, const struct audit_record *r)
{
	switch (r->type) {
	case AUDIT_OPENED:
		add(b, r, "log opened by opsconsole ", "version", "");
		add(b, r, " (", "mode", ")");
		add(b, r, " instead of ", "instead_of", "");
		add(b, r, ", behind ", "after", "");
		add(b, r, ": ", "reason", "");
		break;
	case AUDIT_RECOVERED:
		add(b, r, "", "bytes", " torn bytes at the end were moved to ");
		add(b, r, "", "file", "");
		break;
	case AUDIT_GAP:
		add(b, r, "acts were made without this log since ", "since", "");
		add(b, r, " (break glass: ", "reason", ")");
		add(b, r, "; their records: ", "where", "");
		break;
	case AUDIT_RUN_START:
		add_run_start(b, r);
		break;
	case AUDIT_RUN_STATE:
		add_batch(b, r, "batch ", ": ");
		add(b, r, "", "state", "");
		add(b, r, ": ", "text", "");
		break;
	case AUDIT_INTENT:
		add_step(b, r);
		add(b, r, " begins: ", "what", "");
		break;
	case AUDIT_RESULT:
		add_step(b, r);
		add(b, r, ": ", "outcome", "");
		add_elapsed(b, r);
		add(b, r, " (", "text", ")");
		break;
	case AUDIT_CHECK:
		add_check(b, r);
		break;
	case AUDIT_RUN_END:
		add_run_end(b, r);
		break;
	case AUDIT_ACT:
		add(b, r, "", "verb", "");
		add(b, r, " ", "object", "");
		add(b, r, " at ", "source", "");
		add(b, r, ": ", "text", "");
		break;
	case AUDIT_ACT_RESULT:
		add(b, r, "act ", "act", ": ");
		add(b, r, "", "outcome", "");
		add(b, r, ": ", "text", "");
		break;
	case AUDIT_NOTE:
		add(b, r, "note: ", "text", "");
		break;
	case AUDIT_INCIDENT_OPENED:
		buf_addstr(b, is_true(r, "joined") ? "incident joined" : "incident opened");
		add(b, r, ": ", "title", "");
		break;
	case AUDIT_INCIDENT_CLOSED:
		buf_addstr(b, "incident closed");
		add(b, r, ": ", "text", "");
		break;
	case AUDIT_RECORDING:
		add(b, r, "recording ", "recording", " ");
		add(b, r, "", "state", "");
		add(b, r, ": ", "why", "");
		break;
	case AUDIT_CHUNK:
		add(b, r, "recording ", "recording", "");
		add(b, r, ", chunk ", "number", "");
		add(b, r, ": ", "from", "");
		add(b, r, " to ", "to", "");
		add(b, r, ", ", "bytes", " bytes");
		add(b, r, ", SHA-256 ", "sha256", "");
		break;
	case AUDIT_ANCHOR:
		add(b, r, "head ", "head", "");
		add(b, r, " anchored: ", "kind", "");
		add(b, r, " at ", "where", "");
		add(b, r, ", key ", "key", "");
		break;
	case AUDIT_TYPES:
		buf_printf(b, "%s (a record of a newer version)", r->type_name);
		add(b, r, ": ", "text", "");
		break;
	}
	add(b, r, " [", "cut", " bytes left out]");
}

static void
add_named(struct buf *b, const char *word, const char *name)
{
	if (name == NULL)
		return;
	buf_addstr(b, word);
	str_escape(b, name, strlen(name));
	buf_addstr(b, "  ");
}

int
audit_record_words(const struct audit_record *r, struct buf *b)
{
	add_body(b, r);
	return b->is_over ? ERR_LIMIT : 0;
}

int
audit_record_text(const struct audit_record *r, struct buf *b)
{
	char when[CLOCK_TEXT_MAX];

	clock_format(when, r->time_ns, 0);
	when[10] = ' ';
	buf_printf(b, "%" PRIu64 "  %s  ", r->seq, when);
	str_escape(b, r->user, strlen(r->user));
	buf_addch(b, '@');
	str_escape(b, r->host, strlen(r->host));
	buf_addstr(b, "  ");
	add_named(b, "run ", r->run);
	if (r->run == NULL)
		add_named(b, "incident ", r->incident);
	add_body(b, r);
	return b->is_over ? ERR_LIMIT : 0;
}
