/*
 * An HTTP server for tests that does what it is told, right or wrong: the test's handler writes the bytes of
 * the answer itself.
 *
 * Listens on a free port of 127.0.0.1. Each connection has a thread; handlers of different connections run at
 * the same time.
 */
#ifndef OPS_FAKES_FAKE_HTTP_H
#define OPS_FAKES_FAKE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct fake_http;

struct fake_request {
	char method[16], path[1024];
	char *head;		/* request line and headers as received */
	char *body;
	size_t body_len;
	int fd;
	unsigned number;	/* of this request on the whole server, from 1 */
};

/* Answers. false: close the connection. */
typedef bool fake_handler(const struct fake_request *r, void *arg);

struct fake_http *fake_http_new(fake_handler *handler, void *arg);
/* Ends all connections and waits for their handlers, so these must end when their socket does. */
void fake_http_free(struct fake_http *f);
int fake_http_port(const struct fake_http *f);
unsigned fake_http_connections(const struct fake_http *f);
unsigned fake_http_requests(const struct fake_http *f);

/* For handlers. Value of a header into dst, "" when absent. */
const char *fake_header(const struct fake_request *r, const char *name, char *dst, size_t size);
/* false: the other side is gone. */
bool fake_send(int fd, const void *bytes, size_t len);
bool fake_printf(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A whole answer with Content-Length; headers: further ones, each ending in CRLF. */
bool fake_answer(const struct fake_request *r, int status, const char *headers, const void *body, size_t len);
/* Close so that the other side sees a reset. */
void fake_reset(int fd);

#endif
