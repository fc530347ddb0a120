#include "config.h"

#include "base/state.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

static const char *
home(void)
{
	const char *h = getenv("HOME");
	const struct passwd *pw;

	if (h != NULL && h[0] == '/')
		return h;
	pw = getpwuid(getuid());
	return pw != NULL ? pw->pw_dir : "/";
}

char *
state_dir(void)
{
	const char *state = getenv("XDG_STATE_HOME");

	if (state != NULL && state[0] == '/')
		return xasprintf("%s/opsconsole", state);
	return xasprintf("%s/.local/state/opsconsole", home());
}

char *
state_path(const char *name)
{
	char *dir = state_dir(), *path = xasprintf("%s/%s", dir, name);

	free(dir);
	return path;
}
