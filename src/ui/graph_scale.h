/* Axes of graphs: which values and times get a tick and how they read. Pure numbers, no drawing. */
#ifndef OPS_UI_GRAPH_SCALE_H
#define OPS_UI_GRAPH_SCALE_H

#include <stdint.h>

enum { SCALE_LABEL_MAX = 24 };

struct scale {
	double lo, hi;	/* multiples of step; lo < hi */
	double step;
	int n;		/* ticks: lo, lo + step .. hi */
};

/* A scale that holds lo..hi with about n_wanted steps of 1, 2 or 5 times a power of ten in the unit that people read (minutes,
 * MiB). Begins at zero unless that would flatten what is to be seen. */
void scale_fit(struct scale *s, double lo, double hi, int n_wanted, const char *unit);
double scale_tick(const struct scale *s, int i);
/* The label of a tick, told apart from its neighbours' labels. buf of SCALE_LABEL_MAX. */
const char *scale_label(const struct scale *s, double v, const char *unit, char *buf);

/* The step between time ticks for a range drawn on w columns: at least one, labels never touch. */
int64_t time_step(int64_t span_ns, int w);
/* First tick at or after start: multiples of step in UTC. */
int64_t time_tick(int64_t start_ns, int64_t step_ns);
/* "02:28", "02:28:32" for a short range, "01-31" or "01-31 12:00" for one of days. buf of SCALE_LABEL_MAX. */
const char *time_label(int64_t t_ns, int64_t span_ns, int64_t step_ns, char *buf);

#endif
