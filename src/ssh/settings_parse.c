/*
 * The text of ssh -G -> struct ssh_settings.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/settings_priv.h"

enum { TEXT_MAX = 1024 * 1024, FILES_MAX = 256 };

struct reading {
	struct ssh_settings *s;
	struct buf why;
	char **raw_identities;	/* tokens are known at the end only */
	size_t n_identities;
	char *raw_agent;
	const char *wrong;	/* a keyword whose value cannot be read */
};

void
settings_why_add(struct buf *why, const char *fmt, ...)
{
	va_list ap;

	if (why->len > 0)
		buf_addstr(why, "; ");
	va_start(ap, fmt);
	buf_vprintf(why, fmt, ap);
	va_end(ap);
}

/* --- values ----------------------------------------------------------------------------------- */

static void
set_text(char **to, const char *value)
{
	if (*to == NULL)
		*to = xstrdup(value);
}

static bool
read_unsigned(const char *value, unsigned max, unsigned *ret)
{
	char *end;
	unsigned long n;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno != 0 || *end != '\0' || n > max)
		return false;
	*ret = (unsigned)n;
	return true;
}

static bool
read_bool(const char *value)
{
	return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0;
}

static bool
file_is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/*
 * Paths with spaces between, and no quotes: a path that has a space itself cannot be told from two, unless it is there, or the second part begins as
 * no path of a known_hosts file does (ssh -G has expanded ~ and tokens).
 */
static char **
split_paths(const char *value)
{
	char **v = xcalloc(FILES_MAX + 1, sizeof *v);
	size_t n = 0;

	while (n < FILES_MAX && strcasecmp(value, "none") != 0) {
		size_t len;

		value += strspn(value, " ");
		len = strcspn(value, " ");
		if (len == 0)
			break;
		v[n] = xstrndup(value, len);
		if (n > 0 && *value != '/') {
			char *joined = xasprintf("%s %s", v[n - 1], v[n]);

			if (file_is_there(joined)) {
				free(v[n - 1]);
				free(v[n]);
				v[n] = NULL;
				v[--n] = joined;
			} else
				free(joined);
		}
		n++;
		value += len;
	}
	return xreallocarray(v, n + 1, sizeof *v);	/* the settings of every host are kept */
}

static void
set_paths(char ***to, const char *value)
{
	if (*to == NULL)
		*to = split_paths(value);
}

static void
add_identity(struct reading *r, const char *value)
{
	if (strcasecmp(value, "none") == 0 || r->n_identities == FILES_MAX)
		return;
	r->raw_identities = xreallocarray(r->raw_identities, r->n_identities + 1, sizeof *r->raw_identities);
	r->raw_identities[r->n_identities++] = xstrdup(value);
}

static void
set_strict(struct ssh_settings *s, const char *value)
{
	if (strcasecmp(value, "ask") == 0)
		s->strict = SSH_STRICT_ASK;
	else if (strcasecmp(value, "accept-new") == 0)
		s->strict = SSH_STRICT_ACCEPT_NEW;
	else if (strcasecmp(value, "no") == 0 || strcasecmp(value, "false") == 0 || strcasecmp(value, "off") == 0)
		s->strict = SSH_STRICT_NO;
	else
		s->strict = SSH_STRICT_YES;
}

static void
set_family(struct ssh_settings *s, const char *value)
{
	s->address_family = strcasecmp(value, "inet") == 0 ? AF_INET : strcasecmp(value, "inet6") == 0 ? AF_INET6 : AF_UNSPEC;
}

static bool
set_connect(struct ssh_settings *s, const char *value)
{
	unsigned seconds;

	if (strcasecmp(value, "none") == 0)
		return true;
	if (!read_unsigned(value, 1000000, &seconds))
		return false;
	s->connect_ns = seconds * NS_PER_S;
	return true;
}

/* --- keywords that are a value ---------------------------------------------------------------- */

static bool
read_text(struct reading *r, const char *title, const char *value)
{
	struct ssh_settings *s = r->s;
	const struct { const char *title; char **to; } texts[] = {
		{ "Host", &s->host }, { "Hostname", &s->hostname }, { "User", &s->user }, { "HostKeyAlias", &s->host_key_alias },
		{ "ProxyJump", &s->proxy_jump }, { "ProxyCommand", &s->proxy_command }, { "IdentityAgent", &r->raw_agent },
		{ "HostKeyAlgorithms", &s->host_key_algorithms }, { "KexAlgorithms", &s->kex }, { "Ciphers", &s->ciphers }, { "MACs", &s->macs },
		{ "PubkeyAcceptedAlgorithms", &s->pubkey_algorithms }, { "PubkeyAcceptedKeyTypes", &s->pubkey_algorithms },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(texts[i].title, title) == 0) {
			set_text(texts[i].to, value);
			return true;
		}
	return false;
}

static bool
read_number(struct reading *r, const char *title, const char *value)
{
	struct ssh_settings *s = r->s;
	bool is_read = true;

	if (strcmp(title, "Port") == 0)
		is_read = read_unsigned(value, 65535, &s->port);
	else if (strcmp(title, "ServerAliveInterval") == 0)
		is_read = read_unsigned(value, 1000000000, &s->alive_interval_s);
	else if (strcmp(title, "ServerAliveCountMax") == 0)
		is_read = read_unsigned(value, 1000000000, &s->alive_count_max);
	else if (strcmp(title, "ConnectTimeout") == 0)
		is_read = set_connect(s, value);
	else
		return false;
	if (!is_read)
		r->wrong = title;
	return true;
}

static void
read_other(struct reading *r, const char *title, const char *value)
{
	struct ssh_settings *s = r->s;

	if (strcmp(title, "IdentityFile") == 0)
		add_identity(r, value);
	else if (strcmp(title, "IdentitiesOnly") == 0)
		s->identities_only = read_bool(value);
	else if (strcmp(title, "HashKnownHosts") == 0)
		s->hash_known_hosts = read_bool(value);
	else if (strcmp(title, "UserKnownHostsFile") == 0)
		set_paths(&s->user_known_hosts, value);
	else if (strcmp(title, "GlobalKnownHostsFile") == 0)
		set_paths(&s->global_known_hosts, value);
	else if (strcmp(title, "StrictHostKeyChecking") == 0)
		set_strict(s, value);
	else if (strcmp(title, "AddressFamily") == 0)
		set_family(s, value);
}

static void
read_setting(struct reading *r, const char *keyword, const char *value)
{
	const struct setting *known = setting_find(keyword);
	char shown[80];

	if (known == NULL) {
		settings_why_add(&r->why, "%s is not known here", str_escape_to(shown, sizeof shown, keyword));
		return;
	}
	if (!setting_is_usual(known, value))
		settings_why_add(&r->why, "%s %s", known->title, str_escape_to(shown, sizeof shown, value));
	if (!read_text(r, known->title, value) && !read_number(r, known->title, value))
		read_other(r, known->title, value);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void
read_lines(struct reading *r, char *text)
{
	char *next;

	for (char *line = text; line != NULL; line = next) {
		char *value;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (*line == '\0')
			continue;
		value = strchr(line, ' ');
		if (value != NULL)
			*value++ = '\0';
		read_setting(r, line, value != NULL ? value : "");
	}
}

static void
finish_identities(struct reading *r)
{
	struct ssh_settings *s = r->s;
	size_t n = 0;
	char shown[120];

	s->identity_files = xcalloc(r->n_identities + 1, sizeof *s->identity_files);
	for (size_t i = 0; i < r->n_identities; i++) {
		char *path = settings_path_expand(s, r->raw_identities[i]);

		if (path != NULL)
			s->identity_files[n++] = path;
		else
			settings_why_add(&r->why, "IdentityFile %s", str_escape_to(shown, sizeof shown, r->raw_identities[i]));
	}
	settings_identities_finish(s, &r->why);
}

/* "SSH_AUTH_SOCK" and nothing mean the variable of that name; $NAME another one. */
static void
finish_agent(struct reading *r)
{
	struct ssh_settings *s = r->s;
	const char *raw = r->raw_agent, *value;
	char shown[120];

	if (raw == NULL || strcmp(raw, "SSH_AUTH_SOCK") == 0)
		return;
	if (*raw == '$' && raw[1] != '{') {
		value = getenv(raw + 1);
		s->identity_agent = xstrdup(value != NULL && *value != '\0' ? value : "none");
		return;
	}
	s->identity_agent = settings_path_expand(s, raw);
	if (s->identity_agent == NULL)
		settings_why_add(&r->why, "IdentityAgent %s", str_escape_to(shown, sizeof shown, raw));
}

static void
finish(struct reading *r)
{
	struct ssh_settings *s = r->s;

	if (s->host == NULL)
		s->host = xstrdup(s->hostname);
	/* none is a word of its own for these two, and would be a host or a program else. */
	if (s->proxy_jump != NULL && strcasecmp(s->proxy_jump, "none") == 0) {
		free(s->proxy_jump);
		s->proxy_jump = NULL;
	}
	if (s->proxy_command != NULL && strcasecmp(s->proxy_command, "none") == 0) {
		free(s->proxy_command);
		s->proxy_command = NULL;
	}
	set_paths(&s->user_known_hosts, "none");
	set_paths(&s->global_known_hosts, "none");
	finish_agent(r);
	finish_identities(r);
	settings_algorithms_check(s, &r->why);
	if (r->why.len > 0)
		s->why_openssh = xstrdup(r->why.data);
}

static int
check_whole(const struct reading *r, const char *name, struct err *err)
{
	const struct ssh_settings *s = r->s;

	if (r->wrong != NULL)
		return err_set(err, ERR_SYNTAX, "ssh -G %s: its %s cannot be read", name, r->wrong);
	if (s->hostname == NULL || *s->hostname == '\0' || s->user == NULL || s->port == 0)
		return err_set(err, ERR_SYNTAX, "ssh -G %s: its answer has no %s", name,
		    s->hostname == NULL || *s->hostname == '\0' ? "hostname" : s->user == NULL ? "user" : "port");
	return 0;
}

static void
reading_done(struct reading *r)
{
	for (size_t i = 0; i < r->n_identities; i++)
		free(r->raw_identities[i]);
	free(r->raw_identities);
	free(r->raw_agent);
	buf_done(&r->why);
}

int
ssh_settings_parse(const char *name, const char *text, size_t len, struct ssh_settings **ret, struct err *err)
{
	struct reading r = { 0 };
	char shown[120], *copy;
	int rc;

	str_escape_to(shown, sizeof shown, name);
	if (len > TEXT_MAX)
		return err_set(err, ERR_LIMIT, "ssh -G %s: its answer is larger than %d KiB", shown, TEXT_MAX >> 10);
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, ERR_SYNTAX, "ssh -G %s: its answer is not text", shown);
	r.s = xcalloc(1, sizeof *r.s);
	r.s->refs = 1;
	r.s->alive_count_max = 3;
	r.s->strict = SSH_STRICT_ASK;
	r.s->address_family = AF_UNSPEC;
	buf_init(&r.why, 4096);
	copy = xstrndup(text, len);
	read_lines(&r, copy);
	free(copy);
	rc = check_whole(&r, shown, err);
	if (rc == 0) {
		finish(&r);
		*ret = r.s;
	} else
		ssh_settings_unref(r.s);
	reading_done(&r);
	return rc;
}

/* --- life ------------------------------------------------------------------------------------- */

struct ssh_settings *
ssh_settings_ref(struct ssh_settings *s)
{
	s->refs++;
	return s;
}

static void
free_list(char **v)
{
	for (size_t i = 0; v != NULL && v[i] != NULL; i++)
		free(v[i]);
	free(v);
}

void
ssh_settings_unref(struct ssh_settings *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	free(s->host);
	free(s->hostname);
	free(s->user);
	free(s->host_key_alias);
	free(s->proxy_jump);
	free(s->proxy_command);
	free_list(s->identity_files);
	free(s->identity_agent);
	free_list(s->user_known_hosts);
	free_list(s->global_known_hosts);
	free(s->host_key_algorithms);
	free(s->kex);
	free(s->ciphers);
	free(s->macs);
	free(s->pubkey_algorithms);
	free(s->why_openssh);
	free(s);
}
