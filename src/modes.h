/* What the command line asks for, and doing it. */
#ifndef OPS_MODES_H
#define OPS_MODES_H

#include "app.h"

enum mode {
	MODE_CONSOLE, MODE_STATUS, MODE_RUNBOOK, MODE_RUNBOOKS, MODE_DESCRIBE, MODE_INCIDENT_OPEN, MODE_INCIDENT_CLOSE, MODE_NOTE, MODE_VERIFY, MODE_LOG,
	MODE_REPLAY, MODE_RECORDINGS, MODE_REPORT, MODE_EXPORT, MODE_CHECK, MODE_INIT, MODE_HELP, MODE_VERSION
};

struct args {
	enum mode mode;
	uint64_t given;		/* options, by the number of their row */
	struct options options;
};

/* After the incident (modes_after.c): --replay, --recordings, --report, and --export of what was recorded. Exit status. */
int mode_replay(struct args *a);
int mode_recordings(const struct options *o);
int mode_report(const struct options *o);
int mode_export_recording(struct args *a);
/* Adds to why there is no screen what goes on without one. */
void mode_name_plain(struct err *err);
/* All but help and version. Exit status. */
int mode_run(struct args *a);

#endif
