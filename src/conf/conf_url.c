/*
 * URLs of sources: http or https, a host, perhaps a port and a path.
 *
 * Deliberately narrower than RFC 3986, so that no two readers can disagree about which host is
 * meant. A URL is never repeated in a sentence: it may hold a password.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "conf/conf_table.h"

enum { URL_MAX = 2000 };

static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static size_t
span(const char *s, size_t len, const char *more)
{
	size_t n = 0;

	while (n < len && s[n] != '\0' && (strchr(alnum, s[n]) != NULL || strchr(more,
	    s[n]) != NULL))
		n++;
	return n;
}

static int
check_port(const char *s, size_t len, struct err *err)
{
	unsigned long port = 0;

	for (size_t i = 0; i < len; i++)
		port = isdigit((unsigned char)s[i]) && port < 100000 ?
		    port * 10 + (unsigned long)(s[i] - '0') : 100000;
	if (len == 0 || port == 0 || port > 65535)
		return err_set(err, ERR_INVALID, "the port is not a number from 1 to 65535");
	return 0;
}

/* host, host:port, [v6], [v6]:port */
static int
check_authority(const char *s, size_t len, struct err *err)
{
	const char *end;
	size_t n;

	if (memchr(s, '@', len) != NULL)
		return err_set(err, ERR_INVALID,
		    "a user or password does not belong in a URL: use user: and password:");
	if (len > 0 && s[0] == '[') {
		end = memchr(s, ']', len);
		n = end == NULL ? 0 : (size_t)(end - s) + 1;
		if (n < 4 || strspn(s + 1, "0123456789abcdefABCDEF:.") != n - 2 ||
		    memchr(s, ':', n) == NULL)
			return err_set(err, ERR_INVALID,
			    "what stands in brackets is not an IPv6 address");
	} else {
		n = span(s, len, "-._");
		if (n == 0)
			return err_set(err, ERR_INVALID,
			    "has no host (http://HOST:PORT is expected)");
	}
	if (n == len)
		return 0;
	if (s[n] != ':')
		return err_set(err, ERR_INVALID,
		    "the host holds what no host name has; names in other scripts are written as "
		    "xn--...");
	return check_port(s + n + 1, len - n - 1, err);
}

static int
check_path(const char *s, size_t len, struct err *err)
{
	if (memchr(s, '?', len) != NULL || memchr(s, '#', len) != NULL)
		return err_set(err, ERR_INVALID,
		    "must end with its path, without ? or #: the program adds its own");
	if (span(s, len, "-._~!$&'()*+,;=:@%/") != len)
		return err_set(err, ERR_INVALID,
		    "the path holds a character that must be written as %%XX");
	return 0;
}

int
conf_url(const char *text, size_t len, char **ret_url, struct err *err)
{
	const char *host;
	size_t host_len;
	int r;

	if (len > URL_MAX || strlen(text) < len)
		return err_set(err, ERR_INVALID,
		    "is longer than %d bytes, or holds a NUL character", URL_MAX);
	if (strncasecmp(text, "http://", 7) == 0)
		host = text + 7;
	else if (strncasecmp(text, "https://", 8) == 0)
		host = text + 8;
	else
		return err_set(err, ERR_INVALID, "must begin with http:// or https://");
	host_len = strcspn(host, "/?#");
	r = check_authority(host, host_len, err);
	if (r == 0)
		r = check_path(host + host_len, len - (size_t)(host + host_len - text), err);
	if (r < 0)
		return r;
	while (len > (size_t)(host - text) && text[len - 1] == '/')
		len--;	/* paths of the API begin with / */
	*ret_url = xstrndup(text, len);
	return 0;
}
