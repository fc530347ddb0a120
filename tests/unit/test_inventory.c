/* Ansible inventories: what their hosts come to, and the sentences when they are wrong. */
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
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/inventory.h"

static struct inventory inv;
static struct conf_problems problems;

static int
teardown(void **state)
{
	(void)state;
	inventory_done(&inv);
	conf_problems_done(&problems);
	return 0;
}

static char *
fixture(const char *name)
{
	const char *srcdir = getenv("srcdir");

	return xasprintf("%s/tests/fixtures/inventories/%s", srcdir != NULL ? srcdir : ".", name);
}

static char *
read_text(const char *name, size_t *ret_len)
{
	char *path = fixture(name), chunk[4096], *text;
	FILE *f = fopen(path, "r");
	struct buf b;
	size_t n;

	if (f == NULL)
		fail_msg("cannot read %s", path);
	buf_init(&b, 1 << 20);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		assert_int_equal(buf_add(&b, chunk, n), 0);
	fclose(f);
	free(path);
	text = buf_take(&b, ret_len);
	buf_done(&b);
	return text;
}

static int
parse(const char *name, const char *text, size_t len, struct err *err)
{
	teardown(NULL);
	return inventory_parse(name, text, len, &inv, &problems, err);
}

static void
parse_fixture(const char *name)
{
	struct err err = ERR_INIT;
	size_t len;
	char *text = read_text(name, &len);

	if (parse(name, text, len, &err) < 0)
		fail_msg("%s", err.msg);
	free(text);
}

/* "NAME address user@port line: groups", a line each. */
static char *
dump(void)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < inv.n; i++) {
		const struct inventory_host *h = &inv.v[i];

		buf_printf(&b, "%s %s %s:%u %u:", h->name, h->address != NULL ? h->address : "-",
		    h->user != NULL ? h->user : "-", h->port, h->line);
		for (size_t k = 0; h->groups[k] != NULL; k++)
			buf_printf(&b, " %s", h->groups[k]);
		buf_addch(&b, '\n');
	}
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
assert_hosts(const char *expected)
{
	char *text = dump();

	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	if (!str_eq(text, expected))
		fail_msg("got:\n%sexpected:\n%s", text, expected);
	free(text);
}

static void
assert_problems(const char *expected)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&b, "%s\n", problems.v[i]);
	if (!str_eq(b.data, expected))
		fail_msg("got:\n%sexpected:\n%s", b.data, expected);
	buf_done(&b);
}

/* --- what they say --------------------------------------------------------------------------- */

static void
ini(void **state)
{
	(void)state;
	parse_fixture("plain.ini");
	assert_hosts("bar.example.com - far:0 8: southeast usa webservers\n"
	    "bare.example.com - -:2201 3:\n"
	    "db-a.example.com - postgres:2222 11: dbservers\n"
	    "db-b.example.com - postgres:2222 11: dbservers\n"
	    "db-c.example.com - postgres:2222 11: dbservers\n"
	    "foo.example.com 10.0.0.5 deploy:5555 7: southeast usa webservers\n"
	    "host0 - far:0 20: atlanta southeast usa\n"
	    "host5 - far:0 20: atlanta southeast usa\n"
	    "host10 - far:0 20: atlanta southeast usa\n"
	    "mail.example.com - -:0 2:\n"
	    "one.example.com 192.0.2.50 pg:2222 12: dbservers\n"
	    "www01.example.com - far:0 6: southeast usa webservers\n"
	    "www02.example.com - far:0 6: southeast usa webservers\n"
	    "www03.example.com - far:0 6: southeast usa webservers\n");
	assert_string_equal(inv.path, "plain.ini");
	assert_int_equal(inv.n_groups, 5);
	assert_string_equal(inv.groups[0], "atlanta");
	assert_string_equal(inv.groups[4], "webservers");
	assert_string_equal(inv.note, "3 variables mean nothing here: http_port, maxRequestsPerChild, ntp_server");
}

static void
yaml(void **state)
{
	(void)state;
	parse_fixture("plain.yaml");
	assert_hosts("2001:db8::7 - postgres:2200 19: dbservers\n"
	    "db-a.example.com - postgres:2222 18: dbservers\n"
	    "db-b.example.com - postgres:2222 18: dbservers\n"
	    "db-c.example.com - postgres:2222 18: dbservers\n"
	    "foo.example.com 10.0.0.5 deploy:5555 12: southeast usa webservers\n"
	    "lone.example.com - far:0 30: atlanta southeast usa\n"
	    "mail.example.com - -:0 5:\n"
	    "www01.example.com - far:0 11: southeast usa webservers\n"
	    "www02.example.com - far:0 11: southeast usa webservers\n"
	    "www03.example.com - far:0 11: southeast usa webservers\n");
	assert_string_equal(inv.note, "1 variable means nothing here: ntp_server");
}

static void
small_forms(void **state)
{
	static const struct {
		const char *name, *text, *hosts;
	} tests[] = {
		{ "h", "", "" },
		{ "h", "# nothing\n; here\n\n", "" },
		{ "h", "a\r\nb # c\r\n", "a - -:0 1:\nb - -:0 2:\n" },
		{ "h", "\xef\xbb\xbf" "a\n", "a - -:0 1:\n" },
		{ "h", "a#comment\n", "a - -:0 1:\n" },
		{ "h", "a ansible_user='x'\"y\" ansible_port=\"22\"\n", "a - xy:22 1:\n" },
		{ "h", "a ansible_user=CORP\\\\ann\n", "a - CORP\\ann:0 1:\n" },
		{ "h", "2001:db8::5\n", "2001:db8::5 - -:0 1:\n" },
		{ "h", "a:22 ansible_port=33\n", "a - -:33 1:\n" },
		{ "h", "n[:2] \n", "n0 - -:0 1:\nn1 - -:0 1:\nn2 - -:0 1:\n" },
		{ "h", "n[08:10]\n", "n08 - -:0 1:\nn09 - -:0 1:\nn10 - -:0 1:\n" },
		{ "h", "n[8:10].x[A:B]:24\n", "n8.xA - -:24 1:\nn8.xB - -:24 1:\nn9.xA - -:24 1:\nn9.xB - -:24 1:\n"
		  "n10.xA - -:24 1:\nn10.xB - -:24 1:\n" },
		/* The same host in several places; a later line wins. */
		{ "h", "[b]\na ansible_user=one ansible_host=x\n[c]\na ansible_user=two\n", "a x two:0 2: b c\n" },
		/* The group further from all wins, then the later name. */
		{ "h", "[z]\na\n[y]\na\n[p:children]\nz\n[p:vars]\nansible_user=p\nansible_port=1\n[z:vars]\nansible_user=z\n[y:vars]\n"
		  "ansible_user=y\nansible_host=h\n[all:vars]\nansible_host=all\nansible_port=9\n", "a h z:1 2: p y z\n" },
		{ "h", "[y]\na\n[z]\na\n[y:vars]\nansible_user=y\n[z:vars]\nansible_user=z\n", "a - z:0 2: y z\n" },
		{ "h", "[all:vars]\nansible_user=everyone\n[g]\na\n", "a - everyone:0 4: g\n" },
		{ "h", "[g:hosts]\na\n[all:children]\ng\n", "a - -:0 2: g\n" },
		{ "h", "[ungrouped]\na\n[all]\nb\n", "a - -:0 2:\nb - -:0 4:\n" },
		{ "h", "[g:vars]\nansible_user = ann # who\n[g] # it\na\n", "a - ann:0 4: g\n" },
		{ "h", "[p:children]\nc # later\n[c]\na\n", "a - -:0 4: c p\n" },
		{ "h", "all:\n  hosts:\n    a:\n", "a - -:0 3:\n" },
		{ "h", "---\nweb: { hosts: a }\n", "a - -:0 2: web\n" },
		{ "h.yml", "", "" },
		{ "h.yml", "web:\n", "" },
		{ "h.yml", "web: { hosts: { a: null, b: {} }, vars: , children: ~ }", "a - -:0 1: web\nb - -:0 1: web\n" },
		{ "h.json", "{\"web\": {\"hosts\": {\"a\": {\"ansible_port\": 22}}}}", "a - -:22 1: web\n" },
		{ "h.ini", "all:22\n", "all - -:22 1:\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct err err = ERR_INIT;

		if (parse(tests[i].name, tests[i].text, strlen(tests[i].text), &err) < 0)
			fail_msg("%s\n%s", err.msg, tests[i].text);
		assert_hosts(tests[i].hosts);
	}
}

/* --- mistakes -------------------------------------------------------------------------------- */

static void
mistakes_of_ini(void **state)
{
	(void)state;
	parse_fixture("mistakes.ini");
	assert_problems("mistakes.ini:1:1: 'web[01:03' breaks at its character 4: ']' is missing\n"
	    "mistakes.ini:2:1: the section has no ']'\n"
	    "mistakes.ini:3:7: nothing is expected behind ']'\n"
	    "mistakes.ini:4:6: ':var' is no kind of section; did you mean ':vars'?\n"
	    "mistakes.ini:6:1: ansible_port: '70000' is not a number from 1 to 65535\n"
	    "mistakes.ini:7:1: 'no equals here' is no variable: NAME=VALUE is expected\n"
	    "mistakes.ini:9:1: '-oProxyCommand=sh' is not the name of a host (letters, digits, -, _ and dots, or an IP address)\n"
	    "mistakes.ini:10:6: 'ansible_port' is no variable: NAME=VALUE is expected behind a host\n"
	    "mistakes.ini:11:7: ansible_host: 'a/b' is neither the name of a host nor an IP address\n"
	    "mistakes.ini:12:20: the quote is not closed\n"
	    "mistakes.ini:13:1: 'host4:99999': the port is not a number from 1 to 65535\n"
	    "mistakes.ini:14:1: 'www[3:1]' breaks at its character 7: the range goes down\n"
	    "mistakes.ini:15:1: 'www[a:9]' breaks at its character 7: a range is two numbers or two letters, as in [01:50] or [a:f]\n"
	    "mistakes.ini:16:1: 'www[01:100]' breaks at its character 8: both ends of a range that begins with 0 need the same number "
	    "of digits\n"
	    "mistakes.ini:17:1: 'www[x]' breaks at its character 5: a range has a colon, as in [01:50]\n"
	    "mistakes.ini:18:7: ansible_host: is a template; none is filled in here\n"
	    "mistakes.ini:18:23: 'other' is no variable: NAME=VALUE is expected behind a host\n"
	    "mistakes.ini:22:1: every group is in 'all'; it cannot be a child\n"
	    "mistakes.ini:23:5: one group on each line is expected\n"
	    "mistakes.ini:5:2: there is no group 'db' in this inventory\n"
	    "mistakes.ini:21:1: there is no group 'nowhere' in this inventory\n"
	    "mistakes.ini:23:1: there is no group 'two' in this inventory\n");
	/* Nobody is reached at another place than was meant. */
	assert_int_equal(inv.n, 0);
}

static void
cycles(void **state)
{
	(void)state;
	parse_fixture("cycle.ini");
	assert_problems("cycle.ini:6:1: the group 'a' cannot be a child of 'c', which is among its own children\n"
	    "cycle.ini:8:1: the group 'd' is its own child\n");
	assert_int_equal(inv.n, 1);
	assert_string_equal(inv.v[0].name, "host-1");
}

static void
mistakes_of_yaml(void **state)
{
	(void)state;
	parse_fixture("mistakes.yaml");
	assert_problems("mistakes.yaml:2:3: 'host' is no part of a group; did you mean 'hosts'?\n"
	    "mistakes.yaml:4:10: hosts are a map: each name with a colon behind it\n"
	    "mistakes.yaml:5:9: variables are a map: NAME: VALUE on each line\n"
	    "mistakes.yaml:7:5: every group is in 'all'; it cannot be a child\n"
	    "mistakes.yaml:9:10: a group is a map of hosts, vars and children\n"
	    "mistakes.yaml:11:17: children are a map: each group with a colon behind it\n"
	    "mistakes.yaml:12:1: 'b d' is not the name of a group (letters, digits, _, - and dots)\n"
	    "mistakes.yaml:16:5: 'x y' is not the name of a host (letters, digits, -, _ and dots, or an IP address)\n"
	    "mistakes.yaml:17:24: ansible_port: '' is not a number from 1 to 65535\n"
	    "mistakes.yaml:17:48: ansible_user: '-x' is not the name of a user\n"
	    "mistakes.yaml:18:3: 'webservers' is no part of a group, which has hosts, vars and children; a group in it stands below "
	    "children:\n"
	    "mistakes.yaml:8:5: the group 'web' is its own child\n");
}

static void
refused(void **state)
{
	static const struct {
		const char *name, *sentence;
	} tests[] = {
		{ "program.sh", "program.sh:1:1: is a program, and no inventory is run here; keep what it says in a file: "
		  "ansible-inventory -i FILE --list --yaml" },
		{ "plugin.yaml", "plugin.yaml:1:9: this sets up a plugin, which is a program; none is run here; what Ansible makes of it "
		  "can be kept in a file: ansible-inventory -i FILE --list --yaml" },
		{ "script-output.json", "script-output.json:1:12: this is what a program said, in the form for Ansible alone; what "
		  "Ansible makes of it can be kept in a file: ansible-inventory -i FILE --list --yaml" },
		{ "vault.yaml", "vault.yaml:5:1: a value is encrypted by ansible-vault; nothing is decrypted here" },
		{ "vault.ini", "vault.ini:1:1: is encrypted by ansible-vault; nothing is decrypted here" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct err err = ERR_INIT;
		size_t len;
		char *text = read_text(tests[i].name, &len);

		assert_int_equal(parse(tests[i].name, text, len, &err), ERR_UNSUPPORTED);
		assert_string_equal(err.msg, tests[i].sentence);
		free(text);
	}
}

static void
refused_yaml(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse("a.yml", "- a\n", 4, &err), ERR_SYNTAX);
	assert_string_equal(err.msg, "a.yml:1:1: an inventory is a map of groups");
	assert_int_equal(parse("a.yml", "a:\n---\nb:\n", 10, &err), ERR_SYNTAX);
	assert_string_equal(err.msg, "a.yml:3:1: a second document begins here (---); an inventory has one");
	assert_int_equal(parse("a.yml", "a: [\n", 5, &err), ERR_SYNTAX);
	assert_true(str_has_prefix(err.msg, "a.yml:"));
}

/* What is hostile or just large is told, and ends. */
static void
limits(void **state)
{
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 4 << 20);
	buf_addstr(&b, "a[1:20000]\nb[1:9000]\nc[1:9000]\n");
	assert_int_equal(parse("h", b.data, b.len, &err), 0);
	assert_int_equal(inv.n, INVENTORY_HOSTS_MAX);
	assert_problems("h:1:1: 'a[1:20000]' stands for more hosts than the 10000 an inventory may have\n"
	    "h:1:1: more than 10000 hosts, or 1000000 hosts in groups; the rest is left out\n");
	buf_reset(&b);
	for (int i = 0; i < INVENTORY_GROUPS_MAX + 10; i++)
		buf_printf(&b, "[g%d:children]\ng%d\n", i, i + 1);
	assert_int_equal(parse("h", b.data, b.len, &err), 0);
	assert_problems("h:3996:1: more than 2000 groups; the rest is left out\n");
	buf_reset(&b);
	buf_addstr(&b, "a ansible_user=");
	for (int i = 0; i < 70000; i++)
		buf_addch(&b, 'x');
	assert_int_equal(parse("h", b.data, b.len, &err), 0);
	assert_problems("h:1:1: the line is longer than 64 KiB, or holds a NUL character; what follows is not read\n");
	assert_int_equal(parse("h", "a\0b\n", 4, &err), 0);
	assert_int_equal(problems.n, 1);
	buf_done(&b);
}

/* A chain of a thousand groups is walked without recursion. */
static void
deep_groups(void **state)
{
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1500; i++)
		buf_printf(&b, "[g%d:children]\ng%d\n", i, i + 1);
	buf_addstr(&b, "[g1500]\na\n[g0:vars]\nansible_user=top\n[g700:vars]\nansible_user=middle\n");
	assert_int_equal(parse("h", b.data, b.len, &err), 0);
	assert_int_equal(problems.n, 0);
	assert_int_equal(inv.n, 1);
	assert_string_equal(inv.v[0].user, "middle");
	assert_string_equal(inv.v[0].groups[1500], "g999");
	assert_null(inv.v[0].groups[1501]);
	buf_done(&b);
}

/* --- as a file ------------------------------------------------------------------------------- */

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int
read_file(const char *path, struct err *err)
{
	teardown(NULL);
	return inventory_read(path, &inv, &problems, err);
}

static void
files(void **state)
{
	char dir[] = "/tmp/test_inventory.XXXXXX", *path, *vars, *expected;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/hosts", dir);
	vars = xasprintf("%s/group_vars", dir);
	assert_int_equal(read_file(path, &err), ERR_IO);
	write_file(path, "a\n", 0600);
	assert_int_equal(read_file(path, &err), 0);
	assert_int_equal(inv.n, 1);
	assert_string_equal(inv.path, path);
	assert_null(inv.note);
	assert_int_equal(mkdir(vars, 0700), 0);
	assert_int_equal(read_file(path, &err), 0);
	assert_string_equal(inv.note, "group_vars/ beside it is not read");
	assert_int_equal(chmod(path, 0622), 0);
	assert_int_equal(read_file(path, &err), ERR_DENIED);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(read_file(path, &err), ERR_UNSUPPORTED);
	expected = xasprintf("%s:1:1: can be executed, and no inventory is run here; chmod a-x %s if it is none, else keep what it says in "
	    "a file: ansible-inventory -i FILE --list --yaml", path, path);
	assert_string_equal(err.msg, expected);
	free(expected);
	assert_int_equal(read_file(dir, &err), ERR_UNSUPPORTED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(vars), 0);
	assert_int_equal(rmdir(dir), 0);
	free(path);
	free(vars);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(ini, teardown),
		cmocka_unit_test_teardown(yaml, teardown),
		cmocka_unit_test_teardown(small_forms, teardown),
		cmocka_unit_test_teardown(mistakes_of_ini, teardown),
		cmocka_unit_test_teardown(cycles, teardown),
		cmocka_unit_test_teardown(mistakes_of_yaml, teardown),
		cmocka_unit_test_teardown(refused, teardown),
		cmocka_unit_test_teardown(refused_yaml, teardown),
		cmocka_unit_test_teardown(limits, teardown),
		cmocka_unit_test_teardown(deep_groups, teardown),
		cmocka_unit_test_teardown(files, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
