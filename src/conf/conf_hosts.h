/*
 * Hosts and models of an environment, as the model takes them.
 *
 * Config (the conf owner designs the rows; this is what they must be able to say):
 *   hosts:
 *     - name: serving                      # a group
 *       hosts: ['serving-[01-03]']          # patterns
 *       inventory: /etc/ansible/hosts       # and/or an inventory; group: NAME of a group in it, all when absent
 *       targets: { source: prometheus, match: { job: serving }, label: instance }   # and/or the targets of a Prometheus, port cut off
 *       within: 'serving-[0-9]+'            # hosts found through targets must match it, wholly; needed with targets
 *       user: deploy   port: 22
 *   models:
 *     - name: spam-filter   title:  registry: mlflow   alias: champion | stage: Production   group: serving
 *       serving: { expr: 'served_model_version == 1', label: version, host: instance, source: prometheus }
 *             or { url: 'http://{host}:8501/v1/models/spam-filter', path: 'model_version_status[0].version' }
 *       max_age: 14d   data: training_data_until   max_data_age: 30d
 *       online: [{ metric: auc, expr: '..', label: version }]
 *   sources: type: mlflow | http-json; the latter with `registry:` { list: path, items: 'a.b', name:, version:, versions: .., alias:, stage:, created:, by:, tags:, metrics:, page: {...} }
 */
#ifndef OPS_CONF_CONF_HOSTS_H
#define OPS_CONF_CONF_HOSTS_H

#include "conf/conf.h"
#include "model/registry.h"

/* The hosts of the config and its inventories, with those of targets (n may be 0; of the sources that config groups name). One reference, the caller's. */
struct host_targets {
	const char *source;
	const struct target_set *targets;
};
struct host_set *conf_hosts(const struct conf_environment *env, const struct host_targets *targets, size_t n);

#endif
