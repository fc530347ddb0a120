/* System calls of the recorder that tests can make fail, or that end the process halfway. */
#ifndef OPS_RECORD_FAULT_H
#define OPS_RECORD_FAULT_H

#include <stddef.h>
#include <sys/types.h>

enum record_fault {
	RECORD_FAULT_NONE,
	RECORD_FAULT_EIO,
	RECORD_FAULT_ENOSPC,	/* half of it is written */
	RECORD_FAULT_SHORT,	/* half of it is written, and said so */
	RECORD_FAULT_KILL	/* half of it is written, then SIGKILL */
};
enum record_place { RECORD_WRITE, RECORD_FSYNC, RECORD_OPEN, RECORD_PLACES };

/* The nth call from now on (1: the next one), once; NONE: never. From any thread. */
void record_fault_set(enum record_place place, unsigned nth, enum record_fault fault);

ssize_t record_write(int fd, const void *bytes, size_t len);
int record_fdatasync(int fd);
int record_openat(int dir_fd, const char *name, int flags, mode_t mode);

#endif
