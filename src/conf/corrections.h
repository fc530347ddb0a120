/*
 * The log of corrections: stretches of time that do not count against an error budget, who said so, when and why.
 *
 * One JSON object a line, only ever appended to (O_APPEND, one write a line under flock(), fdatasync()); taking a correction back appends too. It stands in
 * $XDG_STATE_HOME/opsconsole/ENVIRONMENT/slo-corrections.jsonl (~/.local/state without it), or where the config says. Format: doc/opsconsole.yaml.5.
 */
#ifndef OPS_CONF_CORRECTIONS_H
#define OPS_CONF_CORRECTIONS_H

#include "conf/conf.h"
#include "model/slo.h"

struct correction {			/* one that counts: not taken back */
	char *id;			/* "c-20300101T021400Z-1" unique in the file */
	char *slo;			/* name of the objective, or "*" */
	int64_t start_ns, end_ns, at_ns;
	char *by, *reason;
};
struct corrections {
	char *path;
	size_t n;
	struct correction *v;		/* by start */
	struct conf_problems problems;	/* lines that cannot be read: "file:line: sentence"; they are passed over */
};

/* A file that is not there is an empty log. 0, ERR_IO, ERR_LIMIT, or ERR_DENIED for its ownership or mode. */
int corrections_read(const struct conf_environment *env, struct corrections *ret, struct err *err);
void corrections_done(struct corrections *c);
/* Append. The folders are made when they are not there (mode 0700). ERR_INVALID: end not after start, no reason, a line over 4 KiB. ret_id may be NULL. */
int corrections_add(const struct conf_environment *env, const char *slo, int64_t start_ns, int64_t end_ns, const char *by, const char *reason,
    char **ret_id, struct err *err);
/* ERR_NOTFOUND: no such correction that counts. */
int corrections_revoke(const struct conf_environment *env, const char *id, const char *by, const char *reason, struct err *err);

#endif
