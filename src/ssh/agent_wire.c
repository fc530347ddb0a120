#include "config.h"

#include "ssh/agent_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { FAILURE = 5, REQUEST_IDENTITIES = 11, IDENTITIES_ANSWER = 12, SIGN_REQUEST = 13, SIGN_RESPONSE = 14, EXTENSION_FAILURE = 28 };

bool
wire_u32(struct wire *w, uint32_t *ret)
{
	if (w->len < 4)
		return false;
	*ret = (uint32_t)w->s[0] << 24 | (uint32_t)w->s[1] << 16 | (uint32_t)w->s[2] << 8 | w->s[3];
	w->s += 4;
	w->len -= 4;
	return true;
}

bool
wire_string(struct wire *w, struct wire_bytes *ret)
{
	uint32_t n;

	if (!wire_u32(w, &n) || n > w->len)
		return false;
	*ret = (struct wire_bytes){ w->s, n };
	w->s += n;
	w->len -= n;
	return true;
}

void
wire_put_u32(struct buf *b, uint32_t v)
{
	const unsigned char bytes[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v };

	buf_add(b, bytes, sizeof bytes);
}

void
wire_put_string(struct buf *b, const void *s, size_t len)
{
	wire_put_u32(b, (uint32_t)len);
	buf_add(b, s, len);
}

bool
wire_key_type(const unsigned char *blob, size_t len, char *type, size_t size)
{
	struct wire w = { blob, len };
	struct wire_bytes name;

	if (!wire_string(&w, &name) || name.len == 0 || name.len >= size)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.s[i] <= ' ' || name.s[i] > '~' || name.s[i] == ',')
			return false;
	memcpy(type, name.s, name.len);
	type[name.len] = '\0';
	return true;
}

/* --- requests --------------------------------------------------------------------------------- */

int
wire_list_request(struct buf *b)
{
	wire_put_u32(b, 1);
	return buf_addch(b, REQUEST_IDENTITIES);
}

int
wire_sign_request(struct buf *b, const struct agent_key *key, const void *data, size_t len, unsigned flags)
{
	if (key->len > WIRE_MESSAGE_MAX || len > WIRE_MESSAGE_MAX || key->len + len + 13 > WIRE_MESSAGE_MAX)
		return ERR_LIMIT;
	wire_put_u32(b, (uint32_t)(1 + 4 + key->len + 4 + len + 4));
	buf_addch(b, SIGN_REQUEST);
	wire_put_string(b, key->blob, key->len);
	wire_put_string(b, data, len);
	wire_put_u32(b, flags);
	return b->is_over ? ERR_LIMIT : 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int
check_type(struct wire *w, unsigned char wanted, const char *what, struct err *err)
{
	unsigned char type;

	if (w->len == 0)
		return err_set(err, ERR_SYNTAX, "the agent's answer is empty");
	type = *w->s;
	w->s++;
	w->len--;
	if (type == FAILURE || type == EXTENSION_FAILURE)
		return err_set(err, ERR_REFUSED, "the agent refused to %s", what);
	if (type != wanted)
		return err_set(err, ERR_SYNTAX, "the agent answered with message %u where %u was expected", type, wanted);
	return 0;
}

static bool
read_key(const struct wire_bytes *blob, const struct wire_bytes *comment, struct agent_key *k)
{
	char *raw;
	struct buf b;

	*k = (struct agent_key){ .comment = NULL };
	if (!wire_key_type(blob->s, blob->len, k->type, sizeof k->type))
		return false;
	k->blob = xmalloc(blob->len);
	memcpy(k->blob, blob->s, blob->len);
	k->len = blob->len;
	raw = xstrndup((const char *)comment->s, comment->len < 256 ? comment->len : 256);
	buf_init(&b, 4096);
	str_escape(&b, raw, strlen(raw));
	free(raw);
	k->comment = buf_take(&b, NULL);
	buf_done(&b);
	return true;
}

int
wire_list_answer(const unsigned char *s, size_t len, struct agent_key **ret_keys, size_t *ret_n, struct err *err)
{
	struct wire w = { s, len };
	struct wire_bytes blob, comment;
	struct agent_key *keys;
	uint32_t count;
	size_t n = 0;
	int r = check_type(&w, IDENTITIES_ANSWER, "list its keys", err);

	if (r < 0)
		return r;
	/* Each takes eight bytes at least: a count that promises more lies. */
	if (!wire_u32(&w, &count) || count > w.len / 8 || count > WIRE_KEYS_MAX)
		return err_set(err, ERR_SYNTAX, "the agent's list of keys cannot be read");
	keys = xcalloc(count > 0 ? count : 1, sizeof *keys);
	for (uint32_t i = 0; i < count; i++) {
		if (!wire_string(&w, &blob) || !wire_string(&w, &comment)) {
			agent_keys_free(keys, n);
			return err_set(err, ERR_SYNTAX, "the agent's list of keys is cut off");
		}
		n += read_key(&blob, &comment, &keys[n]);
	}
	*ret_keys = keys;
	*ret_n = n;
	return 0;
}

int
wire_sign_answer(const unsigned char *s, size_t len, struct wire_bytes *ret_signature, struct err *err)
{
	struct wire w = { s, len }, inner;
	struct wire_bytes signature, part;
	int r = check_type(&w, SIGN_RESPONSE, "sign (was it asked to confirm?)", err);

	if (r < 0)
		return r;
	if (!wire_string(&w, &signature))
		return err_set(err, ERR_SYNTAX, "the agent's signature is cut off");
	inner = (struct wire){ signature.s, signature.len };
	if (!wire_string(&inner, &part) || part.len == 0 || !wire_string(&inner, &part) || part.len == 0)
		return err_set(err, ERR_SYNTAX, "the agent's signature cannot be read");
	*ret_signature = signature;
	return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

void
agent_key_copy(struct agent_key *to, const struct agent_key *from)
{
	*to = *from;
	to->comment = xstrdup_or_null(from->comment);
	to->path = xstrdup_or_null(from->path);
	to->blob = xmalloc(from->len > 0 ? from->len : 1);
	if (from->len > 0)
		memcpy(to->blob, from->blob, from->len);
}

void
agent_key_done(struct agent_key *k)
{
	free(k->comment);
	free(k->path);
	free(k->blob);
	*k = (struct agent_key){ .comment = NULL };
}

void
agent_keys_free(struct agent_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		agent_key_done(&keys[i]);
	free(keys);
}
