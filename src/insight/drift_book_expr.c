/* What to ask Prometheus for one side of a definition. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"
#include "insight/promql_scan.h"
#include "insight/slo_promql.h"

#define BUCKET "_bucket"

/* --- selectors -------------------------------------------------------------------------------- */

static void
take_braces(const struct promql_token *t, struct selector *ret)
{
	const char *at = t->at + 1;
	size_t len = t->len - 2;

	while (len > 0 && strchr(" \t\r\n,", at[len - 1]) != NULL)
		len--;
	ret->inner = xstrndup(at, len);
}

int
selector_parse(const char *text, struct selector *ret, struct err *err)
{
	struct promql_tokens t;
	size_t i = 0, len = strlen(text), n_suffix = strlen(BUCKET);
	int r = promql_scan(text, len, &t, err);

	if (r == 0 && i < t.n && t.v[i].kind == PROMQL_WORD) {
		len = t.v[i].len;
		if (len > n_suffix && memcmp(t.v[i].at + len - n_suffix, BUCKET, n_suffix) == 0)
			len -= n_suffix;
		ret->name = xstrndup(t.v[i++].at, len);
	}
	if (r == 0 && i < t.n && t.v[i].kind == PROMQL_BRACES)
		take_braces(&t.v[i++], ret);
	if (r == 0 && (i == 0 || i < t.n)) {
		char shown[120];

		selector_done(ret);
		r = err_set(err, ERR_INVALID,
		    "\"%s\" is no selector: write a metric with its labels, such as "
		    "url_count{job=\"serving\"}, without rate() or a range",
		    str_escape_to(shown, sizeof shown, text));
	}
	promql_tokens_done(&t);
	return r;
}

void
selector_done(struct selector *s)
{
	free(s->name);
	free(s->inner);
	*s = (struct selector){ 0 };
}

/* name_suffix{inner,version="6"}[1h] */
static void
put_range(struct buf *out, const struct item *item, const struct selector *s, const char *suffix,
    const char *version, int64_t window_ns)
{
	const char *inner = s->inner == NULL ? "" : s->inner;
	char window[PROMQL_DURATION_MAX];

	if (s->name != NULL) {
		buf_addstr(out, s->name);
		buf_addstr(out, suffix);
	}
	if (*inner != '\0' || version != NULL) {
		buf_addch(out, '{');
		buf_addstr(out, inner);
		if (version != NULL) {
			buf_printf(out, "%s%s=", *inner == '\0' ? "" : ",", item->def->version_label);
			promql_quote(out, version);
		}
		buf_addch(out, '}');
	}
	if (window_ns > 0)
		buf_printf(out, "[%s]", promql_duration(window, window_ns));
}

/* --- cells ------------------------------------------------------------------------------------ */

static void
put_cells(struct buf *out, const struct item *item, const struct selector *s, int64_t window_ns,
    const char *version)
{
	bool is_classic = item->def->data == DRIFT_CLASSIC;

	if (item->def->data == DRIFT_CATEGORIES)
		buf_printf(out, "sum by (%s) (increase(", item->def->label);
	else
		buf_addstr(out, is_classic ? "sum by (le) (increase(" : "sum(increase(");
	put_range(out, item, s, is_classic ? BUCKET : "", version, window_ns);
	buf_addstr(out, "))");
}

/* Of all series that increase() adds up: also of hosts that went within the window. */
static void
put_layout(struct buf *out, const struct item *item, const struct selector *s, int64_t window_ns,
    const char *version)
{
	buf_addstr(out, "count by (le) (count_over_time(");
	put_range(out, item, s, BUCKET, version, window_ns);
	buf_addstr(out, "))");
}

/* When the newest sample was, to half a window. */
static void
put_seen(struct buf *out, const struct item *item, const struct selector *s, int64_t window_ns,
    const char *version)
{
	const char *suffix = item->def->data == DRIFT_CLASSIC ? BUCKET : "";
	char step[PROMQL_DURATION_MAX];

	buf_addstr(out, "max(max_over_time(timestamp(");
	put_range(out, item, s, suffix, version, 0);
	buf_printf(out, ")[" SEEN_RANGE ":%s]))", promql_duration(step, window_ns / 2));
}

/* --- gauges ----------------------------------------------------------------------------------- */

/*
 * $ stands for the selector with its range. The variance over several series is that within them and
 * that between their means. The parts are of the window: neighbouring samples of a gauge are alike,
 * and how much the means of parts differ tells how few samples that many are worth (batch means;
 * Schmeiser, "Batch size effects in the analysis of simulation output", 1982), and those of half as many
 * whether even neighbouring parts are alike.
 */
static const char *const gauge_exprs[WHATS] = {
	[WHAT_N] = "sum(count_over_time($))",
	[WHAT_MEAN] = "sum(sum_over_time($)) / sum(count_over_time($))",
	[WHAT_VARIANCE] = "sum(stdvar_over_time($) * count_over_time($)) / sum(count_over_time($)) + "
			  "stdvar(avg_over_time($))",
	[WHAT_Q50] = "avg(quantile_over_time(0.5, $))",
	[WHAT_Q95] = "avg(quantile_over_time(0.95, $))",
};

static void
put_gauge(struct buf *out, const struct item *item, const struct selector *s, enum what what,
    int64_t window_ns, const char *version)
{
	char window[PROMQL_DURATION_MAX], part[PROMQL_DURATION_MAX];

	if (what == WHAT_PARTS || what == WHAT_PAIRS) {
		int64_t part_ns = window_ns / (what == WHAT_PARTS ? GAUGE_PARTS : GAUGE_PARTS / 2);

		promql_duration(window, window_ns);
		promql_duration(part, part_ns);
		buf_addstr(out, "stdvar_over_time(avg(avg_over_time(");
		put_range(out, item, s, "", version, part_ns);
		buf_printf(out, "))[%s:%s])", window, part);
		return;
	}
	for (const char *p = gauge_exprs[what]; *p != '\0'; p++) {
		if (*p == '$')
			put_range(out, item, s, "", version, window_ns);
		else
			buf_addch(out, *p);
	}
}

void
want_expr(struct buf *out, const struct item *item, const struct selector *s, enum what what,
    int64_t window_ns, const char *version)
{
	switch (what) {
	case WHAT_CELLS:
		put_cells(out, item, s, window_ns, version);
		break;
	case WHAT_LAYOUT:
		put_layout(out, item, s, window_ns, version);
		break;
	case WHAT_SEEN:
		put_seen(out, item, s, window_ns, version);
		break;
	case WHAT_MISSING:
		slo_fill(out, item->def->missing, window_ns);
		break;
	default:
		put_gauge(out, item, s, what, window_ns, version);
	}
}
