/* TLS against openssl's own server, with a CA made for this run. Skipped where there is no openssl program. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "fakes/web_driver.h"

static char dir[] = "/tmp/opsconsole-tls-XXXXXX";

/* A CA, a server's certificate for "localhost", one for "elsewhere.invalid", a client's. */
static const char make_certificates[] =
    "set -e; exec >make.log 2>&1\n"
    "cert() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -subj /CN=$1 -out $1.csr\n"
    "  printf 'subjectAltName=%s\\n' \"$2\" >$1.ext\n"
    "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem; }\n"
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj '/CN=Test CA' -days 2 -out ca.pem\n"
    "cert localhost DNS:localhost,IP:127.0.0.1\n"
    "cert elsewhere DNS:elsewhere.invalid\n"
    "cert client DNS:client.invalid\n"
    "printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' >page\n";

static char *
in_dir(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static int
run_in_dir(const char *script)
{
	char *command = xasprintf("cd %s && { %s\n}", dir, script);
	int status = system(command);

	free(command);
	return status;
}

static int
group_setup(void **state)
{
	(void)state;
	if (system("openssl version >/dev/null 2>&1") != 0) {
		printf("no openssl program: the tests of TLS are skipped\n");
		exit(77);	/* automake's word for skipped */
	}
	assert_non_null(mkdtemp(dir));
	assert_int_equal(run_in_dir(make_certificates), 0);
	return 0;
}

static int
group_teardown(void **state)
{
	char *command = xasprintf("rm -rf %s", dir);

	(void)state;
	assert_int_equal(system(command), 0);
	free(command);
	return 0;
}

/* --- openssl s_server ------------------------------------------------------------------------- */

static pid_t tls_pid;

/* It says on which port it listens: "ACCEPT 127.0.0.1:40000". */
static int
read_port(int fd)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	char *at;

	while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		at = strstr(text, "ACCEPT ");
		if (at != NULL && strchr(at, '\n') != NULL && (at = strchr(at, ':')) != NULL)
			return atoi(at + 1);
	}
	fail_msg("openssl s_server did not start: %s", len > 0 ? text : "");
	return 0;
}

static void
serve_tls(const char *name, const char *more)
{
	char *command = xasprintf(
	    "cd %s && exec openssl s_server -accept 127.0.0.1:0 -naccept 20 -cert %s.pem -key %s.key -HTTP %s 2>&1",
	    dir, name, name, more);
	int out[2], in[2], port;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	tls_pid = fork();
	assert_true(tls_pid >= 0);
	if (tls_pid == 0) {
		dup2(in[0], STDIN_FILENO);	/* stays open: it ends with its input */
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	port = read_port(out[0]);
	snprintf(url, sizeof url, "https://localhost:%d", port);
	free(command);
	/* The pipes stay open as long as the program: closed ones would end the server. */
}

static int
tls_teardown(void **state)
{
	if (tls_pid > 0) {
		kill(tls_pid, SIGKILL);
		waitpid(tls_pid, NULL, 0);
		tls_pid = 0;
	}
	return web_teardown(state);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void
test_own_ca(void **state)
{
	struct got g;

	(void)state;
	serve_tls("localhost", "");
	conf.ca_file = in_dir("ca.pem");
	g = get("/page");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.bytes, 5);
}

static void
test_unknown_ca_is_not_trusted_unless_told(void **state)
{
	struct got g;

	(void)state;
	serve_tls("localhost", "");
	g = get("/page");
	assert_error(&g, ERR_DENIED, "not trusted: ");
	assert_error(&g, ERR_DENIED, "set ca_file");
	conf.tls_verify = false;
	g = get("/page");
	assert_int_equal(g.r.err.code, 0);
}

static void
test_certificate_of_another_host(void **state)
{
	struct got g;

	(void)state;
	serve_tls("elsewhere", "");
	conf.ca_file = in_dir("ca.pem");
	g = get("/page");
	assert_error(&g, ERR_DENIED, "is not for this host name");
}

static void
test_client_certificate(void **state)
{
	struct got g;

	(void)state;
	serve_tls("localhost", "-Verify 1 -verify_return_error -CAfile ca.pem");
	conf.ca_file = in_dir("ca.pem");
	g = get("/page");
	assert_true(g.r.err.code != 0);
	conf.client_cert = in_dir("client.pem");
	conf.client_key = in_dir("client.key");
	g = get("/page");
	assert_int_equal(g.r.err.code, 0);
}

static void
test_files_that_cannot_be_used(void **state)
{
	struct got g;

	(void)state;
	serve_tls("localhost", "");
	conf.ca_file = in_dir("missing.pem");
	g = get("/page");
	assert_error(&g, ERR_INVALID, "missing.pem cannot be read as certificates");
	conf.ca_file = in_dir("ca.pem");
	conf.client_cert = in_dir("client.pem");
	conf.client_key = in_dir("localhost.key");
	g = get("/page");
	assert_error(&g, ERR_INVALID, "check client_cert and client_key");
}

static void
test_no_tls_there(void **state)
{
	struct got g;

	(void)state;
	serve(answer_hello);	/* waits for the end of a request line */
	memmove(url + 5, url + 4, strlen(url + 4) + 1);
	url[4] = 's';
	conf.timeout_ns = 300 * NS_PER_MS;
	g = get("/");
	assert_error(&g, ERR_TIMEOUT, "is it https there?");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, web_setup, tls_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_own_ca),
		TEST(test_unknown_ca_is_not_trusted_unless_told),
		TEST(test_certificate_of_another_host),
		TEST(test_client_certificate),
		TEST(test_files_that_cannot_be_used),
		TEST(test_no_tls_there),
	};

	return cmocka_run_group_tests_name("tls", tests, group_setup, group_teardown);
}
