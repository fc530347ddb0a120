/*
 * Every form a secret may take is listed when it is added; text is searched for all of them in one pass: a bit per first two bytes decides for nearly
 * every position, then a hash of the first four bytes leads to the few forms that begin so.
 */
#include "config.h"

#include "base/secrets.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/str.h"
#include "base/xalloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif

enum {
	FORM_MIN = 4,			/* bytes */
	LINE_MIN = 16,			/* of a value of several lines: shorter ones are ordinary text */
	SECRET_MAX = 64 * 1024,
	BUCKETS = 1024,
};

struct form {
	struct form *next;		/* in its bucket, longest first */
	const struct secret *secret;
	size_t len;
	char bytes[];
};

struct secret {
	struct secret *next;
	char *name, *value;
	size_t len;
};

static struct {
	pthread_mutex_t lock;
	struct secret *secrets;
	size_t n, longest;
	uint64_t begins[65536 / 64];	/* a bit for the first two bytes of each form */
	struct form *buckets[BUCKETS];
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- the table -------------------------------------------------------------------------------- */

static unsigned
first_two(const char *s)
{
	return (unsigned)(unsigned char)s[0] << 8 | (unsigned char)s[1];
}

static unsigned
bucket_of(const char *s)
{
	uint32_t v;

	memcpy(&v, s, sizeof v);
	return (v * 2654435761u) >> 22;
}

static void
form_add(const struct secret *secret, const char *bytes, size_t len)
{
	struct form **at, *f;

	if (len < FORM_MIN)
		return;
	at = &known.buckets[bucket_of(bytes)];
	while (*at != NULL && (*at)->len >= len) {
		if ((*at)->len == len && memcmp((*at)->bytes, bytes, len) == 0)
			return;
		at = &(*at)->next;
	}
	f = xmalloc(sizeof *f + len);
	f->secret = secret;
	f->len = len;
	memcpy(f->bytes, bytes, len);
	f->next = *at;
	*at = f;
	known.begins[first_two(bytes) / 64] |= UINT64_C(1) << first_two(bytes) % 64;
	if (len > known.longest)
		known.longest = len;
}

/* The longest form that stands at s, or NULL. */
static const struct form *
form_at(const char *s, size_t len)
{
	if (len < FORM_MIN || (known.begins[first_two(s) / 64] >> first_two(s) % 64 & 1) == 0)
		return NULL;
	for (const struct form *f = known.buckets[bucket_of(s)]; f != NULL; f = f->next)
		if (f->len <= len && memcmp(f->bytes, s, f->len) == 0)
			return f;
	return NULL;
}

/* --- forms ------------------------------------------------------------------------------------ */

enum json_style { JSON_UTF8, JSON_UTF8_SLASH, JSON_UTF8_HTML /* Go's */, JSON_ASCII_LOWER, JSON_ASCII_UPPER, JSON_STYLES };

static void
json_unit(struct buf *b, unsigned unit, enum json_style style)
{
	buf_printf(b, style == JSON_ASCII_UPPER ? "\\u%04X" : "\\u%04x", unit);
}

static void
json_cp(struct buf *b, const char *s, size_t n, uint32_t cp, enum json_style style)
{
	if (cp == '"' || cp == '\\' || (cp == '/' && style == JSON_UTF8_SLASH))
		buf_printf(b, "\\%c", (char)cp);
	else if (cp == '\n' || cp == '\t')
		buf_addstr(b, cp == '\n' ? "\\n" : "\\t");
	else if (style == JSON_UTF8_HTML && (cp == '<' || cp == '>' || cp == '&'))
		json_unit(b, cp, style);
	else if (cp < 0x80 || style == JSON_UTF8 || style == JSON_UTF8_SLASH || style == JSON_UTF8_HTML)
		buf_add(b, s, n);
	else if (cp < 0x10000)
		json_unit(b, cp, style);
	else {
		json_unit(b, 0xd800 + ((cp - 0x10000) >> 10), style);
		json_unit(b, 0xdc00 + ((cp - 0x10000) & 0x3ff), style);
	}
}

static void
add_json(const struct secret *s, struct buf *b)
{
	for (enum json_style style = 0; style < JSON_STYLES; style++) {
		buf_reset(b);
		for (size_t i = 0, n; i < s->len; i += n) {
			uint32_t cp = 0x20;

			n = utf8_decode(s->value + i, s->len - i, &cp);
			if (n == 0)
				n = 1;
			json_cp(b, s->value + i, n, cp, style);
		}
		form_add(s, b->data, b->len);
	}
}

/* Within single quotes, as `set -x` shows it and as we send it. */
static void
add_shell(const struct secret *s, struct buf *b)
{
	buf_reset(b);
	for (size_t i = 0; i < s->len; i++) {
		if (s->value[i] == '\'')
			buf_addstr(b, "'\\''");
		else
			buf_addch(b, s->value[i]);
	}
	form_add(s, b->data, b->len);
}

/* kept: what stands for itself beside letters, digits and "-._~" (RFC 3986, 2.3). */
static void
add_percent(const struct secret *s, struct buf *b, const char *kept, bool is_upper, bool is_plus)
{
	buf_reset(b);
	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->value[i];

		if (c == ' ' && is_plus)
			buf_addch(b, '+');
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL ||
		    strchr(kept, c) != NULL)
			buf_addch(b, (char)c);
		else
			buf_printf(b, is_upper ? "%%%02X" : "%%%02x", c);
	}
	form_add(s, b->data, b->len);
}

static void
add_url(const struct secret *s, struct buf *b)
{
	for (int i = 0; i < 4; i++) {
		add_percent(s, b, "", i & 1, i & 2);		/* one part */
		add_percent(s, b, "!$&'()*+,;=:@/?", i & 1, i & 2);	/* as it may stand in a path or query */
	}
}

/* The characters that the value alone decides, `before` bytes into a group of three: those which hold bits of its neighbours are left out. */
static void
add_base64_at(const struct secret *s, struct buf *b, unsigned before, const char *alphabet)
{
	size_t bits = (before + s->len) * 8;

	buf_reset(b);
	for (size_t at = (before * 8 + 5) / 6 * 6; at + 6 <= bits; at += 6) {
		size_t i = at / 8 - before;
		unsigned two = (unsigned)(unsigned char)s->value[i] << 8;

		if (i + 1 < s->len)
			two |= (unsigned char)s->value[i + 1];
		buf_addch(b, alphabet[two >> (10 - at % 8) & 63]);
	}
	form_add(s, b->data, b->len);
}

static void
add_base64(const struct secret *s, struct buf *b)
{
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for (unsigned before = 0; before < 3; before++) {
		add_base64_at(s, b, before, LETTERS "+/");
		add_base64_at(s, b, before, LETTERS "-_");
	}
#undef LETTERS
}

/* A key of several lines may be shown line by line. */
static void
add_lines(const struct secret *s)
{
	const char *at = s->value, *end = s->value + s->len;

	if (memchr(at, '\n', s->len) == NULL)
		return;
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((nl != NULL ? nl : end) - at);

		if (len >= LINE_MIN && memcmp(at, "-----", 5) != 0)
			form_add(s, at, len);
		at += len + 1;
	}
}

static void
add_forms(const struct secret *s)
{
	struct buf b;

	buf_init(&b, (size_t)SECRET_MAX * 6 + 1);
	form_add(s, s->value, s->len);
	add_lines(s);
	add_json(s, &b);
	add_shell(s, &b);
	add_url(s, &b);
	add_base64(s, &b);
	explicit_bzero(b.data, b.cap);
	buf_done(&b);
}

/* --- public ----------------------------------------------------------------------------------- */

/* No core file, and nobody of the same user looks into our memory. Sanitizers look into it themselves. */
static void
dumps_off(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef WITH_ASAN
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int
check(const char *name, const char *value, size_t len, struct err *err)
{
	char shown[100];

	str_escape_to(shown, sizeof shown, name);
	if (len < FORM_MIN)
		return err_set(err, ERR_INVALID, "secret %s: has fewer than %d bytes, too few to be hidden from output; use a longer one", shown, FORM_MIN);
	if (len > SECRET_MAX)
		return err_set(err, ERR_INVALID, "secret %s: has more than %d bytes", shown, SECRET_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			return err_set(err, ERR_INVALID, "secret %s: has a control character (0x%02x) at byte %zu; is it a binary file?", shown, c, i + 1);
	}
	return 0;
}

static bool
is_known(const char *value, size_t len)
{
	for (const struct secret *s = known.secrets; s != NULL; s = s->next)
		if (s->len == len && memcmp(s->value, value, len) == 0)
			return true;
	return false;
}

int
secrets_add(const char *name, const char *value, size_t len, struct err *err)
{
	int r = check(name, value, len, err);
	struct secret *s;

	if (r < 0)
		return r;
	pthread_mutex_lock(&known.lock);
	if (!is_known(value, len)) {
		char shown[100];

		if (known.n++ == 0)
			dumps_off();
		s = xcalloc(1, sizeof *s);
		s->name = xstrdup(str_escape_to(shown, sizeof shown, name));
		s->value = xmalloc(len);
		memcpy(s->value, value, len);
		s->len = len;
		s->next = known.secrets;
		known.secrets = s;
		add_forms(s);
	}
	pthread_mutex_unlock(&known.lock);
	return 0;
}

size_t
secrets_count(void)
{
	size_t n;

	pthread_mutex_lock(&known.lock);
	n = known.n;
	pthread_mutex_unlock(&known.lock);
	return n;
}

size_t
secrets_longest(void)
{
	size_t n;

	pthread_mutex_lock(&known.lock);
	n = known.longest;
	pthread_mutex_unlock(&known.lock);
	return n;
}

/* Where the form that begins at `at` ends, with all that overlap it: half of a second secret would be left otherwise. */
static size_t
covered(const char *bytes, size_t len, size_t at, size_t end)
{
	for (size_t i = at + 1; i < end; i++) {
		const struct form *f = form_at(bytes + i, len - i);

		if (f != NULL && i + f->len > end)
			end = i + f->len;
	}
	return end;
}

static int
mask(struct buf *b, const char *bytes, size_t len)
{
	size_t clean = 0;		/* from here on nothing has been written yet */

	for (size_t i = 0; i + FORM_MIN <= len; ) {
		const struct form *f = form_at(bytes + i, len - i);

		if (f == NULL) {
			i++;
			continue;
		}
		if (buf_add(b, bytes + clean, i - clean) < 0 || buf_printf(b, "[secret %s]", f->secret->name) < 0)
			return ERR_LIMIT;
		i = clean = covered(bytes, len, i, i + f->len);
	}
	return buf_add(b, bytes + clean, len - clean);
}

int
secrets_mask(struct buf *b, const char *bytes, size_t len)
{
	int r;

	pthread_mutex_lock(&known.lock);
	r = known.n == 0 ? buf_add(b, bytes, len) : mask(b, bytes, len);
	pthread_mutex_unlock(&known.lock);
	return r;
}

bool
secrets_found(const char *bytes, size_t len)
{
	bool is_found = false;

	pthread_mutex_lock(&known.lock);
	for (size_t i = 0; known.n > 0 && !is_found && i + FORM_MIN <= len; i++)
		is_found = form_at(bytes + i, len - i) != NULL;
	pthread_mutex_unlock(&known.lock);
	return is_found;
}

static void
buckets_wipe(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (known.buckets[i] != NULL) {
			struct form *f = known.buckets[i];

			known.buckets[i] = f->next;
			explicit_bzero(f->bytes, f->len);
			free(f);
		}
}

void
secrets_wipe(void)
{
	pthread_mutex_lock(&known.lock);
	buckets_wipe();
	while (known.secrets != NULL) {
		struct secret *s = known.secrets;

		known.secrets = s->next;
		explicit_bzero(s->value, s->len);
		free(s->value);
		free(s->name);
		free(s);
	}
	memset(known.begins, 0, sizeof known.begins);
	known.n = known.longest = 0;
	pthread_mutex_unlock(&known.lock);
}
