/*
 * Plays every scene of this folder (or those named) and compares. GENERATE=1 writes what is seen into the files instead: look at
 * the difference before committing it.
 */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "scene.h"

enum { OUT_MAX = 1 << 20 };

static int
generate(const char *path, const struct scene *s, const struct buf *seen)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		printf("FAIL %s: %s\n", path, strerror(errno));
		return 1;
	}
	fprintf(f, "%s--\n%s", s->head, seen->data);
	return fclose(f) == 0 ? 0 : 1;
}

/* The first line that differs says most; both screens are there for the rest. */
static void
show_difference(const char *path, const char *expected, const char *seen)
{
	const char *e = expected, *s = seen;
	int line = 1;

	while (*e != '\0' && *e == *s) {
		line += *e == '\n';
		e++;
		s++;
	}
	printf("FAIL %s: line %d of the screen differs\n--- expected\n%s+++ seen\n%s", path, line, expected, seen);
}

static int
run(const char *path, const char *feeds_dir)
{
	struct err err = ERR_INIT;
	struct scene s;
	struct buf seen;
	int failed = 0;

	if (scene_load(path, &s, &err) < 0) {
		printf("FAIL %s\n", err.msg);
		return 1;
	}
	buf_init(&seen, OUT_MAX);
	if (scene_play(&s, feeds_dir, &seen, &err) < 0) {
		printf("FAIL %s: %s\n", path, err.msg);
		failed = 1;
	} else if (strcmp(seen.data, s.expected) == 0) {
		printf("ok   %s\n", path);
	} else if (getenv("GENERATE") != NULL) {
		printf("new  %s\n", path);
		failed = generate(path, &s, &seen);
	} else {
		show_difference(path, s.expected, seen.data);
		failed = 1;
	}
	buf_done(&seen);
	scene_done(&s);
	return failed;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	char *feeds = xasprintf("%s/tests/scenes/feeds", srcdir), *pattern = xasprintf("%s/tests/scenes/*.scene", srcdir);
	glob_t found = { 0 };
	int failed = 0, n = 0;

	if (argc > 1) {
		for (int i = 1; i < argc; i++, n++)
			failed += run(argv[i], feeds);
	} else if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++, n++)
			failed += run(found.gl_pathv[i], feeds);
	}
	printf("%d scenes, %d failed\n", n, failed);
	globfree(&found);
	free(feeds);
	free(pattern);
	return failed > 0 || n == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
