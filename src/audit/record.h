/*
 * One record of the audit log, format 1: doc/audit-format.md is the reference, written so that a verifier can be made from it alone.
 *
 * A line is B + ,"hash":"<64 lower-case hex>"} + LF, where B begins with { and hash is SHA-256 over B. Members in order: seq, time, prev, type, actor, env, run,
 * incident, then the body's members in the order given. Pure: no files here.
 */
#ifndef OPS_AUDIT_RECORD_H
#define OPS_AUDIT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Names are part of the format: never reused, never renamed. */
enum audit_type {
	AUDIT_OPENED,		/* the program began to write: version, format, mode */
	AUDIT_RECOVERED,	/* torn bytes at the end were moved to a side file: file, bytes, sha256 */
	AUDIT_GAP,		/* acts were made without this log (--break-glass): reason, since, where the records went */
	AUDIT_RUN_START,	/* runbook, file, sha256, title, params (secrets as marks), hosts, batches, plan (hash), danger, confirm, confirmed (how), lines of the plan */
	AUDIT_RUN_STATE,	/* batch, state, text: batch begun, detached, resumed, stopped, answered */
	AUDIT_INTENT,		/* step, host, batch, attempt, nonce, what (exact command or request), undo: true|false. Durable before the act */
	AUDIT_RESULT,		/* intent (seq), step, host, outcome, text, status, signal, elapsed_ms, transport, out, err (heads, capped), out_bytes, err_bytes, out_sha256, err_sha256 */
	AUDIT_CHECK,		/* something read that decided something: precondition, health, verify, previous: what, expected, found, outcome */
	AUDIT_RUN_END,		/* outcome, exit, text, hosts: state of each, undo: what was undone, verified */
	AUDIT_ACT,		/* intent of something the operator does outside runs: verb, object, text, source. Durable before the act */
	AUDIT_ACT_RESULT,	/* act (seq), outcome (done, failed, unknown), text */
	AUDIT_NOTE,		/* text */
	AUDIT_INCIDENT_OPENED,	/* title, joined: true when the id was given and may exist elsewhere */
	AUDIT_INCIDENT_CLOSED,	/* text */
	AUDIT_RECORDING,	/* the flight recorder was pinned, or let go: recording, state (pinned, unpinned), why, path, since */
	AUDIT_CHUNK,		/* a kept chunk: recording, number, file, from, to, bytes, events, sha256, before (sha256 of the chunk before) */
	AUDIT_ANCHOR,		/* the head was anchored: kind (checkpoint, journald), head (SEQ:HASH), where, key (fingerprint) */
	AUDIT_TYPES
};
const char *audit_type_name(enum audit_type type);	/* "run-start"; NULL beyond AUDIT_TYPES */
bool audit_type_find(const char *name, enum audit_type *ret);

struct audit_actor {
	const char *user;	/* login name of the real uid */
	int64_t uid;
	const char *host, *tty;	/* tty "" when there is none */
	const char *client;	/* first word of $SSH_CONNECTION; "" */
};
struct audit_draft {		/* what a caller gives; strings borrowed */
	enum audit_type type;
	const char *run, *incident;	/* NULL: null */
	json_t *body;		/* object, its members in order; stolen. NULL: none. Members may not bear the names of the frame */
};

enum { AUDIT_HASH_HEX = 64, AUDIT_LINE_MAX = 256 << 10 };
#define AUDIT_ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* One line with its LF into b (masked by base/secrets.h, then escaped). Texts that are not UTF-8 are written with \x-escapes as str_escape() does. A body that is too
 * long has its longest texts cut, said so in member "cut". ret_hash of AUDIT_HASH_HEX + 1. */
int audit_record_write(struct buf *b, uint64_t seq, int64_t time_ns, const char *prev, const struct audit_actor *actor, const char *env,
    const struct audit_draft *draft, char *ret_hash, struct err *err);

/* One line (without LF) read back, strictly: order of members, no duplicates, UTF-8, nothing after the end, and the hash holds. */
struct audit_record {
	uint64_t seq;
	int64_t time_ns;
	char prev[AUDIT_HASH_HEX + 1], hash[AUDIT_HASH_HEX + 1];
	enum audit_type type;		/* AUDIT_TYPES: one that this version does not know; type_name has it */
	char type_name[32];
	json_t *json;			/* the whole object; owned */
	const char *user, *host, *env, *run, *incident;	/* borrowed from json; run and incident NULL when null */
};
/* ERR_SYNTAX malformed, ERR_INVALID well formed but the hash does not hold. */
int audit_record_read(const char *line, size_t len, struct audit_record *ret, struct err *err);
/* The frame only, and the hash, without a tree: what verify needs; fast. */
struct audit_frame { uint64_t seq; int64_t time_ns; char prev[AUDIT_HASH_HEX + 1], hash[AUDIT_HASH_HEX + 1]; bool is_hash_right; };
int audit_frame_read(const char *line, size_t len, struct audit_frame *ret, struct err *err);
void audit_record_done(struct audit_record *r);
/* One line for people: "4127  2030-01-01 02:29:31Z  alice@web  run 20300101-0229  activate on web-01: OK in 1.9s". Escaped. */
int audit_record_text(const struct audit_record *r, struct buf *b);
/* What it says alone, without seq, time and who. */
int audit_record_words(const struct audit_record *r, struct buf *b);

#endif
