/*
 * Paths of ssh_config(5): ~, ${VAR} and the tokens of IdentityFile and IdentityAgent.
 */
#include "config.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "ssh/settings_priv.h"

enum { PATH_TEXT_MAX = 8192 };

static const struct passwd *
whoami(void)
{
	/* Asked once: with names from a directory service each question could take a while. */
	static struct passwd *pw;
	static bool is_asked;

	if (!is_asked) {
		const struct passwd *found = getpwuid(getuid());

		is_asked = true;
		if (found != NULL) {
			static struct passwd copy;

			copy.pw_name = xstrdup(found->pw_name);
			copy.pw_dir = xstrdup(found->pw_dir);
			pw = &copy;
		}
	}
	return pw;
}

const char *
settings_home(void)
{
	return whoami() != NULL ? whoami()->pw_dir : "";
}

const char *
settings_user(void)
{
	return whoami() != NULL ? whoami()->pw_name : "";
}

/* %l is the name as it is, %L up to its first dot. */
static void
add_local_host(struct buf *b, bool is_short)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof name - 1) < 0)
		name[0] = '\0';
	if (is_short)
		name[strcspn(name, ".")] = '\0';
	buf_addstr(b, name);
}

static bool
add_token(struct buf *b, const struct ssh_settings *s, char token)
{
	switch (token) {
	case '%':
		buf_addch(b, '%');
		return true;
	case 'd':
		buf_addstr(b, settings_home());
		return *settings_home() != '\0';
	case 'u':
		buf_addstr(b, settings_user());
		return *settings_user() != '\0';
	case 'i':
		buf_printf(b, "%lu", (unsigned long)getuid());
		return true;
	case 'h':
		buf_addstr(b, s->hostname);
		return true;
	case 'n':
		buf_addstr(b, s->host);
		return true;
	case 'k':
		buf_addstr(b, s->host_key_alias != NULL ? s->host_key_alias : s->host);
		return true;
	case 'p':
		buf_printf(b, "%u", s->port);
		return true;
	case 'r':
		buf_addstr(b, s->user);
		return true;
	case 'l':
	case 'L':
		add_local_host(b, token == 'L');
		return true;
	default:
		/* %C and %j differ between versions of ssh. */
		return false;
	}
}

/* p is behind "${". Returns what follows the closing brace; NULL: no such variable. */
static const char *
add_variable(struct buf *b, const char *p)
{
	size_t n = strcspn(p, "}");
	char name[128];
	const char *value;

	if (p[n] != '}' || n == 0 || n >= sizeof name)
		return NULL;
	memcpy(name, p, n);
	name[n] = '\0';
	value = getenv(name);
	if (value == NULL)
		return NULL;
	buf_addstr(b, value);
	return p + n + 1;
}

static bool
expand(struct buf *b, const struct ssh_settings *s, const char *p)
{
	if (*p == '~') {
		if ((p[1] != '/' && p[1] != '\0') || *settings_home() == '\0')
			return false;
		buf_addstr(b, settings_home());
		p++;
	}
	while (*p != '\0') {
		if (*p == '%') {
			if (!add_token(b, s, p[1]))
				return false;
			p += 2;
		} else if (p[0] == '$' && p[1] == '{') {
			p = add_variable(b, p + 2);
			if (p == NULL)
				return false;
		} else
			buf_addch(b, *p++);
	}
	return !b->is_over;
}

char *
settings_path_expand(const struct ssh_settings *s, const char *path)
{
	struct buf b;
	char *text = NULL;

	buf_init(&b, PATH_TEXT_MAX);
	if (expand(&b, s, path))
		text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}
