/* What can be put where the cursor stands in a query: from the lines that are held, at once, and from what the stores told. */
#include "config.h"

#include "logs_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { STREAMS_MAX = 50000, WORDS_ROOM = 2 * LOG_NAMES_MAX };

struct offer {
	struct logs *logs;		/* NULL: nothing is asked, as in a replay */
	const struct model *model;
	const struct log_view *view;
	struct logs_offers *to;
	size_t n, n_streams;
	const char **v;
};

/* --- words ------------------------------------------------------------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
sort(struct offer *o)
{
	size_t n = 0;

	if (o->n > 1)
		qsort((void *)(uintptr_t)o->v, o->n, sizeof *o->v, by_text);
	for (size_t i = 0; i < o->n; i++)
		if (n == 0 || strcmp(o->v[n - 1], o->v[i]) != 0)
			o->v[n++] = o->v[i];
	o->n = n;
}

/* It begins as it is typed, whatever the case. */
static bool
is_meant(const struct offer *o, const char *word)
{
	const char *prefix = o->to->at.prefix;

	return word != NULL && *word != '\0' && strncasecmp(word, prefix, strlen(prefix)) == 0;
}

static void
add(struct offer *o, const char *word)
{
	if (!is_meant(o, word))
		return;
	if (o->n == WORDS_ROOM)
		sort(o);
	if (o->n < WORDS_ROOM)
		o->v[o->n++] = word;
}

static void
keep(struct offer *o)
{
	for (size_t i = 0; i < o->n; i++)
		o->v[i] = arena_strdup(&o->to->mem, o->v[i]);
	o->to->words = (struct strings){ o->n, o->v };
}

/* --- stores ------------------------------------------------------------------------------------------------------ */

static const struct source_def *
source_at(const struct offer *o, size_t i)
{
	const struct environment *e = o->model != NULL ? model_environment(o->model) : NULL;

	return e != NULL && i < e->n_sources ? &e->sources[i] : NULL;
}

static bool
is_store(const struct source_def *s)
{
	return str_eq(s->type, "loki") || str_eq(s->type, "elasticsearch") || str_eq(s->type, "journald");
}

static const char *
type_of(const struct offer *o, const char *source)
{
	const struct source_def *s;

	for (size_t i = 0; (s = source_at(o, i)) != NULL; i++)
		if (strcmp(s->name, source) == 0)
			return s->type;
	return "";
}

/* The names of a journal's fields are not asked for: nobody tells them. Those that people look for are known. */
static void
add_fields_of_journals(struct offer *o)
{
	static const char *const usual[] = { "CODE_FILE", "CODE_FUNC", "MESSAGE_ID", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "UNIT", "_BOOT_ID", "_COMM",
		"_EXE", "_HOSTNAME", "_MACHINE_ID", "_PID", "_SYSTEMD_SLICE", "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT", "_TRANSPORT", "_UID" };

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		add(o, usual[i]);
}

static void
add_told(struct offer *o, const char *source, const char *label, const char *selector)
{
	const struct log_names_want w = { .source = source, .label = label, .selector = selector };
	struct logs_told told;
	char name[40];

	if (o->logs == NULL || o->logs->names == NULL)
		return;
	told = logs_names_get(o->logs->names, &w);
	for (size_t i = 0; i < told.names.n; i++)
		if (is_meant(o, told.names.v[i]))
			add(o, arena_strdup(&o->to->mem, told.names.v[i]));
	if (told.is_asking && !o->to->is_failed)
		snprintf(o->to->note, sizeof o->to->note, "asking %s", str_escape_to(name, sizeof name, source));
	else if (told.error != NULL) {
		o->to->is_failed = true;
		snprintf(o->to->note, sizeof o->to->note, "%s: %s", str_escape_to(name, sizeof name, source), told.error);
	}
}

/* --- lines that are held ------------------------------------------------------------------------------------------- */

static void
add_labels(struct offer *o, const struct log_ref *stream)
{
	for (size_t i = 0; stream->labels != NULL && i < stream->labels->n; i++)
		add(o, stream->labels->v[i].name);
}

static void
add_stream(struct offer *o, const struct log_ref *stream)
{
	const struct log_complete *c = &o->to->at;

	if (c->type != NULL && strcmp(type_of(o, stream->source), c->type) != 0)
		return;
	/* What a selector leaves of them only the store knows. */
	if (c->selector != NULL)
		return;
	if (c->place == LOG_PLACE_SERVICE)
		add(o, stream->service);
	else if (c->place == LOG_PLACE_NAME)
		add_labels(o, stream);
	else if (c->place == LOG_PLACE_VALUE && stream->labels != NULL)
		add(o, labels_get(stream->labels, c->label));
}

static void
add_segment(struct offer *o, const struct log_segment *s)
{
	struct log_texts texts;

	log_segment_texts(s, &texts);
	for (size_t k = 0; k < texts.n_streams && o->n_streams < STREAMS_MAX; k++, o->n_streams++) {
		struct log_ref stream;

		log_segment_stream(s, k, &stream);
		add_stream(o, &stream);
	}
}

/* The newest first. */
static void
add_held(struct offer *o)
{
	size_t n = o->model != NULL ? model_n_log_segments(o->model) : 0;

	for (size_t i = n; i-- > 0 && o->n_streams < STREAMS_MAX; )
		add_segment(o, model_log_segment(o->model, i));
	for (size_t i = n == 0 && o->view != NULL ? o->view->n_parts : 0; i-- > 0 && o->n_streams < STREAMS_MAX; )
		add_segment(o, o->view->parts[i].segment);
}

/* --- by place ------------------------------------------------------------------------------------------------------ */

static void
add_keys(struct offer *o)
{
	static const char *const keys[] = { "level:", "service:", "source:", "label:" }, *const natives[][2] = { { "loki", "loki: {" },
		{ "elasticsearch", "es: " }, { "journald", "journal: " } };
	const struct source_def *s;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		add(o, keys[i]);
	for (size_t k = 0; o->to->at.is_first && k < sizeof natives / sizeof *natives; k++) {
		bool is_there = false;

		for (size_t i = 0; (s = source_at(o, i)) != NULL; i++)
			is_there |= str_eq(s->type, natives[k][0]);
		if (is_there)
			add(o, natives[k][1]);
	}
}

static void
add_levels(struct offer *o)
{
	for (int level = LOG_LEVEL_CRITICAL; level > LOG_LEVEL_UNKNOWN; level--)
		add(o, log_level_name((enum line_level)level));
}

/* The query box looks at labels of streams, which a Loki has; of other stores their lines tell which. */
static bool
is_asked(const struct source_def *s, const struct log_complete *c)
{
	if (!is_store(s) || (c->place == LOG_PLACE_NAME && str_eq(s->type, "journald")))
		return false;
	return c->type != NULL ? str_eq(s->type, c->type) : str_eq(s->type, "loki");
}

static void
add_names(struct offer *o)
{
	const struct log_complete *c = &o->to->at;
	const struct source_def *s;

	add_held(o);
	if (c->place == LOG_PLACE_NAME && str_eq(c->type, "journald"))
		add_fields_of_journals(o);
	if (c->place == LOG_PLACE_VALUE && *c->label == '\0')
		return;
	for (size_t i = 0; (s = source_at(o, i)) != NULL; i++)
		if (is_asked(s, c))
			add_told(o, s->name, c->place == LOG_PLACE_VALUE ? c->label : NULL, c->selector);
}

static void
add_sources(struct offer *o)
{
	const struct source_def *s;

	for (size_t i = 0; (s = source_at(o, i)) != NULL; i++)
		if (is_store(s))
			add(o, s->name);
}

void
logs_offer(struct logs *l, const struct model *m, const struct log_view *view, const char *text, size_t at, struct logs_offers *ret)
{
	struct offer o = { .logs = l, .model = m, .view = view, .to = ret };

	*ret = (struct logs_offers){ .mem = ARENA_INIT };
	log_complete_at(text, at, &ret->mem, &ret->at);
	o.v = arena_alloc(&ret->mem, WORDS_ROOM * sizeof *o.v);
	switch (ret->at.place) {
	case LOG_PLACE_NONE: break;
	case LOG_PLACE_KEY: add_keys(&o); break;
	case LOG_PLACE_LEVEL: add_levels(&o); break;
	case LOG_PLACE_SERVICE: add_held(&o); break;
	case LOG_PLACE_SOURCE: add_sources(&o); break;
	case LOG_PLACE_NAME:
	case LOG_PLACE_VALUE: add_names(&o); break;
	}
	if (ret->at.place >= LOG_PLACE_SERVICE)
		sort(&o);
	keep(&o);
}

void
logs_offers_done(struct logs_offers *o)
{
	arena_done(&o->mem);
	*o = (struct logs_offers){ 0 };
}

void
logs_on_names(struct logs *l, logs_names_cb *cb, void *arg)
{
	if (l != NULL && l->names != NULL)
		logs_names_on_more(l->names, cb, arg);
}
