#include "config.h"

#include "silence_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum { VALUE_MAX = 1 << 14 };
#define LONG_SILENCE (3 * 24 * NS_PER_HOUR)

/* --- reading a matcher ------------------------------------------------------------------------- */

struct reader {
	const char *text, *at;
	struct arena *arena;
	struct err *err;
};

static int __attribute__((format(printf, 2, 3)))
fail(struct reader *r, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(r->err, ERR_SYNTAX, "character %zu: %s", (size_t)(r->at - r->text) + 1, what);
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int
read_code_point(struct reader *r, struct buf *out)
{
	uint32_t cp = 0;
	char utf8[4];
	size_t len;

	if (r->at[1] != '{')
		return fail(r, "expected \\u{HEX}");
	for (r->at += 2; hex_value(*r->at) >= 0 && cp <= 0x10ffff; r->at++)
		cp = cp * 16 + (uint32_t)hex_value(*r->at);
	len = utf8_encode(cp, utf8);
	if (*r->at != '}' || len == 0 || cp == 0)
		return fail(r, "expected \\u{HEX} to name a character");
	r->at++;
	return buf_add(out, utf8, len);
}

static int
read_escape(struct reader *r, struct buf *out)
{
	r->at++;
	switch (*r->at) {
	case 'n':
		r->at++;
		return buf_addch(out, '\n');
	case '"': case '\\':
		return buf_addch(out, *r->at++);
	case 'u':
		return read_code_point(r, out);
	case 'x':
		if (hex_value(r->at[1]) < 0 || hex_value(r->at[2]) < 0 || (r->at[1] == '0' && r->at[2] == '0'))
			return fail(r, "expected \\xHH, two hex digits");
		buf_addch(out, (char)(hex_value(r->at[1]) * 16 + hex_value(r->at[2])));
		r->at += 3;
		return 0;
	case '\0':
		return fail(r, "expected a character behind \\");
	default:
		/* Regexes are full of them; PromQL would want \\d. */
		buf_addch(out, '\\');
		return buf_addch(out, *r->at++);
	}
}

static int
read_quoted(struct reader *r, struct buf *out)
{
	for (r->at++; *r->at != '"';) {
		int code = 0;

		if (*r->at == '\0')
			return fail(r, "expected a closing \"");
		if (*r->at == '\\')
			code = read_escape(r, out);
		else
			buf_addch(out, *r->at++);
		if (code < 0)
			return code;
	}
	r->at++;
	return 0;
}

static void
skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " ");
}

static int
read_name(struct reader *r, struct buf *out)
{
	size_t len;

	if (*r->at == '"')
		return read_quoted(r, out);
	len = strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	if (len == 0 || (*r->at >= '0' && *r->at <= '9'))
		return fail(r, "expected the name of a label");
	buf_add(out, r->at, len);
	r->at += len;
	return 0;
}

static int
read_operator(struct reader *r, struct matcher *m)
{
	static const struct {
		const char *text;
		bool is_regex, is_equal;
	} operators[] = { { "=~", true, true }, { "!~", true, false }, { "!=", false, false }, { "=", false, true } };

	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		if (!str_has_prefix(r->at, operators[i].text))
			continue;
		m->is_regex = operators[i].is_regex;
		m->is_equal = operators[i].is_equal;
		r->at += strlen(operators[i].text);
		return 0;
	}
	return fail(r, "expected = != =~ or !~");
}

static int
read_value(struct reader *r, struct buf *out)
{
	size_t len = strlen(r->at);
	int code;

	if (*r->at != '"') {
		while (len > 0 && r->at[len - 1] == ' ')
			len--;
		if (memchr(r->at, '"', len) != NULL) {
			r->at = strchr(r->at, '"');
			return fail(r, "a value with \" in it stands in quotes");
		}
		buf_add(out, r->at, len);
		return 0;
	}
	code = read_quoted(r, out);
	if (code < 0)
		return code;
	skip_blanks(r);
	return *r->at == '\0' ? 0 : fail(r, "expected nothing behind the closing quote");
}

int
matcher_parse(const char *text, struct arena *arena, struct matcher *ret_matcher, struct err *err)
{
	struct reader r = { text, text, arena, err };
	struct matcher m = { 0 };
	struct buf name, value;
	int code;

	buf_init(&name, VALUE_MAX);
	buf_init(&value, VALUE_MAX);
	skip_blanks(&r);
	code = read_name(&r, &name);
	if (code == 0) {
		skip_blanks(&r);
		code = read_operator(&r, &m);
	}
	if (code == 0) {
		skip_blanks(&r);
		code = read_value(&r, &value);
	}
	if (code == 0 && !utf8_is_valid(value.data, value.len))
		code = err_set(err, ERR_SYNTAX, "the value is not UTF-8");
	if (code == 0) {
		m.name = arena_strdup(arena, name.data);
		m.value = arena_strdup(arena, value.data);
		*ret_matcher = m;
	}
	buf_done(&name);
	buf_done(&value);
	return code;
}

/* --- guards -------------------------------------------------------------------------------------- */

/* A matcher that lets every value through, such as =~".+": found by trying values no one would have listed. */
static bool
matches_any_value(const struct matcher *m)
{
	static const char *const probes[] = { "a", "Z", "0", "-", "opsconsole-probe", "10.0.0.1:9100", "x y/z", "\xc3\xa9" };

	struct matcher_set *set = matcher_set_new(m, 1, NULL);
	bool is_any = set != NULL;

	for (size_t i = 0; i < sizeof probes / sizeof probes[0] && is_any; i++) {
		struct label label = { m->name, probes[i] };
		struct labels labels = { 1, &label };

		is_any = matcher_set_match(set, &labels) == MATCHER_YES;
	}
	matcher_set_free(set);
	return is_any;
}

/* alertname!="" tells nothing apart: every alert has a name. */
static bool
is_open(const struct silence *s)
{
	for (size_t i = 0; i < s->n_matchers; i++)
		if (!matches_any_value(&s->matchers[i]))
			return false;
	return true;
}

static const struct matcher *
bad_regex(const struct silence *s)
{
	for (size_t i = 0; i < s->n_matchers; i++)
		if (matchers_check(&s->matchers[i], 1, NULL) < 0)
			return &s->matchers[i];
	return NULL;
}

static void
check_refusal(const struct silence *s, const struct view *v, char *out, size_t size)
{
	static const struct labels none = { 0, NULL };
	const struct matcher *bad = bad_regex(s);
	char name[64], value[80];

	*out = '\0';
	if (s->n_matchers == 0)
		snprintf(out, size, "A silence needs at least one matcher.");
	else if (bad != NULL)
		snprintf(out, size, "%s: the regex does not compile: %s", str_escape_to(name, sizeof name, bad->name),
		    str_escape_to(value, sizeof value, bad->value));
	else if (matchers_match(s->matchers, s->n_matchers, &none, NULL))
		snprintf(out, size, "This hides everything: every matcher also accepts alerts without that label.");
	else if (is_open(s))
		snprintf(out, size, "This hides everything: no matcher leaves a value out. Name what is meant.");
	else if (s->ends_ns <= v->now_ns)
		snprintf(out, size, "It would be over already.");
}

static void
check_warning(const struct silence *s, const struct view *v, const struct silence_check *k, char *out, size_t size)
{
	char length[DURATION_TEXT_MAX];

	*out = '\0';
	if (!k->is_known)
		snprintf(out, size, "what it hides is not known: no source has told of alerts");
	else if (!k->is_tried)
		snprintf(out, size, "cannot be tried here: what it hides is not known");
	else if (k->n_firing > 1 && 2 * k->n_firing_hidden > k->n_firing)
		snprintf(out, size, "it hides %zu of the %zu alerts that fire, more than half", k->n_firing_hidden, k->n_firing);
	else if (s->ends_ns - v->now_ns > LONG_SILENCE)
		snprintf(out, size, "%s is long: a silence that is forgotten hides the next incident",
		    duration_format(length, s->ends_ns - v->now_ns));
	else if (part_counted(&k->hides) == 0)
		snprintf(out, size, "it hides nothing that is known now");
}

/* What Alertmanager would match: external labels come on top of what Prometheus shows. */
static const struct labels *
labels_to_match(const struct model_alert *a)
{
	return a->am != NULL ? &a->am->labels : a->labels;
}

static void
add_hidden(struct silence_check *k, const struct model_alert *a, bool is_firing)
{
	part_count(&k->hides, a->state);
	k->n_firing_hidden += is_firing;
	if (k->n_listed < SILENCE_LISTED_MAX)
		k->listed[k->n_listed++] = a->id;
}

void
silence_preview(const struct silence *s, const struct view *v, struct silence_check *ret_check)
{
	struct silence_check k = { .is_known = v->model != NULL && model_alerts_known(v->model) };
	struct matcher_set *set = matcher_set_new(s->matchers, s->n_matchers, NULL);

	k.is_tried = set != NULL;
	for (size_t i = 0; v->model != NULL && i < model_n_alerts(v->model); i++) {
		const struct model_alert *a = model_alert(v->model, i);
		bool is_firing = a->state == ALERT_FIRING || a->state == ALERT_UNPROCESSED;
		enum matcher_answer answer = MATCHER_NO;

		k.n_alerts++;
		k.n_firing += is_firing;
		/* One that cannot be told spoils the sum: then the rest need not be tried. */
		if (k.is_tried && s->n_matchers > 0)
			answer = matcher_set_match(set, labels_to_match(a));
		if (answer == MATCHER_YES)
			add_hidden(&k, a, is_firing);
		k.is_tried &= answer != MATCHER_UNKNOWN;
	}
	if (!k.is_tried) {
		k.hides = (struct alert_counts){ 0 };
		k.n_firing_hidden = k.n_listed = 0;
	}
	matcher_set_free(set);
	*ret_check = k;
}

uint64_t
silence_preview_key(const struct silence *s, const struct view *v)
{
	uint64_t h = str_hash(&v->model, sizeof v->model, STR_HASH_SEED);
	bool is_known = v->model != NULL && model_alerts_known(v->model);

	h = str_hash(&is_known, sizeof is_known, h);
	for (size_t i = 0; i < s->n_matchers; i++) {
		const struct matcher *m = &s->matchers[i];

		h = str_hash(m->name, strlen(m->name) + 1, h);
		h = str_hash(m->value, strlen(m->value) + 1, h);
		h = str_hash(&m->is_regex, sizeof m->is_regex, h);
		h = str_hash(&m->is_equal, sizeof m->is_equal, h);
	}
	for (size_t i = 0; v->model != NULL && i < model_n_alerts(v->model); i++) {
		const struct model_alert *a = model_alert(v->model, i);
		const struct labels *labels = labels_to_match(a);

		h = str_hash(&a->id, sizeof a->id, h);
		h = str_hash(&a->state, sizeof a->state, h);
		h = str_hash(&labels, sizeof labels, h);
	}
	return h != 0 ? h : 1;
}

void
silence_judge(const struct silence *s, const struct view *v, struct silence_check *k)
{
	check_refusal(s, v, k->refusal, sizeof k->refusal);
	check_warning(s, v, k, k->warning, sizeof k->warning);
}

const char *
silence_hides_text(const struct silence_check *k, char *buf, size_t size)
{
	if (k->is_known && k->is_tried)
		return part_counts_text(&k->hides, buf, size);
	snprintf(buf, size, "not known");
	return buf;
}
