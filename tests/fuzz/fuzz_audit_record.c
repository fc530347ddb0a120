/*
 * Any bytes as a line. The two readers, one by hand and one through jansson, agree on what is a record; a log of the bytes is judged without harm. The second
 * door makes the hash hold, so that the grammar behind it is met.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "audit/record_priv.h"
#include "audit/verify.h"
#include "base/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_both(const char *line, size_t len)
{
	struct audit_frame f;
	struct audit_record r;
	struct buf text;
	int a = audit_frame_read(line, len, &f, NULL), b = audit_record_read(line, len, &r, NULL);

	if (a < 0 && a != b)
		abort();
	if (a == 0 && !f.is_hash_right && b != ERR_INVALID)
		abort();
	/* numbers beyond jansson's are all that it may refuse; what it does refuse is never a record */
	if (b < 0)
		return;
	if (r.seq != f.seq || r.time_ns != f.time_ns || strcmp(r.prev, f.prev) != 0 || strcmp(r.hash, f.hash) != 0)
		abort();
	buf_init(&text, 16 << 20);
	if (audit_record_text(&r, &text) == 0 && memchr(text.data, '\n', text.len) != NULL)
		abort();
	buf_done(&text);
	audit_record_done(&r);
}

static void
with_hash(const char *bytes, size_t len)
{
	char hash[AUDIT_HASH_HEX + 1];
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add(&b, bytes, len);
	digest_hex(b.data, b.len, hash);
	buf_printf(&b, ",\"hash\":\"%s\"}", hash);
	read_both(b.data, b.len);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *name = "log", *text = size == 0 ? "" : (const char *)data;
	struct audit_reader *r = audit_reader_memory(&name, &text, &size, 1);
	struct audit_report rep;

	if (size > AUDIT_LINE_MAX * 2)
		size = AUDIT_LINE_MAX * 2;
	read_both(text, size);
	with_hash(text, size);
	if (audit_verify(r, NULL, NULL, &rep, NULL) < 0 || (rep.verdict == AUDIT_GOOD && rep.records == 0 && size > 0))
		abort();
	audit_reader_free(r);
	return 0;
}
