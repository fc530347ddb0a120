/*
 * Objectives of an environment: the short form in opsconsole.yaml and the OpenSLO files it names, as definitions for the model.
 */
#ifndef OPS_CONF_CONF_SLO_H
#define OPS_CONF_CONF_SLO_H

#include "conf/conf.h"
#include "conf/corrections.h"
#include "model/slo.h"

/* All of them, by id, with the corrections that name them (log may be NULL). Reading and checking was done by conf_load(), which leaves out what is wrong and says
 * so. One reference, the caller's. */
struct slo_def_set *conf_slos(const struct conf_environment *env, const struct corrections *log);

#endif
