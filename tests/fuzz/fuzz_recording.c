/*
 * Any bytes as a chunk: opened, sought in, stepped through, told of. First byte: 'x' the rest is the text of a chunk, which is packed here
 * (so that what lies behind zstd is met), else the rest is the file.
 */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "base/clock.h"
#include "record/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD "{\"opsconsole\":\"recording\",\"format\":1,\"recording\":\"x\",\"env\":\"test\",\"user\":\"u\",\"host\":\"h\",\"version\":\"1\",\"number\":1," \
	"\"from\":\"2030-01-01T00:00:00Z\",\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"after\":\"start\"}\n"

static void
put(int fd, const void *bytes, size_t len)
{
	if (write(fd, bytes, len) != (ssize_t)len)
		abort();
}

static void
put_packed(int fd, const uint8_t *text, size_t len)
{
	static ZSTD_CCtx *z;
	size_t bound = ZSTD_compressBound(len), n;
	char *out = malloc(bound);

	if (z == NULL)
		z = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(z, out, bound, text, len);
	if (out == NULL || ZSTD_isError(n))
		abort();
	put(fd, HEAD, strlen(HEAD));
	put(fd, out, n);
	free(out);
}

/* What is shown has a time inside of what the recording says it knows, and steps come to an end. */
static void
play(struct recording *r)
{
	struct recording_info info;
	const struct timeline_entry *entries;
	struct player *p = player_new(r);
	const char *why = NULL;
	int64_t t, before;
	int steps = 0;

	recording_info(r, &info);
	if (info.last_ns < info.first_ns)
		abort();
	for (t = info.first_ns; t != INT64_MAX && steps < 64; t = player_next(p, before), steps++) {
		const struct model *m = player_seek(p, t, &why);

		if (m != NULL ? model_now(m) != t : why == NULL)
			abort();
		before = t;
		if (player_next(p, t) <= t)
			abort();
	}
	player_seek(p, info.last_ns, &why);
	player_seek(p, info.first_ns + (info.last_ns - info.first_ns) / 2, &why);
	player_timeline(p, &entries);
	recording_refresh(r);
	player_seek(p, info.first_ns, &why);
	player_free(p);
	recording_info(r, &info);
	for (size_t i = 0; i < info.problems.n; i++)
		if (info.problems.v[i][0] == '\0')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("chunk.rec", MFD_CLOEXEC);
	struct recording *r;
	struct err err = ERR_INIT;
	char path[64];

	if (fd < 0)
		abort();
	clock_freeze(INT64_C(1893456000000000000));
	if (size > 0 && data[0] == 'x')
		put_packed(fd, data + 1, size - 1);
	else
		put(fd, data, size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (recording_open(path, &r, &err) == 0) {
		play(r);
		recording_free(r);
	} else if (err.msg[0] == '\0') {
		abort();
	}
	close(fd);
	return 0;
}
