/* --log */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/reader_priv.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { EXIT_SOME = 0, EXIT_NONE = 1, EXIT_USAGE = 2, EXIT_WRONG = 3 };

static bool
print_line(const struct audit_line *l, const struct audit_record *r, bool is_json)
{
	struct buf b;

	if (is_json)
		return fwrite(l->bytes, 1, l->len, stdout) == l->len && putchar('\n') != EOF;
	buf_init(&b, 4 * AUDIT_LINE_MAX);
	audit_record_text(r, &b);
	puts(b.data);
	buf_done(&b);
	return !ferror(stdout);
}

/* A line that does not hold is told of and left out: it is no record. */
static int
print_matching(struct audit_reader *reader, const struct audit_filter *f, bool is_json, uint64_t *ret_n, struct err *err)
{
	struct audit_line l;
	int r;

	*ret_n = 0;
	while ((r = audit_reader_next(reader, &l, err)) > 0) {
		struct audit_record rec;
		struct err why = ERR_INIT;
		char shown[256];

		if (l.is_torn)
			continue;	/* verify has told of it */
		if (audit_record_read(l.bytes, l.len, &rec, &why) < 0) {
			fprintf(stderr, "opsconsole: %s, line %" PRIu64 ": left out: %s\n", str_escape_to(shown, sizeof shown, l.file), l.number,
			    why.msg);
			continue;
		}
		if (audit_filter_matches(f, &rec)) {
			++*ret_n;
			if (!print_line(&l, &rec, is_json))
				r = err_set(err, ERR_IO, "cannot write to the standard output");
		}
		audit_record_done(&rec);
		if (r < 0)
			break;
	}
	return r;
}

/* false: the log is not as it was written. Records behind the head are no reason to doubt those that are there. */
static bool
verify_first(const char *path, const char *head_path)
{
	struct audit_reader *reader;
	struct audit_report report;
	struct err err = ERR_INIT;
	int r = audit_reader_open(path, &reader, &err);

	if (r < 0)
		return true;	/* said when it is opened to be printed */
	r = audit_verify(reader, NULL, head_path, &report, &err);
	audit_reader_free(reader);
	if (r < 0)
		fprintf(stderr, "opsconsole: the log could not be verified: %s\n", err.msg);
	else if (report.verdict != AUDIT_GOOD && report.verdict != AUDIT_UNANCHORED)
		fprintf(stderr, "opsconsole: the log is not as it was written (%s): %s, line %" PRIu64 ": %s\n", audit_verdict_name(report.verdict),
		    report.file, report.line, report.text);
	return r == 0 && (report.verdict == AUDIT_GOOD || report.verdict == AUDIT_UNANCHORED);
}

int
audit_log_main(const char *path, const char *head_path, const char *const *words, size_t n, bool is_json)
{
	char *dir = audit_dir(path), *head = path == NULL || head_path != NULL ? audit_head_path(head_path) : NULL;
	struct audit_filter *f = NULL;
	struct audit_reader *reader = NULL;
	struct err err = ERR_INIT;
	uint64_t n_printed = 0;
	int status = EXIT_SOME;

	if (audit_filter_parse(words, n, clock_now(), &f, &err) < 0) {
		status = EXIT_USAGE;
	} else {
		if (!verify_first(dir, head))
			status = EXIT_WRONG;
		if (audit_reader_open(dir, &reader, &err) < 0 || print_matching(reader, f, is_json, &n_printed, &err) < 0)
			status = EXIT_WRONG;
		if (fflush(stdout) != 0 && err.code == 0) {
			err_set(&err, ERR_IO, "cannot write to the standard output");
			status = EXIT_WRONG;
		}
	}
	if (err.code != 0)
		fprintf(stderr, "opsconsole: %s\n", err.msg);
	audit_reader_free(reader);
	audit_filter_free(f);
	free(dir);
	free(head);
	return status == EXIT_SOME && n_printed == 0 ? EXIT_NONE : status;
}
