/*
 * Collecting series into a struct series_set as they are read, one after the other.
 *
 * What is kept goes straight into the block's arena at its final size; scratch memory is that of the largest series, so the peak is about what
 * is kept. Labels are interned within the set and sorted. The values of a label that never repeat (pod names) are not looked for after a
 * while: the search would cost more than it saves. Samples end up ascending; the last of two with the same time counts.
 */
#ifndef OPS_SOURCE_SERIES_BUILD_H
#define OPS_SOURCE_SERIES_BUILD_H

#include <stdbool.h>

#include "model/event.h"
#include "source/intern.h"

struct label_memory {		/* a label and its lengths: the next series mostly has the same at this place */
	const char *name, *value;
	size_t name_len, value_len;
	unsigned n_new;		/* values in a row that no series had before */
};
struct series_build {
	struct series_set *set;		/* owned until series_build_take() */
	size_t series_max;
	struct intern intern;
	struct series *series;
	size_t n_series, cap_series;
	struct label_memory *labels;
	size_t n_labels, n_known_labels, cap_labels;	/* n_known: of the longest series so far */
	struct sample *samples;
	size_t n_samples, cap_samples;
	struct histogram *histograms;
	size_t n_histograms, cap_histograms;
	struct bucket *buckets;
	size_t n_buckets, cap_buckets;
};

void series_build_init(struct series_build *b, size_t series_max);
void series_build_done(struct series_build *b);	/* also of a zeroed one */
/* The finished set is the caller's; b is as after series_build_done(). */
struct series_set *series_build_take(struct series_build *b);

/* false: beyond series_max, counted, and the caller passes over the rest of it. */
bool series_build_begin(struct series_build *b);
void series_build_label_name(struct series_build *b, const char *text, size_t len);
void series_build_label_value(struct series_build *b, const char *text, size_t len);
void series_build_sample(struct series_build *b, int64_t t_ns, double v);
void series_build_bucket(struct series_build *b, const struct bucket *bucket);
/* Takes the buckets added since the last one. */
void series_build_histogram(struct series_build *b, int64_t t_ns, double count, double sum);
/* false: a label name came twice. */
bool series_build_end(struct series_build *b);

#endif
