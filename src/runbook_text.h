/* What `--runbook` prints: text for people, JSON lines for programs. Everything from outside is escaped and masked already, or is here. */
#ifndef OPS_RUNBOOK_TEXT_H
#define OPS_RUNBOOK_TEXT_H

#include <stdio.h>

#include "base/buf.h"
#include "model/model.h"
#include "runbook/run.h"

void runbook_text_notice(FILE *to, const struct run_info *info, const struct run_notice *n);
/* The plan: facts, hosts and batches, the exact commands. */
void runbook_text_plan(FILE *to, const struct run_info *info);
/* What became of it: every host, every step that is not simply done, and the sentence. */
void runbook_text_summary(FILE *to, const struct run_info *info);

/* One object a line, flushed. */
void runbook_json_notice(FILE *to, const struct run_info *info, const struct run_notice *n);
void runbook_json_summary(FILE *to, const struct run_info *info);
void runbook_json_error(FILE *to, const char *text, int status);

/* Live choices of a parameter, "a, b, c"; b stays empty when there are none to name. */
void runbook_choices(const struct runbook_param *p, const struct run_set *sets, size_t n_sets, const struct model *m, struct buf *b);

#endif
