/* A folder of their own for tests of ssh's files, and its programs run to the end. */
#ifndef OPS_TEST_SSH_WORLD_H
#define OPS_TEST_SSH_WORLD_H

#include <stdbool.h>

#include "base/buf.h"
#include "loop/loop.h"

struct ssh_world { char dir[64]; };

int world_setup(void **state);
int world_teardown(void **state);
char *world_path(const struct ssh_world *w, const char *name);		/* the caller's */
void world_write(const char *path, const char *text);
bool world_has(const char *program);
/* Exit status; what it says on stdout goes to out (may be NULL). Signals count as 255. */
int world_run(const char *const *argv, struct buf *out);
/* A key pair dir/TYPE, made once; its public part in base64. */
char *world_public_key(struct ssh_world *w, const char *type);
/* dir/NAME; passphrase "" for none. The path is the caller's. */
char *world_key(struct ssh_world *w, const char *name, const char *type, const char *passphrase);
/* Turn the loop until *is_done; false: not in 30 s, which is never what a test waits for. */
bool world_wait(struct loop *l, const bool *is_done);

#endif
