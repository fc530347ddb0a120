#include "config.h"

#include "parts_timeline.h"

#include <stdio.h>

#include "parts_run.h"

enum part_timeline_group
part_timeline_group(enum timeline_kind kind)
{
	switch (kind) {
	case TIMELINE_CHANGE:
		return PART_TIMELINE_CHANGED;
	case TIMELINE_RUN: case TIMELINE_ACT: case TIMELINE_MESSAGE:
		return PART_TIMELINE_DONE;
	case TIMELINE_NOTE: case TIMELINE_INCIDENT:
		return PART_TIMELINE_WRITTEN;
	case TIMELINE_SOURCE:
		return PART_TIMELINE_SOURCES;
	case TIMELINE_ALERT: case TIMELINE_SLO: case TIMELINE_DRIFT: case TIMELINE_MODEL: case TIMELINE_KINDS:
		break;
	}
	return PART_TIMELINE_WRONG;
}

const char *
part_timeline_group_name(enum part_timeline_group group)
{
	static const char *const names[PART_TIMELINE_GROUPS] = { "wrong", "changed", "done", "written", "sources" };

	return names[group];
}

/* What is wrong, as elsewhere: full while it lasts, empty when it is over. Less important severities are told by their role. */
static const char *
wrong_glyph(const struct timeline_entry *e, enum role *ret_role)
{
	if (e->is_end) {
		*ret_role = ROLE_OK;
		return GLYPH_OK;
	}
	*ret_role = part_severity_role(e->severity);
	return GLYPH_FIRING;
}

const char *
part_timeline_glyph(const struct timeline_entry *e, enum role *ret_role)
{
	switch (e->kind) {
	case TIMELINE_SOURCE:
		*ret_role = e->is_end ? ROLE_OK : ROLE_STALE;
		return e->is_end ? GLYPH_OK : GLYPH_STALE;
	case TIMELINE_CHANGE:
		*ret_role = ROLE_CHANGED;
		return GLYPH_CHANGED;
	case TIMELINE_RUN:
		*ret_role = e->is_end && e->severity == SEVERITY_PAGE ? ROLE_ALERT_FIRING : ROLE_KEY;
		return e->is_end ? "◀" : "▶";
	case TIMELINE_ACT:
		*ret_role = ROLE_KEY;
		return "◆";
	case TIMELINE_MESSAGE:
		*ret_role = ROLE_KEY;
		return "@";
	case TIMELINE_NOTE:
		*ret_role = ROLE_STRONG;
		return "•";
	case TIMELINE_INCIDENT:
		*ret_role = ROLE_WARNING;
		return e->is_end ? "□" : "■";
	case TIMELINE_ALERT: case TIMELINE_SLO: case TIMELINE_DRIFT: case TIMELINE_MODEL: case TIMELINE_KINDS:
		break;
	}
	return wrong_glyph(e, ret_role);
}

const char *
part_timeline_word(const struct timeline_entry *e, char *buf)
{
	snprintf(buf, PART_TIMELINE_WORD_MAX, "%s%s", timeline_kind_name(e->kind), e->is_end ? " end" : "");
	return buf;
}

int
part_timeline_rank(const struct timeline_entry *e)
{
	bool is_wrong = part_timeline_group(e->kind) == PART_TIMELINE_WRONG && !e->is_end;

	if (is_wrong && e->severity == SEVERITY_PAGE)
		return 9;
	switch (e->kind) {
	case TIMELINE_INCIDENT: return 8;
	case TIMELINE_RUN: return 7;
	case TIMELINE_ACT: case TIMELINE_MESSAGE: return 6;
	case TIMELINE_CHANGE: return 5;
	case TIMELINE_SOURCE: return e->is_end ? 0 : 3;
	case TIMELINE_NOTE: return 2;
	case TIMELINE_ALERT: case TIMELINE_SLO: case TIMELINE_DRIFT: case TIMELINE_MODEL: case TIMELINE_KINDS: break;
	}
	return is_wrong ? 4 : 1;
}

const char *
part_offset(int64_t at_ns, int64_t zero_ns, char *buf)
{
	int64_t ns = (at_ns - zero_ns) / NS_PER_S * NS_PER_S;	/* within a second is no time before */
	char text[DURATION_TEXT_MAX];

	snprintf(buf, PART_OFFSET_MAX, "%c%s", ns < 0 ? '-' : '+', part_elapsed(ns < 0 ? -ns : ns, text));
	return buf;
}
