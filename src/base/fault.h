/* System calls that tests can make fail, or that end the process halfway. Each place counts its own calls. From any thread. */
#ifndef OPS_BASE_FAULT_H
#define OPS_BASE_FAULT_H

#include <stddef.h>
#include <sys/types.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_EIO,
	FAULT_ENOSPC,	/* half of it is written */
	FAULT_SHORT,	/* half of it is written, and said so */
	FAULT_KILL	/* half of it is written, then SIGKILL */
};
enum fault_place {
	FAULT_AUDIT_WRITE,
	FAULT_AUDIT_FSYNC,
	FAULT_AUDIT_ROTATE,
	FAULT_RECORD_WRITE,
	FAULT_RECORD_FSYNC,
	FAULT_RECORD_OPEN,
	FAULT_SAVE_WRITE,
	FAULT_SAVE_FSYNC,
	FAULT_SAVE_RENAME,
	FAULT_PLACES
};

/* The nth call from now on (1: the next one), once; NONE: never. */
void fault_set(enum fault_place place, unsigned nth, enum fault_kind kind);

ssize_t fault_write(enum fault_place place, int fd, const void *bytes, size_t len);
int fault_fdatasync(enum fault_place place, int fd);
int fault_openat(enum fault_place place, int dir_fd, const char *name, int flags, mode_t mode);
/* 0, or -1 with errno: what the test wants to happen here. May not return. */
int fault_at(enum fault_place place);

#endif
