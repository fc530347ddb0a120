/* Inside settings: the table of keywords, paths with tokens, algorithms, and the files they come from. */
#ifndef OPS_SSH_SETTINGS_PRIV_H
#define OPS_SSH_SETTINGS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ssh/settings.h"

/* --- settings_table.c ------------------------------------------------------------------------- */

enum setting_class {
	SETTING_USED,		/* our transport does as it says */
	SETTING_HARMLESS,	/* changes nothing for a command without a terminal, or what we do is stricter */
	SETTING_OPENSSH,	/* set to something else than its default, it needs the system's ssh */
};
struct setting {
	const char *title;	/* as in ssh_config(5) */
	enum setting_class class;
	const char *usual;	/* SETTING_OPENSSH: what means "not set", alternatives with '|'; NULL: it is only printed when set */
};
/* Case of the keyword is ignored; NULL: not known to us. */
const struct setting *setting_find(const char *keyword);
/* true: the value does not need the system's ssh. */
bool setting_is_usual(const struct setting *s, const char *value);

/* --- settings_paths.c ------------------------------------------------------------------------- */

/* Home and name of whoever runs us, as ssh takes them: from passwd, not from $HOME. "" when there is no entry. */
const char *settings_home(void);
const char *settings_user(void);
/* ~, ${VAR} and % tokens of ssh_config(5), TOKENS. The path is the caller's; NULL: it has something only ssh itself can tell. */
char *settings_path_expand(const struct ssh_settings *s, const char *path);

/* --- settings_identities.c -------------------------------------------------------------------- */

/* Sort those that exist to the front, and add to why what only the system's ssh can use: certificates, hardware keys alone. */
void settings_identities_finish(struct ssh_settings *s, struct buf *why);

/* --- settings_algorithms.c -------------------------------------------------------------------- */

/* Add to why every list that has nothing our libssh2 can do. */
void settings_algorithms_check(const struct ssh_settings *s, struct buf *why);

/* Reasons are joined with "; ". */
void settings_why_add(struct buf *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- settings_files.c ------------------------------------------------------------------------- */

struct settings_stamp {
	uint64_t hash;		/* over path, inode, size and time of all files that ssh reads */
	bool is_volatile;	/* the answer may change without them: Match exec, an Include that cannot be followed */
};
/* config NULL: the usual files. */
void settings_files_stamp(const char *config, struct settings_stamp *ret);

#endif
