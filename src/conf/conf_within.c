#define PCRE2_CODE_UNIT_WIDTH 8

#include "config.h"

#include "conf/conf_within.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* A name has at most 253 bytes; these are beyond what a sound pattern takes for one. */
enum { MATCH_LIMIT = 20000, DEPTH_LIMIT = 1000, HEAP_LIMIT_KIB = 1024 };

struct within {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

static pcre2_code *
compile(const char *pattern, int *ret_code, size_t *ret_at)
{
	PCRE2_SIZE at = 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, ret_code, &at, NULL);

	*ret_at = at;
	return code;
}

int
within_new(const char *pattern, struct within **ret, struct err *err)
{
	struct within *w;
	PCRE2_UCHAR text[128];
	int code;
	size_t at;

	if (strlen(pattern) > WITHIN_MAX)
		return err_set(err, ERR_LIMIT, "is longer than %d bytes", WITHIN_MAX);
	w = xcalloc(1, sizeof *w);
	w->code = compile(pattern, &code, &at);
	if (w->code == NULL) {
		within_free(w);
		pcre2_get_error_message(code, text, sizeof text);
		return err_set(err, ERR_SYNTAX, "is no regular expression: %s at its character %zu",
		    (const char *)text, at + 1);
	}
	w->data = pcre2_match_data_create(1, NULL);
	w->context = pcre2_match_context_create(NULL);
	if (w->data == NULL || w->context == NULL) {
		within_free(w);
		return err_set(err, ERR_NOMEM, "no memory for a regular expression");
	}
	pcre2_set_match_limit(w->context, MATCH_LIMIT);
	pcre2_set_depth_limit(w->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(w->context, HEAP_LIMIT_KIB);
	*ret = w;
	return 0;
}

void
within_free(struct within *w)
{
	if (w == NULL)
		return;
	pcre2_code_free(w->code);
	pcre2_match_data_free(w->data);
	pcre2_match_context_free(w->context);
	free(w);
}

bool
within_match(struct within *w, const char *name)
{
	return pcre2_match(w->code, (PCRE2_SPTR)name, strlen(name), 0, 0, w->data,
	    w->context) >= 0;
}
