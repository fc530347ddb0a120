/*
 * The places where a person writes, and what keeps them when the document is made anew.
 *
 *	<!-- opsconsole:yours NAME -->
 *	.. what a person wrote, byte for byte ..
 *	<!-- /opsconsole:yours NAME -->
 *
 * Each mark stands alone on its line. The last line of the document has sums of all that is outside of them, so that words written elsewhere are seen before they are lost:
 *
 *	<!-- opsconsole:generated v1 SHA256 SUM,SUM,.. -->
 *
 * SHA-256 over the lines outside of places, each with LF (a CR before it is left out), and a sum of every eight of them, to name the line.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "report/report_priv.h"

enum { NAME_MAX_LEN = 63, PLACES_MAX = 256, SUM_LINES = 8, SUM_HEX = 4 };
#define BEGIN_MARK "<!-- opsconsole:yours "
#define END_MARK "<!-- /opsconsole:yours "
#define SUMS_MARK "<!-- opsconsole:generated v1 "
#define MARK_END " -->"

struct place {
	char name[NAME_MAX_LEN + 1];
	const char *text;		/* between the marks */
	size_t len;
	unsigned line;			/* of the first mark */
	bool is_used;
};
struct places {
	struct place v[PLACES_MAX];
	size_t n;
	struct buf outside;		/* all lines outside of places */
	unsigned *lines;		/* the line that each of them was */
	size_t n_lines, cap_lines;
	const char *sums;		/* of the last line; NULL none */
	size_t sums_len;
	unsigned sums_line;
};

static void
places_done(struct places *p)
{
	buf_done(&p->outside);
	free(p->lines);
	free(p);
}

/* --- lines ------------------------------------------------------------------------------------------------------------- */

struct line { const char *text, *next; size_t len; };	/* len: without blanks around, and without CR */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct line
line_at(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	struct line l = { .text = p, .next = lf != NULL ? lf + 1 : end };

	l.len = (size_t)((lf != NULL ? lf : end) - p);
	while (l.len > 0 && is_blank(l.text[l.len - 1]))
		l.len--;
	while (l.len > 0 && is_blank(*l.text)) {
		l.text++;
		l.len--;
	}
	return l;
}

static bool
is_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", s[i]) == NULL || s[i] == '\0')
			return false;
	return len > 0 && len <= NAME_MAX_LEN;
}

/* The name between a mark's two ends; false: it is not this mark. */
static bool
mark_name(const struct line *l, const char *mark, char *name)
{
	size_t n = strlen(mark), e = strlen(MARK_END);

	if (l->len < n + e || memcmp(l->text, mark, n) != 0 || memcmp(l->text + l->len - e, MARK_END, e) != 0 || !is_name(l->text + n, l->len - n - e))
		return false;
	snprintf(name, NAME_MAX_LEN + 1, "%.*s", (int)(l->len - n - e), l->text + n);
	return true;
}

static void
add_outside(struct places *p, const char *text, const char *next, unsigned number)
{
	size_t len = (size_t)(next - text);

	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	buf_add(&p->outside, text, len);
	buf_addch(&p->outside, '\n');
	if (p->n_lines == p->cap_lines) {
		p->cap_lines = p->cap_lines == 0 ? 256 : 2 * p->cap_lines;
		p->lines = xreallocarray(p->lines, p->cap_lines, sizeof *p->lines);
	}
	p->lines[p->n_lines++] = number;
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

static struct place *
find(struct places *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return &p->v[i];
	return NULL;
}

static int
begin_place(struct places *p, const char *name, const struct line *l, unsigned number, struct err *err)
{
	const struct place *twice = find(p, name);
	struct place *v;

	if (twice != NULL)
		return err_set(err, ERR_SYNTAX, "line %u: the place '%s' begins a second time; the first is in line %u: give one of them another name", number, name, twice->line);
	if (p->n == PLACES_MAX)
		return err_set(err, ERR_SYNTAX, "line %u: more than %d places", number, PLACES_MAX);
	v = &p->v[p->n++];
	*v = (struct place){ .text = l->next, .line = number };
	memcpy(v->name, name, sizeof v->name);
	return 0;
}

/* One line; *open is the place that is open. */
static int
read_line(struct places *p, const char *at, const struct line *l, unsigned number, struct place **open, struct err *err)
{
	char name[NAME_MAX_LEN + 1];
	bool is_marked = memmem(l->text, l->len, "opsconsole:yours", 16) != NULL;

	if (mark_name(l, BEGIN_MARK, name)) {
		if (*open != NULL)
			return err_set(err, ERR_SYNTAX, "line %u: the place '%s' begins inside '%s' of line %u, whose end mark (" END_MARK "%s" MARK_END ") is missing", number, name,
			    (*open)->name, (*open)->line, (*open)->name);
		if (begin_place(p, name, l, number, err) < 0)
			return ERR_SYNTAX;
		*open = &p->v[p->n - 1];
	} else if (mark_name(l, END_MARK, name)) {
		if (*open == NULL)
			return err_set(err, ERR_SYNTAX, "line %u: the place '%s' ends, but its begin mark (" BEGIN_MARK "%s" MARK_END ") is missing", number, name, name);
		if (strcmp((*open)->name, name) != 0)
			return err_set(err, ERR_SYNTAX, "line %u: the place '%s' ends, but '%s' of line %u is open", number, name, (*open)->name, (*open)->line);
		(*open)->len = (size_t)(at - (*open)->text);
		*open = NULL;
	} else if (is_marked) {
		return err_set(err, ERR_SYNTAX, "line %u: this mark of a place was damaged: it must stand alone, as " BEGIN_MARK "NAME" MARK_END " or " END_MARK "NAME" MARK_END, number);
	} else if (*open == NULL && l->len > strlen(SUMS_MARK) && memcmp(l->text, SUMS_MARK, strlen(SUMS_MARK)) == 0) {
		p->sums = l->text + strlen(SUMS_MARK);
		p->sums_len = l->len - strlen(SUMS_MARK);
		p->sums_line = number;
	} else if (*open == NULL && !(p->sums != NULL && l->len == 0)) {
		add_outside(p, at, l->next, number);
	}
	return 0;
}

static int
places_read(const char *text, size_t len, struct places **ret, struct err *err)
{
	struct places *p = xcalloc(1, sizeof *p);
	struct place *open = NULL;
	const char *end = text + len;
	unsigned number = 0;

	buf_init(&p->outside, len + 2);
	for (const char *at = text; at < end;) {
		struct line l = line_at(at, end);

		if (read_line(p, at, &l, ++number, &open, err) < 0) {
			places_done(p);
			return ERR_SYNTAX;
		}
		at = l.next;
	}
	if (open != NULL) {
		err_set(err, ERR_SYNTAX, "line %u: the place '%s' has no end mark (" END_MARK "%s" MARK_END ")", open->line, open->name, open->name);
		places_done(p);
		return ERR_SYNTAX;
	}
	*ret = p;
	return 0;
}

/* --- sums ------------------------------------------------------------------------------------------------------------------ */

static void
add_sums(struct buf *b, const struct places *p)
{
	char hash[AUDIT_HASH_HEX + 1];
	const char *at = p->outside.data, *end = at + p->outside.len;

	digest_hex(p->outside.data, p->outside.len, hash);
	buf_printf(b, "%s ", hash);
	for (size_t i = 0; i < p->n_lines; i += SUM_LINES) {
		const char *from = at;

		for (size_t k = 0; k < SUM_LINES && at < end; k++)
			at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		buf_printf(b, "%s%0*" PRIx64, i > 0 ? "," : "", SUM_HEX, str_hash(from, (size_t)(at - from), STR_HASH_SEED) & 0xffff);
	}
}

/* Between which lines of the document the first difference is. */
static void
first_change(const struct places *p, const char *now, unsigned *ret_from, unsigned *ret_to)
{
	size_t at = AUDIT_HASH_HEX + 1, i = 0;

	while (at + SUM_HEX <= p->sums_len && strlen(now) >= at + SUM_HEX && memcmp(p->sums + at, now + at, SUM_HEX) == 0) {
		at += SUM_HEX + 1;
		i += SUM_LINES;
	}
	if (p->n_lines == 0)
		i = 0;
	else if (i >= p->n_lines)
		i = p->n_lines - 1;
	*ret_from = p->n_lines > 0 ? p->lines[i] : 1;
	*ret_to = p->n_lines > 0 ? p->lines[i + SUM_LINES - 1 < p->n_lines ? i + SUM_LINES - 1 : p->n_lines - 1] : 1;
}

static int
check_sums(const struct places *p, struct err *err)
{
	struct buf now;
	unsigned from, to;
	int result = 0;

	if (p->sums == NULL || p->sums_len < AUDIT_HASH_HEX)
		return err_set(err, ERR_SYNTAX, "this is no review that opsconsole wrote, or its last line (" SUMS_MARK ".." MARK_END ") is missing: write to another file, and move what is yours "
		    "into the places of the new one");
	buf_init(&now, 1 << 20);
	add_sums(&now, p);
	if (now.len < AUDIT_HASH_HEX || memcmp(now.data, p->sums, AUDIT_HASH_HEX) != 0) {
		first_change(p, now.data, &from, &to);
		result = err_set(err, ERR_INVALID, "lines %u to %u: text outside the places that are yours was changed, and would be lost: move it into a place (or make one of your own, " BEGIN_MARK
		    "NAME" MARK_END " before it and " END_MARK "NAME" MARK_END " after it, and put the old text back), or write to another file", from, to);
	}
	buf_done(&now);
	return result;
}

/* --- writing ---------------------------------------------------------------------------------------------------------------- */

static void
add_place(struct buf *b, const struct place *v)
{
	buf_printf(b, BEGIN_MARK "%s" MARK_END "\n", v->name);
	buf_add(b, v->text, v->len);
	if (v->len > 0 && v->text[v->len - 1] != '\n')
		buf_addch(b, '\n');
	buf_printf(b, END_MARK "%s" MARK_END "\n", v->name);
}

static void
add_kept(struct buf *b, const struct places *old, bool is_html)
{
	bool has_head = false;

	for (size_t i = 0; old != NULL && i < old->n; i++) {
		if (old->v[i].is_used)
			continue;
		if (!has_head)
			buf_addstr(b, is_html ? "<h2>Kept</h2>\n<p>From earlier versions of this document, which this one has no place for.</p>\n" :
			    "\n## Kept\n\nFrom earlier versions of this document, which this one has no place for.\n");
		has_head = true;
		buf_addstr(b, is_html ? "<div class=\"yours\">\n" : "\n");
		add_place(b, &old->v[i]);
		buf_addstr(b, is_html ? "</div>\n" : "");
	}
}

/* Fresh with the places of old in it. */
static void
fill(const char *fresh, size_t fresh_len, struct places *mine, struct places *old, bool is_html, struct buf *b)
{
	const char *tail = is_html ? "</body>\n</html>\n" : "", *end = fresh + fresh_len - strlen(tail), *at = fresh;

	for (size_t i = 0; i < mine->n; i++) {
		struct place *kept = old != NULL ? find(old, mine->v[i].name) : NULL;

		if (kept == NULL)
			continue;
		kept->is_used = true;
		buf_add(b, at, (size_t)(mine->v[i].text - at));
		buf_add(b, kept->text, kept->len);
		at = mine->v[i].text + mine->v[i].len;
	}
	buf_add(b, at, (size_t)(end - at));
	add_kept(b, old, is_html);
	buf_addstr(b, tail);
}

int
places_merge(const char *fresh, size_t fresh_len, const char *old_text, size_t old_len, bool is_html, struct buf *b, struct err *err)
{
	struct places *mine = NULL, *old = NULL, *all = NULL;
	size_t begun = b->len;
	int result = old_text != NULL ? places_read(old_text, old_len, &old, err) : 0;

	if (result == 0 && old != NULL)
		result = check_sums(old, err);
	if (result == 0)
		result = places_read(fresh, fresh_len, &mine, err);
	if (result == 0) {
		fill(fresh, fresh_len, mine, old, is_html, b);
		result = places_read(b->data + begun, b->len - begun, &all, err);
	}
	if (result == 0) {
		buf_addstr(b, SUMS_MARK);
		add_sums(b, all);
		buf_addstr(b, MARK_END "\n");
		if (b->is_over)
			result = err_set(err, ERR_LIMIT, "the review is longer than %zu bytes", b->max);
	}
	if (mine != NULL)
		places_done(mine);
	if (old != NULL)
		places_done(old);
	if (all != NULL)
		places_done(all);
	return result;
}
