/* What the model shows of an environment of the config. */
#ifndef OPS_CONF_CONF_ENV_H
#define OPS_CONF_CONF_ENV_H

#include "conf/conf.h"

/* A struct environment (model/event.h) with one reference, holding copies; nothing of how sources
 * are logged in to. */
void *conf_environment_block(const struct conf_environment *env);

#endif
