/* Where the program keeps what outlives it: $XDG_STATE_HOME/opsconsole, ~/.local/state/opsconsole without it. */
#ifndef OPS_BASE_STATE_H
#define OPS_BASE_STATE_H

/* By the XDG rules a relative path in the variable is as good as none; without $HOME the user's folder in the passwd database counts. malloc()ed. */
char *state_dir(void);
char *state_path(const char *name);	/* of name there */

#endif
