/* What was recorded in other forms: events as JSON lines, a film of the screen (asciicast v2), one portable file. Each writes to f, and says what went wrong in err. */
#ifndef OPS_EXPORT_H
#define OPS_EXPORT_H

#include <stdio.h>

#include "app.h"
#include "record/recording.h"

/* Every event in the order in which it was known, snapshots of chunks left out but for the first: {"at":.., "event":..}. */
int export_jsonl(struct recording *rec, FILE *f, struct err *err);
/* a: of a replay. The panels as the operator had them, at the size of options, marks as markers. Source: asciicast v2, https://docs.asciinema.org/manual/asciicast/v2/ */
int export_asciicast(struct app *a, FILE *f, struct err *err);
/* An incident's records and recordings. */
int export_pack(const struct conf *conf, const struct options *o, int fd, struct err *err);

#endif
