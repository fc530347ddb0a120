/* Private to console*.c: the state of the interactive console and what its files ask of each other. */
#ifndef OPS_CONSOLE_PRIV_H
#define OPS_CONSOLE_PRIV_H

#include "app.h"
#include "operate.h"
#include "ui/keymap.h"
#include "ui/layout.h"
#include "ui/term.h"
#include "ui/theme.h"
#include "ui/widget.h"

enum { PLACES_MAX = 16, DIALOGS_MAX = 4, PANELS_MAX = 32, MESSAGES_MAX = 100, WIDE_FROM = 120, WIDER_FROM = 180, COMPLETIONS_MAX = 64,
	HELP_WIDTH = 90, TEXT_MAX = 1 << 20 };
#define DEAF_TIME (500 * NS_PER_MS)
#define MESSAGE_TIME (15 * NS_PER_S)

enum line_mode { LINE_NONE, LINE_COMMAND, LINE_FILTER };

struct console {
	struct app *app;
	struct operate *operate;
	struct term *term;
	struct theme theme;
	struct layout *layout;
	bool is_auto_layout;
	const char *auto_layout;		/* the shipped one for this width */
	struct keymap *keymap;
	struct grid *grid;
	struct panel *open[PANELS_MAX];		/* by index in panels[]; opened when first shown */
	struct place places[PLACES_MAX];
	int n_places;
	int focus;				/* index in panels[] */
	int came_from;				/* index + 1 of the panel whose command led to this one; 0: none */
	bool is_zoomed;
	struct panel *dialogs[DIALOGS_MAX];	/* the last one has the keys */
	int n_dialogs;
	enum line_mode line_mode;
	struct editor line;
	char *last_command;
	char *filters[PANELS_MAX];
	size_t completion;			/* which candidate Tab shows next */
	char *completing;			/* the prefix being completed, NULL: none */
	size_t completing_at;			/* where the cursor stood in it */
	char completion_note[160];		/* what else there is to put there; "" */
	char *message;
	bool is_error;
	int64_t message_until;			/* monotonic */
	char *messages[MESSAGES_MAX];		/* newest last */
	int n_messages;
	char *marker_note;			/* the last one told */
	uint64_t *pages;			/* ids of page alerts firing at the last look */
	size_t n_pages;
	bool is_looked;				/* alerts were known at the last look */
	bool is_dirty, is_pasting;
	int64_t deaf_until;			/* monotonic; see console_be_deaf() */
	bool is_leaving;			/* asked to quit while something runs */
	int end_status;				/* of the loop, once nothing runs any more; see console.c */
	bool is_ending;
	int64_t drawn_s;			/* second shown by the clock */
	struct loop_timer *second;
	struct command *commands;		/* of a replay: those of the replay, then the others that make sense there */
	char *told_panel;			/* where the operator looks, as it was recorded last */
	int64_t told_span_ns, told_cursor_ns;
	bool told_zoomed;
};

/* console.c */
struct view console_view(struct console *c, bool is_focused);
int console_n_panels(void);
int console_index_of(const char *panel);		/* -1: no such panel */
struct panel *console_panel(struct console *c, int index);
struct panel *console_focused(struct console *c);	/* the dialog on top, else the panel with the focus */
void console_say(struct console *c, bool is_error, const char *text);

/* console_draw.c */
void console_draw(struct console *c);
int console_bottom_rows(const struct console *c);	/* a replay has a bar of two */

/* console_ops.c. Takes op; NULL is fine. */
void console_carry_out(struct console *c, struct op *op);
void console_close_dialog(struct console *c);
void console_list_commands(struct console *c);
void console_filter(struct console *c, const char *text);	/* of the panel with the focus */

/* console_logs.c: what commands ask about lines of logs. */
bool console_is_about_logs(const struct op *op);
void console_logs(struct console *c, const struct op *op);
bool console_completes_logs(const struct console *c);	/* a query for lines is being typed */
void console_complete_logs(struct console *c);		/* Tab in it */
void console_show_panel(struct console *c, const struct op *op);	/* console_ops.c */

/* console_keys.c */
void console_key(int key, void *arg);
void console_be_deaf(struct console *c);	/* what follows a y that said yes is the rest of the word */

/* console_replay.c */
const struct command *console_replay_commands(struct console *c);
/* The operator's own focus, when the replay follows it. */
void console_replay_focus(struct console *c);
/* true: carried out, or refused; op stays the caller's. */
bool console_replay_op(struct console *c, const struct op *op);
/* For the recorder: where the operator looks, when that changed. */
void console_tell_focus(struct console *c);

/* console_commands.c */
extern const struct command console_commands[];

#endif
