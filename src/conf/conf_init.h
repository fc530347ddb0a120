/* --init, with the ports to look at as a parameter: tests have their own. */
#ifndef OPS_CONF_CONF_INIT_H
#define OPS_CONF_CONF_INIT_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct conf_port {
	const char *name;	/* of the source to write */
	const char *product;	/* for people */
	const char *type;	/* of the source */
	unsigned port;		/* on 127.0.0.1 */
	const char *path;	/* answers 200 and JSON when it is this product, */
	const char *version;	/* with "version" in this member */
};

/* path NULL: as conf_init_write(). What was found is told on out. */
int conf_init_write_ports(const char *path, const struct conf_port *ports, size_t n, FILE *out,
    struct err *err);

#endif
