/*
 * known_hosts held against ssh-keygen -F, on files written by hand and on random ones; what a key is told to be.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh/known_hosts.h"
#include "ssh_world.h"

/* Keys of our own making: the type, then 32 bytes of one value. */
struct test_key { unsigned char blob[64]; size_t len; char base64[96]; const char *type; };

static void
key_make(struct test_key *k, const char *type, unsigned char fill)
{
	size_t n = strlen(type);

	k->type = type;
	memset(k->blob, 0, sizeof k->blob);
	k->blob[3] = (unsigned char)n;
	memcpy(k->blob + 4, type, n);
	k->blob[4 + n + 3] = 32;
	memset(k->blob + 8 + n, fill, 32);
	k->len = 8 + n + 32;
	assert_true(k->len <= sizeof k->blob);
	EVP_EncodeBlock((unsigned char *)k->base64, k->blob, (int)k->len);
}

static struct known_hosts *
parse(const char *text)
{
	struct known_hosts *kh = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(known_hosts_parse(&kh, "/kh", text, strlen(text), &err), 0);
	return kh;
}

static struct known_answer
check(const char *text, const char *name, unsigned port, const struct test_key *k)
{
	struct known_hosts *kh = parse(text);
	struct known_answer a;

	known_hosts_check(kh, name, port, k->blob, k->len, &a);
	known_hosts_free(kh);
	return a;
}

/* --- what a key is told to be ----------------------------------------------------------------- */

static void
test_states(void **state)
{
	struct test_key a, b, e;
	char *text;
	struct known_answer r;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	key_make(&b, "ssh-ed25519", 'b');
	key_make(&e, "ecdsa-sha2-x", 'e');
	text = xasprintf("# note\n\nweb1,web2\tssh-ed25519   %s me@here\r\n@revoked * ssh-ed25519 %s", a.base64, b.base64);
	r = check(text, "WEB2", 22, &a);
	assert_int_equal(r.state, KNOWN_MATCH);
	assert_string_equal(r.where, "/kh:3");
	assert_string_equal(r.expected, r.got);
	assert_string_equal(r.type, "ssh-ed25519");
	assert_int_equal(check(text, "web3", 22, &a).state, KNOWN_NOT_FOUND);
	assert_int_equal(check(text, "", 22, &a).state, KNOWN_NOT_FOUND);
	r = check(text, "web1", 22, &b);
	assert_int_equal(r.state, KNOWN_REVOKED);
	assert_string_equal(r.where, "/kh:4");
	assert_int_equal(check(text, "other", 4711, &b).state, KNOWN_REVOKED);
	r = check(text, "web1", 22, &e);
	assert_int_equal(r.state, KNOWN_OTHER_TYPE);
	assert_string_equal(r.where, "/kh:3");
	free(text);

	text = xasprintf("web1 ssh-ed25519 %s\nweb1 ecdsa-sha2-x %s\n", a.base64, e.base64);
	r = check(text, "web1", 22, &b);
	assert_int_equal(r.state, KNOWN_CHANGED);
	assert_string_equal(r.where, "/kh:1");
	assert_string_not_equal(r.expected, r.got);
	assert_int_equal(check(text, "web1", 22, &e).state, KNOWN_MATCH);
	free(text);
}

/* A match counts wherever it stands; a revocation outranks it wherever that stands. */
static void
test_order(void **state)
{
	struct test_key a, b;
	char *text;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	key_make(&b, "ssh-ed25519", 'b');
	text = xasprintf("h ssh-ed25519 %s\nh ssh-ed25519 %s\n", b.base64, a.base64);
	assert_int_equal(check(text, "h", 22, &a).state, KNOWN_MATCH);
	free(text);
	text = xasprintf("h ssh-ed25519 %s\n@revoked h ssh-ed25519 %s\n", a.base64, a.base64);
	assert_int_equal(check(text, "h", 22, &a).state, KNOWN_REVOKED);
	free(text);
	/* Of another host: not revoked here. */
	text = xasprintf("h ssh-ed25519 %s\n@revoked i ssh-ed25519 %s\n", a.base64, a.base64);
	assert_int_equal(check(text, "h", 22, &a).state, KNOWN_MATCH);
	free(text);
}

static void
test_ports(void **state)
{
	struct test_key a, b;
	char *text;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	key_make(&b, "ssh-ed25519", 'b');
	text = xasprintf("[h]:2222 ssh-ed25519 %s\nh ssh-ed25519 %s\n[g]:2222 ssh-ed25519 %s\n", a.base64, b.base64, a.base64);
	assert_int_equal(check(text, "h", 2222, &a).state, KNOWN_MATCH);
	assert_int_equal(check(text, "h", 22, &b).state, KNOWN_MATCH);
	assert_int_equal(check(text, "h", 0, &b).state, KNOWN_MATCH);
	/* Known on its port: the bare name does not help. */
	assert_int_equal(check(text, "h", 2222, &b).state, KNOWN_CHANGED);
	/* Not known on this port: the bare name does, though only when it matches. */
	assert_int_equal(check(text, "h", 2223, &b).state, KNOWN_MATCH);
	assert_int_equal(check(text, "h", 2223, &a).state, KNOWN_NOT_FOUND);
	/* A key for a port says nothing of port 22. */
	assert_int_equal(check(text, "g", 22, &a).state, KNOWN_NOT_FOUND);
	free(text);
}

static void
test_authority(void **state)
{
	struct test_key a;
	char *text;
	struct known_answer r;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	text = xasprintf("@cert-authority *.example ssh-ed25519 %s\n", a.base64);
	r = check(text, "web.example", 22, &a);
	assert_int_equal(r.state, KNOWN_NOT_FOUND);
	assert_true(r.has_authority);
	r = check(text, "web.other", 22, &a);
	assert_false(r.has_authority);
	free(text);
}

static void
test_broken_lines(void **state)
{
	static const char *const bad[] = {
		"h", "h ssh-ed25519", "h ssh-ed25519 AAAA", "h ssh-ed25519 !!!!", "h ssh-rsa %s", "h 2048 35 1234567", "@what h ssh-ed25519 %s",
		"@revoked @cert-authority h ssh-ed25519 %s", "@revoked", "|1|x|y ssh-ed25519 %s", "|2|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= ssh-ed25519 %s",
		"h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5=AAA",
	};
	struct test_key a;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *line = xasprintf(bad[i], a.base64), *text = xasprintf("%s\nh ssh-ed25519 %s\n", line, a.base64);
		struct known_hosts *kh = parse(text);
		struct known_answer r;

		known_hosts_check(kh, "h", 22, a.blob, a.len, &r);
		if (known_hosts_broken(kh) != 1 || r.state != KNOWN_MATCH || strcmp(r.where, "/kh:2") != 0)
			fail_msg("%s: %u broken, at %s", bad[i], known_hosts_broken(kh), r.where);
		known_hosts_free(kh);
		free(text);
		free(line);
	}
}

static void
test_types(void **state)
{
	struct test_key a, r, x;
	char *text, buf[400];
	struct known_hosts *kh;
	struct buf b;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	key_make(&r, "ssh-rsa", 'r');
	key_make(&x, "ssh-new", 'x');
	text = xasprintf("h ssh-new %s\nh ssh-rsa %s\nh ssh-ed25519 %s\n[h]:1 ssh-rsa %s\n@revoked r ssh-rsa %s\nr ssh-rsa %s\n", x.base64, r.base64, a.base64,
	    r.base64, r.base64, r.base64);
	kh = parse(text);
	buf_init(&b, 1000);
	known_hosts_types(kh, "h", 22, &b);
	assert_string_equal(b.data, "ssh-ed25519,ssh-rsa,ssh-new");
	buf_reset(&b);
	known_hosts_types(kh, "h", 1, &b);
	assert_string_equal(b.data, "ssh-rsa");
	buf_reset(&b);
	known_hosts_types(kh, "h", 2, &b);
	assert_string_equal(b.data, "ssh-ed25519,ssh-rsa,ssh-new");
	buf_reset(&b);
	known_hosts_types(kh, "r", 22, &b);
	assert_string_equal(b.data, "");
	assert_true(known_hosts_describe(kh, "h", 22, buf, sizeof buf));
	assert_memory_equal(buf, "ED25519 SHA256:", 15);
	assert_non_null(strstr(buf, " (/kh:3)"));
	assert_false(known_hosts_describe(kh, "r", 22, buf, sizeof buf));
	known_hosts_free(kh);
	buf_done(&b);
	free(text);
}

/* --- files ------------------------------------------------------------------------------------ */

static void
test_files(void **state)
{
	struct ssh_world *w = *state;
	struct test_key a, b;
	char *one = world_path(w, "one"), *two = world_path(w, "two"), *text, where[400];
	const char *paths[] = { one, two, "/dev/null", NULL };
	struct known_hosts *kh = NULL;
	struct known_answer r;
	struct err err = ERR_INIT;

	key_make(&a, "ssh-ed25519", 'a');
	key_make(&b, "ssh-ed25519", 'b');
	text = xasprintf("h ssh-ed25519 %s\n", a.base64);
	world_write(one, text);
	free(text);
	unlink(two);
	assert_int_equal(known_hosts_read(paths, &kh, &err), 0);
	assert_false(known_hosts_is_outdated(kh));
	text = xasprintf("\nh ssh-ed25519 %s\n", b.base64);
	world_write(two, text);
	free(text);
	assert_true(known_hosts_is_outdated(kh));
	known_hosts_free(kh);
	assert_int_equal(known_hosts_read(paths, &kh, &err), 0);
	known_hosts_check(kh, "h", 22, b.blob, b.len, &r);
	assert_int_equal(r.state, KNOWN_MATCH);
	snprintf(where, sizeof where, "%s:2", two);
	assert_string_equal(r.where, where);
	unlink(two);
	assert_true(known_hosts_is_outdated(kh));
	known_hosts_free(kh);
	/* What cannot be read must not pass for an empty file. */
	assert_int_equal(mkdir(two, 0700), 0);
	assert_int_equal(known_hosts_read(paths, &kh, &err), ERR_IO);
	assert_non_null(strstr(err.msg, two));
	rmdir(two);
	assert_int_equal(mkfifo(two, 0600), 0);
	assert_int_equal(known_hosts_read(paths, &kh, &err), ERR_IO);
	unlink(two);
	free(one);
	free(two);
}

static void
test_ceiling(void **state)
{
	struct ssh_world *w = *state;
	char *path = world_path(w, "large");
	const char *paths[] = { path, NULL };
	struct known_hosts *kh = NULL;
	struct err err = ERR_INIT;

	world_write(path, "x");
	assert_int_equal(truncate(path, 16 * 1024 * 1024 + 1), 0);
	assert_int_equal(known_hosts_read(paths, &kh, &err), ERR_LIMIT);
	unlink(path);
	free(path);
}

/* --- against ssh-keygen -F -------------------------------------------------------------------- */

static const char *
hashed_name(const char *name, unsigned seed, char *buf, size_t size)
{
	unsigned char salt[20], hash[20], s64[32], h64[32];
	unsigned n = sizeof hash;

	for (size_t i = 0; i < sizeof salt; i++)
		salt[i] = (unsigned char)(seed * 31 + i * 7);
	assert_non_null(HMAC(EVP_sha1(), salt, sizeof salt, (const unsigned char *)name, strlen(name), hash, &n));
	EVP_EncodeBlock(s64, salt, sizeof salt);
	EVP_EncodeBlock(h64, hash, sizeof hash);
	snprintf(buf, size, "|1|%s|%s", s64, h64);
	return buf;
}

static unsigned
pick(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

/* Small alphabets, so that much of it matches. */
static void
random_name(unsigned *seed, char *buf, size_t size)
{
	static const char *const names[] = { "web1", "web2", "web1.example", "db.example", "10.0.0.1", "::1", "[web1]:2222", "[10.0.0.1]:2222" };
	static const char *const wild[] = { "*", "web?", "*.example", "!web1", "!*.example", "[web?]:2222", "[*]:2222", "10.0.*", "w*1*", "**", "WEB1", "" };
	unsigned kind = pick(seed, 10);
	char hash[128];

	if (kind < 5)
		snprintf(buf, size, "%s", names[pick(seed, 8)]);
	else if (kind < 9)
		snprintf(buf, size, "%s", wild[pick(seed, 12)]);
	else
		snprintf(buf, size, "%s", hashed_name(names[pick(seed, 8)], *seed, hash, sizeof hash));
}

static void
random_names(unsigned *seed, struct buf *b)
{
	unsigned n = 1 + pick(seed, 3);
	char name[200];

	for (unsigned i = 0; i < n; i++) {
		random_name(seed, name, sizeof name);
		buf_printf(b, "%s%s", i > 0 ? "," : "", *name == '\0' && n == 1 ? "x" : name);
	}
}

static void
random_line(unsigned *seed, struct buf *b, const struct test_key *k)
{
	static const char *const blanks[] = { " ", "\t", "  ", " \t" };
	static const char *const markers[] = { "", "", "", "", "@revoked ", "@cert-authority  ", "@nonsense " };
	static const char *const tails[] = { "", " me@here", "\r", " a comment with words\r", " # no comment" };

	switch (pick(seed, 12)) {
	case 0:
		buf_addstr(b, "# web1 ssh-ed25519 AAAA");
		break;
	case 1:
		buf_addstr(b, pick(seed, 2) != 0 ? "" : "   \t");
		break;
	case 2:
		random_names(seed, b);
		break;
	case 3:
		random_names(seed, b);
		buf_addstr(b, " ssh-ed25519 AAAAbroken");
		break;
	default:
		buf_addstr(b, pick(seed, 5) == 0 ? "  " : "");
		buf_addstr(b, markers[pick(seed, 7)]);
		random_names(seed, b);
		buf_printf(b, "%s%s%s%s%s", blanks[pick(seed, 4)], k->type, blanks[pick(seed, 4)], k->base64, tails[pick(seed, 5)]);
	}
	buf_addstr(b, "\n");
}

/* "# Host NAME found: line N CA": one for each line. -l makes it read the keys too, and pass over lines it cannot read. */
static size_t
keygen_lines(const char *path, const char *name, unsigned *lines, size_t max)
{
	const char *const argv[] = { "ssh-keygen", "-l", "-F", name, "-f", path, NULL };
	struct buf out;
	size_t n = 0;

	buf_init(&out, 1 << 20);
	world_run(argv, &out);
	for (const char *p = out.data; (p = strstr(p, "found: line ")) != NULL && n < max; n++) {
		p += strlen("found: line ");
		lines[n] = (unsigned)strtoul(p, NULL, 10);
	}
	buf_done(&out);
	return n;
}

static void
compare(const struct known_hosts *kh, const char *path, const char *host, unsigned port, const char *text)
{
	enum { MAX = 64 };
	unsigned theirs[MAX], ours[MAX];
	char name[100];
	size_t n_theirs, n_ours;

	if (port == 22)
		snprintf(name, sizeof name, "%s", host);
	else
		snprintf(name, sizeof name, "[%s]:%u", host, port);
	n_theirs = keygen_lines(path, name, theirs, MAX);
	n_ours = known_hosts_lines(kh, host, port, ours, MAX);
	if (n_ours != n_theirs || memcmp(ours, theirs, n_ours * sizeof *ours) != 0)
		fail_msg("%s: %zu lines by ssh-keygen, %zu by us:\n%s", name, n_theirs, n_ours, text);
}

static void
test_keygen(void **state)
{
	static const struct { const char *host; unsigned port; } asked[] = {
		{ "web1", 22 }, { "web1.example", 22 }, { "web1", 2222 }, { "10.0.0.1", 22 }, { "10.0.0.1", 2222 }, { "::1", 22 },
	};
	enum { FILES = 300, N_ASKED = sizeof asked / sizeof *asked };
	struct ssh_world *w = *state;
	char *path = world_path(w, "random"), *key_base64;
	struct test_key k;
	unsigned seed = 20300101;

	if (!world_has("ssh-keygen"))
		skip();
	/* A real one: a blob of the right shape whose point is none would do for us, not for them. */
	key_base64 = world_public_key(w, "ed25519");
	k.type = "ssh-ed25519";
	snprintf(k.base64, sizeof k.base64, "%s", key_base64);
	free(key_base64);
	for (unsigned i = 0; i < FILES; i++) {
		const char *paths[] = { path, NULL };
		unsigned n_lines = 1 + pick(&seed, 12), at = i % N_ASKED;
		struct known_hosts *kh;
		struct buf b;
		struct err err = ERR_INIT;

		buf_init(&b, 1 << 16);
		for (unsigned j = 0; j < n_lines; j++)
			random_line(&seed, &b, &k);
		if (pick(&seed, 3) == 0)
			b.data[--b.len] = '\0';
		world_write(path, b.data);
		assert_int_equal(known_hosts_read(paths, &kh, &err), 0);
		compare(kh, path, asked[at].host, asked[at].port, b.data);
		compare(kh, path, asked[(at + 1) % N_ASKED].host, asked[(at + 1) % N_ASKED].port, b.data);
		known_hosts_free(kh);
		buf_done(&b);
	}
	free(path);
}

/* Names hashed by ssh-keygen -H itself. */
static void
test_keygen_hashes(void **state)
{
	struct ssh_world *w = *state;
	char *path = world_path(w, "hashes"), *key, *text;
	const char *const hash[] = { "ssh-keygen", "-H", "-f", path, NULL };
	const char *paths[] = { path, NULL };
	struct known_hosts *kh;
	unsigned lines[8];
	struct buf out;
	struct err err = ERR_INIT;

	if (!world_has("ssh-keygen"))
		skip();
	key = world_public_key(w, "ed25519");
	text = xasprintf("web1,web2 ssh-ed25519 %s\n[db]:2222 ssh-ed25519 %s\n*.wild ssh-ed25519 %s\n", key, key, key);
	world_write(path, text);
	buf_init(&out, 1 << 16);
	assert_int_equal(world_run(hash, &out), 0);
	assert_int_equal(known_hosts_read(paths, &kh, &err), 0);
	assert_int_equal(known_hosts_lines(kh, "web1", 22, lines, 8), 1);
	assert_int_equal(known_hosts_lines(kh, "Web2", 22, lines, 8), 1);
	assert_int_equal(known_hosts_lines(kh, "db", 2222, lines, 8), 1);
	assert_int_equal(known_hosts_lines(kh, "db", 22, lines, 8), 0);
	assert_int_equal(known_hosts_lines(kh, "a.wild", 22, lines, 8), 1);
	assert_int_equal(known_hosts_lines(kh, "web3", 22, lines, 8), 0);
	known_hosts_free(kh);
	buf_done(&out);
	free(text);
	free(key);
	free(path);
}

/* All 100,000 of them are found, and the one asked for is the right one; what it takes is printed, for whoever measures. */
static void
test_many(void **state)
{
	enum { LINES = 100000 };
	struct test_key a;
	struct buf b;
	struct known_hosts *kh = NULL;
	struct err err = ERR_INIT;
	char hash[128], name[40];
	unsigned lines[4];
	int64_t from, read, plain;

	(void)state;
	key_make(&a, "ssh-ed25519", 'a');
	buf_init(&b, 16 * 1024 * 1024);
	for (unsigned i = 0; i < LINES; i++) {
		snprintf(name, sizeof name, "host%u", i);
		buf_printf(&b, "%s ssh-ed25519 %s\n", i % 2 == 0 ? name : hashed_name(name, i, hash, sizeof hash), a.base64);
	}
	assert_false(b.is_over);
	from = clock_mono_fresh();
	assert_int_equal(known_hosts_parse(&kh, "/kh", b.data, b.len, &err), 0);
	read = clock_mono_fresh();
	assert_int_equal(known_hosts_lines(kh, "host77777", 22, lines, 4), 1);
	assert_int_equal(lines[0], 77778);
	plain = clock_mono_fresh();
	assert_int_equal(known_hosts_lines(kh, "host77778", 22, lines, 4), 1);
	assert_int_equal(lines[0], 77779);
	print_message("%d lines: read in %ld ms, one name in %ld ms (half of the lines hashed)\n", LINES, (long)((read - from) / NS_PER_MS),
	    (long)((plain - read) / NS_PER_MS));
	known_hosts_free(kh);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states), cmocka_unit_test(test_order), cmocka_unit_test(test_ports), cmocka_unit_test(test_authority),
		cmocka_unit_test(test_broken_lines), cmocka_unit_test(test_types), cmocka_unit_test(test_files), cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_keygen), cmocka_unit_test(test_keygen_hashes), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("known_hosts", tests, world_setup, world_teardown);
}
