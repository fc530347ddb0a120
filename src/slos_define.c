/* What the objectives of an environment are: those of the config and its files, those found in rules, and the log of corrections to them. */
#include "config.h"

#include "slos_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_slo.h"
#include "insight/slo_found.h"

#define LOG_AGAIN (30 * NS_PER_S)

/* --- the log of corrections --------------------------------------------------------------------------------------- */

/* What tells one state of a file from the next. */
static void
log_look(const char *path, struct log_state *ret)
{
	struct stat st;

	*ret = (struct log_state){ 0 };
	if (path != NULL && stat(path, &st) == 0)
		*ret = (struct log_state){ .inode = st.st_ino, .size = st.st_size, .modified = st.st_mtim, .changed = st.st_ctim };
}

static bool
log_is_same(const struct log_state *a, const struct log_state *b)
{
	return a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	    a->modified.tv_nsec == b->modified.tv_nsec && a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Somebody else may have added to it. One that could not be read is tried again now and then. */
bool
slos_log_has_changed(struct slos *s)
{
	struct log_state now;

	if (s->log_error != NULL)
		return clock_mono() >= s->log_again_ns;
	log_look(s->log.path, &now);
	return !log_is_same(&now, &s->log_state);
}

/* Takes the log that was read. What is wrong with it is said once. */
static void
log_take(struct slos *s, struct corrections *log, const struct err *err)
{
	if (err->code != 0) {
		s->log_again_ns = clock_mono() + LOG_AGAIN;
		if (!str_eq(s->log_error, err->msg))
			app_note(s->app, err->msg);
		free(s->log_error);
		s->log_error = xstrdup(err->msg);
		return;
	}
	free(s->log_error);
	s->log_error = NULL;
	for (size_t i = 0; i < log->problems.n; i++)
		app_note(s->app, log->problems.v[i]);
	corrections_done(&s->log);
	s->log = *log;
	*log = (struct corrections){ 0 };
}

/* --- definitions, put together in a worker ------------------------------------------------------------------------ */

struct define_task {
	struct slos *slos;
	bool is_log_read;		/* the log has changed, or was never read */
	struct corrections log;		/* as read */
	struct log_state log_state;
	struct err err;
	size_t n_found;			/* of the sources, in the config's order */
	struct found *found;
	struct slo_def_set *defs;
	uint64_t hash;
};

static uint64_t
hash_defs(const struct slo_def_set *defs)
{
	struct event ev;
	uint64_t hash;
	json_t *json;
	char *text;

	event_init(&ev, EVENT_SLO_DEFS, 0, "", block_ref(defs));
	json = event_to_json(&ev);
	text = json_dumps(json, JSON_COMPACT);
	hash = str_hash(text, strlen(text), STR_HASH_SEED);
	free(text);
	json_decref(json);
	event_done(&ev);
	return hash;
}

/* Takes old. */
static struct slo_def_set *
replace_set(struct slo_def_set *old, struct slo_def_set *new)
{
	block_unref(old);
	return new;
}

static void
define_work(void *arg)
{
	struct define_task *t = arg;
	const struct slo_def_set **v = xcalloc(t->n_found + 1, sizeof *v);
	const struct slos *s = t->slos;
	struct slo_def_set *all;

	if (t->is_log_read) {
		/* Looked at before it is read: a line that comes in between is a change again. */
		log_look(s->log.path, &t->log_state);
		if (corrections_read(s->app->env, &t->log, &t->err) == 0 && s->log.path == NULL)
			log_look(t->log.path, &t->log_state);
	}
	v[0] = all = conf_slos(s->app->env);
	for (size_t i = 0; i < t->n_found; i++)
		v[i + 1] = t->found[i].defs;
	all = replace_set(all, slo_def_merge(v, t->n_found + 1));
	free(v);
	for (size_t i = 0; i < t->n_found; i++)
		all = replace_set(all, slo_found_recorded(all, t->found[i].rules, t->found[i].source));
	/* What was read before counts where it cannot be read now. */
	t->defs = replace_set(all, conf_slos_correct(all, t->is_log_read && t->err.code == 0 ? &t->log : &s->log));
	t->hash = hash_defs(t->defs);
}

void
slos_found_done(struct found *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].source);
		block_unref(v[i].defs);
		block_unref(v[i].rules);
	}
	free(v);
}

/* What has not changed is not told again. */
static void
apply_defs(struct slos *s, const struct define_task *t)
{
	if (s->defs != NULL && t->hash == s->defs_hash)
		return;
	s->defs_hash = t->hash;
	block_unref(s->defs);
	s->defs = block_ref(t->defs);
	slos_tell(s, EVENT_SLO_DEFS, block_ref(t->defs));
	slo_book_define(s->book, s->defs, s->app->environment);
	s->is_defined = true;
}

static void
define_done(void *arg)
{
	struct define_task *t = arg;
	struct slos *s = t->slos;

	s->is_busy = false;
	if (t->defs != NULL) {		/* else it was not run: the program ends */
		if (t->is_log_read) {
			log_take(s, &t->log, &t->err);
			s->log_state = t->log_state;
		}
		apply_defs(s, t);
		loop_timer_in(s->timer, 0);
	}
	corrections_done(&t->log);
	slos_found_done(t->found, t->n_found);
	block_unref(t->defs);
	free(t);
}

static struct found *
found_find(const struct slos *s, const char *source)
{
	for (size_t i = 0; i < s->n_found; i++)
		if (strcmp(s->found[i].source, source) == 0)
			return &s->found[i];
	return NULL;
}

void
slos_define(struct slos *s, bool is_log_read)
{
	const struct conf_environment *env = s->app->env;
	struct define_task *t = xcalloc(1, sizeof *t);

	t->slos = s;
	t->is_log_read = is_log_read;
	t->found = xcalloc(s->n_found, sizeof *t->found);
	for (size_t i = 0; i < env->n_sources; i++) {
		const struct found *f = found_find(s, env->sources[i].name);

		if (f != NULL)
			t->found[t->n_found++] = (struct found){
				.source = xstrdup(f->source), .defs = block_ref(f->defs), .rules = block_ref(f->rules) };
	}
	s->is_busy = true;
	pool_run(s->app->insight, define_work, define_done, t);
}

/* --- objectives found in rules ------------------------------------------------------------------------------------ */

struct find_task {
	struct slos *slos;
	char *source;
	const struct rule_set *rules;
	uint64_t hash, known;		/* of the rules, and of those looked at last */
	struct slo_def_set *defs;
};

static uint64_t
hash_text(const char *text, uint64_t seed)
{
	return str_hash(text, strlen(text) + 1, seed);
}

/* Of what the rules say, not of when they were evaluated. */
static uint64_t
hash_rules(const struct rule_set *rules)
{
	uint64_t h = STR_HASH_SEED;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->v[i];

		h = hash_text(r->query, hash_text(r->name, hash_text(r->group, h)));
		for (size_t j = 0; j < r->labels.n; j++)
			h = hash_text(r->labels.v[j].value, hash_text(r->labels.v[j].name, h));
	}
	return h != 0 ? h : 1;
}

static void
find_work(void *arg)
{
	struct find_task *t = arg;

	t->hash = hash_rules(t->rules);
	if (t->hash != t->known && t->slos->app->env->slo_found)
		t->defs = slo_found(t->rules, t->source);
}

static void
find_done(void *arg)
{
	struct find_task *t = arg;
	struct slos *s = t->slos;
	struct found *f;

	s->n_finding--;
	s->app->n_insight--;
	if (t->hash != 0 && t->hash != t->known) {
		f = found_find(s, t->source);
		if (f == NULL) {
			s->found = xreallocarray(s->found, s->n_found + 1, sizeof *s->found);
			f = &s->found[s->n_found++];
			*f = (struct found){ .source = xstrdup(t->source) };
		}
		block_unref(f->defs);
		block_unref(f->rules);
		f->defs = t->defs;
		f->rules = block_ref(t->rules);
		f->hash = t->hash;
		s->is_changed = true;
		loop_timer_in(s->timer, 0);
	}
	block_unref(t->rules);
	free(t->source);
	free(t);
}

void
slos_look_for(struct slos *s, const struct event *ev)
{
	struct find_task *t = xcalloc(1, sizeof *t);
	const struct found *f = found_find(s, ev->source);

	*t = (struct find_task){ .slos = s, .source = xstrdup(ev->source), .rules = block_ref(ev->block), .known = f != NULL ? f->hash : 0 };
	s->n_finding++;
	s->app->n_insight++;
	pool_run(s->app->insight, find_work, find_done, t);
}
