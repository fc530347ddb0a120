/* systemd-journal-gatewayd: what journald.c (requests, pages) and journald_read.c (entries) share. */
#ifndef OPS_SOURCE_JOURNALD_H
#define OPS_SOURCE_JOURNALD_H

#include "source/log_round.h"

enum { JOURNALD_GROUPS_MAX = 16, JOURNALD_WHOLE_MAX = 50, JOURNALD_CURSOR_MAX = 512 };
enum journald_tag { JOURNALD_PAGE, JOURNALD_WHOLE };

struct journald_group {		/* matches that go together; asked by itself */
	char *matches;		/* "A=b&C=d", escaped; "" all entries */
	char *cursor;		/* the entry that was read last here; NULL: none yet */
	bool is_done;
};
struct journald_entry {		/* whose message JSON left out: asked for again in export format */
	char *cursor;
	struct log_draft draft;	/* without its text; strings in mem */
	uint64_t key;
};
struct journald {
	struct journald_group v[JOURNALD_GROUPS_MAX];
	size_t n, at;		/* at: the one being read */
	struct journald_entry whole[JOURNALD_WHOLE_MAX];
	size_t n_whole, whole_at;
	struct arena mem;
	/* What the page that is being read says: */
	size_t n_page;		/* entries */
	size_t n_before;	/* of them, before the place that a page back was sought by */
	bool is_at_reference;	/* the entry that the page was sought by came */
	bool is_by_time;	/* sought back from a time, not from an entry or the end */
	char *first, *last;	/* cursors */
	int64_t first_ns, last_ns;
	size_t page;
	unsigned n_left_out;	/* messages too large, beyond JOURNALD_WHOLE_MAX */
};

int journald_read_page(struct log_round *r, struct journald *j, const char *body, size_t len, struct err *err);
/* One entry in export format: its message becomes the line's text. */
void journald_add_whole(struct log_round *r, struct journald *j, const char *text, size_t len);
int journald_read_whole(struct log_round *r, struct journald *j, const char *body, size_t len, struct err *err);

#endif
