/*
 * Sends each record of the audit log to a server, at least once and in order: HTTP (POST of JSON lines, any 2xx) or Loki (/loki/api/v1/push).
 *
 * The queue is the log itself. What the server has acknowledged is kept in a small file beside the log, ship-NAME.place, written by rename after each 2xx, so a kill or a
 * restart costs at most one batch sent twice; it names the record's seq and hash, so that a log that was replaced is noticed. One shipper per target and log (flock): others stand by.
 * Nothing waits for it: reading runs in a worker, sending on the loop. Failures are tried again with growing pauses; answers that will not change by themselves (4xx) are
 * said, and tried again slowly.
 */
#ifndef OPS_SHIP_H
#define OPS_SHIP_H

#include "conf/conf.h"
#include "loop/pool.h"
#include "source/transport.h"

struct ship;
struct ship_options {
	const struct conf_source *conf;	/* type "http" or "loki"; lives as long as the ship */
	const char *dir;		/* folder of the log */
	const char *chain;		/* "alice@web": label of Loki */
	int64_t pause_ns;		/* the first pause after a failure; 0: 1 s */
	int64_t look_ns;		/* how often the log is looked at; 0: 2 s */
	void (*note)(const char *text, void *arg);	/* a sentence for people: refused, replaced, well again */
	void *arg;
};
/* t, l, p outlive it. ERR_INVALID: its url. */
int ship_new(struct loop *l, struct pool *p, struct transport *t, const struct ship_options *o, struct ship **ret, struct err *err);
void ship_free(struct ship *s);
/* Something was appended. */
void ship_poke(struct ship *s);

struct ship_state {
	uint64_t seq;		/* newest that was acknowledged; 0 none */
	int64_t at_ns;		/* when */
	bool is_failing, is_standby;
	char text[256];		/* why; "" */
};
void ship_state(const struct ship *s, struct ship_state *ret);

#endif
