/*
 * Identity files as they lie on disk: which are there, and which need more than our transport can do.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/agent_file.h"
#include "ssh/settings_priv.h"

static bool
is_there(const char *path, const char *suffix)
{
	char *full = xasprintf("%s%s", path, suffix);
	struct stat st;
	bool r = stat(full, &st) == 0 && S_ISREG(st.st_mode);

	free(full);
	return r;
}

static size_t
sort_existing(char **files)
{
	size_t n_there = 0;

	for (size_t i = 0; files[i] != NULL; i++) {
		char *path = files[i];

		if (!is_there(path, "") && !is_there(path, ".pub"))
			continue;
		memmove(&files[n_there + 1], &files[n_there], (i - n_there) * sizeof *files);
		files[n_there++] = path;
	}
	return n_there;
}

/* A file that cannot be read now may turn out to be usable. */
static bool
is_useless(const char *path, char *type, size_t size)
{
	struct agent_file f;
	bool r;

	if (!agent_file_read(path, &f))
		return false;
	r = *f.type != '\0' && !ssh_key_is_usable(f.type);
	snprintf(type, size, "%s", f.type);
	agent_file_done(&f);
	return r;
}

static bool
has_agent(const struct ssh_settings *s)
{
	if (s->identities_only)
		return false;
	return s->identity_agent != NULL ? strcmp(s->identity_agent, "none") != 0 : getenv("SSH_AUTH_SOCK") != NULL;
}

void
settings_identities_finish(struct ssh_settings *s, struct buf *why)
{
	size_t n_there = sort_existing(s->identity_files), n_useless = 0;
	char shown[200], type[64] = "";

	for (size_t i = 0; i < n_there; i++) {
		if (is_there(s->identity_files[i], "-cert.pub"))
			settings_why_add(why, "there is a certificate %s-cert.pub", str_escape_to(shown, sizeof shown, s->identity_files[i]));
		n_useless += is_useless(s->identity_files[i], type, sizeof type);
	}
	/* An agent may hold others: whoever has asked it decides then, with ssh_key_is_usable(). */
	if (n_there > 0 && n_useless == n_there && !has_agent(s))
		settings_why_add(why, "libssh2 cannot sign with %s, a key of type %s", str_escape_to(shown, sizeof shown, s->identity_files[n_there - 1]), type);
}
