#include "config.h"

#include <string.h>

#include "source/log.h"
#include "source/source.h"

/*
 * An endpoint that runbooks write to (a feature switch, a status page) and that conditions ask. Nothing of it is polled, so the model does not know it as a
 * source that answers or not.
 */
const struct source_ops source_http = { .type = "http" };

/* One row per API; a new one is a file and a line here. */
static const struct source_ops *const types[] = {
	&source_prometheus,
	&source_alertmanager,
	&source_mlflow,
	&source_http_json,
	&source_http,
	&source_loki,
	&source_elasticsearch,
	&source_journald,
};

const struct source_ops *
source_ops_find(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i]->type, type) == 0)
			return types[i];
	return NULL;
}
