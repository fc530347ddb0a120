/* Inside of previous.c: evidence from the audit log. */
#ifndef OPS_RUNBOOK_PREVIOUS_H
#define OPS_RUNBOOK_PREVIOUS_H

#include "runbook/step.h"

struct audit_evidence {
	char *version, *host;	/* owned */
	uint64_t seq;		/* of the record that says so, on that host */
	int64_t at_ns;
};
/* The newest version that a run made serve and verified, but for those that are no candidates. ERR_NOTFOUND: none, or no log; else why it cannot be read. */
int previous_audit(const struct run_world *w, const char *model, const struct reg_model *reg, const char *current, struct audit_evidence *ret, struct err *err);

bool version_is_bad(const struct reg_model *reg, const char *version);
/* May be gone back to: another than current, not marked bad, and there as far as is known. */
bool version_is_candidate(const struct reg_model *reg, const char *current, const char *version);

#endif
