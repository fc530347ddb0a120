/* What a runbook's parameter may be, from live data: models of the registry, versions of one of them, hosts of a group, the words of an enum. */
#ifndef OPS_PANELS_RUNBOOK_CHOICES_H
#define OPS_PANELS_RUNBOOK_CHOICES_H

#include "parts.h"

enum { CHOICES_MAX = 500 };

struct choice {
	char *value, *beside;		/* beside: what to know about it, "" nothing */
};
struct choices {
	size_t n, n_left_out;
	struct choice *v;
};

/* of: the chosen model for versions; NULL or "" otherwise. Freed by choices_done(). */
struct choices choices_of(const struct view *v, const struct param_info *param, const char *of);
void choices_done(struct choices *c);
/* Why text cannot be a value of it, as far as can be told without asking anybody; NULL it can. */
const char *choices_refusal(const struct param_info *param, const char *text, struct err *err);

#endif
