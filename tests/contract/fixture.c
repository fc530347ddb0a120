#include "config.h"

#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

const char *
source_path(const char *below)
{
	static char path[4096];

	snprintf(path, sizeof path, "%s/%s", SOURCE_DIR, below);
	return path;
}

static char *
stream_read(FILE *fp, size_t *ret_len)
{
	size_t cap = 65536, len = 0, n;
	char *data = xmalloc(cap + 1);

	while ((n = fread(data + len, 1, cap - len, fp)) > 0) {
		len += n;
		if (len == cap) {
			cap *= 2;
			data = xreallocarray(data, cap + 1, 1);
		}
	}
	data[len] = '\0';
	*ret_len = len;
	return data;
}

char *
file_read(const char *path, size_t *ret_len)
{
	FILE *fp = fopen(path, "rb");
	char *data;

	if (fp == NULL)
		return NULL;
	data = stream_read(fp, ret_len);
	fclose(fp);
	return data;
}

static void __attribute__((noreturn))
cannot(const char *what, const char *path)
{
	fprintf(stderr, "cannot %s %s\n", what, path);
	exit(1);
}

/* Undoing the compression is libcurl's part in the program; gzip is on every system that builds it. */
static char *
gzip_read(const char *path, size_t *ret_len)
{
	char *cmd = xasprintf("gzip -dc '%s'", path), *data;
	FILE *fp = popen(cmd, "r");

	free(cmd);
	if (fp == NULL)
		cannot("decompress", path);
	data = stream_read(fp, ret_len);
	if (pclose(fp) != 0)
		cannot("decompress", path);
	return data;
}

static void
read_body(struct fixture *f, const char *file)
{
	char *below = xasprintf("tests/fixtures/%s/%s", f->folder, file);
	const char *path = source_path(below), *dot = strrchr(file, '.');

	f->body = dot != NULL && strcmp(dot, ".gz") == 0 ? gzip_read(path, &f->len) : file_read(path, &f->len);
	if (f->body == NULL)
		cannot("read", path);
	free(below);
}

static void
take_line(struct fixture *f, char *line)
{
	char *value = strstr(line, ": ");
	char **dst = NULL;

	if (value == NULL)
		return;
	*value = '\0';
	value += 2;
	if (strcmp(line, "method") == 0)
		dst = &f->method;
	else if (strcmp(line, "path") == 0)
		dst = &f->path;
	else if (strcmp(line, "content-type") == 0)
		dst = &f->content_type;
	else if (strcmp(line, "request-body") == 0)
		dst = &f->request_body;
	else if (strcmp(line, "status") == 0)
		f->status = strtol(value, NULL, 10);
	else if (strcmp(line, "body") == 0) {
		value[strcspn(value, " ")] = '\0';	/* a remark behind the name */
		read_body(f, value);
	}
	if (dst != NULL) {
		free(*dst);
		*dst = xstrdup(value);
	}
}

struct fixture *
fixture_read(const char *folder, const char *name)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	char *below = xasprintf("tests/fixtures/%s/%s.http", folder, name), *text, *line, *rest;
	size_t len;

	f->folder = xstrdup(folder);
	f->name = xstrdup(name);
	f->content_type = xstrdup("");
	f->request_body = xstrdup("");
	text = file_read(source_path(below), &len);
	if (text == NULL)
		cannot("read", below);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
		take_line(f, line);
	if (f->method == NULL || f->path == NULL || f->body == NULL)
		cannot("find method, path and body in", below);
	free(text);
	free(below);
	return f;
}

void
fixture_free(struct fixture *f)
{
	if (f == NULL)
		return;
	free(f->folder);
	free(f->name);
	free(f->method);
	free(f->path);
	free(f->content_type);
	free(f->request_body);
	free(f->body);
	free(f);
}

static int
is_http(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot != NULL && strcmp(dot, ".http") == 0;
}

/* By bytes, whatever the locale. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

char **
fixture_names(const char *folder, size_t *ret_n)
{
	char *below = xasprintf("tests/fixtures/%s", folder), **names;
	struct dirent **entries;
	int i, n = scandir(source_path(below), &entries, is_http, by_name);

	if (n <= 0)
		cannot("find fixtures in", source_path(below));
	names = xcalloc((size_t)n, sizeof *names);
	for (i = 0; i < n; i++) {
		names[i] = xstrndup(entries[i]->d_name, strlen(entries[i]->d_name) - strlen(".http"));
		free(entries[i]);
	}
	free(entries);
	free(below);
	*ret_n = (size_t)n;
	return names;
}

void
fixture_names_free(char **names, size_t n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}
