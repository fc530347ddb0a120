#include "config.h"

#include "record/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static struct {
	atomic_uint left;	/* calls until it strikes; 0: never */
	atomic_int fault;
} faults[RECORD_PLACES];

void
record_fault_set(enum record_place place, unsigned nth, enum record_fault fault)
{
	atomic_store(&faults[place].fault, (int)fault);
	atomic_store(&faults[place].left, fault == RECORD_FAULT_NONE ? 0 : nth);
}

static enum record_fault
strikes(enum record_place place)
{
	unsigned left = atomic_load(&faults[place].left);

	if (left == 0)
		return RECORD_FAULT_NONE;
	atomic_store(&faults[place].left, left - 1);
	return left == 1 ? (enum record_fault)atomic_load(&faults[place].fault) : RECORD_FAULT_NONE;
}

static int
fail_with(enum record_fault fault)
{
	if (fault == RECORD_FAULT_KILL)
		raise(SIGKILL);
	errno = fault == RECORD_FAULT_ENOSPC ? ENOSPC : EIO;
	return -1;
}

ssize_t
record_write(int fd, const void *bytes, size_t len)
{
	enum record_fault fault = strikes(RECORD_WRITE);

	if (fault == RECORD_FAULT_NONE)
		return write(fd, bytes, len);
	if (fault == RECORD_FAULT_SHORT)
		return write(fd, bytes, len / 2 > 0 ? len / 2 : len);
	if (fault != RECORD_FAULT_EIO && write(fd, bytes, len / 2) < 0)
		return -1;
	return fail_with(fault);
}

int
record_fdatasync(int fd)
{
	enum record_fault fault = strikes(RECORD_FSYNC);

	return fault == RECORD_FAULT_NONE ? fdatasync(fd) : fail_with(fault);
}

int
record_openat(int dir_fd, const char *name, int flags, mode_t mode)
{
	enum record_fault fault = strikes(RECORD_OPEN);

	return fault == RECORD_FAULT_NONE ? openat(dir_fd, name, flags, mode) : fail_with(fault);
}
