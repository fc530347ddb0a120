#include "config.h"

#include "verify_main.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/reader_priv.h"
#include "audit/record_priv.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "checkpoints.h"
#include "verify_chunks.h"

enum { EXIT_GOOD = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_UNREAD = 3, EXIT_UNANCHORED = 4 };

struct session {
	const struct verify_ask *ask;
	struct audit_mark marks[AUDIT_MARKS_MAX];
	char *names[AUDIT_MARKS_MAX];
	size_t n_marks;
	bool has_checkpoint;		/* it is marks[0] */
	struct audit_checkpoint checkpoint;
	char signer[256];
	size_t n_met;			/* marks that a slice of the packed file has */
	int status;
};

static bool
is_same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISDIR(x.st_mode) && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static bool
is_own(const struct verify_ask *a, const char *const *paths, size_t n, const char *own)
{
	return (a->n == 0 && n == 0) || (n == 1 && is_same_folder(paths[0], own));
}

/* Of the user's own log: where the writer puts it. Of another folder: the file beside it that a fallback has. Of files: none. */
static char *
head_for(const struct verify_ask *a, const char *const *paths, size_t n, const char *own)
{
	char *head = NULL;
	struct stat st;

	if (is_own(a, paths, n, own)) {
		head = audit_head_path(a->own_head);
	} else if (n == 1 && stat(paths[0], &st) == 0 && S_ISDIR(st.st_mode)) {
		size_t len = strlen(paths[0]);

		while (len > 1 && paths[0][len - 1] == '/')
			len--;
		head = xasprintf("%.*s-head", (int)len, paths[0]);
	}
	return head;
}

/* --- results ---------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Something wrong outranks what could not be read, and that what is not anchored. */
static void
status_add(struct session *s, int status)
{
	static const int ranks[] = { [EXIT_GOOD] = 0, [EXIT_WRONG] = 4, [EXIT_USAGE] = 3, [EXIT_UNREAD] = 2, [EXIT_UNANCHORED] = 1 };

	if (ranks[status] > ranks[s->status])
		s->status = status;
}

static void
status_add_report(struct session *s, const struct audit_report *r)
{
	status_add(s, r->verdict == AUDIT_GOOD ? EXIT_GOOD : r->verdict == AUDIT_UNANCHORED ? EXIT_UNANCHORED : EXIT_WRONG);
}

static void
complain(struct session *s, const struct err *err)
{
	fprintf(stderr, "opsconsole: %s\n", err->msg);
	status_add(s, err->code == ERR_USAGE ? EXIT_USAGE : EXIT_UNREAD);
}

static bool
is_finding(const struct audit_report *r)
{
	return r->verdict != AUDIT_GOOD && r->verdict != AUDIT_UNANCHORED;
}

/* What is wrong with the chain outranks what is wrong with a recording. */
static const char *
verdict_of(const struct audit_report *r, const struct chunk_report *c)
{
	if (!is_finding(r) && c->n > 0)
		return c->v[0].what;
	return audit_verdict_name(r->verdict);
}

static json_t *
chunks_json(const struct chunk_report *c)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I}", "good", (json_int_t)c->good, "edited", (json_int_t)c->edited, "missing", (json_int_t)c->missing,
	    "absent", (json_int_t)c->absent, "unrecorded", (json_int_t)c->unrecorded), *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s}", "what", c->v[i].what, "seq", (json_int_t)c->v[i].seq, "file", c->v[i].file, "text",
		    c->v[i].text));
	json_object_set_new(o, "findings", list);
	return o;
}

static void
print_chunks(const struct chunk_report *c)
{
	if (c->good > 0)
		printf("  %" PRIu64 " chunk%s of recordings hold%s\n", c->good, c->good == 1 ? "" : "s", c->good == 1 ? "s" : "");
	for (size_t i = 0; i < c->n; i++)
		printf("  %s: %s\n    at %s\n", c->v[i].what, c->v[i].text, c->v[i].file);
	if (c->edited + c->missing > c->n)
		printf("  and %" PRIu64 " more chunks that do not hold or are gone\n", c->edited + c->missing - c->n);
	if (c->absent > 0)
		printf("  %" PRIu64 " chunk%s of recordings that are not here\n", c->absent, c->absent == 1 ? "" : "s");
	if (c->unrecorded > 0)
		printf("  %" PRIu64 " chunk%s that no record vouches for\n", c->unrecorded, c->unrecorded == 1 ? "" : "s");
}

static void
print_object(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	if (text != NULL)
		puts(text);
	free(text);
	json_decref(o);
}

/* --- heads known from elsewhere --------------------------------------------------------------------------------------------------------------------------------- */

static void
mark_add(struct session *s, char *name, uint64_t seq, const char *hash)
{
	struct audit_mark *m = &s->marks[s->n_marks];

	s->names[s->n_marks] = name;
	*m = (struct audit_mark){ .name = name, .seq = seq };
	memcpy(m->hash, hash, sizeof m->hash);
	s->n_marks++;
}

/* false: there is nothing to compare with. */
static bool
read_checkpoint(struct session *s)
{
	struct err err = ERR_INIT;
	char shown[200];
	int r;

	if (s->ask->checkpoint == NULL)
		return true;
	r = checkpoint_check(s->ask->checkpoint, s->ask->signers, &s->checkpoint, s->signer, sizeof s->signer, &err);
	if (r < 0) {
		complain(s, &err);
		s->status = r == ERR_DENIED || r == ERR_SYNTAX ? EXIT_WRONG : EXIT_UNREAD;
		return false;
	}
	s->has_checkpoint = true;
	mark_add(s, xasprintf("the checkpoint %s", str_escape_to(shown, sizeof shown, s->ask->checkpoint)), s->checkpoint.seq, s->checkpoint.hash);
	return true;
}

static void
read_copies(struct session *s)
{
	for (size_t i = 0; s->ask->own_copies != NULL && s->ask->own_copies[i] != NULL && s->n_marks < AUDIT_MARKS_MAX; i++) {
		struct audit_head head;
		struct err err = ERR_INIT;
		char shown[200];

		if (audit_head_read(s->ask->own_copies[i], &head, &err) == 0)
			mark_add(s, xasprintf("the copy %s", str_escape_to(shown, sizeof shown, s->ask->own_copies[i])), head.seq, head.hash);
		else
			fprintf(stderr, "opsconsole: copy of the head not compared: %s\n", err.msg);
	}
}

static const char *
checkpoint_words(const struct session *s, const struct audit_report *r)
{
	if (s->checkpoint.seq < r->first_seq)
		return "it is of a record before these, and says nothing of them";
	if (s->checkpoint.seq > r->last_seq)
		return is_finding(r) ? "not compared" : "it is of a record behind these, and says nothing of them";
	return r->marks_met > 0 && !is_finding(r) ? "holds" : "see above";
}

static void
print_checkpoint(const struct session *s, const struct audit_report *r)
{
	char when[CLOCK_TEXT_MAX];

	if (s->has_checkpoint)
		printf("  checkpoint of record %" PRIu64 ", signed by %s at %s: %s\n", s->checkpoint.seq, s->signer, clock_format(when, s->checkpoint.time_ns, 0),
		    checkpoint_words(s, r));
}

static json_t *
checkpoint_json(const struct session *s, const struct audit_report *r)
{
	char when[CLOCK_TEXT_MAX];

	return json_pack("{s:I, s:s, s:s, s:s}", "seq", (json_int_t)s->checkpoint.seq, "signer", s->signer, "time", clock_format(when, s->checkpoint.time_ns, 0),
	    "text", checkpoint_words(s, r));
}

/* --- a log -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void
show_log(struct session *s, const struct audit_report *rep, const struct chunk_report *chunks)
{
	json_t *o;

	if (!s->ask->is_json) {
		audit_report_print(rep);
		print_checkpoint(s, rep);
		print_chunks(chunks);
		return;
	}
	o = audit_report_json(rep);
	json_object_set_new(o, "verdict", json_string(verdict_of(rep, chunks)));
	json_object_set_new(o, "chunks", chunks_json(chunks));
	if (s->has_checkpoint)
		json_object_set_new(o, "checkpoint", checkpoint_json(s, rep));
	print_object(o);
}

static void
verify_log(struct session *s, const char *const *paths, size_t n)
{
	char *own = audit_dir(s->ask->own_dir), *head_path = head_for(s->ask, paths, n, own);
	const char *own_path = own;
	struct chunk_claims *claims = chunk_claims_new();
	struct audit_verify_options o = { .head = s->ask->head, .head_path = head_path, .marks = s->marks, .record = chunk_claims_record, .arg = claims };
	struct audit_reader *reader = NULL;
	struct chunk_report chunks;
	struct audit_report rep;
	struct err err = ERR_INIT;
	size_t n_asked = s->n_marks;
	int r;

	if (is_own(s->ask, paths, n, own))
		read_copies(s);
	o.n_marks = s->n_marks;
	r = audit_reader_open_many(n > 0 ? paths : &own_path, n > 0 ? n : 1, &reader, &err);
	/* No log but a head that names records: all of it was taken away. */
	if (r == ERR_NOTFOUND && (s->ask->head != NULL || s->n_marks > 0 || (head_path != NULL && access(head_path, F_OK) == 0))) {
		reader = audit_reader_memory(NULL, NULL, NULL, 0);
		r = 0;
	}
	if (r == 0)
		r = audit_verify_with(reader, &o, &rep, &err);
	if (r == 0) {
		chunk_claims_check(claims, s->ask->recordings, &chunks);
		status_add_report(s, &rep);
		status_add(s, chunks.n > 0 ? EXIT_WRONG : EXIT_GOOD);
		show_log(s, &rep, &chunks);
	} else {
		complain(s, &err);
	}
	while (s->n_marks > n_asked)	/* copies are of this log */
		free(s->names[--s->n_marks]);
	audit_reader_free(reader);
	chunk_claims_free(claims);
	free(own);
	free(head_path);
}

/* --- a packed file ------------------------------------------------------------------------------------------------------------------------------------------------- */

/* A slice ends where the incident did: of a head behind it nothing is to be said. Of several chains a head is compared with the one that has its record. */
static int
verify_slice(struct session *s, const struct pack *p, size_t i, struct chunk_claims *claims, struct audit_report *ret, struct err *err)
{
	const char *name, *head, *text;
	size_t len;
	struct audit_verify_options o = { .record = chunk_claims_record, .arg = claims };
	struct audit_reader *reader;
	struct audit_mark packed = { 0 };
	int r;

	text = pack_slice(p, i, &len, &name, &head);
	reader = audit_reader_memory(&name, &text, &len, 1);
	audit_reader_set_slice(reader);
	if (head != NULL && audit_mark_parse(head, strlen(head), &packed))
		o.head = head;
	o.marks = s->marks;
	o.n_marks = s->n_marks > 0 && (packed.seq == 0 || s->marks[0].seq <= packed.seq) ? s->n_marks : 0;
	r = audit_verify_with(reader, &o, ret, err);
	audit_reader_free(reader);
	if (r == 0 && ret->marks_met > s->n_met)
		s->n_met = ret->marks_met;
	return r;
}

/* --head is one more mark: slices have heads of their own. */
static bool
take_head(struct session *s)
{
	struct audit_mark m;

	if (s->ask->head == NULL)
		return true;
	if (!audit_mark_parse(s->ask->head, strlen(s->ask->head), &m)) {
		fputs("opsconsole: --head: expected SEQ:HASH, the hash in 64 lower-case hex digits\n", stderr);
		status_add(s, EXIT_USAGE);
		return false;
	}
	mark_add(s, xstrdup("--head"), m.seq, m.hash);
	return true;
}

static void
show_slice(struct session *s, const struct pack *p, size_t i, const struct audit_report *rep, json_t *slices)
{
	const char *name, *head;
	char shown[200];
	size_t len;
	json_t *o;

	pack_slice(p, i, &len, &name, &head);
	if (!s->ask->is_json) {
		printf("%s: ", str_escape_to(shown, sizeof shown, name));
		audit_report_print(rep);
		print_checkpoint(s, rep);
		return;
	}
	o = audit_report_json(rep);
	json_object_set_new(o, "member", json_string(name));
	if (s->has_checkpoint)
		json_object_set_new(o, "checkpoint", checkpoint_json(s, rep));
	json_array_append_new(slices, o);
}

/* What would have to be compared and was not; NULL: nothing. */
static const char *
unanchored_why(const struct session *s, const struct pack *p)
{
	if (pack_n_slices(p) == 0)
		return "it holds no part of an audit log: nothing vouches for its chunks";
	if (s->n_met < s->n_marks)
		return "a head that was given is of no record in this packed file: it was not compared";
	return NULL;
}

static void
verify_open_pack(struct session *s, const char *path, const struct pack *p)
{
	struct chunk_claims *claims = chunk_claims_new();
	json_t *slices = json_array(), *o;
	struct chunk_report chunks;
	struct err err = ERR_INIT;
	const char *verdict = "good", *why;
	char *shown = xcalloc(1, 4 * strlen(path) + 8);

	s->n_met = 0;
	str_escape_to(shown, 4 * strlen(path) + 8, path);
	if (!s->ask->is_json)
		printf("packed file %s\n", shown);
	for (size_t i = 0; i < pack_n_slices(p); i++) {
		struct audit_report rep;

		if (verify_slice(s, p, i, claims, &rep, &err) < 0) {
			complain(s, &err);
			continue;
		}
		status_add_report(s, &rep);
		if (is_finding(&rep) && strcmp(verdict, "good") == 0)
			verdict = audit_verdict_name(rep.verdict);
		show_slice(s, p, i, &rep, slices);
	}
	chunk_claims_check_pack(claims, p, &chunks);
	status_add(s, chunks.n > 0 ? EXIT_WRONG : EXIT_GOOD);
	if (chunks.n > 0 && strcmp(verdict, "good") == 0)
		verdict = chunks.v[0].what;
	why = unanchored_why(s, p);
	if (why != NULL) {
		status_add(s, EXIT_UNANCHORED);
		verdict = strcmp(verdict, "good") == 0 ? "unanchored" : verdict;
	}
	/* Whatever the chain does not cover: the manifest's own sums. */
	if (pack_check(p, &err) < 0) {
		status_add(s, EXIT_WRONG);
		if (strcmp(verdict, "good") == 0)
			verdict = "damaged";
	}
	if (s->ask->is_json) {
		o = json_pack("{s:s, s:s, s:O, s:o, s:s}", "verdict", verdict, "pack", shown, "slices", slices, "chunks", chunks_json(&chunks), "text",
		    err.code != 0 ? err.msg : why != NULL ? why : "");
		print_object(o);
	} else {
		print_chunks(&chunks);
		if (err.code != 0)
			printf("  damaged: %s\n", err.msg);
		if (why != NULL)
			printf("  unanchored: %s\n", why);
	}
	json_decref(slices);
	chunk_claims_free(claims);
	free(shown);
}

static void
verify_pack(struct session *s, const char *path)
{
	struct err err = ERR_INIT;
	struct pack *p;

	if (pack_open(path, &p, &err) < 0) {
		complain(s, &err);
		if (err.code == ERR_SYNTAX)
			status_add(s, EXIT_WRONG);
		return;
	}
	verify_open_pack(s, path, p);
	pack_free(p);
}

/* --- all of it ------------------------------------------------------------------------------------------------------------------------------------------------------ */

int
verify_main(const struct verify_ask *a)
{
	struct session s = { .ask = a };
	const char **logs = xcalloc(a->n + 1, sizeof *logs), **packs = xcalloc(a->n + 1, sizeof *packs);
	size_t n_logs = 0, n_packs = 0;

	for (size_t i = 0; i < a->n; i++)
		if (pack_is(a->paths[i]))
			packs[n_packs++] = a->paths[i];
		else
			logs[n_logs++] = a->paths[i];
	if (read_checkpoint(&s)) {
		if (n_logs > 0 || n_packs == 0)
			verify_log(&s, logs, n_logs);
		if (n_packs > 0 && take_head(&s))
			for (size_t i = 0; i < n_packs; i++)
				verify_pack(&s, packs[i]);
	}
	for (size_t i = 0; i < s.n_marks; i++)
		free(s.names[i]);
	free(logs);
	free(packs);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "opsconsole: cannot write to the standard output: %s\n", strerror(errno));
		return EXIT_UNREAD;
	}
	return s.status;
}
