#include "config.h"

#include "base/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "base/xalloc.h"

static int
failed(int e, const char *path, struct err *err)
{
	char shown[256];

	return err_set_errno(err, e == EACCES || e == EPERM || e == EROFS ? ERR_DENIED : ERR_IO, e, "%s could not be written",
	    str_escape_to(shown, sizeof shown, path));
}

static void
done(struct save *s)
{
	free(s->path);
	free(s->beside);
	*s = (struct save){ .fd = -1 };
}

static int
begin(struct save *s, const char *path, unsigned flags, struct err *err)
{
	int r = 0;

	*s = (struct save){ .path = xstrdup(path), .flags = flags };
	s->beside = xasprintf("%s.%s", path, flags & SAVE_ALONE ? "new" : "XXXXXX");
	if (flags & SAVE_ALONE)
		s->fd = open(s->beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	else
		s->fd = mkostemp(s->beside, O_CLOEXEC);
	if (s->fd < 0) {
		r = failed(errno, path, err);
		done(s);
	}
	return r;
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = fault_write(FAULT_SAVE_WRITE, fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -1;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
keep_mode(const struct save *s)
{
	struct stat st;

	if ((s->flags & SAVE_KEEP_MODE) == 0 || stat(s->path, &st) < 0)
		return 0;
	return fchmod(s->fd, st.st_mode & 0777);
}

/* For a new one link() and not rename(): what came to be there meanwhile stays. */
static int
put_in_place(const struct save *s)
{
	if (fault_at(FAULT_SAVE_RENAME) < 0)
		return -1;
	if ((s->flags & SAVE_NEW) == 0)
		return rename(s->beside, s->path);
	if (link(s->beside, s->path) == 0) {
		unlink(s->beside);
		return 0;
	}
	if ((errno == EPERM || errno == ENOTSUP || errno == ENOSYS) && access(s->path, F_OK) < 0)
		return rename(s->beside, s->path);	/* a file system without links */
	return -1;
}

static void
close_all(struct save *s)
{
	if (s->f != NULL)
		fclose(s->f);
	else
		close(s->fd);
}

/* r: 0, or -1 with errno: what became of the writing. */
static int
end(struct save *s, int r, struct err *err)
{
	int e;

	if (r == 0)
		r = keep_mode(s) < 0 || fault_at(FAULT_SAVE_FSYNC) < 0 || fsync(s->fd) < 0 ? -1 : 0;
	e = errno;
	close_all(s);
	if (r == 0 && (r = put_in_place(s)) < 0)
		e = errno;
	if (r < 0) {
		unlink(s->beside);
		r = failed(e, s->path, err);
	}
	done(s);
	return r;
}

int
save_bytes(const char *path, const void *bytes, size_t len, unsigned flags, struct err *err)
{
	struct save s;
	int r = begin(&s, path, flags, err);

	return r < 0 ? r : end(&s, write_all(s.fd, bytes, len), err);
}

int
save_begin(struct save *s, const char *path, unsigned flags, struct err *err)
{
	int r = begin(s, path, flags, err);

	if (r < 0)
		return r;
	s->f = fdopen(s->fd, "w");
	return s->f != NULL ? 0 : end(s, -1, err);
}

int
save_end(struct save *s, struct err *err)
{
	int r = fflush(s->f);

	/* An earlier write that failed has left no reason. */
	if (r == 0 && ferror(s->f)) {
		errno = EIO;
		r = -1;
	}
	return end(s, r, err);
}

void
save_drop(struct save *s)
{
	close_all(s);
	unlink(s->beside);
	done(s);
}
