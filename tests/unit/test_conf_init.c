/* --init: what it writes for what answers, against a small HTTP server of its own. What is
 * written has no problem. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_init.h"

enum { SERVERS = 3 };

static char dir[64];
static struct conf_port ports[SERVERS] = {
	{ "prometheus", "Prometheus", "prometheus", 0, "/api/v1/status/buildinfo", "data" },
	{ "alertmanager", "Alertmanager", "alertmanager", 0, "/api/v2/status", "versionInfo" },
	{ "victoria-metrics", "VictoriaMetrics", "prometheus", 0, "/api/v1/status/buildinfo",
	    "data" },
};
static pid_t servers[SERVERS];

/* --- servers --------------------------------------------------------------------------------- */

static void
serve(int fd, const char *path, const char *status, const char *body)
{
	char request[4096], *expected = xasprintf("GET %s HTTP/1.1\r\n", path);
	ssize_t n;
	int c;

	for (;;) {
		c = accept(fd, NULL, NULL);
		n = read(c, request, sizeof request - 1);
		if (n <= 0)
			_exit(1);
		request[n] = '\0';
		if (!str_has_prefix(request, expected))
			status = "404 Not Found";
		dprintf(c, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		    status, strlen(body), body);
		close(c);
	}
}

/* status NULL: the port is taken and given back, so that nothing answers there. */
static void
start(size_t i, const char *status, const char *body)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	ports[i].port = ntohs(a.sin_port);
	if (status != NULL) {
		assert_int_equal(listen(fd, 8), 0);
		servers[i] = fork();
		if (servers[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(fd, ports[i].path, status, body);
		}
		close(fd);
	} else {
		close(fd);
	}
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_conf_init.XXXXXX");
	assert_non_null(mkdtemp(dir));
	unsetenv("OPSCONSOLE_CONFIG");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", dir, 1);
	/* Whatever proxy the environment names, localhost is asked directly. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	return 0;
}

static int
teardown(void **state)
{
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < SERVERS; i++) {
		if (servers[i] > 0) {
			kill(servers[i], SIGKILL);
			waitpid(servers[i], NULL, 0);
		}
		servers[i] = 0;
	}
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

/* --- running it ------------------------------------------------------------------------------ */

static int
init(const char *path, char **ret_out, struct err *err)
{
	size_t len;
	FILE *f = open_memstream(ret_out, &len);
	int r;

	assert_non_null(f);
	r = conf_init_write_ports(path, ports, SERVERS, f, err);
	fclose(f);
	return r;
}

/* Runs it and loads what it wrote, which must have no problem. */
static struct conf *
init_and_load(char **ret_out)
{
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	struct conf *conf = NULL;
	char *path = NULL;

	if (init(NULL, ret_out, &err) < 0 || conf_find(NULL, &path, &err) < 0 ||
	    conf_load(path, &conf, &problems, &err) < 0)
		fail_msg("%s", err.msg);
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	assert_false(conf->is_policy_broken);
	free(path);
	return conf;
}

static void
assert_says(const char *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
assert_says(const char *out, const char *fmt, ...)
{
	char *line;
	va_list ap;

	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	if (strstr(out, line) == NULL)
		fail_msg("does not say: %s\n%s", line, out);
	free(line);
}

static void
all_answer(void **state)
{
	const struct conf_environment *e;
	struct conf *conf;
	struct stat st;
	char *out, *path = xasprintf("%s/.config/opsconsole/opsconsole.yaml", dir), *url;

	(void)state;
	start(0, "200 OK", "{\"status\":\"success\",\"data\":{\"version\":\"2.42.0\"}}");
	start(1, "200 OK", "{\"cluster\":{},\"versionInfo\":{\"version\":\"0.25.0\"}}");
	start(2, "200 OK", "{\"status\":\"success\",\"data\":{\"version\":\"2.24.0\"}}");
	conf = init_and_load(&out);
	assert_says(out, "  %5u  Prometheus 2.42.0\n", ports[0].port);
	assert_says(out, "  %5u  Alertmanager 0.25.0\n", ports[1].port);
	assert_says(out, "  %5u  VictoriaMetrics 2.24.0\n", ports[2].port);
	assert_says(out, "wrote %s\n", path);
	e = &conf->environments[0];
	assert_int_equal(e->n_sources, 3);
	url = xasprintf("http://127.0.0.1:%u", ports[1].port);
	assert_string_equal(e->sources[1].url, url);
	assert_string_equal(e->sources[1].type, "alertmanager");
	assert_int_equal(e->n_queries, 2);
	assert_string_equal(e->queries[0].source, "prometheus");
	assert_int_equal(e->n_markers, 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	conf_free(conf);
	free(url);
	free(path);
	free(out);
}

/* No Prometheus: nothing that would need one. Strangers on the port and hostile versions do no
 * harm. */
static void
some_answer(void **state)
{
	const struct conf_environment *e;
	struct conf *conf;
	char *out;

	(void)state;
	start(0, "200 OK", "<html>hello</html>");
	start(1, "200 OK", "{\"versionInfo\":{\"version\":\"1\\n  evil: \\u001b[31m\"}}");
	start(2, "302 Found", "");
	conf = init_and_load(&out);
	assert_says(out, "  %5u  something else than Prometheus answers (HTTP 200)\n",
	    ports[0].port);
	assert_says(out, "  %5u  Alertmanager 1\\n  evil: \\x1B[31m\n", ports[1].port);
	assert_says(out, "  %5u  something else than VictoriaMetrics answers (HTTP 302)\n",
	    ports[2].port);
	e = &conf->environments[0];
	assert_int_equal(e->n_sources, 1);
	assert_string_equal(e->sources[0].name, "alertmanager");
	assert_int_equal(e->n_queries, 0);
	conf_free(conf);
	free(out);
}

static void
one_is_starting(void **state)
{
	struct conf *conf;
	char *out;

	(void)state;
	start(0, "503 Service Unavailable", "Service Unavailable");
	start(1, NULL, NULL);
	start(2, NULL, NULL);
	conf = init_and_load(&out);
	assert_says(out, "  %5u  Prometheus, which is not ready yet\n", ports[0].port);
	assert_says(out, "  %5u  nothing answers (Alertmanager listens here by default)\n",
	    ports[1].port);
	assert_int_equal(conf->environments[0].n_sources, 1);
	conf_free(conf);
	free(out);
}

static void
nothing_answers(void **state)
{
	const struct conf_environment *e;
	struct conf *conf;
	char *out;

	(void)state;
	for (size_t i = 0; i < SERVERS; i++)
		start(i, NULL, NULL);
	conf = init_and_load(&out);
	assert_says(out, "nothing was found: put the addresses of your Prometheus and Alertmanager "
	    "there, then opsconsole --check\n");
	e = &conf->environments[0];
	assert_int_equal(e->n_sources, 2);
	assert_string_equal(e->sources[0].name, "prometheus");
	assert_string_equal(e->sources[1].name, "alertmanager");
	conf_free(conf);
	free(out);
}

static void
never_overwrites(void **state)
{
	char *path = xasprintf("%s/c.yaml", dir), *out, *sentence, line[8] = "";
	struct err err;
	FILE *f = fopen(path, "w");

	(void)state;
	fputs("mine", f);
	fclose(f);
	sentence = xasprintf("%s exists already and is left as it is; move it away, or say "
	    "--config FILE for another", path);
	assert_int_equal(init(path, &out, &err), ERR_INVALID);
	assert_string_equal(err.msg, sentence);
	assert_string_equal(out, "");
	f = fopen(path, "r");
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_string_equal(line, "mine");
	free(out);
	/* Nor through a link that leads nowhere. */
	unlink(path);
	assert_int_equal(symlink("/tmp/nowhere/c.yaml", path), 0);
	assert_int_equal(init(path, &out, &err), ERR_INVALID);
	assert_string_equal(err.msg, sentence);
	free(out);
	free(sentence);
	free(path);
}

static void
where_it_would_be_refused(void **state)
{
	char *path = xasprintf("%s/c.yaml", dir), *out, *sentence;
	struct err err;

	(void)state;
	assert_int_equal(chmod(dir, 0777), 0);
	sentence = xasprintf("the folder %s can be written by others (mode 0777): chmod go-w %s",
	    dir, dir);
	assert_int_equal(init(path, &out, &err), ERR_DENIED);
	assert_string_equal(err.msg, sentence);
	assert_int_equal(access(path, F_OK), -1);
	free(out);
	free(sentence);
	free(path);
}

static void
named_by_the_environment(void **state)
{
	char *path = xasprintf("%s/a/b/c.yaml", dir), *out;
	struct conf *conf;

	(void)state;
	for (size_t i = 0; i < SERVERS; i++)
		start(i, NULL, NULL);
	setenv("OPSCONSOLE_CONFIG", path, 1);
	conf = init_and_load(&out);
	assert_string_equal(conf->path, path);
	assert_says(out, "wrote %s\n", path);
	conf_free(conf);
	free(out);
	free(path);
}

/* What is written as a comment is right, too. */
static void
commented_objectives(void **state)
{
	char *out, *path = xasprintf("%s/.config/opsconsole/opsconsole.yaml", dir), line[512];
	struct conf_problems problems;
	bool is_within = false;
	struct conf *conf;
	struct buf b;
	FILE *f;

	(void)state;
	start(0, "200 OK", "{\"status\":\"success\",\"data\":{\"version\":\"2.42.0\"}}");
	conf_free(init_and_load(&out));
	free(out);
	f = fopen(path, "r");
	assert_non_null(f);
	buf_init(&b, 1 << 16);
	while (fgets(line, sizeof line, f) != NULL) {
		is_within = str_has_prefix(line, is_within ? "    #" : "    #slos:");
		buf_printf(&b, "%s%s", is_within ? "    " : line, is_within ? line + 5 : "");
	}
	fclose(f);
	if (conf_parse("c", b.data, b.len, &conf, &problems, NULL) < 0 || problems.n > 0)
		fail_msg("%s", b.data);
	assert_int_equal(conf->environments[0].n_slos, 2);
	assert_non_null(conf->environments[0].openslo);
	conf_free(conf);
	buf_done(&b);
	free(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_answer), TEST(some_answer), TEST(one_is_starting), TEST(nothing_answers),
		    TEST(never_overwrites),
		TEST(where_it_would_be_refused), TEST(named_by_the_environment),
		TEST(commented_objectives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
