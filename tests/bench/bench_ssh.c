/*
 * Commands on many hosts over SSH: ours (supervisor on, host keys checked) against a bare libssh2 loop, xargs ssh and what else is installed.
 *
 * usage: bench_ssh [-n RUNS] FARM HOSTS...                 FARM is tests/fakes/sshd-farm; needs sshd (OPSLAB_SERVERS=DIR)
 *        bench_ssh --as ROW DIR HOSTS COMMAND              (itself: one run)
 *
 * Each run is a program started afresh; rows take turns. Wall and CPU of ours and of the bare loop are read inside, from the first command asked for to the last one
 * ended, so that "warm" can have ssh -G behind it; the private ssh-agent's CPU is counted with ours. Peers are measured from fork to exit with their
 * children. All use curve25519-sha256 and an ed25519 key; the hosts' HOME is empty. A run in which a command fails is an error.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh/ssh.h"

enum { RUNS_MAX = 51, HOSTS_MAX = 250, LIVE_COMMANDS = 100 };

static const char *const commands[][4] = { { "true" }, { "printf", "%010000d", "0" } };
static const char *const command_texts[] = { "true", "printf %010000d 0" };

struct cost { double wall_ms, cpu_ms, rss_mb; };

static double
cpu_of(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static double
peak_mb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss / 1024;
}

/* Of children that run still: our ssh-agent. */
static double
cpu_of_living(void)
{
	char path[64];
	double sum = 0;
	FILE *list, *one;
	long pid;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	list = fopen(path, "r");
	while (list != NULL && fscanf(list, "%ld", &pid) == 1) {
		double ns;

		snprintf(path, sizeof path, "/proc/%ld/schedstat", pid);
		one = fopen(path, "r");
		if (one != NULL && fscanf(one, "%lf", &ns) == 1)
			sum += ns / 1e6;
		if (one != NULL)
			fclose(one);
	}
	if (list != NULL)
		fclose(list);
	return sum;
}

static double
cpu_all(void)
{
	return cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) + cpu_of_living();
}

static int
tell(const struct cost *c)
{
	return printf("%.3f %.3f %.3f\n", c->wall_ms, c->cpu_ms, c->rss_mb) > 0 ? 0 : 1;
}

/* --- ours ------------------------------------------------------------------------------------------------------------- */

static unsigned n_left, n_failed, n_nonces;

static void
on_route(const struct ssh_route *r, void *arg)
{
	(void)arg;
	n_failed += r->err.code != 0 || r->transport != SSH_LIBSSH2;
	n_left--;
}

static void
on_done(struct ssh_job *job, const struct ssh_result *r, void *arg)
{
	(void)job;
	(void)arg;
	n_left--;
	if (r->outcome == SSH_EXITED && r->status == 0)
		return;
	n_failed++;
	fprintf(stderr, "%s\n", r->err.msg);
}

static void
run_dry(struct loop *l)
{
	while (n_left > 0)
		loop_once(l, -1);
}

/* As those of runs: any digit comes first in one of sixteen, and the supervisor looks for old files at some. */
static void
new_nonce(char *nonce, size_t size, unsigned number)
{
	snprintf(nonce, size, "%x%07x%08x%08x", number % 16, (unsigned)getpid(), (unsigned)(clock_mono_fresh() / 1000), number);
}

static void
ask(struct ssh *s, unsigned host, unsigned command)
{
	char name[20], nonce[40];
	const struct ssh_host h = { .name = name, .address = name };
	const struct ssh_command cmd = { .argv = commands[command], .timeout_ns = NS_PER_MIN, .nonce = nonce };
	struct err err = ERR_INIT;

	snprintf(name, sizeof name, "h-%u", host + 1);
	new_nonce(nonce, sizeof nonce, n_nonces++);
	n_left++;
	if (ssh_exec(s, &h, &cmd, NULL, NULL, on_done, NULL, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
}

static void
warm(struct ssh *s, struct loop *l, unsigned n)
{
	struct err err = ERR_INIT;
	char name[20];

	for (unsigned i = 0; i < n; i++) {
		const struct ssh_host h = { .name = name, .address = name };

		snprintf(name, sizeof name, "h-%u", i + 1);
		n_left++;
		if (ssh_route(s, &h, on_route, NULL, &err) < 0)
			exit(1);
	}
	run_dry(l);
}

/* One command each on n hosts; or, live, one after the other on a connection that is there. */
static int
run_ours(const char *dir, unsigned n, unsigned command, bool is_warm, bool is_live)
{
	char *config = xasprintf("%s/config", dir);
	const struct ssh_options o = { .config = config, .idle_ns = NS_PER_MIN, .connecting_max = HOSTS_MAX };
	struct err err = ERR_INIT;
	struct cost c;
	struct loop *l;
	struct ssh *s;
	int64_t from;

	if (loop_new(&l, &err) < 0 || ssh_new(l, &o, &s, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	if (is_warm)
		warm(s, l, n);
	if (is_live) {
		ask(s, 0, command);
		run_dry(l);
	}
	from = clock_mono_fresh();
	c.cpu_ms = -cpu_all();
	for (unsigned i = 0; i < n; i++) {
		ask(s, is_live ? 0 : i, command);
		if (is_live)
			run_dry(l);
	}
	run_dry(l);
	c.cpu_ms += cpu_all();
	c.wall_ms = (double)(clock_mono_fresh() - from) / 1e6;
	c.rss_mb = peak_mb();
	ssh_free(s);
	loop_free(l);
	free(config);
	return n_failed > 0 ? 1 : tell(&c);
}

/* --- the bare loop ---------------------------------------------------------------------------------------------------- */

struct bare {
	int fd, state;
	LIBSSH2_SESSION *ssh2;
	LIBSSH2_CHANNEL *channel;
	struct buf command;
};

static EVP_PKEY *bare_key;
static unsigned char bare_blob[51];

/* The key pair out of an unencrypted openssh-key-v1 file: public blob, then the seed behind the second "ssh-ed25519". */
static void
bare_read_key(const char *dir)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	unsigned char raw[600], text[900];
	char *path = xasprintf("%s/id_ed25519", dir), whole[1000] = "", *p, *end;
	const unsigned char *at;
	FILE *f = fopen(path, "r");
	int n = 0;

	if (f == NULL || fread(whole, 1, sizeof whole - 1, f) == 0 || (p = strstr(whole, begin)) == NULL || (end = strstr(p, "-----END")) == NULL)
		exit(1);
	fclose(f);
	free(path);
	for (p += sizeof begin - 1; p < end; p++)
		if (*p != '\n')
			text[n++] = (unsigned char)*p;
	n = EVP_DecodeBlock(raw, text, n);
	at = memmem(raw, (size_t)n, "\0\0\0\x0bssh-ed25519", 15);
	memcpy(bare_blob, at, sizeof bare_blob);
	at = memmem(at + 15, (size_t)(raw + n - at - 15), "\0\0\0\x0bssh-ed25519", 15);
	bare_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, at + 15 + 4 + 32 + 4, 32);
}

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(bare_sign)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r;

	(void)session;
	(void)abstract;
	*sig_len = 64;
	*sig = xmalloc(64);
	r = EVP_DigestSignInit(ctx, NULL, NULL, NULL, bare_key) == 1 && EVP_DigestSign(ctx, *sig, sig_len, data, data_len) == 1;
	EVP_MD_CTX_free(ctx);
	return r ? 0 : -1;
}

static void
bare_connect(struct bare *b, unsigned host, unsigned port)
{
	static const int one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(0x7f006401u + host) };

	b->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(b->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(b->fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EINPROGRESS)
		exit(1);
	b->ssh2 = libssh2_session_init();
	libssh2_session_set_blocking(b->ssh2, 0);
	libssh2_session_method_pref(b->ssh2, LIBSSH2_METHOD_KEX, "curve25519-sha256");
}

/* false: it is done. */
static bool
bare_step(struct bare *b)
{
	char bytes[32768];
	ssize_t n;
	int r = 0;

	switch (b->state) {
	case 0:
		r = libssh2_session_handshake(b->ssh2, b->fd);
		break;
	case 1:
		r = libssh2_userauth_publickey(b->ssh2, "ops", bare_blob, sizeof bare_blob, bare_sign, NULL);
		break;
	case 2:
		b->channel = libssh2_channel_open_session(b->ssh2);
		r = b->channel != NULL ? 0 : libssh2_session_last_errno(b->ssh2);
		break;
	case 3:
		r = libssh2_channel_exec(b->channel, b->command.data);
		break;
	default:
		while (libssh2_channel_read_stderr(b->channel, bytes, sizeof bytes) > 0)
			;
		while ((n = libssh2_channel_read(b->channel, bytes, sizeof bytes)) > 0)
			;
		if (n == LIBSSH2_ERROR_EAGAIN || !libssh2_channel_eof(b->channel))
			return true;
		if (libssh2_channel_get_exit_status(b->channel) != 0)
			exit(1);
		return false;
	}
	if (r == LIBSSH2_ERROR_EAGAIN)
		return true;
	if (r != 0) {
		fprintf(stderr, "bare loop: state %d, libssh2 error %d\n", b->state, r);
		exit(1);
	}
	b->state++;
	return bare_step(b);
}

static void
bare_close(struct bare *b)
{
	libssh2_session_set_blocking(b->ssh2, 1);
	libssh2_session_disconnect(b->ssh2, "bye");
	libssh2_session_free(b->ssh2);
	close(b->fd);
	b->fd = -1;
}

static unsigned
farm_port(const char *dir)
{
	char *path = xasprintf("%s/config", dir), line[500];
	unsigned port = 0;
	FILE *f = fopen(path, "r");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " Port %u", &port) == 1)
			break;
	if (f != NULL)
		fclose(f);
	free(path);
	return port;
}

/* The very words that ours sends, so that the servers have the same to do. */
static void
bare_command(struct bare *b, unsigned host, unsigned command, bool is_supervised)
{
	char nonce[40];
	const struct ssh_command cmd = { .argv = commands[command], .timeout_ns = NS_PER_MIN, .nonce = nonce };

	buf_init(&b->command, 1 << 16);
	new_nonce(nonce, sizeof nonce, host);
	if (!is_supervised)
		buf_addstr(&b->command, command_texts[command]);
	else if (ssh_command_text(&cmd, &b->command, NULL) < 0)
		exit(1);
}

static int
run_bare(const char *dir, unsigned n, unsigned command, bool is_supervised)
{
	static const int one = 1;
	struct pollfd fds[HOSTS_MAX];
	struct bare b[HOSTS_MAX];
	unsigned left = n, port = farm_port(dir);
	struct cost c;
	int64_t from;

	memset(b, 0, sizeof b);
	bare_read_key(dir);
	from = clock_mono_fresh();
	c.cpu_ms = -cpu_all();
	for (unsigned i = 0; i < n; i++) {
		bare_command(&b[i], i, command, is_supervised);
		bare_connect(&b[i], i, port);
		fds[i] = (struct pollfd){ .fd = b[i].fd, .events = POLLOUT };
	}
	while (left > 0) {
		for (unsigned i = 0; i < n; i++)
			if (b[i].fd >= 0)
				setsockopt(b[i].fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
		if (poll(fds, n, -1) < 0)
			return 1;
		for (unsigned i = 0; i < n; i++) {
			if (fds[i].revents == 0)
				continue;
			if (!bare_step(&b[i])) {
				bare_close(&b[i]);
				fds[i].fd = -1;
				left--;
				continue;
			}
			fds[i].events = POLLIN;
			if (libssh2_session_block_directions(b[i].ssh2) & LIBSSH2_SESSION_BLOCK_OUTBOUND)
				fds[i].events |= POLLOUT;
		}
	}
	c.cpu_ms += cpu_all();
	c.wall_ms = (double)(clock_mono_fresh() - from) / 1e6;
	c.rss_mb = peak_mb();
	return tell(&c);
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

struct row {
	const char *name;
	const char *as;			/* ours: --as */
	const char *shell;		/* peers: run by sh with $D dir, $N hosts, $C command */
	const char *needs;		/* a program; NULL */
};
static const struct row fan_rows[] = {
	{ "opsconsole, ssh -G warm", "warm", NULL, NULL },
	{ "opsconsole, cold", "cold", NULL, NULL },
	{ "bare libssh2 loop", "bare", NULL, NULL },
	{ "bare loop, with supervisor", "bare-supervised", NULL, NULL },
	{ "xargs -P N ssh", NULL, "seq $N | xargs -P $N -I{} ssh -F $D/config h-{} \"$C\" >$D/out", "ssh" },
	{ "clush", NULL, "clush -f $N -o \"-F $D/config\" -w h-[1-$N] \"$C\" >$D/out", "clush" },
	{ "pdsh -R ssh", NULL, "PDSH_SSH_ARGS_APPEND=\"-F $D/config\" pdsh -R ssh -f $N -w h-[1-$N] \"$C\" >$D/out", "pdsh" },
	{ "parallel-ssh", NULL, "seq $N | sed s/^/h-/ >$D/list; parallel-ssh -x \"-F $D/config\" -t 0 -p $N -h $D/list -i \"$C\" >$D/out", "parallel-ssh" },
};
static const struct row live_rows[] = {
	{ "opsconsole, live connection", "live", NULL, NULL },
	{ "ssh over a ControlMaster", NULL, "for i in $(seq $N); do ssh -F $D/config -S $D/master h-1 \"$C\" >$D/out || exit 1; done", "ssh" },
};

static bool
is_installed(const char *program)
{
	char *test = xasprintf("command -v %s >/dev/null", program);
	bool is_there = system(test) == 0;

	free(test);
	return is_there;
}

static void
row_exec(const struct row *r, const char *self, const char *dir, unsigned n, unsigned command, int out)
{
	char number[16], which[16];

	snprintf(number, sizeof number, "%u", n);
	snprintf(which, sizeof which, "%u", command);
	dup2(out, 1);
	if (r->as != NULL) {
		execl(self, self, "--as", r->as, dir, number, which, (char *)NULL);
		_exit(127);
	}
	setenv("D", dir, 1);
	setenv("N", number, 1);
	setenv("C", command_texts[command], 1);
	execl("/bin/sh", "sh", "-c", r->shell, (char *)NULL);
	_exit(127);
}

static bool
row_run(const struct row *r, const char *self, const char *dir, unsigned n, unsigned command, struct cost *ret)
{
	int64_t from = clock_mono_fresh();
	char line[200] = "";
	struct rusage u;
	int out[2], status;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		row_exec(r, self, dir, n, command, out[1]);
	close(out[1]);
	if (read(out[0], line, sizeof line - 1) < 0)
		line[0] = '\0';
	if (wait4(pid, &status, 0, &u) != pid || status != 0)
		return false;
	close(out[0]);
	if (r->as != NULL)
		return sscanf(line, "%lf %lf %lf", &ret->wall_ms, &ret->cpu_ms, &ret->rss_mb) == 3;
	ret->wall_ms = (double)(clock_mono_fresh() - from) / 1e6;
	ret->cpu_ms = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
	ret->rss_mb = (double)u.ru_maxrss / 1024;	/* the largest process of them */
	return true;
}

static int
by_wall(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->wall_ms > y->wall_ms) - (x->wall_ms < y->wall_ms);
}

static int
by_cpu(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->cpu_ms > y->cpu_ms) - (x->cpu_ms < y->cpu_ms);
}

static void
row_print(const char *name, struct cost *costs, unsigned runs, unsigned n)
{
	double wall, cpu, rss = 0;

	qsort(costs, runs, sizeof *costs, by_wall);
	wall = costs[runs / 2].wall_ms;
	qsort(costs, runs, sizeof *costs, by_cpu);
	cpu = costs[runs / 2].cpu_ms;
	for (unsigned i = 0; i < runs; i++)
		if (costs[i].rss_mb > rss)
			rss = costs[i].rss_mb;
	printf("  %-28s %9.1f ms %9.1f ms CPU %8.3f ms CPU each %7.1f MB\n", name, wall, cpu, cpu / n, rss);
}

static int
table(const struct row *rows, size_t n_rows, const char *self, const char *dir, unsigned n, unsigned command, unsigned runs)
{
	static struct cost costs[16][RUNS_MAX];

	for (unsigned k = 0; k < runs; k++)
		for (size_t i = 0; i < n_rows; i++) {
			if (rows[i].needs != NULL && !is_installed(rows[i].needs))
				continue;
			if (!row_run(&rows[i], self, dir, n, command, &costs[i][k])) {
				fprintf(stderr, "bench_ssh: %s failed\n", rows[i].name);
				return 1;
			}
		}
	for (size_t i = 0; i < n_rows; i++) {
		if (rows[i].needs != NULL && !is_installed(rows[i].needs))
			printf("  %-28s not installed\n", rows[i].name);
		else
			row_print(rows[i].name, costs[i], runs, n);
	}
	fflush(stdout);
	return 0;
}

static int
live_table(const char *self, const char *dir, unsigned runs)
{
	char *begin = xasprintf("ssh -F %s/config -M -S %s/master -o ControlPersist=600 -fN h-1", dir, dir);
	char *end = xasprintf("ssh -F %s/config -S %s/master -O exit h-1 2>/dev/null", dir, dir);
	int r = system(begin);

	printf("a further command on a live connection, %d one after the other, median of %u\n", LIVE_COMMANDS, runs);
	if (r == 0)
		r = table(live_rows, sizeof live_rows / sizeof live_rows[0], self, dir, LIVE_COMMANDS, 0, runs);
	if (system(end) != 0)
		fprintf(stderr, "bench_ssh: the ControlMaster was gone\n");
	free(begin);
	free(end);
	return r;
}

static pid_t
farm_start(const char *program, const char *dir, unsigned n, int *ret_in)
{
	char spec[32], line[200] = "";
	int in[2], out[2];
	pid_t pid;
	size_t len = 0;

	snprintf(spec, sizeof spec, "h:%u", n);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(program, program, dir, spec, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	while (len < sizeof line - 1 && read(out[0], line + len, 1) == 1 && line[len] != '\n')
		len++;
	close(out[0]);
	*ret_in = in[1];
	if (strncmp(line, "ready", 5) != 0)
		fprintf(stderr, "bench_ssh: no hosts: %s\n", line);
	return strncmp(line, "ready", 5) == 0 ? pid : -1;
}

static int
run_as(char **argv)
{
	unsigned n = (unsigned)atoi(argv[4]), command = (unsigned)atoi(argv[5]);

	if (strncmp(argv[2], "bare", 4) == 0)
		return run_bare(argv[3], n, command, argv[2][4] != '\0');
	return run_ours(argv[3], n, command, strcmp(argv[2], "warm") == 0, strcmp(argv[2], "live") == 0);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/bench-ssh-XXXXXX", *clean;
	unsigned runs = 3, most = 1;
	int first = 1, in = -1, r = 0;
	pid_t farm;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 6 && strcmp(argv[1], "--as") == 0)
		return run_as(argv);
	if (argc > 3 && strcmp(argv[1], "-n") == 0) {
		runs = (unsigned)atoi(argv[2]);
		first = 3;
	}
	if (argc < first + 2 || runs < 1 || runs > RUNS_MAX || mkdtemp(dir) == NULL) {
		fprintf(stderr, "usage: bench_ssh [-n RUNS] FARM HOSTS...\n");
		return 2;
	}
	for (int i = first + 1; i < argc; i++)
		if ((unsigned)atoi(argv[i]) > most && atoi(argv[i]) <= HOSTS_MAX)
			most = (unsigned)atoi(argv[i]);
	farm = farm_start(argv[first], dir, most, &in);
	for (int i = first + 1; farm > 0 && r == 0 && i < argc; i++)
		for (unsigned command = 0; command < 2 && r == 0; command++) {
			printf("%s on %s hosts, median of %u\n", command_texts[command], argv[i], runs);
			r = table(fan_rows, sizeof fan_rows / sizeof fan_rows[0], "/proc/self/exe", dir, (unsigned)atoi(argv[i]), command, runs);
		}
	if (farm > 0 && r == 0)
		r = live_table("/proc/self/exe", dir, runs);
	close(in);
	if (farm > 0)
		waitpid(farm, NULL, 0);
	clean = xasprintf("rm -rf %s", dir);
	if (system(clean) != 0)
		r = 1;
	free(clean);
	return farm > 0 ? r : 1;
}
