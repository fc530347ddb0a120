/* The head's copies, its line for the system's log, and checkpoints as they are due; the app around is a few stand-ins. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "anchors.h"
#include "anchors_look.h"
#include "audit/checkpoint.h"
#include "audit/glass.h"
#include "audit_world.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "trail.h"

static char notes[4096];

void
app_note(struct app *a, const char *text)
{
	size_t n = strlen(notes);

	(void)a;
	snprintf(notes + n, sizeof notes - n, "%s\n", text);
}

struct audit *
trail_audit(struct trail *t, struct err *err)
{
	(void)err;
	return ((struct world *)t)->audit;
}

struct test {
	struct world *w;
	struct app app;
	struct conf conf;
	char *copies[3], socket[100];
	int journal;
	struct anchors *anchors;
};

static int
setup(void **state)
{
	struct test *t = xcalloc(1, sizeof *t);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (world_setup((void **)&t->w) < 0)
		return -1;
	notes[0] = '\0';
	t->conf.audit.dir = t->w->dir;
	t->conf.audit.head = t->w->head;
	t->conf.audit.journald = CONF_JOURNALD_YES;
	t->app.conf = &t->conf;
	t->app.loop = t->w->loop;
	t->app.pool = pool_new(t->w->loop, 1);
	snprintf(t->socket, sizeof t->socket, "%s/journal", t->w->root);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", t->socket);
	t->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(t->journal, (struct sockaddr *)&at, sizeof at) < 0)
		return -1;
	glass_places_set(t->socket, NULL, 2);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;
	void *w = t->w;

	anchors_free(t->anchors);
	pool_stop(t->app.pool);
	pool_free(t->app.pool);
	close(t->journal);
	free(t->copies[0]);
	free(t->copies[1]);
	free(t);
	return world_teardown(&w);
}

static void
begin(struct test *t)
{
	world_open(t->w);
	t->anchors = anchors_new(&t->app);
	anchors_start(t->anchors);
}

/* The head stands where the log ends. */
static uint64_t
note(struct test *t, const char *text)
{
	char *head;
	uint64_t seq, at = 0;
	size_t len;

	assert_int_equal(world_note(t->w, text, &seq, NULL), 0);
	for (int i = 0; i < 3000 && at != seq; i++) {
		loop_once(t->w->loop, 10 * NS_PER_MS);
		head = world_read(t->w->head, &len);
		at = strtoull(head, NULL, 10);
		free(head);
	}
	assert_int_equal(at, seq);
	return seq;
}

static const struct audit_anchor *
find(struct test *t, struct arena *arena, const char *kind, size_t nth)
{
	struct audit_anchor *v;
	size_t n = anchors_list(t->anchors, arena, &v);

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].kind, kind) == 0 && nth-- == 0)
			return &v[i];
	fail_msg("no anchor %s", kind);
	return NULL;
}

/* Turns the loop until that anchor reaches seq. */
static void
until_at(struct test *t, const char *kind, uint64_t seq)
{
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;

	for (;;) {
		struct arena arena = { 0 };
		bool is_there = find(t, &arena, kind, 0)->seq == seq;

		arena_done(&arena);
		if (is_there)
			return;
		assert_true(clock_mono_fresh() < until);
		loop_once(t->w->loop, 50 * NS_PER_MS);
	}
}

static bool
journal_line(struct test *t, char *line, size_t size)
{
	ssize_t n = recv(t->journal, line, size - 1, 0);

	if (n < 0)
		return false;
	line[n] = '\0';
	return true;
}

static void
copies_follow(void **state)
{
	struct test *t = *state;
	char *head, *copy, line[2048];
	struct arena arena = { 0 };
	uint64_t seq;
	size_t len;

	t->copies[0] = xasprintf("%s/copy", t->w->root);
	t->copies[1] = xasprintf("%s/nowhere/copy", t->w->root);
	t->conf.audit.copies = t->copies;
	begin(t);
	until_at(t, "copy", 1);
	seq = note(t, "x");
	until_at(t, "copy", seq);
	head = world_read(t->w->head, &len);
	copy = world_read(t->copies[0], &len);
	assert_string_equal(copy, head);
	free(head);
	free(copy);
	assert_int_equal(find(t, &arena, "head", 0)->state, ANCHOR_OK);
	assert_int_equal(find(t, &arena, "copy", 0)->state, ANCHOR_OK);
	assert_int_equal(find(t, &arena, "copy", 1)->state, ANCHOR_FAILED);
	assert_non_null(strstr(find(t, &arena, "copy", 1)->text, "nowhere"));
	/* Said once. */
	assert_non_null(strstr(notes, "nowhere/copy"));
	assert_null(strstr(strstr(notes, "audit: copy") + 1, "audit: copy"));
	/* The system's log heard of the first head, and of the last one at the end only: a minute has not passed. */
	assert_true(journal_line(t, line, sizeof line));
	assert_non_null(strstr(line, "OPSCONSOLE_AUDIT=head\n"));
	assert_non_null(strstr(line, ": 1:"));
	assert_false(journal_line(t, line, sizeof line));
	assert_int_equal(find(t, &arena, "journald", 0)->state, ANCHOR_BEHIND);
	assert_string_equal(find(t, &arena, "journald", 0)->text, "1 record behind");
	anchors_free(t->anchors);
	t->anchors = NULL;
	assert_true(journal_line(t, line, sizeof line));
	assert_non_null(strstr(line, ": 2:"));
	arena_done(&arena);
}

/* Each on its own way up: none fails because of another, and what is left is whole. */
static void
two_consoles_write_copies(void **state)
{
	enum { TIMES = 200 };
	struct test *t = *state;
	char path[160], *copies[] = { path, NULL }, *text;
	int status, n_failed = 0;
	size_t len;

	snprintf(path, sizeof path, "%s/both", t->w->root);
	for (unsigned p = 0; p < 2; p++) {
		if (fork() != 0)
			continue;
		for (unsigned i = 1; i <= TIMES; i++) {
			struct anchors_look l = { .copies = copies, .head = { .seq = i * 2 + p } };

			memset(l.head.hash, 'a', AUDIT_HASH_HEX);
			anchors_look_copies(&l);
			n_failed += l.copy[0].why[0] != '\0' && strstr(l.copy[0].why, "but the head") == NULL;	/* the other one is ahead */
		}
		_exit(n_failed > 0);
	}
	for (unsigned p = 0; p < 2; p++)
		if (wait(&status) > 0 && status != 0)
			n_failed++;
	assert_int_equal(n_failed, 0);
	text = world_read(path, &len);
	assert_int_equal(len, strcspn(text, ":") + 1 + AUDIT_HASH_HEX + 1);
	free(text);
}

/* Another console wrote head and copy after this one had read the head. */
static void
a_copy_of_a_newer_head(void **state)
{
	struct test *t = *state;
	char path[160], head[160], text[128], *copies[] = { path, NULL };
	struct anchors_look l = { .copies = copies, .head = { .seq = 1 }, .head_path = head };

	snprintf(path, sizeof path, "%s/copy", t->w->root);
	snprintf(head, sizeof head, "%s/newer", t->w->root);
	memset(l.head.hash, 'a', AUDIT_HASH_HEX);
	snprintf(text, sizeof text, "2:%s\n", l.head.hash);
	world_write(path, text, strlen(text));
	anchors_look_copies(&l);
	assert_non_null(strstr(l.copy[0].why, "cut off"));
	world_write(head, text, strlen(text));
	anchors_look_copies(&l);
	assert_string_equal(l.copy[0].why, "");
	assert_int_equal(l.copy[0].seq, 2);
	text[2] = 'b';
	world_write(head, text, strlen(text));
	anchors_look_copies(&l);
	assert_non_null(strstr(l.copy[0].why, "replaced"));
}

/* The copy is the evidence. */
static void
a_later_copy_stays(void **state)
{
	static const char later[] = "99:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
	struct test *t = *state;
	struct arena arena = { 0 };
	char *text;
	size_t len;

	t->copies[0] = xasprintf("%s/copy", t->w->root);
	t->conf.audit.copies = t->copies;
	world_write(t->copies[0], later, sizeof later - 1);
	begin(t);
	until_at(t, "copy", 99);
	assert_int_equal(find(t, &arena, "copy", 0)->state, ANCHOR_FAILED);
	assert_non_null(strstr(notes, "it names record 99"));
	text = world_read(t->copies[0], &len);
	assert_string_equal(text, later);
	free(text);
	arena_done(&arena);
}

static void
a_run_that_ends_is_told(void **state)
{
	struct test *t = *state;
	struct audit_draft end = { .type = AUDIT_RUN_END, .run = "r1", .body = json_pack("{s:s}", "outcome", "done") };
	char line[2048];
	uint64_t seq;

	begin(t);
	until_at(t, "journald", 1);
	assert_true(journal_line(t, line, sizeof line));
	assert_int_equal(world_append(t->w, &end, &seq, NULL), 0);
	until_at(t, "journald", seq);
	assert_true(journal_line(t, line, sizeof line));
	assert_non_null(strstr(line, ": 2:"));
}

static void
nobody_listens(void **state)
{
	struct test *t = *state;
	struct arena arena = { 0 };

	unlink(t->socket);
	begin(t);
	until_at(t, "head", 1);
	assert_int_equal(find(t, &arena, "journald", 0)->state, ANCHOR_FAILED);
	arena_done(&arena);
}

/* Nobody asked for it, and the machine has none: that is no failure. */
static void
nobody_is_there(void **state)
{
	struct test *t = *state;
	struct arena arena = { 0 };

	t->conf.audit.journald = CONF_JOURNALD_AUTO;
	begin(t);
	until_at(t, "journald", 1);
	anchors_free(t->anchors);
	unlink(t->socket);
	t->anchors = anchors_new(&t->app);
	anchors_start(t->anchors);
	until_at(t, "head", 1);
	assert_int_equal(find(t, &arena, "journald", 0)->state, ANCHOR_OFF);
	assert_non_null(strstr(find(t, &arena, "journald", 0)->text, "neither"));
	arena_done(&arena);
}

/* A checkpoint that was made when there was more is evidence, and not a good anchor. */
static void
a_later_checkpoint_is_told(void **state)
{
	struct test *t = *state;
	struct audit_checkpoint c = { .seq = 9, .time_ns = NS_PER_S };
	struct audit_actor self;
	struct arena arena = { 0 };
	char dir[160], path[256];
	struct buf b;

	snprintf(dir, sizeof dir, "%s/checkpoints", t->w->root);
	snprintf(path, sizeof path, "%s/20300101-022931-9.checkpoint", dir);
	audit_actor_self(&self);
	snprintf(c.chain, sizeof c.chain, "%s@%s %s", self.user, self.host, t->w->dir);
	memset(c.hash, 'a', AUDIT_HASH_HEX);
	assert_int_equal(mkdir(dir, 0700), 0);
	buf_init(&b, 4096);
	assert_int_equal(audit_checkpoint_write(&b, &c, NULL), 0);
	world_write(path, b.data, b.len);
	buf_done(&b);
	t->conf.audit.checkpoint_key = dir;
	t->conf.audit.checkpoint_dir = dir;
	begin(t);
	until_at(t, "head", 1);
	assert_int_equal(find(t, &arena, "checkpoint", 0)->seq, 9);
	assert_int_equal(find(t, &arena, "checkpoint", 0)->state, ANCHOR_FAILED);
	assert_non_null(strstr(find(t, &arena, "checkpoint", 0)->text, "cut off"));
	arena_done(&arena);
}

/* Asked for without a key, then with one that no agent has; an incident that is closed asks, too. */
static void
checkpoints_say_why_not(void **state)
{
	struct test *t = *state;
	struct audit_draft closed = { .type = AUDIT_INCIDENT_CLOSED, .incident = "inc", .body = json_pack("{s:s}", "text", "over") };
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;
	char key[160];

	unsetenv("SSH_AUTH_SOCK");
	begin(t);
	anchors_checkpoint(t->anchors);
	assert_non_null(strstr(notes, "no key is named"));
	until_at(t, "head", 1);
	snprintf(key, sizeof key, "%s/none.pub", t->w->root);
	t->conf.audit.checkpoint_key = key;
	assert_int_equal(world_append(t->w, &closed, NULL, NULL), 0);
	while (strstr(notes, "there is no public key in") == NULL) {
		loop_once(t->w->loop, 50 * NS_PER_MS);
		assert_true(clock_mono_fresh() < until);
	}
}

static void
nothing_there(void **state)
{
	struct test *t = *state;
	struct arena arena = { 0 };
	int64_t until = clock_mono_fresh() + 100 * NS_PER_MS;
	char line[64];

	t->anchors = anchors_new(&t->app);
	anchors_start(t->anchors);
	while (clock_mono_fresh() < until)
		loop_once(t->w->loop, 10 * NS_PER_MS);
	assert_int_equal(find(t, &arena, "head", 0)->state, ANCHOR_OFF);
	assert_false(journal_line(t, line, sizeof line));
	assert_string_equal(notes, "");
	arena_done(&arena);
	anchors_free(NULL);
	anchors_start(NULL);
	anchors_checkpoint(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copies_follow), TEST(two_consoles_write_copies), TEST(a_copy_of_a_newer_head), TEST(a_later_copy_stays), TEST(a_run_that_ends_is_told), TEST(nobody_listens), TEST(nobody_is_there), TEST(a_later_checkpoint_is_told), TEST(checkpoints_say_why_not), TEST(nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
