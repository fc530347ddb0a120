/*
 * Verification for the screen: the chain, and the recordings that it vouches for, in one word and one sentence. What a panel or a replay's bar calls verified is what --verify
 * would have called so.
 */
#ifndef OPS_VERIFY_SHOW_H
#define OPS_VERIFY_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct verify_show {
	const char *path;		/* of the log: a folder, a file, or a packed file */
	const char *head_path;		/* NULL: none */
	const char *recordings;		/* folder of recordings; NULL the usual one */
	const char *recording;		/* the one that is replayed; NULL: all that the log names */
	const char *const *others;	/* more that are replayed as one with it, NULL at the end; or NULL */
	bool (*progress)(uint64_t n, void *arg);	/* NULL: none; false gives up with ERR_CANCELLED */
	void *arg;
};
/*
 * verdict: those of audit_verify(); where the chain holds, "chunk edited", "chunk missing", "damaged" (a packed file's own sums), or "partial": all that is vouched for holds, but
 * the recording has chunks that no record vouches for.
 */
struct verify_told { char verdict[32], text[1200]; };
int verify_show(const struct verify_show *o, struct verify_told *ret, struct err *err);

#endif
