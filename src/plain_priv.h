/* Private to plain*.c: the console without curses, and what its files ask of each other. */
#ifndef OPS_PLAIN_PRIV_H
#define OPS_PLAIN_PRIV_H

#include "app.h"
#include "loop/spool.h"

enum { PLAIN_LINE_MAX = 8192, PLAIN_OUT_MAX = 64 << 20 };

struct plain {
	struct app *app;
	struct spool *out;
	uint64_t left_out;		/* bytes, as far as that was said */
	struct loop_fd *gone;		/* tells when nobody reads any more; NULL: nobody can tell */
	struct loop_timer *second, *deadline, *heartbeat, *end;
	int64_t looked_mono;		/* for error lines */
	bool is_second;			/* one has passed: time alone makes things stale */
	bool is_late, is_open, is_ending, was_writable;
	char *marker_note;		/* the last one told */
	struct plain_news *news;
	struct plain_watch *watch;
	struct plain_errors *errors;
	struct loop_fd *in;		/* commands; NULL: none are read */
	size_t n_typed;
	char typed[PLAIN_LINE_MAX];
	bool is_too_long;		/* the line that is typed; what is left of it is passed over */
};

/* plain.c */
void plain_write(struct plain *p, const struct buf *text);
void plain_say(struct plain *p, bool is_error, const char *text);
void plain_show_state(struct plain *p);
/* The loop stops once what was said is taken, or is not within a little. */
void plain_end(struct plain *p);

/* plain_commands.c */
void plain_commands_start(struct plain *p);
void plain_commands_turn(struct plain *p);	/* once a second */
void plain_commands_stop(struct plain *p);

#endif
