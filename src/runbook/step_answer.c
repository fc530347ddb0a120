/* Answers over HTTP: is it what was expected, and what stands where in it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/jpath.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"
#include "source/decode_json.h"
#include "source/json_walk.h"

bool
json_within(const json_t *want, const json_t *have)
{
	const char *key;
	json_t *value;

	if (json_is_object(want)) {
		json_object_foreach((json_t *)want, key, value)
			if (!json_within(value, json_object_get(have, key)))
				return false;
		return json_is_object(have);
	}
	if (!json_is_array(want))
		return have != NULL && json_equal((json_t *)want, (json_t *)have);
	if (!json_is_array(have) || json_array_size(want) != json_array_size(have))
		return false;
	for (size_t i = 0; i < json_array_size(want); i++)
		if (!json_within(json_array_get(want, i), json_array_get(have, i)))
			return false;
	return true;
}

static int
value_at(const json_t *root, const char *jpath, char **ret, struct err *err)
{
	struct arena mem = ARENA_INIT;
	struct jpath path;
	const json_t *at;
	const char *word;
	char shown[128];
	int r = jpath_parse(jpath, &path, err);

	if (r < 0)
		return r;
	at = json_walk(root, &path);
	word = at == NULL ? NULL : json_word(&mem, at);
	if (word != NULL)
		*ret = xstrdup(word);
	else
		r = err_set(err, ERR_INVALID, "the answer has %s at %s", at == NULL ? "nothing" : json_kind(at),
		    str_escape_to(shown, sizeof shown, jpath));
	arena_done(&mem);
	return r;
}

char *
json_value_at(const char *body, size_t len, const char *jpath, struct err *err)
{
	json_t *root = json_texts(body, len, "a JSON answer", err);
	char *value = NULL;

	if (root == NULL)
		return NULL;
	value_at(root, jpath, &value, err);
	json_decref(root);
	return value;
}

static int
check_value(const char *body, size_t len, const char *jpath, const char *value, struct err *err)
{
	char *found = json_value_at(body, len, jpath, err), shown[96], wanted[96], path[96];
	int r;

	if (found == NULL)
		return err != NULL && err->code != 0 ? err->code : ERR_INVALID;
	r = value == NULL || strcmp(found, value) == 0 ? 0
						       : err_set(err, ERR_REFUSED, "%s is '%s', not '%s'",
							     str_escape_to(path, sizeof path, jpath),
							     str_escape_to(shown, sizeof shown, found),
							     str_escape_to(wanted, sizeof wanted, value));
	free(found);
	return r;
}

int
answer_check(const struct answer *answer, const char *body, size_t len, int status_min, int status_max, const char *jpath,
    const char *value, struct err *err)
{
	char detail[SENTENCE_MAX], shown[STEP_LINE_MAX];

	if (status_min == 0)
		status_min = 200;
	if (status_max == 0)
		status_max = status_min == 200 ? 299 : status_min;
	if (answer->status < status_min || answer->status > status_max) {
		str_escape_to(shown, sizeof shown, body_line(detail, body, len));
		return err_set(err, ERR_REFUSED, "HTTP %ld%s%s", answer->status, *shown != '\0' ? ": " : "", shown);
	}
	return jpath == NULL ? 0 : check_value(body, len, jpath, value, err);
}
