/*
 * A line of any bytes: its fields are texts with names, bounded; its level is one; it has the words of one pattern, and is of the pattern that it made; its redacted form is
 * redacted once and for all.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/xalloc.h"
#include "insight/drain.h"
#include "insight/log_filter.h"

enum { FIELDS_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_fields(const struct log_ref *line)
{
	struct arena arena = ARENA_INIT;
	const struct log_field *v;
	size_t n = log_fields(line, &arena, &v);

	if (n > FIELDS_MAX)
		die("too many fields");
	for (size_t i = 0; i < n; i++) {
		if (v[i].name[0] == '\0' || v[i].value == NULL)
			die("half a field");
		for (size_t j = 0; j < i && i < 40; j++)
			if (strcmp(v[i].name, v[j].name) == 0)
				die("a field twice");
	}
	arena_done(&arena);
}

static void
check_pattern(const struct log_ref *line)
{
	struct drain *d = drain_new(NULL);
	struct log_pattern_set *set;

	drain_add(d, line);
	drain_add(d, line);
	set = drain_patterns(d, 0, 10, 0, 0);
	if (set->n != 1 || set->v[0].n != 2)
		die("one line twice is not one pattern");
	if (drain_of(d, line->text, line->len) != set->v[0].id)
		die("not of its own pattern");
	block_unref(set);
	drain_free(d);
}

static void
check_redaction(const struct log_ref *line)
{
	static struct redact *r;
	struct buf b;

	if (r == NULL)
		r = redact_new(true);
	buf_init(&b, 1 << 24);
	if (!redact_text(r, line->text, line->len, &b)) {
		if (b.len != 0)
			die("text where nothing was redacted");
	} else if (memmem(b.data, b.len, "[redacted", 9) == NULL) {
		die("redacted without a word");
	}
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	struct log_ref line = { .len = size, .source = "s", .service = "", .time_ns = 5 };

	memcpy(text, data, size);
	text[size] = '\0';
	line.text = text;
	/* What stands before a tab may also be what the store has beside the line. */
	line.fields = memchr(text, '\t', size) != NULL ? (const char *)memchr(text, '\t', size) + 1 : NULL;
	line.level = log_level_guess(text, size);
	if ((unsigned)line.level >= LOG_LEVELS)
		die("no level");
	check_fields(&line);
	check_pattern(&line);
	check_redaction(&line);
	free(text);
	return 0;
}
