#include "config.h"

#include "plain_line.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/model.h"

#define KNOWN_LATER NS_PER_MIN

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static void
add_escaped(struct buf *out, const char *before, const char *text)
{
	buf_addstr(out, before);
	str_escape(out, text, strlen(text));
}

void
plain_line_add(struct buf *out, const struct plain_line *l)
{
	const char *severity = or_empty(l->severity), *what = or_empty(l->what), *text = or_empty(l->text), *by = or_empty(l->by);
	char at[CLOCK_TEXT_MAX];

	buf_printf(out, "%s  %-8s %-6s %-8s", clock_format(at, l->at_ns, 0), l->kind, or_empty(l->word), *severity != '\0' ? severity : "-");
	if (*what != '\0')
		add_escaped(out, " ", what);
	if (*text != '\0')
		add_escaped(out, *what != '\0' ? ": " : " ", text);
	if (*by != '\0')
		add_escaped(out, "  by ", by);
	if (l->known_ns - l->at_ns >= KNOWN_LATER && l->known_ns != 0)
		buf_printf(out, "  known %s", clock_format(at, l->known_ns, 0));
	if (l->seq != 0)
		buf_printf(out, "  audit %" PRIu64, l->seq);
	buf_addch(out, '\n');
}

/* --- entries of the timeline -------------------------------------------------------------------------------------------- */

/* Things that last have a beginning and an end, the others just are. */
static const char *
word_of(const struct timeline_entry *e)
{
	switch (e->kind) {
	case TIMELINE_CHANGE:
	case TIMELINE_ACT:
	case TIMELINE_MESSAGE:
	case TIMELINE_NOTE:
		return "";
	default:
		return e->is_end ? "ends" : "begins";
	}
}

/* What a source that is silent would tell of is unknown. */
static const char *
severity_of(const struct timeline_entry *e)
{
	if (e->kind == TIMELINE_SOURCE && !e->is_end)
		return "unknown";
	return e->severity == SEVERITY_NONE ? "" : severity_name(e->severity);
}

/* Texts of alerts and objectives begin with the severity, which has its own place here. */
static const char *
text_of(const struct timeline_entry *e, const char *severity)
{
	size_t len = strlen(severity);

	if (len == 0 || strncmp(e->text, severity, len) != 0)
		return e->text;
	if (e->text[len] == '\0')
		return "";
	return strncmp(e->text + len, ", ", 2) == 0 ? e->text + len + 2 : e->text;
}

void
plain_line_entry(struct buf *out, const struct timeline_entry *e)
{
	const char *severity = severity_of(e);
	const char *what = e->kind == TIMELINE_NOTE && str_eq(e->what, timeline_kind_name(e->kind)) ? "" : e->what;	/* said by the kind */

	plain_line_add(out, &(struct plain_line){ .at_ns = e->at_ns, .known_ns = e->known_ns, .kind = timeline_kind_name(e->kind), .word = word_of(e),
	    .severity = severity, .what = what, .text = text_of(e, severity), .by = e->by, .seq = e->seq });
}
