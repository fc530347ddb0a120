/* --verify: the audit log, the recordings that it vouches for, packed files, and what is known of the head from elsewhere. */
#ifndef OPS_VERIFY_MAIN_H
#define OPS_VERIFY_MAIN_H

#include <stdbool.h>
#include <stddef.h>

struct verify_ask {
	const char *const *paths;	/* folders and files of one log, and packed files; none: the user's own log */
	size_t n;
	const char *head;		/* --head SEQ:HASH, or NULL */
	const char *checkpoint;		/* --checkpoint FILE, or NULL */
	const char *signers;		/* --signers FILE; NULL: ~/.config/opsconsole/allowed_signers */
	const char *own_dir, *own_head;	/* of the config; NULL: the usual ones */
	const char *const *own_copies;	/* audit: copies: of the config, NULL-terminated or NULL */
	const char *recordings;		/* record: dir: of the config; NULL: the usual one */
	bool is_json;
};
/* Prints. Exit status: 0 good, 1 something is wrong (with the chain, a chunk, a packed file, or the checkpoint's signature), 2 usage, 3 cannot be read, 4 good but unanchored. Of several things the
 * worst counts: 1, 3, 4. */
int verify_main(const struct verify_ask *a);

#endif
