#include "config.h"

#include "anchors_look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/audit.h"
#include "audit/reader.h"
#include "base/clock.h"
#include "base/save.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "checkpoints.h"

enum { NEWEST_MAX = 512 };	/* of what came since, so many are looked at */

static int64_t
written_ns(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

static int
write_head(const char *path, const struct audit_head *h, struct err *err)
{
	char text[AUDIT_HASH_HEX + 32];

	snprintf(text, sizeof text, "%" PRIu64 ":%s\n", h->seq, h->hash);
	return save_bytes(path, text, strlen(text), 0, err);
}

/* A copy that names a later record than the head is never written over: it is the evidence. */
static void
copy_one(const char *path, const char *head_path, const struct audit_head *head, struct anchor_copy *c)
{
	struct audit_head there = { 0 }, newer;
	struct err err = ERR_INIT;
	int r = audit_head_read(path, &there, &err);

	*c = (struct anchor_copy){ 0 };
	/* Another console may have come by since the head was read. */
	if (r == 0 && there.seq > head->seq && head_path != NULL && audit_head_read(head_path, &newer, NULL) == 0 && newer.seq > head->seq)
		head = &newer;
	if (r == ERR_NOTFOUND || (r == 0 && there.seq < head->seq)) {
		err = (struct err)ERR_INIT;
		r = write_head(path, head, &err);
		there = r == 0 ? *head : there;
	} else if (r == 0 && there.seq > head->seq) {
		r = err_set(&err, ERR_INVALID, "it names record %" PRIu64 ", but the head %" PRIu64 ": records were cut off, or it is of another log (opsconsole "
		    "--verify)", there.seq, head->seq);
	} else if (r == 0 && strcmp(there.hash, head->hash) != 0) {
		r = err_set(&err, ERR_INVALID, "it names another record %" PRIu64 " than the head: the log was replaced (opsconsole --verify)", there.seq);
	}
	c->seq = there.seq;
	c->at_ns = written_ns(path);
	if (r < 0)
		str_escape_to(c->why, sizeof c->why, err.msg);
}

void
anchors_look_copies(struct anchors_look *l)
{
	for (size_t i = 0; l->copies != NULL && l->copies[i] != NULL && i < ANCHOR_COPIES_MAX; i++)
		copy_one(l->copies[i], l->head_path, &l->head, &l->copy[i]);
}

/* Did a run end, was an incident closed, by whomever? */
static void
look_at_new(struct anchors_look *l)
{
	uint64_t n = l->head.seq - l->seen_seq;
	struct audit_reader *r;
	struct audit_line line;
	struct audit_checked c;

	if (audit_reader_open(l->dir, &r, NULL) < 0)
		return;
	if (audit_reader_tail(r, n < NEWEST_MAX ? (size_t)n + 8 : NEWEST_MAX, NULL) == 0)
		while (audit_reader_next(r, &line, NULL) > 0)
			if (!line.is_torn && audit_check_line(line.bytes, line.len, &c) && c.seq > l->seen_seq) {
				l->has_run_end |= c.type == AUDIT_RUN_END;
				l->has_incident_closed |= c.type == AUDIT_INCIDENT_CLOSED;
			}
	audit_reader_free(r);
}

void
anchors_look(struct anchors_look *l)
{
	struct err err = ERR_INIT;
	int r = audit_head_read(l->head_path, &l->head, &err);

	if (r < 0 && r != ERR_NOTFOUND)
		str_escape_to(l->why, sizeof l->why, err.msg);
	if (!l->has_seen && l->checkpoint_dir != NULL)
		checkpoint_newest(l->checkpoint_dir, &l->checkpoint);
	if (r < 0)
		return;
	l->head_ns = written_ns(l->head_path);
	if (l->has_seen && l->head.seq > l->seen_seq)
		look_at_new(l);
	anchors_look_copies(l);
}

void
anchors_look_done(struct anchors_look *l)
{
	free(l->dir);
	free(l->head_path);
	free(l->checkpoint_dir);
	for (size_t i = 0; l->copies != NULL && l->copies[i] != NULL; i++)
		free(l->copies[i]);
	free(l->copies);
	*l = (struct anchors_look){ 0 };
}
