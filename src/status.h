/* --status: the overview as text or JSON, with the exit codes of a Nagios plugin. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "app.h"

/* Asks every source once (or until the deadline), prints, and returns the exit status; with --watch again and again until a signal. */
int status_run(struct app *a);
/* What it prints, as text or one line of JSON. */
void status_write(const struct model *m, bool is_json, struct buf *out);

#endif
