/*
 * Histograms: "how many took at most 0.3 seconds" as PromQL.
 *
 * The text of the label le is not one of a kind: clients write 0.3, 0.30 or 3e-01 for the same
 * bound, and Prometheus 3 writes 1.0 where others write 1. A pattern takes them all.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_slo_build.h"
#include "conf/conf_table.h"

enum { SHOWN = 72, TEXT_MAX = 20000 };

static const char name_first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:";
static const char name_all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:0123456789";
static const char blanks[] = " \t\n";

struct selector {
	size_t name_len;
	const char *matchers;		/* between the braces; "" for none */
	size_t matchers_len;		/* without blanks and comma at the end */
};

/* --- reading a selector ---------------------------------------------------------------------- */

/* Behind the string that begins at p; NULL: it has no end. */
static const char *
skip_string(const char *p)
{
	char quote = *p++;

	for (; *p != '\0' && *p != quote; p++)
		if (*p == '\\' && quote != '`' && p[1] != '\0')
			p++;
	return *p == quote ? p + 1 : NULL;
}

/* From behind { to its }; NULL: there is none, or there may be none: a comment would also swallow
 * what is added behind it. has_le: a label le is among the matchers. */
static const char *
skip_matchers(const char *p, bool *has_le)
{
	while (p != NULL && *p != '\0' && *p != '}') {
		size_t word = strspn(p, name_all);

		if (word > 0) {
			size_t after = word + strspn(p + word, blanks);

			*has_le = *has_le || (word == 2 && memcmp(p, "le", 2) == 0 &&
			    (p[after] == '=' || p[after] == '!'));
			p += word;
		} else if (strchr("\"'`", *p) != NULL) {
			p = skip_string(p);
		} else if (*p == '#') {
			return NULL;
		} else {
			p++;
		}
	}
	return p != NULL && *p == '}' ? p : NULL;
}

static int
check_name(const char *text, size_t len, struct err *err)
{
	static const char *const suffixes[] = { "_bucket", "_count", "_sum" };
	char shown[SHOWN];

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n && memcmp(text + len - n, suffixes[i], n) == 0)
			return err_set(err, ERR_INVALID, "'%s': write the histogram's name without "
			    "%s", str_escape_to(shown, sizeof shown, text), suffixes[i]);
	}
	return 0;
}

/* false: it is not the name of a metric, perhaps with labels. */
static bool
split_selector(const char *text, struct selector *ret, bool *ret_has_le)
{
	const char *p = text, *end;

	*ret_has_le = false;
	if (*p == '\0' || strchr(name_first, *p) == NULL)
		return false;
	ret->name_len = strspn(p, name_all);
	p += ret->name_len;
	p += strspn(p, blanks);
	ret->matchers = "";
	ret->matchers_len = 0;
	if (*p == '\0')
		return true;
	end = *p == '{' ? skip_matchers(p + 1, ret_has_le) : NULL;
	if (end == NULL || end[1] != '\0')
		return false;
	p++;
	p += strspn(p, blanks);
	while (end > p && strchr(" \t\n,", end[-1]) != NULL)
		end--;
	ret->matchers = p;
	ret->matchers_len = (size_t)(end - p);
	return true;
}

static int
read_selector(const char *text, struct selector *ret, struct err *err)
{
	bool has_le;
	char shown[SHOWN];

	if (!split_selector(text, ret, &has_le))
		return err_set(err, ERR_INVALID, "'%s' is not the name of a histogram, perhaps with "
		    "labels (such as http_request_duration_seconds{job=\"web\"})",
		    str_escape_to(shown, sizeof shown, text));
	if (has_le)
		return err_set(err, ERR_INVALID, "the label le is added by 'below:'; leave it out");
	return check_name(text, ret->name_len, err);
}

int
conf_selector(const char *text, bool is_histogram, char **ret_clean, struct err *err)
{
	static const char bucket[] = "_bucket";
	struct selector s;
	char shown[SHOWN];
	bool has_le;

	if (!split_selector(text, &s, &has_le))
		return err_set(err, ERR_INVALID, "'%s' is not the name of a metric, perhaps with labels "
		    "(such as queue_age_seconds{job=\"serving\"})",
		    str_escape_to(shown, sizeof shown, text));
	if (is_histogram && has_le)
		return err_set(err, ERR_INVALID, "the label le tells its buckets apart; leave it out");
	/* Not _count: it may be the feature that is a count, as in spam_feature_url_count_bucket. */
	if (is_histogram && s.name_len > strlen(bucket) &&
	    memcmp(text + s.name_len - strlen(bucket), bucket, strlen(bucket)) == 0)
		return err_set(err, ERR_INVALID, "'%s': write the histogram's name without _bucket",
		    str_escape_to(shown, sizeof shown, text));
	*ret_clean = s.matchers_len == 0 ? xstrndup(text, s.name_len) :
	    xasprintf("%.*s{%.*s}", (int)s.name_len, text, (int)s.matchers_len, s.matchers);
	return 0;
}

/* --- the bound ------------------------------------------------------------------------------- */

/* The fewest digits that are this number: "3e-01". */
static void
shortest(char buf[40], double v)
{
	double back;

	for (int digits = 0; digits < 17; digits++) {
		snprintf(buf, 40, "%.*e", digits, v);
		if (jread_double(buf, strlen(buf), &back) == 0 && back == v)
			return;
	}
}

/* whole.fraction with any number of zeros behind. Backslashes are doubled: it stands in a string
 * of PromQL. */
static void
add_decimal(struct buf *b, const char *whole, size_t whole_len, const char *fraction)
{
	buf_add(b, whole, whole_len);
	if (fraction[0] == '\0')
		buf_addstr(b, "(\\\\.0*)?");
	else
		buf_printf(b, "\\\\.%s0*", fraction);
}

/* The digits without a dot, at their power of ten. */
static void
add_plain(struct buf *b, const char *digits, int exponent)
{
	int n = (int)strlen(digits);
	struct buf zeros;

	buf_init(&zeros, 64);
	if (exponent < 0) {
		for (int i = exponent + 1; i < 0; i++)
			buf_addch(&zeros, '0');
		buf_addstr(&zeros, digits);
		add_decimal(b, "0", 1, zeros.data);
	} else if (exponent + 1 >= n) {
		buf_addstr(&zeros, digits);
		for (int i = n; i < exponent + 1; i++)
			buf_addch(&zeros, '0');
		add_decimal(b, zeros.data, zeros.len, "");
	} else {
		add_decimal(b, digits, (size_t)exponent + 1, digits + exponent + 1);
	}
	buf_done(&zeros);
}

static void
add_le_pattern(struct buf *b, double v)
{
	char text[40], digits[24];
	int exponent;
	size_t n = 0;

	if (v == 0) {
		buf_addstr(b, "-?0(\\\\.0*)?");
		return;
	}
	shortest(text, fabs(v));
	exponent = atoi(strchr(text, 'e') + 1);
	for (const char *p = text; *p != 'e' && n < sizeof digits - 1; p++)
		if (*p != '.')
			digits[n++] = *p;
	digits[n] = '\0';
	buf_addstr(b, v < 0 ? "-(" : "");
	if (exponent > -12 && exponent < 22) {
		add_plain(b, digits, exponent);
		buf_addch(b, '|');
	}
	add_decimal(b, digits, 1, digits + 1);
	buf_printf(b, "[eE]%s0*%d", exponent < 0 ? "-" : "[+]?", abs(exponent));
	buf_addstr(b, v < 0 ? ")" : "");
}

/* --- the two expressions --------------------------------------------------------------------- */

static void
add_classic(struct buf *good, struct buf *total, const char *text, const struct selector *s,
    double bound)
{
	int matchers_len = (int)s->matchers_len, name_len = (int)s->name_len;

	buf_printf(good, "%.*s_bucket{%.*s%sle=~\"", name_len, text, matchers_len, s->matchers,
	    matchers_len > 0 ? "," : "");
	add_le_pattern(good, bound);
	buf_addstr(good, "\"}");
	buf_printf(total, "%.*s_count", name_len, text);
	if (matchers_len > 0)
		buf_printf(total, "{%.*s}", matchers_len, s->matchers);
}

/* The share of none is NaN: no events are none too many, so the count (0) stands in. */
static void
add_native(struct buf *good, struct buf *total, const char *text, double bound)
{
	char number[40];

	shortest(number, bound);
	buf_printf(total, "histogram_count(sum(increase(%s[${window}])))", text);
	buf_printf(good, "(histogram_fraction(-Inf, %s, sum(increase(%s[${window}]))) >= 0) * "
	    "%s or %s", number, text, total->data, total->data);
}

int
slo_build_histogram(struct slo_build *b, const char *selector, double bound, bool is_native,
    const char **ret_good, const char **ret_total, struct err *err)
{
	struct buf good, total;
	struct selector s = { .matchers = "" };
	int r = read_selector(selector, &s, err);

	if (r < 0)
		return r;
	buf_init(&good, 8 * TEXT_MAX);
	buf_init(&total, 8 * TEXT_MAX);
	if (is_native)
		add_native(&good, &total, selector, bound);
	else
		add_classic(&good, &total, selector, &s, bound);
	*ret_good = slo_build_text(b, good.data);
	*ret_total = slo_build_text(b, total.data);
	buf_done(&good);
	buf_done(&total);
	return 0;
}
