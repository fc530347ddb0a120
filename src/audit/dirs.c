/* Where the log and its head are, and who writes. */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/state.h"
#include "base/xalloc.h"

char *
audit_dir(const char *dir)
{
	return dir != NULL ? xstrdup(dir) : state_path("audit");
}

char *
audit_head_path(const char *head)
{
	return head != NULL ? xstrdup(head) : state_path("audit-head");
}

static void
find_tty(char *buf, size_t size)
{
	for (int fd = 0; fd <= 2; fd++)
		if (isatty(fd) && ttyname_r(fd, buf, size) == 0)
			return;
	buf[0] = '\0';
}

void
audit_actor_self(struct audit_actor *ret)
{
	static char user[64], host[65], tty[64], client[64];
	const struct passwd *pw = getpwuid(getuid());
	const char *from = getenv("SSH_CONNECTION");

	if (pw != NULL)
		snprintf(user, sizeof user, "%s", pw->pw_name);
	else
		snprintf(user, sizeof user, "%ld", (long)getuid());
	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	host[strcspn(host, ".")] = '\0';
	find_tty(tty, sizeof tty);
	snprintf(client, sizeof client, "%.*s", from == NULL ? 0 : (int)strcspn(from, " "), from == NULL ? "" : from);
	*ret = (struct audit_actor){ .user = user, .uid = (int64_t)getuid(), .host = host, .tty = tty, .client = client };
}
