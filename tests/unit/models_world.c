#include "config.h"

#include "tests/unit/models_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"

void
feed_world(struct model *m, const char *name, const char *models)
{
	feed(m, 0, "{'event':'environment','name':'%s','severity_label':'severity','sources':[" SOURCES "],'models':[%s]}", name, models);
}

void
feed_hosts(struct model *m, double seconds, const char *names)
{
	struct buf b;
	char *copy = xstrdup(names), *save = NULL;

	buf_init(&b, 10000);
	for (char *name = strtok_r(copy, " ", &save); name != NULL; name = strtok_r(NULL, " ", &save))
		buf_printf(&b, "%s{'name':'%s','groups':['serving'],'address':'%s'}", b.len > 0 ? "," : "", name, name);
	feed(m, seconds, "{'event':'hosts','hosts':[%s]}", b.data);
	buf_done(&b);
	free(copy);
}

void
feed_registry(struct model *m, double seconds, const char *version)
{
	feed_ok(m, seconds, "mlflow", "registry");
	feed(m, seconds, "{'event':'registry','source':'mlflow','models':[{'name':'other','versions':[" V("1", "") "]},{'name':'spam',"
	    "'aliases':[{'alias':'champion','version':'%s'}],'versions':[" V("8", "") "," V("7", "") "," V("6", "") "]}]}", version);
}

void
feed_serving(struct model *m, double seconds, const char *hosts)
{
	char *copy = xstrdup(hosts), *save = NULL, at[CLOCK_TEXT_MAX];
	struct buf b;

	clock_format(at, T0 + (int64_t)(seconds * 1e9), 9);
	buf_init(&b, 10000);
	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		char *end = word + strcspn(word, "=!");
		bool is_failed = *end == '!';

		*end = '\0';
		buf_printf(&b, "%s{'host':'%s','version':'%s','at':'%s','error':'%s'}", b.len > 0 ? "," : "", word, is_failed ? "" : end + 1, at,
		    is_failed ? "timeout" : "");
	}
	feed_ok(m, seconds, "p1", "serving:spam");
	feed(m, seconds, "{'event':'serving','source':'p1','model':'model:spam','serving':[%s]}", b.data);
	buf_done(&b);
	free(copy);
}

void
feed_rest(struct model *m, double seconds)
{
	feed_alerts(m, seconds, "am", "");
	feed_alerts(m, seconds, "p1", "");
	feed_alerts(m, seconds, "p2", "");
}

struct model *
new_model(void)
{
	struct model *m = model_new(0, 0);

	feed_world(m, "prod", SPAM);
	feed_rest(m, 0);
	feed_hosts(m, 0, "s-1 s-2 s-10");
	model_advance(m, T(0));
	return m;
}

void
all_at(struct model *m, double seconds, const char *version, const char *hosts)
{
	feed_rest(m, seconds);
	feed_registry(m, seconds, version);
	feed_serving(m, seconds, hosts);
	model_advance(m, T0 + (int64_t)(seconds * 1e9));
}

const struct model_model *
spam(const struct model *m)
{
	return model_model_find(m, "model:spam");
}

const struct problem *
problem_of_model(const struct model *m)
{
	for (size_t i = 0; i < model_n_problems(m); i++)
		if (model_problem(m, i)->kind == PROBLEM_MODEL)
			return model_problem(m, i);
	return NULL;
}

char *
hosts_text(const struct model_model *row)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < row->n_hosts; i++)
		buf_printf(&b, "%s%s=%s:%s", i == 0 ? "" : " ", row->hosts[i].host, row->hosts[i].version, serve_state_name(row->hosts[i].state));
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}
