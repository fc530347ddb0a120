#include "config.h"

#include "source/registry_draft.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/decode_json.h"

enum { NOTE_MAX = 400, DRAFT_BYTES_MAX = 256 << 20 };

/* --- drafts ----------------------------------------------------------------------------------- */

void
draft_init(struct draft *d, const char *source, const struct model_def *models, size_t n_models)
{
	*d = (struct draft){ .index = json_object() };
	if (n_models == 0)
		return;
	d->named = arena_alloc(&d->mem, n_models * sizeof *d->named);
	for (size_t i = 0; i < n_models; i++)
		if (str_eq(models[i].registry, source))
			d->named[d->n_named++] = (struct draft_named){
				.name = arena_strdup(&d->mem, models[i].name),
				.data_key = models[i].data_key == NULL
				    ? NULL
				    : arena_strdup(&d->mem, models[i].data_key),
			};
}

bool
draft_is_full(const struct draft *d)
{
	return d->mem.bytes > DRAFT_BYTES_MAX;
}

const struct draft_named *
draft_named(const struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->n_named; i++)
		if (strcmp(d->named[i].name, name) == 0)
			return &d->named[i];
	return NULL;
}

void
draft_done(struct draft *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].versions);
		free(d->v[i].aliases);
	}
	free(d->v);
	json_decref(d->index);
	arena_done(&d->mem);
	*d = (struct draft){ 0 };
}

static void *
grown(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	*cap = *cap == 0 ? 8 : *cap * 2;
	return xreallocarray(v, *cap, size);
}

size_t
draft_find(const struct draft *d, const char *name)
{
	const json_t *at = json_object_get(d->index, name);

	return json_is_integer(at) ? (size_t)json_integer_value(at) : SIZE_MAX;
}

size_t
draft_model(struct draft *d, const char *name)
{
	size_t at = draft_find(d, name);

	if (at != SIZE_MAX)
		return at;
	if (strlen(name) > REGISTRY_NAME_MAX ||
	    (d->n >= REGISTRY_MODELS_MAX && draft_named(d, name) == NULL)) {
		/* Counted once, however often answers tell of it. */
		d->n_left_out += json_object_get(d->index, name) == NULL;
		json_object_set_new(d->index, name, json_null());
		return SIZE_MAX;
	}
	d->v = grown(d->v, d->n, &d->cap, sizeof *d->v);
	d->v[d->n] = (struct draft_model){ .m = { .name = name, .description = "" } };
	json_object_set_new(d->index, name, json_integer((json_int_t)d->n));
	return d->n++;
}

struct reg_version *
draft_version(struct draft_model *m, const char *version)
{
	m->versions = grown(m->versions, m->n_versions, &m->versions_cap, sizeof *m->versions);
	m->versions[m->n_versions] = (struct reg_version){
		.version = version,
		.stage = "",
		.status = "",
		.by = "",
		.description = "",
		.uri = "",
		.run = "",
	};
	return &m->versions[m->n_versions++];
}

void
draft_alias(struct draft_model *m, const char *alias, const char *version)
{
	if (m->n_aliases == REGISTRY_ALIASES_MAX) {
		m->n_aliases_dropped++;
		return;
	}
	m->aliases = grown(m->aliases, m->n_aliases, &m->aliases_cap, sizeof *m->aliases);
	m->aliases[m->n_aliases++] = (struct reg_alias){ .alias = alias, .version = version };
}

void
draft_note(struct draft *d, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < d->n_notes; i++)
		if (strcmp(d->notes[i], text) == 0)
			return;
	if (d->n_notes < REGISTRY_NOTES_MAX)
		d->notes[d->n_notes++] = arena_strdup(&d->mem, text);
}

/* --- values ----------------------------------------------------------------------------------- */

enum { EPOCH_MIN = 1000000000 };	/* seconds: of the year 2001; less is a count, a version, a date */

/* By the number of digits: seconds from 2001 until the year 5138, milliseconds from 1973 on, and so forth. */
static int64_t
epoch_time(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int64_t n = strtoll(text, NULL, 10);
	double seconds;

	if (text[digits] == '\0' && digits <= 11)
		return n < EPOCH_MIN ? 0 : n * NS_PER_S;
	if (text[digits] == '\0' && digits <= 14)
		return clock_within(n > INT64_MAX / NS_PER_MS ? INT64_MAX : n * NS_PER_MS);
	if (text[digits] == '\0' && digits <= 19)
		return clock_within(digits <= 16 ? n * NS_PER_US : n);
	if (digits <= 11 && jread_double(text, strlen(text), &seconds) == 0 && seconds >= EPOCH_MIN &&
	    seconds < 9e9)
		return (int64_t)(seconds * 1e6) * NS_PER_US;
	return 0;
}

/* Does text begin with this, where 0 stands for any digit? */
static bool
is_like(const char *text, const char *form)
{
	for (; *form != '\0'; text++, form++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return true;
}

/* "+0200" and "+02" as RFC 3339 writes them. dst holds the text; there is room for two more bytes and the end. */
static void
write_zone(char *dst, size_t len)
{
	if (len > 14 && strchr("+-", dst[len - 5]) != NULL && is_like(dst + len - 4, "0000")) {
		memmove(dst + len - 1, dst + len - 2, 3);
		dst[len - 2] = ':';
	} else if (len > 12 && strchr("+-", dst[len - 3]) != NULL && is_like(dst + len - 2, "00")) {
		memcpy(dst + len, ":00", 4);
	}
}

/* What people write for RFC 3339: "20260801", "2026-08-01 10:00", "2026-08-01T10:00:00+0200". dst of 80. */
static void
write_time(char *dst, const char *text)
{
	bool is_short = is_like(text, "0000-00-00") && strlen(text) >= 16 && is_like(text + 11, "00:00") &&
	    text[16] != ':';

	if (is_like(text, "00000000") && text[8] == '\0')
		snprintf(dst, 80, "%.4s-%.2s-%.2s", text, text + 4, text + 6);
	else if (is_short)
		snprintf(dst, 80, "%.16s:00%.40s", text, text + 16);
	else
		snprintf(dst, 80, "%.60s", text);
	write_zone(dst, strlen(dst));
}

int64_t
registry_time(const char *text)
{
	static const char *const rests[] = { "", "Z", "T00:00:00Z" };
	char usual[80], whole[100];
	int64_t ns;

	if (text == NULL || strlen(text) > 50)
		return 0;
	write_time(usual, text);
	for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
		snprintf(whole, sizeof whole, "%s%s", usual, rests[i]);
		if (clock_parse(whole, &ns, NULL) == 0)
			return ns == INT64_MIN ? 0 : clock_within(ns);
	}
	return *text >= '0' && *text <= '9' ? clock_within(epoch_time(text)) : 0;
}

bool
registry_double(const char *text, double *ret)
{
	static const struct {
		const char *text;
		double value;
	} words[] = { { "NaN", NAN }, { "nan", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY },
		{ "inf", INFINITY }, { "-inf", -INFINITY } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].text, text) == 0) {
			*ret = words[i].value;
			return true;
		}
	if (jread_double(text, strlen(text), ret) < 0)
		return false;
	if (fabs(*ret) >= DBL_MAX)
		*ret = *ret < 0 ? -INFINITY : INFINITY;
	return true;
}

static int
label_cmp(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* Short lists, and mostly in order: sorted by insertion, so that equal names keep their order. */
struct labels
registry_labels(struct label *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n && n <= 64; i++)
		for (size_t k = i; k > 0 && label_cmp(&v[k - 1], &v[k]) > 0; k--) {
			struct label swap = v[k];

			v[k] = v[k - 1];
			v[k - 1] = swap;
		}
	if (n > 64)
		qsort(v, n, sizeof *v, label_cmp);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && strcmp(v[kept - 1].name, v[i].name) == 0)
			kept--;
		v[kept++] = v[i];
	}
	return (struct labels){ .n = kept, .v = v };
}

/* --- requests to come ------------------------------------------------------------------------- */

void
jobs_add(struct jobs *j, const struct job *job)
{
	j->v = grown(j->v, j->n, &j->cap, sizeof *j->v);
	j->v[j->n++] = *job;
}

void
jobs_done(struct jobs *j)
{
	free(j->v);
	*j = (struct jobs){ 0 };
}

void
jobs_back(struct jobs *j, bool is_good)
{
	j->n_back++;
	j->n_good += is_good;
}

bool
jobs_all_failed(const struct jobs *j)
{
	return j->n_back == j->n && j->n_good == 0;
}

bool
registry_is_away(long status)
{
	return status == 0 || status == 401 || status == 408 || status == 429;
}

bool
registry_is_broken(long status)
{
	return status >= 500;
}

/* --- refusals --------------------------------------------------------------------------------- */

/* Where people put it: {"message"}, {"detail"}, {"error": "..."}, {"error": {"message"}}, {"errors":
 * [{"message"}]}. */
static const json_t *
find_detail(const json_t *json, unsigned depth)
{
	static const char *const names[] = { "message", "detail", "error", "error_message", "title", "errors",
		"problem" };
	const json_t *v, *found;

	if (json_is_string(json))
		return json;
	if (json_is_array(json) && depth > 0)
		return find_detail(json_array_get(json, 0), depth - 1);
	for (size_t i = 0; depth > 0 && i < sizeof names / sizeof *names; i++) {
		v = json_object_get(json, names[i]);
		found = v == NULL ? NULL : find_detail(v, depth - 1);
		if (found != NULL)
			return found;
	}
	return NULL;
}

const char *
registry_detail(char *dst, const char *body, size_t len)
{
	json_t *json = json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	const json_t *text = find_detail(json, 4);
	size_t blanks = 0;

	while (blanks < len && strchr(" \t\r\n", body[blanks]) != NULL && body[blanks] != '\0')
		blanks++;
	*dst = '\0';
	if (text != NULL)
		body_line(dst, json_string_value(text), json_string_length(text));
	else if (json == NULL && blanks < len && body[blanks] != '<')
		body_line(dst, body, len);
	json_decref(json);
	return dst;
}
