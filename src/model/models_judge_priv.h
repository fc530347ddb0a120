/* One model being judged: shared by models_judge.c, which finds its state, and models_why.c, which says why. */
#ifndef OPS_MODEL_MODELS_JUDGE_PRIV_H
#define OPS_MODEL_MODELS_JUDGE_PRIV_H

#include "base/buf.h"
#include "model/model_priv.h"

struct judge {				/* of one model */
	const struct model *m;
	struct models_view *v;
	struct model_model *row;
	struct model_host *hosts;	/* row->hosts */
	const struct model_memory *mem;	/* NULL: nothing was said of it */
	const char *wanted;		/* NULL: none is, or it is not known */
	bool is_wanted_known;		/* the registry was read far enough to say */
	size_t n_other, n_none, n_unknown;	/* without those on their way */
	size_t n_late;			/* those */
	bool is_settling;		/* it moved so lately that hosts may be on their way */
	int64_t reg_until_ns, serving_until_ns;	/* fresh until then; 0 never was */
	struct buf why;
};

/* models_judge.c: what the polls of who serves it are called at source; is the host in the group? */
const char *judge_serving_what(struct judge *j, const char *source);
bool judge_is_in_group(const struct host_def *host, const char *group);

/* models_why.c: each adds to j->why. */
void judge_say_unknown_hosts(struct judge *j);
void judge_say_outside(struct judge *j);
void judge_say_wrong_hosts(struct judge *j);
void judge_say_stale(struct judge *j);
void judge_say_unwanted(struct judge *j);

#endif
