/*
 * ProxyJump: [user@]host[:port] or ssh:// URIs, with commas; the first is contacted first.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "ssh/settings_priv.h"

/* What ssh refuses in names from a config, as they could mean something to a shell or to its own options. */
static bool
is_plain(const char *s, size_t len, const char *banned)
{
	if (len == 0 || *s == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || strchr(banned, s[i]) != NULL)
			return false;
	return true;
}

static int
copy_part(char *to, size_t size, const char *s, size_t len)
{
	if (len >= size)
		return ERR_SYNTAX;
	memcpy(to, s, len);
	to[len] = '\0';
	return 0;
}

static int
read_port(const char *s, size_t len, unsigned *ret)
{
	unsigned port = 0;

	if (len == 0 || len > 5)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ERR_SYNTAX;
		port = port * 10 + (unsigned)(s[i] - '0');
	}
	if (port == 0 || port > 65535)
		return ERR_SYNTAX;
	*ret = port;
	return 0;
}

/* host, host:port, [address] or [address]:port. */
static int
read_host(const char *s, size_t len, struct ssh_hop *hop)
{
	const char *end, *host = s;
	size_t n;

	if (len > 0 && *s == '[') {
		end = memchr(s, ']', len);
		if (end == NULL)
			return ERR_SYNTAX;
		host = s + 1;
		n = (size_t)(end - host);
		end++;
	} else {
		end = memchr(s, ':', len);
		if (end == NULL)
			end = s + len;
		n = (size_t)(end - s);
	}
	if (!is_plain(host, n, "'`\"$\\;&<>|(){},[]@/") || copy_part(hop->host, sizeof hop->host, host, n) < 0)
		return ERR_SYNTAX;
	if (end == s + len)
		return 0;
	if (*end != ':')
		return ERR_SYNTAX;
	return read_port(end + 1, (size_t)(s + len - end - 1), &hop->port);
}

static int
read_hop(const char *s, size_t len, struct ssh_hop *hop)
{
	const char *at;

	*hop = (struct ssh_hop){ .port = 0 };
	if (len > 6 && strncasecmp(s, "ssh://", 6) == 0) {
		s += 6;
		len -= 6;
		if (s[len - 1] == '/')
			len--;
	}
	/* Names of users may have an @ themselves. */
	at = memrchr(s, '@', len);
	if (at != NULL) {
		if (!is_plain(s, (size_t)(at - s), "'`\";&<>|(){}") || copy_part(hop->user, sizeof hop->user, s, (size_t)(at - s)) < 0)
			return ERR_SYNTAX;
		len -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	return read_host(s, len, hop);
}

int
ssh_hops_parse(const char *text, struct ssh_hop *ret, struct err *err)
{
	struct ssh_hop hops[SSH_HOPS_MAX];
	char shown[120];
	int n = 0;

	str_escape_to(shown, sizeof shown, text);
	if (strcasecmp(text, "none") == 0)
		return 0;
	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ",");

		if (n == SSH_HOPS_MAX)
			return err_set(err, ERR_LIMIT, "ProxyJump %s has more than %d hosts", shown, SSH_HOPS_MAX);
		if (read_hop(p, len, &hops[n]) < 0)
			return err_set(err, ERR_SYNTAX, "ProxyJump %s cannot be read: expected [user@]host[:port], with commas", shown);
		n++;
		p += len;
		if (*p == '\0')
			break;
	}
	memcpy(ret, hops, (size_t)n * sizeof *hops);
	return n;
}
