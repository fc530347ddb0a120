/* Packed files: what goes in comes out, verifies and replays; and nothing else is taken for one. */
#include "config.h"

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

#include "audit/reader_priv.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "record/pack.h"
#include "record/tar.h"
#include "tests/unit/record_world.h"

enum { RECORDS = 20 };

/* A log of notes in root/NAME/. */
static void
make_log(const struct world *w, const char *name, const char *user)
{
	const struct audit_actor actor = { .user = user, .uid = 1000, .host = "web", .tty = "", .client = "" };
	char hash[AUDIT_HASH_HEX + 1] = AUDIT_ZERO, prev[AUDIT_HASH_HEX + 1], path[200];
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint64_t i = 1; i <= RECORDS; i++) {
		struct audit_draft d = { .type = AUDIT_NOTE, .incident = "inc" };

		d.body = json_pack("{s:s}", "text", "a note");
		memcpy(prev, hash, sizeof prev);
		assert_int_equal(audit_record_write(&b, i, T((int64_t)i), prev, &actor, "test", &d, hash, NULL), 0);
		json_decref(d.body);
	}
	snprintf(path, sizeof path, "%s/%s", w->root, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/%s/audit-000001.jsonl", w->root, name);
	world_write_file(path, b.data, b.len);
	buf_done(&b);
}

static int
write_pack(const char *path, const struct pack_draft *d, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), r;

	assert_true(fd >= 0);
	r = pack_write(fd, d, err);
	close(fd);
	return r;
}

/* Three minutes recorded, two logs, packed in root/inc.opspack. */
static void
make_pack(struct world *w, char *path, size_t size)
{
	char one[128], two[128];
	struct pack_slice slices[2] = { { one, 3, 12 }, { two, 1, RECORDS } };
	struct pack_draft d = { .incident = "inc", .title = "Something \"odd\"", .env = "test", .version = "1", .from_ns = T(70), .to_ns = T(170),
		.slices = slices, .n_slices = 2, .n_recordings = 1 };
	struct recording *r;
	struct err err = ERR_INIT;

	make_log(w, "log1", "alice");
	make_log(w, "log2", "alice");
	snprintf(one, sizeof one, "%s/log1", w->root);
	snprintf(two, sizeof two, "%s/log2", w->root);
	world_open(w);
	recorder_pin(w->recorder, "incident inc");
	world_environment(w, 0);
	world_run(w, 1, 290);
	world_at(w, 295);
	world_close(w);
	r = world_read(w);
	d.recordings = &r;
	snprintf(path, size, "%s/inc.opspack", w->root);
	if (write_pack(path, &d, &err) < 0)
		fail_msg("%s", err.msg);
	recording_free(r);
}

static void
test_slices_verify(void **state)
{
	struct world *w = *state;
	struct pack *p = NULL;
	struct pack_info info;
	struct err err = ERR_INIT;
	char path[160];

	make_pack(w, path, sizeof path);
	assert_true(pack_is(path));
	if (pack_open(path, &p, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(pack_check(p, NULL), 0);
	pack_info(p, &info);
	assert_string_equal(info.incident, "inc");
	assert_string_equal(info.title, "Something \"odd\"");
	assert_int_equal(info.from_ns, T(70));
	assert_int_equal(info.to_ns, T(170));
	assert_int_equal(info.packed_ns, T(295));
	assert_int_equal(pack_n_slices(p), 2);
	for (size_t i = 0; i < 2; i++) {
		const char *name, *head, *bytes;
		struct audit_report rep;
		struct audit_reader *r;
		size_t len;

		bytes = pack_slice(p, i, &len, &name, &head);
		assert_string_equal(name, i == 0 ? "audit-alice@web.jsonl" : "audit-alice@web-2.jsonl");
		assert_ptr_equal(pack_bytes(p, name, &len), bytes);
		r = audit_reader_memory(&name, &bytes, &len, 1);
		audit_reader_set_slice(r);
		assert_int_equal(audit_verify(r, head, NULL, &rep, &err), 0);
		if (rep.verdict != AUDIT_GOOD)
			fail_msg("%s", rep.text);
		assert_int_equal(rep.first_seq, i == 0 ? 3 : 1);
		assert_int_equal(rep.last_seq, i == 0 ? 12 : RECORDS);
		audit_reader_free(r);
	}
	assert_null(pack_slice(p, 2, &(size_t){ 0 }, &(const char *){ NULL }, &(const char *){ NULL }));
	assert_null(pack_bytes(p, "none", &(size_t){ 0 }));
	pack_free(p);
}

/* The same model at the same time as from the folder. */
static void
test_replays(void **state)
{
	struct world *w = *state;
	struct recording *folder, *packed = NULL;
	struct recording_info info;
	struct player *a, *b;
	struct err err = ERR_INIT;
	char path[160];

	make_pack(w, path, sizeof path);
	folder = world_read(w);
	if (recording_open(path, &packed, &err) < 0)
		fail_msg("%s", err.msg);
	recording_info(packed, &info);
	assert_true(info.is_packed);
	assert_string_equal(info.incident, "inc");
	assert_int_equal(info.problems.n, 0);
	assert_int_equal(info.n_chunks, 2);
	assert_true(info.first_ns <= T(70) && info.last_ns >= T(170));
	a = player_new(folder);
	b = player_new(packed);
	for (int s = 70; s <= 170; s += 7) {
		char *x = world_dump(player_seek(a, T(s), NULL)), *y = world_dump(player_seek(b, T(s), NULL));

		assert_string_equal(x, y);
		free(x);
		free(y);
	}
	assert_null(player_seek(b, T(10), NULL));
	player_free(a);
	player_free(b);
	recording_free(folder);
	recording_free(packed);
}

static int
run_tar(const char *path, const char *out)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(fd, 1);
		execlp("tar", "tar", "-tf", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_opens_with_tar(void **state)
{
	struct world *w = *state;
	char path[160], out[160], *text;
	size_t len;
	int code;

	make_pack(w, path, sizeof path);
	snprintf(out, sizeof out, "%s/list", w->root);
	code = run_tar(path, out);
	if (code == 127)
		skip();
	assert_int_equal(code, 0);
	text = world_file(out, &len);
	assert_int_equal(strncmp(text, "manifest.json\naudit-alice@web.jsonl\naudit-alice@web-2.jsonl\n20300101-", 66), 0);
	free(text);
}

static void
test_nothing_to_pack(void **state)
{
	struct world *w = *state;
	struct pack_draft d = { .incident = "inc", .title = "", .env = "test", .version = "1", .from_ns = T(0), .to_ns = T(1) };
	struct pack_slice slice;
	struct err err = ERR_INIT;
	char path[160], log[160];

	snprintf(path, sizeof path, "%s/x", w->root);
	assert_int_equal(write_pack(path, &d, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "nothing to pack"));
	make_log(w, "log", "bob");
	snprintf(log, sizeof log, "%s/log", w->root);
	slice = (struct pack_slice){ log, 5, RECORDS + 1 };
	d.slices = &slice;
	d.n_slices = 1;
	assert_int_equal(write_pack(path, &d, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "has no records 5 to 21"));
}

/* --- bytes that are not right ---------------------------------------------------------------------------------------------------- */

/* Cut anywhere it is refused; a byte changed is refused, or found by pack_check(). */
static void
test_damage(void **state)
{
	struct world *w = *state;
	char path[160], *bytes;
	size_t len, end;
	struct pack *p;
	struct err err = ERR_INIT;

	make_pack(w, path, sizeof path);
	bytes = world_file(path, &len);
	end = len - 2 * TAR_BLOCK;
	snprintf(path, sizeof path, "%s/damaged", w->root);
	for (size_t i = 0; i <= end; i += i < 4096 ? 1 : 61) {
		world_write_file(path, bytes, i);
		err = (struct err)ERR_INIT;
		assert_int_equal(pack_open(path, &p, &err), ERR_SYNTAX);
		assert_non_null(strstr(err.msg, "not a packed file"));
	}
	for (size_t i = 0; i < len; i += i < 8192 ? 1 : 61) {
		bytes[i] ^= 4;
		world_write_file(path, bytes, len);
		if (pack_open(path, &p, &err) == 0) {
			/* The manifest's own words and the padding of tar say nothing that could be held against them. */
			const struct pack_member *members;
			size_t n = pack_members(p, &members);
			bool is_member = false;

			for (size_t k = 1; k < n; k++)
				is_member = is_member || (i >= members[k].offset && i < members[k].offset + members[k].size);
			assert_int_equal(pack_check(p, NULL), is_member ? ERR_SYNTAX : pack_check(p, NULL));
			pack_free(p);
		}
		bytes[i] ^= 4;
	}
	free(bytes);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		bool is_plain;
	} names[] = {
		{ "a", true }, { "audit-alice@web.jsonl", true }, { "", false }, { ".", false }, { "..", false }, { "../x", false }, { "a/b", false },
		{ "/etc/passwd", false }, { ".hidden", false }, { "-rf", false }, { "a b", false }, { "a\n", false }, { "\xc3\xa9", false },
	};
	char block[TAR_BLOCK], name[TAR_NAME_MAX + 1];
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char made[64];

		assert_int_equal(tar_name_is_plain(names[i].name), names[i].is_plain);
		snprintf(made, sizeof made, "%s", names[i].name);
		tar_name_make_plain(made);
		assert_true(made[0] == '\0' || tar_name_is_plain(made));
		tar_header_write(block, names[i].name, 7, 0);
		assert_int_equal(tar_header_read(block, name, &size, NULL), names[i].is_plain ? 1 : ERR_SYNTAX);
	}
}

int
main(void)
{
#define T_(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T_(test_slices_verify),
		T_(test_replays),
		T_(test_opens_with_tar),
		T_(test_nothing_to_pack),
		T_(test_damage),
		T_(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
