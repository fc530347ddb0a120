/*
 * known_hosts of any bytes. First byte: how many of the lines go to a second file; then the text.
 *
 * A line found for a name has a number of the file; a key that is said to match stands in the text; a second look says the same; types have no
 * comma or control; what is told can be shown.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "ssh/known_hosts.h"

enum { LINES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static size_t
count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void
check_text(const char *text)
{
	if (!utf8_is_valid(text, strlen(text)))
		die("a text that cannot be shown");
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			die("a text with controls");
}

static void
check_name(const struct known_hosts *kh, const char *name, unsigned port, size_t n_lines)
{
	static const unsigned char key[] = "\0\0\0\13ssh-ed25519\0\0\0\40aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	unsigned lines[LINES_MAX], again[LINES_MAX];
	struct known_answer a, b;
	struct buf types;
	char text[400];
	size_t n = known_hosts_lines(kh, name, port, lines, LINES_MAX);

	for (size_t i = 0; i < n && i < LINES_MAX; i++)
		if (lines[i] == 0 || lines[i] > n_lines)
			die("a line that is not there");
	if (known_hosts_lines(kh, name, port, again, LINES_MAX) != n || memcmp(lines, again, (n < LINES_MAX ? n : LINES_MAX) * sizeof *lines) != 0)
		die("a second look finds others");
	known_hosts_check(kh, name, port, key, sizeof key - 1, &a);
	known_hosts_check(kh, name, port, key, sizeof key - 1, &b);
	if (a.state != b.state || strcmp(a.where, b.where) != 0)
		die("a second look says otherwise");
	if ((a.state == KNOWN_MATCH) != (*a.expected != '\0' && strcmp(a.expected, a.got) == 0) && a.state != KNOWN_REVOKED)
		die("a match that is none");
	if ((a.state == KNOWN_NOT_FOUND) != (*a.where == '\0'))
		die("found nowhere");
	check_text(a.where);
	check_text(a.type);
	buf_init(&types, 4096);
	known_hosts_types(kh, name, port, &types);
	check_text(types.data);
	if (known_hosts_describe(kh, name, port, text, sizeof text) != (types.len > 0))
		die("types and description disagree");
	if (types.len > 0)
		check_text(text);
	buf_done(&types);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct known_hosts *kh = NULL;
	size_t first, n_lines;

	if (size == 0 || size > 65536)
		return 0;
	size--;
	first = data[0] % 3 == 0 ? size : size * data[0] / 255;
	n_lines = count_lines(text, size);
	if (known_hosts_parse(&kh, "/one", text, first, NULL) < 0 || known_hosts_parse(&kh, "/two", text + first, size - first, NULL) < 0)
		die("refused");
	if (known_hosts_broken(kh) > n_lines + 1)
		die("more broken lines than there are");
	check_name(kh, "web1", 22, n_lines);
	check_name(kh, "web1", 2222, n_lines);
	check_name(kh, "10.0.0.1", 22, n_lines);
	check_name(kh, "", 22, n_lines);
	known_hosts_free(kh);
	return 0;
}
