/*
 * Alertmanager's writes: a silence made, edited, expired; and what it answers.
 *
 * An edit keeps its id only when the matchers and startsAt are sent as they were; otherwise Alertmanager expires the old silence and answers
 * with the id of a new one. So times go out with the milliseconds it gave us, and the caller compares the ids.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/alertmanager.h"
#include "source/source.h"

/* What Alertmanager would refuse too, told in the words of the form and before anything is sent. */
static int
check_draft(const struct silence_draft *draft, struct err *err)
{
	size_t i;

	if (draft->n_matchers == 0)
		return err_set(err, ERR_INVALID, "a silence needs at least one matcher");
	for (i = 0; i < draft->n_matchers; i++)
		if (draft->matchers[i].name == NULL || *draft->matchers[i].name == '\0')
			return err_set(err, ERR_INVALID, "matcher %zu has no label name", i + 1);
	if (draft->ends_ns <= draft->starts_ns)
		return err_set(err, ERR_INVALID, "the silence ends before it starts");
	if (draft->created_by == NULL || *draft->created_by == '\0')
		return err_set(err, ERR_INVALID, "a silence needs to say who makes it");
	if (draft->comment == NULL || *draft->comment == '\0')
		return err_set(err, ERR_INVALID, "a silence needs a comment that says why");
	return 0;
}

static json_t *
matchers_json(const struct silence_draft *draft)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < draft->n_matchers; i++) {
		const struct matcher *m = &draft->matchers[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b}", "name", m->name, "value",
		    m->value == NULL ? "" : m->value, "isRegex", m->is_regex, "isEqual", m->is_equal));
	}
	return list;
}

static json_t *
draft_json(const struct silence_draft *draft)
{
	char starts[CLOCK_TEXT_MAX], ends[CLOCK_TEXT_MAX];
	json_t *json, *matchers = matchers_json(draft);

	clock_format(starts, draft->starts_ns, 3);
	clock_format(ends, draft->ends_ns, 3);
	/* json_pack() gives NULL for text that is not UTF-8; a matcher lost that way would widen the silence. */
	if (json_array_size(matchers) != draft->n_matchers) {
		json_decref(matchers);
		return NULL;
	}
	json = json_pack("{s:o, s:s, s:s, s:s, s:s}", "matchers", matchers, "startsAt", starts, "endsAt", ends, "createdBy",
	    draft->created_by, "comment", draft->comment);
	if (json != NULL && draft->id != NULL && *draft->id != '\0' &&
	    json_object_set_new(json, "id", json_string(draft->id)) < 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

int
alertmanager_silence_request(const struct silence_draft *draft, struct request *ret, struct err *err)
{
	json_t *json;
	char *text;
	int r = check_draft(draft, err);

	if (r < 0)
		return r;
	json = draft_json(draft);
	if (json == NULL)
		return err_set(err, ERR_INVALID, "the silence holds text that is not UTF-8");
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	request_init(ret, "POST");
	ret->path = xstrdup("/api/v2/silences");
	ret->content_type = xstrdup("application/json");
	r = buf_addstr(&ret->body, text);
	free(text);
	if (r < 0) {
		request_done(ret);
		return err_set(err, ERR_LIMIT, "the silence is too long to send");
	}
	return 0;
}

int
alertmanager_expire_request(const char *id, struct request *ret, struct err *err)
{
	const char *p;

	if (id == NULL || *id == '\0')
		return err_set(err, ERR_INVALID, "the silence has no id: it was not made yet");
	/* Ids are UUIDs; anything else would change the path. */
	for (p = id; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			return err_set(err, ERR_INVALID, "the silence's id is not one of Alertmanager's");
	request_init(ret, "DELETE");
	ret->path = xasprintf("/api/v2/silence/%s", id);
	return 0;
}

static bool
is_success(const struct answer *answer)
{
	return answer->status >= 200 && answer->status <= 299;
}

/* Alertmanager gives 404 for an edit and 500 for a DELETE of an unknown id, with the same words. */
static int
write_refused(const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	alertmanager_detail(detail, body, len);
	if (str_eq(detail, "silence not found") || (answer->status == 404 && len == 0))
		return err_set(err, ERR_NOTFOUND,
		    "Alertmanager knows no silence with this id (HTTP %ld): it was removed after its end, or belongs to another Alertmanager",
		    answer->status);
	return refuse_status("Alertmanager", answer, detail, err);
}

int
alertmanager_silence_answer(const struct answer *answer, const char *body, size_t len, char **ret_id, struct err *err)
{
	const json_t *id;
	json_t *json;
	int r = 0;

	if (!is_success(answer))
		return write_refused(answer, body, len, err);
	json = json_of_body(body, len, "an answer to a silence", err);
	if (json == NULL)
		return ERR_SYNTAX;
	id = json_object_get(json, "silenceID");
	if (json_is_string(id) && json_string_length(id) > 0)
		*ret_id = xstrdup(json_string_value(id));
	else
		r = err_set(err, ERR_INVALID, "Alertmanager's answer names no silence: read the silences back to see whether it was made");
	json_decref(json);
	return r;
}

int
alertmanager_expire_answer(const struct answer *answer, const char *body, size_t len, struct err *err)
{
	return is_success(answer) ? 0 : write_refused(answer, body, len, err);
}
