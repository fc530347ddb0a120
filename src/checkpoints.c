#include "config.h"

#include "checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/private.h"
#include "base/save.h"
#include "base/state.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/agent_client.h"
#include "ssh/agent_file.h"
#include "ssh/agent_wire.h"
#include "ssh/known_hosts.h"
#include "ssh/sshsig.h"

#define SIGN_NS (30 * NS_PER_S)		/* a person may have to confirm, or touch a key */
enum { SIGN_RSA_SHA2_512 = 4, TEXT_MAX = 4096, SIGNATURE_MAX = 128 << 10, NAME_MIN = 12 };

struct checkpoint_job {
	struct pool_lane *lane;
	checkpoint_cb *cb;		/* NULL: given up */
	void *arg;
	struct audit_checkpoint c;
	char *key_path, *dir, *socket, *path;
	struct agent_file key;
	struct agent_client *agent;
	struct agent_call *call;
	struct loop *loop;
	struct buf text, armoured;
	char fingerprint[80];
	bool is_worked;			/* the task in the pool was run */
	bool is_in_pool;
	struct err err;
};

char *
checkpoint_dir(const char *dir)
{
	return dir != NULL ? xstrdup(dir) : state_path("checkpoints");
}

/* --- the end of a job ------------------------------------------------------------------------------------------------------------------------------- */

static void
job_free(struct checkpoint_job *j)
{
	agent_call_cancel(j->call);
	agent_client_free(j->agent);
	agent_file_done(&j->key);
	buf_done(&j->text);
	buf_done(&j->armoured);
	free(j->key_path);
	free(j->dir);
	free(j->socket);
	free(j->path);
	free(j);
}

static void
finish(struct checkpoint_job *j)
{
	struct checkpoint_made made = { .path = j->path, .key = j->fingerprint, .seq = j->c.seq, .time_ns = j->c.time_ns };
	checkpoint_cb *cb = j->cb;

	j->cb = NULL;
	if (cb != NULL)
		cb(&made, j->err.code != 0 ? &j->err : NULL, j->arg);
	job_free(j);
}

void
checkpoint_cancel(struct checkpoint_job *j)
{
	if (j == NULL)
		return;
	j->cb = NULL;
	if (!j->is_in_pool)
		job_free(j);
}

static void
to_pool(struct checkpoint_job *j, pool_work_cb *work, pool_done_cb *done)
{
	j->is_in_pool = true;
	j->is_worked = false;
	pool_run(j->lane, work, done, j);
}

/* Back in the loop. false: it is over. */
static bool
from_pool(struct checkpoint_job *j)
{
	j->is_in_pool = false;
	if (j->cb == NULL) {
		job_free(j);
		return false;
	}
	if (!j->is_worked)
		err_set(&j->err, ERR_CANCELLED, "checkpoint: the program ends");
	if (j->err.code == 0)
		return true;
	finish(j);
	return false;
}

/* --- on the disk --------------------------------------------------------------------------------------------------------------------------------------- */

static int
write_file(const char *path, const struct buf *b, struct err *err)
{
	int r = save_bytes(path, b->data, b->len, 0, err);

	if (r < 0)
		err_prefix(err, "checkpoint");
	return r;
}

/* The signature first: who finds the text finds its signature, too. */
static void
save_work(void *arg)
{
	struct checkpoint_job *j = arg;
	char when[CLOCK_TEXT_MAX], *sig;

	j->is_worked = true;
	if (private_make(j->dir, &j->err) < 0) {
		err_prefix(&j->err, "checkpoint");
		return;
	}
	clock_format(when, j->c.time_ns, 0);
	j->path = xasprintf("%s/%.4s%.2s%.2s-%.2s%.2s%.2s-%" PRIu64 ".checkpoint", j->dir, when, when + 5, when + 8, when + 11, when + 14, when + 17,
	    j->c.seq);
	sig = xasprintf("%s.sig", j->path);
	if (write_file(sig, &j->armoured, &j->err) == 0)
		write_file(j->path, &j->text, &j->err);
	free(sig);
}

static void
save_done(void *arg)
{
	struct checkpoint_job *j = arg;

	if (from_pool(j))
		finish(j);
}

/* --- the signature -------------------------------------------------------------------------------------------------------------------------------------- */

static int
armour(struct checkpoint_job *j, const unsigned char *reply, size_t len)
{
	struct wire_bytes signature;
	int r = wire_sign_answer(reply, len, &signature, &j->err);

	if (r == ERR_REFUSED)
		return err_set(&j->err, ERR_REFUSED, "checkpoint: the agent does not sign with %s: does it hold the key (ssh-add -l), or was it not confirmed?",
		    j->key_path);
	if (r < 0)
		return r;
	return sshsig_armour(j->key.blob, j->key.len, signature.s, signature.len, CHECKPOINT_NAMESPACE, &j->armoured, &j->err);
}

static void
on_signed(const unsigned char *reply, size_t len, const struct err *err, void *arg)
{
	struct checkpoint_job *j = arg;

	j->call = NULL;
	if (err != NULL)
		err_set(&j->err, err->code, "checkpoint: %s", err->msg);
	else
		armour(j, reply, len);
	if (j->err.code != 0)
		finish(j);
	else
		to_pool(j, save_work, save_done);
}

static int
ask_agent(struct checkpoint_job *j)
{
	struct agent_key key = { .blob = j->key.blob, .len = j->key.len };
	struct buf blob, request;
	int r;

	buf_init(&blob, TEXT_MAX);
	buf_init(&request, WIRE_MESSAGE_MAX);
	r = audit_checkpoint_write(&j->text, &j->c, &j->err);
	if (r == 0)
		r = sshsig_blob(j->text.data, j->text.len, CHECKPOINT_NAMESPACE, &blob, &j->err);
	if (r == 0 && wire_sign_request(&request, &key, blob.data, blob.len, strcmp(j->key.type, "ssh-rsa") == 0 ? SIGN_RSA_SHA2_512 : 0) < 0)
		r = err_set(&j->err, ERR_LIMIT, "checkpoint: the key in %s is too large for an agent", j->key_path);
	if (r == 0) {
		j->agent = agent_client_new(j->loop, j->socket);
		j->call = agent_client_call(j->agent, &request, SIGN_NS, on_signed, j);
	}
	buf_done(&blob);
	buf_done(&request);
	return r;
}

static void
read_key_work(void *arg)
{
	struct checkpoint_job *j = arg;

	j->is_worked = true;
	if (!agent_file_read(j->key_path, &j->key) || j->key.blob == NULL)
		err_set(&j->err, ERR_NOTFOUND, "checkpoint: there is no public key in %s", j->key_path);
}

static void
read_key_done(void *arg)
{
	struct checkpoint_job *j = arg;

	if (!from_pool(j))
		return;
	known_hosts_fingerprint(j->key.blob, j->key.len, j->fingerprint);
	if (j->socket == NULL)
		err_set(&j->err, ERR_NOTFOUND, "checkpoint: there is no ssh-agent ($SSH_AUTH_SOCK is not set): start one and ssh-add the key of %s", j->key_path);
	else
		ask_agent(j);
	if (j->err.code != 0)
		finish(j);
}

struct checkpoint_job *
checkpoint_make(struct loop *l, struct pool_lane *lane, const struct audit_checkpoint *c, const char *key, const char *dir, const char *socket, checkpoint_cb *cb,
    void *arg)
{
	struct checkpoint_job *j = xcalloc(1, sizeof *j);
	const char *sock = socket != NULL ? socket : getenv("SSH_AUTH_SOCK");

	*j = (struct checkpoint_job){ .lane = lane, .cb = cb, .arg = arg, .c = *c, .key_path = xstrdup(key), .loop = l };
	j->dir = checkpoint_dir(dir);
	j->socket = sock != NULL && *sock != '\0' ? xstrdup(sock) : NULL;
	buf_init(&j->text, TEXT_MAX);
	buf_init(&j->armoured, SIGNATURE_MAX);
	to_pool(j, read_key_work, read_key_done);
	return j;
}

/* --- those that are there ------------------------------------------------------------------------------------------------------------------------------ */

/* "20300101-022931-4127.checkpoint" */
static uint64_t
seq_of_name(const char *name)
{
	size_t len = strlen(name);
	const char *dash = strrchr(name, '-');

	if (len < NAME_MIN || strcmp(name + len - 11, ".checkpoint") != 0 || dash == NULL)
		return 0;
	return strtoull(dash + 1, NULL, 10);
}

static int
read_text(const char *path, struct buf *b, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char bytes[TEXT_MAX], shown[256];
	ssize_t n;

	str_escape_to(shown, sizeof shown, path);
	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "checkpoint: %s", shown);
	n = read(fd, bytes, sizeof bytes);
	if (n < 0)
		err_set_errno(err, ERR_IO, errno, "checkpoint: cannot read %s", shown);
	close(fd);
	if (n >= 0)
		buf_add(b, bytes, (size_t)n);
	return n < 0 ? ERR_IO : 0;
}

int
checkpoint_read(const char *path, struct buf *text, struct audit_checkpoint *ret, struct err *err)
{
	char shown[256];
	int r = read_text(path, text, err);

	if (r == 0)
		r = audit_checkpoint_read(text->data, text->len, ret, err);
	if (r == ERR_SYNTAX)
		err_prefix(err, "%s: ", str_escape_to(shown, sizeof shown, path));
	return r;
}

void
checkpoint_newest(const char *dir, struct audit_checkpoint *ret)
{
	DIR *d = opendir(dir);
	char newest[256] = "", *path;
	struct dirent *e;
	uint64_t seq = 0;
	struct buf b;

	*ret = (struct audit_checkpoint){ 0 };
	while (d != NULL && (e = readdir(d)) != NULL)
		if (seq_of_name(e->d_name) > seq) {
			seq = seq_of_name(e->d_name);
			snprintf(newest, sizeof newest, "%s", e->d_name);
		}
	if (d != NULL)
		closedir(d);
	if (seq == 0)
		return;
	path = xasprintf("%s/%s", dir, newest);
	buf_init(&b, TEXT_MAX);
	if (checkpoint_read(path, &b, ret, NULL) < 0)
		*ret = (struct audit_checkpoint){ 0 };
	buf_done(&b);
	free(path);
}
