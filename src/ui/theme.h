/*
 * Themes: roles to looks through a small palette (YAML, themes/NAME.yaml). A role the theme leaves out takes its parent's look.
 * Colours are #rrggbb, names of the 16 ANSI colours, or "default"; term.c maps them down to 256, 16, 8 or none.
 */
#ifndef OPS_UI_THEME_H
#define OPS_UI_THEME_H

#include "base/err.h"
#include "ui/canvas.h"

enum { COLOUR_DEFAULT = -1 };	/* else 0xrrggbb, or COLOUR_ANSI + 0..15 */
#define COLOUR_ANSI 0x1000000

struct look {
	int fg, bg;
	bool is_bold, is_dim, is_underline, is_reverse, is_italic;
};

struct theme {
	struct look looks[ROLES];
	struct look selected;	/* laid over a selected cell: bg and attributes */
};

const char *role_name(enum role role);	/* "alert.firing" */
int role_find(const char *name);	/* -1 */
/* The built-in theme: attributes only, no colour. Never fails. */
void theme_plain(struct theme *t);
/* 0, or an error with file:line:column (unknown role: nearest known). */
int theme_load(const char *path, struct theme *ret_theme, struct err *err);

#endif
