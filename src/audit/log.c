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

enum { EXIT_SOME = 0, EXIT_NONE = 1, EXIT_USAGE = 2, EXIT_WRONG = 3, PIECE_GROWTH = 8, LAST_DIGITS = 18 };

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

struct printing {
	const struct audit_filter *filter;
	bool is_json, is_counting;	/* counting: nothing is printed nor said */
	uint64_t skip;			/* so many that match are not printed */
	uint64_t n_lines, n_matching, n_printed;
};

/* A line that does not hold is told of and left out: it is no record. */
static int
print_record(struct printing *p, const struct audit_line *l, struct err *err)
{
	struct audit_record rec;
	struct err why = ERR_INIT;
	char shown[256];
	int r = 0;

	if (audit_record_read(l->bytes, l->len, &rec, &why) < 0) {
		if (!p->is_counting)
			fprintf(stderr, "opsconsole: %s, line %" PRIu64 ": left out: %s\n", str_escape_to(shown, sizeof shown, l->file), l->number, why.msg);
		return 0;
	}
	if (audit_filter_matches(p->filter, &rec) && ++p->n_matching > p->skip && !p->is_counting) {
		p->n_printed++;
		if (!print_line(l, &rec, p->is_json))
			r = err_set(err, ERR_IO, "cannot write to the standard output");
	}
	audit_record_done(&rec);
	return r;
}

static int
print_matching(struct audit_reader *reader, struct printing *p, struct err *err)
{
	struct audit_line l;
	int r;

	while ((r = audit_reader_next(reader, &l, err)) > 0) {
		p->n_lines++;
		if (l.is_torn)
			continue;	/* verify has told of it */
		r = print_record(p, &l, err);
		if (r < 0)
			break;
	}
	return r;
}

/*
 * The last n that match: looked for from the end, in ever longer pieces, as what is asked for is mostly near. is_whole: the filter has to see the log from its
 * beginning.
 */
static int
print_last(struct audit_reader *reader, struct printing *p, uint64_t n, bool is_whole, struct err *err)
{
	size_t piece = is_whole || n > SIZE_MAX / PIECE_GROWTH ? SIZE_MAX : (size_t)n + 64;
	struct printing count;
	int r;

	for (;;) {
		count = *p;
		count.is_counting = true;
		r = audit_reader_tail(reader, piece, err);
		if (r == 0)
			r = print_matching(reader, &count, err);
		if (r < 0 || count.n_matching >= n || count.n_lines < piece)
			break;
		piece = piece > SIZE_MAX / PIECE_GROWTH ? SIZE_MAX : piece * PIECE_GROWTH;
	}
	if (r == 0)
		r = audit_reader_tail(reader, piece, err);
	p->skip = count.n_matching > n ? count.n_matching - n : 0;
	return r < 0 ? r : print_matching(reader, p, err);
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

/* last=N is no filter but a wish for the end; *words is without it then. *ret_last 0: it was not there. */
static int
take_last(const char *const *words, size_t n, const char **rest, size_t *ret_n, uint64_t *ret_last, bool *ret_is_whole, struct err *err)
{
	char shown[64];

	*ret_n = 0;
	*ret_last = 0;
	*ret_is_whole = false;
	for (size_t i = 0; i < n; i++) {
		const char *digits = words[i] + 5;

		*ret_is_whole |= strstr(words[i], "runbook=") != NULL;	/* which a run's first record says */
		if (!str_has_prefix(words[i], "last=")) {
			rest[(*ret_n)++] = words[i];
			continue;
		}
		*ret_last = strlen(digits) <= LAST_DIGITS && strspn(digits, "0123456789") == strlen(digits) ? strtoull(digits, NULL, 10) : 0;
		if (*ret_last == 0)
			return err_set(err, ERR_USAGE, "--log: last=%s: a number of records from 1 is expected", str_escape_to(shown, sizeof shown, digits));
	}
	return 0;
}

static int
print_log(const char *dir, struct printing *p, uint64_t last, bool is_whole, struct err *err)
{
	struct audit_reader *reader;
	int r = audit_reader_open(dir, &reader, err);

	if (r < 0)
		return r;
	r = last > 0 ? print_last(reader, p, last, is_whole, err) : print_matching(reader, p, err);
	audit_reader_free(reader);
	return r;
}

int
audit_log_main(const char *path, const char *head_path, const char *const *words, size_t n, bool is_json)
{
	char *dir = audit_dir(path), *head = path == NULL || head_path != NULL ? audit_head_path(head_path) : NULL;
	const char **rest = xcalloc(n + 1, sizeof *rest);
	struct audit_filter *f = NULL;
	struct printing p = { .is_json = is_json };
	struct err err = ERR_INIT;
	bool is_whole;
	uint64_t last;
	int status = EXIT_SOME;

	if (take_last(words, n, rest, &n, &last, &is_whole, &err) < 0 || audit_filter_parse(rest, n, clock_now(), &f, &err) < 0) {
		status = EXIT_USAGE;
	} else {
		p.filter = f;
		if (!verify_first(dir, head))
			status = EXIT_WRONG;
		if (print_log(dir, &p, last, is_whole, &err) < 0)
			status = EXIT_WRONG;
		if (fflush(stdout) != 0 && err.code == 0) {
			err_set(&err, ERR_IO, "cannot write to the standard output");
			status = EXIT_WRONG;
		}
	}
	if (err.code != 0)
		fprintf(stderr, "opsconsole: %s\n", err.msg);
	audit_filter_free(f);
	free(rest);
	free(dir);
	free(head);
	return status == EXIT_SOME && p.n_printed == 0 ? EXIT_NONE : status;
}
