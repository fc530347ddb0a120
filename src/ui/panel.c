#include "config.h"

#include "ui/panel.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct panel *
panel_new(const struct panel_ops *ops, const struct view *v, const struct op *op)
{
	struct panel *p = xcalloc(1, sizeof *p);

	p->ops = ops;
	p->state = xcalloc(1, ops->state_size > 0 ? ops->state_size : 1);
	if (ops->open != NULL && ops->open(p, v, op) < 0) {
		panel_free(p);
		return NULL;
	}
	return p;
}

void
panel_free(struct panel *p)
{
	if (p == NULL)
		return;
	if (p->ops->close != NULL)
		p->ops->close(p);
	free(p->state);
	free(p);
}
