/* A world of one model, three hosts and their registry, for the tests of models. */
#ifndef TESTS_UNIT_MODELS_WORLD_H
#define TESTS_UNIT_MODELS_WORLD_H

#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define SOURCES FEED_SOURCES_ALL ",{'name':'mlflow','type':'mlflow','interval_ns':5000000000}"
#define MODEL(name, more) "{'id':'model:" name "','name':'" name "','title':'','registry':'mlflow','serving_expr':'e','serving_source':'p1'," \
	"'version_label':'version','host_label':'instance','serving_path':''" more "}"
#define SPAM MODEL("spam", ",'alias':'champion','group':'serving'")
#define V(version, more) "{'version':'" version "','created':'2029-12-31T00:00:00Z'" more "}"
#define S(host, version) "{'host':'" host "','version':'" version "','at':'2030-01-01T00:00:00Z','error':''}"

void feed_world(struct model *m, const char *name, const char *models);
void feed_hosts(struct model *m, double seconds, const char *names);
/* champion is at version; 8, 7 and 6 are there. */
void feed_registry(struct model *m, double seconds, const char *version);
/* hosts: "s-1=7 s-2=6 s-3="; "s-3!" could not be asked. */
void feed_serving(struct model *m, double seconds, const char *hosts);
/* All sources answer, so that nothing but models can be wrong. */
void feed_rest(struct model *m, double seconds);
struct model *new_model(void);
void all_at(struct model *m, double seconds, const char *version, const char *hosts);
const struct model_model *spam(const struct model *m);
const struct problem *problem_of_model(const struct model *m);
/* "s-1:other s-2:right ..": hosts in their order. */
char *hosts_text(const struct model_model *row);

#endif
