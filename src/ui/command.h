/*
 * Commands: one row holds name, default key, flags, handler and help; keys, help screen, hint bar, completion and read-only mode all come from it.
 */
#ifndef OPS_UI_COMMAND_H
#define OPS_UI_COMMAND_H

#include "ui/op.h"
#include "ui/view.h"

struct panel;

enum {
	CMD_WRITES = 1u << 0,	/* changes the world: off when read-only or in the past */
	CMD_ARG = 1u << 1,	/* takes an argument on the command line */
	CMD_HINT = 1u << 2,	/* shown in the hint bar while the panel has the focus */
	CMD_HIDDEN = 1u << 3,	/* second key of a command: not in help */
	CMD_FIRST = 1u << 4,	/* a global command whose key and name go before those of panels */
};

struct command {
	const char *name;
	const char *key;	/* as key_parse() reads; NULL: only by name */
	unsigned flags;
	struct op *(*run)(struct panel *p, const struct view *v, const char *arg);	/* NULL result: nothing for app to do */
	const char *help;
};

#endif
