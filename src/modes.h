/* What the command line asks for, and doing it. */
#ifndef OPS_MODES_H
#define OPS_MODES_H

#include "app.h"

enum mode {
	MODE_CONSOLE, MODE_STATUS, MODE_RUNBOOK, MODE_RUNBOOKS, MODE_DESCRIBE, MODE_INCIDENT_OPEN, MODE_INCIDENT_CLOSE, MODE_NOTE, MODE_VERIFY, MODE_LOG,
	MODE_EXPORT, MODE_CHECK, MODE_INIT, MODE_HELP, MODE_VERSION
};

struct args {
	enum mode mode;
	struct options options;
};

/* All but help and version. Exit status. */
int mode_run(struct args *a);

#endif
