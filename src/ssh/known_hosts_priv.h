/* Inside known_hosts: lines as they were read, and how a name is held against them. */
#ifndef OPS_SSH_KNOWN_HOSTS_PRIV_H
#define OPS_SSH_KNOWN_HOSTS_PRIV_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "ssh/known_hosts.h"

enum { KNOWN_DIGEST = 20 };	/* SHA-1: hashed names know no other */
enum known_marker { KNOWN_PLAIN, KNOWN_AUTHORITY, KNOWN_REVOKES };

struct known_line {
	uint32_t file, number;		/* number from 1 */
	enum known_marker marker;
	bool is_hashed;
	unsigned char salt[KNOWN_DIGEST], hash[KNOWN_DIGEST];	/* is_hashed */
	char *names;			/* the list as written, in lower case; NULL when hashed */
	unsigned char *blob;
	size_t len;
	char type[64];			/* from the blob */
};

struct known_file {
	char *path;
	bool is_there, is_memory;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

/* A name without wildcards, and a line that lists it; chains of one bucket in the order of lines. */
struct known_name {
	uint32_t hash, line;
	uint32_t next;			/* index + 1; 0: the last */
};

/* What one name was found to match: hashed lines cost one HMAC each, so each name is looked for once. */
struct known_memo {
	char *name;
	uint32_t *lines;
	size_t n;
};

struct known_hosts {
	struct known_file *files;
	size_t n_files;
	struct known_line *lines;
	size_t n_lines, cap_lines;
	uint32_t *wild, *hashed;	/* lines to be tried one by one */
	size_t n_wild, cap_wild, n_hashed, cap_hashed;
	struct known_name *names;
	size_t n_names, cap_names;
	uint32_t *buckets, *tails;	/* index + 1 into names */
	size_t n_buckets;
	unsigned n_broken;
	struct known_memo *memos;	/* open addressing */
	size_t n_memos;
};

/* One line without its newline. 1: kept in *ret; 0: nothing on it; ERR_SYNTAX: cannot be read. */
int known_line_read(const char *text, size_t len, struct known_line *ret);
void known_line_done(struct known_line *l);

/* name is in lower case. list: patterns with commas, as sshd(8) has them; ! takes out. */
bool known_list_matches(const char *list, const char *name);
bool known_list_is_wild(const char *list);
/* Hashed names: |1|SALT|HASH. false: not that. */
bool known_hash_read(const char *names, size_t len, unsigned char *salt, unsigned char *hash);
struct known_hasher;
struct known_hasher *known_hasher_new(const char *name);
bool known_hasher_matches(struct known_hasher *h, const struct known_line *l);
void known_hasher_free(struct known_hasher *h);

/* The index of names. */
void known_index_add(struct known_hosts *kh, uint32_t line);
/* Lines that match name (as it stands in files: "host", "[host]:port", in lower case), in order; lent until kh changes. */
const uint32_t *known_index_find(const struct known_hosts *kh, const char *name, size_t *ret_n);
void known_index_done(struct known_hosts *kh);
/* After lines were added, what was found before is not the whole any more. */
void known_index_forget(struct known_hosts *kh);

#endif
