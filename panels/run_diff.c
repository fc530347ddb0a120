/*
 * What differs between two outputs, line by line: the longest common subsequence of what is left between an equal
 * begin and an equal end. Where that is long, only where it begins and how long it is is told.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "run.h"

enum { DIFF_MAX = 200 };	/* lines on either side that are compared with each other */

struct line {
	const char *s;
	size_t len;
};
struct lines {
	struct line *v;
	size_t n;
};

static struct lines
split(const char *text)
{
	struct lines l = { NULL, 0 };
	size_t cap = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (l.n == cap) {
			cap = cap == 0 ? 32 : cap * 2;
			l.v = xreallocarray(l.v, cap, sizeof *l.v);
		}
		l.v[l.n++] = (struct line){ text, len };
		text += len + (text[len] == '\n');
	}
	return l;
}

static bool
same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

struct out {
	struct pen *pen;
	int left;		/* rows it may still take */
	size_t n_same;		/* lines passed over since the last one told */
	struct lines *added;	/* NULL; or brief: these are only collected, for the last of them to be told */
	size_t n_lacking;
};

static void
flush_same(struct out *o)
{
	if (o->added == NULL && o->n_same > 0 && o->left > 0) {
		canvas_printf(o->pen->c, 5, o->pen->y++, ROLE_DIM, "… %zu line%s the same", o->n_same, o->n_same == 1 ? "" : "s");
		o->left--;
	}
	o->n_same = 0;
}

static void
tell(struct out *o, char sign, const struct line *line)
{
	char *text;

	if (o->added != NULL) {
		if (sign == '+')
			o->added->v[o->added->n++] = *line;
		else
			o->n_lacking++;
		return;
	}
	flush_same(o);
	if (o->left-- <= 0)
		return;
	text = xasprintf("%c %.*s", sign, (int)(line->len > 4096 ? 4096 : line->len), line->s);
	canvas_text_w(o->pen->c, 5, o->pen->y++, o->pen->c->w - 6, sign == '+' ? ROLE_CHANGED : ROLE_DIM, text, false);
	free(text);
}

/* t[i * (nb + 1) + j]: how many lines a[i..] and b[j..] have in common. */
static void
tell_differences(struct out *o, const struct line *a, size_t na, const struct line *b, size_t nb)
{
	uint16_t *t = xcalloc((na + 1) * (nb + 1), sizeof *t);
	size_t w = nb + 1, i = 0, j = 0;

	for (size_t x = na; x-- > 0;)
		for (size_t y = nb; y-- > 0;) {
			uint16_t down = t[(x + 1) * w + y], right = t[x * w + y + 1];

			t[x * w + y] = same(&a[x], &b[y]) ? (uint16_t)(t[(x + 1) * w + y + 1] + 1) : down > right ? down : right;
		}
	while (i < na || j < nb) {
		if (i < na && j < nb && same(&a[i], &b[j])) {
			o->n_same++;
			i++;
			j++;
		} else if (j == nb || (i < na && t[(i + 1) * w + j] >= t[i * w + j + 1])) {
			tell(o, '-', &a[i++]);
		} else {
			tell(o, '+', &b[j++]);
		}
	}
	free(t);
}

static void
tell_last(struct out *o)
{
	struct lines added = *o->added;
	size_t n = added.n < (size_t)o->left ? added.n : (size_t)o->left;

	o->added = NULL;
	o->n_same = 0;
	if (n < added.n)
		canvas_printf(o->pen->c, 5, o->pen->y++, ROLE_DIM, "… %zu more line%s, f all of it", added.n - n, added.n - n == 1 ? "" : "s");
	for (size_t i = added.n - n; i < added.n; i++)
		tell(o, '+', &added.v[i]);
	if (added.n == 0)
		canvas_printf(o->pen->c, 5, o->pen->y++, ROLE_DIM, "lacks %zu line%s, f which", o->n_lacking, o->n_lacking == 1 ? "" : "s");
}

void
run_diff_draw(struct pen *p, const char *base, const char *text, int lines_max)
{
	struct lines a = split(base), b = split(text);
	struct lines added = { xcalloc(b.n + 1, sizeof *added.v), 0 };
	struct out o = { .pen = p, .left = lines_max, .added = lines_max <= RUN_DIFF_BRIEF ? &added : NULL };
	size_t head = 0, tail = 0, na, nb;

	while (head < a.n && head < b.n && same(&a.v[head], &b.v[head]))
		head++;
	while (tail < a.n - head && tail < b.n - head && same(&a.v[a.n - 1 - tail], &b.v[b.n - 1 - tail]))
		tail++;
	na = a.n - head - tail;
	nb = b.n - head - tail;
	o.n_same = head;
	if (na > DIFF_MAX || nb > DIFF_MAX) {
		canvas_printf(p->c, 5, p->y++, ROLE_CHANGED, "from line %zu on %zu lines instead of %zu differ: Enter shows all of them",
		    head + 1, nb, na);
	} else {
		tell_differences(&o, a.v + head, na, b.v + head, nb);
		o.n_same += tail;
		flush_same(&o);
		if (o.added != NULL)
			tell_last(&o);
	}
	free(added.v);
	free(a.v);
	free(b.v);
}
