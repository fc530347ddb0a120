#include "config.h"

#include "plain_errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "plain_line.h"

enum { SERVICES_MAX = 256, MINUTES_BEFORE = 5, JUMP_MIN = 10, JUMP_FACTOR = 3 };
#define WINDOW NS_PER_MIN
#define BEFORE (MINUTES_BEFORE * NS_PER_MIN)

struct service {
	char *name;
	bool is_high;
	size_t level;			/* errors in a minute as they were told; of one that is high */
	/* counted anew at each look */
	size_t n, n_before;
	int64_t first_ns;		/* of its lines in the stretch that is looked at; INT64_MAX none */
};

struct plain_errors {
	size_t n;
	struct service *v;
};

struct plain_errors *
plain_errors_new(void)
{
	return xcalloc(1, sizeof(struct plain_errors));
}

void
plain_errors_free(struct plain_errors *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i].name);
	free(e->v);
	free(e);
}

/* --- counting -------------------------------------------------------------------------------------------------------------- */

/* Its number; beyond the limit SERVICES_MAX: not looked at. */
static size_t
service_of(struct plain_errors *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->v[i].name, name) == 0)
			return i;
	if (e->n == SERVICES_MAX)
		return SERVICES_MAX;
	e->v = xreallocarray(e->v, e->n + 1, sizeof *e->v);
	e->v[e->n] = (struct service){ .name = xstrdup(name), .first_ns = INT64_MAX };
	return e->n++;
}

static void
count_line(struct service *s, int64_t at_ns, bool is_error, int64_t now_ns)
{
	if (at_ns < s->first_ns)
		s->first_ns = at_ns;
	if (!is_error || at_ns > now_ns)
		return;
	if (at_ns > now_ns - WINDOW)
		s->n++;
	else
		s->n_before++;
}

static void
count_segment(struct plain_errors *e, const struct log_segment *segment, int64_t now_ns)
{
	size_t *number, i = log_segment_find(segment, now_ns - WINDOW - BEFORE);
	struct log_texts t;

	log_segment_texts(segment, &t);
	number = xcalloc(t.n_streams + 1, sizeof *number);	/* of a stream's service, from 1; 0: not looked up yet */
	for (; i < t.n; i++) {
		size_t *at = &number[t.streams[i]];
		struct log_ref shared;

		if (*at == 0) {
			log_segment_stream(segment, t.streams[i], &shared);
			*at = service_of(e, shared.service) + 1;
		}
		if (*at <= SERVICES_MAX)
			count_line(&e->v[*at - 1], t.times[i], t.levels[i] >= LOG_LEVEL_ERROR, now_ns);
	}
	free(number);
}

static void
count(struct plain_errors *e, const struct model *m, int64_t now_ns)
{
	for (size_t i = 0; i < e->n; i++) {
		e->v[i].n = e->v[i].n_before = 0;
		e->v[i].first_ns = INT64_MAX;
	}
	for (size_t i = model_n_log_segments(m); i-- > 0;) {
		const struct log_segment *s = model_log_segment(m, i);

		if (log_segment_last(s) < now_ns - WINDOW - BEFORE)
			break;
		count_segment(e, s, now_ns);
	}
}

/* --- judging --------------------------------------------------------------------------------------------------------------- */

/* Errors a minute before the last one; 0 where there is no minute of it. */
static double
usual_of(const struct service *s, int64_t now_ns)
{
	int64_t from = s->first_ns > now_ns - WINDOW - BEFORE ? s->first_ns : now_ns - WINDOW - BEFORE;
	int64_t covered = now_ns - WINDOW - from;

	return covered < NS_PER_MIN ? 0 : (double)s->n_before * (double)NS_PER_MIN / (double)covered;
}

static void
tell(const struct service *s, const char *word, double usual, int64_t now_ns, struct buf *out)
{
	char text[128];

	if (*word == 'e')
		snprintf(text, sizeof text, "%zu error line%s in the last minute", s->n, s->n == 1 ? "" : "s");
	else
		snprintf(text, sizeof text, "%zu error lines in the last minute, %.3g a minute before", s->n, usual);
	plain_line_add(out, &(struct plain_line){ .at_ns = now_ns, .kind = "log", .word = word, .what = *s->name != '\0' ? s->name : "(no service)",
	    .text = text });
}

static void
judge(struct service *s, bool can_end, int64_t now_ns, struct buf *out)
{
	double usual = usual_of(s, now_ns), n = (double)s->n;
	const char *word = NULL;

	if (n >= JUMP_MIN && n >= JUMP_FACTOR * (s->is_high ? (double)s->level : usual)) {
		word = s->is_high ? "now" : "begins";
		s->is_high = true;
		s->level = s->n;
	} else if (s->is_high && can_end && s->n <= s->level / JUMP_FACTOR) {
		word = "ends";
		s->is_high = false;
	}
	if (word != NULL && out != NULL)
		tell(s, word, usual, now_ns, out);
}

/* Those that say nothing any more make room. */
static void
forget_silent(struct plain_errors *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (e->v[i].is_high || e->v[i].first_ns != INT64_MAX)
			e->v[kept++] = e->v[i];
		else
			free(e->v[i].name);
	}
	e->n = kept;
}

void
plain_errors_look(struct plain_errors *e, const struct model *m, bool can_end, struct buf *out)
{
	int64_t now_ns = model_now(m);

	count(e, m, now_ns);
	for (size_t i = 0; i < e->n; i++)
		judge(&e->v[i], can_end, now_ns, out);
	forget_silent(e);
}
