/*
 * Models: the registry against what serves, host by host, and the state that makes.
 *
 * Worst first: a host serves another version than it should; one serves none, or is not heard of; registry or serving cannot be seen, or is too old to judge by;
 * model or training data are beyond their limits; in step. An alias moves before the hosts do: for MODEL_SETTLE_NS after a move that was seen, hosts that
 * still serve the version before it, or went without one since, are on their way and no alarm.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "model/models_judge_priv.h"

enum { WHY_MAX = 2000 };
#define PATIENCE_UNKNOWN_NS (3 * NS_PER_MIN)	/* with a source that no config tells of */

/* --- time ---------------------------------------------------------------------------------------------------------------- */

static int64_t
earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The view is to be made anew when this time has passed. */
static void
until(struct judge *j, int64_t at_ns)
{
	if (at_ns >= j->m->now_ns && at_ns < j->v->next_ns)
		j->v->next_ns = at_ns;
}

/* Of a time that the clock has not reached yet, now is shown. */
static void
until_reached(struct judge *j, int64_t at_ns)
{
	if (at_ns > j->m->now_ns)
		until(j, j->m->now_ns);
}

static int64_t
fresh_until(const struct model *m, const char *source, const char *what, int64_t seen_ns)
{
	const struct source *s = source_get(m, source);

	return s == NULL ? seen_ns + PATIENCE_UNKNOWN_NS : source_fresh_until_ns(s, what, seen_ns);
}

/* The newest good answer for what, which may have come as a report alone. */
static int64_t
answered_ns(const struct model *m, const char *source, const char *what, int64_t seen_ns)
{
	const struct source *s = source_get(m, source);
	const struct source_request *r = s == NULL ? NULL : source_request_find(s, what);

	return r == NULL ? seen_ns : later(r->last_ok_ns, seen_ns);
}

/* What the request is called that asks who serves: after the model where each has its own, else what all share. */
const char *
judge_serving_what(struct judge *j, const char *source)
{
	const struct source *s = source_get(j->m, source);
	char *own = xasprintf("serving:%s", j->row->def->name);
	bool has_own = s == NULL || source_request_find(s, own) != NULL;
	const char *what = has_own ? arena_strdup(&j->v->arena, own) : "serving";

	free(own);
	return what;
}

/* --- what is known ----------------------------------------------------------------------------------------------------------- */

static void
look_at_registry(struct judge *j)
{
	const struct model_def *def = j->row->def;
	const struct registry_state *r = registry_state_find(j->m, def->registry);

	if (r != NULL) {
		j->row->reg = reg_model_find(r->set, def->name);
		j->row->reg_ns = answered_ns(j->m, def->registry, "registry", r->at_ns);
		j->reg_until_ns = fresh_until(j->m, def->registry, "registry", r->at_ns);
	}
	j->row->is_reg_stale = j->m->now_ns > j->reg_until_ns;
	if (r != NULL && !j->row->is_reg_stale)
		until(j, j->reg_until_ns);
}

static void
look_at_serving(struct judge *j)
{
	const struct model_def *def = j->row->def;

	j->row->serving_source = def->serving_source == NULL ? "" : def->serving_source;
	if (j->mem != NULL && j->mem->serving != NULL) {
		const char *source = j->mem->serving_source, *what = judge_serving_what(j, source);

		j->row->serving_source = source;
		j->row->serving_ns = answered_ns(j->m, source, what, j->mem->serving_ns);
		j->serving_until_ns = fresh_until(j->m, source, what, j->mem->serving_ns);
	}
	j->row->is_serving_stale = j->m->now_ns > j->serving_until_ns;
	if (!j->row->is_serving_stale)
		until(j, j->serving_until_ns);
}

/* A version that is so old that the registry's answer left it out is known by its name alone. */
static const struct reg_version *
version_by_name(struct judge *j, const char *version)
{
	const struct reg_version *known = reg_version_find(j->row->reg, version);
	struct reg_version *v;

	if (known != NULL)
		return known;
	v = arena_alloc(&j->v->arena, sizeof *v);
	v->version = version;
	v->stage = v->status = v->by = v->description = v->uri = v->run = "";
	return v;
}

static bool
is_wanted_known(const struct judge *j)
{
	const struct registry_state *r = registry_state_find(j->m, j->row->def->registry);

	if (j->row->reg != NULL)
		return reg_is_wanted_known(j->row->reg, j->row->def->alias);
	return r != NULL && !registry_set_is_partial(r->set);
}

static void
look_at_wanted(struct judge *j)
{
	const struct model_def *def = j->row->def;

	j->row->previous = j->mem == NULL ? "" : j->mem->previous;
	j->is_wanted_known = is_wanted_known(j);
	if (!j->is_wanted_known)
		return;
	if (j->mem != NULL)
		until_reached(j, j->mem->wanted_since_ns);
	j->row->wanted_since_ns = j->mem == NULL || j->mem->wanted_since_ns > j->m->now_ns ? 0 : j->mem->wanted_since_ns;
	j->wanted = j->row->reg == NULL ? NULL : reg_version_wanted(j->row->reg, def->alias, def->stage);
	if (j->wanted != NULL)
		j->row->wanted = version_by_name(j, j->wanted);
}


/* --- hosts ---------------------------------------------------------------------------------------------------------------------- */

bool
judge_is_in_group(const struct host_def *host, const char *group)
{
	for (size_t i = 0; i < host->groups.n; i++)
		if (strcmp(host->groups.v[i], group) == 0)
			return true;
	return false;
}

/* With a label that names hosts, or a group that should serve it, right is only who can be told apart. */
static bool
should_name_hosts(const struct model_def *def)
{
	return def->group != NULL || (def->host_label != NULL && def->host_label[0] != '\0');
}

static enum serve_state
serve_state(const struct judge *j, const struct serving *s)
{
	if (s->error[0] != '\0')
		return SERVE_UNKNOWN;
	if (s->version[0] == '\0')
		return SERVE_NONE;
	if (j->wanted == NULL)
		return SERVE_UNKNOWN;
	if (strcmp(s->version, j->wanted) != 0)
		return SERVE_OTHER;
	return s->host[0] == '\0' && should_name_hosts(j->row->def) ? SERVE_UNKNOWN : SERVE_RIGHT;
}

/* Has it moved so lately that hosts may still be on their way? */
static bool
has_just_moved(const struct judge *j)
{
	int64_t moved_ns = j->mem == NULL ? 0 : j->mem->moved_ns;

	return moved_ns != 0 && j->wanted != NULL && j->m->now_ns >= moved_ns && j->m->now_ns - moved_ns < MODEL_SETTLE_NS;
}

/* who: the host by the name that its answers go by. One that was where it should be, and is no more, went back. */
static bool
is_on_its_way(const struct judge *j, const struct model_host *h, const char *who)
{
	if (!j->is_settling || model_memory_has_arrived(j->mem, who))
		return false;
	if (h->state == SERVE_OTHER)
		return strcmp(h->version, j->mem->previous) == 0;
	return h->state == SERVE_NONE && h->since_ns >= j->mem->moved_ns;
}

/* Hosts that tell what they serve; those of the config by the name they have there. */
static void
add_serving_hosts(struct judge *j, const struct serving_set *set, bool *is_heard)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct serving *s = &set->v[i];
		uint32_t at = host_index_find(&j->v->hosts, s->host);
		bool is_known = s->error[0] == '\0';
		struct model_host *h = &j->hosts[j->row->n_hosts++];

		if (at != HINDEX_NONE)
			is_heard[at] = true;
		*h = (struct model_host){
			.host = at == HINDEX_NONE ? s->host : j->m->hosts->v[at].name, .version = s->version, .error = s->error,
			.state = serve_state(j, s), .at_ns = s->at_ns,
			.since_ns = is_known ? model_memory_since(j->mem, s->host, s->version) : model_memory_last(j->mem, s->host),
		};
		h->is_on_its_way = is_on_its_way(j, h, s->host);
	}
}

/* When each host of the config was last heard of, by whatever name it goes by there; 0 never. free() it. */
static int64_t *
last_heard(const struct judge *j, size_t n_hosts)
{
	int64_t *last_ns = xcalloc(n_hosts + 1, sizeof *last_ns);

	for (size_t i = 0; j->mem != NULL && i < j->mem->n_seen; i++) {
		uint32_t at = host_index_find(&j->v->hosts, j->mem->seen[i].host);

		if (at != HINDEX_NONE)
			last_ns[at] = later(last_ns[at], j->mem->seen[i].last_ns);
	}
	return last_ns;
}

static size_t
count_nameless(const struct serving_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].host[0] == '\0';
	return n;
}

/* Where nothing of the answer names a host, nobody can tell which of them is missing. */
static bool
names_hosts(const struct serving_set *set)
{
	return set->n == 0 || count_nameless(set) < set->n;
}

static size_t
count_group(const struct judge *j)
{
	size_t n = 0;

	for (size_t i = 0; j->row->def->group != NULL && j->m->hosts != NULL && i < j->m->hosts->n; i++)
		n += judge_is_in_group(&j->m->hosts->v[i], j->row->def->group);
	return n;
}

/* When a host that no answer tells of was seen last, or when its silence began to be seen. */
static void
add_missing_host(struct judge *j, const char *name, bool is_named, int64_t last_ns)
{
	struct model_host *h = &j->hosts[j->row->n_hosts++];

	*h = (struct model_host){
		.host = name, .version = "", .error = is_named ? "not heard of" : "no answer names it", .state = is_named ? SERVE_NONE : SERVE_UNKNOWN,
		.since_ns = last_ns == 0 ? j->mem->first_ns : last_ns,
	};
	h->is_on_its_way = is_on_its_way(j, h, name);
}

/* is_named: the answer names hosts, so that those it does not name are missing. */
static void
add_missing_hosts(struct judge *j, const bool *is_heard, bool is_named)
{
	const struct host_set *hosts = j->m->hosts;
	int64_t *last_ns = last_heard(j, hosts->n);

	for (size_t i = 0; i < hosts->n; i++)
		if (!is_heard[i] && judge_is_in_group(&hosts->v[i], j->row->def->group))
			add_missing_host(j, hosts->v[i].name, is_named, last_ns[i]);
	free(last_ns);
}

static int
host_compare(const void *pa, const void *pb)
{
	const struct model_host *a = pa, *b = pb;
	int c = (int)a->state - (int)b->state;

	if (c == 0)
		c = host_name_compare(a->host, b->host);
	return c != 0 ? c : strcmp(a->version, b->version);
}

/* NULL: there is nothing to say. */
static const char *
nameless_note(struct judge *j, const struct serving_set *set)
{
	size_t n = set == NULL ? 0 : count_nameless(set);
	const char *note;
	char *text;

	if (n == 0 || n == set->n)
		return NULL;
	text = n == 1 ? xstrdup("1 answer of who serves it names no host: it may be of one that is not heard of") :
	    xasprintf("%zu answers of who serves it name no host: they may be of some that are not heard of", n);
	note = arena_strdup(&j->v->arena, text);
	free(text);
	return note;
}

static void
look_at_notes(struct judge *j)
{
	const struct registry_state *r = registry_state_find(j->m, j->row->def->registry);
	const struct serving_set *serving = j->mem == NULL ? NULL : j->mem->serving;
	const struct strings none = { 0 }, *a = r == NULL ? &none : &r->set->notes, *b = serving == NULL ? &none : &serving->notes;
	const char **v = arena_alloc(&j->v->arena, (a->n + b->n + 1) * sizeof *v), *nameless = nameless_note(j, serving);
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		v[n++] = a->v[i];
	for (size_t i = 0; i < b->n; i++)
		v[n++] = b->v[i];
	if (nameless != NULL)
		v[n++] = nameless;
	j->row->notes = (struct strings){ n, v };
}

/* ret: how many hosts there are in the group. */
static size_t
look_at_hosts(struct judge *j)
{
	const struct serving_set *set = j->mem == NULL ? NULL : j->mem->serving;
	size_t n_group = count_group(j);
	bool *is_heard;

	if (set == NULL)
		return n_group;
	j->is_settling = has_just_moved(j);
	is_heard = xcalloc((j->m->hosts == NULL ? 0 : j->m->hosts->n) + 1, sizeof *is_heard);
	j->hosts = arena_alloc(&j->v->arena, (n_group + set->n) * sizeof *j->hosts);
	j->row->hosts = j->hosts;
	add_serving_hosts(j, set, is_heard);
	if (n_group > 0)
		add_missing_hosts(j, is_heard, names_hosts(set));
	free(is_heard);
	for (size_t i = 0; i < j->row->n_hosts; i++) {
		until_reached(j, j->hosts[i].since_ns);
		if (j->hosts[i].since_ns > j->m->now_ns)
			j->hosts[i].since_ns = j->m->now_ns;
	}
	return n_group;
}

/* --- how many ------------------------------------------------------------------------------------------------------------------------ */

static void
count_hosts(struct judge *j)
{
	for (size_t i = 0; i < j->row->n_hosts; i++) {
		const struct model_host *h = &j->hosts[i];

		if (h->is_on_its_way) {
			j->n_late++;
			continue;
		}
		j->n_other += h->state == SERVE_OTHER;
		j->n_none += h->state == SERVE_NONE;
		j->n_unknown += h->state == SERVE_UNKNOWN;
		j->row->n_right += h->state == SERVE_RIGHT;
	}
	j->row->is_moving = j->n_late > 0;
	if (j->is_settling)
		until(j, j->mem->moved_ns + MODEL_SETTLE_NS - 1);
}

/* --- age ---------------------------------------------------------------------------------------------------------------------------------- */

/* Since when something that began at from is older than limit; 0: it is not, or there is no limit. */
static int64_t
too_old_since(struct judge *j, int64_t from_ns, int64_t limit_ns)
{
	int64_t at_ns;

	if (limit_ns <= 0 || from_ns == 0 || __builtin_add_overflow(from_ns, limit_ns, &at_ns))
		return 0;
	until(j, at_ns);
	return j->m->now_ns > at_ns ? at_ns : 0;
}

static void
say_age(struct judge *j, const char *what, int64_t limit_ns)
{
	char limit[DURATION_TEXT_MAX];

	buf_printf(&j->why, "%s%s is more than %s old", j->why.len > 0 ? "; " : "", what, duration_format(limit, limit_ns));
}

/* A limit says nothing where the age is not known. true: the state is the age's. */
static bool
judge_age(struct judge *j)
{
	const struct model_def *def = j->row->def;
	const struct reg_version *v = j->row->wanted;
	int64_t made_ns = too_old_since(j, v->created_ns, def->max_age_ns), data_ns = too_old_since(j, v->data_ns, def->max_data_age_ns);

	if (made_ns != 0)
		say_age(j, "the version", def->max_age_ns);
	if (data_ns != 0)
		say_age(j, "its training data", def->max_data_age_ns);
	j->row->state = MODEL_OLD;
	j->row->since_ns = earlier(made_ns, data_ns);
	if (made_ns != 0 || data_ns != 0)
		return true;
	j->row->state = MODEL_STATE_UNKNOWN;
	j->row->since_ns = 0;
	if (def->max_age_ns > 0 && v->created_ns == 0)
		buf_addstr(&j->why, "when the version was made is not known");
	else if (def->max_data_age_ns > 0 && v->data_ns == 0)
		buf_printf(&j->why, "up to when its training data goes is not known%s%s%s", def->data_key == NULL ? "" : ": the version has no ",
		    def->data_key == NULL ? "" : def->data_key, def->data_key == NULL ? "" : " that is a time");
	return j->why.len > 0;
}

/* --- the state ------------------------------------------------------------------------------------------------------------------------------- */

/*
 * Since when it should serve. Who did not see an alias move does not know: then no later than the first of the hosts began to serve it.
 */
static int64_t
wanted_since(const struct judge *j)
{
	int64_t since_ns = j->row->wanted_since_ns;

	if (j->row->def->alias == NULL || since_ns == 0 || j->mem->moved_ns != 0)
		return since_ns;
	for (size_t i = 0; i < j->row->n_hosts; i++)
		if (j->hosts[i].state == SERVE_RIGHT)
			since_ns = earlier(since_ns, j->hosts[i].since_ns);
	return since_ns;
}

/* Since when it is wrong: since a host serves the other version, or since that is the other one. */
static int64_t
wrong_since(const struct judge *j, enum serve_state state)
{
	int64_t since_ns = 0, wanted_ns = wanted_since(j);

	for (size_t i = 0; i < j->row->n_hosts; i++) {
		int64_t host_ns = j->hosts[i].since_ns;

		if (j->hosts[i].state != state || j->hosts[i].is_on_its_way)
			continue;
		since_ns = earlier(since_ns, state == SERVE_OTHER ? later(host_ns, wanted_ns) : host_ns);
	}
	return since_ns;
}

static int64_t
right_since(const struct judge *j)
{
	int64_t since_ns = wanted_since(j);

	for (size_t i = 0; i < j->row->n_hosts; i++)
		since_ns = later(since_ns, j->hosts[i].since_ns);
	return since_ns;
}

/* false: nothing is wrong with what is known, and enough is. */
static bool
judge_sight(struct judge *j, size_t n_group)
{
	const struct model_def *def = j->row->def;

	j->row->state = MODEL_STATE_UNKNOWN;
	if (j->row->is_reg_stale || j->row->is_serving_stale) {
		judge_say_stale(j);
		j->row->since_ns = earlier(j->row->is_reg_stale ? j->reg_until_ns : 0, j->row->is_serving_stale ? j->serving_until_ns : 0);
		j->v->n_stale++;
	} else if (j->wanted == NULL) {
		judge_say_unwanted(j);
		j->row->since_ns = j->row->wanted_since_ns;
	} else if (j->n_other > 0 || j->n_none > 0) {
		j->row->state = j->n_other > 0 ? MODEL_OUT_OF_STEP : MODEL_UNSERVED;
		j->row->since_ns = wrong_since(j, j->n_other > 0 ? SERVE_OTHER : SERVE_NONE);
		judge_say_wrong_hosts(j);
	} else if (j->n_unknown > 0) {
		judge_say_unknown_hosts(j);
		j->row->since_ns = wrong_since(j, SERVE_UNKNOWN);
	} else if (def->group != NULL && n_group == 0) {
		buf_printf(&j->why, "no host of the group %s is known", def->group);
		judge_say_outside(j);
	} else if (j->row->n_hosts == 0) {
		buf_addstr(&j->why, "no host is known that serves it");
	} else {
		return false;
	}
	return true;
}

/* What it says changes each second. */
static void
say_none_followed(struct judge *j)
{
	int64_t ago_ns = j->m->now_ns - j->mem->moved_ns;

	buf_printf(&j->why, "moving from %s to %s: the %s moved %llds ago, no host has followed yet", j->row->previous, j->wanted,
	    j->row->def->alias != NULL ? "alias" : "stage", (long long)(ago_ns / NS_PER_S));
	until(j, j->mem->moved_ns + (ago_ns / NS_PER_S + 1) * NS_PER_S - 1);
}

static void
judge_state(struct judge *j, size_t n_group)
{
	if (judge_sight(j, n_group) || judge_age(j))
		return;
	j->row->state = MODEL_IN_STEP;
	j->row->since_ns = right_since(j);
	if (j->row->is_moving && j->n_late == j->row->n_hosts)
		say_none_followed(j);
	else if (j->row->is_moving)
		buf_printf(&j->why, "moving from %s to %s: %zu of %zu hosts are on their way", j->row->previous, j->wanted, j->n_late,
		    j->row->n_hosts);
}

/* What hosts served when last seen is no longer right or wrong, only old. */
static void
hosts_stale(struct judge *j)
{
	if (!j->row->is_reg_stale && !j->row->is_serving_stale)
		return;
	j->row->n_right = 0;
	j->row->is_moving = false;
	for (size_t i = 0; i < j->row->n_hosts; i++) {
		j->hosts[i].state = SERVE_UNKNOWN;
		j->hosts[i].is_on_its_way = false;
	}
	if (j->row->n_hosts > 0)
		qsort(j->hosts, j->row->n_hosts, sizeof *j->hosts, host_compare);
}

void
model_judge(const struct model *m, struct models_view *v, struct model_model *row)
{
	struct judge j = { .m = m, .v = v, .row = row, .mem = model_memory_find(m, row->def->id) };
	size_t n_group;

	buf_init(&j.why, WHY_MAX);
	look_at_registry(&j);
	look_at_serving(&j);
	look_at_wanted(&j);
	look_at_notes(&j);
	n_group = look_at_hosts(&j);
	if (row->n_hosts > 0)
		qsort(j.hosts, row->n_hosts, sizeof *j.hosts, host_compare);
	count_hosts(&j);
	judge_state(&j, n_group);
	hosts_stale(&j);
	until_reached(&j, row->since_ns);
	if (row->since_ns > m->now_ns)
		row->since_ns = m->now_ns;
	row->why = j.why.len == 0 ? "" : arena_strdup(&v->arena, j.why.data);
	buf_done(&j.why);
}
