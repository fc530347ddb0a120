/*
 * Steps, conditions, `previous`, routes and the audit log as a script says them: for tests of the engine without network, hosts or disk.
 *
 * Each thing that is begun looks for the first rule that fits (kind of thing, part of its text, how often it was asked) and ends as the rule says, later, from the loop. What
 * was begun, recorded and answered stands in one journal, line by line, in order.
 */
#ifndef OPS_FAKE_STEPS_H
#define OPS_FAKE_STEPS_H

#include "runbook/step.h"

enum fake_what { FAKE_DO, FAKE_READ, FAKE_RESTORE, FAKE_SETTLE, FAKE_JUDGE };
struct fake_rule {
	enum fake_what what;
	const char *text;	/* part of "HOST: words", or of a condition's text; NULL: any */
	unsigned first, last;	/* of the times it is asked, from 1; 0: no bound */
	enum outcome outcome;
	const char *say;	/* its text; NULL: a usual one */
	const char *previous;
	bool is_not_begun, is_refused, is_never;	/* never: it does not end by itself, only when cancelled */
	int64_t delay_ns;
	const char *failed_host;	/* of a judgement */
};

void fake_reset(void);
void fake_loop(struct loop *l);
void fake_rule(struct fake_rule rule);
const char *fake_journal(void);
bool fake_journal_has(const char *part);
/* a stands before b, and both stand there. */
bool fake_journal_order(const char *a, const char *b);
size_t fake_journal_count(const char *part);
void fake_previous(const char *version, const char *from, const char *current);	/* NULL: none */
void fake_route(const char *host, const char *why);	/* cannot be reached */
int64_t fake_settle_since(void);		/* from when on what is settled last may have been made */
/* When the act was begun that lines may tell of: of the last wait whose text has this part (-1: none), of the condition judged last. */
int64_t fake_wait_begun(const char *part);
int64_t fake_judge_begun(void);
size_t fake_running_max(void);		/* acts that were under way at the same time */
/* The audit log: from the nth record on (1 the first) appends fail; 0: never. */
void fake_audit_fail_from(unsigned nth);
size_t fake_audit_n(void);
const json_t *fake_audit_body(size_t i, enum audit_type *ret_type);
/* Every act was begun behind a durable intent with its nonce: false when not. */
bool fake_audit_all_intended(void);

#endif
