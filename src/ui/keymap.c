#include "config.h"

#include "ui/keymap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ui/key.h"

enum { NAMES_MAX = 512, HINTS_MAX = 64, SENTENCE_MAX = 400 };

struct keymap {
	size_t n;
	struct keymap_row *rows;
	char **names;		/* of each row: "alerts.ack" */
};

/* --- building ------------------------------------------------------------------------------- */

static size_t
table_length(const struct command *table)
{
	size_t n = 0;

	while (table != NULL && table[n].name != NULL)
		n++;
	return n;
}

static void
table_add(struct keymap *km, const struct panel_ops *panel, const struct command *table)
{
	size_t n = table_length(table);

	km->rows = xreallocarray(km->rows, km->n + n + 1, sizeof *km->rows);
	km->names = xreallocarray(km->names, km->n + n + 1, sizeof *km->names);
	for (size_t i = 0; i < n; i++, km->n++) {
		int key = table[i].key != NULL ? key_parse(table[i].key) : KEY_NONE;

		km->rows[km->n] = (struct keymap_row){ .panel = panel, .command = &table[i], .key = key };
		km->names[km->n] = xasprintf("%s.%s", panel != NULL ? panel->name : KEYMAP_GLOBAL, table[i].name);
	}
}

static bool
is_hidden(const struct keymap *km, size_t i)
{
	return (km->rows[i].command->flags & CMD_HIDDEN) != 0;
}

/* Does row i stand in the way of key for a command of panel? A panel may hide a global command's second key, not its first. */
static bool
is_clash(const struct keymap *km, size_t i, const struct panel_ops *panel, int key)
{
	const struct keymap_row *row = &km->rows[i];

	if (key == KEY_NONE || row->key != key)
		return false;
	if (row->panel == panel)
		return true;
	if (row->command->flags & CMD_FIRST)
		return false;
	return (row->panel == NULL || panel == NULL) && !is_hidden(km, i);
}

static void
complain(keymap_problem_cb *cb, void *arg, size_t index, const char *sentence)
{
	if (cb != NULL)
		cb(index, sentence, arg);
}

static void
check_defaults(const struct keymap *km, size_t n_overrides, keymap_problem_cb *cb, void *arg)
{
	char sentence[SENTENCE_MAX], key[KEY_TEXT_MAX];

	for (size_t i = 0; i < km->n; i++) {
		const struct keymap_row *row = &km->rows[i];

		if (row->command->key != NULL && row->key == KEY_NONE) {
			snprintf(sentence, sizeof sentence, "%s has default key \"%s\", which names no key", km->names[i], row->command->key);
			complain(cb, arg, n_overrides, sentence);
		}
		for (size_t j = 0; j < i; j++) {
			if (!is_clash(km, j, row->panel, row->key) || (is_hidden(km, i) && km->rows[j].panel != row->panel))
				continue;
			snprintf(sentence, sizeof sentence, "key %s is the default of both %s and %s", key_format(key, row->key),
			    km->names[j], km->names[i]);
			complain(cb, arg, n_overrides, sentence);
		}
	}
}

/* The row that an override means: never the second key of a command. km->n when there is none. */
static size_t
row_named(const struct keymap *km, const char *name)
{
	size_t i = 0;

	while (i < km->n && (is_hidden(km, i) || strcmp(km->names[i], name) != 0))
		i++;
	return i;
}

static void
say_unknown(const struct keymap *km, const char *name, char *sentence, size_t size)
{
	const char *near = str_nearest(name, (const char *const *)km->names, km->n);
	char shown[80];

	str_escape_to(shown, sizeof shown, name);
	if (near != NULL)
		snprintf(sentence, size, "no command is called \"%s\"; did you mean \"%s\"?", shown, near);
	else
		snprintf(sentence, size, "no command is called \"%s\"; names are like \"alerts.ack\" and \"global.quit\", see the help screen",
		    shown);
}

/* Give row at its new key. 0, or -1 with the reason in sentence. */
static int
override_one(struct keymap *km, size_t at, const char *text, char *sentence, size_t size)
{
	bool is_none = strcasecmp(text, "none") == 0;
	int key = is_none ? KEY_NONE : key_parse(text);
	char shown[48], name[KEY_TEXT_MAX];

	if (!is_none && key == KEY_NONE) {
		snprintf(sentence, size, "%s: \"%s\" names no key; keys are written a, A, C-l, M-x, F5, Enter, Space, PgDn, or none",
		    km->names[at], str_escape_to(shown, sizeof shown, text));
		return -1;
	}
	for (size_t i = 0; i < km->n; i++) {
		if (i == at || is_hidden(km, i) || !is_clash(km, i, km->rows[at].panel, key))
			continue;
		snprintf(sentence, size, "%s: key %s is already %s; give that one another key too, or choose a free key",
		    km->names[at], key_format(name, key), km->names[i]);
		return -1;
	}
	/* A second key gives way. */
	for (size_t i = 0; i < km->n; i++)
		if (i != at && is_clash(km, i, km->rows[at].panel, key))
			km->rows[i].key = KEY_NONE;
	km->rows[at].key = key;
	return 0;
}

/*
 * Keys may be swapped, so an override does not clash with a default that another override takes away: all rows
 * that get a key lose theirs first, and those whose key cannot be get their default back.
 */
static void
override_all(struct keymap *km, const struct keymap_override *v, size_t n, keymap_problem_cb *cb, void *arg)
{
	char sentence[SENTENCE_MAX];

	for (size_t i = 0; i < n; i++) {
		size_t at = row_named(km, v[i].command);

		if (at < km->n)
			km->rows[at].key = KEY_NONE;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = row_named(km, v[i].command);

		if (at == km->n) {
			say_unknown(km, v[i].command, sentence, sizeof sentence);
			complain(cb, arg, i, sentence);
		} else if (override_one(km, at, v[i].key, sentence, sizeof sentence) < 0) {
			char ignored[SENTENCE_MAX];

			complain(cb, arg, i, sentence);
			if (km->rows[at].command->key != NULL)
				override_one(km, at, km->rows[at].command->key, ignored, sizeof ignored);
		}
	}
}

struct keymap *
keymap_new(const struct command *global, const struct panel_ops *const *panel_list, const struct keymap_override *overrides,
    size_t n_overrides, keymap_problem_cb *cb, void *arg)
{
	struct keymap *km = xcalloc(1, sizeof *km);

	table_add(km, NULL, global);
	for (size_t i = 0; panel_list != NULL && panel_list[i] != NULL; i++)
		table_add(km, panel_list[i], panel_list[i]->commands);
	check_defaults(km, n_overrides, cb, arg);
	override_all(km, overrides, n_overrides, cb, arg);
	return km;
}

void
keymap_free(struct keymap *km)
{
	if (km == NULL)
		return;
	for (size_t i = 0; i < km->n; i++)
		free(km->names[i]);
	free(km->names);
	free(km->rows);
	free(km);
}

/* --- asking ----------------------------------------------------------------------------------- */

size_t
keymap_n(const struct keymap *km)
{
	return km->n;
}

const struct keymap_row *
keymap_row(const struct keymap *km, size_t i)
{
	return i < km->n ? &km->rows[i] : NULL;
}

static const struct keymap_row *
lookup_in(const struct keymap *km, const struct panel_ops *panel, int key)
{
	for (size_t i = 0; i < km->n; i++)
		if (km->rows[i].panel == panel && km->rows[i].key == key)
			return &km->rows[i];
	return NULL;
}

const struct keymap_row *
keymap_lookup(const struct keymap *km, const struct panel_ops *panel, int key)
{
	const struct keymap_row *row = NULL;

	if (key == KEY_NONE)
		return NULL;
	for (size_t i = 0; i < km->n; i++)
		if (km->rows[i].key == key && (km->rows[i].command->flags & CMD_FIRST))
			return &km->rows[i];
	if (panel != NULL)
		row = lookup_in(km, panel, key);
	return row != NULL ? row : lookup_in(km, NULL, key);
}

/* How a row may be typed with this focus: by its bare name where that is clear. */
static const char *
typed_name(const struct keymap *km, const struct panel_ops *panel, size_t i)
{
	const struct keymap_row *row = &km->rows[i];

	return row->panel == NULL || row->panel == panel ? row->command->name : km->names[i];
}

const struct keymap_row *
keymap_find(const struct keymap *km, const struct panel_ops *panel, const char *name)
{
	const struct keymap_row *global = NULL;

	for (size_t i = 0; i < km->n; i++)
		if ((km->rows[i].command->flags & CMD_FIRST) && strcmp(km->rows[i].command->name, name) == 0)
			return &km->rows[i];
	for (size_t i = 0; i < km->n; i++) {
		const struct keymap_row *row = &km->rows[i];

		if (strcmp(km->names[i], name) == 0 || (panel != NULL && row->panel == panel && strcmp(row->command->name, name) == 0))
			return row;
		if (row->panel == NULL && global == NULL && strcmp(row->command->name, name) == 0)
			global = row;
	}
	return global;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names that may be typed and begin with prefix, sorted, each once. */
static size_t
names_with(const struct keymap *km, const struct panel_ops *panel, const char *prefix, const char **names, size_t max)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < km->n && n < max; i++) {
		const char *name = typed_name(km, panel, i);

		if (!is_hidden(km, i) && str_has_prefix(name, prefix))
			names[n++] = name;
	}
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	return kept;
}

size_t
keymap_complete(const struct keymap *km, const struct panel_ops *panel, const char *prefix, const char **ret_names, size_t max)
{
	const char *names[NAMES_MAX];
	size_t n = names_with(km, panel, prefix, names, NAMES_MAX);

	for (size_t i = 0; i < n && i < max; i++)
		ret_names[i] = names[i];
	return n;
}

const char *
keymap_nearest(const struct keymap *km, const struct panel_ops *panel, const char *name)
{
	const char *names[NAMES_MAX];
	size_t n = names_with(km, panel, "", names, NAMES_MAX);

	return str_nearest(name, names, n);
}

/* --- the hint bar ------------------------------------------------------------------------------- */

struct hint {
	char key[KEY_TEXT_MAX];
	const char *name;
	int w;
};

/* What a command is called in the hint bar; NULL: it is not offered. */
static const char *
hint_word(const struct panel *p, const struct command *command)
{
	if (p != NULL && p->ops->hint != NULL)
		return p->ops->hint(p, command);
	return command->flags & CMD_HINT ? command->name : NULL;
}

/* p NULL: the global ones. */
static size_t
hints_of(const struct keymap *km, const struct panel *p, bool is_read_only, struct hint *hints)
{
	const struct panel_ops *panel = p != NULL ? p->ops : NULL;
	size_t n = 0;

	for (size_t i = 0; i < km->n && n < HINTS_MAX; i++) {
		const struct keymap_row *row = &km->rows[i];
		const char *word;

		if (row->panel != panel || row->key == KEY_NONE || (word = hint_word(p, row->command)) == NULL)
			continue;
		if (is_hidden(km, i) || (is_read_only && row->command->flags & CMD_WRITES))
			continue;
		key_format(hints[n].key, row->key);
		hints[n].name = word;
		hints[n].w = (int)(str_width(hints[n].key) + 1 + str_width(hints[n].name));
		n++;
	}
	return n;
}

/* How many of the first hints fit w columns, two blanks between them; the columns they take. */
static size_t
hints_fit(const struct hint *hints, size_t n, int w, int *ret_w)
{
	size_t fits = 0;

	*ret_w = 0;
	while (fits < n && *ret_w + hints[fits].w + (fits > 0 ? 2 : 0) <= w) {
		*ret_w += hints[fits].w + (fits > 0 ? 2 : 0);
		fits++;
	}
	return fits;
}

static int
hints_draw(struct canvas *c, int x, int y, const struct hint *hints, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		x = canvas_text(c, i > 0 ? x + 2 : x, y, ROLE_KEY, hints[i].key);
		x = canvas_text(c, x + 1, y, ROLE_HINT, hints[i].name);
	}
	return x;
}

/* Where the filter is most of what the panel is for, it stands before the panel's own. */
static void
filter_first(struct hint *global, size_t *n_global, struct hint *own, size_t *n_own)
{
	size_t at = 0;
	struct hint filter;

	while (at < *n_global && strcmp(global[at].name, "filter") != 0)
		at++;
	if (at == *n_global)
		return;
	filter = global[at];
	memmove(&global[at], &global[at + 1], (--*n_global - at) * sizeof *global);
	*n_own += *n_own < HINTS_MAX;
	memmove(&own[1], own, (*n_own - 1) * sizeof *own);
	own[0] = filter;
}

int
keymap_hints(const struct keymap *km, const struct panel *p, bool is_read_only, struct canvas *c, int x, int y, int w)
{
	struct hint global[HINTS_MAX], own[HINTS_MAX];
	size_t n_global = hints_of(km, NULL, is_read_only, global);
	size_t n_own = p != NULL ? hints_of(km, p, is_read_only, own) : 0;
	int global_w, own_w;

	if (p != NULL && p->ops->filtered != NULL)
		filter_first(global, &n_global, own, &n_own);
	/* The first global one (help) always, then the panel's own, then the other global ones. */
	(void)hints_fit(global, n_global > 0 ? 1 : 0, w, &global_w);
	n_own = hints_fit(own, n_own, w - global_w - (n_global > 0 ? 2 : 0), &own_w);
	n_global = hints_fit(global, n_global, w - own_w - (n_own > 0 ? 2 : 0), &global_w);
	x = hints_draw(c, x, y, own, n_own);
	return hints_draw(c, n_own > 0 && n_global > 0 ? x + 2 : x, y, global, n_global);
}
