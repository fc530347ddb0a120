/*
 * What makes the audit log's end certain from outside it: copies of the head in other folders, lines in journald or syslog, checkpoints signed with the user's ssh key,
 * and each record shipped to an HTTP endpoint or Loki.
 *
 * Config: audit: { copies: [FILE..], journald: true, checkpoint: { key: FILE.pub, every: 1h, dir: .. }, ship: [{ name, type: http|loki, url, .. as sources have it }] }.
 * Shipping reads the log itself from where it last got an answer (a small file beside the log holds that place), so that the queue is the log, survives restarts, and delivers at least once.
 */
#ifndef OPS_ANCHORS_H
#define OPS_ANCHORS_H

#include "app.h"
#include "model/audit_view.h"

struct anchors;
struct anchors *anchors_new(struct app *a);	/* never NULL; with nothing configured it only tells of the head */
void anchors_free(struct anchors *n);
void anchors_start(struct anchors *n);
/* Sign the head now. Says how it went by app_note(). */
void anchors_checkpoint(struct anchors *n);
/* All of them, for the audit panel; texts from arena. */
size_t anchors_list(const struct anchors *n, struct arena *arena, struct audit_anchor **ret);

#endif
