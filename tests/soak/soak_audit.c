/*
 * Writers die; the log holds.
 *
 * usage: soak_audit [-n ROUNDS] [-s SEED] [-v]
 *
 * Each round one to four processes append to one chain: an intent, an act (a line to the parent, once the intent is durable), a result. They are killed at a
 * random write, sync, head or rotation, or by the parent at a random act; some meet a failing disk instead. Afterwards the log is opened once more, as the next
 * start of the program would. It must verify; each act must have its intent, with the hash that was reported; the numbers must be those of one chain.
 */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/xalloc.h"

enum { WRITERS_MAX = 4, ACTS_MAX = 4096, ROUNDS_DEFAULT = 12 };

struct act {
	uint64_t seq;
	char hash[AUDIT_HASH_HEX + 1];
};

struct round {
	char dir[128], head[128];
	uint64_t random;
	struct act acts[ACTS_MAX];
	size_t n_acts;
};

static bool is_verbose;

/* splitmix64: the same rounds for the same seed, on every machine. */
static uint64_t
pick(uint64_t *random, uint64_t below)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* --- a writer ----------------------------------------------------------------------------------------------------------------- */

struct writer {
	struct audit *audit;
	int out;
	unsigned n_under_way;
	bool has_failed;
};

static void
on_result(const struct audit_done *done, void *arg)
{
	struct writer *w = arg;

	w->n_under_way--;
	w->has_failed |= done->err_code != 0;
}

/* The intent is durable: now, and only now, the act. */
static void
on_intent(const struct audit_done *done, void *arg)
{
	struct writer *w = arg;
	struct audit_draft d = { .type = AUDIT_RESULT, .run = "r" };
	struct act act = { .seq = done->seq };

	if (done->err_code != 0) {
		w->n_under_way--;
		w->has_failed = true;
		return;
	}
	memcpy(act.hash, done->hash, sizeof act.hash);
	if (write(w->out, &act, sizeof act) != (ssize_t)sizeof act)
		_exit(0);
	d.body = json_pack("{s:I, s:s, s:s}", "intent", (json_int_t)done->seq, "outcome", "OK", "out", "some output of the host, as it comes");
	audit_append(w->audit, &d, on_result, w);
}

static void __attribute__((noreturn))
write_until_killed(const struct round *r, uint64_t random, int out)
{
	static const enum fault_place places[] = { FAULT_AUDIT_WRITE, FAULT_AUDIT_FSYNC, FAULT_SAVE_RENAME, FAULT_AUDIT_ROTATE };
	static const enum fault_kind faults[] = { FAULT_KILL, FAULT_KILL, FAULT_KILL, FAULT_EIO, FAULT_ENOSPC, FAULT_SHORT };
	struct audit_options o = { .dir = r->dir, .head = r->head, .env = "soak", .mode = "soak", .rotate_bytes = 4096 << pick(&random, 6) };
	struct writer w = { .out = out };
	struct loop *l;
	unsigned n = 1 + (unsigned)pick(&random, 8);

	if (pick(&random, 4) > 0)
		fault_set(places[pick(&random, 4)], 1 + (unsigned)pick(&random, 40), faults[pick(&random, 6)]);
	if (loop_new(&l, NULL) < 0 || audit_open(l, &o, &w.audit, NULL) < 0)
		_exit(0);
	for (unsigned i = 0; i < 400 && !w.has_failed; i++) {
		while (w.n_under_way < n) {
			struct audit_draft d = { .type = AUDIT_INTENT, .run = "r", .body = json_pack("{s:s, s:s}", "step", "s", "what", "true") };

			w.n_under_way++;
			audit_append(w.audit, &d, on_intent, &w);
		}
		loop_once(l, -1);
	}
	audit_close(w.audit, NS_PER_S);
	_exit(0);
}

/* --- a round -------------------------------------------------------------------------------------------------------------------- */

/* Acts that come in, until all writers are gone. At the act numbered kill_at the one that did it dies. */
static void
collect(struct round *r, int in, const pid_t *pids, size_t n, size_t kill_at)
{
	struct act act;
	size_t at = r->n_acts + kill_at;
	ssize_t got;

	while ((got = read(in, &act, sizeof act)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof act)
			die("an act came in pieces");
		if (r->n_acts < ACTS_MAX)
			r->acts[r->n_acts++] = act;
		if (r->n_acts == at)
			for (size_t i = 0; i < n; i++)
				kill(pids[i], SIGKILL);
	}
}

static void
run_writers(struct round *r)
{
	pid_t pids[WRITERS_MAX];
	size_t n = 1 + pick(&r->random, WRITERS_MAX);
	int ends[2];

	if (pipe(ends) < 0)
		die("pipe: %s", strerror(errno));
	for (size_t i = 0; i < n; i++) {
		uint64_t random = pick(&r->random, UINT64_MAX);

		pids[i] = fork();
		if (pids[i] == 0) {
			close(ends[0]);
			write_until_killed(r, random, ends[1]);
		}
		if (pids[i] < 0)
			die("fork: %s", strerror(errno));
	}
	close(ends[1]);
	collect(r, ends[0], pids, n, 1 + pick(&r->random, 300));
	close(ends[0]);
	for (size_t i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
}

/* The next start of the program. */
static void
open_again(const struct round *r, const char *what)
{
	struct audit_options o = { .dir = r->dir, .head = r->head, .env = "soak", .mode = "again" };
	struct audit *a;
	struct loop *l;
	struct err err = ERR_INIT;

	if (loop_new(&l, &err) < 0 || audit_open(l, &o, &a, &err) < 0)
		die("%s: the log cannot be opened again: %s", what, err.msg);
	audit_close(a, 10 * NS_PER_S);
	loop_free(l);
}

static void
verify(const struct round *r, const char *what, struct audit_report *ret)
{
	struct audit_reader *reader;
	struct err err = ERR_INIT;

	if (audit_reader_open(r->dir, &reader, &err) < 0 || audit_verify(reader, NULL, r->head, ret, &err) < 0)
		die("%s: %s", what, err.msg);
	if (ret->verdict != AUDIT_GOOD)
		die("%s: %s: %s (%s, line %" PRIu64 ")", what, audit_verdict_name(ret->verdict), ret->text, ret->file, ret->line);
	audit_reader_free(reader);
}

static int
by_seq(const void *a, const void *b)
{
	const struct act *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Every act has its intent, on disk, under the number and hash that were reported. */
static void
match_acts(struct round *r, const char *what)
{
	struct audit_reader *reader;
	struct audit_line l;
	size_t i = 0;

	qsort(r->acts, r->n_acts, sizeof *r->acts, by_seq);
	if (audit_reader_open(r->dir, &reader, NULL) < 0)
		die("%s: the log is gone", what);
	while (i < r->n_acts && audit_reader_next(reader, &l, NULL) > 0) {
		struct audit_record rec;

		if (audit_record_read(l.bytes, l.len, &rec, NULL) < 0)
			die("%s: %s, line %" PRIu64 " is no record", what, l.file, l.number);
		if (rec.seq == r->acts[i].seq) {
			if (rec.type != AUDIT_INTENT || strcmp(rec.hash, r->acts[i].hash) != 0)
				die("%s: record %" PRIu64 " is not the intent that was acted on", what, rec.seq);
			i++;
		}
		audit_record_done(&rec);
	}
	if (i < r->n_acts)
		die("%s: the intent %" PRIu64 " was reported durable, acted on, and is lost", what, r->acts[i].seq);
	audit_reader_free(reader);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Several rounds share a log: what is left by one is found by the next. */
static void
run_rounds(unsigned n, uint64_t seed)
{
	struct round *r = xcalloc(1, sizeof *r);
	struct audit_report rep = { 0 };
	char root[] = "/tmp/opssoak.XXXXXX", what[64];
	uint64_t recovered = 0;

	if (mkdtemp(root) == NULL)
		die("mkdtemp: %s", strerror(errno));
	setenv("XDG_RUNTIME_DIR", root, 1);
	for (unsigned i = 0; i < n; i++) {
		if (i % 8 == 0) {
			recovered += rep.recovered;
			r->n_acts = 0;
			snprintf(r->dir, sizeof r->dir, "%s/%u", root, i);
			snprintf(r->head, sizeof r->head, "%s/%u-head", root, i);
		}
		snprintf(what, sizeof what, "round %u of seed %" PRIu64, i, seed);
		r->random = seed * 1000003 + i;
		run_writers(r);
		open_again(r, what);
		verify(r, what, &rep);
		match_acts(r, what);
		if (is_verbose)
			printf("%s: %" PRIu64 " records, %zu acts, %" PRIu64 " without a result, %" PRIu64 " recovered\n", what, rep.records, r->n_acts,
			    rep.open_intents, rep.recovered);
	}
	printf("%u rounds held; torn ends recovered: %" PRIu64 "\n", n, recovered + rep.recovered);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(r);
}

int
main(int argc, char **argv)
{
	unsigned n = ROUNDS_DEFAULT;
	uint64_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "n:s:v")) != -1) {
		if (c == 'n')
			n = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'v')
			is_verbose = true;
		else
			return 2;
	}
	run_rounds(n, seed);
	return 0;
}
