/* Locks: all or none, freed with their holder, and no trap laid by another user is stepped into. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "runbook/lock.h"

static char dir[64];
static const char *const targets[] = { "web-01", "web-02", "run:spam" };

static int
setup(void **state)
{
	(void)state;
	clock_tick();
	snprintf(dir, sizeof dir, "/tmp/ops-lock-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "prod@web-01.lock", "prod@web-02.lock", "prod@run:spam.lock", "prod@web-03.lock", "test@web-01.lock", "prod@%2e.%2fx.lock", "%2eprod@x.lock", "victim",
		"run/opsconsole/locks/prod@web-01.lock", "run/opsconsole/locks/prod@web-02.lock", "usual/prod@web-01.lock", "usual/prod@web-02.lock" };
	static const char *const dirs[] = { "run/opsconsole/locks", "run/opsconsole", "run", "usual" };
	char path[128];

	(void)state;
	chmod(dir, 0700);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, dirs[i]);
		rmdir(path);
	}
	return rmdir(dir);
}

static int
take(const char *env, const char *const *v, size_t n, struct locks **ret, struct err *err)
{
	return locks_take(dir, env, v, n, "20300101-0229", "alice", ret, err);
}

static void
test_second_is_refused(void **state)
{
	struct locks *a = NULL, *b = NULL;
	struct err err = ERR_INIT;
	char pid[32];

	(void)state;
	assert_int_equal(take("prod", targets, 3, &a, &err), 0);
	assert_int_equal(take("prod", (const char *const[]){ "web-03", "web-02" }, 2, &b, &err), ERR_REFUSED);
	assert_non_null(strstr(err.msg, "web-02 is locked by alice"));
	assert_non_null(strstr(err.msg, "for run 20300101-0229"));
	snprintf(pid, sizeof pid, "pid %ld on", (long)getpid());
	assert_non_null(strstr(err.msg, pid));
	assert_null(b);
	/* None of the others was kept; another environment is another lock. */
	assert_int_equal(locks_look(dir, "prod", (const char *const[]){ "web-03" }, 1, &err), 0);
	assert_int_equal(locks_look(dir, "prod", targets, 3, &err), ERR_REFUSED);
	assert_int_equal(take("test", (const char *const[]){ "web-01" }, 1, &b, &err), 0);
	locks_free(b);
	locks_free(a);
	assert_int_equal(locks_look(dir, "prod", targets, 3, &err), 0);
	assert_int_equal(take("prod", targets, 3, &a, &err), 0);
	locks_free(a);
}

/* A process that is killed leaves what it wrote, but no lock. */
static void
test_dead_holder(void **state)
{
	struct locks *a = NULL;
	struct err err = ERR_INIT;
	int fds[2], status;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		take("prod", targets, 3, &a, &err);
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(take("prod", targets, 3, &a, &err), ERR_REFUSED);
	assert_int_equal(locks_look(dir, "prod", targets, 3, &err), ERR_REFUSED);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(locks_look(dir, "prod", targets, 3, &err), 0);
	assert_int_equal(take("prod", targets, 3, &a, &err), 0);
	locks_free(a);
	close(fds[0]);
	close(fds[1]);
}

static void
test_traps(void **state)
{
	struct locks *a = NULL;
	struct err err = ERR_INIT;
	char victim[128], trap[128], text[16] = "";
	FILE *f;

	(void)state;
	snprintf(victim, sizeof victim, "%s/victim", dir);
	snprintf(trap, sizeof trap, "%s/prod@web-01.lock", dir);
	f = fopen(victim, "w");
	fputs("precious", f);
	fclose(f);
	assert_int_equal(symlink(victim, trap), 0);
	assert_int_equal(take("prod", targets, 1, &a, &err), ERR_DENIED);
	assert_int_equal(locks_look(dir, "prod", targets, 1, &err), ERR_DENIED);
	unlink(trap);
	assert_int_equal(link(victim, trap), 0);
	assert_int_equal(take("prod", targets, 1, &a, &err), ERR_DENIED);
	unlink(trap);
	assert_int_equal(mkfifo(trap, 0600), 0);
	assert_int_equal(take("prod", targets, 1, &a, &err), ERR_DENIED);
	unlink(trap);
	f = fopen(victim, "r");
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	assert_string_equal(text, "precious");
	/* A folder that everybody may write needs its sticky bit; a link to a folder is none. */
	chmod(dir, 0777);
	assert_int_equal(take("prod", targets, 1, &a, &err), ERR_DENIED);
	chmod(dir, 01777);
	assert_int_equal(take("prod", targets, 1, &a, &err), 0);
	locks_free(a);
}

/* Names cannot leave the folder, nor hide in it. */
static void
test_names(void **state)
{
	struct locks *a = NULL;
	struct err err = ERR_INIT;
	char path[128];

	(void)state;
	assert_int_equal(take("prod", (const char *const[]){ "../x" }, 1, &a, &err), 0);
	snprintf(path, sizeof path, "%s/prod@..%%2fx.lock", dir);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	locks_free(a);
	assert_int_equal(take(".prod", (const char *const[]){ "x" }, 1, &a, &err), 0);
	snprintf(path, sizeof path, "%s/%%2eprod@x.lock", dir);
	assert_int_equal(access(path, F_OK), 0);
	locks_free(a);
}

static void
test_no_folder(void **state)
{
	struct locks *a = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(locks_take("/dev/null/locks", "prod", targets, 1, "r", "alice", &a, &err), ERR_IO);
	assert_non_null(strstr(err.msg, "/dev/null/locks"));
	assert_int_equal(locks_look("/tmp/ops-lock-there-is-none", "prod", targets, 1, &err), 0);
}

/* Where nothing can be written another place is taken, but what is held in the usual one counts. */
static void
test_stand_in(void **state)
{
	struct locks *a = NULL, *b = NULL;
	struct lock_place place;
	struct err err = ERR_INIT;
	struct stat st;
	char usual[96], runtime[96];

	(void)state;
	snprintf(runtime, sizeof runtime, "%s/run", dir);
	assert_int_equal(mkdir(runtime, 0700), 0);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	assert_int_equal(lock_place_find(NULL, dir, &place, &err), 0);
	assert_null(place.usual);
	lock_place_done(&place);
	assert_int_equal(lock_place_find(NULL, "/dev/null/state", &place, &err), 0);
	assert_string_equal(place.usual, "/dev/null/state/locks");
	assert_non_null(strstr(place.why, "/dev/null/state/locks cannot be written"));
	assert_int_equal(strncmp(place.dir, runtime, strlen(runtime)), 0);
	/* Looking makes nothing; taking makes it, for nobody else. */
	assert_int_equal(lock_place_look(&place, "prod", targets, 1, &err), 0);
	assert_int_equal(access(place.dir, F_OK), -1);
	assert_int_equal(lock_place_take(&place, "prod", targets, 1, "r", "alice", &a, &err), 0);
	assert_int_equal(stat(place.dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(lock_place_look(&place, "prod", targets, 1, &err), ERR_REFUSED);
	locks_free(a);
	/* One that others can enter is not ours. */
	chmod(place.dir, 0755);
	assert_int_equal(lock_place_take(&place, "prod", targets, 1, "r", "alice", &a, &err), ERR_DENIED);
	chmod(place.dir, 0700);
	/* Held where it usually is. */
	snprintf(usual, sizeof usual, "%s/usual", dir);
	assert_int_equal(locks_take(usual, "prod", targets, 1, "other", "bob", &b, &err), 0);
	free(place.usual);
	place.usual = strdup(usual);
	assert_int_equal(lock_place_take(&place, "prod", targets, 1, "r", "alice", &a, &err), ERR_REFUSED);
	assert_non_null(strstr(err.msg, "bob"));
	locks_free(b);
	lock_place_done(&place);
	/* Without a runtime folder: /tmp. A configured one has no stand-in. */
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(lock_place_find(NULL, "/dev/null/state", &place, &err), 0);
	assert_int_equal(strncmp(place.dir, "/tmp/opsconsole-locks-", 22), 0);
	lock_place_done(&place);
	assert_int_equal(lock_place_find("/dev/null/locks", dir, &place, &err), ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_second_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_holder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_traps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stand_in, setup, teardown),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
