/* Drift of an environment: what is written of each model becomes definitions, once, when the config is read. */
#include "config.h"

#include "conf/conf_drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"

enum { DRIFTS_MAX = 10000 };

struct build {
	struct conf_decode *d;
	const struct yaml_node *env_node;
	struct conf_environment *env;
	struct drift_def_set *set;
	size_t n, cap;
	struct drift_def *v;
	bool is_full;
};

static const char *
copy(struct build *b, const char *s)
{
	return s != NULL ? arena_strdup(&b->set->block.arena, s) : NULL;
}

/* The text, which is freed, in the arena. */
static const char *
take(struct build *b, char *text)
{
	const char *kept = copy(b, text);

	free(text);
	return kept;
}

static enum severity
severity_of(const char *word)
{
	if (str_eq(word, "page"))
		return SEVERITY_PAGE;
	if (str_eq(word, "info"))
		return SEVERITY_INFO;
	return str_eq(word, "none") ? SEVERITY_NONE : SEVERITY_TICKET;
}

static void
set_data(struct build *b, struct drift_def *def, const struct conf_drift_item *item)
{
	if (item->histogram != NULL) {
		def->data = DRIFT_CLASSIC;
		def->metric = copy(b, item->histogram);
	} else if (item->native != NULL) {
		def->data = DRIFT_NATIVE;
		def->metric = copy(b, item->native);
	} else if (item->categories != NULL) {
		def->data = DRIFT_CATEGORIES;
		def->metric = copy(b, item->categories);
		def->label = copy(b, item->label);
	} else {
		def->data = DRIFT_GAUGE;
		def->metric = copy(b, item->gauge);
	}
}

static void
set_reference(struct build *b, struct drift_def *def, const struct conf_drift *drift,
    const struct conf_drift_item *item)
{
	const struct conf_drift_reference *ref = item->reference != NULL ? item->reference :
	    drift->reference;

	if (ref != NULL && ref->ago_ns > 0) {
		def->reference = DRIFT_FROM_PAST;
		def->ago_ns = ref->ago_ns;
		def->reference_ns = ref->window_ns > 0 ? ref->window_ns : def->window_ns;
	} else if (ref != NULL && (ref->version != NULL || str_eq(ref->from, "previous"))) {
		def->reference = DRIFT_FROM_VERSION;
		def->version = copy(b, ref->version != NULL ? ref->version : ref->from);
	} else {
		def->reference = DRIFT_FROM_PROFILE;
		def->profile = copy(b, drift->profile);
		def->feature = copy(b, item->feature);
	}
}

/* Serving as the feature has it; training as the item says. */
static void
set_skew(struct build *b, struct drift_def *def, const struct conf_drift *drift,
    const struct conf_drift_item *item)
{
	def->trained = item->histogram != NULL ? item->histogram : item->native != NULL ? item->native :
	    item->categories != NULL ? item->categories : item->gauge;
	def->trained = copy(b, def->trained);
	for (size_t i = 0; i < drift->n_features; i++)
		if (str_eq(drift->features[i].name, item->name))
			set_data(b, def, &drift->features[i]);
}

static struct drift_def
def_of(struct build *b, const struct conf_model *m, const struct conf_drift_item *item,
    enum drift_kind kind)
{
	const struct conf_drift *drift = m->drift;
	struct drift_def def = {
		.id = take(b, xasprintf("drift:%s:%s%s", m->name, kind == DRIFT_SKEW ? "skew:" : "",
		    item->name)),
		.model = take(b, xasprintf("model:%s", m->name)),
		.name = copy(b, item->name), .title = item->title != NULL ? copy(b, item->title) : "",
		.kind = kind, .source = copy(b, drift->source), .missing = copy(b, item->missing),
		.version_label = copy(b, drift->version),
		.window_ns = item->window_ns > 0 ? item->window_ns : drift->window_ns,
		.effect = isnan(item->effect) ? drift->effect : item->effect,
		.min_n = isnan(item->min) ? drift->min : item->min,
		.severity = severity_of(item->severity != NULL ? item->severity : drift->severity),
	};
	const char *slash = strrchr(b->d->name, '/');

	def.where = take(b, xasprintf("%s:%u:%u", slash != NULL ? slash + 1 : b->d->name, item->line,
	    item->column));
	if (kind == DRIFT_SKEW) {
		set_skew(b, &def, drift, item);
	} else {
		set_data(b, &def, item);
		set_reference(b, &def, drift, item);
	}
	return def;
}

static void
add_list(struct build *b, const struct conf_model *m, const struct conf_drift_item *v, size_t n,
    enum drift_kind kind)
{
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node where = { .line = v[i].line, .column = v[i].column };

		if (b->n == DRIFTS_MAX) {
			if (!b->is_full)
				conf_problem(b->d, &where, "drift: no more than %d features of all models "
				    "are looked at", (int)DRIFTS_MAX);
			b->is_full = true;
			return;
		}
		if (b->n == b->cap) {
			b->cap = b->cap == 0 ? 64 : b->cap * 2;
			b->v = xreallocarray(b->v, b->cap, sizeof *b->v);
		}
		b->v[b->n++] = def_of(b, m, &v[i], kind);
	}
}

static void
add_model(struct build *b, struct conf_model *m)
{
	struct conf_drift *drift = m->drift;

	if (drift == NULL || !conf_resolve_source(b->d, b->env_node, b->env, "drift", drift->line,
	    drift->column, &drift->source))
		return;
	add_list(b, m, drift->features, drift->n_features, DRIFT_FEATURE);
	add_list(b, m, drift->predictions, drift->n_predictions, DRIFT_PREDICTION);
	add_list(b, m, drift->labels, drift->n_labels, DRIFT_LABEL);
	add_list(b, m, drift->skew, drift->n_skew, DRIFT_SKEW);
}

void
conf_rule_drifts(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env)
{
	struct build b = { .d = d, .env_node = env_node, .env = env, .set = block_new(sizeof *b.set) };
	struct drift_def *v;

	for (size_t i = 0; i < env->n_models; i++)
		add_model(&b, &env->models[i]);
	v = arena_alloc(&b.set->block.arena, (b.n + 1) * sizeof *v);
	if (b.n > 0)
		memcpy(v, b.v, b.n * sizeof *v);
	free(b.v);
	b.set->v = v;
	b.set->n = b.n;
	b.set->confidence = env->drift_confidence;
	b.set->fdr = env->drift_fdr;
	env->drift_defs = b.set;
}

struct drift_def_set *
conf_drifts(const struct conf_environment *env)
{
	return env->drift_defs != NULL ? block_ref(env->drift_defs) : block_new(sizeof *env->drift_defs);
}
