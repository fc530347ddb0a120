/*
 * The audit log for the audit panel: a window of its records that follows the panel's wishes, how the chain and its anchors stand, verification in a worker. Ends in EVENT_AUDIT_VIEW.
 */
#ifndef OPS_AUDIT_SHOW_H
#define OPS_AUDIT_SHOW_H

#include "app.h"

struct audit_show;
/* path: of the log (a folder, or a packed file in a replay). until_ns: only records up to then (a replay's position); INT64_MAX all. */
struct audit_show *audit_show_new(struct app *a, const char *path);
void audit_show_free(struct audit_show *s);
/* A replay's, when the log does not hold it: its chunks, and no others, are verified with the log. Again for each that it is made of. */
void audit_show_recording(struct audit_show *s, const char *path);
/* The panel wants the window that begins at place first among those that match the filter's words; UINT64_MAX: the end. */
void audit_show_window(struct audit_show *s, uint64_t first, const char *filter);
void audit_show_until(struct audit_show *s, int64_t until_ns);
void audit_show_verify(struct audit_show *s);
/* Something was appended, look again (at most twice a second is looked). */
void audit_show_changed(struct audit_show *s);

#endif
