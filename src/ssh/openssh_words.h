/* What the system's ssh says when it fails before the command ran, understood. Pure. Source: OpenSSH 9.2, sshconnect.c, sshconnect2.c, packet.c, kex.c, clientloop.c. */
#ifndef OPS_SSH_OPENSSH_WORDS_H
#define OPS_SSH_OPENSSH_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ssh/ssh.h"

/* ssh -o LogLevel=VERBOSE says so after the login, before it asks for the command: from then on only "the request failed" tells that nothing ran. */
bool openssh_words_is_login(const char *words, size_t len);
/* Where that line ends; 0: it is not there (a connection that was shared). */
size_t openssh_words_after_login(const char *words, size_t len);
/*
 * Why nothing was run, or SSH_FAIL_NONE when the words do not prove that. err: the sentence, host's name first, with ssh's own line. is_login: the login is
 * done. Any bytes.
 */
enum ssh_fail openssh_words_fail(const char *words, size_t len, bool is_login, const char *host, struct err *err);
/* The last line of words that says something, escaped. buf is returned. */
const char *openssh_words_last(const char *words, size_t len, char *buf, size_t size);
enum ssh_stage openssh_fail_stage(enum ssh_fail fail);

#endif
