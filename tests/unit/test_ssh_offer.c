/* Pure parts of the connections: what two sides have in common, what a server's first bytes say, bytes that wait, and names looked up off the loop. */
#include "config.h"

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "ssh/ssh_priv.h"

static const struct kex_offer ours = { "curve25519-sha256,ecdh-sha2-nistp256", "ssh-ed25519", "aes256-ctr,aes128-ctr", "hmac-sha2-256" };

static void
assert_common(const char *list, const char *has, const char *expected)
{
	struct buf b;

	buf_init(&b, 1000);
	kex_common(&b, list, has);
	assert_string_equal(b.data, expected);
	buf_done(&b);
}

static void
what_both_have_keeps_the_order_of_the_first(void **state)
{
	(void)state;
	assert_common("c,a,b", "a,b,c", "c,a,b");
	assert_common("x,a", "a", "a");
	assert_common("", "a", "");
	assert_common("a", "", "");
	assert_common("a,a,,a", "a", "a");
	assert_common("aes128-ctr", "aes128-ctr@openssh.com,xaes128-ctr", "");
	assert_common("ab", "a,b", "");
}

static size_t
add_list(char *to, const char *list)
{
	size_t n = strlen(list);

	to[0] = 0;
	to[1] = 0;
	to[2] = (char)(n >> 8);
	to[3] = (char)n;
	memcpy(to + 4, list, n);
	return n + 4;
}

static size_t
make_hello(char *to, const char *before, const char *const lists[6])
{
	size_t n = (size_t)sprintf(to, "%sSSH-2.0-OpenSSH_9.2\r\n", before);

	memset(to + n, 0, 22);
	to[n + 5] = 20;
	n += 22;
	for (int i = 0; i < 6; i++)
		n += add_list(to + n, lists[i]);
	return n;
}

static void
the_first_list_without_agreement_is_named(void **state)
{
	static const struct { const char *lists[6], *says; } cases[] = {
		{ { "sntrup761x25519-sha512@openssh.com", "ssh-ed25519", "aes256-ctr", "aes256-ctr", "hmac-sha2-256", "hmac-sha2-256" },
		    "key exchange: the server offers only sntrup761" },
		{ { "curve25519-sha256", "rsa-sha2-512", "aes256-ctr", "aes256-ctr", "hmac-sha2-256", "hmac-sha2-256" }, "host key type: the server offers only rsa-sha2-512" },
		{ { "curve25519-sha256", "ssh-ed25519", "chacha20-poly1305@openssh.com", "aes256-ctr", "hmac-sha2-256", "hmac-sha2-256" },
		    "cipher: the server offers only chacha20" },
		{ { "curve25519-sha256", "ssh-ed25519", "aes256-ctr", "aes256-ctr", "hmac-sha2-256", "" }, "MAC: the server offers only none" },
		{ { "curve25519-sha256", "ssh-ed25519", "aes128-ctr,aes256-ctr", "aes256-ctr", "x,hmac-sha2-256", "hmac-sha2-256" }, NULL },
		{ { "\x1b]0;x", "", "", "", "", "" }, "\\x1B]0;x" },
	};
	char hello[2000], text[300];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int k = 0; k < 2; k++) {
			size_t len = make_hello(hello, k == 0 ? "" : "welcome\r\nto us\n", cases[i].lists);

			if (cases[i].says == NULL) {
				assert_false(kex_explain(hello, len, &ours, text, sizeof text));
				continue;
			}
			assert_true(kex_explain(hello, len, &ours, text, sizeof text));
			if (strstr(text, cases[i].says) == NULL)
				fail_msg("\"%s\" does not say \"%s\"", text, cases[i].says);
		}
}

/* Cut anywhere, or with any byte changed, it is read without harm (the sanitizers look on) and a cut one explains nothing. */
static void
broken_first_bytes_do_no_harm(void **state)
{
	const char *const lists[6] = { "none", "none", "none", "none", "none", "none" };
	char hello[2000], text[300], *copy;
	size_t len = make_hello(hello, "", lists);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		copy = xmalloc(cut + 1);
		memcpy(copy, hello, cut);
		assert_false(kex_explain(copy, cut, &ours, text, sizeof text));
		free(copy);
	}
	for (size_t at = 0; at < len; at++) {
		copy = xmalloc(len);
		memcpy(copy, hello, len);
		copy[at] = (char)0xff;
		kex_explain(copy, len, &ours, text, sizeof text);
		free(copy);
	}
}

static void
a_fifo_gives_back_what_it_took(void **state)
{
	struct fifo f = { 0 };
	unsigned char in = 0, out = 0;
	char bytes[700];

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		size_t n = (round * 37) % sizeof bytes, take;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)in++;
		fifo_add(&f, bytes, n);
		take = f.len * (round % 4) / 3;
		if (take > f.len)
			take = f.len;
		for (size_t i = 0; i < take; i++)
			assert_int_equal((unsigned char)fifo_bytes(&f)[i], out++);
		fifo_cut(&f, take);
	}
	while (f.len > 0) {
		assert_int_equal((unsigned char)fifo_bytes(&f)[0], out++);
		fifo_cut(&f, 1);
	}
	assert_int_equal(in, out);
	fifo_done(&f);
}

/* --- names --- */

static unsigned n_answers;
static bool has_list;

static void
on_resolved(const struct addrinfo *list, const char *why, void *arg)
{
	(void)arg;
	n_answers++;
	has_list = list != NULL;
	assert_true(has_list || why[0] != '\0');
}

static bool
is_known_here(const char *name)
{
	struct addrinfo *list = NULL;
	bool is_known = getaddrinfo(name, NULL, NULL, &list) == 0;

	if (is_known)
		freeaddrinfo(list);
	return is_known;
}

static void
names_are_looked_up_and_numbers_at_once(void **state)
{
	struct resolve_ask *ask;
	struct resolver *r;
	struct err err;
	struct loop *l;

	(void)state;
	assert_int_equal(loop_new(&l, &err), 0);
	assert_int_equal(resolver_new(l, &r, &err), 0);
	n_answers = 0;
	resolver_ask(r, "127.0.0.1", 22, AF_UNSPEC, on_resolved, NULL, &ask);
	assert_null(ask);
	assert_int_equal(n_answers, 1);
	assert_true(has_list);
	resolver_ask(r, "localhost", 22, AF_UNSPEC, on_resolved, NULL, &ask);
	for (int i = 0; i < 600 && n_answers < 2; i++)
		loop_once(l, 100 * NS_PER_MS);
	assert_int_equal(n_answers, 2);
	assert_int_equal(has_list, is_known_here("localhost"));	/* a bare root has no /etc/hosts */
	assert_null(ask);
	resolver_ask(r, "no-such-host.invalid", 22, AF_UNSPEC, on_resolved, NULL, &ask);
	resolve_ask_cancel(ask);
	assert_null(ask);
	resolver_ask(r, "no-such-host-either.invalid", 22, AF_UNSPEC, on_resolved, NULL, &ask);
	resolver_free(r);	/* with a lookup under way: its thread ends by itself */
	assert_int_equal(n_answers, 2);
	free(ask);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_both_have_keeps_the_order_of_the_first),
		cmocka_unit_test(the_first_list_without_agreement_is_named),
		cmocka_unit_test(broken_first_bytes_do_no_harm),
		cmocka_unit_test(a_fifo_gives_back_what_it_took),
		cmocka_unit_test(names_are_looked_up_and_numbers_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
