/* Which recordings there are. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "record/folder.h"
#include "record/recording.h"

struct finding {
	const char *root, *env;		/* folders; env while its folder is gone through */
	size_t n;
	struct recording_found *v;
};

static int
look(int env_fd, const char *id, void *arg)
{
	struct finding *f = arg;
	struct recording_info info;
	struct recording *r;
	char *path;

	(void)env_fd;
	if (id[0] == '.')
		return 0;
	path = xasprintf("%s/%s/%s", f->root, f->env, id);
	if (recording_open(path, &r, NULL) < 0) {
		free(path);
		return 0;
	}
	recording_info(r, &info);
	f->v = xreallocarray(f->v, f->n + 1, sizeof *f->v);
	f->v[f->n++] = (struct recording_found){ .path = path, .id = xstrdup(id), .env = xstrdup(info.env[0] != '\0' ? info.env : f->env),
		.first_ns = info.first_ns, .last_ns = info.last_ns, .bytes = info.bytes, .is_pinned = info.is_pinned, .is_live = info.is_live };
	recording_free(r);
	return 0;
}

static int
look_in_env(int root_fd, const char *env, void *arg)
{
	struct finding *f = arg;
	int fd = openat(root_fd, env, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return 0;
	f->env = env;
	folder_each(fd, look, f);
	close(fd);
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct recording_found *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

int
recordings_find(const char *dir, const char *env, struct recording_found **ret, size_t *ret_n, struct err *err)
{
	char *root = folder_root(dir), *only = env == NULL ? NULL : folder_env(env);
	struct finding f = { .root = root };
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0 && errno != ENOENT)
		r = err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "recordings: %s", root);
	else if (fd >= 0 && only != NULL)
		look_in_env(fd, only, &f);
	else if (fd >= 0)
		folder_each(fd, look_in_env, &f);
	if (fd >= 0)
		close(fd);
	if (f.n > 1)
		qsort(f.v, f.n, sizeof *f.v, by_time);
	free(only);
	free(root);
	if (r < 0)
		return r;
	*ret = f.v;
	*ret_n = f.n;
	return 0;
}

void
recordings_free(struct recording_found *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].id);
		free(v[i].env);
	}
	free(v);
}
