/* Writes: one request outside the schedule, sent once. */
#include "config.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/sources_priv.h"

struct write {
	LIST_ENTRY(write) next;
	struct sources *all;
	struct fetch *fetch;
	sources_write_cb *cb;
	void *arg;
};

static void
on_written(const struct fetch_result *result, void *arg)
{
	struct write *w = arg;
	struct write_result told = {
		.answer = { .status = result->status, .content_type = result->content_type },
		.body = result->body,
		.len = result->len,
		.err = result->err,
		.is_maybe_sent = result->is_maybe_sent,
	};

	LIST_REMOVE(w, next);
	w->cb(&told, w->arg);
	free(w);
}

int
sources_write(struct sources *s, const char *source, const struct request *r, sources_write_cb *cb, void *arg,
    struct err *err)
{
	struct source *to = source_find(s, source);
	struct fetch_spec spec = { .request = r };
	struct write *w;
	char shown[64];

	if (to == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no source '%s' in this environment: nothing was sent",
		    str_escape_to(shown, sizeof shown, source));
	spec.ctx.source = to->conf->name;
	spec.ctx.query = "";
	w = xcalloc(1, sizeof *w);
	*w = (struct write){ .all = s, .cb = cb, .arg = arg };
	LIST_INSERT_HEAD(&s->writes, w, next);
	w->fetch = s->transport->ops->fetch(s->transport, to->endpoints[to->current], &spec, on_written, w);
	return 0;
}

/* Nobody is told: those who asked are going too. */
void
writes_cancel(struct sources *s)
{
	struct write *w;

	while ((w = LIST_FIRST(&s->writes)) != NULL) {
		s->transport->ops->cancel(s->transport, w->fetch);
		LIST_REMOVE(w, next);
		free(w);
	}
}
