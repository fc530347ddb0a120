/* Where the operator looked, and the audit log as panels show it: the newest word of each. */
#include "config.h"

#include "model/model_priv.h"

void
after_apply(struct model *m, const struct event *ev)
{
	if (ev->kind == EVENT_FOCUS) {
		block_replace(&m->focus, ev->block);
		m->focus_told = (struct told){ ev->time_ns, ev->source };
		return;
	}
	block_replace(&m->audit_view, ev->block);
	m->audit_told = (struct told){ ev->time_ns, ev->source };
	model_touch(m, MODEL_AUDIT);
}

void
after_clone(struct model *to, const struct model *from)
{
	to->focus = block_ref(from->focus);
	to->focus_told = from->focus_told;
	to->audit_view = block_ref(from->audit_view);
	to->audit_told = from->audit_told;
}

void
after_lend(struct model *to, const struct model *from)
{
	if (to->audit_view == from->audit_view)
		return;
	block_replace(&to->audit_view, from->audit_view);
	to->audit_told = from->audit_told;
	model_touch(to, MODEL_AUDIT);
}

void
after_done(struct model *m)
{
	block_unref(m->focus);
	block_unref(m->audit_view);
	m->focus = NULL;
	m->audit_view = NULL;
}

const struct operator_focus *
model_focus(const struct model *m)
{
	return m->focus;
}

const struct audit_view *
model_audit_view(const struct model *m)
{
	return m->audit_view;
}
