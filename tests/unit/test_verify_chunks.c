/* --verify over what the chain vouches for beyond itself: chunks of recordings, packed files, copies of the head, several threads. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/record_priv.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "record/pack.h"
#include "record_world.h"
#include "verify_main.h"
#include "verify_show.h"

static const struct audit_actor actor = { .user = "alice", .uid = 1000, .host = "web", .tty = "", .client = "" };

struct log {			/* being written */
	struct buf b;
	uint64_t seq;
	char hash[AUDIT_HASH_HEX + 1];
};

static void
add(struct log *l, enum audit_type type, json_t *body)
{
	struct audit_draft d = { .type = type, .incident = "inc", .body = body };
	char prev[AUDIT_HASH_HEX + 1];

	assert_non_null(body);
	memcpy(prev, l->hash, sizeof prev);
	l->seq++;
	assert_int_equal(audit_record_write(&l->b, l->seq, T((int64_t)l->seq), prev, &actor, "test", &d, l->hash, NULL), 0);
	json_decref(body);
}

static char *
in_root(const struct world *w, const char *name)
{
	return xasprintf("%s/%s", w->root, name);
}

/* A recording of some minutes, pinned, and root/log with its head in root/log-head. Returns how many chunks it has. */
static size_t
make(struct world *w)
{
	struct log l = { .hash = AUDIT_ZERO };
	char *path, head[128];
	size_t n = 0;

	world_open(w);
	recorder_pin(w->recorder, "incident inc");
	world_environment(w, 0);
	world_run(w, 1, 290);
	world_at(w, 295);
	world_close(w);
	buf_init(&l.b, 1 << 20);
	add(&l, AUDIT_INCIDENT_OPENED, json_pack("{s:s}", "title", "x"));
	add(&l, AUDIT_RECORDING, json_pack("{s:s, s:s, s:s, s:s}", "recording", w->told[0].recording, "state", "pinned", "why", "inc", "path", world_recording(w)));
	for (size_t i = 0; i < w->n_told; i++) {
		const struct told *t = &w->told[i];
		char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

		if (!t->is_pinned)
			continue;
		n++;
		add(&l, AUDIT_CHUNK, json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:s}", "recording", t->recording, "number", (json_int_t)t->number, "file", t->file,
		    "from", clock_format(from, t->from_ns, 9), "to", clock_format(to, t->to_ns, 9), "bytes", (json_int_t)t->bytes, "sha256", t->sha256));
	}
	add(&l, AUDIT_NOTE, json_pack("{s:s}", "text", "done"));
	path = in_root(w, "log");
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	path = in_root(w, "log/audit-000001.jsonl");
	world_write_file(path, l.b.data, l.b.len);
	free(path);
	path = in_root(w, "log-head");
	snprintf(head, sizeof head, "%llu:%s\n", (unsigned long long)l.seq, l.hash);
	world_write_file(path, head, strlen(head));
	free(path);
	buf_done(&l.b);
	assert_true(n >= 3);
	return n;
}

/* --- running it --------------------------------------------------------------------------------------------------------------------------------------------- */

/* The objects that --verify prints; free each. */
static int
run(const struct world *w, const struct verify_ask *ask, json_t **ret, size_t n)
{
	char *path = in_root(w, "out"), line[65536];
	int saved = dup(1), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), status;
	size_t i = 0;
	FILE *f;

	fflush(stdout);
	assert_true(saved >= 0 && fd >= 0);
	dup2(fd, 1);
	status = verify_main(ask);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	lseek(fd, 0, SEEK_SET);
	f = fdopen(fd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		assert_true(i < n);
		ret[i] = json_loads(line, 0, NULL);
		assert_non_null(ret[i]);
		i++;
	}
	assert_int_equal(i, n);
	fclose(f);
	free(path);
	return status;
}

static int
verify_log(const struct world *w, json_t **ret)
{
	char *dir = in_root(w, "log");
	const char *v[] = { dir };
	int status = run(w, &(struct verify_ask){ .paths = v, .n = 1, .is_json = true, .recordings = w->dir }, ret, 1);

	free(dir);
	return status;
}

static const char *
verdict(const json_t *o)
{
	return json_string_value(json_object_get(o, "verdict"));
}

static int64_t
count(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(o, "chunks"), name));
}

static const json_t *
first_finding(const json_t *o)
{
	return json_array_get(json_object_get(json_object_get(o, "chunks"), "findings"), 0);
}

static char *
chunk_path(const struct world *w, size_t i)
{
	return xasprintf("%s/%s", world_recording(w), w->told[i].file);
}

static void
change(const char *path, size_t at)
{
	size_t len;
	char *bytes = world_file(path, &len);

	assert_true(at < len);
	bytes[at] ^= 0x20;
	world_write_file(path, bytes, len);
	free(bytes);
}

/* --- chunks --------------------------------------------------------------------------------------------------------------------------------------------------- */

static void
chunks_hold(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	json_t *o;

	assert_int_equal(verify_log(w, &o), 0);
	assert_string_equal(verdict(o), "good");
	assert_int_equal(count(o, "good"), n);
	assert_int_equal(count(o, "edited") + count(o, "missing") + count(o, "absent"), 0);
	json_decref(o);
}

static void
chunks_changed_and_gone(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	char *first = chunk_path(w, 0), *second = chunk_path(w, 1), *log;
	json_t *o;

	unlink(first);
	assert_int_equal(verify_log(w, &o), 1);
	assert_string_equal(verdict(o), "chunk missing");
	assert_int_equal(count(o, "missing"), 1);
	assert_int_equal(count(o, "good"), n - 1);
	assert_int_equal(json_integer_value(json_object_get(first_finding(o), "seq")), 3);
	assert_string_equal(json_string_value(json_object_get(first_finding(o), "file")), first);
	json_decref(o);
	/* One that is altered is named first. */
	change(second, 100);
	assert_int_equal(verify_log(w, &o), 1);
	assert_string_equal(verdict(o), "chunk edited");
	assert_int_equal(count(o, "edited"), 1);
	assert_int_equal(count(o, "missing"), 1);
	assert_string_equal(json_string_value(json_object_get(first_finding(o), "file")), second);
	json_decref(o);
	/* The chain's own findings come before all. */
	log = in_root(w, "log/audit-000001.jsonl");
	change(log, 30);
	assert_int_equal(verify_log(w, &o), 1);
	assert_string_equal(verdict(o), "malformed");
	json_decref(o);
	free(log);
	free(first);
	free(second);
}

/* Every byte of a small chunk counts. */
static void
any_byte_of_a_chunk(void **state)
{
	struct world *w = *state;
	char *path;
	size_t len, step;

	make(w);
	path = chunk_path(w, 0);
	free(world_file(path, &len));
	step = len / 60 + 1;
	for (size_t at = 0; at < len; at += step) {
		json_t *o;

		change(path, at);
		assert_int_equal(verify_log(w, &o), 1);
		assert_string_equal(verdict(o), "chunk edited");
		json_decref(o);
		change(path, at);
	}
	free(path);
}

/* A recording that was removed as a whole, as anybody may, is said and no finding; one that was moved is found. */
/* A record of somebody else's log names what it likes. */
static void
names_cannot_move_the_cursor(void **state)
{
	struct world *w = *state;
	struct log l = { .hash = AUDIT_ZERO };
	char *env = xasprintf("%s/test", w->dir), *folder = xasprintf("%s/\x1b[2Jx", env), *log = in_root(w, "hostile.jsonl");
	const char *v[] = { log }, *text;
	json_t *o;

	mkdir(w->dir, 0700);
	mkdir(env, 0700);
	assert_int_equal(mkdir(folder, 0700), 0);
	buf_init(&l.b, 1 << 20);
	add(&l, AUDIT_CHUNK, json_pack("{s:s, s:i, s:s, s:s}", "recording", "\x1b[2Jx", "number", 1, "file", "f\x1b[1m", "sha256", AUDIT_ZERO));
	world_write_file(log, l.b.data, l.b.len);
	buf_done(&l.b);
	assert_int_equal(run(w, &(struct verify_ask){ .paths = v, .n = 1, .is_json = true, .recordings = w->dir }, &o, 1), 1);
	text = json_string_value(json_object_get(first_finding(o), "text"));
	assert_non_null(strstr(text, "[2Jx"));
	assert_null(strchr(text, '\x1b'));
	json_decref(o);
	free(log);
	free(folder);
	free(env);
}

static void
recordings_elsewhere(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	char *moved = in_root(w, "moved"), *env = xasprintf("%s/test", w->dir), *to = xasprintf("%s/test", moved), *dir = in_root(w, "log");
	const char *v[] = { dir };
	json_t *o;

	assert_int_equal(mkdir(moved, 0700), 0);
	assert_int_equal(rename(env, to), 0);
	assert_int_equal(verify_log(w, &o), 0);
	assert_int_equal(count(o, "absent"), n);
	assert_string_equal(verdict(o), "good");
	json_decref(o);
	assert_int_equal(run(w, &(struct verify_ask){ .paths = v, .n = 1, .is_json = true, .recordings = moved }, &o, 1), 0);
	assert_int_equal(count(o, "good"), n);
	json_decref(o);
	free(moved);
	free(env);
	free(to);
	free(dir);
}

/* --- packed files ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* first 0: without a slice of the log. */
static char *
pack(struct world *w, uint64_t first, uint64_t last)
{
	char *dir = in_root(w, "log"), *path = in_root(w, "inc.opspack");
	struct pack_slice slice = { dir, first, last };
	struct pack_draft d = { .incident = "inc", .title = "t", .env = "test", .version = "1", .from_ns = T(0), .to_ns = T(295), .slices = &slice, .n_slices = first > 0,
		.n_recordings = 1 };
	struct recording *r = world_read(w);
	struct err err = ERR_INIT;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	d.recordings = &r;
	assert_true(fd >= 0);
	if (pack_write(fd, &d, &err) < 0)
		fail_msg("%s", err.msg);
	close(fd);
	recording_free(r);
	free(dir);
	return path;
}

static uint64_t
offset_of(const char *path, const char *end)
{
	const struct pack_member *m;
	uint64_t at = 0;
	struct pack *p;
	size_t n;

	assert_int_equal(pack_open(path, &p, NULL), 0);
	n = pack_members(p, &m);
	for (size_t i = 0; i < n; i++)
		if (strlen(m[i].name) > strlen(end) && strcmp(m[i].name + strlen(m[i].name) - strlen(end), end) == 0)
			at = m[i].offset + m[i].size / 2;
	pack_free(p);
	assert_true(at > 0);
	return at;
}

static void
packed(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	char *path = pack(w, 2, n + 3);
	const char *v[] = { path };
	const struct verify_ask ask = { .paths = v, .n = 1, .is_json = true };
	uint64_t at;
	json_t *o;

	assert_int_equal(run(w, &ask, &o, 1), 0);
	assert_string_equal(verdict(o), "good");
	assert_int_equal(count(o, "good"), n);
	assert_int_equal(count(o, "unrecorded"), 0);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(o, "slices"), 0), "first_seq")), 2);
	json_decref(o);
	/* A chunk, then a record. */
	at = offset_of(path, ".rec");
	change(path, (size_t)at);
	assert_int_equal(run(w, &ask, &o, 1), 1);
	assert_string_equal(verdict(o), "chunk edited");
	assert_int_equal(count(o, "edited"), 1);
	assert_int_equal(count(o, "unrecorded"), 0);	/* a record vouches for it: that is how it is known to be altered */
	json_decref(o);
	change(path, (size_t)at);
	change(path, (size_t)offset_of(path, ".jsonl"));
	assert_int_equal(run(w, &ask, &o, 1), 1);
	assert_true(strcmp(verdict(o), "edited") == 0 || strcmp(verdict(o), "malformed") == 0);
	json_decref(o);
	free(path);
}

/* A head that could not be compared with anything is not called good; one that could is. */
static void
heads_of_packed_files(void **state)
{
	struct world *w = *state;
	size_t n = make(w), len;
	char *path = pack(w, 2, 3), *headfile = in_root(w, "log-head"), *head = world_file(headfile, &len), zeros[128];
	const char *v[] = { path };
	struct verify_ask ask = { .paths = v, .n = 1, .is_json = true, .head = head };
	json_t *o;

	(void)n;
	head[strcspn(head, "\n")] = '\0';
	assert_int_equal(run(w, &ask, &o, 1), 4);
	assert_string_equal(verdict(o), "unanchored");
	assert_non_null(strstr(json_string_value(json_object_get(o, "text")), "not compared"));
	json_decref(o);
	free(path);
	v[0] = path = pack(w, 2, n + 3);
	assert_int_equal(run(w, &ask, &o, 1), 0);
	assert_string_equal(verdict(o), "good");
	json_decref(o);
	free(path);
	v[0] = path = pack(w, 0, 0);
	ask.head = NULL;
	assert_int_equal(run(w, &ask, &o, 1), 4);
	assert_string_equal(verdict(o), "unanchored");
	assert_non_null(strstr(json_string_value(json_object_get(o, "text")), "no part of an audit log"));
	json_decref(o);
	free(path);
	v[0] = path = pack(w, 2, n + 3);
	snprintf(zeros, sizeof zeros, "3:%s", AUDIT_ZERO);
	ask.head = zeros;
	assert_int_equal(run(w, &ask, &o, 1), 1);
	assert_string_equal(verdict(o), "edited");
	json_decref(o);
	free(path);
	free(headfile);
	free(head);
}

/* The copies of the own log's head say nothing of a packed file beside it. */
static void
copies_are_of_the_log(void **state)
{
	struct world *w = *state;
	char *path, *dir = in_root(w, "log"), *head = in_root(w, "log-head");
	const char *copies[] = { head, NULL }, *v[2] = { dir };
	json_t *o[2];

	make(w);
	v[1] = path = pack(w, 2, 3);
	assert_int_equal(run(w, &(struct verify_ask){ .paths = v, .n = 2, .is_json = true, .own_dir = dir, .own_head = head, .own_copies = copies,
	    .recordings = w->dir }, o, 2), 0);
	assert_string_equal(verdict(o[0]), "good");
	assert_string_equal(verdict(o[1]), "good");
	json_decref(o[0]);
	json_decref(o[1]);
	free(path);
	free(dir);
	free(head);
}

/* Chunks whose records were not packed: nothing vouches for them. */
static void
unrecorded(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	char *path = pack(w, 1, 3);
	const char *v[] = { path };
	json_t *o;

	assert_int_equal(run(w, &(struct verify_ask){ .paths = v, .n = 1, .is_json = true }, &o, 1), 0);
	assert_int_equal(count(o, "good"), 1);
	assert_int_equal(count(o, "unrecorded"), n - 1);
	json_decref(o);
	free(path);
}

/* --- what a panel and a replay's bar say ------------------------------------------------------------------------------------------------------------------------ */

static const char *
shown(const struct verify_show *o, const char *text)
{
	static struct verify_told told;
	struct err err = ERR_INIT;

	if (verify_show(o, &told, &err) < 0)
		fail_msg("%s", err.msg);
	if (strstr(told.text, text) == NULL)
		fail_msg("\"%s\" has no \"%s\"", told.text, text);
	return told.verdict;
}

static void
the_screen_agrees(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	char *log = in_root(w, "log"), *head = in_root(w, "log-head"), *chunk = chunk_path(w, 1), *recording = xstrdup(world_recording(w));
	char *gone = chunk_path(w, 2), *hold = xasprintf("; %zu chunks of recordings hold", n);
	const struct verify_show all = { .path = log, .head_path = head, .recordings = w->dir }, one = { .path = log, .head_path = head, .recording = recording };

	assert_string_equal(shown(&all, hold), "good");
	assert_string_equal(shown(&one, hold), "good");
	change(chunk, 50);
	assert_string_equal(shown(&all, "chunk 2 of recording"), "chunk edited");
	assert_string_equal(shown(&one, "chunk 2 of recording"), "chunk edited");
	change(chunk, 50);
	unlink(gone);
	assert_string_equal(shown(&all, "is gone"), "chunk missing");
	assert_string_equal(shown(&one, "is gone"), "chunk missing");
	free(hold);
	free(gone);
	free(recording);
	free(chunk);
	free(head);
	free(log);
}

/* A log that says nothing of the recording does not make it verified. */
static void
the_screen_says_in_part(void **state)
{
	struct world *w = *state;
	size_t n = make(w);
	char *other = in_root(w, "other.jsonl"), *path = pack(w, 1, 3), *some = xasprintf("no record vouches for %zu of %zu chunks", n - 1, n);
	struct log l = { .hash = AUDIT_ZERO };
	struct verify_show o = { .path = other, .recording = world_recording(w) };
	size_t at;

	buf_init(&l.b, 1 << 20);
	add(&l, AUDIT_NOTE, json_pack("{s:s}", "text", "x"));
	world_write_file(other, l.b.data, l.b.len);
	buf_done(&l.b);
	assert_string_equal(shown(&o, "no record vouches for"), "partial");
	o = (struct verify_show){ .path = path };
	assert_string_equal(shown(&o, some), "partial");
	at = (size_t)offset_of(path, ".jsonl");
	change(path, at);
	assert_true(strcmp(shown(&o, ""), "partial") != 0);
	change(path, at);
	change(path, (size_t)offset_of(path, "001.rec"));
	assert_string_equal(shown(&o, "chunk 1 of recording"), "chunk edited");
	free(some);
	free(path);
	free(other);
}

/* --- the verifier of the manual ------------------------------------------------------------------------------------------------------------------------------------ */

static int
shell(const char *options, const char *path)
{
	char *command = xasprintf("sh '%s/doc/verify-audit.sh' %s '%s' >/dev/null 2>&1", SOURCE_DIR, options, path);
	int status = system(command);

	free(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
the_shell_agrees(void **state)
{
	struct world *w = *state;
	char *path, *chunk, *log, *options = xasprintf("--recordings '%s'", w->dir);
	size_t n;

	if (system("command -v jq >/dev/null && command -v sha256sum >/dev/null && command -v tar >/dev/null") != 0) {
		free(options);
		skip();
	}
	n = make(w);
	log = in_root(w, "log/audit-000001.jsonl");
	chunk = chunk_path(w, 1);
	path = pack(w, 2, n + 3);
	assert_int_equal(shell(options, log), 0);
	assert_int_equal(shell("", path), 0);
	change(chunk, 50);
	assert_int_equal(shell(options, log), 1);
	assert_int_equal(shell("", log), 0);	/* it was not asked to look */
	unlink(chunk);
	assert_int_equal(shell(options, log), 1);
	change(path, (size_t)offset_of(path, ".rec"));
	assert_int_equal(shell("", path), 1);
	free(path);
	free(chunk);
	free(log);
	free(options);
}

static void
the_shell_sees_slices(void **state)
{
	struct world *w = *state;
	char *path;
	size_t n;

	if (system("command -v jq >/dev/null && command -v sha256sum >/dev/null && command -v tar >/dev/null") != 0)
		skip();
	n = make(w);
	path = pack(w, 0, 0);
	assert_int_equal(shell("", path), 1);
	free(path);
	path = pack(w, 2, n + 3);
	change(path, (size_t)offset_of(path, ".jsonl"));
	assert_int_equal(shell("", path), 1);
	free(path);
}

/* --- heads from elsewhere ---------------------------------------------------------------------------------------------------------------------------------------- */

static void
copies(void **state)
{
	struct world *w = *state;
	size_t n = make(w) + 3;
	char *dir = in_root(w, "log"), *head = in_root(w, "log-head"), *copy = in_root(w, "copy"), *text, *later;
	const char *v[] = { copy, NULL };
	const struct verify_ask ask = { .own_dir = dir, .own_head = head, .own_copies = v, .recordings = w->dir, .is_json = true };
	struct audit_reader *r;
	struct audit_line l;
	struct audit_frame f;
	json_t *o;

	assert_int_equal(audit_reader_open(dir, &r, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(audit_reader_next(r, &l, NULL), 1);
	assert_int_equal(audit_frame_read(l.bytes, l.len, &f, NULL), 0);
	audit_reader_free(r);
	/* An old one stays good. */
	text = xasprintf("2:%s\n", f.hash);
	world_write_file(copy, text, strlen(text));
	assert_int_equal(run(w, &ask, &o, 1), 0);
	json_decref(o);
	/* Another hash: the log was replaced. */
	text[2] = text[2] == 'a' ? 'b' : 'a';
	world_write_file(copy, text, strlen(text));
	assert_int_equal(run(w, &ask, &o, 1), 1);
	assert_string_equal(verdict(o), "edited");
	assert_int_equal(json_integer_value(json_object_get(o, "seq")), 2);
	json_decref(o);
	/* A later record: the end, and the head beside it, were set back. */
	later = xasprintf("%zu:%s\n", n + 7, f.hash);
	world_write_file(copy, later, strlen(later));
	assert_int_equal(run(w, &ask, &o, 1), 1);
	assert_string_equal(verdict(o), "truncated");
	assert_int_equal(json_integer_value(json_object_get(o, "seq")), n + 1);
	json_decref(o);
	free(later);
	free(text);
	free(dir);
	free(head);
	free(copy);
}

/* --- threads --------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Over blocks and files, with one thread or four, strict or not: what is wrong anywhere is named alike. */
static void
threads_agree(void **state)
{
	enum { N = 6000 };
	static const size_t wrong[] = { 0, 1, 1500, 2999, 3000, 4500, N - 1 };
	struct log l = { .hash = AUDIT_ZERO };
	size_t *at = xcalloc(N + 1, sizeof *at);
	const char *names[] = { "a", "b" };

	(void)state;
	buf_init(&l.b, 16 << 20);
	for (size_t i = 0; i < N; i++) {
		at[i] = l.b.len;
		add(&l, i % 2 ? AUDIT_RESULT : AUDIT_INTENT, i % 2 ? json_pack("{s:I}", "intent", (json_int_t)i) : json_pack("{s:s}", "step", "s"));
	}
	at[N] = l.b.len;
	for (size_t k = 0; k <= sizeof wrong / sizeof wrong[0]; k++)
		for (unsigned mode = 0; mode < 6; mode++) {
			const char *texts[] = { l.b.data, l.b.data + at[3000] };
			size_t lens[] = { at[3000], at[N] - at[3000] };
			struct audit_reader *r = audit_reader_memory(names, texts, lens, 2);
			const struct audit_verify_options o = { .threads = mode % 3 == 0 ? 1 : mode % 3 == 1 ? 2 : 4, .is_chain_only = mode >= 3 };
			struct audit_report rep;
			bool is_wrong = k < sizeof wrong / sizeof wrong[0];
			char *byte = is_wrong ? &l.b.data[at[wrong[k]] + 290] : NULL, before = is_wrong ? *byte : 0;

			if (is_wrong)
				*byte = before == '1' ? '2' : '1';
			assert_int_equal(audit_verify_with(r, &o, &rep, NULL), 0);
			audit_reader_free(r);
			if (is_wrong)
				*byte = before;
			if (!is_wrong) {
				assert_int_equal(rep.verdict, AUDIT_GOOD);
				assert_int_equal(rep.records, N);
				assert_int_equal(rep.open_intents, 0);
				assert_string_equal(rep.last_hash, l.hash);
				continue;
			}
			assert_true(rep.verdict == AUDIT_EDITED || rep.verdict == AUDIT_MALFORMED);
			assert_int_equal(rep.seq, wrong[k] + 1);
			assert_int_equal(rep.line, wrong[k] % 3000 + 1);
			assert_string_equal(rep.file, wrong[k] < 3000 ? "a" : "b");
			assert_int_equal(rep.offset, at[wrong[k]] - (wrong[k] < 3000 ? 0 : at[3000]));
		}
	free(at);
	buf_done(&l.b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chunks_hold), TEST(chunks_changed_and_gone), TEST(any_byte_of_a_chunk), TEST(packed), TEST(unrecorded), TEST(heads_of_packed_files), TEST(copies_are_of_the_log),
		TEST(the_shell_agrees), TEST(the_shell_sees_slices), TEST(copies),
		cmocka_unit_test(threads_agree), TEST(recordings_elsewhere), TEST(names_cannot_move_the_cursor), TEST(the_screen_agrees), TEST(the_screen_says_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
