/*
 * OpenSLO v1 documents (github.com/OpenSLO/OpenSLO) as definitions of objectives.
 *
 * All files of an environment are read first, then references are followed, in whatever file
 * they lead. What is wrong is told as "FILE:LINE:COLUMN: sentence" among the config's problems and
 * costs the objectives that rest on it; what is well formed but means nothing here is named in the
 * definition's notes. Nothing is ever sent to an address that only such a file names: a DataSource
 * stands for a source of the config.
 */
#ifndef OPS_CONF_OPENSLO_H
#define OPS_CONF_OPENSLO_H

#include "conf/conf_slo_build.h"

struct openslo;

struct openslo *openslo_new(struct slo_build *b);
void openslo_free(struct openslo *o);
/* Read the documents of one file. Strings are copied; name is for messages. */
void openslo_add(struct openslo *o, const char *name, const char *text, size_t len);
/* Follow references and give all objectives to slo_build_add(). Once, after all files. */
void openslo_build(struct openslo *o);
/* The files and folders that the environment's openslo: names. */
void openslo_build_paths(struct slo_build *b);

#endif
