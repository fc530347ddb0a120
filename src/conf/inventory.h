/*
 * Ansible inventories, read and never executed: INI and YAML.
 *
 * Understood: groups, children, host patterns ([01:50], [01:50:2], [a:f]), ansible_host, ansible_port, ansible_user (and their older names ansible_ssh_*), and
 * vars that set them for a group; of several the host's own counts, then those of the group furthest from "all". Passed over
 * with a note: other variables, group_vars and host_vars beside the file. Refused with file:line: inventories that are programs (executable, or with #!),
 * plugins, vault.
 */
#ifndef OPS_CONF_INVENTORY_H
#define OPS_CONF_INVENTORY_H

#include "base/err.h"
#include "conf/conf.h"

enum { INVENTORY_HOSTS_MAX = 10000, INVENTORY_GROUPS_MAX = 2000 };

struct inventory_host {
	char *name, *address, *user;	/* address and user NULL: not given */
	unsigned port;			/* 0 likewise */
	const char **groups;		/* with the groups their groups are children of; NULL-terminated, sorted; not "all" nor "ungrouped"; the inventory's */
	unsigned line;
};
struct inventory {
	char *path;
	size_t n;
	struct inventory_host *v;	/* in natural order of names */
	size_t n_groups;
	char **groups;			/* all there are, sorted, empty ones too; not "all" nor "ungrouped" */
	char *note;			/* what was passed over, a sentence; NULL: nothing */
};
/* Ownership and mode are checked as for the config. Mistakes are added to problems ("file:line:column: sentence"); what is right is kept. */
int inventory_read(const char *path, struct inventory *ret, struct conf_problems *problems, struct err *err);
/* The same from memory, without looking at any file. */
int inventory_parse(const char *path, const char *text, size_t len, struct inventory *ret, struct conf_problems *problems, struct err *err);
void inventory_done(struct inventory *inv);

#endif
