/*
 * main() for a fuzz target without a fuzzer: give it each file of its corpus once.
 *
 * usage: fuzz_NAME [FILE|DIR...]   (default: $srcdir/tests/fuzz/corpus/NAME)
 *
 * A target reports what it finds by abort(). No input at all is a failure too, or a lost corpus
 * would pass for a sound parser.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static int
complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return -1;
}

static int
replay_file(const char *path, size_t size)
{
	/* At least one byte, and of exactly that size: the sanitizer then sees a read beyond the
	 * end. */
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *f = fopen(path, "rb");
	int r = 0;

	if (data == NULL || f == NULL || fread(data, 1, size, f) != size)
		r = complain(path);
	else {
		LLVMFuzzerTestOneInput(data, size);
		replayed++;
	}
	if (f != NULL)
		fclose(f);
	free(data);
	return r;
}

static int
replay(const char *path)
{
	struct dirent **names;
	struct stat st;
	char *inner;
	int i, n, r = 0;

	if (stat(path, &st) < 0)
		return complain(path);
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, (size_t)st.st_size);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return complain(path);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			if (asprintf(&inner, "%s/%s", path, names[i]->d_name) < 0)
				abort();
			r |= replay(inner);
			free(inner);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

static int
replay_default(const char *program)
{
	const char *srcdir = getenv("srcdir"), *base = strrchr(program, '/'), *name;
	char *path;
	int r;

	name = base != NULL ? base + 1 : program;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	if (asprintf(&path, "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", name) < 0)
		abort();
	r = replay(path);
	free(path);
	return r;
}

int
main(int argc, char **argv)
{
	int i, r = 0;

	if (argc == 1)
		r = replay_default(argv[0]);
	for (i = 1; i < argc; i++)
		r |= replay(argv[i]);
	if (replayed == 0)
		fprintf(stderr, "%s: nothing to replay\n", argv[0]);
	else
		printf("%u inputs replayed\n", replayed);
	return r == 0 && replayed > 0 ? 0 : 1;
}
