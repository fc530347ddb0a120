/* --report: which logs and recordings, and the file that is replaced only by a whole new one. */
#include "config.h"

#include "report_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/reader.h"
#include "base/clock.h"
#include "base/save.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/pack.h"

enum { EXIT_WRITTEN = 0, EXIT_UNSOUND = 1, EXIT_USAGE = 2, EXIT_UNREAD = 3 };
#define REPORT_BYTES_MAX ((size_t)64 << 20)

struct sources {
	const char **chains;
	char **heads;			/* by chain; NULL none */
	size_t n_chains;
	struct recording **recordings;
	size_t n_recordings;
	char *own_dir, *own_head;
};

static void
sources_done(struct sources *s)
{
	for (size_t i = 0; i < s->n_recordings; i++)
		recording_free(s->recordings[i]);
	for (size_t i = 0; i < s->n_chains; i++)
		free(s->heads[i]);
	free(s->recordings);
	free(s->chains);
	free(s->heads);
	free(s->own_dir);
	free(s->own_head);
}

static void
add_chain(struct sources *s, const char *path, const char *head)
{
	s->chains = xreallocarray(s->chains, s->n_chains + 2, sizeof *s->chains);
	s->heads = xreallocarray(s->heads, s->n_chains + 2, sizeof *s->heads);
	s->chains[s->n_chains] = path;
	s->heads[s->n_chains++] = xstrdup_or_null(head);
	s->chains[s->n_chains] = NULL;
	s->heads[s->n_chains] = NULL;
}

static bool
is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static bool
has_recording(const struct sources *s, const char *path)
{
	for (size_t i = 0; i < s->n_recordings; i++) {
		struct recording_info info;

		recording_info(s->recordings[i], &info);
		if (is_same_file(info.path, path))
			return true;
	}
	return false;
}

static int
add_recording(struct sources *s, const char *path, struct err *err)
{
	struct recording *rec;
	int r;

	if (has_recording(s, path))
		return 0;
	r = recording_open(path, &rec, err);
	if (r < 0)
		return r;
	s->recordings = xreallocarray(s->recordings, s->n_recordings + 1, sizeof *s->recordings);
	s->recordings[s->n_recordings++] = rec;
	return 0;
}

/* --- what the words name --------------------------------------------------------------------------------------------- */

static bool
is_log(const char *path)
{
	struct audit_reader *reader;

	if (audit_reader_open(path, &reader, NULL) < 0)
		return false;
	audit_reader_free(reader);
	return true;
}

/* The head that stands beside a folder, as fallbacks and copies have it. */
static char *
head_beside(const char *path)
{
	size_t len = strlen(path);
	char *head;

	while (len > 1 && path[len - 1] == '/')
		len--;
	head = xasprintf("%.*s-head", (int)len, path);
	if (access(head, R_OK) == 0)
		return head;
	free(head);
	return NULL;
}

static bool
has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && strcmp(text + n - m, suffix) == 0;
}

static int
add_word(struct sources *s, const char *path, struct err *err)
{
	struct err why = ERR_INIT;
	char shown[256], *head;

	str_escape_to(shown, sizeof shown, path);
	if (access(path, R_OK) < 0)
		return err_set_errno(err, ERR_IO, errno, "%s", shown);
	if (pack_is(path)) {
		add_chain(s, path, NULL);
		/* Its chains may be all there is. */
		(void)add_recording(s, path, &why);
		return 0;
	}
	if (!has_suffix(path, ".rec") && is_log(path)) {
		head = head_beside(path);
		add_chain(s, path, head);
		free(head);
		return 0;
	}
	if (add_recording(s, path, &why) == 0)
		return 0;
	return err_set(err, ERR_IO, "%s: neither an audit log, nor a packed file, nor a recording: %s", shown, why.msg);
}

static void
add_own(struct sources *s, const struct report_call *call)
{
	s->own_dir = audit_dir(call->audit_dir);
	s->own_head = audit_head_path(call->audit_head);
	for (size_t i = 0; i < call->n_files; i++)
		if (is_same_file(s->own_dir, call->files[i]))
			return;		/* given by name; its head is found like any other's */
	if (is_log(s->own_dir))
		add_chain(s, s->own_dir, access(s->own_head, R_OK) == 0 ? s->own_head : NULL);
}

/* All recordings there are: gathering takes those of the incident's time. One that cannot be opened is told of, and the rest is used. */
static void
add_found(struct sources *s, const struct report_call *call)
{
	struct recording_found *v = NULL;
	struct err err = ERR_INIT;
	size_t n = 0;

	if (recordings_find(call->recordings_dir, call->env, &v, &n, &err) < 0) {
		if (err.code != ERR_NOTFOUND)
			fprintf(stderr, "opsconsole: recordings: %s\n", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (add_recording(s, v[i].path, &err) < 0)
			fprintf(stderr, "opsconsole: recording left out: %s\n", err.msg);
	recordings_free(v, n);
}

/* --- the file ------------------------------------------------------------------------------------------------------------ */

static int
format_of(const struct report_call *call, enum report_format *ret, struct err *err)
{
	static const char *const names[] = { "md", "json", "html" };
	const char *word = call->format, *dot = call->output != NULL ? strrchr(call->output, '.') : NULL;
	char shown[64];

	if (word == NULL && dot != NULL)
		word = strcmp(dot, ".json") == 0 ? "json" : strcmp(dot, ".html") == 0 || strcmp(dot, ".htm") == 0 ? "html" : "md";
	if (word == NULL)
		word = "md";
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(word, names[i]) == 0) {
			*ret = (enum report_format)i;
			return 0;
		}
	return err_set(err, ERR_USAGE, "--format %s: expected md, json or html", str_escape_to(shown, sizeof shown, word));
}

/* *ret NULL: there is none yet. */
static int
read_old(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	char shown[256], part[65536];
	struct buf b;
	FILE *f = fopen(path, "re");
	size_t n;

	*ret = NULL;
	str_escape_to(shown, sizeof shown, path);
	if (f == NULL)
		return errno == ENOENT ? 0 : err_set_errno(err, ERR_IO, errno, "%s", shown);
	buf_init(&b, REPORT_BYTES_MAX);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&b, part, n);
	if (ferror(f) || b.is_over) {
		err_set(err, ERR_IO, b.is_over ? "%s: longer than 64 MiB, which no review is" : "%s: cannot be read", shown);
		fclose(f);
		buf_done(&b);
		return ERR_IO;
	}
	fclose(f);
	*ret = b.len > 0 ? buf_take(&b, ret_len) : NULL;	/* an empty file has nothing to lose */
	buf_done(&b);
	return 0;
}

static int
write_report(const struct report *report, enum report_format format, const char *path, struct err *err)
{
	bool is_file = path != NULL && strcmp(path, "-") != 0;
	char *old = NULL;
	size_t old_len = 0;
	struct buf b;
	int r;

	buf_init(&b, REPORT_BYTES_MAX);
	r = is_file ? read_old(path, &old, &old_len, err) : 0;
	if (r == 0 && (r = report_write(report, format, old, old_len, &b, err)) < 0 && is_file)
		err_prefix(err, "%s was left as it is", path);
	if (r == 0 && is_file)
		r = save_bytes(path, b.data, b.len, SAVE_KEEP_MODE, err);
	else if (r == 0 && (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0))
		r = err_set_errno(err, ERR_IO, errno, "cannot write to the standard output");
	free(old);
	buf_done(&b);
	return r;
}

/* --- all of it -------------------------------------------------------------------------------------------------------------- */

static int
make(const struct report_call *call, struct sources *s, bool *ret_is_sound, struct err *err)
{
	struct report_options o = { .incident = call->incident, .has_names = call->has_names, .environment = call->environment, .now_ns = clock_now() };
	struct report *report = NULL;
	enum report_format format = REPORT_MD;
	int r = format_of(call, &format, err);

	if (r == 0)
		add_own(s, call);
	for (size_t i = 0; i < call->n_files && r == 0; i++)
		r = add_word(s, call->files[i], err);
	if (r < 0)
		return r;
	if (s->n_chains == 0)
		return err_set(err, ERR_IO, "there is no audit log to make a review of: neither in %.300s, nor was one given", s->own_dir);
	add_found(s, call);
	o.chains = s->chains;
	o.heads = (const char *const *)s->heads;
	o.recordings = s->recordings;
	o.n_recordings = s->n_recordings;
	r = report_gather(&o, &report, err);
	if (r < 0 && r != ERR_NOTFOUND)
		r = ERR_IO;		/* whatever is wrong with it: a log could not be read */
	if (r == 0)
		r = write_report(report, format, call->output, err);
	if (r == 0)
		*ret_is_sound = report_is_sound(report);
	report_free(report);
	return r;
}

int
report_main(const struct report_call *call)
{
	struct sources s = { .n_chains = 0 };
	struct err err = ERR_INIT;
	bool is_sound = false;
	int r = make(call, &s, &is_sound, &err);

	sources_done(&s);
	if (r < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		return r == ERR_USAGE || r == ERR_NOTFOUND || r == ERR_SYNTAX || r == ERR_INVALID ? EXIT_USAGE : EXIT_UNREAD;
	}
	if (!is_sound)
		fprintf(stderr, "opsconsole: not all evidence verifies: the review says what, under Integrity\n");
	return is_sound ? EXIT_WRITTEN : EXIT_UNSOUND;
}
