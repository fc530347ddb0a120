/*
 * Objectives as several panels and the status line show them: which ones stand for the time shown, glyph and word of a state, a
 * few words. Pure.
 */
#ifndef OPS_PANELS_PARTS_SLO_H
#define OPS_PANELS_PARTS_SLO_H

#include "parts.h"

struct part_slos {
	enum part_standing kind;
	const struct model *model;	/* whose rows; NULL: none */
	size_t n;
	int64_t at_ns;			/* what the rows are as of; 0 when nothing was worked out */
};
/* Those of the time shown. Nothing need have been recorded then: metrics carry their own history. */
struct part_slos part_slos(const struct view *v);
/* Most urgent first. slo and detail are NULL while pending. */
struct model_slo part_slo(const struct part_slos *s, size_t i);
bool part_slo_find(const struct part_slos *s, const char *id, struct model_slo *ret);
/* How it is known, as part_standing_text() says it. buf of STANDING_TEXT_MAX; returns buf. */
const char *part_slos_text(const struct view *v, const struct part_slos *s, char *buf);

/* What it counts as now: the rule's severity, or that of missing data; NONE when it is nothing to act on. */
enum severity part_slo_severity(const struct model_slo *s);
const char *part_slo_glyph(const struct model_slo *s, enum role *ret_role);
const char *part_slo_word(const struct model_slo *s);		/* "page", "no data", "spent", ..: at most 8 columns */
/* true: its budget is not known now, and a bar would be a guess. */
bool part_slo_is_blind(const struct model_slo *s);

/* The one to worry about: the most urgent of those that page, then of those that make a ticket, else the one with the least left. false: of
 * none is anything known. */
bool part_slo_first(const struct part_slos *s, struct model_slo *ret);
/* "38%"; "~38%" when it is of little data. buf of PART_SHARE_MAX; returns buf. */
enum { PART_SHARE_MAX = SLO_SHARE_MAX + 8 };
const char *part_slo_share(const struct slo *s, char *buf);
/* "38%, 6h10m": what cannot be left out. buf of PART_SLO_SHORT_MAX; returns buf. */
enum { PART_SLO_SHORT_MAX = 64 };
const char *part_slo_short(const struct model_slo *s, char *buf);
/* "budget spam-quality 38% left, 6h10m at 14.9x" on at most w columns, in shorter words where it must be: the name and how long it lasts
 * go last; "" where there is no room. A second more or less changes no words. Escaped. buf of size; returns buf. */
const char *part_slo_sentence(const struct model_slo *s, int w, char *buf, size_t size);
/* What "a target of 99.95%" is written like. buf of PART_TARGET_MAX; returns buf. */
enum { PART_TARGET_MAX = 32 };
const char *part_target(double target, char *buf);
/* A window as people call it: "1h", "30m", "3d"; not "1h00m". buf of DURATION_TEXT_MAX; returns buf. */
const char *part_window(int64_t window_ns, char *buf);

#endif
