#include "config.h"

#include "runbook/call.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/xalloc.h"

struct call {
	LIST_ENTRY(call) next;
	call_cb *cb;
	void *arg;
};

/* Those under way: sources that are closed tell nobody, and their tickets stay findable. */
static LIST_HEAD(, call) calls = LIST_HEAD_INITIALIZER(calls);

static void
on_answer(const struct write_result *result, void *arg)
{
	struct call *c = arg;
	struct write_result told = *result;
	call_cb *cb = c->cb;
	void *cb_arg = c->arg;

	LIST_REMOVE(c, next);
	free(c);
	if (told.body == NULL)
		told.body = "";
	if (cb != NULL)
		cb(&told, cb_arg);
}

int
call_begin(const struct run_world *w, const char *source, const struct request *request, call_cb *cb, void *arg,
    struct call **ret, struct err *err)
{
	struct call *c = xcalloc(1, sizeof *c);
	int r;

	*c = (struct call){ .cb = cb, .arg = arg };
	LIST_INSERT_HEAD(&calls, c, next);
	r = w->write(w->arg, source, request, on_answer, c, err);
	if (r < 0) {
		LIST_REMOVE(c, next);
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void
call_forget(struct call *c)
{
	if (c != NULL)
		c->cb = NULL;
}

bool
call_is_not_sent(const struct write_result *result)
{
	return result->err.code != 0 && !result->is_maybe_sent;
}
