/* Any words as a filter: parsed or refused with a sentence; what is parsed answers for a record, and its negation answers the opposite. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 64 };

static void
make_record(struct audit_record *ret)
{
	static const struct audit_actor actor = { "alice", 1, "web", "", "" };
	struct audit_draft d = { .type = AUDIT_RUN_START, .run = "r1", .incident = "i1",
	    .body = json_pack("{s:s, s:[s,s], s:s}", "runbook", "rollback", "hosts", "web-1", "web-2", "outcome", "OK") };
	char hash[AUDIT_HASH_HEX + 1];
	struct buf b;

	buf_init(&b, 1 << 20);
	if (audit_record_write(&b, 1, 1, AUDIT_ZERO, &actor, "prod", &d, hash, NULL) < 0 || audit_record_read(b.data, b.len - 1, ret, NULL) < 0)
		abort();
	json_decref(d.body);
	buf_done(&b);
}

/* Words are separated by newlines. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *save = NULL;
	const char *words[WORDS + 3] = { "not", "(" };
	struct audit_filter *f, *negated;
	struct audit_record rec;
	struct err err = ERR_INIT;
	size_t n = 0;

	for (char *w = strtok_r(text, "\n", &save); w != NULL && n < WORDS; w = strtok_r(NULL, "\n", &save))
		words[2 + n++] = w;
	if (audit_filter_parse(words + 2, n, 0, &f, &err) < 0) {
		if (err.code == 0 || err.msg[0] == '\0')
			abort();
		free(text);
		return 0;
	}
	make_record(&rec);
	words[2 + n] = ")";
	if (n > 0 && audit_filter_parse(words, n + 3, 0, &negated, NULL) == 0) {
		if (audit_filter_matches(f, &rec) == audit_filter_matches(negated, &rec))
			abort();
		audit_filter_free(negated);
	}
	audit_record_done(&rec);
	audit_filter_free(f);
	free(text);
	return 0;
}
