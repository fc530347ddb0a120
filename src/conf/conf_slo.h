/*
 * Objectives of an environment: the short form in opsconsole.yaml and the OpenSLO files it names, as definitions for the model.
 */
#ifndef OPS_CONF_CONF_SLO_H
#define OPS_CONF_CONF_SLO_H

#include "conf/conf.h"
#include "conf/corrections.h"
#include "model/slo.h"

/* All of them, by id, without corrections. Reading and checking was done by conf_load(), which leaves out what is wrong and says so. One reference, the
 * caller's; shared and not to be changed. */
struct slo_def_set *conf_slos(const struct conf_environment *env);
/* A new set, in which each definition has the corrections of the log that name it, or all ("*"), instead of any it had. After all definitions are together: a
 * name may be that of an objective found in rules. log may be NULL: none. One reference, the caller's. */
struct slo_def_set *conf_slos_correct(const struct slo_def_set *defs, const struct corrections *log);

#endif
