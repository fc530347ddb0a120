#include "config.h"

#include "audit/fault.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"

static struct {
	atomic_uint left;	/* calls until it strikes; 0: never */
	atomic_int fault;
} faults[FAULT_PLACES];

void
audit_fault_set(const char *where, unsigned nth, enum audit_fault fault)
{
	static const char *const names[FAULT_PLACES] = { "write", "fsync", "head", "rotate" };

	for (size_t i = 0; i < FAULT_PLACES; i++)
		if (strcmp(where, names[i]) == 0) {
			atomic_store(&faults[i].fault, (int)fault);
			atomic_store(&faults[i].left, nth);
			return;
		}
	assert(!"audit_fault_set: write, fsync, head, rotate");
}

static enum audit_fault
strikes(enum fault_place place)
{
	unsigned left = atomic_load(&faults[place].left);

	if (left == 0)
		return AUDIT_FAULT_NONE;
	atomic_store(&faults[place].left, left - 1);
	return left == 1 ? (enum audit_fault)atomic_load(&faults[place].fault) : AUDIT_FAULT_NONE;
}

static int
fail_with(enum audit_fault fault)
{
	if (fault == AUDIT_FAULT_KILL)
		raise(SIGKILL);
	errno = fault == AUDIT_FAULT_ENOSPC ? ENOSPC : EIO;
	return -1;
}

ssize_t
fault_write(int fd, const void *bytes, size_t len)
{
	enum audit_fault fault = strikes(FAULT_WRITE);

	if (fault == AUDIT_FAULT_NONE)
		return write(fd, bytes, len);
	if (fault == AUDIT_FAULT_SHORT)
		return write(fd, bytes, len / 2 > 0 ? len / 2 : len);
	/* A full disk and a death take the first half as well. */
	if (fault != AUDIT_FAULT_EIO && write(fd, bytes, len / 2) < 0)
		return -1;
	return fail_with(fault);
}

int
fault_fdatasync(int fd)
{
	enum audit_fault fault = strikes(FAULT_FSYNC);

	return fault == AUDIT_FAULT_NONE ? fdatasync(fd) : fail_with(fault);
}

int
fault_at(enum fault_place place)
{
	enum audit_fault fault = strikes(place);

	return fault == AUDIT_FAULT_NONE ? 0 : fail_with(fault);
}
