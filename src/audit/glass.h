/*
 * --break-glass: acting without the log. Records go to journald (else to the syslog socket) and to stderr; a note left beside the head makes the next good
 * open of the log write a gap record. The records form a chain of their own from seq 1, so that those who collect them can tell whether one is missing.
 */
#ifndef OPS_AUDIT_GLASS_H
#define OPS_AUDIT_GLASS_H

#include "audit/chain.h"

struct glass;
struct glass *glass_new(const struct chain_who *who);
void glass_free(struct glass *g);
/* 0 when at least one place took it. */
int glass_record(struct glass *g, int64_t now_ns, const struct audit_draft *draft, uint64_t *ret_seq, char *ret_hash, struct err *err);
/* The note for the next open; where says which place takes the records. The folder beside the head is tried first, then $XDG_RUNTIME_DIR. */
int glass_note_leave(const char *head_path, const char *reason, int64_t now_ns, struct err *err);
/* The body of the gap record; NULL: there was none. */
json_t *glass_note_read(const char *head_path);
void glass_note_remove(const char *head_path);
/* One line for journald (else syslog), as a notice with OPSCONSOLE_AUDIT=kind. Does not wait. -1: neither took it. */
int glass_say(const char *kind, const char *text);
/* Does this machine have journald or syslog? */
bool glass_has_place(void);
/* For tests: other sockets than /run/systemd/journal/socket and /dev/log, another descriptor than 2. */
void glass_places_set(const char *journal, const char *syslog, int fd);

#endif
