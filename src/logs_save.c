/* What the filter shows, as JSON lines: one object a line, oldest first. Written by a worker, for a million lines take seconds. */
#include "config.h"

#include "logs_priv.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/save.h"
#include "base/str.h"
#include "base/xalloc.h"

struct save_task {
	struct logs *logs;
	const struct log_view *view;
	char *path;
	logs_saved_cb *cb;
	void *arg;
	size_t n;			/* written */
	struct err err;
};

/* --- a line as JSON ----------------------------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8 become U+FFFD: a JSON text has no others. */
static json_t *
text_json(const char *text, size_t len)
{
	json_t *json = json_stringn(text, len);
	struct buf b;

	if (json != NULL)
		return json;
	buf_init(&b, len * 3 + 1);
	while (len > 0) {
		uint32_t cp;
		size_t took = utf8_decode(text, len, &cp);

		if (took == 0)
			buf_addstr(&b, "\xef\xbf\xbd");
		else
			buf_add(&b, text, took);
		took = took == 0 ? 1 : took;
		text += took;
		len -= took;
	}
	json = json_stringn(b.data, b.len);
	buf_done(&b);
	return json != NULL ? json : json_string("");
}

static json_t *
labels_json(const struct labels *labels)
{
	json_t *json = json_object();

	for (size_t i = 0; labels != NULL && i < labels->n; i++)
		json_object_set_new(json, labels->v[i].name, text_json(labels->v[i].value, strlen(labels->v[i].value)));
	return json;
}

static json_t *
line_json(const struct log_ref *line)
{
	char at[CLOCK_TEXT_MAX];
	json_t *json = json_object(), *fields;

	json_object_set_new(json, "time", json_string(clock_format(at, line->time_ns, 9)));
	json_object_set_new(json, "source", text_json(line->source, strlen(line->source)));
	json_object_set_new(json, "service", text_json(line->service, strlen(line->service)));
	json_object_set_new(json, "level", json_string(log_level_name(line->level)));
	json_object_set_new(json, "text", text_json(line->text, line->len));
	json_object_set_new(json, "labels", labels_json(line->labels));
	fields = line->fields != NULL ? json_loads(line->fields, JSON_DECODE_ANY, NULL) : NULL;
	if (fields != NULL)
		json_object_set_new(json, "fields", fields);
	if (line->id != NULL)
		json_object_set_new(json, "id", text_json(line->id, strlen(line->id)));
	return json;
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

static int
write_lines(struct save_task *t, FILE *f)
{
	for (size_t i = 0; i < t->view->n; i++) {
		struct log_ref line;
		json_t *json;
		int r;

		log_view_line(t->view, i, &line);
		json = line_json(&line);
		r = json_dumpf(json, f, JSON_COMPACT | JSON_PRESERVE_ORDER);
		json_decref(json);
		if (r < 0 || putc('\n', f) == EOF)
			return -1;
		t->n++;
	}
	return 0;
}

static void
save_work(void *arg)
{
	struct save_task *t = arg;
	struct save s;
	char shown[256];

	if (save_begin(&s, t->path, SAVE_NEW, &t->err) < 0)
		return;
	if (write_lines(t, s.f) == 0) {
		save_end(&s, &t->err);
		return;
	}
	err_set_errno(&t->err, ERR_IO, errno, "%s could not be written", str_escape_to(shown, sizeof shown, t->path));
	save_drop(&s);
}

static void
save_done(void *arg)
{
	struct save_task *t = arg;

	t->logs->n_saving--;
	if (t->logs->is_started)
		t->cb(t->path, t->n, &t->err, t->arg);
	block_unref(t->view);
	free(t->path);
	free(t);
}

static char *
usual_path(void)
{
	char at[CLOCK_TEXT_MAX], digits[CLOCK_TEXT_MAX], *to = digits, folder[4096];

	clock_format(at, clock_now(), 0);
	for (const char *p = at; *p != '\0'; p++)
		if (*p != '-' && *p != ':')
			*to++ = *p;
	*to = '\0';
	/* With its folder: who reads the message may not know where the console was started. */
	if (getcwd(folder, sizeof folder) == NULL)
		return xasprintf("opsconsole-logs-%s.jsonl", digits);
	return xasprintf("%s/opsconsole-logs-%s.jsonl", folder, digits);
}

int
logs_save(struct logs *l, const char *path, logs_saved_cb *cb, void *arg, struct err *err)
{
	const struct log_view *view = l != NULL ? model_log_view(l->app->model) : NULL;
	struct save_task *t;
	char shown[256];

	if (view == NULL || view->n == 0)
		return err_set(err, ERR_NOTFOUND, "there are no lines to save");
	if (view->is_partial)
		return err_set(err, ERR_INVALID, "the filter is still being worked out: save again in a moment");
	if (l->n_saving > 0)
		return err_set(err, ERR_INVALID, "another file is being written");
	if (path != NULL && access(path, F_OK) == 0)
		return err_set(err, ERR_INVALID, "%s is there already: give another name", str_escape_to(shown, sizeof shown, path));
	t = xcalloc(1, sizeof *t);
	*t = (struct save_task){ .logs = l, .view = block_ref(view), .path = path != NULL ? xstrdup(path) : usual_path(), .cb = cb, .arg = arg };
	l->n_saving++;
	pool_run(l->saving, save_work, save_done, t);
	return 0;
}
