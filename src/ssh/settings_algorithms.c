/*
 * What the libssh2 at hand can negotiate. Asked of the library and not written down: what 1.11 has learnt is then used without a change here.
 */
#include "config.h"

#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/settings_priv.h"

/* Its names of one method, with commas at both ends. "" when the library cannot say. */
static char *
library_list(LIBSSH2_SESSION *session, int method)
{
	const char **names = NULL;
	int n = session != NULL ? libssh2_session_supported_algs(session, method, &names) : 0;
	struct buf b;
	char *text;

	buf_init(&b, 16384);
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s%s,", i == 0 ? "," : "", names[i]);
	if (n > 0)
		libssh2_free(session, names);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static const char *
library_algorithms(int method)
{
	static struct { int method; char *names; } known[] = {
		{ LIBSSH2_METHOD_KEX, NULL }, { LIBSSH2_METHOD_HOSTKEY, NULL }, { LIBSSH2_METHOD_CRYPT_CS, NULL }, { LIBSSH2_METHOD_MAC_CS, NULL },
	};
	size_t n = sizeof known / sizeof *known;

	if (known[0].names == NULL) {
		LIBSSH2_SESSION *session = libssh2_session_init();

		for (size_t i = 0; i < n; i++)
			known[i].names = library_list(session, known[i].method);
		if (session != NULL)
			libssh2_session_free(session);
	}
	for (size_t i = 0; i < n; i++)
		if (known[i].method == method)
			return known[i].names;
	return "";
}

/* One of the names in list, which has commas, is among those the library has. */
static bool
has_common(const char *library, const char *list)
{
	for (;;) {
		size_t n = strcspn(list, ",");
		char *word = xasprintf(",%.*s,", (int)n, list);
		bool is_found = n > 0 && strstr(library, word) != NULL;

		free(word);
		if (is_found)
			return true;
		if (list[n] == '\0')
			return false;
		list += n + 1;
	}
}

static void
check(const char *title, int method, const char *list, struct buf *why)
{
	const char *library = library_algorithms(method);
	char shown[120];

	if (list == NULL || *library == '\0' || has_common(library, list))
		return;
	settings_why_add(why, "%s has nothing that libssh2 can do (%s)", title, str_escape_to(shown, sizeof shown, list));
}

void
settings_algorithms_check(const struct ssh_settings *s, struct buf *why)
{
	check("HostKeyAlgorithms", LIBSSH2_METHOD_HOSTKEY, s->host_key_algorithms, why);
	check("KexAlgorithms", LIBSSH2_METHOD_KEX, s->kex, why);
	check("Ciphers", LIBSSH2_METHOD_CRYPT_CS, s->ciphers, why);
	check("MACs", LIBSSH2_METHOD_MAC_CS, s->macs, why);
	/* It signs with the algorithms it verifies. */
	check("PubkeyAcceptedAlgorithms", LIBSSH2_METHOD_HOSTKEY, s->pubkey_algorithms, why);
}

bool
ssh_key_is_usable(const char *type)
{
	/* RSA: signatures with SHA-1 are refused by every server since OpenSSH 8.8, and ours asks the agent for no others. */
	if (strcmp(type, "ssh-rsa") == 0)
		return false;
	if (strncmp(type, "sk-", 3) == 0 || strstr(type, "-cert-v0") != NULL || strcmp(type, "ssh-dss") == 0)
		return false;
	return has_common(library_algorithms(LIBSSH2_METHOD_HOSTKEY), type);
}
