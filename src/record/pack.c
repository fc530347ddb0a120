/* Reading packed files. */
#include "config.h"

#include "record/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/format.h"
#include "record/pack_priv.h"
#include "record/tar.h"

struct pack {
	char *bytes;		/* mapped; NULL when there are none */
	size_t len;
	size_t n;
	struct pack_member *members;	/* names are ours */
	json_t *manifest;
	struct pack_info info;
	size_t n_slices;
	struct pack_slice_entry { const struct pack_member *member; const char *head; } *slices;
};

void
pack_free(struct pack *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		free((char *)p->members[i].name);
	free(p->members);
	free(p->slices);
	json_decref(p->manifest);
	if (p->bytes != NULL)
		munmap(p->bytes, p->len);
	free(p);
}

bool
pack_is(const char *path)
{
	char block[TAR_BLOCK], name[TAR_NAME_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint64_t size;
	bool is_pack;

	if (fd < 0)
		return false;
	is_pack = read(fd, block, sizeof block) == (ssize_t)sizeof block && tar_header_read(block, name, &size, NULL) == 1 &&
	    strcmp(name, PACK_MANIFEST) == 0;
	close(fd);
	return is_pack;
}

/* --- members ---------------------------------------------------------------------------------------------------------------------------- */

static const struct pack_member *
find_member(const struct pack *p, const char *name)
{
	for (size_t i = 0; name != NULL && i < p->n; i++)
		if (strcmp(p->members[i].name, name) == 0)
			return &p->members[i];
	return NULL;
}

static int
add_member(struct pack *p, const char *name, uint64_t offset, uint64_t size, struct err *err)
{
	if (find_member(p, name) != NULL)
		return err_set(err, ERR_SYNTAX, "%s is there twice", name);
	if (p->n >= PACK_MEMBERS_MAX)
		return err_set(err, ERR_SYNTAX, "more than %d members", PACK_MEMBERS_MAX);
	if ((p->n & (p->n - 1)) == 0)
		p->members = xreallocarray(p->members, p->n == 0 ? 1 : p->n * 2, sizeof *p->members);
	p->members[p->n++] = (struct pack_member){ xstrdup(name), offset, size };
	return 0;
}

/* Headers, each with its bytes behind it, then two blocks of zeros and nothing else but zeros. */
static int
read_members(struct pack *p, uint64_t *ret_at, struct err *err)
{
	char name[TAR_NAME_MAX + 1];
	uint64_t size;
	int r;

	for (*ret_at = 0; ; *ret_at += TAR_BLOCK + tar_padded(size)) {
		if (p->len - *ret_at < TAR_BLOCK)
			return err_set(err, ERR_SYNTAX, "it ends there, without tar's end: it was cut short");
		r = tar_header_read(p->bytes + *ret_at, name, &size, err);
		if (r <= 0)
			break;
		if (size > p->len || tar_padded(size) > p->len - *ret_at - TAR_BLOCK)
			return err_set(err, ERR_SYNTAX, "%s is longer than the file: it was cut short", name);
		r = add_member(p, name, *ret_at + TAR_BLOCK, size, err);
		if (r < 0)
			return r;
	}
	for (uint64_t i = *ret_at; r == 0 && i < p->len; i++)
		if (p->bytes[i] != '\0') {
			*ret_at = i;
			return err_set(err, ERR_SYNTAX, "bytes behind its end");
		}
	return r;
}

/* --- the manifest ------------------------------------------------------------------------------------------------------------------------- */

static const char *
text_of(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s != NULL ? s : "";
}

static int64_t
time_of(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	int64_t ns = 0;

	return s != NULL && clock_parse(s, &ns, NULL) == 0 ? clock_within(ns) : 0;
}

/* What it lists is there, in that size, and nothing else. */
static int
check_members(const struct pack *p, struct err *err)
{
	const json_t *list = json_object_get(p->manifest, "members");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const struct pack_member *m = find_member(p, json_string_value(json_object_get(one, "name")));
		const char *sha = text_of(one, "sha256");

		if (m == NULL || json_integer_value(json_object_get(one, "size")) != (json_int_t)m->size || strlen(sha) != RECORD_SHA_HEX)
			return err_set(err, ERR_SYNTAX, "entry %zu of its manifest names a member that is not there, or is not that long", i + 1);
		if (m != &p->members[i + 1])
			return err_set(err, ERR_SYNTAX, "%s is not where its manifest has it", m->name);
	}
	if (json_array_size(list) + 1 != p->n)
		return err_set(err, ERR_SYNTAX, "it has members that its manifest does not know");
	return 0;
}

static int
read_slices(struct pack *p, struct err *err)
{
	const json_t *list = json_object_get(p->manifest, "slices");

	p->n_slices = json_array_size(list);
	p->slices = xcalloc(p->n_slices, sizeof *p->slices);
	for (size_t i = 0; i < p->n_slices; i++) {
		const json_t *one = json_array_get(list, i);

		p->slices[i].member = find_member(p, json_string_value(json_object_get(one, "member")));
		p->slices[i].head = text_of(one, "head");
		if (p->slices[i].member == NULL || p->slices[i].member == p->members)
			return err_set(err, ERR_SYNTAX, "slice %zu of its manifest is not there", i + 1);
	}
	return 0;
}

static int
read_manifest(struct pack *p, struct err *err)
{
	json_int_t format;
	json_error_t e;

	if (p->n == 0 || strcmp(p->members[0].name, PACK_MANIFEST) != 0)
		return err_set(err, ERR_SYNTAX, "it does not begin with " PACK_MANIFEST);
	if (p->members[0].size > PACK_MANIFEST_MAX)
		return err_set(err, ERR_SYNTAX, "its manifest is longer than %d MiB", PACK_MANIFEST_MAX >> 20);
	p->manifest = json_loadb(p->bytes + p->members[0].offset, (size_t)p->members[0].size, JSON_REJECT_DUPLICATES, &e);
	if (!json_is_object(p->manifest) || strcmp(text_of(p->manifest, "opsconsole"), "packed") != 0)
		return err_set(err, ERR_SYNTAX, "its manifest is not one of opsconsole");
	format = json_integer_value(json_object_get(p->manifest, "format"));
	if (format < 1 || format > PACK_FORMAT)
		return err_set(err, ERR_INVALID, "it is of format %lld; this opsconsole reads formats up to %d: a newer one opens it", (long long)format,
		    PACK_FORMAT);
	p->info = (struct pack_info){ .incident = text_of(p->manifest, "incident"), .title = text_of(p->manifest, "title"),
		.env = text_of(p->manifest, "env"), .version = text_of(p->manifest, "version"), .from_ns = time_of(p->manifest, "from"),
		.to_ns = time_of(p->manifest, "to"), .packed_ns = time_of(p->manifest, "packed") };
	return 0;
}

static int
read_all(struct pack *p, const char *path, struct err *err)
{
	char shown[256];
	uint64_t at = 0;
	int r = read_members(p, &at, err);

	if (r == 0)
		r = read_manifest(p, err);
	if (r == 0)
		r = check_members(p, err);
	if (r == 0)
		r = read_slices(p, err);
	if (r < 0)
		err_prefix(err, "%s: not a packed file, or damaged, at byte %" PRIu64, str_escape_to(shown, sizeof shown, path), at);
	return r;
}

int
pack_open(const char *path, struct pack **ret, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	struct pack *p;
	char shown[256];
	struct stat st;

	str_escape_to(shown, sizeof shown, path);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = err_set_errno(err, fd < 0 && errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "%s", shown);
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < TAR_BLOCK) {
		close(fd);
		return err_set(err, ERR_SYNTAX, "%s: not a packed file", shown);
	}
	p = xcalloc(1, sizeof *p);
	p->len = (size_t)st.st_size;
	p->bytes = mmap(NULL, p->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p->bytes == MAP_FAILED) {
		p->bytes = NULL;
		r = err_set_errno(err, ERR_IO, errno, "%s", shown);
	}
	close(fd);
	if (r == 0)
		r = read_all(p, path, err);
	if (r < 0)
		pack_free(p);
	else
		*ret = p;
	return r;
}

/* --- what is in it -------------------------------------------------------------------------------------------------------------------------- */

int
pack_check(const struct pack *p, struct err *err)
{
	const json_t *list = json_object_get(p->manifest, "members");
	char hex[RECORD_SHA_HEX + 1];

	for (size_t i = 1; i < p->n; i++) {
		const struct pack_member *m = &p->members[i];

		digest_hex(p->bytes + m->offset, (size_t)m->size, hex);
		if (strcmp(hex, text_of(json_array_get(list, i - 1), "sha256")) != 0)
			return err_set(err, ERR_SYNTAX, "%s: its bytes are not those that were packed", m->name);
	}
	return 0;
}

size_t
pack_members(const struct pack *p, const struct pack_member **ret)
{
	*ret = p->members;
	return p->n;
}

const char *
pack_bytes(const struct pack *p, const char *name, size_t *ret_len)
{
	const struct pack_member *m = find_member(p, name);

	if (m == NULL)
		return NULL;
	*ret_len = (size_t)m->size;
	return p->bytes + m->offset;
}

void
pack_info(const struct pack *p, struct pack_info *ret)
{
	*ret = p->info;
}

size_t
pack_n_slices(const struct pack *p)
{
	return p->n_slices;
}

const char *
pack_slice(const struct pack *p, size_t i, size_t *ret_len, const char **ret_name, const char **ret_head)
{
	const struct pack_member *m;

	if (i >= p->n_slices)
		return NULL;
	m = p->slices[i].member;
	*ret_len = (size_t)m->size;
	*ret_name = m->name;
	*ret_head = p->slices[i].head;
	return p->bytes + m->offset;
}
