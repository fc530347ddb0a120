/*
 * Models and hosts as several panels show them: glyph and word of a state, what should serve, what does. Pure. What comes
 * from outside and is not said to be escaped is as received: canvas and cells make it harmless.
 */
#ifndef OPS_PANELS_PARTS_MODELS_H
#define OPS_PANELS_PARTS_MODELS_H

#include "parts.h"

const char *part_model_glyph(const struct model_model *m, enum role *ret_role);
const char *part_model_word(const struct model_model *m);	/* "out of step", "moving", ..: at most 11 columns */
/* true: nothing is wrong with it as far as can be seen; one on its way to another version counts. */
bool part_model_is_fine(const struct model_model *m);
/* What should serve was not heard again: its registry fails since, or the last answer is too old. */
bool part_model_is_doubtful(const struct model *m, const struct model_model *row);
/* By id ("model:spam-filter") or, where nothing has it, by name. NULL: none. m may be NULL. */
const struct model_model *part_model_find(const struct model *m, const char *id_or_name);

/* The version a host serves, "none", or "?". */
const char *part_serve_text(enum serve_state state, const char *version);

const char *part_host_glyph(enum host_state state, enum role *ret_role);
enum part_serve { PART_SERVES_WRONG, PART_SERVES_MOVING, PART_SERVES_UNKNOWN, PART_SERVES_RIGHT };	/* worst first */
/* model NULL: not known. One that has yet to follow a move is moving. */
enum part_serve part_serve_of(const struct model_model *model, enum serve_state state, const char *version,
    int64_t since_ns);
/* The worst of all it serves. m may be NULL. */
enum part_serve part_host_serves(const struct model *m, const struct model_host_row *h);
const char *part_serve_glyph(enum part_serve serve, enum role *ret_role);

enum { PART_VERSIONS_MAX = 512 };
/* All of these are escaped; buf of PART_VERSIONS_MAX; they return buf. */
/* "champion 7", "Production 12"; "champion ?" where it points nowhere or that is not known. */
const char *part_model_wanted(const struct model_model *m, char *buf);
/* "7 7 7" where all hosts agree; else "6 (web-03), 7 x2" with as many hosts that serve wrongly as w columns have room for. */
const char *part_model_served(const struct model_model *m, int w, char *buf);
/* "champion, Production": every alias, and the stage. */
const char *part_version_names(const struct reg_version *v, char *buf);

#endif
