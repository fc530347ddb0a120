/* --verify */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/reader_priv.h"
#include "audit/verify.h"
#include "base/xalloc.h"

enum { EXIT_GOOD = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_UNREAD = 3, EXIT_UNANCHORED = 4 };

static bool
is_same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISDIR(x.st_mode) && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* Of the user's own log: where the writer puts it. Of another folder: the file beside it that a fallback has. Of files: none. */
static char *
head_for(const char *const *paths, size_t n, const char *own, const char *own_head)
{
	char *head = NULL;
	struct stat st;

	if (n == 0 || (n == 1 && is_same_folder(paths[0], own))) {
		head = audit_head_path(own_head);
	} else if (n == 1 && stat(paths[0], &st) == 0 && S_ISDIR(st.st_mode)) {
		size_t len = strlen(paths[0]);

		while (len > 1 && paths[0][len - 1] == '/')
			len--;
		head = xasprintf("%.*s-head", (int)len, paths[0]);
	}
	return head;
}

static json_t *
open_json(const struct audit_open *o)
{
	return json_pack("{s:I, s:s, s:s*, s:s, s:s}", "seq", (json_int_t)o->seq, "type", audit_type_name(o->is_act ? AUDIT_ACT : AUDIT_INTENT), "run",
	    *o->run != '\0' ? o->run : NULL, o->is_act ? "verb" : "step", o->step, o->is_act ? "object" : "host", o->host);
}

static void
print_open(const struct audit_report *r)
{
	for (size_t i = 0; i < r->n_open; i++) {
		const struct audit_open *o = &r->open[i];

		printf("    record %" PRIu64 ": %s%s%s%s%s%s\n", o->seq, *o->run != '\0' ? "run " : "", o->run, *o->run != '\0' ? "  " : "", o->step,
		    *o->host == '\0' ? "" : o->is_act ? " " : " on ", o->host);
	}
	if (r->open_intents > r->n_open)
		printf("    and %" PRIu64 " more\n", r->open_intents - r->n_open);
}

static void
print_json(const struct audit_report *r)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "verdict",
	    audit_verdict_name(r->verdict), "records", (json_int_t)r->records, "first_seq", (json_int_t)r->first_seq, "last_seq",
	    (json_int_t)r->last_seq, "last_hash", r->last_hash, "file", r->file, "line", (json_int_t)r->line, "offset", (json_int_t)r->offset,
	    "seq", (json_int_t)r->seq, "unanchored", (json_int_t)r->unanchored, "open_intents", (json_int_t)r->open_intents, "recovered",
	    (json_int_t)r->recovered, "gaps", (json_int_t)r->gaps, "unknown_types", (json_int_t)r->unknown_types, "has_head", r->has_head,
	    "text", r->text);
	json_t *open = json_array();
	char *text;

	for (size_t i = 0; i < r->n_open; i++)
		json_array_append_new(open, open_json(&r->open[i]));
	if (o != NULL)
		json_object_set_new(o, "open", open);
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

	if (text != NULL)
		puts(text);
	free(text);
	json_decref(o);
}

static void
print_count(uint64_t n, const char *one, const char *many)
{
	if (n > 0)
		printf("  %" PRIu64 " %s\n", n, n == 1 ? one : many);
}

static void
print_text(const struct audit_report *r)
{
	printf("%s: %s\n", audit_verdict_name(r->verdict), r->text);
	if (r->line > 0)
		printf("  at %s, line %" PRIu64 " (byte %" PRIu64 "), record %" PRIu64 "\n", r->file, r->line, r->offset, r->seq);
	if (r->records > 0)
		printf("  records %" PRIu64 " to %" PRIu64 " hold; the last is %" PRIu64 ":%s\n", r->first_seq, r->last_seq, r->last_seq, r->last_hash);
	else
		printf("  no record holds\n");
	print_count(r->open_intents, "act without a result: its outcome is unknown", "acts without a result: their outcome is unknown");
	print_open(r);
	print_count(r->recovered, "time torn bytes were moved aside", "times torn bytes were moved aside");
	print_count(r->gaps, "gap: acts were made without this log", "gaps: acts were made without this log");
	print_count(r->unknown_types, "record of a type that this version does not know", "records of types that this version does not know");
}

static int
exit_of(const struct audit_report *r)
{
	return r->verdict == AUDIT_GOOD ? EXIT_GOOD : r->verdict == AUDIT_UNANCHORED ? EXIT_UNANCHORED : EXIT_WRONG;
}

int
audit_verify_main(const char *const *paths, size_t n, const char *head, const char *own_dir, const char *own_head, bool is_json)
{
	char *own = audit_dir(own_dir), *head_path = head_for(paths, n, own, own_head);
	const char *own_path = own;
	struct audit_reader *reader = NULL;
	struct audit_report report;
	struct err err = ERR_INIT;
	int r = audit_reader_open_many(n > 0 ? paths : &own_path, n > 0 ? n : 1, &reader, &err);

	/* No log but a head that names records: all of it was taken away. */
	if (r == ERR_NOTFOUND && (head != NULL || (head_path != NULL && access(head_path, F_OK) == 0))) {
		reader = audit_reader_memory(NULL, NULL, NULL, 0);
		r = 0;
	}
	if (r == 0)
		r = audit_verify(reader, head, head_path, &report, &err);
	if (r == 0 && is_json)
		print_json(&report);
	else if (r == 0)
		print_text(&report);
	else
		fprintf(stderr, "opsconsole: %s\n", err.msg);
	audit_reader_free(reader);
	free(own);
	free(head_path);
	if (r < 0)
		return r == ERR_USAGE ? EXIT_USAGE : EXIT_UNREAD;
	return exit_of(&report);
}
