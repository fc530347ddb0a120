/*
 * What ssh -G might say, any bytes; `J` first: a ProxyJump instead.
 *
 * Settings that are read have a host, a user and a port; a hop has no character that could mean something to a shell or begin an option; sentences
 * can be shown.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_text(const char *text)
{
	if (!utf8_is_valid(text, strlen(text)) || strpbrk(text, "\n\r\033") != NULL)
		die("a sentence that cannot be shown");
}

static void
check_hops(const char *text)
{
	struct ssh_hop hops[SSH_HOPS_MAX];
	struct err err = ERR_INIT;
	int n = ssh_hops_parse(text, hops, &err);

	if (n < 0 && n != err.code)
		die("result and error disagree");
	if (n > SSH_HOPS_MAX)
		die("too many");
	if (n < 0)
		check_text(err.msg);
	for (int i = 0; i < n; i++)
		if (*hops[i].host == '\0' || *hops[i].host == '-' || *hops[i].user == '-' || hops[i].port > 65535 ||
		    strpbrk(hops[i].host, " \t\n$`'\"\\;&<>|(){},@/") != NULL || strpbrk(hops[i].user, " \t\n`'\";&<>|(){}") != NULL)
			die("a hop that ssh would not take");
}

static void
check_settings(const char *text, size_t len)
{
	struct ssh_settings *s = NULL;
	struct err err = ERR_INIT;
	int r = ssh_settings_parse("h\033", text, len, &s, &err);

	if (r < 0) {
		if (r != err.code || s != NULL)
			die("result and error disagree");
		check_text(err.msg);
		return;
	}
	if (s->host == NULL || s->hostname == NULL || *s->hostname == '\0' || s->user == NULL || s->port == 0 || s->port > 65535)
		die("settings of no host");
	if (s->identity_files == NULL || s->user_known_hosts == NULL || s->global_known_hosts == NULL)
		die("a list is missing");
	if (s->connect_ns < 0)
		die("a timeout that overflows");
	if (s->why_openssh != NULL)
		check_text(s->why_openssh);
	if (s->proxy_command != NULL && s->why_openssh == NULL)
		die("a ProxyCommand that is passed over");
	ssh_settings_unref(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);

	if (size > 0 && data[0] == 'J')
		check_hops(text + 1);
	else
		check_settings((const char *)data, size);
	free(text);
	return 0;
}
