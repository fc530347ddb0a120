/* Conditions: what is looked at before, between and after. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/read.h"

enum { SHOWN = 72, TEXT_MAX = 4096 };
#define WAIT_WITHIN_NS (5 * NS_PER_MIN)

/* In the order of enum condition_kind. */
static const char *const kinds[] = { "promql", "alert", "served", "slo", "drift", "http", "time", "value", "log" };
enum { KINDS = sizeof kinds / sizeof kinds[0] };
static const char *const matches[] = { "every", "any", NULL };
static const char *const comparisons[] = { "==", "!=", "<", "<=", ">", ">=" };

static read_by read_match, read_is, read_alert_expect, read_log_query;

#define AT(member) offsetof(struct condition, member)
#define WITHIN { .name = "within", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(within_ns), .min = "1ms", .max = "24h", \
	  .help = "It is asked again until it holds, so long; once when absent (5m in wait:)." }
#define SETTLE { .name = "settle", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(settle_ns), .min = "1ms", .max = "24h", \
	  .help = "Only what was seen this much later than the last act counts." }

static const struct read_row promql_rows[] = {
	{ .name = "promql", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_PROMQL, .flags = READ_REQUIRED, .help = "The query." },
	{ .name = "source", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(source), .max = "64", .help = "The Prometheus to ask; the first when absent." },
	{ .name = "label", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(label), .max = "120", .help = "Compare this label's value rather than the number." },
	{ .name = "expect", .type = READ_BY, .by = read_condition_expect, .flags = READ_REQUIRED, .help = "'== 1' and kin; with label: the value." },
	{ .name = "match", .type = READ_BY, .by = read_match, .choices = matches, .help = "Whether every series must fit, or any." },
	{ .name = "by", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(host_label), .max = "120", .help = "The label that names the host: judged for each." },
	WITHIN, SETTLE, { 0 }
};
static const struct read_row alert_rows[] = {
	{ .name = "alert", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "Name of the alert." },
	{ .name = "expect", .type = READ_BY, .by = read_alert_expect, .flags = READ_REQUIRED, .help = "firing or resolved." },
	WITHIN, SETTLE, { 0 }
};
static const struct read_row served_rows[] = {
	{ .name = "served", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "The model." },
	{ .name = "version", .type = READ_TEMPLATE, .offset = AT(expect), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "The version its hosts serve." },
	WITHIN, SETTLE, { 0 }
};
static const struct read_row slo_rows[] = {
	{ .name = "slo", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "The objective." },
	{ .name = "expect", .type = READ_BY, .by = read_condition_expect, .flags = READ_REQUIRED, .help = "ok, not-firing, or 'left > 10%'." },
	WITHIN, SETTLE, { 0 }
};
static const struct read_row drift_rows[] = {
	{ .name = "drift", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "The model." },
	{ .name = "of", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(label), .max = "120", .help = "One of its features, predictions or labels; all when absent." },
	{ .name = "expect", .type = READ_BY, .by = read_condition_expect, .flags = READ_REQUIRED, .help = "steady or not-drifted." },
	WITHIN, SETTLE, { 0 }
};
static const struct read_row http_rows[] = {
	{ .name = "http", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(source), .max = "64", .flags = READ_REQUIRED, .help = "The source that is asked." },
	{ .name = "path", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_URL, .flags = READ_REQUIRED, .help = "Path and query behind its url." },
	{ .name = "at", .type = READ_SCALAR, .scalar = CONF_JPATH, .offset = AT(label), .max = "200", .help = "Where in the JSON answer the value stands." },
	{ .name = "expect", .type = READ_BY, .by = read_condition_expect, .flags = READ_REQUIRED, .help = "The status; with at: the value." },
	WITHIN, SETTLE, { 0 }
};
static const struct read_row time_rows[] = {
	{ .name = "time", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(time_ns), .min = "1ms", .max = "24h", .flags = READ_REQUIRED, .help = "How long." },
	{ 0 }
};
static const struct read_row value_rows[] = {
	{ .name = "value", .type = READ_TEMPLATE, .offset = AT(subject), .place = PLACE_WORD, .flags = READ_REQUIRED, .help = "What is compared, such as ${mode}." },
	{ .name = "is", .type = READ_BY, .by = read_is, .help = "It must be this." },
	{ .name = "is_not", .type = READ_BY, .by = read_is, .help = "It must not be this." },
	{ 0 }
};
/* The source comes first: it decides how the query is written. */
static const struct read_row log_rows[] = {
	{ .name = "source", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(source), .max = "64", .help = "The store of lines to ask; the first when absent." },
	{ .name = "log", .type = READ_BY, .by = read_log_query, .flags = READ_REQUIRED, .help = "The query, in the store's own language." },
	{ .name = "expect", .type = READ_BY, .by = read_condition_expect, .flags = READ_REQUIRED, .help = "How many lines: '>= 1', '== 0' and kin." },
	{ .name = "window", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(window_ns), .min = "1s", .max = "24h", .help = "Only lines of so long ago count." },
	WITHIN, SETTLE, { 0 }
};
#undef AT
const struct read_table read_promql_table = { "a promql condition", promql_rows };
const struct read_table read_alert_table = { "an alert condition", alert_rows };
const struct read_table read_served_table = { "a served condition", served_rows };
const struct read_table read_slo_table = { "an slo condition", slo_rows };
const struct read_table read_drift_table = { "a drift condition", drift_rows };
const struct read_table read_http_condition_table = { "an http condition", http_rows };
const struct read_table read_time_table = { "a time", time_rows };
const struct read_table read_value_table = { "a value condition", value_rows };
const struct read_table read_log_table = { "a log condition", log_rows };

static const struct read_table *const tables[] = { &read_promql_table, &read_alert_table,
    &read_served_table, &read_slo_table, &read_drift_table, &read_http_condition_table, &read_time_table,
    &read_value_table, &read_log_table };

/* --- members ------------------------------------------------------------------------------------------- */

static void
read_match(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct condition *c = item;

	if (!read_is_text(rd, row->name, node))
		return;
	c->is_any = str_eq(node->text, "any");
	if (!c->is_any && !str_eq(node->text, "every"))
		read_problem(rd, node, "match: every or any is expected");
}

static void
read_alert_expect(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	struct condition *c = item;

	if (!read_is_text(rd, row->name, node))
		return;
	if (!str_eq(node->text, "firing") && !str_eq(node->text, "resolved"))
		read_problem(rd, node, "expect: of an alert is firing or resolved");
	else
		c->expect = read_template(rd, row->name, node, PLACE_WORD);
}

/* Without an environment the query itself says what it most likely is. */
static enum template_place
likely_place(const char *query)
{
	const char *q = query + strspn(query, " \t\r\n");

	if (*q == '{')
		return q[1 + strspn(q + 1, " \t\r\n")] == '"' ? PLACE_JSON_TEXT : PLACE_LOGQL;
	q += strspn(q, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	return *q == '=' ? PLACE_JOURNAL : PLACE_LUCENE;
}

/* What stands in a JSON string may be read as a language of its own, in which a value could be more than a value. */
static void
check_json_query(struct reader *rd, const struct yaml_node *node, const struct template *t)
{
	static const char *const languages[] = { "\"query_string\"", "\"simple_query_string\"", "\"regexp\"", "\"wildcard\"", "\"script\"", "\"script_score\"" };

	for (size_t i = 0; t != NULL && template_names(t, NULL) > 0 && i < sizeof languages / sizeof *languages; i++)
		if (strstr(template_source(t), languages[i]) != NULL)
			read_problem(rd, node, "log: no variable may stand in a query with %s, whose text is a language of its own: use \"term\" or \"match_phrase\"",
			    languages[i]);
}

static void
read_log_query(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct condition *c = item;
	enum template_place place;

	if (!read_is_text(rd, row->name, node))
		return;
	if (!read_log_place(rd, c->source, node->text, &place))
		place = likely_place(node->text);
	/* What counts by itself would look back as far as it likes, and what was before the act is no evidence. */
	if (place == PLACE_LOGQL && node->text[strspn(node->text, " \t\r\n")] != '{')
		read_problem(rd, node, "log: a query for lines is expected, which are counted: {app=\"web\"} |= \"error\"");
	else
		c->subject = read_template(rd, row->name, node, place);
	if (place == PLACE_JSON_TEXT)
		check_json_query(rd, node, c->subject);
}

static void
read_is(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct condition *c = item;

	if (c->expect != NULL) {
		read_problem(rd, node, "is: and is_not: do not go together");
		return;
	}
	c->compare = str_eq(row->name, "is") ? CMP_EQ : CMP_NE;
	c->expect = read_template(rd, row->name, node, PLACE_WORD);
}

/* "<= 3" -> compare and what stands behind; no sign is ==. */
static const char *
take_comparison(const char *text, enum compare *ret)
{
	static const enum compare order[] = { CMP_EQ, CMP_NE, CMP_LE, CMP_GE, CMP_LT, CMP_GT };

	*ret = CMP_EQ;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		if (str_has_prefix(text, comparisons[order[i]])) {
			*ret = order[i];
			text += strlen(comparisons[order[i]]);
			break;
		}
	return text + strspn(text, " ");
}

static void
read_number(struct reader *rd, const struct yaml_node *node, const char *text, struct condition *c,
    const char *example)
{
	static const struct conf_row row = { .name = "expect", .type = CONF_AMOUNT };
	struct conf_value v = { .text = NULL };
	char shown[SHOWN];

	text = take_comparison(text, &c->compare);
	if (conf_scalar(&row, text, strlen(text), &v, NULL) == 0)
		c->number = v.real;
	else
		read_problem(rd, node, "expect: '%s' is no comparison with a number, such as '%s'",
		    str_escape_to(shown, sizeof shown, node->text), example);
}

/* A text with a comparison before it, which can only be == or !=. */
static void
read_expected_text(struct reader *rd, const struct yaml_node *node, struct condition *c)
{
	struct yaml_node rest = *node;

	rest.text = (char *)take_comparison(node->text, &c->compare);
	rest.len = strlen(rest.text);
	if (c->compare != CMP_EQ && c->compare != CMP_NE)
		read_problem(rd, node, "expect: texts are compared with == or != only");
	else
		c->expect = read_template(rd, "expect", &rest, PLACE_WORD);
}

static void
read_slo_expect(struct reader *rd, const struct yaml_node *node, struct condition *c)
{
	const char *text = node->text;

	if (str_eq(text, "ok") || str_eq(text, "not-firing")) {
		c->expect = read_template(rd, "expect", node, PLACE_WORD);
	} else if (str_has_prefix(text, "left ")) {
		read_number(rd, node, text + 5 + strspn(text + 5, " "), c, "left > 10%");
	} else {
		read_problem(rd, node, "expect: of an objective is ok, not-firing, or what is left of "
		    "its budget: 'left > 10%%'");
	}
}

static void
read_drift_expect(struct reader *rd, const struct yaml_node *node, struct condition *c)
{
	if (str_eq(node->text, "steady") || str_eq(node->text, "not-drifted"))
		c->expect = read_template(rd, "expect", node, PLACE_WORD);
	else
		read_problem(rd, node, "expect: of drift is steady or not-drifted");
}

static void
read_status(struct reader *rd, const struct yaml_node *node, struct condition *c)
{
	static const struct conf_row row = { .name = "expect", .type = CONF_INT, .min = "100",
	    .max = "599" };
	struct conf_value v = { .text = NULL };
	struct err err = ERR_INIT;

	if (conf_scalar(&row, node->text, node->len, &v, &err) < 0)
		read_problem(rd, node, "expect: an HTTP status (200), or with at: a value, is "
		    "expected: %s", err.msg);
	c->number = (double)v.number;
}

/* Rows come in order: what is compared has been read. */
void
read_condition_expect(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	struct condition *c = item;

	if (!read_is_text(rd, row->name, node))
		return;
	if (c->kind == COND_SLO)
		read_slo_expect(rd, node, c);
	else if (c->kind == COND_DRIFT)
		read_drift_expect(rd, node, c);
	else if (c->label != NULL)
		read_expected_text(rd, node, c);
	else if (c->kind == COND_HTTP)
		read_status(rd, node, c);
	else
		read_number(rd, node, node->text, c, c->kind == COND_LOG ? ">= 1" : "== 1");
	if (c->kind == COND_LOG && c->number < 0)
		read_problem(rd, node, "expect: there cannot be less than 0 lines");
}

/* --- as a person reads it ----------------------------------------------------------------------------------- */

static const char *
source_of(const struct template *t)
{
	return t != NULL ? template_source(t) : "";
}

/* The number as it was written, without its sign. */
static const char *
number_text(const struct yaml_node *map)
{
	const struct yaml_node *node = yaml_get(map, "expect");
	enum compare unused;

	if (node == NULL || node->text == NULL)
		return "";
	return take_comparison(str_has_prefix(node->text, "left ") ? node->text + 5 +
	    strspn(node->text + 5, " ") : node->text, &unused);
}

static void
add_series(struct buf *b, const struct condition *c)
{
	if (c->host_label != NULL)
		buf_printf(b, " for %s series of each host (%s)", c->is_any ? "any" : "every",
		    c->host_label);
	else
		buf_addstr(b, c->is_any ? " for any series" : " for every series");
}

static void
add_promql(struct buf *b, const struct condition *c, const struct yaml_node *map)
{
	if (c->label != NULL)
		buf_printf(b, "%s of %s %s %s", c->label, source_of(c->subject),
		    c->compare == CMP_EQ ? "is" : "is not", source_of(c->expect));
	else
		buf_printf(b, "%s %s %s", source_of(c->subject), comparisons[c->compare],
		    number_text(map));
	add_series(b, c);
}

static void
add_what(struct buf *b, const struct condition *c, const struct yaml_node *map)
{
	char span[DURATION_TEXT_MAX];
	const char *verb = c->compare == CMP_EQ ? "is" : "is not";

	switch (c->kind) {
	case COND_PROMQL: add_promql(b, c, map); break;
	case COND_ALERT:
		buf_printf(b, "alert %s is %s", source_of(c->subject), source_of(c->expect));
		break;
	case COND_SERVED:
		buf_printf(b, "the hosts serve %s %s", source_of(c->subject), source_of(c->expect));
		break;
	case COND_SLO:
		if (c->expect != NULL)
			buf_printf(b, "objective %s is %s", source_of(c->subject),
			    source_of(c->expect));
		else
			buf_printf(b, "objective %s has budget %s %s left", source_of(c->subject),
			    comparisons[c->compare], number_text(map));
		break;
	case COND_DRIFT:
		buf_printf(b, "%s%s%s is %s", c->label != NULL ? c->label : "all", " of ", source_of(c->subject), source_of(c->expect));
		break;
	case COND_HTTP:
		buf_printf(b, "%s%s answers ", c->source != NULL ? c->source : "",
		    source_of(c->subject));
		if (c->label != NULL)
			buf_printf(b, "with %s that %s %s", c->label, verb, source_of(c->expect));
		else
			buf_printf(b, "%.0f", c->number);
		break;
	case COND_LOG:
		buf_printf(b, "lines of %s%s%s %s %s", source_of(c->subject), c->source != NULL ? " in " : "", c->source != NULL ? c->source : "",
		    comparisons[c->compare], number_text(map));
		if (c->window_ns > 0)
			buf_printf(b, " over %s", duration_format(span, c->window_ns));
		break;
	case COND_TIME:
		buf_printf(b, "%s pass", duration_format(span, c->time_ns));
		break;
	case COND_VALUE:
		buf_printf(b, "%s %s %s", source_of(c->subject), verb, source_of(c->expect));
		break;
	}
}

static char *
text_of(const struct condition *c, const struct yaml_node *map)
{
	struct buf raw, shown;
	char span[DURATION_TEXT_MAX], *text;

	buf_init(&raw, TEXT_MAX);
	buf_init(&shown, 5 * TEXT_MAX);
	add_what(&raw, c, map);
	if (c->within_ns > 0)
		buf_printf(&raw, ", within %s", duration_format(span, c->within_ns));
	if (c->settle_ns > 0)
		buf_printf(&raw, ", settled for %s", duration_format(span, c->settle_ns));
	str_escape(&shown, raw.data, raw.len);
	text = buf_take(&shown, NULL);
	buf_done(&raw);
	buf_done(&shown);
	return text;
}

/* --- one condition ---------------------------------------------------------------------------------------------- */

static bool
names_host(const struct template *t)
{
	const char *const *names = NULL;
	size_t n = t != NULL ? template_names(t, &names) : 0;

	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], "host") || str_has_prefix(names[i], "host."))
			return true;
	return false;
}

/* "${mode} == canary" */
static void
read_short(struct reader *rd, const struct yaml_node *node, struct condition *c)
{
	const char *sign = strstr(node->text, " == "), *other = strstr(node->text, " != ");
	struct yaml_node left = *node, right = *node;

	if (sign == NULL || (other != NULL && other < sign))
		sign = other;
	if (sign == NULL) {
		read_problem(rd, node, "a condition is a map, or a comparison such as '${mode} == "
		    "canary'");
		return;
	}
	c->kind = COND_VALUE;
	c->compare = sign[1] == '=' ? CMP_EQ : CMP_NE;
	left.text = xstrndup(node->text, (size_t)(sign - node->text));
	left.len = strlen(left.text);
	right.text = (char *)sign + 4;
	right.len = strlen(right.text);
	c->subject = read_template(rd, "when", &left, PLACE_WORD);
	c->expect = read_template(rd, "when", &right, PLACE_WORD);
	free(left.text);
}

/* What the parameter cannot be, it never is; one that may be left out can be empty. */
static void
check_possible(struct reader *rd, const struct yaml_node *node, const struct runbook_param *p, const char *value)
{
	struct err err = ERR_INIT;
	char *unused = NULL;

	if (value[0] != '\0' && runbook_param_value(p, value, &unused, &err) < 0)
		read_problem(rd, node, "never holds: %s", err.msg);
	free(unused);
}

/* Both sides are written out, or one can never be the other. */
static void
check_never(struct reader *rd, const struct yaml_node *node, const struct condition *c)
{
	const char *const *names = NULL;
	const struct runbook_param *p;
	bool is_possible = false;

	if (c->subject == NULL || c->expect == NULL || template_names(c->expect, NULL) > 0)
		return;
	if (template_names(c->subject, &names) == 0) {
		if (str_eq(template_source(c->subject), template_source(c->expect)) !=
		    (c->compare == CMP_EQ))
			read_problem(rd, node, "never holds: both sides are written out, and the step "
			    "would never run");
		return;
	}
	p = read_find_param(rd->rb, names[0]);
	if (p == NULL || c->compare != CMP_EQ || strlen(names[0]) + 3 != strlen(template_source(c->subject)))
		return;
	if (p->type == PARAM_INT || p->type == PARAM_DURATION || p->type == PARAM_HOST) {
		check_possible(rd, node, p, template_source(c->expect));
		return;
	}
	if (p->type != PARAM_ENUM || p->choices == NULL)
		return;
	for (size_t i = 0; p->choices[i] != NULL; i++)
		is_possible = is_possible || str_eq(p->choices[i], template_source(c->expect));
	if (!is_possible)
		read_problem(rd, node, "never holds: '%s' is no choice of %s",
		    template_source(c->expect), p->name);
}

static void
check_place(struct reader *rd, const struct yaml_node *node, const struct condition *c,
    bool is_wait, bool is_when)
{
	if (c->kind == COND_TIME && !is_wait)
		read_problem(rd, node, "time: is something to wait: for, and nothing to check");
	if (c->kind == COND_VALUE && !is_when)
		read_problem(rd, node, "value: stands in when: only");
	if (c->kind == COND_VALUE && c->expect == NULL && node->type == YAML_TYPE_MAP)
		read_problem(rd, node, "value: needs is: or is_not:");
	if (is_when && c->within_ns > 0)
		read_problem(rd, node, "within: does not go with when:, which is looked at once");
	if (c->kind == COND_VALUE)
		check_never(rd, node, c);
	if (c->host_label != NULL && !rd->has_hosts)
		read_problem(rd, node, "by: needs hosts: the runbook stands for none");
	if (c->kind == COND_SERVED && !rd->has_hosts)
		read_problem(rd, node, "served: needs hosts: the runbook stands for none");
}

struct condition *
read_condition(struct reader *rd, const struct yaml_node *node, bool is_wait, bool is_when)
{
	struct condition *c = xcalloc(1, sizeof *c);
	size_t i = 0;

	c->at = read_position(rd, node);
	c->number = NAN;
	if (node->type == YAML_TYPE_SCALAR && is_when) {
		read_short(rd, node, c);
	} else if (node->type != YAML_TYPE_MAP) {
		read_problem(rd, node, "a condition is a map, such as { alert: NAME, expect: "
		    "resolved }");
	} else if (read_kind(rd, "a condition", node, kinds, KINDS, &i) != NULL) {
		c->kind = (enum condition_kind)i;
		read_map(rd, tables[i], node, c);
		if (c->kind == COND_HTTP)
			read_check_path(rd, node, c->subject);
		if (is_wait && c->kind != COND_TIME && c->within_ns == 0)
			c->within_ns = WAIT_WITHIN_NS;
	}
	check_place(rd, node, c, is_wait, is_when);
	c->is_per_host = names_host(c->subject) || names_host(c->expect);
	c->text = text_of(c, node);
	if (rd->env != NULL)
		read_env_condition(rd, node, c);
	return c;
}

struct condition **
read_condition_list(struct reader *rd, const char *name, const struct yaml_node *node, bool is_wait,
    bool is_when, size_t *ret_n)
{
	size_t n = node->type == YAML_TYPE_LIST ? node->n : 1;
	struct condition **v = xcalloc(n + 1, sizeof(*v));

	if (n == 0)
		read_problem(rd, node, "%s: holds no condition", name);
	for (size_t i = 0; i < n; i++)
		v[i] = read_condition(rd, node->type == YAML_TYPE_LIST ? node->items[i] : node,
		    is_wait, is_when);
	*ret_n = n;
	return v;
}

void
condition_free(struct condition *c)
{
	if (c == NULL)
		return;
	template_free(c->subject);
	template_free(c->expect);
	free(c->source);
	free(c->label);
	free(c->host_label);
	free(c->text);
	free(c);
}

void
conditions_free(struct condition **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		condition_free(v[i]);
	free(v);
}
