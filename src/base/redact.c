#include "config.h"

#include "base/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { PATTERNS_MAX = 100, MATCH_LIMIT = 100000, PATTERN_MAX = 4096 };

struct pattern {
	char *name;
	pcre2_code *code;
	bool is_jit, has_group;
	const char *const *needs;	/* built-in: one of these is in every text that matches, case ignored; ends with NULL. NULL: not known */
};
struct redact {
	size_t n;
	struct pattern v[PATTERNS_MAX];
	pcre2_match_context *match;
	uint64_t salt;
};

/*
 * Names may be part of longer ones (DB_PASSWORD, x-api-key), and stand in JSON ("password":"x"), in escaped JSON (\"password\":\"x\"), in YAML, in a query or a command line.
 * A value in quotes ends at the quote, another at a blank or what separates values.
 */
#define IS "\\\\?[\"']?\\s{0,4}(?:=>|[=:])\\s{0,4}"
#define VALUE "(?!\\\\?[\"']?\\[redacted )(?|\\\\\"((?>[^\"\\\\]+|\\\\(?!\"))+)|\"((?>[^\"\\\\]+|\\\\.)+)|'((?>[^'\\\\]+|\\\\.)+)" \
	"|((?>[^\\s\"'&,;}\\])<>]+|[,;](?!\\s|$|[\\w.-]{1,40}[\"']?[=:]))+))"

static const char *const password_words[] = { "passw", "pwd", "passphrase", NULL };
static const char *const token_words[] = { "token", NULL };
static const char *const secret_words[] = { "secret", NULL };
static const char *const key_words[] = { "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey", "private_key", "private-key", "privatekey", NULL };
static const char *const authorization_words[] = { "authorization", NULL };
static const char *const cookie_words[] = { "cookie", NULL };
static const char *const bearer_words[] = { "bearer", NULL };
static const char *const jwt_words[] = { "eyj", NULL };
static const char *const block_words[] = { "private key", NULL };
static const char *const aws_words[] = { "akia", "asia", NULL };
static const char *const url_words[] = { "://", ":\\/\\/", NULL };
static const char *const github_words[] = { "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk-", NULL };

static const struct {
	const char *name, *pattern;
	const char *const *needs;
} builtins[] = {
	{ "private key", "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\\z)", block_words },
	{ "authorization", "(?i)authorization" IS "(?|\\\\?[\"']([^\"'\\\\\\r\\n]+)|((?:digest|aws4-hmac-sha256|negotiate|ntlm)\\s[^\\r\\n]*)"
	    "|((?:(?:basic|bearer|apikey|token)\\s+)?[^\\s\"'&;}\\])]+))", authorization_words },
	{ "cookie", "(?i)\\b(?:set-)?cookie" IS "\\\\?[\"']?([^\\s\"'\\\\][^\"'\\r\\n\\\\]*)", cookie_words },
	{ "credentials", "[a-zA-Z][a-zA-Z0-9+.-]{1,20}:(?:\\\\?/){2}[^\\s/?#:@]{0,256}:([^\\s/?#@][^\\s/?#]{0,1024})@", url_words },
	{ "password", "(?i)(?:passw(?:or)?d|passphrase|pwd(?=[^=:]{0,3}[=:]\\s{0,4}[^/\\s]))"
	    "(?:s|[_-]?\\d+|[_-]?(?:hash|old|new|confirm(?:ation)?|value|text))?" IS VALUE,
	    password_words },
	{ "secret", "(?i)secret(?:s|[_-]?\\d+|[_-]?(?:access[_-]?)?(?:key|value|text|id))?" IS VALUE, secret_words },
	{ "token", "(?i)token" IS VALUE, token_words },
	{ "key", "(?i)(?:api|access|private)[_-]?key(?:[_-]?id)?" IS VALUE, key_words },
	{ "bearer", "(?i)\\bbearer\\s+([A-Za-z0-9._~+/-]{8,}=*)", bearer_words },
	{ "jwt", "\\beyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{4,}\\.[A-Za-z0-9_-]*", jwt_words },
	{ "aws key", "\\b(?:AKIA|ASIA)[0-9A-Z]{16}\\b", aws_words },
	{ "service token", "\\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,})", github_words },
};

/* --- patterns ------------------------------------------------------------------------------------------------------------------ */

static bool
is_bytes(const char *pattern)
{
	for (const char *p = pattern; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return strstr(pattern, "(*UTF") == NULL;
}

static int
add(struct redact *r, const char *name, const char *pattern, const char *const *needs, struct err *err)
{
	struct pattern *p = &r->v[r->n];
	PCRE2_UCHAR text[200];
	PCRE2_SIZE at = 0;
	int code = 0;
	uint32_t groups = 0;
	char shown[240], shown_name[80];

	if (r->n == PATTERNS_MAX)
		return err_set(err, ERR_INVALID, "more than %d patterns", PATTERNS_MAX);
	if (strlen(pattern) > PATTERN_MAX)
		return err_set(err, ERR_INVALID, "redact: %s: longer than %d bytes", str_escape_to(shown_name, sizeof shown_name, name), PATTERN_MAX);
	/* Bytes, unless other letters are named: what is a value must not end where something is no UTF-8. */
	p->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_BACKSLASH_C | (is_bytes(pattern) ? PCRE2_NEVER_UTF : PCRE2_UTF | PCRE2_MATCH_INVALID_UTF), &code, &at, NULL);
	if (p->code == NULL) {
		pcre2_get_error_message(code, text, sizeof text);
		return err_set(err, ERR_INVALID, "redact: %s: %s, at its character %zu", str_escape_to(shown_name, sizeof shown_name, name),
		    str_escape_to(shown, sizeof shown, (const char *)text), (size_t)at + 1);
	}
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	p->is_jit = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
	p->has_group = groups > 0;
	p->name = xstrdup(name);
	p->needs = needs;
	r->n++;
	return 0;
}

struct redact *
redact_new(bool with_builtin)
{
	struct redact *r = xcalloc(1, sizeof *r);

	r->match = pcre2_match_context_create(NULL);
	if (getentropy(&r->salt, sizeof r->salt) < 0)
		abort();
	pcre2_set_match_limit(r->match, MATCH_LIMIT);
	for (size_t i = 0; with_builtin && i < sizeof builtins / sizeof builtins[0]; i++) {
		struct err err = ERR_INIT;

		/* The tests compile every one of them; without one of them nothing may be shown. */
		if (add(r, builtins[i].name, builtins[i].pattern, builtins[i].needs, &err) < 0)
			abort();
	}
	return r;
}

void
redact_free(struct redact *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		pcre2_code_free(r->v[i].code);
		free(r->v[i].name);
	}
	pcre2_match_context_free(r->match);
	free(r);
}

int
redact_add(struct redact *r, const char *name, const char *pattern, struct err *err)
{
	return add(r, name, pattern, NULL, err);
}

/* --- texts ---------------------------------------------------------------------------------------------------------------------- */

/* Which pairs of characters, case ignored, the text has: a word of which one pair is missing is not in it. One pass for all patterns. */
struct pairs {
	uint64_t bits[33];		/* by the first of a pair, a bit for the second */
};

/* 0 for all that is in no word. */
static const unsigned char symbols[256] = {
	['a'] = 1, ['b'] = 2, ['c'] = 3, ['d'] = 4, ['e'] = 5, ['f'] = 6, ['g'] = 7, ['h'] = 8, ['i'] = 9, ['j'] = 10, ['k'] = 11, ['l'] = 12, ['m'] = 13, ['n'] = 14,
	['o'] = 15, ['p'] = 16, ['q'] = 17, ['r'] = 18, ['s'] = 19, ['t'] = 20, ['u'] = 21, ['v'] = 22, ['w'] = 23, ['x'] = 24, ['y'] = 25, ['z'] = 26,
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26,
	['_'] = 27, ['-'] = 28, [':'] = 29, ['/'] = 30, [' '] = 31, ['\\'] = 32,
};

static void
pairs_init(struct pairs *p, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned before = 0;

	memset(p, 0, sizeof *p);
	for (size_t i = 0; i < len; i++) {
		unsigned symbol = symbols[s[i]];

		p->bits[before] |= UINT64_C(1) << symbol;
		before = symbol;
	}
}

static bool
may_have(const struct pairs *p, const char *word)
{
	for (; word[1] != '\0'; word++)
		if ((p->bits[symbols[(unsigned char)word[0]]] >> symbols[(unsigned char)word[1]] & 1) == 0)
			return false;
	return true;
}

static bool
may_match(const struct pattern *p, const struct pairs *pairs)
{
	if (p->needs == NULL)
		return true;
	for (size_t i = 0; p->needs[i] != NULL; i++)
		if (may_have(pairs, p->needs[i]))
			return true;
	return false;
}

static int
match(const struct redact *r, const struct pattern *p, const char *text, size_t len, size_t from, pcre2_match_data *data)
{
	if (p->is_jit)
		return pcre2_jit_match(p->code, (PCRE2_SPTR)text, len, from, PCRE2_NOTEMPTY, data, r->match);
	return pcre2_match(p->code, (PCRE2_SPTR)text, len, from, PCRE2_NOTEMPTY, data, r->match);
}

/* The part of the match that is replaced. */
static void
part_of(const struct pattern *p, pcre2_match_data *data, int groups, size_t *ret_start, size_t *ret_end)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
	int group = p->has_group && groups != 1 && at[2] != PCRE2_UNSET && at[2] < at[3] ? 1 : 0;

	*ret_start = at[2 * group];
	*ret_end = at[2 * group + 1];
	/* \K can put the start behind the end. */
	if (*ret_start > *ret_end)
		*ret_start = *ret_end;
}

/* One pattern over the text. 0: nothing, b untouched; 1: the redacted text is in b; below 0: it costs too much. */
static int
redact_one(const struct redact *r, const struct pattern *p, const char *text, size_t len, pcre2_match_data *data, struct buf *b)
{
	size_t pos = 0, kept = 0;
	int found = 0;

	while (pos <= len) {
		size_t start, end;
		int groups = match(r, p, text, len, pos, data);

		if (groups == PCRE2_ERROR_NOMATCH)
			break;
		if (groups < 0)
			return ERR_TIMEOUT;
		part_of(p, data, groups, &start, &end);
		/* What a group inside a look behind found may be gone already. */
		start = start > kept ? start : kept;
		if (end > start) {
			buf_add(b, text + kept, start - kept);
			buf_printf(b, "[redacted %s]", p->name);
			kept = end;
			found = 1;
		}
		pos = end > pos ? end : pos + 1;
	}
	if (found)
		buf_add(b, text + kept, len - kept);
	return found;
}

bool
redact_text(const struct redact *r, const char *text, size_t len, struct buf *b)
{
	pcre2_match_data *data = NULL;
	struct pairs pairs;
	struct buf v[2];
	bool is_any = false;
	int now = 0;

	if (r == NULL || r->n == 0)
		return false;
	pairs_init(&pairs, text, len);
	for (size_t i = 0; i < r->n; i++) {
		const struct pattern *p = &r->v[i];
		int result;

		if (!may_match(p, &pairs))
			continue;
		if (data == NULL) {
			data = pcre2_match_data_create(2, NULL);
			/* Each redaction may make the text longer by its name. */
			buf_init(&v[0], 8 * len + (1 << 16));
			buf_init(&v[1], 8 * len + (1 << 16));
		}
		buf_reset(&v[now]);
		result = redact_one(r, p, text, len, data, &v[now]);
		if (result < 0 || v[now].is_over) {
			buf_printf(b, "[redacted: %s took too long]", p->name);
			is_any = true;
			goto done;
		}
		if (result > 0) {
			text = v[now].data;
			len = v[now].len;
			now = !now;
			is_any = true;
		}
	}
	if (is_any)
		buf_add(b, text, len);
done:
	if (data != NULL) {
		pcre2_match_data_free(data);
		buf_done(&v[0]);
		buf_done(&v[1]);
	}
	return is_any;
}

uint64_t
redact_number(const struct redact *r, const char *text, size_t len)
{
	return str_hash(text, len, str_hash(&r->salt, sizeof r->salt, STR_HASH_SEED));
}
