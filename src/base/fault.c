#include "config.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static struct {
	atomic_uint left;	/* calls until it strikes; 0: never */
	atomic_int kind;
} faults[FAULT_PLACES];

void
fault_set(enum fault_place place, unsigned nth, enum fault_kind kind)
{
	atomic_store(&faults[place].kind, (int)kind);
	atomic_store(&faults[place].left, kind == FAULT_NONE ? 0 : nth);
}

static enum fault_kind
strikes(enum fault_place place)
{
	unsigned left = atomic_load(&faults[place].left);

	if (left == 0)
		return FAULT_NONE;
	atomic_store(&faults[place].left, left - 1);
	return left == 1 ? (enum fault_kind)atomic_load(&faults[place].kind) : FAULT_NONE;
}

static int
fail_with(enum fault_kind kind)
{
	if (kind == FAULT_KILL)
		raise(SIGKILL);
	errno = kind == FAULT_ENOSPC ? ENOSPC : EIO;
	return -1;
}

ssize_t
fault_write(enum fault_place place, int fd, const void *bytes, size_t len)
{
	enum fault_kind kind = strikes(place);

	if (kind == FAULT_NONE)
		return write(fd, bytes, len);
	if (kind == FAULT_SHORT)
		return write(fd, bytes, len / 2 > 0 ? len / 2 : len);
	/* A full disk and a death take the first half as well. */
	if (kind != FAULT_EIO && write(fd, bytes, len / 2) < 0)
		return -1;
	return fail_with(kind);
}

int
fault_fdatasync(enum fault_place place, int fd)
{
	enum fault_kind kind = strikes(place);

	return kind == FAULT_NONE ? fdatasync(fd) : fail_with(kind);
}

int
fault_openat(enum fault_place place, int dir_fd, const char *name, int flags, mode_t mode)
{
	enum fault_kind kind = strikes(place);

	return kind == FAULT_NONE ? openat(dir_fd, name, flags, mode) : fail_with(kind);
}

int
fault_at(enum fault_place place)
{
	enum fault_kind kind = strikes(place);

	return kind == FAULT_NONE ? 0 : fail_with(kind);
}
