/*
 * The flight recorder at work: gives the model's events to it, decides what pins it (an incident, a page, a run), and puts each kept chunk's hash into the audit log; and the past as the
 * recording has it, for a time cursor that is further back than memory reaches.
 */
#ifndef OPS_FLIGHT_H
#define OPS_FLIGHT_H

#include "app.h"
#include "record/recorder.h"

struct flight;
/* NULL where recording is off (record: { keep: 0 }) or cannot be: said by app_note(). */
struct flight *flight_new(struct app *a);
void flight_free(struct flight *f);
/* After ev was applied. */
void flight_event(struct flight *f, const struct event *ev);
/* What was known at t according to the recording; NULL: not recorded. Borrowed until the next call. */
const struct model *flight_at(struct flight *f, int64_t t_ns);
int64_t flight_first(struct flight *f);	/* oldest that is recorded; 0 nothing */
void flight_state(const struct flight *f, struct recorder_state *ret);

#endif
