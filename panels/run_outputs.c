/*
 * What a step said, each text once: hosts that said the same are folded into one pattern of names. The largest group is what most of them said; the
 * others tell how they differ from it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostfold.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "run.h"

/* GROUPS_*: hosts that all say something else are many texts to compare; a frame must not take long. */
enum { SHOWN_MAX = 1 << 18, NAMES_MAX = 1 << 16, GROUPS_BRIEF = 6, GROUPS_ALL = 32 };

/* --- what one said ---------------------------------------------------------------------------------------------------------- */

static void
add_lines(struct buf *b, const char *text, const char *prefix)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		buf_addstr(b, prefix);
		buf_add(b, text, len);
		buf_addch(b, '\n');
		text += len + (text[len] == '\n');
	}
}

/* As it is shown and compared: lines of stdout, then of stderr, then how it ended unless it ended well. */
static void
shown_text(struct buf *b, const struct run_output *o)
{
	add_lines(b, o->out, "");
	add_lines(b, o->err, "stderr: ");
	if (o->is_ended && *o->signal != '\0')
		buf_printf(b, "(ended by signal %s)\n", o->signal);
	else if (o->is_ended && o->status > 0)
		buf_printf(b, "(exit status %d)\n", o->status);
}

static uint64_t
hash_of(const struct run_output *o)
{
	uint64_t h = str_hash(o->out, strlen(o->out) + 1, STR_HASH_SEED);

	h = str_hash(o->err, strlen(o->err) + 1, h);
	h = str_hash(o->signal, strlen(o->signal) + 1, h);
	h = str_hash(&o->status, sizeof o->status, h);
	return str_hash(&o->is_ended, sizeof o->is_ended, h);
}

static bool
same(const struct run_output *a, const struct run_output *b)
{
	return a->status == b->status && a->is_ended == b->is_ended && strcmp(a->signal, b->signal) == 0 && strcmp(a->out, b->out) == 0 &&
	    strcmp(a->err, b->err) == 0;
}

static const struct run_output *
output_of(const struct run_panel *s, const struct model *m, const struct run_info *r, size_t row)
{
	return model_run_output(m, r->id, r->rows[row].host, s->column);
}

/* --- groups -------------------------------------------------------------------------------------------------------------------- */

static void
groups_done(struct run_panel *s)
{
	for (size_t i = 0; i < s->n_groups; i++)
		free(s->groups[i].hosts);
	free(s->groups);
	s->groups = NULL;
	s->n_groups = 0;
}

void
run_outputs_done(struct run_panel *s)
{
	groups_done(s);
	free(s->slots);
	free(s->slots_run);
	s->slots = NULL;
	s->slots_run = NULL;
	s->n_slots = 0;
}

/* Which outputs there are now. true: others than when the groups were made. */
static bool
slots_update(struct run_panel *s, const struct model *m, const struct run_info *r)
{
	bool is_changed = s->slots_run == NULL || strcmp(s->slots_run, r->id) != 0 || s->slots_column != s->column || s->n_slots != r->n_rows;

	if (is_changed) {
		run_outputs_done(s);
		s->slots_run = xstrdup(r->id);
		s->slots_column = s->column;
		s->n_slots = r->n_rows;
		s->slots = xcalloc(r->n_rows + 1, sizeof *s->slots);
	}
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct run_output *o = output_of(s, m, r, i);
		struct run_slot *slot = &s->slots[i];
		uint64_t bytes = o == NULL ? 0 : o->out_bytes + o->err_bytes;

		if (slot->output == o && slot->bytes == bytes && (o == NULL || slot->is_ended == o->is_ended))
			continue;
		*slot = (struct run_slot){ .output = o, .bytes = bytes, .is_ended = o != NULL && o->is_ended, .hash = o == NULL ? 0 : hash_of(o) };
		is_changed = true;
	}
	return is_changed;
}

static int
name_compare(const void *a, const void *b)
{
	return host_name_compare(*(const char *const *)a, *(const char *const *)b);
}

/* group_of[i]: the group of row i, or n_groups. */
static char *
group_hosts(const struct run_info *r, const size_t *group_of, size_t group)
{
	const char **names = xcalloc(r->n_rows + 1, sizeof *names);
	struct buf b;
	size_t n = 0;
	char *text;

	for (size_t i = 0; i < r->n_rows; i++)
		if (group_of[i] == group)
			names[n++] = run_row_name(&r->rows[i]);
	qsort(names, n, sizeof *names, name_compare);
	buf_init(&b, NAMES_MAX);
	host_fold(&b, names, n);
	text = buf_take(&b, NULL);
	buf_done(&b);
	free(names);
	return text;
}

/* Those that have not ended say what they say so far: nothing to hold the others against. */
static int
group_compare(const void *pa, const void *pb)
{
	const struct run_group *a = pa, *b = pb;

	if (a->is_ended != b->is_ended)
		return a->is_ended ? -1 : 1;
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

static void
groups_make(struct run_panel *s, const struct model *m, const struct run_info *r)
{
	size_t *group_of = xcalloc(r->n_rows + 1, sizeof *group_of);

	groups_done(s);
	s->groups = xcalloc(r->n_rows + 1, sizeof *s->groups);
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct run_output *o = output_of(s, m, r, i);
		size_t g = 0;

		group_of[i] = SIZE_MAX;
		if (o == NULL)
			continue;
		while (g < s->n_groups && (s->slots[s->groups[g].row].hash != s->slots[i].hash || !same(output_of(s, m, r, s->groups[g].row), o)))
			g++;
		if (g == s->n_groups)
			s->groups[s->n_groups++] = (struct run_group){ .row = i, .is_ended = o->is_ended };
		s->groups[g].n++;
		group_of[i] = g;
	}
	for (size_t g = 0; g < s->n_groups; g++)
		s->groups[g].hosts = group_hosts(r, group_of, g);
	if (s->n_groups > 1)
		qsort(s->groups, s->n_groups, sizeof *s->groups, group_compare);
	free(group_of);
}

void
run_outputs_build(struct run_panel *s, const struct model *m, const struct run_info *r)
{
	if (slots_update(s, m, r))
		groups_make(s, m, r);
}

/* --- drawing ------------------------------------------------------------------------------------------------------------------------ */

static void
draw_lines(struct pen *p, const char *text, int lines_max)
{
	size_t n_more = 0;

	for (; *text != '\0'; lines_max--) {
		size_t len = strcspn(text, "\n");

		if (lines_max > 0) {
			char *line = xstrndup(text, len);

			canvas_text_w(p->c, 5, p->y++, p->c->w - 6, ROLE_TEXT, line, false);
			free(line);
		} else {
			n_more++;
		}
		text += len + (text[len] == '\n');
	}
	if (n_more > 0)
		canvas_printf(p->c, 5, p->y++, ROLE_DIM, "… %zu more line%s", n_more, n_more == 1 ? "" : "s");
}

static void
draw_group(struct pen *p, const struct run_group *g, const struct run_output *o, bool is_first, bool is_only)
{
	char count[96];
	int right;

	snprintf(count, sizeof count, "%zu %s%s%s", g->n, g->n == 1 ? "host" : "hosts", g->n > 1 ? ", same" : "",
	    !o->is_ended ? ", not ended yet" : is_only ? "" : is_first ? ", most" : ", differs");
	right = canvas_text_right(p->c, p->c->w - 1, p->y, is_first ? ROLE_DIM : ROLE_CHANGED, count);
	canvas_text_w(p->c, 3, p->y++, right - 5, ROLE_STRONG, g->hosts, false);
	if (*o->out == '\0' && *o->err == '\0')
		canvas_text(p->c, 5, p->y++, ROLE_DIM, o->is_ended ? "(no output)" : "(no output yet)");
	if (o->out_bytes > RUN_OUTPUT_KEPT || o->err_bytes > RUN_OUTPUT_KEPT)
		canvas_text(p->c, 5, p->y++, ROLE_STALE, "(the last 64 KiB of it)");
}

bool
run_outputs_differ(const struct run_panel *s)
{
	return s->n_groups > 1 && s->groups[1].is_ended;
}

void
run_outputs_draw(struct pen *p, const struct run_panel *s, const struct model *m, const struct run_info *r, int lines_max)
{
	size_t most = lines_max <= RUN_DIFF_BRIEF ? GROUPS_BRIEF : GROUPS_ALL, n = s->n_groups < most ? s->n_groups : most;
	struct buf base, text;

	buf_init(&base, SHOWN_MAX);
	buf_init(&text, SHOWN_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct run_output *o = output_of(s, m, r, s->groups[i].row);

		if (o == NULL)
			continue;
		buf_reset(&text);
		shown_text(i == 0 ? &base : &text, o);
		draw_group(p, &s->groups[i], o, i == 0, !run_outputs_differ(s));
		if (i == 0 || !o->is_ended)
			draw_lines(p, i == 0 ? base.data : text.data, lines_max);
		else
			run_diff_draw(p, base.data, text.data, lines_max);
	}
	if (n < s->n_groups)
		canvas_printf(p->c, 3, p->y++, ROLE_CHANGED, "… %zu more say something else again: Enter on a host shows its own",
		    s->n_groups - n);
	buf_done(&base);
	buf_done(&text);
}
