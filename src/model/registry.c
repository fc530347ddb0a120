/* Models and hosts as values: their words, finding in a registry, and names of hosts. */
#include "config.h"

#include "model/registry.h"

#include <string.h>


const char *
model_state_name(enum model_state state)
{
	switch (state) {
	case MODEL_OUT_OF_STEP: return "out of step";
	case MODEL_UNSERVED: return "unserved";
	case MODEL_STATE_UNKNOWN: return "unknown";
	case MODEL_OLD: return "old";
	case MODEL_IN_STEP: return "in step";
	}
	return "unknown";
}

const char *
serve_state_name(enum serve_state state)
{
	switch (state) {
	case SERVE_OTHER: return "other";
	case SERVE_NONE: return "none";
	case SERVE_UNKNOWN: return "unknown";
	case SERVE_RIGHT: return "right";
	}
	return "unknown";
}

/* --- finding ------------------------------------------------------------------------------------------------------------ */

const struct reg_model *
reg_model_find(const struct registry_set *set, const char *name)
{
	size_t lo = 0, hi = set == NULL ? 0 : set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(set->v[mid].name, name);

		if (c == 0)
			return &set->v[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct reg_version *
reg_version_find(const struct reg_model *model, const char *version)
{
	for (size_t i = 0; i < model->n_versions; i++)
		if (strcmp(model->versions[i].version, version) == 0)
			return &model->versions[i];
	return NULL;
}

static bool
has_alias(const struct reg_version *v, const char *alias)
{
	for (size_t i = 0; i < v->aliases.n; i++)
		if (strcmp(v->aliases.v[i], alias) == 0)
			return true;
	return false;
}

/* The model's own list counts: what versions say of themselves may be missing. */
static const char *
alias_version(const struct reg_model *model, const char *alias)
{
	for (size_t i = 0; i < model->n_aliases; i++)
		if (strcmp(model->aliases[i].alias, alias) == 0)
			return model->aliases[i].version;
	for (size_t i = 0; i < model->n_versions; i++)
		if (has_alias(&model->versions[i], alias))
			return model->versions[i].version;
	return NULL;
}

const char *
reg_version_wanted(const struct reg_model *model, const char *alias, const char *stage)
{
	if (alias != NULL)
		return alias_version(model, alias);
	for (size_t i = 0; stage != NULL && i < model->n_versions; i++)
		if (strcmp(model->versions[i].stage, stage) == 0)
			return model->versions[i].version;
	return NULL;
}

bool
reg_is_wanted_known(const struct reg_model *model, const char *alias)
{
	if (!model->is_unread)
		return true;
	for (size_t i = 0; alias != NULL && i < model->n_aliases; i++)
		if (strcmp(model->aliases[i].alias, alias) == 0)
			return true;
	return false;
}

/* Which note is about missing pages nobody can tell: any may be. */
bool
registry_set_is_partial(const struct registry_set *set)
{
	return set->n_left_out > 0 || set->notes.n > 0;
}

/* --- names of hosts ------------------------------------------------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Compares the numbers at both, without a limit to their length, and steps over them. */
static int
compare_numbers(const char **a, const char **b)
{
	size_t n_a, n_b;
	int c;

	while (**a == '0')
		(*a)++;
	while (**b == '0')
		(*b)++;
	n_a = strspn(*a, "0123456789");
	n_b = strspn(*b, "0123456789");
	if (n_a != n_b)
		return n_a < n_b ? -1 : 1;
	c = strncmp(*a, *b, n_a);
	*a += n_a;
	*b += n_b;
	return c;
}

int
host_name_compare(const char *a, const char *b)
{
	const char *pa = a, *pb = b;

	while (*pa != '\0' && *pb != '\0') {
		int c;

		if (is_digit(*pa) && is_digit(*pb)) {
			c = compare_numbers(&pa, &pb);
		} else {
			c = (unsigned char)*pa - (unsigned char)*pb;
			pa++;
			pb++;
		}
		if (c != 0)
			return c < 0 ? -1 : 1;
	}
	if (*pa != '\0' || *pb != '\0')
		return *pa != '\0' ? 1 : -1;
	/* They differ at most in zeros before a number. */
	if (strlen(a) != strlen(b))
		return strlen(a) < strlen(b) ? -1 : 1;
	return strcmp(a, b);
}

size_t
host_of_instance(const char *instance)
{
	const char *colon = strrchr(instance, ':');
	size_t len = strlen(instance);

	if (colon == NULL || colon == instance || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return len;
	/* An IPv6 address without brackets is all colons, and has no port. */
	if (colon[-1] != ']' && memchr(instance, ':', (size_t)(colon - instance)) != NULL)
		return len;
	return (size_t)(colon - instance);
}
