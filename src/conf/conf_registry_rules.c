/* What goes together in a source that is a registry. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "conf/conf_table.h"

enum { SHOWN = 72 };
#define REGISTRY_INTERVAL_NS (30 * NS_PER_S)	/* a round takes many requests */

struct form {
	struct conf_decode *d;
	const struct yaml_node *node, *page, *model;
	const struct conf_registry *r;
	bool is_good;
};

static const struct yaml_node *
at(const struct yaml_node *map, const char *key, const struct yaml_node *otherwise)
{
	const struct yaml_node *node = yaml_get(map, key);

	return node != NULL ? node : otherwise;
}

bool
conf_source_is_registry(const struct conf_source *s)
{
	return str_eq(s->type, "mlflow") || str_eq(s->type, "http-json");
}

/* --- requests -------------------------------------------------------------------------------- */

static bool
is_placeholder(const char *s, size_t len, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0)
			return true;
	return false;
}

/* A path behind the url, and perhaps a query, with placeholders in braces. */
static void
check_request(struct form *f, const char *key, const char *text, const char *const *names,
    const char *expected)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~!$&'()*+,;=:@%/?[]";
	const struct yaml_node *where = at(f->node, key, f->node);
	const char *p = text, *close;
	char shown[SHOWN];

	if (text[0] != '/') {
		conf_problem(f->d, where, "%s: begins with / : it stands behind the url", key);
		f->is_good = false;
		return;
	}
	for (; *p != '\0'; p = close + 1) {
		p += strspn(p, allowed);
		close = *p == '{' ? strchr(p, '}') : NULL;
		if (*p == '\0')
			return;
		if (close != NULL && is_placeholder(p + 1, (size_t)(close - p) - 1, names))
			continue;
		if (*p == '{')
			conf_problem(f->d, where, "%s: '%s' is filled in nowhere; %s", key,
			    str_escape_to(shown, sizeof shown, p), expected);
		else
			conf_problem(f->d, where, "%s: '%s' holds a character that must be written "
			    "as %%XX", key, str_escape_to(shown, sizeof shown, p));
		f->is_good = false;
		return;
	}
}

static void
check_requests(struct form *f)
{
	static const char *const in_list[] = { "page", "offset", "token", NULL };
	static const char *const in_versions[] = { "model", NULL };
	const struct conf_registry *r = f->r;

	if (r->list != NULL)
		check_request(f, "list", r->list, in_list,
		    "{page}, {offset} or {token} is expected");
	if (r->versions_list == NULL)
		return;
	check_request(f, "versions_list", r->versions_list, in_versions, "{model} is expected");
	if (strstr(r->versions_list, "{model}") == NULL) {
		conf_problem(f->d, yaml_get(f->node, "versions_list"),
		    "versions_list: has no {model}: whose versions are meant?");
		f->is_good = false;
	}
}

/* --- pages ----------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
page_problem(struct form *f, const char *key, const char *fmt, ...)
{
	const struct yaml_node *where = at(f->page, key, at(f->node, "list", f->node));
	char sentence[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	conf_problem(f->d, where, "%s", sentence);
	f->is_good = false;
}

static bool
has(const char *text, const char *placeholder)
{
	return text != NULL && strstr(text, placeholder) != NULL;
}

static void
check_token(struct form *f)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~[]";
	const struct conf_registry *r = f->r;
	bool is_in_list = has(r->list, "{token}");

	if (is_in_list && r->page_token == NULL)
		page_problem(f, "list", "list: {token} needs page: { token: PATH }, where it comes "
		    "from");
	if (r->page_param != NULL && r->page_token == NULL)
		page_problem(f, "param", "param: needs token: too");
	if (r->page_token != NULL && !is_in_list && r->page_param == NULL)
		page_problem(f, "token", "token: needs param: too, the query parameter that takes "
		    "it, or {token} in list:");
	if (r->page_token != NULL && is_in_list && r->page_param != NULL)
		page_problem(f, "param", "param: cannot go with {token} in list:; keep one");
	if (r->page_param != NULL && r->page_param[strspn(r->page_param, allowed)] != '\0')
		page_problem(f, "param", "param: holds what no name of a query parameter has");
}

static void
check_pages(struct form *f)
{
	const struct conf_registry *r = f->r;
	bool is_page = has(r->list, "{page}"), is_offset = has(r->list, "{offset}");
	int n = is_page + is_offset + (r->page_next != NULL) + (r->page_token != NULL);

	if (n > 1)
		page_problem(f, r->page_next != NULL ? "next" : "token", "one way to the next page "
		    "is expected: next:, token:, or {page} or {offset} in list:");
	check_token(f);
	if (!yaml_is_null(yaml_get(f->page, "first")) && !is_page)
		page_problem(f, "first", "first: goes with {page} in list:");
	if (!yaml_is_null(yaml_get(f->page, "size")) && !is_page && !is_offset)
		page_problem(f, "size", "size: goes with {page} or {offset} in list:");
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Without lists of versions an item is a version: what it says of the model would not be read. */
static void
check_model(struct form *f)
{
	if (f->r->versions != NULL || f->r->versions_list != NULL || yaml_is_null(f->model) ||
	    f->model->type != YAML_TYPE_MAP || f->model->n == 0)
		return;
	conf_problem(f->d, f->model, "model: needs versions: or versions_list:; without them each "
	    "item is a version");
	f->is_good = false;
}

bool
conf_rule_registry(struct conf_decode *d, const struct yaml_node *node, struct conf_source *s)
{
	const struct yaml_node *registry = yaml_get(node, "registry");
	struct form f = {
		.d = d, .node = registry, .page = yaml_get(registry, "page"),
		.model = yaml_get(registry, "model"), .r = &s->registry, .is_good = true,
	};

	if (conf_source_is_registry(s) && yaml_is_null(yaml_get(node, "interval")))
		s->interval_ns = REGISTRY_INTERVAL_NS;
	if (str_eq(s->type, "http-json") && yaml_is_null(registry)) {
		conf_problem(d, at(node, "type", node), "type: http-json needs registry:, which "
		    "says how its answers are read");
		return false;
	}
	if (yaml_is_null(registry) || s->type == NULL)
		return true;
	if (!str_eq(s->type, "http-json")) {
		conf_problem(d, registry, "registry: goes with type: http-json only; how %s answers "
		    "is known", s->type);
		return false;
	}
	check_requests(&f);
	check_pages(&f);
	check_model(&f);
	return f.is_good;
}
