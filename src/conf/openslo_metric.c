/* Indicators, and the sources that their metrics are asked of. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/openslo_priv.h"

enum { SHOWN = 72 };

/* --- what an indicator must be by itself ----------------------------------------------------- */

static const char *
query_of(const struct os_metric *m)
{
	const struct os_query *q = m->source->spec;

	return q->query != NULL ? q->query : q->promql;
}

static bool
check_metric(struct conf_decode *d, const struct os_metric *m)
{
	const struct os_query *q;

	if (m == NULL)
		return true;
	q = m->source->spec;
	if (query_of(m) == NULL) {
		conf_problem(d, q->node, "'query' is missing: PromQL");
		return false;
	}
	if (q->query != NULL && q->promql != NULL) {
		conf_problem(d, openslo_at(q->node, "promql"),
		    "promql: cannot go with query; keep one");
		return false;
	}
	return true;
}

/* The first of the fields that is there. */
static const char *
find_any(const struct yaml_node *map, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		if (!yaml_is_null(yaml_get(map, *keys)))
			return *keys;
	return NULL;
}

static bool
check_raw(struct conf_decode *d, const struct os_ratio *r)
{
	static const char *const counted[] = { "good", "bad", "total", NULL };
	const char *other = find_any(r->node, counted);

	if (other != NULL) {
		conf_problem(d, openslo_at(r->node, other), "%s: cannot go with raw; keep one",
		    other);
		return false;
	}
	if (r->raw_type == NULL) {
		conf_problem(d, r->node, "'rawType' is missing: success, or failure");
		return false;
	}
	return check_metric(d, r->raw);
}

/* Without a range of its own an expression says nothing on whether it counts up. */
static bool
is_counter_needed(const struct os_metric *first, const struct os_metric *total)
{
	const struct os_metric *const metrics[] = { first, total };

	for (size_t i = 0; i < 2; i++) {
		const char *query = query_of(metrics[i]);

		if (strchr(query, '[') == NULL)
			return true;
	}
	return false;
}

static bool
check_counted(struct conf_decode *d, const struct os_ratio *r)
{
	if (r->good != NULL && r->bad != NULL) {
		conf_problem(d, openslo_at(r->node, "bad"), "bad: cannot go with good; keep one");
		return false;
	}
	if (r->good == NULL && r->bad == NULL) {
		conf_problem(d, r->node, "a ratioMetric needs good and total, bad and total, or "
		    "raw and rawType");
		return false;
	}
	if (r->total == NULL) {
		conf_problem(d, r->node, "'total' is missing");
		return false;
	}
	if (r->raw_type != NULL) {
		conf_problem(d, openslo_at(r->node, "rawType"), "rawType: goes with raw:");
		return false;
	}
	if (!check_metric(d, r->good) || !check_metric(d, r->bad) || !check_metric(d, r->total))
		return false;
	if (yaml_is_null(yaml_get(r->node, "counter")) &&
	    is_counter_needed(r->good != NULL ? r->good : r->bad, r->total)) {
		conf_problem(d, r->node, "'counter' is missing: true where the metrics only grow, "
		    "false where each sample is a number of events");
		return false;
	}
	return true;
}

bool
openslo_check_sli(struct conf_decode *d, const struct os_sli *sli)
{
	const struct os_sli_spec *spec = sli->spec;

	if (spec == NULL) {
		conf_problem(d, sli->object.node, "'spec' is missing");
		return false;
	}
	if (spec->ratio != NULL && spec->threshold != NULL) {
		conf_problem(d, openslo_at(spec->node, "thresholdMetric"),
		    "thresholdMetric: cannot go with ratioMetric; keep one");
		return false;
	}
	if (spec->ratio == NULL && spec->threshold == NULL) {
		conf_problem(d, spec->node, "neither thresholdMetric nor ratioMetric is given");
		return false;
	}
	if (spec->threshold != NULL)
		return check_metric(d, spec->threshold);
	return spec->ratio->raw != NULL ? check_raw(d, spec->ratio) : check_counted(d, spec->ratio);
}

/* --- which source ---------------------------------------------------------------------------- */

/* A source of ours that answers PromQL. */
static bool
is_prometheus(const struct conf_source *s)
{
	return str_eq(s->type, "prometheus");
}

/* Names that are in use for what speaks its API. */
static bool
is_prometheus_type(const char *type)
{
	static const char *const names[] = { "prometheus", "promql", "thanos", "mimir", "cortex",
	    "victoriametrics", "amazonprometheus", "googleprometheus" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcasecmp(type, names[i]) == 0)
			return true;
	return false;
}

static const char *
find_source(const struct conf_environment *env, const char *name)
{
	for (size_t i = 0; i < env->n_sources; i++)
		if (is_prometheus(&env->sources[i]) && str_eq(env->sources[i].name, name))
			return env->sources[i].name;
	return NULL;
}

/* The Prometheus source, if there is but one. ret_list: all, for a sentence. */
static const char *
only_source(const struct conf_environment *env, struct buf *list)
{
	const char *only = NULL;
	char shown[SHOWN];
	size_t n = 0;

	for (size_t i = 0; i < env->n_sources; i++) {
		if (!is_prometheus(&env->sources[i]))
			continue;
		only = env->sources[i].name;
		buf_printf(list, "%s%s", n++ > 0 ? ", " : "", str_escape_to(shown, sizeof shown,
		    only));
	}
	return n == 1 ? only : NULL;
}

static const char *
skip_scheme(const char *url)
{
	const char *colon = strstr(url, "://");

	return colon != NULL ? colon + 3 : url;
}

/* Scheme (where the address has one) and host in any case, the path as it is. */
static bool
is_same_address(const char *url, const char *address)
{
	bool has_scheme = strstr(address, "://") != NULL;
	const char *a = skip_scheme(url), *b = skip_scheme(address);
	size_t scheme = (size_t)(b - address), host = strcspn(b, "/"), len = strlen(b);

	while (len > 0 && b[len - 1] == '/')
		len--;
	if (host > len)
		host = len;
	return host > 0 && (!has_scheme || ((size_t)(a - url) == scheme &&
	    strncasecmp(url, address, scheme) == 0)) && strlen(a) == len &&
	    strncasecmp(a, b, host) == 0 && memcmp(a + host, b + host, len - host) == 0;
}

static const char *
find_address(const struct conf_environment *env, const char *address)
{
	for (size_t i = 0; i < env->n_sources; i++) {
		const struct conf_source *s = &env->sources[i];

		if (!is_prometheus(s))
			continue;
		if (is_same_address(s->url, address))
			return s->name;
		for (size_t j = 0; s->replicas != NULL && s->replicas[j] != NULL; j++)
			if (is_same_address(s->replicas[j], address))
				return s->name;
	}
	return NULL;
}

/* By the names that DataSources in use have for it. */
static const char *
source_by_details(const struct conf_environment *env, const struct os_data_source *ds)
{
	static const char *const keys[] = { "url", "URL", "address", "endpoint", "server", "host" };
	const struct yaml_node *details, *node;
	const char *found = NULL;

	if (ds->spec == NULL)
		return NULL;
	details = yaml_get(ds->spec->node, "connectionDetails");
	for (size_t i = 0; found == NULL && i < sizeof keys / sizeof keys[0]; i++) {
		node = yaml_get(details, keys[i]);
		if (node != NULL && node->type == YAML_TYPE_SCALAR)
			found = find_address(env, node->text);
	}
	return found;
}

static bool
check_type(struct conf_decode *d, const struct yaml_node *node, const char *type)
{
	char shown[SHOWN];

	if (type == NULL || is_prometheus_type(type))
		return true;
	conf_problem(d, openslo_at(node, "type"), "type: '%s' is not asked by this program; "
	    "Prometheus, and what speaks its API, is", str_escape_to(shown, sizeof shown, type));
	return false;
}

static void
note_data_source(struct openslo_slo *s, const struct openslo_doc *doc, const char *source,
    bool is_by_chance)
{
	const struct os_data_source *ds = doc->item;
	bool has_details = ds->spec != NULL &&
	    !yaml_is_null(yaml_get(ds->spec->node, "connectionDetails"));
	char a[SHOWN], b[SHOWN];

	openslo_note_object(s, OPENSLO_DATA_SOURCE, &ds->object);
	str_escape_to(a, sizeof a, doc->name);
	str_escape_to(b, sizeof b, source);
	/* It may well be another one, of which nothing is known here. */
	if (is_by_chance && has_details)
		slo_build_note(s->o->b, &s->def, "the DataSource '%s' has neither the name nor the "
		    "url of a source of the config; '%s' is asked, as the only one", a, b);
	else
		slo_build_note(s->o->b, &s->def, "the DataSource '%s' stands for the source '%s'%s",
		    a, b, has_details ? "; its connectionDetails are not used" : "");
}

static const char *
source_of_data_source(struct openslo_slo *s, const struct openslo_doc *doc, bool is_first)
{
	const struct conf_environment *env = s->o->b->env;
	const struct os_data_source *ds = doc->item;
	const char *source = find_source(env, doc->name);
	bool is_by_chance;
	struct buf list;

	if (ds->spec != NULL && !check_type(&doc->file->d, ds->spec->node, ds->spec->type))
		return NULL;
	buf_init(&list, 4000);
	if (source == NULL)
		source = source_by_details(env, ds);
	is_by_chance = source == NULL;
	if (is_by_chance)
		source = only_source(env, &list);
	if (source == NULL && list.len == 0)
		conf_problem(&doc->file->d, doc->node,
		    "the environment has no source of type prometheus to ask");
	else if (source == NULL)
		conf_problem(&doc->file->d, doc->node, "which source this stands for is not clear: "
		    "give it the name of one (%s), or connectionDetails: { url: ... } with the url "
		    "of one", list.data);
	else if (is_first)
		note_data_source(s, doc, source, is_by_chance);
	buf_done(&list);
	return source;
}

/* A metric without a reference, or with one to a source of ours. */
static const char *
source_by_itself(struct openslo_slo *s, struct openslo_file *file,
    const struct os_metric_source *m)
{
	const struct conf_environment *env = s->o->b->env;
	const char *source;
	struct buf list;

	buf_init(&list, 4000);
	source = only_source(env, &list);
	if (source == NULL && list.len == 0)
		conf_problem(&file->d, m->node,
		    "the environment has no source of type prometheus to ask");
	else if (source == NULL)
		conf_problem(&file->d, m->node, "there are several sources to ask: write "
		    "metricSourceRef: with the name of one (%s)", list.data);
	buf_done(&list);
	return source;
}

static const char *
source_of(struct openslo_slo *s, struct openslo_file *file, const struct os_metric *metric,
    bool is_first)
{
	const struct os_metric_source *m = metric->source;
	const struct openslo_doc *doc;
	const char *source;

	if (!check_type(&file->d, m->node, m->type))
		return NULL;
	if (m->ref == NULL)
		return source_by_itself(s, file, m);
	source = find_source(s->o->b->env, m->ref);
	if (source != NULL && openslo_find(s->o, OPENSLO_DATA_SOURCE, m->ref) == NULL)
		return source;
	doc = openslo_follow(s->o, file, openslo_at(m->node, "metricSourceRef"),
	    "metricSourceRef", OPENSLO_DATA_SOURCE, m->ref);
	return doc != NULL ? source_of_data_source(s, doc, is_first) : NULL;
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool
set_source(struct openslo_slo *s, struct openslo_file *file, const struct os_metric *a,
    const struct os_metric *b)
{
	const char *source = source_of(s, file, a, true);
	const char *other = source != NULL && b != NULL ? source_of(s, file, b, false) : source;

	if (source == NULL || other == NULL)
		return false;
	if (!str_eq(source, other)) {
		conf_problem(&file->d, b->source->node,
		    "good or bad and total must be asked of the same source");
		return false;
	}
	s->def.source = slo_build_text(s->o->b, source);
	return true;
}

static bool
set_ratio(struct openslo_slo *s, struct openslo_file *file, const struct os_ratio *r)
{
	const struct os_metric *first = r->good != NULL ? r->good : r->bad;
	struct slo_build *b = s->o->b;

	if (r->raw != NULL) {
		s->def.sli = SLI_RAW;
		s->def.raw = slo_build_text(b, query_of(r->raw));
		s->def.is_raw_success = str_eq(r->raw_type, "success");
		slo_build_note(b, &s->def, "%s", slo_note_raw);
		return set_source(s, file, r->raw, NULL);
	}
	s->def.sli = SLI_RATIO;
	s->def.good = r->good != NULL ? slo_build_text(b, query_of(r->good)) : NULL;
	s->def.bad = r->bad != NULL ? slo_build_text(b, query_of(r->bad)) : NULL;
	s->def.total = slo_build_text(b, query_of(r->total));
	s->def.is_counter = r->is_counter;
	return set_source(s, file, first, r->total);
}

bool
openslo_set_indicator(struct openslo_slo *s)
{
	const struct os_slo_spec *spec = ((const struct os_slo *)s->doc->item)->spec;
	struct openslo_file *file = s->doc->file;
	const struct os_sli *sli = spec->indicator;
	const struct openslo_doc *doc;

	if (sli != NULL && spec->indicator_ref != NULL) {
		conf_problem(&file->d, openslo_at(spec->node, "indicatorRef"),
		    "indicatorRef: cannot go with indicator; keep one");
		return false;
	}
	if (sli == NULL && spec->indicator_ref == NULL) {
		conf_problem(&file->d, spec->node, "neither indicator nor indicatorRef is given");
		return false;
	}
	if (sli == NULL) {
		doc = openslo_follow(s->o, file, openslo_at(spec->node, "indicatorRef"),
		    "indicatorRef", OPENSLO_SLI, spec->indicator_ref);
		if (doc == NULL)
			return false;
		file = doc->file;
		sli = doc->item;
	} else if (!openslo_check_sli(&file->d, sli)) {
		return false;
	}
	openslo_note_object(s, OPENSLO_SLI, &sli->object);
	if (sli->spec->ratio != NULL)
		return set_ratio(s, file, sli->spec->ratio);
	s->def.sli = SLI_THRESHOLD;
	s->def.raw = slo_build_text(s->o->b, query_of(sli->spec->threshold));
	return set_source(s, file, sli->spec->threshold, NULL);
}
