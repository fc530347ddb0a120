/*
 * The flight recorder at work: gives the model's events to it, decides what pins it (an incident, a page, a run), and puts the hash of each kept chunk into the audit log; and the past as recordings have
 * it, for a time cursor that is further back than memory reaches.
 *
 * An incident pins until it is closed, a run until it has ended, a page until none has fired for LINGER, and that is known (a stale page is not over); what was told within LINGER of an end still belongs to it.
 */
#ifndef OPS_FLIGHT_H
#define OPS_FLIGHT_H

#include "app.h"
#include "record/recorder.h"

struct flight;
/* is_console: pages that fire pin, too; a program that runs one runbook has its run. NULL where recording is off (record: keep: 0s) or cannot be: said by app_note(). */
struct flight *flight_new(struct app *a, bool is_console);
/* What was told last reaches the disk, and its hash the audit log: before trail_free(). */
void flight_free(struct flight *f);
/* After ev was applied. */
void flight_event(struct flight *f, const struct event *ev);
/* What was known at t according to the recordings of this environment; NULL: not recorded. Borrowed until the next call. */
const struct model *flight_at(struct flight *f, int64_t t_ns);
/* Since when this console records without a gap; 0: it does not. */
int64_t flight_since(const struct flight *f);
void flight_state(const struct flight *f, struct recorder_state *ret);

#endif
