/* What single options of drift cannot say: what goes together, and what a name refers to within a model. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_drift.h"
#include "conf/conf_table.h"

enum { SHOWN = 72 };

static const char tag_prefix[] = "tag:", artifact_prefix[] = "artifact:";

/* --- a reference ----------------------------------------------------------------------------- */

bool
conf_rule_drift_reference(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	struct conf_drift_reference *r = item;
	int n = (r->from != NULL) + (r->version != NULL) + (r->ago_ns > 0);

	/* A mistake in one of them has been told. */
	if (n == 0 && (conf_is_given(node, "from") || conf_is_given(node, "version") || conf_is_given(node, "ago")))
		return false;
	if (n != 1) {
		conf_problem(d, node, "reference: one of training, previous, { version: \"6\" } and "
		    "{ ago: 7d } is expected");
		return false;
	}
	if (r->window_ns > 0 && r->ago_ns == 0) {
		conf_problem(d, conf_at(node, "window"), "window: goes with ago: only, it is how long the "
		    "past window is");
		return false;
	}
	return true;
}

/* --- one feature ----------------------------------------------------------------------------- */

struct way {				/* how values are counted */
	const char *name;
	char **selector;
	bool is_histogram;
};
enum { WAYS = 4 };

static void
ways_of(struct conf_drift_item *item, struct way ret[WAYS])
{
	const struct way ways[WAYS] = {
		{ "histogram", &item->histogram, true }, { "native", &item->native, true },
		{ "categories", &item->categories, false }, { "gauge", &item->gauge, false },
	};

	memcpy(ret, ways, sizeof ways);
}

static bool
check_selector(struct conf_decode *d, const struct yaml_node *node, const struct way *way)
{
	struct err err = ERR_INIT;
	char *clean;

	if (conf_selector(*way->selector, way->is_histogram, &clean, &err) < 0) {
		conf_problem(d, conf_at(node, way->name), "%s: %s", way->name, err.msg);
		return false;
	}
	free(*way->selector);
	*way->selector = clean;
	return true;
}

/* Exactly one of the ways, and it is a selector. */
static bool
check_way(struct conf_decode *d, const struct yaml_node *node, struct conf_drift_item *item)
{
	struct way ways[WAYS];
	bool is_good = true;
	int n = 0, n_written = 0;

	ways_of(item, ways);
	for (int i = 0; i < WAYS; i++) {
		n_written += conf_is_given(node, ways[i].name);
		if (*ways[i].selector == NULL)
			continue;
		n++;
		is_good = check_selector(d, node, &ways[i]) && is_good;
	}
	if (n == 1 && n_written == 1)
		return is_good;
	if (n_written != 1)
		conf_problem(d, node, "one of histogram, native, categories and gauge is expected");
	return false;
}

static bool
is_label_name(const char *s)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return *s != '\0' && strchr(first, *s) != NULL && s[strspn(s, all)] == '\0';
}

static bool
check_label_name(struct conf_decode *d, const struct yaml_node *node, const char *key,
    const char *name)
{
	char shown[SHOWN];

	if (name == NULL || is_label_name(name))
		return true;
	conf_problem(d, conf_at(node, key), "%s: '%s' is not the name of a label", key,
	    str_escape_to(shown, sizeof shown, name));
	return false;
}

bool
conf_rule_drift_item(struct conf_decode *d, const struct yaml_node *node, void *p)
{
	struct conf_drift_item *item = p;
	bool is_good = check_way(d, node, item);

	if (item->name != NULL && strchr(item->name, ':') != NULL) {
		conf_problem(d, conf_at(node, "name"), "name: may have no ':', which parts it from the model's");
		is_good = false;
	}
	is_good = check_label_name(d, node, "label", item->label) && is_good;
	if (item->categories != NULL && !conf_is_given(node, "label")) {
		conf_problem(d, conf_at(node, "categories"), "label: is needed with categories:, the label "
		    "that holds the value");
		is_good = false;
	}
	if (conf_is_given(node, "label") && !conf_is_given(node, "categories")) {
		conf_problem(d, conf_at(node, "label"), "label: goes with categories: only");
		is_good = false;
	}
	return is_good;
}

/* --- a model's ------------------------------------------------------------------------------- */

struct rules {
	struct conf_decode *d;
	const struct yaml_node *node;	/* the map under drift: */
	struct conf_drift *drift;
};

/* "tag:NAME", "artifact:PATH", or a path of a file, which is made absolute. */
static bool
check_profile(struct rules *r)
{
	const char *text = r->drift->profile, *artifact;
	struct err err = ERR_INIT;
	char *path;

	if (text == NULL)
		return true;
	if (str_has_prefix(text, tag_prefix)) {
		if (text[strlen(tag_prefix)] != '\0')
			return true;
		conf_problem(r->d, conf_at(r->node, "profile"), "profile: tag: the name of a tag is expected");
		return false;
	}
	if (str_has_prefix(text, artifact_prefix)) {
		artifact = text + strlen(artifact_prefix);
		if (artifact[0] != '\0' && artifact[0] != '/' && strstr(artifact, "..") == NULL)
			return true;
		conf_problem(r->d, conf_at(r->node, "profile"), "profile: artifact: a path within the run's "
		    "artifacts is expected, such as profile.json");
		return false;
	}
	if (conf_path_expand(text, strlen(text), false, &path, &err) < 0) {
		conf_problem(r->d, conf_at(r->node, "profile"), "profile: %s; or write tag:NAME or "
		    "artifact:PATH", err.msg);
		return false;
	}
	free(r->drift->profile);
	r->drift->profile = path;
	return true;
}

static bool
check_past(struct rules *r, const struct yaml_node *where, const struct conf_drift_item *item,
    const struct conf_drift_reference *ref)
{
	int64_t window_ns = item->window_ns > 0 ? item->window_ns : r->drift->window_ns;
	char ago[DURATION_TEXT_MAX], window[DURATION_TEXT_MAX];

	if (ref->ago_ns >= window_ns)
		return true;
	conf_problem(r->d, where, "reference: a window that ended %s ago is part of what is looked at "
	    "now, %s; make ago: longer", duration_format(ago, ref->ago_ns),
	    duration_format(window, window_ns));
	return false;
}

/* Does the reference that counts for the item have what it needs? */
static bool
check_reference(struct rules *r, const struct yaml_node *node, const struct conf_drift_item *item)
{
	const struct conf_drift_reference *ref = item->reference != NULL ? item->reference :
	    r->drift->reference;
	const struct yaml_node *where = conf_is_given(node, "reference") ? conf_at(node, "reference") :
	    conf_is_given(r->node, "reference") ? conf_at(r->node, "reference") : node;

	if (ref != NULL && ref->ago_ns > 0)
		return check_past(r, where, item, ref);
	if (ref != NULL && (ref->version != NULL || str_eq(ref->from, "previous"))) {
		if (r->drift->version != NULL)
			return true;
		conf_problem(r->d, where, "reference: another version needs version: under drift:, the "
		    "label that holds the version");
		return false;
	}
	if (r->drift->profile != NULL)
		return true;
	conf_problem(r->d, where, "profile: is needed under drift:, as the reference is the training "
	    "profile: tag:NAME, artifact:PATH, or a file");
	return false;
}

/* One id each: only skew may have the name of a feature. */
static bool
check_name(struct rules *r, const struct yaml_node *node, const struct conf_drift_item *item,
    const struct conf_drift_item *others, size_t n)
{
	char shown[SHOWN];

	for (size_t i = 0; i < n; i++)
		if (str_eq(others[i].name, item->name)) {
			conf_problem(r->d, node, "the name '%s' is taken at line %u",
			    str_escape_to(shown, sizeof shown, item->name), others[i].line);
			return false;
		}
	return true;
}

static const struct conf_drift_item *
find_feature(const struct conf_drift *drift, const char *name)
{
	for (size_t i = 0; i < drift->n_features; i++)
		if (str_eq(drift->features[i].name, name))
			return &drift->features[i];
	return NULL;
}

static bool
no_such_feature(struct rules *r, const struct yaml_node *node, const char *name)
{
	const struct conf_drift *drift = r->drift;
	const char **names = xcalloc(drift->n_features + 1, sizeof *names), *near;
	char shown[SHOWN];

	for (size_t i = 0; i < drift->n_features; i++)
		names[i] = drift->features[i].name;
	near = str_nearest(name, names, drift->n_features);
	free(names);
	str_escape_to(shown, sizeof shown, name);
	if (conf_is_written(yaml_get(r->node, "features"), name))
		conf_problem(r->d, conf_at(node, "name"), "skew: its feature '%s' has a mistake of its own",
		    shown);
	else if (near != NULL)
		conf_problem(r->d, conf_at(node, "name"), "skew: there is no feature '%s' to hold it against; "
		    "did you mean '%s'?", shown, near);
	else
		conf_problem(r->d, conf_at(node, "name"), "skew: there is no feature '%s' to hold it against",
		    shown);
	return false;
}

/* The same as the feature's, so that both sides can be compared. */
static bool
check_skew(struct rules *r, const struct yaml_node *node, const struct conf_drift_item *item)
{
	static const char *const others[] = { "reference", "feature", "missing", NULL };
	const struct conf_drift_item *feature = find_feature(r->drift, item->name);
	bool is_same;

	for (size_t i = 0; others[i] != NULL; i++)
		if (conf_is_given(node, others[i])) {
			conf_problem(r->d, conf_at(node, others[i]), "%s: does not go with skew: serving is "
			    "held against training", others[i]);
			return false;
		}
	if (feature == NULL)
		return no_such_feature(r, node, item->name);
	is_same = (item->histogram != NULL) == (feature->histogram != NULL) &&
	    (item->native != NULL) == (feature->native != NULL) &&
	    (item->gauge != NULL) == (feature->gauge != NULL) && str_eq(item->label, feature->label);
	if (!is_same)
		conf_problem(r->d, node, "skew: is not counted as the feature at line %u is; use the "
		    "same of histogram, native, categories and gauge, and the same label",
		    feature->line);
	return is_same;
}

static bool
check_item(struct rules *r, const struct yaml_node *node, const struct conf_drift_item *item,
    const char *list)
{
	const struct conf_drift *drift = r->drift;

	if (str_eq(list, "skew"))
		return check_skew(r, node, item);
	if (!str_eq(list, "features") &&
	    !check_name(r, node, item, drift->features, drift->n_features))
		return false;
	if (str_eq(list, "labels") &&
	    !check_name(r, node, item, drift->predictions, drift->n_predictions))
		return false;
	return check_reference(r, node, item);
}

/* Those that are wrong go; the others stay. */
static void
check_list(struct rules *r, const char *list, struct conf_drift_item *v, size_t *n)
{
	const struct yaml_node *nodes = yaml_get(r->node, list);
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		const struct yaml_node *node = conf_find_item(nodes, v[i].line, v[i].column);

		if (node != NULL && check_item(r, node, &v[i], list))
			v[kept++] = v[i];
		else
			conf_item_done(&conf_table_drift_item, &v[i]);
	}
	*n = kept;
}

bool
conf_rule_drift(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	struct conf_drift *drift = item;
	struct rules r = { .d = d, .node = node, .drift = drift };
	bool is_good = check_profile(&r);

	drift->line = node->line;
	drift->column = node->column;
	is_good = check_label_name(d, node, "version", drift->version) && is_good;
	if (!conf_is_given(node, "features") && !conf_is_given(node, "predictions") && !conf_is_given(node, "labels")) {
		conf_problem(d, node, "drift: features, predictions or labels are expected: what is to be "
		    "looked at");
		return false;
	}
	if (!is_good)
		return false;
	check_list(&r, "features", drift->features, &drift->n_features);
	check_list(&r, "predictions", drift->predictions, &drift->n_predictions);
	check_list(&r, "labels", drift->labels, &drift->n_labels);
	check_list(&r, "skew", drift->skew, &drift->n_skew);
	return true;
}
