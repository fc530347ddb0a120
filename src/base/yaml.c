#include "config.h"

#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { NAME_SHOWN = 256, KEY_SHOWN = 64 };

/* Copies that aliases make share this allowance: 200000 nodes of 4 MiB each would fit the other
 * limits. */
static const size_t text_max = 2 * (size_t)YAML_BYTES_MAX;

struct anchor {
	char *name;
	const struct yaml_node *node;
	bool is_open;		/* still being read: an alias to it would never end */
};

struct reader {
	char name[NAME_SHOWN];
	yaml_parser_t parser;
	const char *text;
	size_t len;
	struct yaml_file *file;
	struct yaml_node *open[YAML_DEPTH_MAX];	/* containers around what comes next */
	size_t depth;
	struct yaml_node *key;			/* read, waits for its value; owned */
	struct anchor *anchors;
	size_t n_anchors;
	size_t n_nodes, n_text;
	struct err *err;
};

static int fail_at(const struct reader *r, int code, unsigned line, unsigned column,
    const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static int
fail_at(const struct reader *r, int code, unsigned line, unsigned column, const char *fmt, ...)
{
	char sentence[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	return err_set(r->err, code, "%s:%u:%u: %s", r->name, line, column, sentence);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static void
node_free(struct yaml_node *node)
{
	if (node == NULL)
		return;
	for (size_t i = 0; i < node->n; i++) {
		node_free(node->items[i]);
		if (node->keys != NULL)
			node_free(node->keys[i]);
	}
	free(node->items);
	free(node->keys);
	free(node->text);
	free(node);
}

static int
node_new(struct reader *r, enum yaml_type type, unsigned line, unsigned column,
    struct yaml_node **ret_node)
{
	struct yaml_node *node = NULL;

	if (r->n_nodes >= YAML_NODES_MAX)
		return fail_at(r, ERR_LIMIT, line, column,
		    "more than %d values; an alias counts as all it stands for",
		    YAML_NODES_MAX);
	r->n_nodes++;
	node = xcalloc(1, sizeof *node);
	node->type = type;
	node->line = line;
	node->column = column;
	*ret_node = node;
	return 0;
}

static int
node_set_text(struct reader *r, struct yaml_node *node, const char *text, size_t len)
{
	if (len > text_max - r->n_text)
		return fail_at(r, ERR_LIMIT, node->line, node->column,
		    "more than %zu MiB of text; an alias counts as all it stands for",
		    text_max >> 20);
	r->n_text += len;
	node->text = xmalloc(len + 1);	/* not xstrndup(): the text may hold NUL */
	memcpy(node->text, text, len);
	node->text[len] = '\0';
	node->len = len;
	return 0;
}

/* Room for one more, doubling at powers of two: no capacity has to be kept in each node. */
static void
node_grow(struct yaml_node *node)
{
	size_t n = node->n;

	if ((n & (n - 1)) != 0)
		return;
	n = n == 0 ? 1 : 2 * n;
	node->items = xreallocarray(node->items, n, sizeof(*node->items));
	if (node->type == YAML_TYPE_MAP)
		node->keys = xreallocarray(node->keys, n, sizeof(*node->keys));
}

/* The value of an alias: all of it again, standing where the anchor stood. depth: containers
 * around the copy. */
static int
node_copy(struct reader *r, const struct yaml_node *from, size_t depth, struct yaml_node **ret_node)
{
	struct yaml_node *node = NULL, *value, *key = NULL;
	int code;

	if (from->type != YAML_TYPE_SCALAR && depth >= YAML_DEPTH_MAX)
		return fail_at(r, ERR_LIMIT, from->line, from->column,
		    "nested deeper than %d levels by an alias",
		    YAML_DEPTH_MAX);
	code = node_new(r, from->type, from->line, from->column, &node);
	if (code < 0)
		return code;
	node->is_plain = from->is_plain;
	if (from->text != NULL)
		code = node_set_text(r, node, from->text, from->len);
	for (size_t i = 0; i < from->n && code == 0; i++) {
		code = from->keys == NULL ? 0 : node_copy(r, from->keys[i], depth + 1, &key);
		if (code < 0)
			break;
		code = node_copy(r, from->items[i], depth + 1, &value);
		if (code < 0) {
			node_free(key);
			break;
		}
		node_grow(node);
		if (from->keys != NULL)
			node->keys[node->n] = key;
		node->items[node->n++] = value;
		key = NULL;
	}
	if (code < 0)
		node_free(node);
	else
		*ret_node = node;
	return code;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a,
	    *y = *(const struct yaml_node *const *)b;
	int order = strcmp(x->text, y->text);

	if (order != 0)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static int
check_duplicates(struct reader *r, const struct yaml_node *map)
{
	const struct yaml_node **sorted, *second = NULL, *first = NULL;
	char shown[KEY_SHOWN];

	if (map->n < 2)
		return 0;
	sorted = xcalloc(map->n, sizeof(*sorted));
	memcpy(sorted, map->keys, map->n * sizeof(*sorted));
	qsort(sorted, map->n, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < map->n && second == NULL; i++)
		if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0) {
			first = sorted[i - 1];
			second = sorted[i];
		}
	free(sorted);
	if (second == NULL)
		return 0;
	return fail_at(r, ERR_SYNTAX, second->line, second->column,
	    "'%s' is given twice (first at %u:%u)",
	    str_escape_to(shown, sizeof shown, second->text), first->line, first->column);
}

/* --- anchors --------------------------------------------------------------------------------- */

static struct anchor *
anchor_find(struct reader *r, const char *name)
{
	/* The latest of a name is the one that counts. */
	for (size_t i = r->n_anchors; i > 0; i--)
		if (strcmp(r->anchors[i - 1].name, name) == 0)
			return &r->anchors[i - 1];
	return NULL;
}

static int
anchor_add(struct reader *r, const yaml_char_t *name, const struct yaml_node *node)
{
	enum { ANCHORS_MAX = 1000 };

	if (name == NULL)
		return 0;
	if (r->n_anchors == ANCHORS_MAX)
		return fail_at(r, ERR_LIMIT, node->line, node->column, "more than %d anchors",
		    ANCHORS_MAX);
	r->anchors = xreallocarray(r->anchors, r->n_anchors + 1, sizeof *r->anchors);
	r->anchors[r->n_anchors++] = (struct anchor){
		.name = xstrdup((const char *)name), .node = node,
		.is_open = node->type != YAML_TYPE_SCALAR,
	};
	return 0;
}

static void
anchor_close(struct reader *r, const struct yaml_node *node)
{
	for (size_t i = 0; i < r->n_anchors; i++)
		if (r->anchors[i].node == node)
			r->anchors[i].is_open = false;
}

static void
anchors_forget(struct reader *r)
{
	for (size_t i = 0; i < r->n_anchors; i++)
		free(r->anchors[i].name);
	free(r->anchors);
	r->anchors = NULL;
	r->n_anchors = 0;
}

/* --- events ---------------------------------------------------------------------------------- */

static int
check_key(struct reader *r, const struct yaml_node *node)
{
	if (node->type != YAML_TYPE_SCALAR)
		return fail_at(r, ERR_SYNTAX, node->line, node->column,
		    "a key must be text, not a %s; text that begins with { or [ needs quotes",
		    node->type == YAML_TYPE_LIST ? "list" : "map");
	if (memchr(node->text, '\0', node->len) != NULL)
		return fail_at(r, ERR_SYNTAX, node->line, node->column,
		    "a key must not hold a NUL character");
	if (node->is_plain && node->len == 0)
		return fail_at(r, ERR_SYNTAX, node->line, node->column,
		    "a key is missing before ':'");
	return 0;
}

/* Put a node where it belongs; it is the tree's from here on, or freed. */
static int
place(struct reader *r, struct yaml_node *node)
{
	struct yaml_node *outer = r->depth > 0 ? r->open[r->depth - 1] : NULL;
	struct yaml_file *f = r->file;
	int code;

	if (outer == NULL) {
		f->docs = xreallocarray(f->docs, f->n_docs + 1, sizeof(*f->docs));
		f->docs[f->n_docs++] = node;
		return 0;
	}
	if (outer->type == YAML_TYPE_MAP && r->key == NULL) {
		code = check_key(r, node);
		if (code < 0)
			node_free(node);
		else
			r->key = node;
		return code;
	}
	node_grow(outer);
	if (outer->type == YAML_TYPE_MAP) {
		outer->keys[outer->n] = r->key;
		r->key = NULL;
	}
	outer->items[outer->n++] = node;
	return 0;
}

static int
check_tag(const struct reader *r, const yaml_event_t *ev, const yaml_char_t *tag)
{
	static const char *const known[] = { "str", "map", "seq", "int", "float", "bool", "null" };
	static const char prefix[] = "tag:yaml.org,2002:";
	char shown[KEY_SHOWN];

	if (tag == NULL || str_eq((const char *)tag, "!"))
		return 0;
	/* Of these nothing changes the text, and a table's type decides what it means. */
	if (str_has_prefix((const char *)tag, prefix))
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			if (str_eq((const char *)tag + strlen(prefix), known[i]))
				return 0;
	return fail_at(r, ERR_SYNTAX, (unsigned)ev->start_mark.line + 1,
	    (unsigned)ev->start_mark.column + 1,
	    "the tag '%s' means nothing here; text that begins with ! needs quotes",
	    str_escape_to(shown, sizeof shown, (const char *)tag));
}

static int
on_scalar(struct reader *r, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct yaml_node *node = NULL;
	int code = check_tag(r, ev, ev->data.scalar.tag);

	if (code < 0)
		return code;
	if (r->depth == 0 && len == 0 && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return 0;	/* an empty document */
	code = node_new(r, YAML_TYPE_SCALAR, (unsigned)ev->start_mark.line + 1,
	    (unsigned)ev->start_mark.column + 1, &node);
	if (code < 0)
		return code;
	node->is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    ev->data.scalar.tag == NULL;
	code = node_set_text(r, node, text, len);
	if (code == 0)
		code = anchor_add(r, ev->data.scalar.anchor, node);
	if (code < 0) {
		node_free(node);
		return code;
	}
	return place(r, node);
}

static int
on_begin(struct reader *r, const yaml_event_t *ev, enum yaml_type type)
{
	unsigned line = (unsigned)ev->start_mark.line + 1,
	    column = (unsigned)ev->start_mark.column + 1;
	bool is_map = type == YAML_TYPE_MAP;
	struct yaml_node *node = NULL;
	int code;

	code = check_tag(r, ev, is_map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag);
	if (code < 0)
		return code;
	if (r->depth == YAML_DEPTH_MAX)
		return fail_at(r, ERR_LIMIT, line, column, "nested deeper than %d levels",
		    YAML_DEPTH_MAX);
	code = node_new(r, type, line, column, &node);
	if (code < 0)
		return code;
	code = place(r, node);
	if (code < 0)
		return code;
	r->open[r->depth++] = node;
	return anchor_add(r, is_map ? ev->data.mapping_start.anchor :
	    ev->data.sequence_start.anchor, node);
}

static int
on_end(struct reader *r)
{
	struct yaml_node *node = r->open[--r->depth];

	anchor_close(r, node);
	return node->type == YAML_TYPE_MAP ? check_duplicates(r, node) : 0;
}

static int
on_alias(struct reader *r, const yaml_event_t *ev)
{
	unsigned line = (unsigned)ev->start_mark.line + 1,
	    column = (unsigned)ev->start_mark.column + 1;
	const char *name = (const char *)ev->data.alias.anchor;
	const struct anchor *a = anchor_find(r, name);
	struct yaml_node *node = NULL;
	char shown[KEY_SHOWN];
	int code;

	str_escape_to(shown, sizeof shown, name);
	if (a == NULL)
		return fail_at(r, ERR_SYNTAX, line, column,
		    "*%s: no &%s above; text that begins with * needs quotes", shown, shown);
	if (a->is_open)
		return fail_at(r, ERR_SYNTAX, line, column,
		    "*%s: an alias inside its own anchor never ends", shown);
	code = node_copy(r, a->node, r->depth, &node);
	return code < 0 ? code : place(r, node);
}

static int
on_event(struct reader *r, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT: return on_scalar(r, ev);
	case YAML_ALIAS_EVENT: return on_alias(r, ev);
	case YAML_SEQUENCE_START_EVENT: return on_begin(r, ev, YAML_TYPE_LIST);
	case YAML_MAPPING_START_EVENT: return on_begin(r, ev, YAML_TYPE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return on_end(r);
	case YAML_DOCUMENT_END_EVENT: anchors_forget(r); return 0;
	default: return 0;
	}
}

/* --- what libyaml complains about ------------------------------------------------------------ */

/* The byte at a mark; '\0' at the end of the text. */
static char
byte_at(const struct reader *r, yaml_mark_t mark)
{
	const char *p = r->text, *end = r->text + r->len;
	uint32_t cp;
	size_t n;

	for (size_t line = 0; line < mark.line && p != NULL; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p == NULL ? NULL : p + 1;
	}
	for (size_t column = 0; p != NULL && p < end && column < mark.column; column++) {
		n = utf8_decode(p, (size_t)(end - p), &cp);
		p += n > 0 ? n : 1;
	}
	return p == NULL || p >= end ? '\0' : *p;
}

/* What to do, for the mistakes people make. */
static const char *
hint(const struct reader *r, const char *problem)
{
	char c = byte_at(r, r->parser.problem_mark);

	if (strstr(problem, "cannot start any token") != NULL && c == '\t')
		return "; indent with spaces, not tabs";
	if (strstr(problem, "cannot start any token") != NULL)
		return "; text that begins with this character needs quotes";
	if (strstr(problem, "mapping values are not allowed") != NULL)
		return "; text that holds ': ' needs quotes, or it is indented otherwise than the line above";
	return "";
}

static void
offset_to_mark(const struct reader *r, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	unsigned line = 1, column = 1;
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < offset && i < r->len; i += n > 0 ? n : 1) {
		n = utf8_decode(r->text + i, r->len - i, &cp);
		column++;
		if (r->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

static int
parser_failed(const struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "not YAML";
	unsigned line, column;

	if (p->error == YAML_MEMORY_ERROR)
		return err_set(r->err, ERR_NOMEM, "%s: out of memory", r->name);
	if (p->error == YAML_READER_ERROR) {
		offset_to_mark(r, p->problem_offset, &line, &column);
		return fail_at(r, ERR_SYNTAX, line, column, "%s", problem);
	}
	line = (unsigned)p->problem_mark.line + 1;
	column = (unsigned)p->problem_mark.column + 1;
	if (p->context == NULL || p->context_mark.line + 1 == line)
		return fail_at(r, ERR_SYNTAX, line, column, "%s%s", problem, hint(r, problem));
	return fail_at(r, ERR_SYNTAX, line, column, "%s %s that begins at line %zu%s", problem,
	    p->context,
	    p->context_mark.line + 1, hint(r, problem));
}

static int
check_utf8(const struct reader *r)
{
	unsigned line, column;
	uint32_t cp;
	size_t i, n;

	if (utf8_is_valid(r->text, r->len))
		return 0;
	for (i = 0; i < r->len; i += n) {
		n = utf8_decode(r->text + i, r->len - i, &cp);
		if (n == 0)
			break;
	}
	offset_to_mark(r, i, &line, &column);
	return fail_at(r, ERR_SYNTAX, line, column, "the byte 0x%02x is not UTF-8",
	    (unsigned char)r->text[i]);
}

/* --- the whole ------------------------------------------------------------------------------- */

static int
read_events(struct reader *r)
{
	bool is_end = false;
	yaml_event_t ev;
	int code = 0;

	while (code == 0 && !is_end) {
		if (!yaml_parser_parse(&r->parser, &ev))
			return parser_failed(r);
		is_end = ev.type == YAML_STREAM_END_EVENT;
		code = on_event(r, &ev);
		yaml_event_delete(&ev);
	}
	return code;
}

static int
parse(struct reader *r)
{
	static const char bom[] = "\xef\xbb\xbf";
	int code;

	if (r->len > YAML_BYTES_MAX)
		return err_set(r->err, ERR_LIMIT, "%s: larger than %d MiB", r->name,
		    YAML_BYTES_MAX >> 20);
	code = check_utf8(r);
	if (code < 0)
		return code;
	if (r->len >= strlen(bom) && memcmp(r->text, bom, strlen(bom)) == 0) {
		r->text += strlen(bom);
		r->len -= strlen(bom);
	}
	if (!yaml_parser_initialize(&r->parser))
		return err_set(r->err, ERR_NOMEM, "%s: out of memory", r->name);
	/* Fixed, or libyaml would guess UTF-16 from the first bytes. */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->len);
	code = read_events(r);
	yaml_parser_delete(&r->parser);
	return code;
}

int
yaml_parse(const char *name, const char *text, size_t len, struct yaml_file **ret_file,
    struct err *err)
{
	struct reader *r = xcalloc(1, sizeof *r);
	int code;

	str_escape_to(r->name, sizeof r->name, name);
	r->text = text;
	r->len = len;
	r->err = err;
	r->file = xcalloc(1, sizeof *r->file);
	r->file->name = xstrdup(name);
	code = parse(r);
	node_free(r->key);
	anchors_forget(r);
	if (code < 0)
		yaml_file_free(r->file);
	else
		*ret_file = r->file;
	free(r);
	return code;
}

/* All bytes of fd, up to one more than a YAML file may have. */
static int
read_all(int fd, struct buf *b)
{
	char chunk[65536];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof chunk);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (buf_add(b, chunk, (size_t)n) < 0)
			return ERR_LIMIT;
	}
}

int
yaml_read(const char *path, struct yaml_file **ret_file, struct err *err)
{
	char shown[NAME_SHOWN];
	struct buf b;
	int fd, code;

	str_escape_to(shown, sizeof shown, path);
	/* Non-blocking: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot read %s", shown);
	buf_init(&b, YAML_BYTES_MAX);
	code = read_all(fd, &b);
	if (code == ERR_IO)
		err_set_errno(err, code, errno, "cannot read %s", shown);
	else if (code < 0)
		err_set(err, code, "%s: larger than %d MiB", shown, YAML_BYTES_MAX >> 20);
	close(fd);
	if (code == 0)
		code = yaml_parse(path, b.data, b.len, ret_file, err);
	buf_done(&b);
	return code;
}

void
yaml_file_free(struct yaml_file *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_docs; i++)
		node_free(f->docs[i]);
	free(f->docs);
	free(f->name);
	free(f);
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->type != YAML_TYPE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	return NULL;
}

bool
yaml_is_null(const struct yaml_node *node)
{
	if (node == NULL)
		return true;
	return node->type == YAML_TYPE_SCALAR && node->is_plain &&
	    (node->len == 0 || str_eq(node->text, "~") || str_eq(node->text, "null"));
}
