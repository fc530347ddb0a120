/*
 * Inventories in INI form.
 *
 *	[web]				hosts, a line each, with variables behind them
 *	www[01:50].example.com ansible_port=2222   # words as in a shell
 *	[web:vars]			variables of the group, NAME=VALUE
 *	[prod:children]			groups in it
 *
 * Source: Ansible user guide, "How to build your inventory", and the ini plugin's own page. Hosts
 * before the first section are in no group.
 */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/inventory_build.h"

enum { SHOWN = 72, LINES_MAX = 200000, LINE_MAX = 65536 };
enum section { SECTION_HOSTS, SECTION_VARS, SECTION_CHILDREN };

struct ini {
	struct inventory_build *b;
	enum section section;
	size_t group;		/* INVENTORY_NONE: its header is wrong, its lines are passed over */
	unsigned line;
	const char *start;	/* of the line, terminated */
};

/* --- words ----------------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct yaml_node
at(const struct ini *ini, const char *p)
{
	return (struct yaml_node){ .line = ini->line, .column = (unsigned)(p - ini->start) + 1 };
}

static void __attribute__((format(printf, 3, 4)))
problem(struct ini *ini, const char *p, const char *fmt, ...)
{
	struct yaml_node where = at(ini, p);
	char *sentence;
	va_list ap;

	va_start(ap, fmt);
	sentence = xvasprintf(fmt, ap);
	va_end(ap);
	conf_problem(&ini->b->d, &where, "%s", sentence);
	free(sentence);
}

/* Appends what stands in quotes; *p stands at the first and comes to stand behind the second. */
static bool
read_quoted(struct ini *ini, const char **p, struct buf *word)
{
	const char *open = *p;
	char quote = *(*p)++;

	for (; **p != quote; (*p)++) {
		if (**p == '\\' && quote == '"' && ((*p)[1] == '"' || (*p)[1] == '\\'))
			(*p)++;
		if (**p == '\0') {
			problem(ini, open, "the quote is not closed");
			return false;
		}
		buf_addch(word, **p);
	}
	(*p)++;
	return true;
}

/* The next word, as a POSIX shell would cut it. 1: there is one; 0: the line ends; -1: a mistake,
 * which has been told. ret_at: where it begins. */
static int
next_word(struct ini *ini, const char **p, struct buf *word, const char **ret_at)
{
	while (is_blank(**p))
		(*p)++;
	*ret_at = *p;
	buf_reset(word);
	if (**p == '\0' || **p == '#')
		return 0;
	while (**p != '\0' && **p != '#' && !is_blank(**p)) {
		if (**p == '"' || **p == '\'') {
			if (!read_quoted(ini, p, word))
				return -1;
			continue;
		}
		if (**p == '\\' && (*p)[1] != '\0')
			(*p)++;
		buf_addch(word, *(*p)++);
	}
	return 1;
}

/* --- sections -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum section section;
} kinds[] = {
	{ "hosts", SECTION_HOSTS }, { "vars", SECTION_VARS }, { "children", SECTION_CHILDREN },
};

static bool
find_kind(struct ini *ini, const char *kind, const char *where)
{
	static const char *const names[] = { "hosts", "vars", "children" };
	const char *near = str_nearest(kind, names, 3);
	char shown[SHOWN];

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (str_eq(kinds[i].name, kind)) {
			ini->section = kinds[i].section;
			return true;
		}
	str_escape_to(shown, sizeof shown, kind);
	if (near != NULL)
		problem(ini, where, "':%s' is no kind of section; did you mean ':%s'?", shown,
		    near);
	else
		problem(ini, where, "':%s' is no kind of section; vars or children is expected",
		    shown);
	return false;
}

/* Behind the ']' there may be a comment. */
static bool
check_rest(struct ini *ini, const char *p)
{
	while (is_blank(*p))
		p++;
	if (*p == '\0' || *p == '#' || *p == ';')
		return true;
	problem(ini, p, "nothing is expected behind ']'");
	return false;
}

static void
open_section(struct ini *ini, const char *p)
{
	size_t len = strcspn(p + 1, ":]");
	const char *end = p + 1 + len, *close = strchr(end, ']');
	struct yaml_node where = at(ini, p + 1);
	char *name, *kind = NULL;
	bool is_good;

	ini->group = INVENTORY_NONE;
	if (close == NULL) {
		problem(ini, p, "the section has no ']'");
		return;
	}
	name = xstrndup(p + 1, len);
	if (*end == ':')
		kind = xstrndup(end + 1, (size_t)(close - end) - 1);
	ini->section = SECTION_HOSTS;
	is_good = kind == NULL || find_kind(ini, kind, end + 1);
	if (check_rest(ini, close + 1) && is_good)
		ini->group = inventory_group(ini->b, name, &where);
	/* Variables alone make no group: the name may be misspelled. */
	if (ini->group != INVENTORY_NONE && ini->section != SECTION_VARS)
		ini->b->groups[ini->group].is_defined = true;
	free(name);
	free(kind);
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool
read_host_var(struct ini *ini, struct inventory_vars *vars, char *word, const char *where)
{
	struct yaml_node node = at(ini, where);
	char *equals = strchr(word, '='), shown[SHOWN];

	if (equals == NULL || equals == word) {
		problem(ini, where, "'%s' is no variable: NAME=VALUE is expected behind a host",
		    str_escape_to(shown, sizeof shown, word));
		return false;
	}
	*equals = '\0';
	inventory_var(ini->b, vars, word, equals + 1, &node);
	return true;
}

static void
read_host(struct ini *ini, const char *p)
{
	struct inventory_vars vars = { .port = 0 };
	struct yaml_node where = at(ini, p);
	const char *word_at;
	struct buf word;
	char *host = NULL;
	bool is_good;
	int r;

	buf_init(&word, LINE_MAX);
	r = next_word(ini, &p, &word, &word_at);
	is_good = r > 0;
	if (is_good)
		host = xstrdup(word.data);
	while (is_good && (r = next_word(ini, &p, &word, &word_at)) > 0)
		is_good = read_host_var(ini, &vars, word.data, word_at);
	if (is_good && r == 0)
		inventory_hosts(ini->b, ini->group, host, &vars, &where);
	free(host);
	inventory_vars_done(&vars);
	buf_done(&word);
}

static void
read_child(struct ini *ini, const char *p)
{
	struct yaml_node where = at(ini, p);
	const char *word_at;
	struct buf word;
	size_t child;

	buf_init(&word, LINE_MAX);
	if (next_word(ini, &p, &word, &word_at) > 0) {
		child = inventory_group(ini->b, word.data, &where);
		if (child == INVENTORY_ALL)
			problem(ini, word_at, "every group is in 'all'; it cannot be a child");
		else if (child != INVENTORY_NONE)
			inventory_child(ini->b, ini->group, child, &where);
		if (next_word(ini, &p, &word, &word_at) > 0)
			problem(ini, word_at, "one group on each line is expected");
	}
	buf_done(&word);
}

/* A comment begins with a '#' behind a blank. */
static size_t
value_length(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 1; i < len; i++)
		if (s[i] == '#' && is_blank(s[i - 1]))
			len = i;
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return len;
}

static void
read_group_var(struct ini *ini, const char *p)
{
	struct yaml_node where = at(ini, p);
	const char *equals = strchr(p, '='), *value;
	char shown[SHOWN], *name, *text;
	size_t len;

	if (equals == NULL || equals == p) {
		problem(ini, p, "'%s' is no variable: NAME=VALUE is expected",
		    str_escape_to(shown, sizeof shown, p));
		return;
	}
	for (len = (size_t)(equals - p); len > 0 && is_blank(p[len - 1]); len--)
		;
	name = xstrndup(p, len);
	value = equals + 1 + strspn(equals + 1, " \t");
	len = value_length(value);
	/* One pair of quotes around all of it is no part of it. */
	if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]) {
		value++;
		len -= 2;
	}
	text = xstrndup(value, len);
	inventory_var(ini->b, &ini->b->groups[ini->group].vars, name, text, &where);
	free(name);
	free(text);
}

/* line is terminated. */
static void
read_line(struct ini *ini, const char *line)
{
	const char *p = line;

	ini->start = line;
	while (is_blank(*p))
		p++;
	if (*p == '\0' || *p == '#' || *p == ';')
		return;
	if (*p == '[') {
		open_section(ini, p);
		return;
	}
	if (ini->group == INVENTORY_NONE)
		return;
	switch (ini->section) {
	case SECTION_HOSTS: read_host(ini, p); break;
	case SECTION_VARS: read_group_var(ini, p); break;
	case SECTION_CHILDREN: read_child(ini, p); break;
	}
}

void
inventory_read_ini(struct inventory_build *b, const char *text, size_t len)
{
	struct ini ini = { .b = b, .group = INVENTORY_UNGROUPED };
	const char *end = text + len, *next;
	char *line;

	for (const char *p = text; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline != NULL ? newline : end) - p);

		next = newline != NULL ? newline + 1 : end;
		ini.line++;
		ini.start = p;
		if (n >= LINE_MAX || ini.line > LINES_MAX || memchr(p, '\0', n) != NULL) {
			problem(&ini, p, ini.line > LINES_MAX ? "the inventory has more lines than "
			    "can be read" : "the line is longer than 64 KiB, or holds a NUL "
			    "character; what follows is not read");
			return;
		}
		line = xstrndup(p, n);
		read_line(&ini, line);
		free(line);
	}
}
