#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "scene.h"

enum { FILE_MAX = 1 << 20 };

static char *
read_all(const char *path, struct err *err)
{
	FILE *f = fopen(path, "r");
	char chunk[4096], *text;
	struct buf b;
	size_t n;

	if (f == NULL) {
		err_set(err, ERR_IO, "%s cannot be read", path);
		return NULL;
	}
	buf_init(&b, FILE_MAX);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static char *
rest_of(const char *word)
{
	word += strspn(word, " \t");
	return xstrndup(word, strcspn(word, "\n"));
}

static char *
next_word(const char **at)
{
	const char *begin = *at + strspn(*at, " \t");
	size_t len = strcspn(begin, " \t\n");

	*at = begin + len;
	return xstrndup(begin, len);
}

static int
read_time(const char *word, int64_t *ret_ns, struct err *err)
{
	return clock_parse(word, ret_ns, err);
}

/* What word means; its argument stands at *at. */
static int
read_setting(struct scene *s, const char *word, const char **at, struct err *err)
{
	char *arg = NULL;
	int r = 0;

	if (strcmp(word, "ascii") == 0)
		s->is_ascii = true;
	else if (strcmp(word, "read-only") == 0)
		s->is_read_only = true;
	else if (strcmp(word, "unfocused") == 0)
		s->is_unfocused = true;
	else if (strcmp(word, "status") == 0)
		s->has_status = true;
	else
		arg = next_word(at);
	if (arg == NULL)
		return 0;
	if (strcmp(word, "size") == 0)
		r = sscanf(arg, "%dx%d", &s->w, &s->h) == 2 ? 0 : err_set(err, ERR_SYNTAX, "size: expected WxH");
	else if (strcmp(word, "clock") == 0)
		r = read_time(arg, &s->clock_ns, err);
	else if (strcmp(word, "past") == 0)
		r = read_time(arg, &s->past_ns, err);
	else if (strcmp(word, "span") == 0)
		r = duration_parse(arg, &s->span_ns, err);
	else if (strcmp(word, "panel") == 0 && s->panel == NULL)
		s->panel = xstrdup(arg);
	else if (strcmp(word, "arg") == 0 && s->arg == NULL)
		s->arg = xstrdup(arg);
	else if (strcmp(word, "replay") == 0 && s->replay == NULL)
		s->replay = xstrdup(arg);
	else if (strcmp(word, "metrics") == 0 && s->metrics == NULL)
		s->metrics = xstrdup(arg);
	else if (strcmp(word, "from") == 0 && s->from == NULL)
		s->from = xstrdup(arg);
	else if (strcmp(word, "feed") == 0 && s->n_feeds < SCENE_FEEDS_MAX)
		s->feeds[s->n_feeds++] = xstrdup(arg);
	else
		r = err_set(err, ERR_SYNTAX, "'%s' is no setting, or stands twice", word);
	free(arg);
	return r;
}

static int
read_line(struct scene *s, const char *line, struct err *err)
{
	int r = 0;

	while (r == 0) {
		char *word = next_word(&line);

		if (*word == '\0' || *word == '#') {
			free(word);
			return 0;
		}
		if (strcmp(word, "keys") == 0 || strcmp(word, "filter") == 0) {
			char **slot = *word == 'k' ? &s->keys : &s->filter;

			free(*slot);
			*slot = rest_of(line);
			free(word);
			return 0;
		}
		r = read_setting(s, word, &line, err);
		free(word);
	}
	return r;
}

static int
read_head(struct scene *s, struct err *err)
{
	for (const char *line = s->head; *line != '\0';) {
		int r = read_line(s, line, err);

		if (r < 0)
			return r;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	if (s->w <= 0 || s->h <= 0 || s->clock_ns == 0 || s->panel == NULL)
		return err_set(err, ERR_INVALID, "a scene needs size, clock and panel");
	return 0;
}

int
scene_load(const char *path, struct scene *ret_scene, struct err *err)
{
	struct scene s = { .span_ns = NS_PER_HOUR };
	char *text = read_all(path, err), *dashes;
	int r;

	if (text == NULL)
		return ERR_IO;
	dashes = strstr(text, "\n--\n");
	if (dashes == NULL) {
		free(text);
		return err_set(err, ERR_SYNTAX, "%s: no line \"--\" between setting and screen", path);
	}
	s.head = xstrndup(text, (size_t)(dashes - text) + 1);
	s.expected = xstrdup(dashes + 4);
	free(text);
	r = read_head(&s, err);
	if (r < 0) {
		err_prefix(err, "%s", path);
		scene_done(&s);
		return r;
	}
	*ret_scene = s;
	return 0;
}

void
scene_done(struct scene *s)
{
	free(s->head);
	free(s->expected);
	free(s->panel);
	free(s->arg);
	free(s->keys);
	free(s->filter);
	free(s->replay);
	free(s->from);
	free(s->metrics);
	for (int i = 0; i < s->n_feeds; i++)
		free(s->feeds[i]);
}
