/* System calls that tests can make fail (audit_fault_set() in audit.h), or that end the process halfway. */
#ifndef OPS_AUDIT_FAULT_H
#define OPS_AUDIT_FAULT_H

#include <stddef.h>
#include <sys/types.h>

enum fault_place { FAULT_WRITE, FAULT_FSYNC, FAULT_HEAD, FAULT_ROTATE, FAULT_PLACES };

ssize_t fault_write(int fd, const void *bytes, size_t len);
int fault_fdatasync(int fd);
/* 0, or -1 with errno: what the test wants to happen here. May not return. */
int fault_at(enum fault_place place);

#endif
