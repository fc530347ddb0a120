/* What a shipper does on the disk: where it is in the log, and the next records as a body to send. All of it may block. */
#ifndef OPS_SHIP_BATCH_H
#define OPS_SHIP_BATCH_H

#include "audit/record.h"
#include "base/buf.h"

/* The newest record that was acknowledged; seq 0: none was. */
struct ship_place {
	uint64_t seq;
	char hash[AUDIT_HASH_HEX + 1];
	char file[32];		/* it stands in */
	int64_t offset;		/* where its line begins */
	int64_t time_ns;	/* the newest time given to Loki */
	int64_t at_ns;		/* when it was acknowledged */
};
/* ERR_NOTFOUND, ERR_SYNTAX, ERR_IO. */
int ship_place_read(const char *path, struct ship_place *ret, struct err *err);
int ship_place_write(const char *path, const struct ship_place *p, struct err *err);

struct ship_batch {
	struct buf body;
	size_t n;			/* records in it */
	uint64_t left_out;		/* lines that are no records */
	struct ship_place after;	/* once it is acknowledged */
	bool was_replaced;		/* from was not in the log: it begins anew */
};
/* At most max records. chain: NULL for JSON lines, else the label of a body for Loki. ERR_NOTFOUND: there is no log. */
int ship_batch_read(const char *dir, const char *chain, const struct ship_place *from, size_t max, struct ship_batch *ret, struct err *err);
void ship_batch_done(struct ship_batch *b);

#endif
