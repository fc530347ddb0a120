#include "config.h"

#include "source/unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/http.h"

enum { GZIP_OR_ZLIB = 32 };	/* added to the window's bits: zlib looks at the header itself */

struct unpack {
	bool is_packed;
	bool is_begun, is_at_end;	/* of a gzip member */
	size_t bytes, max;
	z_stream z;
	char *buffer;
};

struct unpack *
unpack_new(const char *encoding, size_t max, struct err *err)
{
	bool is_packed = strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0 || strcasecmp(encoding, "deflate") == 0;
	struct unpack *u;
	char shown[64];

	if (!is_packed && *encoding != '\0' && strcasecmp(encoding, "identity") != 0) {
		err_set(err, ERR_UNSUPPORTED, "the answer is encoded as '%s', which was not asked for: is a proxy in between?",
		    str_escape_to(shown, sizeof shown, encoding));
		return NULL;
	}
	u = xcalloc(1, sizeof *u);
	u->is_packed = is_packed;
	u->max = max;
	if (is_packed && inflateInit2(&u->z, MAX_WBITS + GZIP_OR_ZLIB) != Z_OK) {
		err_set(err, ERR_NOMEM, "no memory to unpack the answer");
		free(u);
		return NULL;
	}
	if (is_packed)
		u->buffer = xmalloc(UNPACK_BUFFER);
	return u;
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->is_packed)
		inflateEnd(&u->z);
	free(u->buffer);
	free(u);
}

static int
put_out(struct unpack *u, const char *bytes, size_t len, unpack_out_cb *out, void *arg, struct err *err)
{
	char limit[HTTP_SIZE_MAX];

	if (len > u->max - u->bytes)
		return err_set(err, ERR_LIMIT, "answer larger than %s (body_max)", http_size_text(limit, u->max));
	u->bytes += len;
	return len > 0 ? out(arg, bytes, len, err) : 0;
}

int
unpack_push(struct unpack *u, const char *bytes, size_t len, unpack_out_cb *out, void *arg, struct err *err)
{
	int r = 0, z;

	if (!u->is_packed)
		return put_out(u, bytes, len, out, arg, err);
	u->z.next_in = (Bytef *)(uintptr_t)bytes;
	u->z.avail_in = (uInt)len;
	while (r == 0 && (u->z.avail_in > 0 || u->z.avail_out == 0)) {
		if (u->is_at_end && u->z.avail_in == 0)
			break;
		if (u->is_at_end)
			inflateReset(&u->z);	/* members may follow one another (RFC 1952, section 2.2) */
		u->is_begun = true;
		u->z.next_out = (Bytef *)u->buffer;
		u->z.avail_out = UNPACK_BUFFER;
		z = inflate(&u->z, Z_NO_FLUSH);
		u->is_at_end = z == Z_STREAM_END;
		if (z == Z_BUF_ERROR)
			break;		/* it waits for more */
		if (z != Z_OK && z != Z_STREAM_END)
			return err_set(err, ERR_SYNTAX, "the answer is packed and cannot be unpacked (%s): is a proxy in between?",
			    u->z.msg != NULL ? u->z.msg : "broken");
		r = put_out(u, u->buffer, UNPACK_BUFFER - u->z.avail_out, out, arg, err);
	}
	return r;
}

int
unpack_finish(const struct unpack *u, struct err *err)
{
	if (u->is_packed && u->is_begun && !u->is_at_end)
		return err_set(err, ERR_SYNTAX, "the answer is packed and ended early: half an answer is not used");
	return 0;
}

size_t
unpack_bytes(const struct unpack *u)
{
	return u->bytes;
}
