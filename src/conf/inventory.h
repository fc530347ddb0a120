/*
 * Ansible inventories, read and never executed: INI and YAML.
 *
 * Understood: groups, children, host patterns ([01:50], [a:f]), ansible_host, ansible_port, ansible_user, and vars that set them for a group. Passed over
 * with a note: other variables. Refused with file:line: inventories that are programs (executable, or with #!), plugins, vault.
 */
#ifndef OPS_CONF_INVENTORY_H
#define OPS_CONF_INVENTORY_H

#include "base/err.h"
#include "conf/conf.h"

struct inventory_host {
	char *name, *address, *user;	/* address and user NULL: not given */
	unsigned port;			/* 0 likewise */
	char **groups;			/* with the groups their groups are children of; NULL-terminated; not "all" */
	unsigned line;
};
struct inventory {
	char *path;
	size_t n;
	struct inventory_host *v;
};
/* Ownership and mode are checked as for the config. Mistakes are added to problems ("file:line:column: sentence"); what is right is kept. */
int inventory_read(const char *path, struct inventory *ret, struct conf_problems *problems, struct err *err);
void inventory_done(struct inventory *inv);

#endif
