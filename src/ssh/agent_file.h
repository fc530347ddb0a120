/*
 * A key file as ssh and ssh-add see it: its public part, and whether a passphrase stands before the private one.
 *
 * The private part is never looked at. Files of 1 MiB and more are no keys.
 */
#ifndef OPS_SSH_AGENT_FILE_H
#define OPS_SSH_AGENT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct agent_file {
	char type[64];		/* "" with blob NULL: not told by the file nor by its .pub (PEM) */
	unsigned char *blob;	/* NULL: not known */
	size_t len;
	bool is_private;	/* a private key is there, else only a public one */
	bool is_encrypted;
};

/* false: there is nothing at path, nor at path.pub, that is a key. */
bool agent_file_read(const char *path, struct agent_file *ret);
void agent_file_done(struct agent_file *f);
/* Pure: the text of one file, private or public. false: no key. */
bool agent_file_parse(const char *text, size_t len, struct agent_file *ret);

#endif
