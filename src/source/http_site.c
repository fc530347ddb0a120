/* Sites: the parts of a source's URL that connecting and talking about it need. */
#include "config.h"

#include <curl/curl.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/http.h"

/* Part of a parsed URL as memory of ours; NULL when it has none. */
static char *
url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, part, &text, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static char *
escaped(const char *s)
{
	char shown[1024];

	return xstrdup(str_escape_to(shown, sizeof shown, s));
}

const char *
http_origin(char *dst, const char *url)
{
	CURLU *u = curl_url();
	char *scheme, *host, *port, plain[HTTP_ORIGIN_MAX];

	dst[0] = '\0';
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
		scheme = url_part(u, CURLUPART_SCHEME, 0);
		host = url_part(u, CURLUPART_HOST, 0);
		port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
		snprintf(plain, sizeof plain, "%s://%s%s%s", scheme == NULL ? "?" : scheme,
		    host == NULL ? "" : host, port == NULL ? "" : ":", port == NULL ? "" : port);
		for (char *p = plain; *p != '\0'; p++)	/* host names know no case */
			*p = (char)tolower((unsigned char)*p);
		str_escape_to(dst, HTTP_ORIGIN_MAX, plain);
		free(scheme);
		free(host);
		free(port);
	}
	curl_url_cleanup(u);
	return dst;
}

const char *
http_size_text(char *dst, size_t bytes)
{
	if (bytes >= 1 << 20 && bytes % (1 << 20) == 0)
		snprintf(dst, HTTP_SIZE_MAX, "%zu MiB", bytes >> 20);
	else if (bytes >= 10 << 20)
		snprintf(dst, HTTP_SIZE_MAX, "%.0f MiB", (double)bytes / (1 << 20));
	else if (bytes >= 1 << 20)
		snprintf(dst, HTTP_SIZE_MAX, "%.1f MiB", (double)bytes / (1 << 20));
	else if (bytes >= 1 << 10)
		snprintf(dst, HTTP_SIZE_MAX, "%zu KiB", bytes >> 10);
	else
		snprintf(dst, HTTP_SIZE_MAX, "%zu bytes", bytes);
	return dst;
}

static const char *
product_of(const char *type)
{
	if (strcmp(type, "prometheus") == 0)
		return "Prometheus";
	if (strcmp(type, "alertmanager") == 0)
		return "Alertmanager";
	if (strcmp(type, "mlflow") == 0)
		return "MLflow";
	if (strcmp(type, "serving") == 0)
		return "the host";
	if (strcmp(type, "http-json") == 0)
		return "the registry";
	return "the server";
}

static void
trim_slashes(char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
}

static int
take_parts(struct http_site *site, CURLU *u)
{
	char *place;

	/* Credentials in a URL would end up in messages and proxies' logs; the config has its own places for
	 * them, and refuses these. */
	curl_url_set(u, CURLUPART_USER, NULL, 0);
	curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(u, CURLUPART_QUERY, NULL, 0);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	site->scheme = url_part(u, CURLUPART_SCHEME, 0);
	site->host = url_part(u, CURLUPART_HOST, 0);
	site->port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	site->url = url_part(u, CURLUPART_URL, 0);
	if (site->scheme == NULL || site->host == NULL || site->port == NULL || site->url == NULL)
		return ERR_INVALID;
	site->is_tls = strcmp(site->scheme, "https") == 0;
	if (!site->is_tls && strcmp(site->scheme, "http") != 0)
		return ERR_INVALID;
	trim_slashes(site->url);
	site->shown = escaped(site->url);
	place = xasprintf("%s:%s", site->host, site->port);
	site->place = escaped(place);
	free(place);
	return 0;
}

int
http_site_init(struct http_site *site, const struct conf_source *conf, const char *url, struct err *err)
{
	CURLU *u = curl_url();
	int r = ERR_INVALID;

	*site = (struct http_site){ .conf = conf, .product = product_of(conf->type) };
	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		r = take_parts(site, u);
	curl_url_cleanup(u);
	if (r < 0) {
		http_site_done(site);
		return err_set(err, r,
		    "url: http://HOST:PORT or https://HOST:PORT is expected, perhaps with a path");
	}
	return 0;
}

void
http_site_done(struct http_site *site)
{
	free(site->url);
	free(site->shown);
	free(site->scheme);
	free(site->host);
	free(site->port);
	free(site->place);
	*site = (struct http_site){ 0 };
}
