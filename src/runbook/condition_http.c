/* A look at an endpoint: the status of a GET, or what stands at a path of its JSON. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

static void
judge_value(struct judging *j, const struct write_result *result)
{
	const struct condition *c = j->bc->c;
	struct err err = ERR_INIT;
	char *found, shown[96], path[96];
	bool is_equal;

	if (answer_check(&result->answer, result->body, result->len, 200, 299, NULL, NULL, &err) < 0) {
		finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", err.msg);
		return;
	}
	found = json_value_at(result->body, result->len, c->label, &err);
	if (found == NULL) {
		finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", err.msg);
		return;
	}
	is_equal = str_eq(found, j->bc->expect);
	finding_set(&j->finding, is_equal == (c->compare == CMP_EQ) ? OUTCOME_OK : OUTCOME_FAILED, "%s is '%s'",
	    str_escape_to(path, sizeof path, c->label), str_escape_to(shown, sizeof shown, found));
	free(found);
}

static void
judge_status(struct judging *j, const struct write_result *result)
{
	bool is_right = (double)result->answer.status == j->bc->c->number;

	if (is_right)
		finding_set(&j->finding, OUTCOME_OK, "HTTP %ld", result->answer.status);
	else
		finding_set(&j->finding, OUTCOME_FAILED, "HTTP %ld, not %.0f", result->answer.status, j->bc->c->number);
}

static void
on_answer(const struct write_result *result, void *arg)
{
	struct judging *j = arg;

	j->call = NULL;
	if (result->err.code != 0)
		finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", result->err.msg);
	else if (j->bc->c->label != NULL)
		judge_value(j, result);
	else
		judge_status(j, result);
	judge_found(j);
}

/* What is asked now is newer than anything that was done: no more is to be known of its age. */
void
look_http(struct judging *j)
{
	const char *path = j->bc->subject != NULL ? j->bc->subject : "";
	struct err err = ERR_INIT;
	struct request q;
	int r;

	request_init(&q, "GET");
	q.path = xasprintf("%s%s", *path == '/' || *path == '\0' ? "" : "/", path);
	r = call_begin(j->w, j->bc->c->source, &q, on_answer, j, &j->call, &err);
	request_done(&q);
	if (r == 0)
		return;
	finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", err.msg);
	judge_found(j);
}
