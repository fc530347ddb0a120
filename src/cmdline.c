#include "config.h"

#include "cmdline.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ui/time_text.h"

enum { WORD_MAX = 64 };

int
cmdline_time(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err)
{
	return time_text_parse(text, now_ns, ret_ns, err);
}

/* The first panel that has a command of that name; NULL: none. */
static const char *
owner_of(const struct keymap *km, const char *word)
{
	for (size_t i = 0; i < keymap_n(km); i++) {
		const struct keymap_row *row = keymap_row(km, i);

		if (row->panel != NULL && str_eq(row->command->name, word))
			return row->panel->name;
	}
	return NULL;
}

static struct op *
unknown_command(const struct keymap *km, const struct panel_ops *panel, const char *word)
{
	const char *near = keymap_nearest(km, panel, word), *owner = owner_of(km, word);
	char shown[WORD_MAX * 2];

	str_escape_to(shown, sizeof shown, word);
	if (owner != NULL)
		return op_text(OP_ERROR, "%s belongs to the %s panel: go there first", shown, owner);
	if (near != NULL)
		return op_text(OP_ERROR, "no command '%s'; did you mean '%s'?", shown, near);
	return op_text(OP_ERROR, "no command '%s'; Tab lists them, ? explains them", shown);
}

/* Why a command cannot run now, or NULL. */
static struct op *
refuse(const struct command *cmd, const struct view *v, const char *arg)
{
	if ((cmd->flags & CMD_ARG) == 0 && *arg != '\0')
		return op_text(OP_ERROR, "%s takes nothing behind it", cmd->name);
	if ((cmd->flags & CMD_WRITES) == 0)
		return NULL;
	if (v->is_read_only)
		return op_text(OP_ERROR, "%s changes the world: off, this console is read-only", cmd->name);
	if (!v->range.is_live)
		return op_text(OP_ERROR, "%s changes the world: off while the past is shown (= goes live)", cmd->name);
	return NULL;
}

struct op *
cmdline_run(const struct keymap *km, struct panel *focus, const struct view *v, const char *text)
{
	const struct keymap_row *row;
	const char *arg;
	char word[WORD_MAX];
	struct op *op;
	size_t len;

	text += strspn(text, " ");
	len = strcspn(text, " ");
	if (len == 0)
		return NULL;
	snprintf(word, sizeof word, "%.*s", (int)len, text);
	arg = text + len + strspn(text + len, " ");
	row = keymap_find(km, focus->ops, word);
	if (row == NULL)
		return unknown_command(km, focus->ops, word);
	if (row->panel != NULL && row->panel != focus->ops)
		return op_text(OP_ERROR, "%s belongs to the %s panel: go there first", word, row->panel->name);
	op = refuse(row->command, v, arg);
	if (op != NULL)
		return op;
	return row->command->run(focus, v, *arg != '\0' ? arg : NULL);
}
