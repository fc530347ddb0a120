/* Inside of previous.c: evidence from the audit log. */
#ifndef OPS_RUNBOOK_PREVIOUS_H
#define OPS_RUNBOOK_PREVIOUS_H

#include "audit/reader.h"
#include "runbook/step.h"

struct audit_evidence {
	char *version, *host;	/* owned */
	uint64_t seq;		/* of the record that says so, on that host */
	int64_t at_ns;
};
struct audit_log { struct audit_run *runs; size_t n; struct err err; };	/* newest first; err: why it cannot be read */
struct audit_reading;
typedef void audit_log_cb(const struct audit_log *log, void *arg);
/* In the world's lane; without one at once, cb called from inside, and NULL. */
struct audit_reading *previous_audit_read(const struct run_world *w, audit_log_cb *cb, void *arg);
void previous_audit_cancel(struct audit_reading *a);	/* cb is not called any more */
/* The newest version that a run made serve and verified, but for those that are no candidates. ERR_NOTFOUND: none, or no log; else why it cannot be read. */
int previous_audit(const struct audit_log *log, const char *model, const struct reg_model *reg, const char *current, struct audit_evidence *ret, struct err *err);

bool version_is_bad(const struct reg_model *reg, const char *version);
/* May be gone back to: another than current, not marked bad, and there as far as is known. */
bool version_is_candidate(const struct reg_model *reg, const char *current, const char *version);

#endif
