/* --status: the overview as text or JSON, with the exit codes of a Nagios plugin. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "app.h"

/* Asks every source once (or until the deadline), prints, and returns the exit status; with --watch again and again until a signal. */
int status_run(struct app *a);

#endif
