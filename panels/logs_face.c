/* The text of a row: of JSON and logfmt what is said first, unless the lines are wanted as they came. */
#include "config.h"

#include "insight/log_short.h"
#include "logs.h"

enum { FACE_MAX = 1 << 20 };

void
logs_face_init(struct logs_face *f, const struct logs_panel *s, const struct log_ref *line)
{
	*f = (struct logs_face){ .line = *line, .fields_at = line->len };
	buf_init(&f->b, FACE_MAX);
	if (s->is_raw || !log_short(line, &f->b, &f->fields_at)) {
		f->fields_at = line->len;
		return;
	}
	f->line.text = f->b.data;
	f->line.len = f->b.len;
	/* Nothing but fields: none of them stands back. */
	if (f->fields_at == 0)
		f->fields_at = f->line.len;
}

void
logs_face_done(struct logs_face *f)
{
	buf_done(&f->b);
}
