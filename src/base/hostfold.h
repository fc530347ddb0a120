/* Names of hosts to the shortest pattern: web-01, web-02, web-03 are "web-[01-03]". The way back, and the grammar, is conf/hostlist.h. */
#ifndef OPS_BASE_HOSTFOLD_H
#define OPS_BASE_HOSTFOLD_H

#include <stddef.h>

#include "base/buf.h"

/* names are sorted; appended. */
void host_fold(struct buf *out, const char *const *names, size_t n);

#endif
