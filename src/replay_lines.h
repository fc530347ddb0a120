/* The lines of logs of a replay: filtered and clustered at once, of the few that a recording brings along; what workers do where there are millions is not needed. */
#ifndef OPS_REPLAY_LINES_H
#define OPS_REPLAY_LINES_H

#include "model/model.h"
#include "ui/view.h"

struct replay_lines;
struct replay_lines *replay_lines_new(void);
void replay_lines_free(struct replay_lines *l);
void replay_lines_filter(struct replay_lines *l, const char *query);
void replay_lines_patterns(struct replay_lines *l, bool is_wanted);
/* Fills v's log_view and log_patterns from the model as known at at_ns, for v's range. Worked out anew only when the position or a wish has changed. */
void replay_lines_view(struct replay_lines *l, const struct model *m, int64_t at_ns, struct view *v);

#endif
