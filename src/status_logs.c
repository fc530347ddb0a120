/* Lines of logs in --status: errors of the last five minutes by service. */
#include "config.h"

#include "status_parts.h"

#include <string.h>

enum { SERVICES_MAX = 20 };

static const char *
name_of(const struct log_service *s)
{
	return *s->name != '\0' ? s->name : "(no service)";
}

static size_t
count_errors(const struct log_view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_services; i++)
		n += v->services[i].n_errors;
	return n;
}

/* Stores of lines, and how many of them tell what they have now. */
static size_t
count_stores(const struct model *m, size_t *ret_answering)
{
	static const char *const types[] = { "loki", "elasticsearch", "journald" };
	size_t n = 0;

	*ret_answering = 0;
	for (size_t i = 0; i < model_n_sources(m); i++) {
		const struct model_source *s = model_source(m, i);

		for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
			if (strcmp(s->type, types[k]) != 0)
				continue;
			n++;
			*ret_answering += s->state == SOURCE_OK || s->state == SOURCE_DEGRADED;
		}
	}
	return n;
}

void
status_add_log_values(struct buf *out, const struct model *m)
{
	const struct log_view *v = model_log_view(m);

	size_t answering;

	if (v == NULL)
		return;
	count_stores(m, &answering);
	if (answering > 0)
		buf_printf(out, " 'log errors'=%zu;;;0", count_errors(v));
	else
		buf_addstr(out, " 'log errors'=U;;;0");	/* not known, by the guidelines for plugins */
}

void
status_add_logs(struct buf *out, const struct model *m)
{
	const struct log_view *v = model_log_view(m);
	size_t name_w = 18, n_lines = 0, n = 0, stores, answering;
	const char *more;

	if (v == NULL)
		return;
	more = v->are_least ? " or more" : "";
	stores = count_stores(m, &answering);
	if (answering == 0) {
		buf_addstr(out, "log      unknown: no store of lines answers\n");
		return;
	}
	for (size_t i = 0; i < v->n_services; i++) {
		n_lines += v->services[i].n_lines;
		if (v->services[i].n_errors > 0 && n++ < SERVICES_MAX)
			status_widen(&name_w, name_of(&v->services[i]), STATUS_NAME_COLUMNS);
	}
	/* Most errors first. */
	for (size_t i = 0; i < n && i < SERVICES_MAX; i++) {
		const struct log_service *s = &v->services[i];

		buf_addstr(out, "log      ");
		status_add_cell(out, name_of(s), name_w);
		buf_printf(out, "%zu error line%s%s of %zu%s in 5m\n", s->n_errors, s->n_errors == 1 ? "" : "s", more, s->n_lines, more);
	}
	if (n > SERVICES_MAX)
		buf_printf(out, "log      and %zu more services with errors\n", n - SERVICES_MAX);
	buf_printf(out, "log      %zu%s: %zu%s of them errors, of %zu service%s in 5m", n_lines, more, count_errors(v), more, v->n_services,
	    v->n_services == 1 ? "" : "s");
	if (answering < stores)
		buf_printf(out, "; %zu of %zu stores do not answer", stores - answering, stores);
	buf_addch(out, '\n');
}

json_t *
status_logs_json(const struct model *m)
{
	const struct log_view *v = model_log_view(m);
	size_t stores, answering;
	json_t *list, *one;

	if (v == NULL)
		return NULL;
	list = json_array();
	for (size_t i = 0; i < v->n_services; i++) {
		one = json_object();
		json_object_set_new(one, "service", json_string(v->services[i].name));
		json_object_set_new(one, "errors", json_integer((json_int_t)v->services[i].n_errors));
		json_object_set_new(one, "lines", json_integer((json_int_t)v->services[i].n_lines));
		json_array_append_new(list, one);
	}
	stores = count_stores(m, &answering);
	return json_pack("{s:i,s:b,s:I,s:I,s:o,s:o}", "minutes", 5, "least", v->are_least, "stores", (json_int_t)stores, "answering", (json_int_t)answering,
	    "errors", answering > 0 ? json_integer((json_int_t)count_errors(v)) : json_null(), "services", list);
}
