/*
 * Every keyword that `ssh -G` may print, and what it means for our transport. What is not in this table selects the system's ssh.
 *
 * A test holds it against the ssh -G of the machine: no keyword unknown, no default that would need the system's ssh.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "ssh/settings_priv.h"

#define USED(title) { title, SETTING_USED, NULL }
#define HARMLESS(title) { title, SETTING_HARMLESS, NULL }
#define OPENSSH(title, usual) { title, SETTING_OPENSSH, usual }

static const struct setting settings[] = {
	USED("Host"), USED("Hostname"), USED("User"), USED("Port"), USED("HostKeyAlias"), USED("ProxyJump"), USED("AddressFamily"),
	USED("IdentityFile"), USED("IdentitiesOnly"), USED("IdentityAgent"), USED("UserKnownHostsFile"), USED("GlobalKnownHostsFile"),
	USED("StrictHostKeyChecking"), USED("ConnectTimeout"), USED("ServerAliveInterval"), USED("ServerAliveCountMax"), USED("HostKeyAlgorithms"),
	USED("KexAlgorithms"), USED("Ciphers"), USED("MACs"), USED("PubkeyAcceptedAlgorithms"), USED("PubkeyAcceptedKeyTypes"),
	USED("HashKnownHosts"),

	/* Another way to the host, or from it. */
	OPENSSH("ProxyCommand", "none"), OPENSSH("BindAddress", NULL), OPENSSH("BindInterface", NULL),
	/* Another way to prove who we are. */
	OPENSSH("CertificateFile", "none"), OPENSSH("PKCS11Provider", "none"), OPENSSH("HostbasedAuthentication", "no|false"),
	OPENSSH("PubkeyAuthentication", "true|yes|unbound|host-bound"), OPENSSH("GSSAPIKeyExchange", "no|false"),
	/* Another way for the host to do so. */
	OPENSSH("KnownHostsCommand", "none"), OPENSSH("RevokedHostKeys", "none"), OPENSSH("VerifyHostKeyDNS", "no|false|ask"),
	OPENSSH("RequiredRSASize", "1024"),
	/* What the command on the host would see. */
	OPENSSH("SetEnv", NULL), OPENSSH("SendEnv", "LANG|LANGUAGE|LC_*|LC_ALL|LC_CTYPE|LC_MESSAGES|TERM|COLORTERM|NO_COLOR"),
	/* Policy of the connection. */
	OPENSSH("RekeyLimit", "0 0"), OPENSSH("ChannelTimeout", "none"), OPENSSH("RefuseConnection", "none"),

	/* Host keys are checked always, against known_hosts, and nobody is asked. */
	HARMLESS("CheckHostIP"), HARMLESS("NoHostAuthenticationForLocalhost"), HARMLESS("UpdateHostKeys"), HARMLESS("VisualHostKey"),
	HARMLESS("FingerprintHash"), HARMLESS("BatchMode"), HARMLESS("NumberOfPasswordPrompts"), HARMLESS("PasswordAuthentication"),
	HARMLESS("KbdInteractiveAuthentication"), HARMLESS("KbdInteractiveDevices"), HARMLESS("ChallengeResponseAuthentication"),
	HARMLESS("PreferredAuthentications"),
	/* Debian's default has GSSAPI on, beside keys; here keys alone are tried. */
	HARMLESS("GSSAPIAuthentication"), HARMLESS("GSSAPIDelegateCredentials"), HARMLESS("GSSAPITrustDns"), HARMLESS("GSSAPIRenewalForcesRekey"),
	HARMLESS("GSSAPIKexAlgorithms"), HARMLESS("GSSAPIClientIdentity"), HARMLESS("GSSAPIServerIdentity"), HARMLESS("EnableSSHKeysign"),
	HARMLESS("HostbasedAcceptedAlgorithms"), HARMLESS("CASignatureAlgorithms"), HARMLESS("SecurityKeyProvider"), HARMLESS("AddKeysToAgent"),
	/* ssh -G has done it by the time it answers. */
	HARMLESS("CanonicalizeHostname"), HARMLESS("CanonicalizeFallbackLocal"), HARMLESS("CanonicalizeMaxDots"), HARMLESS("CanonicalDomains"),
	HARMLESS("CanonicalizePermittedCNAMEs"), HARMLESS("IgnoreUnknown"), HARMLESS("Tag"), HARMLESS("Include"),
	/* Nothing is forwarded, ever. */
	HARMLESS("ClearAllForwardings"), HARMLESS("ExitOnForwardFailure"), HARMLESS("ForwardAgent"), HARMLESS("ForwardX11"),
	HARMLESS("ForwardX11Trusted"), HARMLESS("ForwardX11Timeout"), HARMLESS("XAuthLocation"), HARMLESS("GatewayPorts"),
	HARMLESS("LocalForward"), HARMLESS("RemoteForward"), HARMLESS("DynamicForward"), HARMLESS("PermitRemoteOpen"),
	HARMLESS("StreamLocalBindMask"), HARMLESS("StreamLocalBindUnlink"), HARMLESS("Tunnel"), HARMLESS("TunnelDevice"),
	/* One command, no terminal, no local one: as the caller says. */
	HARMLESS("RequestTTY"), HARMLESS("SessionType"), HARMLESS("StdinNull"), HARMLESS("ForkAfterAuthentication"), HARMLESS("RemoteCommand"),
	HARMLESS("LocalCommand"), HARMLESS("PermitLocalCommand"), HARMLESS("EscapeChar"), HARMLESS("EnableEscapeCommandline"),
	/* Connections are kept and reused by ourselves. */
	HARMLESS("ControlMaster"), HARMLESS("ControlPath"), HARMLESS("ControlPersist"), HARMLESS("ConnectionAttempts"),
	/* Speed and logs. */
	HARMLESS("Compression"), HARMLESS("IPQoS"), HARMLESS("TCPKeepAlive"), HARMLESS("ObscureKeystrokeTiming"), HARMLESS("LogLevel"),
	HARMLESS("LogVerbose"), HARMLESS("SyslogFacility"), HARMLESS("WarnWeakCrypto"), HARMLESS("VersionAddendum"), HARMLESS("ProxyUseFdpass"),
};

const struct setting *
setting_find(const char *keyword)
{
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (strcasecmp(settings[i].title, keyword) == 0)
			return &settings[i];
	return NULL;
}

/* value is one of the words between '|'. */
static bool
is_one_of(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (;;) {
		size_t n = strcspn(words, "|");

		if (n == len && strncasecmp(words, value, n) == 0)
			return true;
		if (words[n] == '\0')
			return false;
		words += n + 1;
	}
}

bool
setting_is_usual(const struct setting *s, const char *value)
{
	return s->class != SETTING_OPENSSH || (s->usual != NULL && is_one_of(s->usual, value));
}
