/* From an alert to the query for its lines: by the config's map, else by what its labels and the streams' have in common. */
#include "config.h"

#include "logs_priv.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_filter.h"

enum { QUERY_MAX = 1 << 16, LOOKED_AT = 5000 };

/* --- the map -------------------------------------------------------------------------------------------------------- */

static bool
rule_fits(const struct conf_log_alert *rule, const struct labels *labels)
{
	for (size_t i = 0; i < rule->n_match; i++) {
		const char *value = labels_get(labels, rule->match[i].name);

		if (value == NULL || fnmatch(rule->match[i].value, value, 0) != 0)
			return false;
	}
	return true;
}

/* Where in a query a value stands decides how it is written. */
enum place { PLACE_WORD, PLACE_STRING, PLACE_REGEX };

static enum place
next_place(enum place place, const char *query, const char *at)
{
	bool is_escaped = at > query && at[-1] == '\\';

	if (*at == '"' && !is_escaped && place != PLACE_REGEX)
		return place == PLACE_STRING ? PLACE_WORD : PLACE_STRING;
	if (*at != '/' || is_escaped || place == PLACE_STRING)
		return place;
	if (place == PLACE_REGEX)
		return PLACE_WORD;
	return at == query || at[-1] == ' ' || at[-1] == '!' ? PLACE_REGEX : place;
}

static void
add_escaped(struct buf *out, const char *value, const char *specials)
{
	for (; *value != '\0'; value++) {
		if (strchr(specials, *value) != NULL)
			buf_addch(out, '\\');
		buf_addch(out, *value);
	}
}

static void
add_value(struct buf *out, enum place place, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@";

	if (place == PLACE_STRING) {
		add_escaped(out, value, "\"\\");
	} else if (place == PLACE_REGEX) {
		add_escaped(out, value, "\\^$.|?*+()[]{}/");
	} else if (*value != '\0' && value[strspn(value, plain)] == '\0') {
		buf_addstr(out, value);
	} else {
		buf_addch(out, '"');
		add_escaped(out, value, "\"\\");
		buf_addch(out, '"');
	}
}

/* A value with control characters is none that a line has, and could break out of its place. */
static bool
is_sane(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < ' ' || *value == 127)
			return false;
	return true;
}

/* What stands at "${..}", and where it ends; NULL: the alert has no such label. */
static const char *
value_at(const char *at, const struct model_alert *alert, const char **ret_end)
{
	const char *end = strchr(at, '}');
	char name[256];
	size_t len;

	if (end == NULL)
		return NULL;
	*ret_end = end + 1;
	len = (size_t)(end - at) - 2;
	if (len == strlen("alert") && strncmp(at + 2, "alert", len) == 0)
		return alert->name;
	if (strncmp(at, "${labels.", 9) != 0 || len - 7 >= sizeof name)
		return NULL;
	memcpy(name, at + 9, len - 7);
	name[len - 7] = '\0';
	return labels_get(alert->labels, name);
}

/* malloc()ed; NULL: a label that it needs is missing. */
static char *
fill_in(const char *query, const struct model_alert *alert)
{
	enum place place = PLACE_WORD;
	struct buf out;
	char *text = NULL;
	const char *at = query;

	buf_init(&out, QUERY_MAX);
	while (*at != '\0') {
		const char *value;

		if (at[0] != '$' || at[1] != '{') {
			place = next_place(place, query, at);
			buf_addch(&out, *at++);
			continue;
		}
		value = value_at(at, alert, &at);
		if (value == NULL || *value == '\0' || !is_sane(value))
			goto done;	/* an empty label is one that it does not have */
		add_value(&out, place, value);
	}
	if (!out.is_over)
		text = buf_take(&out, NULL);
done:
	buf_done(&out);
	return text;
}

/* --- what they have in common ---------------------------------------------------------------------------------------- */

static const char *const services[] = { "service", "service_name", "app", "job", "unit", "container", "component" };

/* These tell alerts apart, not what writes lines. */
static bool
is_about_alert(const char *name)
{
	static const char *const names[] = { "alertname", "severity", "alertstate", "prometheus", "le", "quantile" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

struct common {
	const struct labels *labels;	/* of the alert */
	bool *is_shared;		/* by its label: a line has the same */
	const char *service;		/* of lines, which one of its labels names; NULL none */
};

static void
compare_line(struct common *c, const struct log_ref *line)
{
	for (size_t i = 0; i < c->labels->n; i++) {
		const struct label *label = &c->labels->v[i];

		if (line->labels != NULL && !is_about_alert(label->name) && str_eq(labels_get(line->labels, label->name), label->value))
			c->is_shared[i] = true;
	}
	for (size_t i = 0; c->service == NULL && line->service != NULL && *line->service != '\0' && i < sizeof services / sizeof services[0]; i++)
		if (str_eq(labels_get(c->labels, services[i]), line->service))
			c->service = labels_get(c->labels, services[i]);
}

/* The newest lines: streams that are followed are all among them, but the quietest. */
static void
compare_lines(struct common *c, const struct model *m)
{
	size_t left = LOOKED_AT;

	for (size_t i = model_n_log_segments(m); i > 0 && left > 0; i--) {
		const struct log_segment *s = model_log_segment(m, i - 1);

		for (size_t k = log_segment_n(s); k > 0 && left > 0; k--, left--) {
			struct log_ref line;

			log_segment_line(s, k - 1, &line);
			compare_line(c, &line);
		}
	}
}

static char *
common_query(const struct logs *l, const struct model_alert *alert)
{
	struct common c = { .labels = alert->labels, .is_shared = xcalloc(alert->labels->n + 1, sizeof(bool)) };
	struct buf out;
	char *text = NULL;

	compare_lines(&c, l->app->model);
	buf_init(&out, QUERY_MAX);
	if (c.service != NULL && is_sane(c.service)) {
		buf_addstr(&out, "service:");
		add_value(&out, PLACE_WORD, c.service);
	}
	for (size_t i = 0; c.service == NULL && i < alert->labels->n; i++) {
		const struct label *label = &alert->labels->v[i];

		if (!c.is_shared[i] || !is_sane(label->value))
			continue;
		buf_printf(&out, "%slabel:%s=", out.len > 0 ? " " : "", label->name);
		add_value(&out, PLACE_WORD, label->value);
	}
	if (out.len > 0 && !out.is_over)
		text = buf_take(&out, NULL);
	buf_done(&out);
	free(c.is_shared);
	return text;
}

/* By the label that usually names a service, whether lines of it are held or not. */
static char *
service_query(const struct model_alert *alert)
{
	struct buf out;
	char *text = NULL;

	buf_init(&out, QUERY_MAX);
	for (size_t i = 0; out.len == 0 && i < sizeof services / sizeof services[0]; i++) {
		const char *value = labels_get(alert->labels, services[i]);

		if (value == NULL || *value == '\0' || !is_sane(value))
			continue;
		buf_addstr(&out, "service:");
		add_value(&out, PLACE_WORD, value);
	}
	if (out.len > 0 && !out.is_over)
		text = buf_take(&out, NULL);
	buf_done(&out);
	return text;
}

/* --- from outside ------------------------------------------------------------------------------------------------------ */

#define USUAL_AROUND (5 * NS_PER_MIN)

/* Its time may be long ago: the stores are asked for it, whatever is held. A store that cannot be asked has nothing to add. */
static void
ask_for_time(struct logs *l, const char *query, int64_t start_ns, int64_t end_ns)
{
	struct err err = ERR_INIT;

	if (end_ns > clock_now())
		end_ns = clock_now();
	if (logs_search_range(l, query, start_ns, end_ns, &err) < 0)
		log_write(LOG_DEBUG, "logs", "lines of an alert: %s", err.msg);
}

/* A store's own query filters nothing here: what can be filtered is which service the alert names, else what it and lines have in common. */
static char *
filter_beside(const struct logs *l, const char *query, const struct model_alert *alert)
{
	struct log_filter *f = NULL;
	bool is_native = log_filter_new(query, &f, NULL) == 0 && log_filter_native(f, NULL) != NULL;
	char *text = NULL;

	log_filter_free(f);
	if (is_native)
		text = common_query(l, alert);
	if (is_native && text == NULL)
		text = service_query(alert);
	return text != NULL ? text : xstrdup(query);
}

char *
logs_for_alert(struct logs *l, const struct model_alert *alert, struct err *err)
{
	char *query, *shown, name[128];

	if (l == NULL) {
		err_set(err, ERR_NOTFOUND, "no log store is configured: a source of type loki, elasticsearch or journald");
		return NULL;
	}
	for (size_t i = 0; i < l->app->env->logs.n_alerts; i++) {
		const struct conf_log_alert *rule = &l->app->env->logs.alerts[i];

		if (!rule_fits(rule, alert->labels))
			continue;
		query = fill_in(rule->query, alert);
		if (query == NULL)
			continue;	/* a label it needs is missing: a later rule may do */
		ask_for_time(l, query, alert->since_ns - rule->before_ns, alert->since_ns + rule->after_ns);
		shown = filter_beside(l, query, alert);
		free(query);
		return shown;
	}
	query = common_query(l, alert);
	if (query != NULL)
		ask_for_time(l, query, alert->since_ns - USUAL_AROUND, alert->since_ns + USUAL_AROUND);
	else
		err_set(err, ERR_NOTFOUND, "no line has a label of %s: say which are its lines under logs: alerts: in opsconsole.yaml",
		    str_escape_to(name, sizeof name, alert->name));
	return query;
}
