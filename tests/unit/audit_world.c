#include "config.h"

#include "audit_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/xalloc.h"

const struct audit_actor world_actor = { .user = "alice", .uid = 1000, .host = "web", .tty = "/dev/pts/3", .client = "192.0.2.7" };

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	snprintf(w->root, sizeof w->root, "/tmp/opsaudit.XXXXXX");
	if (mkdtemp(w->root) == NULL || loop_new(&w->loop, NULL) < 0)
		return -1;
	snprintf(w->dir, sizeof w->dir, "%s/log", w->root);
	snprintf(w->head, sizeof w->head, "%s/head", w->root);
	w->options = (struct audit_options){ .dir = w->dir, .head = w->head, .env = "prod", .mode = "test", .actor = &world_actor };
	setenv("XDG_RUNTIME_DIR", w->root, 1);
	setenv("XDG_STATE_HOME", w->root, 1);
	*state = w;
	return 0;
}

int
world_teardown(void **state)
{
	struct world *w = *state;

	fault_set(FAULT_AUDIT_WRITE, 0, FAULT_NONE);
	fault_set(FAULT_AUDIT_FSYNC, 0, FAULT_NONE);
	fault_set(FAULT_SAVE_RENAME, 0, FAULT_NONE);
	fault_set(FAULT_AUDIT_ROTATE, 0, FAULT_NONE);
	world_close(w);
	loop_free(w->loop);
	nftw(w->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

void
world_open(struct world *w)
{
	struct err err = ERR_INIT;

	if (audit_open(w->loop, &w->options, &w->audit, &err) < 0)
		fail_msg("%s", err.msg);
}

void
world_close(struct world *w)
{
	audit_close(w->audit, 10 * NS_PER_S);
	w->audit = NULL;
}

struct answer {
	bool has_come;
	int code;
	uint64_t seq;
	char err[512];
};

static void
on_done(const struct audit_done *done, void *arg)
{
	struct answer *a = arg;

	a->has_come = true;
	a->code = done->err_code;
	a->seq = done->seq;
	snprintf(a->err, sizeof a->err, "%s", done->err == NULL ? "" : done->err);
}

int
world_append(struct world *w, const struct audit_draft *draft, uint64_t *ret_seq, char *err_text)
{
	struct answer a = { 0 };

	audit_append(w->audit, draft, on_done, &a);
	assert_false(a.has_come);
	while (!a.has_come)
		loop_once(w->loop, -1);
	if (ret_seq != NULL)
		*ret_seq = a.seq;
	if (err_text != NULL)
		memcpy(err_text, a.err, sizeof a.err);
	return a.code;
}

int
world_note(struct world *w, const char *text, uint64_t *ret_seq, char *err_text)
{
	struct audit_draft d = { .type = AUDIT_NOTE, .body = json_pack("{s:s}", "text", text) };

	return world_append(w, &d, ret_seq, err_text);
}

void
world_verify(const struct world *w, struct audit_report *ret)
{
	struct audit_reader *r;
	struct err err = ERR_INIT;

	if (audit_reader_open(w->dir, &r, &err) < 0 || audit_verify(r, NULL, w->head, ret, &err) < 0)
		fail_msg("%s", err.msg);
	audit_reader_free(r);
}

char *
world_read(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	bytes = xcalloc(1, (size_t)st.st_size + 1);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	if (ret_len != NULL)
		*ret_len = (size_t)st.st_size;
	return bytes;
}

void
world_write(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

char *
world_log(size_t n, size_t *ret_len)
{
	char hash[AUDIT_HASH_HEX + 1] = AUDIT_ZERO, prev[AUDIT_HASH_HEX + 1], *log;
	struct buf b;

	buf_init(&b, 64 << 20);
	for (size_t i = 1; i <= n; i++) {
		struct audit_draft d = { .type = AUDIT_NOTE, .run = i % 2 ? "r1" : NULL };
		struct err err = ERR_INIT;

		d.body = json_pack("{s:s, s:i}", "text", i % 3 ? "plain" : "\"quoted\" \xc3\xa9", "n", (int)i);
		memcpy(prev, hash, sizeof prev);
		if (audit_record_write(&b, i, (int64_t)i * NS_PER_S, prev, &world_actor, "prod", &d, hash, &err) < 0)
			fail_msg("%s", err.msg);
		json_decref(d.body);
	}
	log = buf_take(&b, ret_len);
	buf_done(&b);
	return log;
}

size_t
world_files(const char *dir, const char *prefix, char *ret_last)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
			n++;
			if (ret_last != NULL)
				snprintf(ret_last, 256, "%s", e->d_name);
		}
	closedir(d);
	return n;
}
