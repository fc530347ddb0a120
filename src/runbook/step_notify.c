/* notify and confirm: words for people. The engine shows and records them; a confirm is asked by it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

static const struct conf_contact *
find_contact(const struct conf_environment *env, const char *role)
{
	for (size_t i = 0; env != NULL && i < env->n_contacts; i++)
		if (str_eq(env->contacts[i].role, role))
			return &env->contacts[i];
	return NULL;
}

static int
words_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	const struct conf_contact *c = b->act->contact == NULL ? NULL : find_contact(w->env, b->act->contact);
	bool has_channel = c != NULL && c->channel != NULL && *c->channel != '\0';

	if (c != NULL)
		b->contact = xasprintf("%s%s%s%s", c->name != NULL ? c->name : c->role, has_channel ? " (" : "", has_channel ? c->channel : "",
		    has_channel ? ")" : "");
	return bind_text(b->act->text, bs, &b->text, "the text", err);
}

static void
words_text(const struct bound *b, struct buf *to)
{
	buf_addstr(to, b->act->kind == STEP_CONFIRM ? "ask" : "notify");
	if (b->act->contact != NULL) {
		buf_addch(to, ' ');
		str_escape(to, b->act->contact, strlen(b->act->contact));
	}
	if (b->contact != NULL) {
		buf_addstr(to, ", ");
		str_escape(to, b->contact, strlen(b->contact));
	}
	buf_addstr(to, ": ");
	if (b->text.shown != NULL)
		str_escape(to, b->text.shown, strlen(b->text.shown));
}

static int
notify_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	if (b->act->contact != NULL && find_contact(w->env, b->act->contact) == NULL)
		return err_set(err, ERR_NOTFOUND, "this environment has no contact with the role '%s'", b->act->contact);
	return 0;
}

static int
notify_begin(struct running *r, struct err *err)
{
	const struct bound *b = r->b;

	if (r->mode != ACT_DO)
		return err_set(err, ERR_UNSUPPORTED, "a notice has nothing to read, to put back or to settle");
	running_ok(r, NULL, "%s%s%s", b->contact != NULL ? b->contact : "", b->contact != NULL ? ": " : "", b->text.shown != NULL ? b->text.shown : "");
	return 0;
}

const struct step_ops step_notify_ops = {
	.kind = STEP_NOTIFY,
	.bind = words_bind,
	.text = words_text,
	.check = notify_check,
	.begin = notify_begin,
};

const struct step_ops step_confirm_ops = {
	.kind = STEP_CONFIRM,
	.bind = words_bind,
	.text = words_text,
};
