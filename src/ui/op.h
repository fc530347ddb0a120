/*
 * What a command asks the app to do. Panels change nothing themselves: they return an op; app checks policy and mode, asks where it must, records,
 * and executes. Ops that write say so in one place (op_writes()).
 */
#ifndef OPS_UI_OP_H
#define OPS_UI_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

enum op_kind {
	OP_MESSAGE,		/* show text in the message line */
	OP_ERROR,		/* the same, as an error */
	OP_PANEL,		/* text: name of a panel to show; arg: what to show in it, or NULL */
	OP_TIME_STEP,		/* number: steps of the range (negative: back) */
	OP_TIME_JUMP,		/* number: time_ns */
	OP_TIME_LIVE,
	OP_TIME_SPAN,		/* number: ns */
	OP_QUERY,		/* text: PromQL to graph ad hoc; arg: source or NULL */
	OP_SLO_GRAPH,		/* text: id of the objective whose error ratio is to be graphed */
	OP_REFRESH,
	OP_QUIT,
	OP_SILENCE_FORM,	/* open the silence form with draft */
	OP_SILENCE,		/* make or edit: draft. Writes */
	OP_ACK,			/* the same, short, comment ACK. Writes */
	OP_EXPIRE,		/* text: id of the silence. Writes */
	OP_SLO_FORM,		/* open the form that takes a stretch out of the budget; text: id of the objective it begins with */
	OP_SLO_EXCLUDE,		/* text: id of the objective, "*" all; number to until_ns do not count; arg: the reason. Writes the log of corrections */
	OP_SLO_INCLUDE,		/* text: id of a correction, taken back; arg: the reason. Writes the same */
	OP_RUNBOOK_FORM,	/* open the form of a runbook's parameters; text: its name; arg: name of the alert it is for, or NULL */
	OP_RUN_PLAN,		/* text: runbook; arg: "name=value" lines (may be ""), those not given are found; confirm[0] (when set): --limit pattern; source: alert or NULL. Only reads */
	OP_RUN_FORM,		/* open the confirmation of a planned run; text: its id */
	OP_RUN_GO,		/* text: id of the planned run; arg: what was typed; source: hash of the plan that was shown. Writes */
	OP_RUN_STOP,		/* text: id. The first time nothing new begins, the second cancels. Always allowed */
	OP_RUN_SKIP,		/* text: id; arg: host. Writes */
	OP_RUN_RETRY,		/* text: id; arg: host, or NULL for all that failed. Writes */
	OP_RUN_UNDO,		/* text: id. Writes */
	OP_RUN_ANSWER,		/* text: id; arg: the answer. Writes */
	OP_RUN_DROP,		/* text: id of a plan that is not wanted any more */
	OP_PASSPHRASE_FORM,	/* open the line for the passphrase of a key file; text: its path */
	OP_PASSPHRASE,		/* text: path; arg: the passphrase (wiped by whoever frees the op), NULL: none is given */
	OP_NOTE_FORM,		/* open the line for a note */
	OP_NOTE,		/* text: the note. Writes the audit log */
	OP_INCIDENT_OPEN,	/* text: title; arg: id to join, or NULL. Writes the audit log */
	OP_INCIDENT_CLOSE,	/* arg: closing words or NULL. Writes the audit log */
	OP_AUDIT_WINDOW,	/* number: place of the first row wanted (-1: the end); text: filter words, "" none */
	OP_AUDIT_VERIFY,	/* verify the whole log now, in the background */
	OP_AUDIT_CHECKPOINT,	/* sign the head with the ssh key now. Writes a file */
	OP_RECORDING,		/* say how the flight recorder stands */
	OP_REPLAY_PAUSE,	/* toggle */
	OP_REPLAY_SPEED,	/* number: +1 faster, -1 slower (doubled, halved) */
	OP_REPLAY_MARK,		/* number: +1 next, -1 previous entry of the timeline; text: kind, or NULL any */
	OP_REPLAY_SEEK,		/* number: ns by which to move; text: a time, "+10m", a seq: as --at has it */
	OP_REPLAY_SKIP,		/* toggle skipping of idle time */
	OP_REPLAY_OPERATOR,	/* toggle following the operator's own focus and range */
	OP_LOG_FILTER,		/* text: query over the lines that are held */
	OP_LOG_SEARCH,		/* text: query, asked of the stores */
	OP_LOG_OLDER,		/* fetch what is before the oldest line */
	OP_LOG_ALERT,		/* show the lines of an alert; text: its id in hex */
	OP_LOG_PATTERNS,	/* number: 1 wanted, 0 no longer */
	OP_LOG_SAVE,		/* text: path; what the filter shows, as JSON lines. Writes a file */
	OP_CLOSE,		/* close this dialog */
	/* What the frame of the console does, from its own command table: */
	OP_FOCUS,		/* number: +1 next panel, -1 previous */
	OP_ZOOM,		/* the panel with the focus fills the screen, or no longer */
	OP_BACK,		/* one step out: filter, zoom, past */
	OP_HELP,
	OP_MESSAGES,		/* what was said in the message line lately */
	OP_COMMAND_LINE,
	OP_FILTER_LINE,
	OP_REDRAW,
	OP_SUSPEND,
};

/* Owned by whoever holds the op; strings are copies. */
struct op {
	enum op_kind kind;
	char *text, *arg;
	int64_t number;
	int64_t until_ns;		/* OP_SLO_EXCLUDE: end */
	char *source;			/* Alertmanager source it goes to, NULL: the one that holds the alert/silence, or the only one */
	struct silence_block *silence;	/* draft for OP_SILENCE*, OP_ACK: a one-silence set, id "" when new */
	bool is_confirmed;		/* the question was answered with yes */
	char **confirm;			/* lines to show before a writing op runs; NULL-terminated; NULL: no question (ack) */
};
struct silence_block {			/* a draft with its own memory */
	struct silence silence;
	struct arena arena;
};

struct op *op_new(enum op_kind kind);
struct op *op_text(enum op_kind kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void op_confirm_line(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void op_free(struct op *op);
bool op_writes(const struct op *op);
struct silence_block *silence_block_new(const struct silence *copy);	/* copy may be NULL */
void silence_block_free(struct silence_block *b);

#endif
