#include "config.h"

#include "ui/theme.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"

enum { PALETTE_MAX = 64 };

/* Names as themes write them; a role that a theme leaves out looks like its parent. */
static const struct {
	const char *name;
	enum role parent;
} roles[ROLES] = {
	[ROLE_TEXT] = { "text", ROLE_TEXT },
	[ROLE_DIM] = { "dim", ROLE_TEXT },
	[ROLE_STRONG] = { "strong", ROLE_TEXT },
	[ROLE_TITLE] = { "title", ROLE_STRONG },
	[ROLE_TITLE_FOCUSED] = { "title.focused", ROLE_TITLE },
	[ROLE_BORDER] = { "border", ROLE_DIM },
	[ROLE_BORDER_FOCUSED] = { "border.focused", ROLE_BORDER },
	[ROLE_SELECTED] = { "selected", ROLE_TEXT },
	[ROLE_KEY] = { "key", ROLE_STRONG },
	[ROLE_INPUT] = { "input", ROLE_TEXT },
	[ROLE_CURSOR] = { "cursor", ROLE_STRONG },
	[ROLE_MATCH] = { "match", ROLE_STRONG },
	[ROLE_ALERT_FIRING] = { "alert.firing", ROLE_CRITICAL },
	[ROLE_ALERT_TICKET] = { "alert.ticket", ROLE_WARNING },
	[ROLE_ALERT_PENDING] = { "alert.pending", ROLE_WARNING },
	[ROLE_ALERT_SILENCED] = { "alert.silenced", ROLE_DIM },
	[ROLE_ALERT_INHIBITED] = { "alert.inhibited", ROLE_DIM },
	[ROLE_OK] = { "ok", ROLE_TEXT },
	[ROLE_WARNING] = { "warning", ROLE_STRONG },
	[ROLE_CRITICAL] = { "critical", ROLE_STRONG },
	[ROLE_UNKNOWN] = { "unknown", ROLE_WARNING },
	[ROLE_STALE] = { "stale", ROLE_WARNING },
	[ROLE_CHANGED] = { "changed", ROLE_STRONG },
	[ROLE_GRAPH_AXIS] = { "graph.axis", ROLE_DIM },
	[ROLE_GRAPH_1] = { "graph.1", ROLE_TEXT },
	[ROLE_GRAPH_2] = { "graph.2", ROLE_GRAPH_1 },
	[ROLE_GRAPH_3] = { "graph.3", ROLE_GRAPH_1 },
	[ROLE_GRAPH_4] = { "graph.4", ROLE_GRAPH_1 },
	[ROLE_GRAPH_5] = { "graph.5", ROLE_GRAPH_1 },
	[ROLE_GRAPH_6] = { "graph.6", ROLE_GRAPH_1 },
	[ROLE_GRAPH_OBJECTIVE] = { "graph.objective", ROLE_GRAPH_AXIS },
	[ROLE_GRAPH_MARKER] = { "graph.marker", ROLE_CHANGED },
	[ROLE_STATUS] = { "status", ROLE_TEXT },
	[ROLE_STATUS_PAST] = { "status.past", ROLE_STATUS },
	[ROLE_HINT] = { "hint", ROLE_DIM },
	[ROLE_MESSAGE] = { "message", ROLE_TEXT },
	[ROLE_ERROR] = { "error", ROLE_CRITICAL },
	[ROLE_ENV_PROD] = { "env.prod", ROLE_ENV_OTHER },
	[ROLE_ENV_STAGING] = { "env.staging", ROLE_ENV_OTHER },
	[ROLE_ENV_LAB] = { "env.lab", ROLE_ENV_OTHER },
	[ROLE_ENV_OTHER] = { "env.other", ROLE_STRONG },
};

static const char *const ansi_names[] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
	"bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan", "bright-white",
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct look plain_look = { .fg = COLOUR_DEFAULT, .bg = COLOUR_DEFAULT };

const char *
role_name(enum role role)
{
	return roles[role].name;
}

int
role_find(const char *name)
{
	for (int i = 0; i < ROLES; i++)
		if (strcmp(roles[i].name, name) == 0)
			return i;
	return -1;
}

/* --- looks of roles that are not given --------------------------------------------------------- */

static void
looks_inherit(struct theme *t, const bool *is_given)
{
	for (int i = 0; i < ROLES; i++) {
		enum role from = (enum role)i;

		/* text is its own parent, where every chain ends. */
		while (!is_given[from] && roles[from].parent != from)
			from = roles[from].parent;
		if (from != (enum role)i)
			t->looks[i] = t->looks[from];
	}
	t->selected = t->looks[ROLE_SELECTED];
}

void
theme_plain(struct theme *t)
{
	static const struct {
		enum role role;
		struct look look;
	} given[] = {
		{ ROLE_DIM, { .is_dim = true } },
		{ ROLE_STRONG, { .is_bold = true } },
		{ ROLE_BORDER_FOCUSED, { .is_bold = true } },
		{ ROLE_SELECTED, { .is_reverse = true } },
		{ ROLE_INPUT, { .is_underline = true } },
		{ ROLE_MATCH, { .is_bold = true, .is_underline = true } },
		{ ROLE_ALERT_FIRING, { .is_bold = true, .is_reverse = true } },
		{ ROLE_GRAPH_1, { .is_bold = true } },
		{ ROLE_STATUS_PAST, { .is_reverse = true } },
		{ ROLE_ENV_PROD, { .is_bold = true, .is_reverse = true } },
	};
	bool is_given[ROLES] = { false };

	for (int i = 0; i < ROLES; i++)
		t->looks[i] = plain_look;
	for (size_t i = 0; i < COUNT(given); i++) {
		t->looks[given[i].role] = given[i].look;
		t->looks[given[i].role].fg = t->looks[given[i].role].bg = COLOUR_DEFAULT;
		is_given[given[i].role] = true;
	}
	looks_inherit(t, is_given);
}

/* --- reading ------------------------------------------------------------------------------------- */

struct palette {
	size_t n;
	const char *names[PALETTE_MAX];
	int colours[PALETTE_MAX];
};

struct reader {
	const char *path;
	struct palette palette;
	struct theme *theme;
	bool is_given[ROLES];
	struct err *err;
};

/* "path:3:5: there is no X "word"; did you mean "near"?" */
static int
fail_unknown(const struct reader *r, const struct yaml_node *at, const char *what, const char *const *known, size_t n)
{
	const char *near = str_nearest(at->text, known, n);
	char word[80];

	str_escape_to(word, sizeof word, at->text);
	if (near != NULL)
		return err_set(r->err, ERR_INVALID, "%s:%u:%u: there is no %s \"%s\"; did you mean \"%s\"?", r->path, at->line,
		    at->column, what, word, near);
	return err_set(r->err, ERR_INVALID, "%s:%u:%u: there is no %s \"%s\"", r->path, at->line, at->column, what, word);
}

static int
fail(const struct reader *r, const struct yaml_node *at, const char *expected)
{
	return err_set(r->err, ERR_INVALID, "%s:%u:%u: expected %s", r->path, at->line, at->column, expected);
}

static bool
parse_hex(const char *text, int *ret_colour)
{
	int colour = 0;

	if (text[0] != '#' || strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6)
		return false;
	for (const char *p = text + 1; *p != '\0'; p++)
		colour = colour * 16 + (*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
	*ret_colour = colour;
	return true;
}

/* A colour that needs no palette. */
static bool
parse_plain_colour(const char *text, int *ret_colour)
{
	if (strcmp(text, "default") == 0) {
		*ret_colour = COLOUR_DEFAULT;
		return true;
	}
	for (size_t i = 0; i < COUNT(ansi_names); i++) {
		if (strcmp(text, ansi_names[i]) == 0) {
			*ret_colour = COLOUR_ANSI + (int)i;
			return true;
		}
	}
	return parse_hex(text, ret_colour);
}

static int
read_colour(const struct reader *r, const struct yaml_node *node, int *ret_colour)
{
	const char *known[PALETTE_MAX + COUNT(ansi_names)];
	size_t n = r->palette.n;

	if (node->type != YAML_TYPE_SCALAR)
		return fail(r, node, "a colour: \"#rrggbb\", a name of the palette, an ANSI colour or default");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(node->text, r->palette.names[i]) == 0) {
			*ret_colour = r->palette.colours[i];
			return 0;
		}
	}
	if (parse_plain_colour(node->text, ret_colour))
		return 0;
	if (node->text[0] == '#')
		return fail(r, node, "six hexadecimal digits, as in \"#d7005f\"");
	memcpy(known, r->palette.names, n * sizeof *known);
	memcpy(known + n, ansi_names, sizeof ansi_names);
	return fail_unknown(r, node, "colour", known, n + COUNT(ansi_names));
}

static int
read_palette(struct reader *r, const struct yaml_node *map)
{
	if (map->type != YAML_TYPE_MAP)
		return fail(r, map, "a map of names to colours");
	if (map->n > PALETTE_MAX)
		return fail(r, map, "at most 64 colours");
	for (size_t i = 0; i < map->n; i++) {
		int colour, e = read_colour(r, map->items[i], &colour);

		if (e < 0)
			return e;
		r->palette.names[r->palette.n] = map->keys[i]->text;
		r->palette.colours[r->palette.n++] = colour;
	}
	return 0;
}

static int
read_flag(const struct reader *r, const struct yaml_node *node, bool *ret_flag)
{
	if (node->type != YAML_TYPE_SCALAR || (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0))
		return fail(r, node, "true or false");
	*ret_flag = strcmp(node->text, "true") == 0;
	return 0;
}

static int
read_look(const struct reader *r, const struct yaml_node *map, struct look *ret_look)
{
	static const char *const members[] = { "fg", "bg", "bold", "dim", "underline", "reverse", "italic" };
	struct look look = plain_look;
	bool *const flags[] = { &look.is_bold, &look.is_dim, &look.is_underline, &look.is_reverse, &look.is_italic };
	int *const colours[] = { &look.fg, &look.bg };

	if (map->type != YAML_TYPE_MAP)
		return fail(r, map, "a look, as in { fg: red, bold: true }");
	for (size_t i = 0; i < map->n; i++) {
		size_t m = 0;
		int e;

		while (m < COUNT(members) && strcmp(members[m], map->keys[i]->text) != 0)
			m++;
		if (m == COUNT(members))
			return fail_unknown(r, map->keys[i], "member of a look", members, COUNT(members));
		e = m < 2 ? read_colour(r, map->items[i], colours[m]) : read_flag(r, map->items[i], flags[m - 2]);
		if (e < 0)
			return e;
	}
	*ret_look = look;
	return 0;
}

static int
read_roles(struct reader *r, const struct yaml_node *map)
{
	const char *names[ROLES];

	if (map->type != YAML_TYPE_MAP)
		return fail(r, map, "a map of roles to looks");
	for (int i = 0; i < ROLES; i++)
		names[i] = roles[i].name;
	for (size_t i = 0; i < map->n; i++) {
		int role = role_find(map->keys[i]->text), e;

		if (role < 0)
			return fail_unknown(r, map->keys[i], "role", names, ROLES);
		e = read_look(r, map->items[i], &r->theme->looks[role]);
		if (e < 0)
			return e;
		r->is_given[role] = true;
	}
	return 0;
}

static int
read_theme(struct reader *r, const struct yaml_node *root)
{
	static const char *const members[] = { "title", "palette", "roles" };
	const struct yaml_node *palette = yaml_get(root, "palette"), *given = yaml_get(root, "roles");
	int e;

	if (root->type != YAML_TYPE_MAP)
		return fail(r, root, "a map with palette and roles");
	for (size_t i = 0; i < root->n; i++) {
		const char *key = root->keys[i]->text;

		if (strcmp(key, "title") != 0 && strcmp(key, "palette") != 0 && strcmp(key, "roles") != 0)
			return fail_unknown(r, root->keys[i], "member of a theme", members, COUNT(members));
	}
	if (given == NULL)
		return fail(r, root, "roles: a map of roles to looks");
	e = palette != NULL ? read_palette(r, palette) : 0;
	return e < 0 ? e : read_roles(r, given);
}

int
theme_load(const char *path, struct theme *ret_theme, struct err *err)
{
	struct theme theme;
	struct reader r = { .path = path, .theme = &theme, .err = err };
	struct yaml_file *file = NULL;
	int e = yaml_read(path, &file, err);

	if (e < 0)
		return e;
	for (int i = 0; i < ROLES; i++)
		theme.looks[i] = plain_look;
	if (file->n_docs != 1)
		e = err_set(err, ERR_INVALID, "%s: expected one document with palette and roles, not %zu", path, file->n_docs);
	else
		e = read_theme(&r, file->docs[0]);
	yaml_file_free(file);
	if (e < 0)
		return e;
	looks_inherit(&theme, r.is_given);
	*ret_theme = theme;
	return 0;
}
