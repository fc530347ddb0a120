/*
 * Hosts of an environment, as the model takes them: patterns, inventories and targets of all its groups, put together by name.
 *
 *   hosts:
 *     - name: serving                      # a group
 *       hosts: ['serving-[01-03]']         # patterns (hostlist.h)
 *       inventory: /etc/ansible/hosts      # and/or an inventory (inventory.h); group: NAME of a group in it, all when absent
 *       targets: { source: prometheus, match: { job: serving }, label: instance }   # and/or the targets of a Prometheus, port cut off
 *       within: 'serving-[0-9]+'           # hosts of targets and inventory must match it, wholly; needed with targets
 *       user: deploy
 *       port: 22
 *
 * Of a host that several groups name, the first that says a thing counts. Groups of inventories are groups, too, except where the config has
 * one of that name: what the config says of it is all of it. Hosts of targets have valid names, whatever the labels say.
 */
#ifndef OPS_CONF_CONF_HOSTS_H
#define OPS_CONF_CONF_HOSTS_H

#include "conf/conf.h"
#include "model/registry.h"

/* The hosts of the config and its inventories, with those of targets (n may be 0; of the sources that config groups name; those of a source that is not
 * among them are noted as unknown). Reads no file. One reference, the caller's. */
struct host_targets {
	const char *source;
	const struct target_set *targets;
};
struct host_set *conf_hosts(const struct conf_environment *env, const struct host_targets *targets, size_t n);

#endif
