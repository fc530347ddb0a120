/*
 * What the audit log costs, beside the floors, in one run: `openssl dgst`, `sha256sum` and `journalctl --verify` for verify, a bare write() and fdatasync() for append. Peers that
 * are not installed are named and left out.
 *
 * usage: bench_audit [-n RECORDS] [-d FOLDER]        (default 1000000 records, under /tmp)
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/record_priv.h"
#include "audit/verify.h"
#include "audit_index.h"
#include "base/clock.h"
#include "base/xalloc.h"

enum { DURABLE = 2000, GROUPED = 200064, GROUP = 128, RUNS = 3, RECORD = 443 /* bytes of one */ };

extern char **environ;

static const struct audit_actor actor = { "alice", 1000, "web", "/dev/pts/3", "192.0.2.7" };
static char root[256];

static double
seconds_since(int64_t mono_ns)
{
	return (double)(clock_mono_fresh() - mono_ns) / (double)NS_PER_S;
}

static void __attribute__((noreturn))
give_up(const char *what, const struct err *err)
{
	fprintf(stderr, "bench_audit: %s: %s\n", what, err != NULL ? err->msg : strerror(errno));
	exit(1);
}

static json_t *
body(uint64_t n)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:i}", "intent", (json_int_t)n, "step", "activate", "host", "web-01", "outcome", "OK", "elapsed_ms", 1930);
}

/* --- verify ---------------------------------------------------------------------------------------------------------------------- */

/* records one after the other, a write() for each 1 MiB (is_each: for each record). */
static double
make_log(const char *path, uint64_t n, bool is_each, struct audit_head *ret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct audit_draft d = { .type = AUDIT_RESULT, .run = "20300101-022931-web", .body = body(1) };
	struct buf b;
	int64_t begin;

	if (fd < 0)
		give_up(path, NULL);
	buf_init(&b, 4 << 20);
	*ret = (struct audit_head){ .hash = AUDIT_ZERO };
	begin = clock_mono_fresh();
	for (ret->seq = 1; ret->seq <= n; ret->seq++) {
		char prev[AUDIT_HASH_HEX + 1];
		struct err err = ERR_INIT;

		memcpy(prev, ret->hash, sizeof prev);
		if (audit_record_write(&b, ret->seq, INT64_C(1893456000) * NS_PER_S + (int64_t)ret->seq, prev, &actor, "prod", &d, ret->hash, &err) < 0)
			give_up("record", &err);
		if (b.len >= 1 << 20 || is_each || ret->seq == n) {
			if (write(fd, b.data, b.len) != (ssize_t)b.len)
				give_up(path, NULL);
			buf_reset(&b);
		}
	}
	ret->seq--;
	close(fd);
	json_decref(d.body);
	buf_done(&b);
	return seconds_since(begin);
}

static double
verify_once(const char *path, const char *head, unsigned threads, bool is_chain_only)
{
	const struct audit_verify_options o = { .head = head, .threads = threads, .is_chain_only = is_chain_only };
	struct audit_reader *r;
	struct audit_report rep;
	struct err err = ERR_INIT;
	int64_t begin = clock_mono_fresh();

	if (audit_reader_open(path, &r, &err) < 0 || audit_verify_with(r, &o, &rep, &err) < 0)
		give_up("verify", &err);
	if (rep.verdict != AUDIT_GOOD)
		give_up(rep.text, NULL);
	audit_reader_free(r);
	return seconds_since(begin);
}

/* Wall time of a command, and the CPU it took; -1: it cannot be run. */
static double
command_once(const char *const *argv)
{
	posix_spawn_file_actions_t fa;
	int64_t begin = clock_mono_fresh();
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	status = posix_spawnp(&pid, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ) == 0 ? 0 : -1;
	posix_spawn_file_actions_destroy(&fa);
	if (status < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -1;
	return seconds_since(begin);
}

/* The bytes through SHA-256 in 1 MiB pieces and nothing else. */
static double
digest_once(const char *path)
{
	char *bytes = xmalloc(1 << 20);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	int64_t begin = clock_mono_fresh();
	int fd = open(path, O_RDONLY);
	ssize_t n;

	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	while ((n = read(fd, bytes, 1 << 20)) > 0)
		EVP_DigestUpdate(ctx, bytes, (size_t)n);
	EVP_DigestFinal_ex(ctx, md, NULL);
	EVP_MD_CTX_free(ctx);
	close(fd);
	free(bytes);
	return seconds_since(begin);
}

enum { MODES = 4 };
static const struct { const char *what; unsigned threads; bool is_chain_only; const char *aim; } modes[MODES] = {
	{ "chain alone, one thread", 1, true, "1.5" }, { "chain alone, two threads", 2, true, "0.75" }, { "each record's form, one thread", 1, false, "3" },
	{ "each record's form, two threads", 2, false, "" },
};

static double
least(double a, double b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void
print_peer(const char *what, double s, double dgst)
{
	if (s < 0)
		printf("  %-32s not installed here, or it failed\n", what);
	else
		printf("  %-32s%8.3f s  %.2fx openssl dgst\n", what, s, s / dgst);
}

static void
bench_journal(uint64_t n)
{
	const char *const argv[] = { "journalctl", "--verify", "--quiet", NULL };
	double s = command_once(argv);

	(void)n;
	if (s < 0)
		printf("  journalctl --verify: not here, or there is no journal\n");
	else
		printf("  journalctl --verify of this machine's journal: %.3f s\n", s);
	printf("  sudoreplay: not installed, not compared\n");
}

static void
bench_list(const char *path, uint64_t n)
{
	struct audit_index *ix = audit_index_new(path);
	struct audit_view *v = block_new(sizeof *v);
	struct err err = ERR_INIT;
	int64_t begin = clock_mono_fresh();
	double opened;

	while (audit_index_step(ix, NS_PER_S, &err) > 0)
		;
	if (audit_index_window(ix, UINT64_MAX, v, &err) < 0 || v->n_records != n)
		give_up("list", &err);
	opened = seconds_since(begin);
	block_unref(v);
	begin = clock_mono_fresh();
	for (uint64_t i = 0; i < 20; i++) {
		v = block_new(sizeof *v);
		if (audit_index_window(ix, n / 20 * i, v, &err) < 0)
			give_up("window", &err);
		block_unref(v);
	}
	printf("opened, counted, newest 512 listed    %8.3f s  (aim 1 s); any other 512: %.1f ms\n", opened, seconds_since(begin) / 20 * 1e3);
	audit_index_free(ix);
}

/* From here on the kernel counts anew what memory there was at most. */
static void
peak_forget(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	if (fd < 0 || write(fd, "5", 1) != 1)
		fprintf(stderr, "bench_audit: /proc/self/clear_refs: %s: memory is that of the whole program\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Not ru_maxrss, which begins with what the program had that started this one. */
static double
peak_mib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmHWM: %lu", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return (double)kib / 1024;
}

/* Memory is that of the first round, before anything else has run in here but the making of the log. */
static void
bench_verify(uint64_t n)
{
	const char *dgst[] = { "openssl", "dgst", "-sha256", NULL, NULL }, *sum[] = { "sha256sum", NULL, NULL };
	double best[MODES] = { 1e9, 1e9, 1e9, 1e9 }, floor_s = 1e9, dgst_s = -1, sum_s = -1, made, peak = 0;
	struct audit_head end;
	struct stat st;
	char path[300], head[128];

	snprintf(path, sizeof path, "%s/log", root);
	dgst[3] = sum[1] = path;
	made = make_log(path, n, true, &end);
	printf("append, a write() each, no sync   %8.3f s  %9.0f records/s\n", made, (double)n / made);
	made = make_log(path, n, false, &end);
	printf("append, 1 MiB a write, no sync    %8.3f s  %9.0f records/s\n", made, (double)n / made);
	snprintf(head, sizeof head, "%" PRIu64 ":%s", end.seq, end.hash);
	peak_forget();
	for (int i = 0; i < RUNS; i++) {
		for (size_t m = 0; m < MODES; m++)
			best[m] = least(best[m], verify_once(path, head, modes[m].threads, modes[m].is_chain_only));
		if (i == 0)
			peak = peak_mib();
		floor_s = least(floor_s, digest_once(path));
		dgst_s = least(dgst_s, command_once(dgst));
		sum_s = least(sum_s, command_once(sum));
	}
	stat(path, &st);
	if (dgst_s < 0)
		dgst_s = floor_s;
	printf("verify %" PRIu64 " records, %.1f MB; memory while it verified %.1f MiB (aim 8)\n", n, (double)st.st_size / 1e6, peak);
	for (size_t m = 0; m < MODES; m++)
		printf("  %-32s%8.3f s  %.2fx openssl dgst%s%s  %9.0f records/s\n", modes[m].what, best[m], best[m] / dgst_s, modes[m].aim[0] != '\0' ? ", aim " : "",
		    modes[m].aim, (double)n / best[m]);
	printf("  %-32s%8.3f s\n", "openssl dgst -sha256", dgst_s);
	printf("  %-32s%8.3f s\n", "SHA-256 of the bytes, in here", floor_s);
	print_peer("sha256sum", sum_s, dgst_s);
	bench_journal(n);
	bench_list(path, n);
	unlink(path);
}

/* --- append ----------------------------------------------------------------------------------------------------------------------- */

struct tally { uint64_t n; };

static void
on_done(const struct audit_done *done, void *arg)
{
	struct tally *t = arg;

	if (done->err_code != 0)
		give_up(done->err, NULL);
	t->n++;
}

/* n records, `group` of them under way at a time. What they say was made before: the write() that this is held against makes nothing either. */
static double
append_all(struct loop *l, struct audit *a, uint64_t n, uint64_t group)
{
	json_t *bodies[GROUP];
	struct tally t = { 0 };
	int64_t begin;
	double s;

	for (uint64_t i = 0; i < GROUP; i++)
		bodies[i] = body(i + 1);
	begin = clock_mono_fresh();
	for (uint64_t sent = 0; t.n < n;) {
		for (; sent < n && sent < t.n + group; sent++) {
			struct audit_draft d = { .type = AUDIT_RESULT, .run = "20300101-022931-web", .body = json_incref(bodies[sent % GROUP]) };

			audit_append(a, &d, on_done, &t);
		}
		loop_once(l, -1);
	}
	s = seconds_since(begin);
	for (uint64_t i = 0; i < GROUP; i++)
		json_decref(bodies[i]);
	return s;
}

static int
bare_open(uint64_t bytes)
{
	char path[300];
	int fd;

	snprintf(path, sizeof path, "%s/bare", root);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (fd < 0)
		give_up(path, NULL);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) < 0)
		fprintf(stderr, "bench_audit: no space can be kept ready here: %s\n", strerror(errno));
	return fd;
}

static void
write_and_sync(int fd, const char *bytes, size_t len)
{
	if (write(fd, bytes, len) != (ssize_t)len || fdatasync(fd) < 0)
		give_up("bare", NULL);
}

static double
bare_sync(uint64_t n, size_t len)
{
	char *bytes = xcalloc(1, len);
	int fd = bare_open(n * len);
	int64_t begin = clock_mono_fresh();
	double s;

	for (uint64_t i = 0; i < n; i++)
		write_and_sync(fd, bytes, len);
	s = seconds_since(begin);
	close(fd);
	free(bytes);
	return s;
}

/* The same by a second thread, which is told of each record and says when it is done: what it costs that the first may not wait for the disk. */
struct other {
	pthread_mutex_t lock;
	pthread_cond_t work;
	bool has_work;
	int fd, ready_fd;
	uint64_t n;
};

static void *
other_thread(void *arg)
{
	static const char bytes[RECORD];
	static const uint64_t one = 1;
	struct other *o = arg;

	for (uint64_t i = 0; i < o->n; i++) {
		pthread_mutex_lock(&o->lock);
		while (!o->has_work)
			pthread_cond_wait(&o->work, &o->lock);
		o->has_work = false;
		pthread_mutex_unlock(&o->lock);
		write_and_sync(o->fd, bytes, sizeof bytes);
		if (write(o->ready_fd, &one, sizeof one) < 0)
			give_up("eventfd", NULL);
	}
	return NULL;
}

static double
other_sync(uint64_t n)
{
	struct other o = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .fd = bare_open(n * RECORD),
	    .ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .n = n };
	struct pollfd ready = { .fd = o.ready_fd, .events = POLLIN };
	pthread_t thread;
	uint64_t count;
	int64_t begin;
	double s;

	if (pthread_create(&thread, NULL, other_thread, &o) != 0)
		give_up("thread", NULL);
	begin = clock_mono_fresh();
	for (uint64_t i = 0; i < n; i++) {
		pthread_mutex_lock(&o.lock);
		o.has_work = true;
		pthread_mutex_unlock(&o.lock);
		pthread_cond_signal(&o.work);
		while (poll(&ready, 1, -1) < 0 || read(o.ready_fd, &count, sizeof count) < 0)
			;
	}
	s = seconds_since(begin);
	pthread_join(thread, NULL);
	close(o.fd);
	close(o.ready_fd);
	return s;
}

/* In turn, and the best of each: a disk is not as fast now as it is then. */
static void
bench_append(void)
{
	char dir[300], head[300];
	struct audit_options o = { .dir = dir, .head = head, .env = "prod", .mode = "bench", .actor = &actor };
	struct audit *a;
	struct loop *l;
	struct err err = ERR_INIT;
	double bare = -1, other = -1, one = -1, bare_many = -1, many = -1;

	snprintf(dir, sizeof dir, "%s/audit", root);
	snprintf(head, sizeof head, "%s/head", root);
	if (loop_new(&l, &err) < 0 || audit_open(l, &o, &a, &err) < 0)
		give_up("open", &err);
	for (int i = 0; i < RUNS; i++) {
		bare = least(bare, bare_sync(DURABLE, RECORD));
		other = least(other, other_sync(DURABLE));
		one = least(one, append_all(l, a, DURABLE, 1));
		bare_many = least(bare_many, bare_sync(GROUPED / GROUP, (size_t)GROUP * RECORD));
		many = least(many, append_all(l, a, GROUPED, GROUP));
	}
	printf("durable, one at a time            %8.3f s  %9.0f records/s  %.2fx bare (aim 1.1)\n", one, DURABLE / one, one / bare);
	printf("  bare write() and fdatasync()    %8.3f s\n", bare);
	printf("  ... by another thread           %8.3f s  %.2fx bare\n", other, other / bare);
	printf("durable, %d under way            %8.3f s  %9.0f records/s (aim 250000; what they say was made before)\n", GROUP, many, GROUPED / many);
	printf("  as many bytes a bare sync       %8.3f s  %9.0f records/s\n", bare_many, GROUPED / bare_many);
	audit_close(a, 10 * NS_PER_S);
	loop_free(l);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
main(int argc, char **argv)
{
	uint64_t n = 1000000;
	const char *under = "/tmp";
	int c;

	while ((c = getopt(argc, argv, "n:d:")) != -1) {
		if (c == 'n')
			n = strtoull(optarg, NULL, 10);
		else if (c == 'd')
			under = optarg;
		else
			return 2;
	}
	snprintf(root, sizeof root, "%s/bench_audit.XXXXXX", under);
	if (mkdtemp(root) == NULL)
		give_up(root, NULL);
	bench_verify(n);
	bench_append();
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
