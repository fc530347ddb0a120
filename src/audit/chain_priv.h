/* Shared by chain*.c. */
#ifndef OPS_AUDIT_CHAIN_PRIV_H
#define OPS_AUDIT_CHAIN_PRIV_H

#include <sys/types.h>

#include "audit/chain.h"

enum { CHAIN_RESERVE = 1 << 20, CHAIN_GROUP_MAX = 4 << 20 };

struct chain {
	char *dir, *head_path;
	const struct chain_who *who;
	int64_t rotate_bytes;
	int dir_fd, lock_fd, fd;	/* fd: the newest file; -1 none yet */
	unsigned number;		/* of it, from 1; 0: none yet */
	char path[512];
	int64_t size;			/* of the newest file, up to the last record that we know */
	int64_t reserved;		/* preallocated up to here */
	bool is_short;			/* the disk had no room for the reserve */
	struct audit_head end;		/* last record on disk that we know */
	struct audit_head next;		/* last record of the group */
	struct buf group;
	bool is_locked;
};

/* chain_file.c */
int chain_dir_open(const char *dir, bool is_made, int *ret_fd, struct err *err);
int chain_lock(struct chain *c, struct err *err);
void chain_unlock(struct chain *c);
unsigned chain_newest(int dir_fd);	/* number of the newest file; 0 none */
void chain_file_name(char *buf, size_t size, unsigned number);
int chain_file_open(struct chain *c, unsigned number, struct err *err);
int chain_file_new(struct chain *c, struct err *err);
void chain_reserve(struct chain *c);
int chain_fsync_dir(struct chain *c, struct err *err);

/* chain_end.c: brings end, number and size up to date. ret_torn: bytes behind the last LF of the newest file. */
int chain_find_end(struct chain *c, int64_t *ret_torn, struct err *err);
/* The last record of a file that is torn_from bytes long. ret seq 0: the file is empty. */
int chain_last_record(int fd, const char *path, int64_t size, struct audit_head *ret, struct err *err);
int chain_torn_from(int fd, const char *path, int64_t size, int64_t *ret, struct err *err);
/* Moves them; *ret_body is that of a recovered record. */
int chain_recover(struct chain *c, int64_t now_ns, int64_t torn, json_t **ret_body, struct err *err);

#endif
