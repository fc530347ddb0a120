/*
 * The audit trail at work: the log of one environment opened when it is first needed, incidents and notes, and the records around what the operator does outside runs.
 *
 * Whatever changes something waits for trail_act()'s callback: only then is its intent on disk.
 */
#ifndef OPS_TRAIL_H
#define OPS_TRAIL_H

#include "app.h"
#include "audit/audit.h"

struct trail;

/* mode: "console", "runbook", "note". Nothing is made on disk before the first record. Never fails: why the log cannot be written is told to whoever wants to write. */
struct trail *trail_new(struct app *a, const char *mode);
/* Waits a little for what was told to become durable. */
void trail_free(struct trail *t);
/* The log; nothing of it is made or written before its first record. NULL: err says why there is none. */
struct audit *trail_audit(struct trail *t, struct err *err);
/* Tells the model of the incident that the log says is open; from then on, of what other programs of this user write to it. Says so when it cannot be written. */
void trail_start(struct trail *t);
/* false: the log could not be written when last tried. */
bool trail_is_writable(const struct trail *t);
/* Whom the next records belong to; NULL: none is open. Borrowed until the next call of trail_*(). */
const char *trail_incident(const struct trail *t);
/* Reads at once which incident is open: for programs that do one thing and end. 0 also when there is none, or no log yet. */
int trail_find_incident(struct trail *t, struct err *err);
/* As --incident gives it, for the records of this program alone. ERR_USAGE: not a valid id. */
int trail_join(struct trail *t, const char *id, struct err *err);

/* err NULL: durable. Else nothing may be done. seq is for trail_act_result(). */
typedef void trail_ready_cb(uint64_t seq, const struct err *err, void *arg);
void trail_act(struct trail *t, const char *verb, const char *object, const char *source, const char *text, trail_ready_cb *cb, void *arg);
/* arg's callback does not come any more. */
void trail_forget(struct trail *t, const void *arg);
/* outcome: "done", "failed", "unknown". */
void trail_act_result(struct trail *t, uint64_t seq, const char *outcome, const char *text);

/* Each: cb (may be NULL) once it is durable, or why not; the model is told when it is. Words are text for people. ERR_USAGE with nothing written: empty, too long, one is open (its id is named), none is open. */
int trail_note(struct trail *t, const char *text, trail_ready_cb *cb, void *arg, struct err *err);
/* id NULL: made from date, time and host. */
int trail_incident_open(struct trail *t, const char *title, const char *id, trail_ready_cb *cb, void *arg, struct err *err);
/* id NULL: the one that is open. text NULL: none. */
int trail_incident_close(struct trail *t, const char *id, const char *text, trail_ready_cb *cb, void *arg, struct err *err);

/* A record that nothing waits for; takes body. incident NULL: the one that is open. Nothing is written, and nothing said, while the log cannot be: that has been said. */
void trail_tell(struct trail *t, enum audit_type type, const char *incident, json_t *body);

/* --note, --incident-open, --incident-close: one record, then the exit status: 0 durable, 2 usage, 8 the log cannot be written. Prints the incident's id on stdout. */
int trail_main(struct app *a, const struct options *o);

#endif
