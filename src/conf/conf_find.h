/* Where a config may lie: shared by the search and by --init. */
#ifndef OPS_CONF_CONF_FIND_H
#define OPS_CONF_CONF_FIND_H

#include "base/err.h"

/* $XDG_CONFIG_HOME/opsconsole/opsconsole.yaml, ~/.config without it; NULL when there is no home.
 * Owned by the caller. */
char *conf_user_path(void);
/* $OPSCONSOLE_CONFIG: 0, ERR_NOTFOUND (err untouched) when unset, ERR_INVALID when not absolute. */
int conf_named_path(char **ret_path, struct err *err);

#endif
