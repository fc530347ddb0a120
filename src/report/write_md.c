/*
 * Markdown: CommonMark with the tables of GFM. Every byte that could begin anything (emphasis, link, HTML, code, a cell, a heading, a list) is escaped with a backslash,
 * wherever it stands; texts hold no line feeds, so that none of them can begin a line either.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "report/doc.h"
#include "report/report_priv.h"

static bool
is_mail_word(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-' || c == '+';
}

static bool
ends_word(const char *text, size_t at, const char *word)
{
	size_t n = strlen(word);

	return at >= n && strncasecmp(text + at - n, word, n) == 0;
}

/* GFM makes links of bare addresses and of what looks like mail; a comment in the middle keeps the latter apart, as nothing else does. */
static void
add_plain(struct buf *b, const char *text, size_t at)
{
	char c = text[at];

	if (c == ':' && ((text[at + 1] == '/' && text[at + 2] == '/') || ends_word(text, at, "mailto") || ends_word(text, at, "xmpp") ||
	    ends_word(text, at, "opsconsole"))) {
		buf_addstr(b, "\\:");		/* the last: only marks of places may look like marks of places */
	} else if (c == '.' && at >= 3 && (text[at - 1] == 'w' || text[at - 1] == 'W')) {
		buf_addstr(b, "\\.");
	} else if (c == '@' && at > 0 && is_mail_word(text[at - 1]) && is_mail_word(text[at + 1])) {
		buf_addstr(b, "@<!-- -->");
	} else {
		buf_addch(b, c);
	}
}

static void
md_escape(struct buf *b, const char *text)
{
	size_t i = strspn(text, " "), digits;

	/* What begins a list or underlines a heading, at the start of a text. */
	digits = strspn(text + i, "0123456789");
	if (digits > 0 && (text[i + digits] == '.' || text[i + digits] == ')') &&
	    (text[i + digits + 1] == ' ' || text[i + digits + 1] == '\0')) {
		buf_add(b, text + i, digits);
		buf_addch(b, '\\');
		i += digits;
		buf_addch(b, text[i++]);
	} else if (text[i] != '\0' && strchr("-+=", text[i]) != NULL) {
		buf_addch(b, '\\');
		buf_addch(b, text[i++]);
	}
	for (; text[i] != '\0'; i++) {
		if (strchr("\\`*_[]<>&|~#$!", text[i]) != NULL) {
			buf_addch(b, '\\');
			buf_addch(b, text[i]);
		} else {
			add_plain(b, text, i);
		}
	}
}

static void
write_table(struct buf *b, const struct doc_block *t)
{
	for (size_t i = 0; i < t->n_cells; i++) {
		buf_addstr(b, i % t->columns == 0 ? "| " : " ");
		md_escape(b, t->cells[i]);
		buf_addstr(b, " |");
		if (i % t->columns != t->columns - 1)
			continue;
		buf_addch(b, '\n');
		if (i + 1 == t->columns) {
			buf_addch(b, '|');
			for (unsigned c = 0; c < t->columns; c++)
				buf_addstr(b, " --- |");
			buf_addch(b, '\n');
		}
	}
}

static void
write_block(struct buf *b, const struct doc_block *k)
{
	switch (k->kind) {
	case DOC_HEADING:
		for (unsigned i = 0; i < k->level; i++)
			buf_addch(b, '#');
		buf_addch(b, ' ');
		md_escape(b, k->text);
		buf_addch(b, '\n');
		break;
	case DOC_TEXT:
		md_escape(b, k->text);
		buf_addch(b, '\n');
		break;
	case DOC_WARNING:
		buf_addstr(b, "> **");
		md_escape(b, k->text);
		buf_addstr(b, "**\n");
		break;
	case DOC_ITEM:
		buf_addstr(b, "- ");
		md_escape(b, k->text);
		buf_addch(b, '\n');
		break;
	case DOC_TABLE:
		write_table(b, k);
		break;
	case DOC_PLACE:
		buf_printf(b, "<!-- opsconsole:yours %s -->\n", k->text);
		for (const char *const *l = k->lines; *l != NULL; l++)
			buf_printf(b, "*%s*\n", *l);
		buf_printf(b, "<!-- /opsconsole:yours %s -->\n", k->text);
		break;
	case DOC_GRAPHS:
		break;
	}
}

int
write_md(const struct doc *d, struct buf *b)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].kind == DOC_GRAPHS)
			continue;
		if (i > 0 && !(d->v[i].kind == DOC_ITEM && d->v[i - 1].kind == DOC_ITEM))
			buf_addch(b, '\n');
		write_block(b, &d->v[i]);
	}
	return b->is_over ? ERR_LIMIT : 0;
}
