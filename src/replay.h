/*
 * A replay: the console's panels fed by a recording. No sources, no audit log that is written, no sockets: what is shown is read from files only, and nothing can be changed from here.
 *
 * The position takes the place of now. It moves by itself (speed, idle stretches skipped or cut to max_idle), by keys, or with the end of a recording that is still written (follow).
 */
#ifndef OPS_REPLAY_H
#define OPS_REPLAY_H

#include "app.h"
#include "record/recording.h"
#include "ui/op.h"

struct replay;

/* Finds what o names: an incident's id, the folder or file of a recording, a packed file; nothing: the newest incident that was recorded, else the newest recording. ERR_NOTFOUND names what there is. */
/* The word of o that names it; NULL: none does. */
const char *replay_what(const struct options *o);
int replay_find(const struct conf *conf, const struct options *o, struct recording **ret, struct err *err);
/* Takes rec. o: --at, --speed, --max-idle, --follow. */
int replay_new(struct app *a, const struct options *o, struct recording *rec, struct replay **ret, struct err *err);
void replay_free(struct replay *r);
/* The position moves with the clock from now on. */
void replay_start(struct replay *r);
/* Fills what of a view is the replay's: model, time, range, bar. */
void replay_view(struct replay *r, struct view *v);
/* OP_REPLAY_*, OP_TIME_*. */
int replay_op(struct replay *r, const struct op *op, struct err *err);
/* true: the position moved since the last call, so that a frame is due. */
bool replay_moved(struct replay *r);
/* To t, for exports: no clock. */
void replay_seek(struct replay *r, int64_t t_ns);
int64_t replay_position(const struct replay *r);
struct player *replay_player(struct replay *r);
const struct recording *replay_recording(const struct replay *r);
/* Where the operator looked at the position, when that is followed; NULL: it is not, or nobody looked. */
const struct operator_focus *replay_focus(struct replay *r);
/* What is looked at is chosen by hand from here on. false: it was already. */
bool replay_leave_operator(struct replay *r);
void replay_film(struct replay *r);		/* nobody has keys */
/* "02:31", RFC 3339, "+10m" (from the beginning), "-10m" (from the end), a seq of the audit log. */
int replay_time(struct replay *r, const char *text, int64_t *ret_ns, struct err *err);

/* --- an incident in the log ------------------------------------------------------------------------------------------------ */
struct incident_found {
	char *id, *title, *env;
	int64_t opened_ns, closed_ns;		/* closed 0: still open */
	uint64_t first_seq, last_seq;		/* of its records, and of those that tell of its recording */
};
/* id NULL: the newest. ERR_NOTFOUND names those that there are. */
int incident_find(const char *log, const char *id, struct incident_found *ret, struct err *err);
/*
 * The records of that time as well, from the last one before it on (so that who reads them alone can see that nothing is left out), and those that vouch for its chunks: what was done before an
 * incident was opened, and recorded, belongs to it.
 */
int incident_widen(const char *log, int64_t from_ns, int64_t to_ns, struct incident_found *in, struct err *err);
void incident_found_done(struct incident_found *in);

/* --replay --plain: what happened, a line each, and the records of the log beside it; words filter as --log's do. Exit status as audit_log_main(). */
int replay_print(const struct conf *conf, const struct options *o, struct recording *rec);
/* --recordings: those that there are. */
int recordings_print(const struct conf *conf, const struct options *o);

#endif
