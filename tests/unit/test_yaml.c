/* YAML: what is read, where it stands, what is refused and with which sentence. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"

/* --- dumping a tree -------------------------------------------------------------------------- */

/* {a@1:1=b@1:4} [x@..] and "text" for quoted scalars: all that a node holds. */
static void
dump(struct buf *b, const struct yaml_node *node)
{
	if (node->type == YAML_TYPE_SCALAR) {
		buf_addstr(b, node->is_plain ? "" : "\"");
		str_escape(b, node->text, node->len);
		buf_printf(b, "%s@%u:%u", node->is_plain ? "" : "\"", node->line, node->column);
		return;
	}
	buf_printf(b, "%s", node->type == YAML_TYPE_MAP ? "{" : "[");
	for (size_t i = 0; i < node->n; i++) {
		if (i > 0)
			buf_addstr(b, " ");
		if (node->keys != NULL) {
			dump(b, node->keys[i]);
			buf_addstr(b, "=");
		}
		dump(b, node->items[i]);
	}
	buf_printf(b, "%s@%u:%u", node->type == YAML_TYPE_MAP ? "}" : "]", node->line,
	    node->column);
}

static void
assert_reads(const char *text, size_t len, const char *expected)
{
	struct err err = ERR_INIT;
	struct yaml_file *f;
	struct buf b;

	buf_init(&b, 1 << 20);
	if (yaml_parse("t", text, len, &f, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	for (size_t i = 0; i < f->n_docs; i++) {
		buf_addstr(&b, i > 0 ? " --- " : "");
		dump(&b, f->docs[i]);
	}
	assert_string_equal(b.data, expected);
	buf_done(&b);
	yaml_file_free(f);
}

static void
assert_refused(const char *text, size_t len, int code, const char *sentence)
{
	struct err err = ERR_INIT;
	struct yaml_file *f = NULL;

	assert_int_equal(yaml_parse("t", text, len, &f, &err), code);
	assert_null(f);
	assert_int_equal(err.code, code);
	assert_string_equal(err.msg, sentence);
	assert_int_equal(yaml_parse("t", text, len, &f, NULL), code);
}

/* --- tables ---------------------------------------------------------------------------------- */

static void
reads(void **state)
{
	static const struct {
		const char *text, *tree;
	} rows[] = {
		{ "", "" },
		{ "# only a comment\n", "" },
		{ "---\n---\na\n", "a@3:1" },
		{ "a: b", "{a@1:1=b@1:4}@1:1" },
		/* Scalars stay text: nothing becomes a number or a boolean. */
		{ "v: 1.10\non: yes\n", "{v@1:1=1.10@1:4 on@2:1=yes@2:5}@1:1" },
		{ "a: '1'\nb: \"x\\ty\"\n", "{a@1:1=\"1\"@1:4 b@2:1=\"x\\ty\"@2:4}@1:1" },
		{ "a:\nb: ~\n", "{a@1:1=@1:3 b@2:1=~@2:4}@1:1" },
		{ "- 1\n-\n  - x\n", "[1@1:3 [x@3:5]@3:3]@1:1" },
		{ "{a: [1, {b: c}], }", "{a@1:2=[1@1:6 {b@1:10=c@1:13}@1:9]@1:5}@1:1" },
		{ "t: |\n  one\n  two\n", "{t@1:1=\"one\\ntwo\\n\"@1:4}@1:1" },
		{ "t: >-\n  one\n  two\n", "{t@1:1=\"one two\"@1:4}@1:1" },
		{ "a\n---\nb\n", "a@1:1 --- b@3:1" },
		/* An alias is a copy that stands where its anchor stood. */
		{ "x: &A {k: v}\ny: *A\n",
		    "{x@1:1={k@1:8=v@1:11}@1:4 y@2:1={k@1:8=v@1:11}@1:4}@1:1" },
		{ "[&A a, &A b, *A]", "[a@1:2 b@1:8 b@1:8]@1:1" },
		{ "? &K k\n: 1\nz: {*K : 2}\n", "{k@1:3=1@2:3 z@3:1={k@1:3=2@3:10}@3:4}@1:1" },
		{ "!!str 1", "\"1\"@1:1" },
		{ "a: !!int 1", "{a@1:1=\"1\"@1:4}@1:1" },
		/* Columns count characters, not bytes; a byte order mark is none. */
		{ "\xc3\xa4: \xc3\xb6", "{\xc3\xa4@1:1=\xc3\xb6@1:4}@1:1" },
		{ "\xef\xbb\xbf" "a: b", "{a@1:1=b@1:4}@1:1" },
		{ "a: b\r\nc: d\r\n", "{a@1:1=b@1:4 c@2:1=d@2:4}@1:1" },
		{ "%YAML 1.1\n---\na: b\n", "{a@3:1=b@3:4}@3:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_reads(rows[i].text, strlen(rows[i].text), rows[i].tree);
	assert_reads("a: \"x\\0y\"", 9, "{a@1:1=\"x\\x00y\"@1:4}@1:1");
}

static void
refuses(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "a: b: c", "t:1:5: mapping values are not allowed in this context; text that "
		    "holds ': ' needs quotes, or it is indented otherwise than the line above" },
		{ "a:\n\tb: c\n", "t:2:1: found character that cannot start any token; "
		    "indent with spaces, not tabs" },
		{ "a: @b", "t:1:4: found character that cannot start any token; "
		    "text that begins with this character needs quotes" },
		{ "a: [b\nc: d\n", "t:2:2: did not find expected ',' or ']' while parsing a flow "
		    "sequence that begins at line 1" },
		{ "a: 'b\n", "t:2:1: found unexpected end of stream while scanning a quoted scalar "
		    "that begins at line 1" },
		{ "a: 1\nb: 2\na: 3\n", "t:3:1: 'a' is given twice (first at 1:1)" },
		{ "x: {p: 1, q: 2, p: 3}", "t:1:17: 'p' is given twice (first at 1:5)" },
		{ "{a: 1, \"a\": 2}", "t:1:8: 'a' is given twice (first at 1:2)" },
		{ "{{a: b}: c}", "t:1:2: a key must be text, not a map; text that begins with { or "
		    "[ needs quotes" },
		{ "? [a]\n: c\n", "t:1:3: a key must be text, not a list; text that begins with { "
		    "or [ needs quotes" },
		{ "&A a: {? *A : x, ? &B [1] : 2}",
		    "t:1:20: a key must be text, not a list; text that begins with { or [ needs "
		    "quotes" },
		{ "? \n: b", "t:1:2: a key is missing before ':'" },
		{ "\"a\\0b\": c", "t:1:1: a key must not hold a NUL character" },
		{ "a: *B", "t:1:4: *B: no &B above; text that begins with * needs quotes" },
		{ "a: &A [*A]", "t:1:8: *A: an alias inside its own anchor never ends" },
		{ "a: &A\n  b: {c: *A}\n",
		    "t:2:10: *A: an alias inside its own anchor never ends" },
		/* Anchors end with their document. */
		{ "&A a\n---\n*A\n", "t:3:1: *A: no &A above; text that begins with * needs "
		    "quotes" },
		{ "a: !mine x", "t:1:4: the tag '!mine' means nothing here; text that begins with "
		    "! needs quotes" },
		{ "a: !!binary x", "t:1:4: the tag 'tag:yaml.org,2002:binary' means nothing here; "
		    "text that begins with ! needs quotes" },
		{ "a: b\nc: \xff\n", "t:2:4: the byte 0xff is not UTF-8" },
		{ "a: \xc3\xa4 \xc0\x80", "t:1:6: the byte 0xc0 is not UTF-8" },
		{ "\xff\xfe" "a\0", "t:1:1: the byte 0xff is not UTF-8" },
		{ "a: b\nc: \033[31m\n", "t:2:4: control characters are not allowed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_refused(rows[i].text, strlen(rows[i].text), ERR_SYNTAX, rows[i].sentence);
	assert_refused("a: \0b", 5, ERR_SYNTAX, "t:1:4: control characters are not allowed");
}

/* --- limits ---------------------------------------------------------------------------------- */

static void
repeat(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addstr(b, s);
}

static void
depth(void **state)
{
	struct yaml_file *f;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	repeat(&b, "[", YAML_DEPTH_MAX);
	repeat(&b, "]", YAML_DEPTH_MAX);
	assert_int_equal(yaml_parse("t", b.data, b.len, &f, NULL), 0);
	yaml_file_free(f);
	buf_reset(&b);
	repeat(&b, "[", YAML_DEPTH_MAX + 1);
	assert_refused(b.data, b.len, ERR_LIMIT, "t:1:65: nested deeper than 64 levels");
	/* Depth that only aliases reach. */
	buf_reset(&b);
	buf_addstr(&b, "- &a ");
	repeat(&b, "[", 40);
	repeat(&b, "]", 40);
	buf_addstr(&b, "\n- ");
	repeat(&b, "[", 40);
	buf_addstr(&b, "*a");
	repeat(&b, "]", 40);
	assert_refused(b.data, b.len, ERR_LIMIT,
	    "t:1:29: nested deeper than 64 levels by an alias");
	buf_done(&b);
}

static void
alias_bomb(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8 << 20);
	buf_addstr(&b, "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c <= 'j'; c++)
		buf_printf(&b, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1,
		    c - 1, c - 1, c - 1,
		    c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	assert_refused(b.data, b.len, ERR_LIMIT,
	    "t:1:12: more than 200000 values; an alias counts as all it stands for");
	/* Few nodes, much text. */
	buf_reset(&b);
	buf_addstr(&b, "- &a ");
	repeat(&b, "x", 1 << 20);
	repeat(&b, "\n- *a", 10);
	assert_refused(b.data, b.len, ERR_LIMIT,
	    "t:1:3: more than 8 MiB of text; an alias counts as all it stands for");
	buf_done(&b);
}

static void
sizes(void **state)
{
	struct yaml_file *f;
	struct buf b;

	(void)state;
	buf_init(&b, 8 << 20);
	/* One long line is fine. */
	buf_addstr(&b, "a: ");
	repeat(&b, "0123456789abcdef", 65536);
	assert_int_equal(yaml_parse("t", b.data, b.len, &f, NULL), 0);
	assert_int_equal(yaml_get(f->docs[0], "a")->len, 1 << 20);
	yaml_file_free(f);
	repeat(&b, "0123456789abcdef", 196608);
	assert_refused(b.data, b.len, ERR_LIMIT, "t: larger than 4 MiB");
	/* Many values, one too many. */
	buf_reset(&b);
	repeat(&b, "- a\n", YAML_NODES_MAX - 1);
	assert_int_equal(yaml_parse("t", b.data, b.len, &f, NULL), 0);
	assert_int_equal(f->docs[0]->n, YAML_NODES_MAX - 1);
	yaml_file_free(f);
	buf_addstr(&b, "- a\n");
	assert_refused(b.data, b.len, ERR_LIMIT,
	    "t:200000:3: more than 200000 values; an alias counts as all it stands for");
	buf_done(&b);
}

static void
anchors_are_counted(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1001; i++)
		buf_printf(&b, "- &a%d x\n", i);
	assert_refused(b.data, b.len, ERR_LIMIT, "t:1001:3: more than 1000 anchors");
	buf_done(&b);
}

/* --- files and helpers ----------------------------------------------------------------------- */

static void
reads_files(void **state)
{
	char path[] = "/tmp/test_yaml.XXXXXX", *expected;
	struct err err = ERR_INIT;
	struct yaml_file *f;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: b\n", 5), 5);
	close(fd);
	assert_int_equal(yaml_read(path, &f, &err), 0);
	assert_string_equal(f->name, path);
	assert_string_equal(yaml_get(f->docs[0], "a")->text, "b");
	yaml_file_free(f);
	assert_int_equal(truncate(path, YAML_BYTES_MAX + 1), 0);
	assert_int_equal(yaml_read(path, &f, &err), ERR_LIMIT);
	expected = xasprintf("%s: larger than 4 MiB", path);
	assert_string_equal(err.msg, expected);
	free(expected);
	unlink(path);
	assert_int_equal(yaml_read(path, &f, &err), ERR_IO);
	expected = xasprintf("cannot read %s: No such file or directory", path);
	assert_string_equal(err.msg, expected);
	free(expected);
	assert_int_equal(yaml_read("/", &f, &err), ERR_IO);
	assert_string_equal(err.msg, "cannot read /: Is a directory");
}

static void
names_are_escaped(void **state)
{
	struct err err = ERR_INIT;
	struct yaml_file *f;

	(void)state;
	assert_int_equal(yaml_parse("a\033b", "x: y: z", 7, &f, &err), ERR_SYNTAX);
	assert_memory_equal(err.msg, "a\\x1Bb:1:5: ", 11);
}

static void
null_and_get(void **state)
{
	static const char text[] =
	    "a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: []\ng: NULL\nh: !!str null\n";
	static const bool is_null[] = { true, true, true, false, false, false, false, false };
	struct yaml_file *f;

	(void)state;
	assert_int_equal(yaml_parse("t", text, strlen(text), &f, NULL), 0);
	for (size_t i = 0; i < sizeof is_null / sizeof is_null[0]; i++)
		assert_int_equal(yaml_is_null(f->docs[0]->items[i]), is_null[i]);
	assert_true(yaml_is_null(NULL));
	assert_null(yaml_get(f->docs[0], "z"));
	assert_null(yaml_get(NULL, "a"));
	assert_null(yaml_get(yaml_get(f->docs[0], "f"), "a"));
	yaml_file_free(f);
	yaml_file_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(depth),
		cmocka_unit_test(alias_bomb),
		cmocka_unit_test(sizes),
		cmocka_unit_test(anchors_are_counted),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(null_and_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
