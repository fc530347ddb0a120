/* Why a transfer failed, as a sentence: what happened, where, and what to do about it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "source/http.h"

static curl_off_t
info_off(const struct http_call *c, CURLINFO what)
{
	curl_off_t v = 0;

	return curl_easy_getinfo(c->easy, what, &v) == CURLE_OK ? v : 0;
}

static long
info_long(const struct http_call *c, CURLINFO what)
{
	long v = 0;

	return curl_easy_getinfo(c->easy, what, &v) == CURLE_OK ? v : 0;
}

static bool
has_proxy(const struct http_call *c)
{
	return c->site->conf->proxy != NULL;
}

/* What curl, and below it the TLS library, say. Parts of it come from the other side. */
static const char *
detail_of(const struct http_call *c, CURLcode code, char *dst, size_t size)
{
	return str_escape_to(dst, size, c->errbuf[0] != '\0' ? c->errbuf : curl_easy_strerror(code));
}

static int
explain_connect(const struct http_call *c, struct err *err)
{
	const char *via = has_proxy(c) ? " (through the proxy of the config)" : "";
	int code = (int)info_long(c, CURLINFO_OS_ERRNO);

	switch (code) {
	case ECONNREFUSED:
		if (has_proxy(c))
			return err_set(err, ERR_REFUSED,
			    "connection to %s refused%s: is the proxy running, and %s behind it?",
			    c->site->place, via, c->site->product);
		return err_set(err, ERR_REFUSED, "connection refused by %s: is %s running there?",
		    c->site->place, c->site->product);
	case ENETUNREACH:
	case EHOSTUNREACH:
		return err_set(err, ERR_IO, "no way to %s%s: %s; check the network (VPN?) and url",
		    c->site->place, via, strerror(code));
	case 0:
		return err_set(err, ERR_IO,
		    "no connection to %s%s: check the network and url", c->site->place, via);
	}
	return err_set(err, ERR_IO, "no connection to %s%s: %s", c->site->place, via, strerror(code));
}

/* Which part of the request took all the time. */
static int
explain_timeout(const struct http_call *c, struct err *err)
{
	char limit[DURATION_TEXT_MAX], size[HTTP_SIZE_MAX];
	int64_t took = info_off(c, CURLINFO_TOTAL_TIME_T) * NS_PER_US;

	duration_format(limit, c->timeout_ns);
	/* A kept connection has no times of its own; one over which bytes went is there. */
	if (info_long(c, CURLINFO_REQUEST_SIZE) > 0) {
		if (c->status == 0)
			return err_set(err, ERR_TIMEOUT,
			    "no answer within %s from %s (timeout)", limit, c->site->place);
		return err_set(err, ERR_TIMEOUT, "answer not complete within %s: %s read (timeout)", limit,
		    http_size_text(size, c->bytes));
	}
	if (took < c->timeout_ns)	/* connecting has a limit of its own */
		duration_format(limit, took);
	if (info_off(c, CURLINFO_NAMELOOKUP_TIME_T) == 0)
		return err_set(err, ERR_TIMEOUT,
		    "host name '%s' not resolved within %s: does the name server answer?", c->site->host,
		    limit);
	/* curl does not tell a connection without a handshake from none. */
	if (c->site->is_tls)
		return err_set(err, ERR_TIMEOUT,
		    "no TLS connection to %s within %s: is the host up, does a firewall let us through, "
		    "and is it https there?",
		    c->site->place, limit);
	return err_set(err, ERR_TIMEOUT,
	    "no connection to %s within %s: is the host up, and does a firewall let us through?",
	    c->site->place, limit);
}

static int
explain_tls(const struct http_call *c, CURLcode code, struct err *err)
{
	const struct conf_source *conf = c->site->conf;
	char detail[256], path[200];

	detail_of(c, code, detail, sizeof detail);
	switch (code) {
	case CURLE_SSL_CACERT_BADFILE:
		if (conf->ca_file == NULL)
			return err_set(err, ERR_INVALID,
			    "this system has no CA certificates (package ca-certificates): install them, or set ca_file");
		return err_set(err, ERR_INVALID, "ca_file %s cannot be read as certificates in PEM form",
		    str_escape_to(path, sizeof path, conf->ca_file));
	case CURLE_SSL_CERTPROBLEM:
		return err_set(err, ERR_INVALID,
		    "client certificate %s or its key cannot be used: %s; check client_cert and client_key",
		    str_escape_to(path, sizeof path, conf->client_cert == NULL ? "(none)" : conf->client_cert),
		    detail);
	case CURLE_PEER_FAILED_VERIFICATION:
		if (strstr(detail, "subject name") != NULL || strstr(detail, "host name") != NULL)
			return err_set(err, ERR_DENIED,
			    "certificate of %s is not for this host name: %s; check url", c->site->place,
			    detail);
		return err_set(err, ERR_DENIED,
		    "certificate of %s not trusted: %s; set ca_file to the CA that issued it", c->site->place,
		    detail);
	default:
		return err_set(err, ERR_IO,
		    "TLS with %s failed: %s; is it https there, and is a client certificate wanted?",
		    c->site->place, detail);
	}
}

static int
explain_broken(const struct http_call *c, CURLcode code, struct err *err)
{
	char detail[256], size[HTTP_SIZE_MAX];
	int os = (int)info_long(c, CURLINFO_OS_ERRNO);

	detail_of(c, code, detail, sizeof detail);
	if (c->status == 0)
		return err_set(err, ERR_IO, "%s closed the connection without an answer (%s)", c->site->place,
		    os == 0 ? detail : strerror(os));
	return err_set(err, ERR_IO, "answer of %s ended early, after %s (%s): half an answer is not used",
	    c->site->place, http_size_text(size, c->bytes), detail);
}

int
http_explain(const struct http_call *c, CURLcode code, struct err *err)
{
	char detail[256], size[HTTP_SIZE_MAX];

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, ERR_NOTFOUND,
		    "host name '%s' not found: check url, and whether the name server answers", c->site->host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(err, ERR_NOTFOUND, "the host name of the proxy was not found: check proxy");
	case CURLE_COULDNT_CONNECT:
		return explain_connect(c, err);
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(c, err);
	case CURLE_FILESIZE_EXCEEDED:
		return err_set(err, ERR_LIMIT,
		    "answer larger than %s (body_max)", http_size_text(size, c->bytes_max));
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return explain_tls(c, code, err);
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return explain_broken(c, code, err);
	case CURLE_OUT_OF_MEMORY:
		/* libcurl's word for a header line above its own limit (100 KiB), before it is handed to us. */
		return err_set(err, ERR_LIMIT, "a header of the answer of %s is too large, or memory ran out", c->site->place);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(err, ERR_SYNTAX,
		    "what answers at %s does not speak HTTP: check url (http or https, and the port)",
		    c->site->place);
	default:
		return err_set(err, ERR_IO, "request to %s failed: %s", c->site->place,
		    detail_of(c, code, detail, sizeof detail));
	}
}
