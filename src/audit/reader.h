/*
 * Reading the log: files of one folder in order (or one file), line by line, forwards; and from the end backwards for what is newest. Sits on a small vtable with a
 * memory back end for tests.
 */
#ifndef OPS_AUDIT_READER_H
#define OPS_AUDIT_READER_H

#include "audit/record.h"

struct audit_reader;
int audit_reader_open(const char *path, struct audit_reader **ret, struct err *err);	/* folder or file; ERR_NOTFOUND when there is no log */
struct audit_reader *audit_reader_memory(const char *const *names, const char *const *texts, const size_t *lens, size_t n);
void audit_reader_free(struct audit_reader *r);
/* 1 a line (borrowed until the next call; without LF), 0 the end, negative ERR_*. is_torn: bytes at the very end without LF. */
struct audit_line { const char *bytes; size_t len; const char *file; uint64_t number; uint64_t offset; bool is_torn; };
int audit_reader_next(struct audit_reader *r, struct audit_line *ret, struct err *err);
/* Begin again before the last n lines. */
int audit_reader_tail(struct audit_reader *r, size_t n, struct err *err);

/* --- filters: --log's arguments ------------------------------------------------------------------------------------------------
 * Words, all of which must hold: run=ID runbook=NAME type=intent,result host=web-* user=NAME (or actor=NAME) env=NAME incident=ID outcome=failed since=TIME until=TIME (RFC 3339, 02:10 or -2h),
 * values are lists with commas of shell patterns; the name of its runbook stands in a run's first record only, so records are to be given in order;
 * text=WORD or a bare WORD (anywhere in the line, case ignored); `not` before one, `or` between, parentheses; `and` may stand. A word
 * with blanks in it is as many words, but for text=, which takes all that follows. --log alone also has last=N: the last N of those that match, found from the end. */
struct audit_filter;
int audit_filter_parse(const char *const *words, size_t n, int64_t now_ns, struct audit_filter **ret, struct err *err);
/* The same for other things than records, made to look like them: type= is one of these names. */
int audit_filter_parse_types(const char *const *words, size_t n, int64_t now_ns, const char *const *types, struct audit_filter **ret, struct err *err);
bool audit_filter_matches(const struct audit_filter *f, const struct audit_record *r);	/* NULL matches all */
void audit_filter_free(struct audit_filter *f);

/* --log: prints the records that match, oldest first; a line each, or JSON lines as they stand in the log. Exit status: 0 some, 1 none, 2 usage, 3 cannot be read or did not verify
 * (said on stderr, the records are printed all the same). head_path: of the file its end is compared with; NULL: the usual one where path is NULL too, else none. */
int audit_log_main(const char *path, const char *head_path, const char *const *words, size_t n, bool is_json);

/* What became of earlier runs, for panels, --resume and `previous`: newest first, at most n. */
struct audit_run {
	char *run, *runbook, *env, *target, *outcome, *user, *incident;	/* outcome NULL: no end recorded */
	int64_t started_ns, ended_ns;
	int exit;			/* -1: no end */
	bool is_verified;
	json_t *start, *end;		/* the records; owned */
};
int audit_runs(const char *path, const char *env, const char *runbook, size_t n, struct audit_run **ret, size_t *ret_n, struct err *err);	/* env, runbook NULL: any */
void audit_runs_free(struct audit_run *v, size_t n);
/* The incident that is open (newest opened and not closed) in env; ret_id malloc()ed, NULL: none. */
int audit_open_incident(const char *path, const char *env, char **ret_id, char **ret_title, int64_t *ret_opened_ns, struct err *err);

#endif
