/*
 * The inside of the timeline, for src/model only.
 *
 * Entries are immutable, counted by references and shared by the models that show them. timeline.c keeps them, timeline_watch.c makes them out of events,
 * timeline_alerts.c out of merged alerts, timeline_memory.c puts them into snapshots and back.
 */
#ifndef OPS_MODEL_TIMELINE_PRIV_H
#define OPS_MODEL_TIMELINE_PRIV_H

#include "model/hindex.h"
#include "model/memory.h"
#include "model/model_priv.h"
#include "model/timeline.h"

enum { TRACKS_MAX = 65536 };	/* of all but alerts, of which there are as many as there are */

struct tl_item {
	int refs;
	uint64_t hash;			/* of id and is_end */
	struct timeline_entry entry;	/* its texts follow */
};

struct tl_track {			/* what has begun and not ended */
	struct tl_item *begin;		/* a reference: what its end will be called; it may have made room in the timeline */
	unsigned state;
	bool is_seen, is_new;		/* in the answer that is looked at: spoken of, begun */
	uint64_t alert, am_hash;	/* TIMELINE_ALERT: its id now; hash of the labels that Alertmanager gives it, 0 not looked at */
};
struct tl_tracks {
	size_t n, cap;
	struct tl_track *v;
};

struct timeline {
	bool is_watching;		/* else it was lent, or is of a model of history */
	bool has_alerts_changed, has_models_changed;	/* since they were last looked at */
	bool is_quiet;			/* the environment was told anew: what is gone was not seen to end */
	bool is_told_again;		/* the alerts just told are those known already */
	int64_t event_ns;		/* time of the event that is applied */
	int64_t told_ns;		/* the latest of those since time went on last */
	int64_t alerts_ns, models_ns;	/* of the event that changed them */
	size_t n, cap;
	struct tl_item **v;
	size_t n_left_out;
	int64_t left_out_until_ns;
	uint64_t generation;		/* goes up with every change */
	const struct timeline *lent_from;	/* whose entries these are, and which of its generations */
	uint64_t lent_generation;
	struct tl_tracks alerts, others;
	struct tl_index {		/* from the hash of an entry to all that have it */
		bool is_valid;
		struct hindex heads;
		size_t n, cap;
		struct tl_same {
			const struct tl_item *item;
			uint32_t next;
		} *v;
	} index;
};

/* timeline.c: entries */
struct tl_item *tl_item_new(const struct timeline_entry *e);	/* a copy; texts are cut where they are long */
struct tl_item *tl_item_ref(struct tl_item *item);
void tl_item_unref(struct tl_item *item);
/* To the end. The reference passes. */
void timeline_append(struct model *m, struct tl_item *item);
/* By when it happened where it was found afterwards, else by when it was known. */
void timeline_insert(struct model *m, struct tl_item *item);
/* One of the same id and end within slack_ns of at_ns; NULL there is none. */
const struct tl_item *timeline_find(struct timeline *t, const char *id, bool is_end, int64_t at_ns, int64_t slack_ns);
/* What sources tell again and again made room already, by when it happened. */
bool timeline_is_left_out(const struct timeline *t, int64_t at_ns);
void timeline_clear(struct timeline *t);
/* Replace the entry of id by one that knows seq, where it does not. */
void timeline_set_seq(struct model *m, const char *id, bool is_end, uint64_t seq);
/* When it happened: since_ns where that may be. */
int64_t timeline_since(int64_t since_ns, int64_t known_ns);

/* timeline.c: tracks */
void tracks_done(struct tl_tracks *t);
/* begin's reference passes. */
void tracks_add(struct tl_tracks *t, struct tl_item *begin, unsigned state);
void tracks_remove(struct tl_tracks *t, size_t i);
/* Those of one kind by the hash of their id. */
void tracks_index(const struct tl_tracks *t, enum timeline_kind kind, struct hindex *ret);
/* SIZE_MAX: it is not among them. */
size_t tracks_find(const struct tl_tracks *t, const struct hindex *index, enum timeline_kind kind, const char *id);

/* timeline_alerts.c */
void timeline_settle_alerts(struct model *m);
/* Take what there is as known, without entries: after a memory was put back. */
void timeline_adopt_alerts(struct model *m, const struct memory_track *v, size_t n);
bool timeline_alerts_same(const struct alert_set *a, const struct alert_set *b);
#define TIMELINE_ALERT_ID_MAX 32
const char *timeline_alert_id(char *buf, uint64_t id);	/* "alert:0123456789abcdef" */
enum { ALERT_TRACK_HEX = 24 };

#endif
