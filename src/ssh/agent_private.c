#include "config.h"

#include "ssh/agent_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/child.h"
#include "ssh/agent_wire.h"

#define START_NS (10 * NS_PER_S)
#define ADD_NS (20 * NS_PER_S)
#define ADD_SLOWLY_NS (120 * NS_PER_S)	/* a passphrase may be stretched for long */
#define LIST_NS (5 * NS_PER_S)
#define LOOK_NS (500 * NS_PER_MS)	/* between two looks at one file */
#define REFUSED_NS (60 * NS_PER_S)	/* what had nothing to do with the file may be over then */
enum { QUEUE_MAX = 256, WORDS_MAX = 4096, PASSPHRASE_MAX = 1024, TRIES_MAX = 3 };

struct job {
	struct key_file *file;
	char *passphrase;
};
enum private_state { PRIVATE_OFF, PRIVATE_STARTING, PRIVATE_ON };

struct agent_private {
	struct loop *loop;
	agent_private_cb *changed;
	void *arg;
	struct key_file *files;
	char *dir;
	bool is_our_dir;
	char *sock, *hold, *askpass, *answers;	/* in dir; NULL: not made yet */
	int hold_fd, answers_fd;
	enum private_state state;
	struct child *agent;
	pid_t pid;			/* of ssh-agent, which is no child of ours */
	struct loop_timer *start_limit;
	struct buf said;
	struct agent_client *client;
	struct job queue[QUEUE_MAX];	/* the first one is with ssh-add */
	size_t n_queue;
	struct child *add;
	struct agent_call *listing;
	struct agent_key *keys;		/* as last listed */
	size_t n_keys;
};

static void next_job(struct agent_private *p);

/* --- files ------------------------------------------------------------------------------------ */

static void
file_clear(struct key_file *f)
{
	agent_file_done(&f->file);
	agent_key_done(&f->key);
	free(f->note);
	f->note = NULL;
	f->is_for_passphrase = false;
	f->tries = 0;
	f->state = KEY_NEW;
}

static bool
is_same(const struct key_file *f, const struct stat *st, bool is_there)
{
	return f->is_there == is_there && (!is_there || (f->st.st_dev == st->st_dev && f->st.st_ino == st->st_ino && f->st.st_size == st->st_size &&
	    f->st.st_mtim.tv_sec == st->st_mtim.tv_sec && f->st.st_mtim.tv_nsec == st->st_mtim.tv_nsec && f->st.st_mode == st->st_mode));
}

static void
look_again(struct key_file *f, int64_t now)
{
	f->looked_ns = now;
	if (f->state == KEY_REFUSED && !f->is_for_passphrase && now - f->refused_ns >= REFUSED_NS)
		f->state = KEY_NEW;
}

struct key_file *
agent_private_file(struct agent_private *p, const char *path)
{
	struct key_file *f = p->files;
	struct stat st = { 0 };
	int64_t now = clock_mono_fresh();
	bool is_there;

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	if (f != NULL && now - f->looked_ns < LOOK_NS)
		return f;
	is_there = stat(path, &st) == 0;
	if (f != NULL)
		look_again(f, now);
	if (f != NULL && (f->state == KEY_WAITING || f->state == KEY_ASKING || (is_same(f, &st, is_there) && f->is_key)))
		return f;
	if (f == NULL) {
		f = xcalloc(1, sizeof *f);
		f->path = xstrdup(path);
		f->next = p->files;
		p->files = f;
	}
	file_clear(f);
	f->looked_ns = now;
	f->st = st;
	f->is_there = is_there;
	f->is_key = agent_file_read(path, &f->file);
	return f;
}

void
agent_private_refuse(struct key_file *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(f->note);
	f->note = xvasprintf(fmt, ap);
	va_end(ap);
	f->state = KEY_REFUSED;
	f->refused_ns = clock_mono_fresh();
}

void
agent_private_ask_again(struct agent_private *p)
{
	for (struct key_file *f = p->files; f != NULL; f = f->next)
		if (f->state == KEY_REFUSED && f->is_for_passphrase)
			f->state = KEY_NEW;
}

void
agent_private_forget(struct agent_private *p, const struct agent_key *key)
{
	for (struct key_file *f = p->files; f != NULL; f = f->next)
		if (f->state == KEY_LOADED && f->key.len == key->len && memcmp(f->key.blob, key->blob, key->len) == 0) {
			agent_key_done(&f->key);
			f->state = KEY_NEW;
		}
}

/* --- the folder ------------------------------------------------------------------------------- */

static int
check_dir(const char *dir, struct err *err)
{
	char shown[200];
	struct stat st;

	str_escape_to(shown, sizeof shown, dir);
	if (lstat(dir, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "%s", shown);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077) != 0)
		return err_set(err, ERR_DENIED, "%s: an agent's socket needs a folder of your own with mode 0700", shown);
	return 0;
}

static int
make_dir(struct agent_private *p, struct err *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char shown[200];

	if (p->dir != NULL)
		return check_dir(p->dir, err);
	if (base == NULL || *base != '/')
		base = "/tmp";
	p->dir = xasprintf("%s/opsconsole-XXXXXX", base);
	if (mkdtemp(p->dir) == NULL) {
		int error = errno;

		str_escape_to(shown, sizeof shown, base);
		free(p->dir);
		p->dir = NULL;
		return err_set_errno(err, ERR_IO, error, "cannot make a folder for our agent in %s", shown);
	}
	p->is_our_dir = true;
	return 0;
}

/* A FIFO that is at once ours to write. */
static int
make_fifo(const char *path, int *ret_fd, struct err *err)
{
	char shown[200];
	int fd;

	if (mkfifo(path, 0600) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot make %s", str_escape_to(shown, sizeof shown, path));
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot open %s", str_escape_to(shown, sizeof shown, path));
	*ret_fd = fd;
	return 0;
}

/* Says the passphrase once: the FIFO is gone after that, and ssh-add gives up instead of asking for ever. */
static const char askpass_text[] =
    "#!/bin/sh\n"
    "IFS= read -r p <\"$0.in\" && rm -f \"$0.in\" && printf '%s\\n' \"$p\"\n";

static int
make_askpass(struct agent_private *p, struct err *err)
{
	char shown[200];
	int fd;
	ssize_t n;

	fd = open(p->askpass, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot make %s", str_escape_to(shown, sizeof shown, p->askpass));
	n = write(fd, askpass_text, sizeof askpass_text - 1);
	close(fd);
	return n == (ssize_t)sizeof askpass_text - 1 ? 0 : err_set(err, ERR_IO, "cannot write %s", str_escape_to(shown, sizeof shown, p->askpass));
}

static void
drop_path(char **path)
{
	if (*path != NULL)
		unlink(*path);
	free(*path);
	*path = NULL;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Several agents may share a folder. */
static int
make_files(struct agent_private *p, struct err *err)
{
	static unsigned n;
	int r = make_dir(p, err);

	if (r < 0)
		return r;
	n++;
	p->sock = xasprintf("%s/agent-%ld-%u", p->dir, (long)getpid(), n);
	p->hold = xasprintf("%s.hold", p->sock);
	p->askpass = xasprintf("%s.askpass", p->sock);
	/* Of one that was killed under the same number. */
	unlink(p->sock);
	unlink(p->hold);
	unlink(p->askpass);
	r = make_fifo(p->hold, &p->hold_fd, err);
	return r < 0 ? r : make_askpass(p, err);
}

/* --- the agent -------------------------------------------------------------------------------- */

static void
stop(struct agent_private *p)
{
	loop_timer_stop(p->start_limit);
	agent_call_cancel(p->listing);
	p->listing = NULL;
	agent_client_free(p->client);
	p->client = NULL;
	/* Its number is its own as long as its parent, our child, has not been reaped. */
	if (p->pid > 1 && p->agent != NULL)
		kill(p->pid, SIGTERM);
	p->pid = -1;
	child_free(p->agent);
	p->agent = NULL;
	close_fd(&p->hold_fd);
	drop_path(&p->sock);
	drop_path(&p->hold);
	drop_path(&p->askpass);
	agent_keys_free(p->keys, p->n_keys);
	p->keys = NULL;
	p->n_keys = 0;
	p->state = PRIVATE_OFF;
}

static void
wipe_job(struct job *j)
{
	if (j->passphrase != NULL)
		explicit_bzero(j->passphrase, strlen(j->passphrase));
	free(j->passphrase);
}

/* It cannot be started, or has ended: nothing that waits for it can come. */
static void
broken(struct agent_private *p, const char *why)
{
	child_free(p->add);
	p->add = NULL;
	close_fd(&p->answers_fd);
	drop_path(&p->answers);
	for (size_t i = 0; i < p->n_queue; i++) {
		agent_private_refuse(p->queue[i].file, "%s cannot be loaded: %s", p->queue[i].file->path, why);
		wipe_job(&p->queue[i]);
	}
	p->n_queue = 0;
	for (struct key_file *f = p->files; f != NULL; f = f->next)
		if (f->state == KEY_LOADED) {
			agent_key_done(&f->key);
			f->state = KEY_NEW;
		}
	stop(p);
	p->changed(p->arg);
}

static void
agent_said(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct agent_private *p = arg;
	char *end;
	long pid;

	(void)c;
	buf_add(&p->said, bytes, len);
	if (stream != CHILD_OUT || p->state != PRIVATE_STARTING || strchr(p->said.data, '\n') == NULL)
		return;
	pid = strtol(p->said.data, &end, 10);
	if (pid <= 1 || *end != '\n')
		return;
	p->pid = (pid_t)pid;
	p->state = PRIVATE_ON;
	p->client = agent_client_new(p->loop, p->sock);
	loop_timer_stop(p->start_limit);
	next_job(p);
}

static void
agent_ended(struct child *c, const struct child_end *end, void *arg)
{
	struct agent_private *p = arg;
	char why[sizeof end->err.msg];

	(void)c;
	/* The shell has ended it, or it will see that the shell is gone: its number may be another's soon. */
	p->pid = -1;
	p->said.data[strcspn(p->said.data, "\n")] = '\0';
	if (end->err.code != 0)
		snprintf(why, sizeof why, "%s", end->err.msg);
	else if (p->state == PRIVATE_STARTING && p->said.data[0] != '\0')
		str_escape_to(why, sizeof why, p->said.data);
	else
		snprintf(why, sizeof why, "our ssh-agent has ended");
	log_write(LOG_INFO, "ssh", "private agent: %s", why);
	broken(p, why);
}

void
agent_private_lost(struct agent_private *p)
{
	if (p->state == PRIVATE_ON)
		broken(p, "our ssh-agent does not answer");
}

static void
start_limit_due(void *arg)
{
	broken(arg, "ssh-agent did not start");
}

static int
start(struct agent_private *p, struct err *err)
{
	/* stdin is opened before ssh-agent begins: from then on our end, of whatever kind, is seen there. */
	static const char outer[] = "exec <\"$1\" && exec ssh-agent -a \"$2\" sh -c \"$3\"";
	static const char inner[] = "echo \"$SSH_AGENT_PID\"; read -r x; kill \"$SSH_AGENT_PID\"";
	const char *argv[] = { "sh", "-c", outer, "sh", NULL, NULL, inner, NULL };
	struct child_spec spec = {
		.argv = argv, .is_session = true, .is_bound = true, .read = agent_said, .end = agent_ended, .arg = p,
	};
	int r = make_files(p, err);

	if (r < 0)
		return r;
	argv[4] = p->hold;
	argv[5] = p->sock;
	buf_reset(&p->said);
	r = child_start(p->loop, &spec, &p->agent, err);
	if (r < 0)
		return r;
	p->state = PRIVATE_STARTING;
	loop_timer_in(p->start_limit, START_NS);
	return 0;
}

/* --- ssh-add ---------------------------------------------------------------------------------- */

static void
job_over(struct agent_private *p)
{
	wipe_job(&p->queue[0]);
	p->n_queue--;
	memmove(p->queue, p->queue + 1, p->n_queue * sizeof *p->queue);
	p->changed(p->arg);
	next_job(p);
}

/* Its words without the frame of @ that it draws round its warnings. */
static const char *
words_of(const struct buf *said, char *buf, size_t size)
{
	struct buf b;
	const char *p = said->data;

	buf_init(&b, WORDS_MAX * 2);
	while (*p != '\0') {
		size_t n = strcspn(p, "\r\n");

		if (n > 0 && *p != '@') {
			if (b.len > 0)
				buf_addch(&b, ' ');
			buf_add(&b, p, n);
		}
		p += n + (p[n] != '\0');
	}
	str_escape_to(buf, size, b.data);
	buf_done(&b);
	return buf;
}

static const struct agent_key *
find_loaded(const struct agent_key *keys, size_t n, const struct agent_key *old, size_t n_old, const struct key_file *f)
{
	for (size_t i = 0; i < n; i++) {
		bool is_old = false;

		if (f->file.blob != NULL) {
			if (keys[i].len == f->file.len && memcmp(keys[i].blob, f->file.blob, f->file.len) == 0)
				return &keys[i];
			continue;
		}
		/* The file did not tell which key it has: it is the one that is new, or that carries its name. */
		for (size_t j = 0; j < n_old && !is_old; j++)
			is_old = old[j].len == keys[i].len && memcmp(old[j].blob, keys[i].blob, keys[i].len) == 0;
		if (strstr(keys[i].type, "-cert-v0") == NULL && (!is_old || str_eq(keys[i].comment, f->path)))
			return &keys[i];
	}
	return NULL;
}

static void
listed(const unsigned char *reply, size_t len, const struct err *err, void *arg)
{
	struct agent_private *p = arg;
	struct key_file *f = p->queue[0].file;
	struct err why = ERR_INIT;
	struct agent_key *keys = NULL;
	const struct agent_key *key;
	size_t n = 0;

	p->listing = NULL;
	if (reply == NULL)
		why = *err;
	else
		wire_list_answer(reply, len, &keys, &n, &why);
	key = find_loaded(keys, n, p->keys, p->n_keys, f);
	if (key != NULL) {
		agent_key_copy(&f->key, key);
		f->state = KEY_LOADED;
	} else
		agent_private_refuse(f, "%s cannot be used: %s", f->path, why.code != 0 ? why.msg : "our agent does not list it");
	agent_keys_free(p->keys, p->n_keys);
	p->keys = keys;
	p->n_keys = n;
	if (why.code == ERR_IO)
		agent_private_lost(p);
	else
		job_over(p);
}

static void
list(struct agent_private *p)
{
	struct buf request;

	buf_init(&request, WIRE_MESSAGE_MAX);
	wire_list_request(&request);
	p->listing = agent_client_call(p->client, &request, LIST_NS, listed, p);
	buf_done(&request);
}

static void
refused(struct key_file *f, const struct child_end *end, const char *words, bool is_asked)
{
	char shown[200];

	str_escape_to(shown, sizeof shown, f->path);
	if (end->err.code != 0)
		agent_private_refuse(f, "%s cannot be loaded: %s", shown, end->err.msg);
	else if (end->is_timeout)
		agent_private_refuse(f, "%s cannot be loaded: ssh-add gave no answer", shown);
	else if (is_asked && f->tries < TRIES_MAX)
		f->state = KEY_NEW;	/* to be asked for once more */
	else {
		f->is_for_passphrase = is_asked;
		agent_private_refuse(f, "%s cannot be loaded: %s", shown, *words != '\0' ? words : is_asked ? "wrong passphrase" : "ssh-add failed");
	}
}

static void
add_said(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct agent_private *p = arg;

	(void)c;
	if (stream == CHILD_ERR)
		buf_add(&p->said, bytes, len);
}

static void
add_ended(struct child *c, const struct child_end *end, void *arg)
{
	struct agent_private *p = arg;
	struct job *j = &p->queue[0];
	char words[300];

	child_free(c);
	p->add = NULL;
	close_fd(&p->answers_fd);
	drop_path(&p->answers);
	if (end->err.code == 0 && !end->is_timeout && end->status == 0) {
		list(p);
		return;
	}
	refused(j->file, end, words_of(&p->said, words, sizeof words), j->passphrase != NULL);
	job_over(p);
}

/* Into the FIFO's own memory: nobody need be there to read yet. */
static int
lay_out(struct agent_private *p, const char *passphrase, struct err *err)
{
	char line[PASSPHRASE_MAX + 2];
	size_t n = strlen(passphrase);
	ssize_t written;
	int r;

	if (n > PASSPHRASE_MAX || strchr(passphrase, '\n') != NULL)
		return err_set(err, ERR_INVALID, "such a passphrase cannot be handed to ssh-add");
	p->answers = xasprintf("%s.in", p->askpass);
	unlink(p->answers);
	r = make_fifo(p->answers, &p->answers_fd, err);
	if (r < 0)
		return r;
	memcpy(line, passphrase, n);
	line[n] = '\n';
	written = write(p->answers_fd, line, n + 1);
	explicit_bzero(line, sizeof line);
	return written == (ssize_t)n + 1 ? 0 : err_set(err, ERR_IO, "the passphrase cannot be handed to ssh-add");
}

static int
add(struct agent_private *p, struct job *j, struct err *err)
{
	const char *path = j->file->path;
	char *safe = xasprintf("%s%s", *path == '-' ? "./" : "", path), *sock = xasprintf("SSH_AUTH_SOCK=%s", p->sock);
	char *askpass = xasprintf("SSH_ASKPASS=%s", j->passphrase != NULL ? p->askpass : "/bin/false");
	const char *const argv[] = { "ssh-add", "-q", safe, NULL };
	const char *const env[] = { sock, askpass, "SSH_ASKPASS_REQUIRE=force", NULL };
	struct child_spec spec = {
		.argv = argv, .env = env, .is_session = true, .is_bound = true, .timeout_ns = j->passphrase != NULL ? ADD_SLOWLY_NS : ADD_NS,
		.read = add_said, .end = add_ended, .arg = p,
	};
	int r = j->passphrase != NULL ? lay_out(p, j->passphrase, err) : 0;

	buf_reset(&p->said);
	if (r == 0)
		r = child_start(p->loop, &spec, &p->add, err);
	free(safe);
	free(sock);
	free(askpass);
	return r;
}

static void
next_job(struct agent_private *p)
{
	struct err err = ERR_INIT;

	if (p->n_queue == 0 || p->add != NULL || p->listing != NULL || p->state == PRIVATE_STARTING)
		return;
	if (p->state == PRIVATE_OFF) {
		if (start(p, &err) < 0)
			broken(p, err.msg);
		return;
	}
	if (add(p, &p->queue[0], &err) < 0) {
		close_fd(&p->answers_fd);
		drop_path(&p->answers);
		agent_private_refuse(p->queue[0].file, "%s cannot be loaded: %s", p->queue[0].file->path, err.msg);
		job_over(p);
	}
}

void
agent_private_load(struct agent_private *p, struct key_file *f, const char *passphrase)
{
	if (p->n_queue == QUEUE_MAX) {
		agent_private_refuse(f, "%s is not loaded: too many key files at once", f->path);
		return;
	}
	f->state = KEY_WAITING;
	f->tries += passphrase != NULL;
	p->queue[p->n_queue++] = (struct job){ f, xstrdup_or_null(passphrase) };
	next_job(p);
}

/* --- life ------------------------------------------------------------------------------------- */

struct agent_private *
agent_private_new(struct loop *l, const char *run_dir, agent_private_cb *changed, void *arg)
{
	struct agent_private *p = xcalloc(1, sizeof *p);

	p->loop = l;
	p->changed = changed;
	p->arg = arg;
	p->dir = xstrdup_or_null(run_dir);
	p->hold_fd = p->answers_fd = -1;
	p->pid = -1;
	p->start_limit = loop_timer_new(l, start_limit_due, p);
	buf_init(&p->said, WORDS_MAX);
	return p;
}

void
agent_private_free(struct agent_private *p)
{
	struct key_file *f;

	if (p == NULL)
		return;
	child_free(p->add);
	for (size_t i = 0; i < p->n_queue; i++)
		wipe_job(&p->queue[i]);
	stop(p);
	close_fd(&p->answers_fd);
	drop_path(&p->answers);
	while ((f = p->files) != NULL) {
		p->files = f->next;
		file_clear(f);
		free(f->path);
		free(f);
	}
	if (p->is_our_dir)
		rmdir(p->dir);
	free(p->dir);
	loop_timer_free(p->start_limit);
	buf_done(&p->said);
	free(p);
}

struct agent_client *
agent_private_client(struct agent_private *p)
{
	return p->client;
}

pid_t
agent_private_pid(const struct agent_private *p)
{
	return p->pid;
}
