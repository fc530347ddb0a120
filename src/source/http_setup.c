/* The options of one transfer. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/http.h"
#include "source/unpack.h"

#define CONNECT_TIMEOUT (5 * NS_PER_S)

/* Name, value and what is done about them in one place; keeps the first failure. */
struct setup {
	CURL *easy;
	CURLcode failed;
	const char *what;
};

#define SET(s, option, value) do {						\
		CURLcode set_code = curl_easy_setopt((s)->easy, option, value);	\
		if (set_code != CURLE_OK && (s)->failed == CURLE_OK) {		\
			(s)->failed = set_code;					\
			(s)->what = #option;					\
		}								\
	} while (0)

static struct curl_slist *
add_header(struct curl_slist *list, const char *name, const char *value)
{
	/* curl takes "Name;" for a header without a value, and "Name:" for none at all. */
	char *line = *value == '\0' ? xasprintf("%s;", name) : xasprintf("%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(list, line);

	explicit_bzero(line, strlen(line));
	free(line);
	return longer == NULL ? list : longer;
}

void
http_headers_free(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static struct curl_slist *
make_headers(const struct http_request *r)
{
	/* No waiting for "100 Continue" before the body of a form. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	bool has_accept = false;

	/* A journal gateway compares all of it, so there is one. */
	for (size_t i = 0; i < r->n_headers; i++)
		has_accept |= strcasecmp(r->headers[i].name, "Accept") == 0;
	if (!has_accept)
		list = add_header(list, "Accept", "application/json");
	for (size_t i = 0; i < r->n_headers; i++)
		list = add_header(list, r->headers[i].name, r->headers[i].value);
	if (r->content_type != NULL)
		list = add_header(list, "Content-Type", r->content_type);
	if (r->bearer != NULL || r->api_key != NULL) {
		char *value = r->bearer != NULL ? xasprintf("Bearer %s", r->bearer) : xasprintf("ApiKey %s", r->api_key);

		list = add_header(list, "Authorization", value);
		explicit_bzero(value, strlen(value));
		free(value);
	}
	return list;
}

static void
set_method(struct setup *s, const struct http_request *r)
{
	if (strcmp(r->method, "POST") == 0) {
		SET(s, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		SET(s, CURLOPT_COPYPOSTFIELDS, r->body == NULL ? "" : r->body);
	} else if (strcmp(r->method, "GET") != 0) {
		if (r->body != NULL) {	/* DELETE of an alias says in its body which */
			SET(s, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
			SET(s, CURLOPT_COPYPOSTFIELDS, r->body);
		}
		if (strcmp(r->method, "HEAD") == 0)
			SET(s, CURLOPT_NOBODY, 1L);	/* else it waits for the body that is announced */
		else
			SET(s, CURLOPT_CUSTOMREQUEST, r->method);
	}
}

static void
set_proxy(struct setup *s, const struct conf_source *conf)
{
	/* NULL means "look into the environment" to curl, so nothing is said only where the config says that. */
	if (conf->proxy != NULL && strcmp(conf->proxy, "environment") == 0)
		return;
	SET(s, CURLOPT_PROXY, conf->proxy == NULL ? "" : conf->proxy);
	SET(s, CURLOPT_NOPROXY, "");	/* else $no_proxy */
}

static void
set_tls(struct setup *s, const struct http_site *site)
{
	const struct conf_source *conf = site->conf;

	if (!site->is_tls)
		return;
	SET(s, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* Rather wait for a connection that may be shared than open six. */
	SET(s, CURLOPT_PIPEWAIT, 1L);
	SET(s, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(s, CURLOPT_SSL_VERIFYPEER, conf->tls_verify ? 1L : 0L);
	SET(s, CURLOPT_SSL_VERIFYHOST, conf->tls_verify ? 2L : 0L);
	if (conf->ca_file != NULL)
		SET(s, CURLOPT_CAINFO, conf->ca_file);
	if (conf->client_cert != NULL)
		SET(s, CURLOPT_SSLCERT, conf->client_cert);
	if (conf->client_key != NULL)
		SET(s, CURLOPT_SSLKEY, conf->client_key);
}

static void
set_auth(struct setup *s, const struct conf_source *conf, const struct http_request *r)
{
	if (conf->user == NULL || r->bearer != NULL || r->api_key != NULL)
		return;
	SET(s, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	SET(s, CURLOPT_USERNAME, conf->user);
	SET(s, CURLOPT_PASSWORD, r->password == NULL ? "" : r->password);
}

static void
set_limits(struct setup *s, const struct http_site *site, const struct http_request *r)
{
	int64_t connect = r->timeout_ns < CONNECT_TIMEOUT ? r->timeout_ns : CONNECT_TIMEOUT;

	SET(s, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / NS_PER_MS));
	/* No low-speed limit beside the timeout for all: a server may rightly think for long and say nothing,
	 * and who sends a byte now and then ends with the timeout too. */
	SET(s, CURLOPT_TIMEOUT_MS, (long)(r->timeout_ns / NS_PER_MS));
	/* As they come, where the length is announced: what they unpack to is counted there. */
	SET(s, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)site->conf->body_max);
	SET(s, CURLOPT_FOLLOWLOCATION, 0L);
	SET(s, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(s, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
}

int
http_setup(struct http_call *c, const struct http_request *r, struct err *err)
{
	struct setup s = { .easy = c->easy };
	char *url = xasprintf("%s%s", c->site->url, r->path);

	/* A lookup that never ends must not hold up the end of the program. */
	SET(&s, CURLOPT_QUICK_EXIT, 1L);
	SET(&s, CURLOPT_NOSIGNAL, 1L);
	SET(&s, CURLOPT_ERRORBUFFER, c->errbuf);
	SET(&s, CURLOPT_URL, url);
	SET(&s, CURLOPT_USERAGENT, "opsconsole/" PACKAGE_VERSION);
	if (!r->is_once)
		SET(&s, CURLOPT_ACCEPT_ENCODING, UNPACK_ACCEPT);
	SET(&s, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(&s, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (r->is_once)
		SET(&s, CURLOPT_FRESH_CONNECT, 1L);
	set_limits(&s, c->site, r);
	set_method(&s, r);
	set_proxy(&s, c->site->conf);
	set_tls(&s, c->site);
	set_auth(&s, c->site->conf, r);
	c->headers = make_headers(r);
	SET(&s, CURLOPT_HTTPHEADER, c->headers);
	free(url);
	if (s.failed != CURLE_OK)
		return err_set(err, ERR_UNSUPPORTED,
		    "this libcurl (%s) cannot be set up for the request: %s: %s", curl_version(), s.what,
		    curl_easy_strerror(s.failed));
	return 0;
}
