/* All runbooks there are: folders in their order, the first of a name. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_find.h"
#include "conf/conf_owner.h"
#include "conf/conf_table.h"
#include "runbook/read.h"

enum { FILES_MAX = 1000, SHOWN = 200, NAMES_MAX = 500, SENTENCE_MAX = 2000 };

/* --- one folder --------------------------------------------------------------------------------------- */

static bool
is_runbook_file(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && ((len > 5 && str_eq(name + len - 5, ".yaml")) ||
	    (len > 4 && str_eq(name + len - 4, ".yml")));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted. -1: the folder cannot be read. */
static long
list_files(const char *folder, char ***ret)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	char **v = NULL;
	size_t n = 0;

	if (dir == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL && n < FILES_MAX)
		if (is_runbook_file(e->d_name)) {
			v = xreallocarray(v, n + 1, sizeof(*v));
			v[n++] = xstrdup(e->d_name);
		}
	closedir(dir);
	if (n > 0)
		qsort(v, n, sizeof(*v), compare_names);
	*ret = v;
	return (long)n;
}

/* "rollback" of "rollback.yaml": what a file that cannot be read is called. */
static char *
name_of_file(const char *file)
{
	const char *dot = strrchr(file, '.');

	return xstrndup(file, dot != NULL ? (size_t)(dot - file) : strlen(file));
}

static bool
is_taken(const struct runbooks *r, const char *name)
{
	for (size_t i = 0; i < r->n_broken; i++)
		if (str_eq(r->broken[i].name, name))
			return true;
	return runbooks_find(r, name) != NULL;
}

static void
add_broken(struct runbooks *r, const char *file, const char *path, const char *first)
{
	r->broken = xreallocarray(r->broken, r->n_broken + 1, sizeof *r->broken);
	r->broken[r->n_broken++] = (struct runbook_broken){ .name = name_of_file(file),
	    .file = xstrdup(path), .first = xstrdup(first) };
}

static void
add(struct runbooks *r, struct runbook *rb)
{
	r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = rb;
}

/* What else is wrong is listed by --check; not of shipped ones, which may be unfit for an environment and are no mistake then. */
static void
add_mistaken(struct runbooks *r, const char *file, const char *path, const struct conf_problems *own, bool is_listed)
{
	char *text = own->n > 1 ? xasprintf("%s (and %zu more%s)", own->v[0], own->n - 1, is_listed ? ": --check lists them" : "") :
	    xstrdup(own->n == 1 ? own->v[0] : "cannot be read");

	add_broken(r, file, path, text);
	free(text);
}

/* A file of only steps is there to be included. */
static bool
is_list(const char *text, size_t len)
{
	struct yaml_file *f;
	bool is_it = false;

	if (yaml_parse("", text, len, &f, NULL) < 0)
		return false;
	is_it = f->n_docs == 1 && f->docs[0]->type == YAML_TYPE_LIST;
	yaml_file_free(f);
	return is_it;
}

static void
take_text(struct runbooks *r, const char *file, const char *path, const struct buf *b,
    bool is_shipped, const struct conf *conf, const struct conf_environment *env)
{
	struct conf_problems own = { 0 };
	struct runbook *rb = NULL;
	struct err err = ERR_INIT;
	char *name = name_of_file(file);

	if (is_taken(r, name) || is_list(b->data, b->len)) {
		free(name);
		return;
	}
	if (runbook_read(path, b->data, b->len, conf, env, &rb, &own, &err) < 0)
		conf_problems_add(&own, "%s", err.msg);
	if (rb != NULL && !str_eq(rb->name, name)) {
		char shown[SHOWN];

		conf_problems_add(&own, "%s:1:1: the runbook '%s' stands in a file of another name; call "
		    "the file %s.yaml", str_escape_to(shown, sizeof shown, path), rb->name, rb->name);
		runbook_free(rb);
		rb = NULL;
	}
	if (rb != NULL)
		add(r, rb);
	else
		add_mistaken(r, file, path, &own, !(is_shipped && env != NULL));
	/* A shipped one that does not fit this environment is no mistake of whoever wrote the config: it says why it cannot be run
	 * where it is listed and when it is called. */
	for (size_t i = 0; i < own.n && !(is_shipped && env != NULL); i++)
		conf_problems_add(&r->problems, "%s", own.v[i]);
	conf_problems_done(&own);
	free(name);
}

static void
take_file(struct runbooks *r, const char *folder, const char *file, bool is_shipped,
    const struct conf *conf, const struct conf_environment *env)
{
	char *path = xasprintf("%s/%s", folder, file);
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, YAML_BYTES_MAX);
	if (runbook_file_read(path, is_shipped, &b, &err) == 0) {
		take_text(r, file, path, &b, is_shipped, conf, env);
	} else {
		char *name = name_of_file(file);

		conf_problems_add(&r->problems, "%s", err.msg);
		if (!is_taken(r, name))
			add_broken(r, file, path, err.msg);
		free(name);
	}
	buf_done(&b);
	free(path);
}

/* is_needed: somebody named it. */
static void
take_folder(struct runbooks *r, const char *folder, bool is_needed, bool is_shipped,
    const struct conf *conf, const struct conf_environment *env)
{
	char **files = NULL, shown[SHOWN];
	struct err err = ERR_INIT;
	long n = list_files(folder, &files);

	if (n < 0 && (is_needed || errno != ENOENT)) {
		err_set_errno(&err, ERR_IO, errno, "runbooks: cannot read the folder %s",
		    str_escape_to(shown, sizeof shown, folder));
		conf_problems_add(&r->problems, "%s", err.msg);
	}
	for (long i = 0; i < n; i++) {
		take_file(r, folder, files[i], is_shipped, conf, env);
		free(files[i]);
	}
	free(files);
}

/* --- all folders ------------------------------------------------------------------------------------------ */

/* Beside the user's config. NULL: there is no home. */
static char *
user_folder(void)
{
	char *path = conf_user_path(), *folder = NULL, *slash;

	if (path != NULL && (slash = strrchr(path, '/')) != NULL)
		folder = xasprintf("%.*s/runbooks", (int)(slash - path), path);
	free(path);
	return folder;
}

static int
compare_runbooks(const void *a, const void *b)
{
	return strcmp((*(struct runbook *const *)a)->name, (*(struct runbook *const *)b)->name);
}

int
runbooks_read(const struct conf *conf, const struct conf_environment *env, struct runbooks *ret,
    struct err *err)
{
	struct runbooks r = { 0 };
	char *user = user_folder(), *shipped = NULL;

	(void)err;
	for (size_t i = 0; conf != NULL && conf->runbooks != NULL && conf->runbooks[i] != NULL; i++)
		take_folder(&r, conf->runbooks[i], true, false, conf, env);
	if (user != NULL)
		take_folder(&r, user, false, false, conf, env);
	/* An installation without them is one that wants none of them. */
	if (conf_data_path("runbooks", &shipped, NULL) == 0)
		take_folder(&r, shipped, false, true, conf, env);
	free(user);
	free(shipped);
	if (r.n > 0)
		qsort(r.v, r.n, sizeof(*r.v), compare_runbooks);
	*ret = r;
	return 0;
}

void
runbooks_done(struct runbooks *r)
{
	for (size_t i = 0; i < r->n; i++)
		runbook_free(r->v[i]);
	free(r->v);
	for (size_t i = 0; i < r->n_broken; i++) {
		free(r->broken[i].name);
		free(r->broken[i].file);
		free(r->broken[i].first);
	}
	free(r->broken);
	conf_problems_done(&r->problems);
	*r = (struct runbooks){ 0 };
}

const struct runbook *
runbooks_find(const struct runbooks *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->v[i]->name, name))
			return r->v[i];
	return NULL;
}

int
runbooks_pick(const struct runbooks *r, const char *name, const struct runbook **ret,
    struct err *err)
{
	const char *names[NAMES_MAX], *near;
	char shown[64];
	size_t n = 0;

	*ret = runbooks_find(r, name);
	if (*ret != NULL)
		return 0;
	for (size_t i = 0; i < r->n_broken; i++)
		if (str_eq(r->broken[i].name, name))
			return err_set(err, ERR_INVALID, "the runbook %s cannot be run: %s", name,
			    r->broken[i].first);
	for (size_t i = 0; i < r->n && n < NAMES_MAX; i++)
		names[n++] = r->v[i]->name;
	near = str_nearest(name, names, n);
	str_escape_to(shown, sizeof shown, name);
	if (near != NULL)
		return err_set(err, ERR_NOTFOUND, "there is no runbook '%s'; did you mean '%s'?", shown,
		    near);
	return err_set(err, ERR_NOTFOUND, "there is no runbook '%s'; opsconsole --runbooks lists them",
	    shown);
}

/* --- for the model -------------------------------------------------------------------------------------------- */

static const char *
keep(struct arena *a, const char *text)
{
	return text != NULL ? arena_strdup(a, text) : NULL;
}

static struct strings
keep_all(struct arena *a, char *const *v)
{
	const char **to;
	size_t n = 0;

	while (v != NULL && v[n] != NULL)
		n++;
	to = arena_alloc(a, (n + 1) * sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = arena_strdup(a, v[i]);
	return (struct strings){ .n = n, .v = to };
}

static const char *
step_text(struct arena *a, const struct runbook_step *s)
{
	char *text = xasprintf("%s: %s %s", s->name, step_kind_name(s->act->kind),
	    !s->is_run_scope ? "on each host" : s->is_closing ? "after all hosts" : "once");
	const char *kept = arena_strdup(a, text);

	free(text);
	return kept;
}

static const char *
hosts_text(struct arena *a, const struct runbook *rb)
{
	char *text = rb->group != NULL ? xasprintf("group %s", rb->group) :
	    xstrdup(rb->hosts != NULL ? template_source(rb->hosts) : "");
	const char *kept = arena_strdup(a, text);

	free(text);
	return kept;
}

/* As one paragraph: where a file breaks its lines says nothing to a screen. */
static const char *
paragraph(struct arena *a, const char *text)
{
	char *line = xstrdup(text != NULL ? text : ""), *to = line;
	const char *kept;

	for (const char *p = line; *p != '\0'; p++) {
		bool is_space = *p == ' ' || *p == '\n' || *p == '\t';

		if (!is_space)
			*to++ = *p;
		else if (to > line && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > line && to[-1] == ' ')
		to--;
	*to = '\0';
	kept = arena_strdup(a, line);
	free(line);
	return kept;
}

/* What it is when nobody gives it, as planning would find it: of the config, the runbook's default, the only one there is. */
static void
fill_default(struct arena *a, const struct conf_environment *env, const struct runbook_param *p, struct param_info *info)
{
	const char *def = p->def;

	if (env != NULL && p->def == NULL && p->type == PARAM_MODEL && env->n_models == 1) {
		def = env->models[0].name;
		info->from = "the only one there is";
	}
	for (size_t i = 0; env != NULL && i < env->n_params; i++)
		if (str_eq(env->params[i].name, p->name)) {
			def = env->params[i].value;
			info->from = "config";
		}
	info->is_required = p->is_required && def == NULL;
	info->def = p->type == PARAM_SECRET ? NULL : keep(a, def);
}

static const struct param_info *
params_info(struct arena *a, const struct runbook *rb, const struct conf_environment *env)
{
	struct param_info *v = arena_alloc(a, (rb->n_params + 1) * sizeof *v);

	for (size_t i = 0; i < rb->n_params; i++) {
		const struct runbook_param *p = &rb->params[i];

		v[i] = (struct param_info){ .name = arena_strdup(a, p->name),
		    .title = arena_strdup(a, p->title), .type = p->type,
		    .of = keep(a, p->of), .choices = keep_all(a, p->choices) };
		fill_default(a, env, p, &v[i]);
	}
	return v;
}

static void
fill_info(struct arena *a, const struct runbook *rb, const struct conf_environment *env, struct runbook_info *info)
{
	const char **steps = arena_alloc(a, (rb->n_steps + 1) * sizeof(*steps));

	for (size_t i = 0; i < rb->n_steps; i++)
		steps[i] = step_text(a, &rb->steps[i]);
	*info = (struct runbook_info){
		.name = arena_strdup(a, rb->name), .title = arena_strdup(a, rb->title),
		.description = paragraph(a, rb->description),
		.danger = rb->danger, .file = arena_strdup(a, rb->file),
		.is_shipped = rb->is_shipped, .error = "", .n_params = rb->n_params,
		.params = params_info(a, rb, env), .offer_alerts = keep_all(a, rb->offer_alerts),
		.steps = { .n = rb->n_steps, .v = steps }, .hosts = hosts_text(a, rb),
	};
}

static int
compare_infos(const void *a, const void *b)
{
	return strcmp(((const struct runbook_info *)a)->name,
	    ((const struct runbook_info *)b)->name);
}

static const struct past_run *
keep_past(struct arena *a, const struct past_run *past, size_t n)
{
	struct past_run *v = arena_alloc(a, (n + 1) * sizeof *v);

	for (size_t i = 0; i < n; i++) {
		v[i] = past[i];
		v[i].run = keep(a, past[i].run);
		v[i].runbook = keep(a, past[i].runbook);
		v[i].target = keep(a, past[i].target);
		v[i].outcome = keep(a, past[i].outcome);
		v[i].user = keep(a, past[i].user);
	}
	return v;
}

struct runbook_set *
runbooks_event(const struct runbooks *r, const struct conf_environment *env, const struct past_run *past, size_t n_past)
{
	struct runbook_set *set = block_new(sizeof *set);
	struct arena *a = &set->block.arena;
	const char **problems = arena_alloc(a, (r->problems.n + 1) * sizeof(*problems));
	struct runbook_info *v = arena_alloc(a, (r->n + r->n_broken + 1) * sizeof *v);

	for (size_t i = 0; i < r->n; i++)
		fill_info(a, r->v[i], env, &v[i]);
	for (size_t i = 0; i < r->n_broken; i++)
		v[r->n + i] = (struct runbook_info){
			.name = arena_strdup(a, r->broken[i].name), .title = "", .description = "",
			.danger = DANGER_HIGH, .file = arena_strdup(a, r->broken[i].file),
			.error = arena_strdup(a, r->broken[i].first), .hosts = "",
		};
	set->n = r->n + r->n_broken;
	qsort(v, set->n, sizeof *v, compare_infos);
	set->v = v;
	for (size_t i = 0; i < r->problems.n; i++)
		problems[i] = arena_strdup(a, r->problems.v[i]);
	set->problems = (struct strings){ .n = r->problems.n, .v = problems };
	set->past = keep_past(a, past, n_past);
	set->n_past = n_past;
	return set;
}
