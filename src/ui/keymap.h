/*
 * Which key does what: built from the command tables of the panels and a global one, with the user's own keys on top. Lookup, help, hint bar and
 * completion all read this one list, so they cannot disagree.
 */
#ifndef OPS_UI_KEYMAP_H
#define OPS_UI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/canvas.h"
#include "ui/command.h"
#include "ui/panel.h"

struct keymap;

#define KEYMAP_GLOBAL "global"

struct keymap_row {
	const struct panel_ops *panel;	/* NULL: global */
	const struct command *command;
	int key;			/* KEY_NONE: only by name */
};

/* A key of the user: { "alerts.ack", "A" }; key "none" takes the key away. */
struct keymap_override {
	const char *command, *key;
};

/* Called for each override that cannot be (index into overrides), and for defaults that clash (index n_overrides: a bug of ours). The row
 * then keeps its default key. */
typedef void keymap_problem_cb(size_t index, const char *sentence, void *arg);

/* global ends with name == NULL, panel_list with NULL; both are lent for the life of the keymap. cb may be NULL. */
struct keymap *keymap_new(const struct command *global, const struct panel_ops *const *panel_list,
    const struct keymap_override *overrides, size_t n_overrides, keymap_problem_cb *cb, void *arg);
void keymap_free(struct keymap *km);

size_t keymap_n(const struct keymap *km);
const struct keymap_row *keymap_row(const struct keymap *km, size_t i);	/* global first, then panels in order */
/* The command of a key while panel (may be NULL) has the focus: a global one that goes first, the panel's own, any other global one; NULL when none. */
const struct keymap_row *keymap_lookup(const struct keymap *km, const struct panel_ops *panel, int key);
/* By name as typed: "ack" (focused panel, then global) or "alerts.ack". NULL when none; keymap_nearest() then has a suggestion. */
const struct keymap_row *keymap_find(const struct keymap *km, const struct panel_ops *panel, const char *name);
const char *keymap_nearest(const struct keymap *km, const struct panel_ops *panel, const char *name);	/* or NULL */
/* Names that begin with prefix, as they may be typed with this focus; at most max, lent. Returns how many there are in all. */
size_t keymap_complete(const struct keymap *km, const struct panel_ops *panel, const char *prefix, const char **ret_names, size_t max);

/* "a ack  s silence  ? help" on w columns: what the panel (may be NULL) offers, then what is global; what has no room is left out from the end, the panel's
 * first. Commands that write are not offered when is_read_only. Returns the column behind. */
int keymap_hints(const struct keymap *km, const struct panel *p, bool is_read_only, struct canvas *c, int x, int y, int w);

#endif
