/*
 * --report INCIDENT [FILE..]: the review, to a file or the standard output.
 *
 * FILE: a folder or file of another operator's audit log, a packed file, or a folder of a recording. The user's own log is read first, if there is one; recordings of the incident's time
 * are found in the usual place beside those that are given.
 */
#ifndef OPS_REPORT_MAIN_H
#define OPS_REPORT_MAIN_H

#include "report/report.h"

struct report_call {
	const char *incident;
	const char *format;			/* "md", "json", "html"; NULL: by the end of output's name, else md */
	const char *output;			/* NULL or "-": standard output. A file that is there must be a review: what a person wrote in it is kept */
	const char *const *files;
	size_t n_files;
	bool has_names;
	const char *audit_dir, *audit_head;	/* of the own log; NULL: the usual ones */
	const char *recordings_dir;		/* NULL: the usual one */
	const char *env;			/* recordings of this environment; NULL: any */
	const struct environment *environment;	/* for roles; NULL: none */
};
/* Exit status: 0 written; 1 written, but something did not verify (named in it and on stderr); 2 usage, unknown incident, or a file whose text would be lost; 3 cannot be read or
 * written. */
int report_main(const struct report_call *call);

#endif
