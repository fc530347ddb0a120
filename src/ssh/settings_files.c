/*
 * Which files ssh reads for its settings, and whether they have changed: the two that are always read, and what they include.
 *
 * Include lines are followed whatever Host or Match block they stand in: a file too many only costs a needless ssh -G.
 */
#include "config.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/settings_priv.h"

enum { DEPTH_MAX = 16, FILES_MAX = 512, FILE_MAX = 1024 * 1024 };

struct walk {
	struct settings_stamp *stamp;
	const char *base;		/* where relative names of Include begin */
	unsigned n_files, depth;
};

static void walk_file(struct walk *w, const char *path);

static void
hash_bytes(struct walk *w, const void *bytes, size_t len)
{
	w->stamp->hash = str_hash(bytes, len, w->stamp->hash);
}

/* --- one line --------------------------------------------------------------------------------- */

/* The next argument: blanks or one '=' before it, quotes taken off. Returns what follows; NULL: none. */
static const char *
next_word(const char *p, struct buf *word)
{
	char quote = 0;

	p += strspn(p, " \t\r");
	buf_reset(word);
	if (*p == '\0' || *p == '#')
		return NULL;
	for (; *p != '\0' && (quote != 0 || (*p != ' ' && *p != '\t' && *p != '\r')); p++) {
		if (quote != 0 ? *p == quote : *p == '"' || *p == '\'')
			quote = quote != 0 ? 0 : *p;
		else
			buf_addch(word, *p);
	}
	return p;
}

static void
include(struct walk *w, const char *pattern)
{
	char *full;
	glob_t found;

	/* ssh has learnt tokens and variables here after 9.2. */
	if (strpbrk(pattern, "%$") != NULL || (*pattern == '~' && pattern[1] != '/') || w->depth >= DEPTH_MAX) {
		w->stamp->is_volatile = true;
		return;
	}
	if (*pattern == '~')
		full = xasprintf("%s%s", settings_home(), pattern + 1);
	else if (*pattern == '/')
		full = xstrdup(pattern);
	else
		full = xasprintf("%s/%s", w->base, pattern);
	if (glob(full, 0, NULL, &found) == 0) {
		w->depth++;
		for (size_t i = 0; i < found.gl_pathc; i++)
			walk_file(w, found.gl_pathv[i]);
		w->depth--;
		globfree(&found);
	}
	/* What matches nothing yet may do so later: the walk is made anew each time, and the hash then differs. */
	free(full);
}

static void
walk_line(struct walk *w, const char *line)
{
	size_t n;
	struct buf word;
	bool is_match;

	line += strspn(line, " \t\r");
	n = strcspn(line, " \t\r=");
	is_match = n == 5 && strncasecmp(line, "match", n) == 0;
	if (!is_match && !(n == 7 && strncasecmp(line, "include", n) == 0))
		return;
	line += n;
	line += strspn(line, " \t");
	line += *line == '=';
	buf_init(&word, 8192);
	while ((line = next_word(line, &word)) != NULL) {
		if (!is_match)
			include(w, word.data);
		else if (str_contains(word.data, "exec") || str_contains(word.data, "localnetwork"))
			w->stamp->is_volatile = true;
	}
	buf_done(&word);
}

/* --- one file --------------------------------------------------------------------------------- */

static void
walk_text(struct walk *w, char *text)
{
	char *next;

	for (char *line = text; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		walk_line(w, line);
	}
}

static void
walk_open(struct walk *w, int fd, const struct stat *st)
{
	size_t size = (size_t)st->st_size, len = 0;
	char *text;
	ssize_t n;

	if (!S_ISREG(st->st_mode) || st->st_size > FILE_MAX) {
		/* /dev/null is one way to say that there is none. */
		w->stamp->is_volatile = w->stamp->is_volatile || !S_ISCHR(st->st_mode);
		return;
	}
	text = xmalloc(size + 1);
	while (len < size && (n = read(fd, text + len, size - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	walk_text(w, text);
	free(text);
}

static void
walk_file(struct walk *w, const char *path)
{
	struct stat st;
	int fd;

	hash_bytes(w, path, strlen(path) + 1);
	if (w->n_files++ >= FILES_MAX) {
		w->stamp->is_volatile = true;
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		hash_bytes(w, &st.st_dev, sizeof st.st_dev);
		hash_bytes(w, &st.st_ino, sizeof st.st_ino);
		hash_bytes(w, &st.st_size, sizeof st.st_size);
		hash_bytes(w, &st.st_mtim, sizeof st.st_mtim);
		walk_open(w, fd, &st);
	}
	close(fd);
}

void
settings_files_stamp(const char *config, struct settings_stamp *ret)
{
	char *dir = xasprintf("%s/.ssh", settings_home()), *path;
	struct walk w = { .stamp = ret, .base = dir };

	*ret = (struct settings_stamp){ .hash = STR_HASH_SEED };
	if (config != NULL)
		walk_file(&w, config);
	else {
		path = xasprintf("%s/config", dir);
		walk_file(&w, path);
		free(path);
		w.base = "/etc/ssh";
		walk_file(&w, "/etc/ssh/ssh_config");
	}
	free(dir);
}
