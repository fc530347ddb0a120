/*
 * Reading one line, strictly and without a tree: a hand-written scanner of exactly what audit_record_write() may write, in one pass.
 * The frame's members are compared where they must stand; the body's grammar is checked value by value.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record_priv.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/jread_text.h"
#include "base/xalloc.h"

enum {
	DEPTH_MAX = 40,		/* of arrays and objects within a record; the writer stops earlier */
	NAMES_MAX = 16384,	/* members of one object */
	SEQ_DIGITS = 18
};
#define HASH_KEY ",\"hash\":\""
enum { TAIL_LEN = sizeof HASH_KEY - 1 + AUDIT_HASH_HEX + 2 };

struct name {
	const char *text;
	size_t len;
};

struct scan {
	const char *begin, *p, *end;	/* end: where B ends */
	const char *expected;
	struct name *names;		/* of all objects that are open, innermost last */
	size_t n_names, cap_names;
	struct name first_names[64];	/* where they stand while they are few */
	const char *prev, *type;
	size_t type_len;
	uint64_t ref;			/* member "intent" or "act" of the body, when it is a whole number */
};

static void
scan_begin(struct scan *s, const char *line, const char *end)
{
	s->begin = s->p = line;
	s->end = end;
	s->expected = NULL;
	s->names = s->first_names;
	s->n_names = 0;
	s->cap_names = sizeof s->first_names / sizeof s->first_names[0];
	s->prev = s->type = NULL;
	s->type_len = 0;
	s->ref = 0;
}

static bool
fail(struct scan *s, const char *expected)
{
	if (s->expected == NULL)
		s->expected = expected;
	return false;
}

static bool
literal(struct scan *s, const char *text, size_t len)
{
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
		return fail(s, text);
	s->p += len;
	return true;
}
#define LITERAL(s, text) literal((s), (text), sizeof(text) - 1)

/* --- strings and numbers ----------------------------------------------------------------------------------------------------------------- */

/* Behind the opening quote; takes the closing one. */
static bool
string_rest(struct scan *s)
{
	for (;;) {
		struct jread_unit u;
		int n;

		s->p = jread_skip_plain(s->p, s->end);
		if (s->p == s->end)
			return fail(s, "the end of a string");
		if (*s->p == '"') {
			s->p++;
			return true;
		}
		n = jread_unit_read((const unsigned char *)s->p, (size_t)(s->end - s->p), &u);
		if (n <= 0)
			return fail(s, n < 0 ? u.expected : "the end of a string");
		s->p += n;
	}
}

static bool
string(struct scan *s)
{
	return LITERAL(s, "\"") && string_rest(s);
}

static bool
string_or_null(struct scan *s)
{
	if (s->p < s->end && *s->p == 'n')
		return LITERAL(s, "null");
	return string(s);
}

static size_t
digits(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && (unsigned char)(*s->p - '0') <= 9)
		s->p++;
	return (size_t)(s->p - from);
}

/* No sign, no leading zero; ret may be NULL. */
static bool
natural(struct scan *s, uint64_t *ret)
{
	const char *from = s->p;
	size_t n = digits(s);
	uint64_t v = 0;

	if (n == 0 || n > SEQ_DIGITS || (n > 1 && *from == '0')) {
		s->p = from;
		return fail(s, "a whole number of at most 18 digits");
	}
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(from[i] - '0');
	if (ret != NULL)
		*ret = v;
	return true;
}

static bool
number(struct scan *s)
{
	const char *from;

	if (s->p < s->end && *s->p == '-')
		s->p++;
	from = s->p;
	if (digits(s) == 0 || (s->p - from > 1 && *from == '0'))
		return fail(s, "a number");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (digits(s) == 0)
			return fail(s, "a digit");
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (digits(s) == 0)
			return fail(s, "a digit");
	}
	return true;
}

/* --- objects ------------------------------------------------------------------------------------------------------------------------------- */

static bool
names_grow(struct scan *s)
{
	struct name *more;

	if (s->n_names == NAMES_MAX)
		return fail(s, "fewer members");
	more = xreallocarray(s->names == s->first_names ? NULL : s->names, s->cap_names * 2, sizeof *more);
	if (s->names == s->first_names)
		memcpy(more, s->first_names, sizeof s->first_names);
	s->names = more;
	s->cap_names *= 2;
	return true;
}

static inline uint64_t
name_bit(const char *text, size_t len)
{
	unsigned char first = len > 0 ? (unsigned char)text[0] : 0, last = len > 0 ? (unsigned char)text[len - 1] : 0;

	return UINT64_C(1) << ((len * 7 + first * 5 + last * 3) & 63);
}

/* seen has a bit per name met, chosen by a weak hash: most names are new, and then none has to be compared. */
static bool
name_is_new(struct scan *s, size_t from, uint64_t *seen, const char *text, size_t len)
{
	uint64_t bit = name_bit(text, len);

	if (*seen & bit)
		for (size_t i = from; i < s->n_names; i++)
			if (s->names[i].len == len && memcmp(s->names[i].text, text, len) == 0)
				return fail(s, "a name that is not there already");
	*seen |= bit;
	if (s->n_names == s->cap_names && !names_grow(s))
		return false;
	s->names[s->n_names++] = (struct name){ text, len };
	return true;
}

/* "name": */
static bool
member_name(struct scan *s, size_t from, uint64_t *seen)
{
	const char *text;

	if (!LITERAL(s, "\""))
		return false;
	text = s->p;
	s->p = jread_skip_plain(s->p, s->end);
	if (s->p == s->end || *s->p != '"' || memchr(text, 0x7f, (size_t)(s->p - text)) != NULL)
		return fail(s, "a name of printable ASCII without escapes");
	if (!name_is_new(s, from, seen, text, (size_t)(s->p - text)))
		return false;
	s->p++;
	return LITERAL(s, ":");
}

static bool value(struct scan *s, unsigned depth);

static bool
object(struct scan *s, unsigned depth)
{
	size_t from = s->n_names;
	uint64_t seen = 0;

	s->p++;
	if (s->p < s->end && *s->p == '}') {
		s->p++;
		return true;
	}
	for (;;) {
		if (!member_name(s, from, &seen) || !value(s, depth + 1))
			return false;
		if (s->p == s->end || (*s->p != ',' && *s->p != '}'))
			return fail(s, "',' or '}'");
		if (*s->p++ == '}')
			break;
	}
	s->n_names = from;
	return true;
}

static bool
array(struct scan *s, unsigned depth)
{
	s->p++;
	if (s->p < s->end && *s->p == ']') {
		s->p++;
		return true;
	}
	for (;;) {
		if (!value(s, depth + 1))
			return false;
		if (s->p == s->end || (*s->p != ',' && *s->p != ']'))
			return fail(s, "',' or ']'");
		if (*s->p++ == ']')
			return true;
	}
}

static bool
value(struct scan *s, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return fail(s, "fewer levels of nesting");
	if (s->p == s->end)
		return fail(s, "a value");
	switch (*s->p) {
	case '"':
		s->p++;
		return string_rest(s);
	case '{':
		return object(s, depth);
	case '[':
		return array(s, depth);
	case 't':
		return LITERAL(s, "true");
	case 'f':
		return LITERAL(s, "false");
	case 'n':
		return LITERAL(s, "null");
	default:
		return number(s);
	}
}

/* --- the frame ------------------------------------------------------------------------------------------------------------------------------- */

static unsigned
two(const char *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

static int64_t
days_before(unsigned y, unsigned m, unsigned d)
{
	/* Counted from March, so that the leap day is the year's last. */
	unsigned yy = m <= 2 ? y - 1 : y, era = yy / 400, in_era = yy % 400;
	unsigned day = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	return (int64_t)era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + day - 719468;
}

bool
audit_time_read(const char *t, int64_t *ret_ns)
{
	static const char shape[] = "0000-00-00T00:00:00.000000000Z";
	static const unsigned char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned y, m, d, leap;
	int64_t ns = 0;

	for (size_t i = 0; i < AUDIT_TIME_LEN; i++)
		if (shape[i] == '0' ? (unsigned char)(t[i] - '0') > 9 : t[i] != shape[i])
			return false;
	y = two(t) * 100 + two(t + 2);
	m = two(t + 5);
	d = two(t + 8);
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (y < 1970 || y > 2261 || m < 1 || m > 12 || d < 1 || d > lengths[m - 1] + (m == 2 ? leap : 0) || two(t + 11) > 23 ||
	    two(t + 14) > 59 || two(t + 17) > 59)
		return false;
	for (size_t i = 20; i < 29; i++)
		ns = ns * 10 + (t[i] - '0');
	*ret_ns = (days_before(y, m, d) * 86400 + two(t + 11) * 3600 + two(t + 14) * 60 + two(t + 17)) * NS_PER_S + ns;
	return true;
}

static bool
is_hex(const char *p)
{
	unsigned bad = 0;

	for (size_t i = 0; i < AUDIT_HASH_HEX; i++) {
		unsigned char c = (unsigned char)p[i];

		bad |= !((unsigned char)(c - '0') <= 9) & !((unsigned char)(c - 'a') <= 5);
	}
	return bad == 0;
}

static bool
type_name(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && ((*s->p >= 'a' && *s->p <= 'z') || (*s->p == '-' && s->p > from)))
		s->p++;
	if (s->p == from || s->p - from > 31)
		return fail(s, "a type of 1 to 31 small letters and '-'");
	s->type = from;
	s->type_len = (size_t)(s->p - from);
	return true;
}

static bool
actor(struct scan *s)
{
	if (!LITERAL(s, "{\"user\":") || !string(s) || !LITERAL(s, ",\"uid\":"))
		return false;
	if (s->p < s->end && *s->p == '-')
		s->p++;
	return natural(s, NULL) && LITERAL(s, ",\"host\":") && string(s) && LITERAL(s, ",\"tty\":") && string(s) &&
	    LITERAL(s, ",\"client\":") && string(s) && LITERAL(s, "}");
}

static bool
frame(struct scan *s, uint64_t *ret_seq, int64_t *ret_ns)
{
	if (!LITERAL(s, "{\"seq\":") || !natural(s, ret_seq))
		return false;
	if (*ret_seq == 0)
		return fail(s, "a seq from 1");
	if (!LITERAL(s, ",\"time\":\""))
		return false;
	if (s->end - s->p < AUDIT_TIME_LEN || !audit_time_read(s->p, ret_ns))
		return fail(s, "a time such as 2030-01-01T00:00:00.000000000Z");
	s->p += AUDIT_TIME_LEN;
	if (!LITERAL(s, "\",\"prev\":\""))
		return false;
	s->prev = s->p;
	if (s->end - s->p < AUDIT_HASH_HEX || !is_hex(s->p))
		return fail(s, "64 lower-case hex digits");
	s->p += AUDIT_HASH_HEX;
	return LITERAL(s, "\",\"type\":\"") && type_name(s) && LITERAL(s, "\",\"actor\":") && actor(s) && LITERAL(s, ",\"env\":") &&
	    string_or_null(s) && LITERAL(s, ",\"run\":") && string_or_null(s) && LITERAL(s, ",\"incident\":") && string_or_null(s);
}

/* The number that a result has of its intent. What is no whole number refers to nothing. */
static void
take_ref(struct scan *s, const char *p)
{
	uint64_t n = 0;

	for (; p < s->end && (unsigned char)(*p - '0') <= 9 && n < UINT64_MAX / 20; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	s->ref = n;
}

/* The members behind the frame, up to where B ends. Their names must differ from the frame's too. */
static bool
body(struct scan *s)
{
	static const struct name taken[] = {
		{ "seq", 3 }, { "time", 4 }, { "prev", 4 }, { "type", 4 }, { "actor", 5 }, { "env", 3 }, { "run", 3 }, { "incident", 8 }, { "hash", 4 },
	};
	uint64_t seen = 0;

	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		seen |= name_bit(taken[i].text, taken[i].len);
	memcpy(s->names, taken, sizeof taken);
	s->n_names = sizeof taken / sizeof taken[0];
	while (s->p < s->end) {
		const struct name *name;
		const char *from;

		if (!LITERAL(s, ",") || !member_name(s, 0, &seen))
			return false;
		from = s->p;
		name = &s->names[s->n_names - 1];
		if ((name->len == 6 && memcmp(name->text, "intent", 6) == 0) || (name->len == 3 && memcmp(name->text, "act", 3) == 0))
			take_ref(s, from);
		if (!value(s, 1))
			return false;
	}
	return true;
}

static int
scan_line(struct scan *s, const char *line, size_t len, struct audit_frame *ret, struct err *err)
{
	bool is_right;

	scan_begin(s, line, line + len);
	if (len >= AUDIT_LINE_MAX)
		return err_set(err, ERR_SYNTAX, "longer than %d bytes", AUDIT_LINE_MAX - 1);
	if (len < TAIL_LEN || memcmp(line + len - TAIL_LEN, HASH_KEY, sizeof HASH_KEY - 1) != 0 ||
	    memcmp(line + len - 2, "\"}", 2) != 0 || !is_hex(line + len - 2 - AUDIT_HASH_HEX))
		return err_set(err, ERR_SYNTAX, "does not end in ,\"hash\":\"64 lower-case hex digits\"}");
	s->end = line + len - TAIL_LEN;
	is_right = frame(s, &ret->seq, &ret->time_ns) && body(s);
	if (s->names != s->first_names)
		free(s->names);
	if (!is_right)
		return err_set(err, ERR_SYNTAX, "byte %zu: expected %s", (size_t)(s->p - s->begin) + 1, s->expected);
	return 0;
}

int
audit_frame_check(const char *line, size_t len, struct err *err)
{
	struct audit_frame f;
	struct scan s;

	return scan_line(&s, line, len, &f, err);
}

int
audit_frame_read(const char *line, size_t len, struct audit_frame *ret, struct err *err)
{
	struct audit_frame f;
	struct scan s;
	char hash[AUDIT_HASH_HEX + 1];
	int r = scan_line(&s, line, len, &f, err);

	if (r < 0)
		return r;
	memcpy(f.prev, s.prev, AUDIT_HASH_HEX);
	f.prev[AUDIT_HASH_HEX] = '\0';
	memcpy(f.hash, line + len - 2 - AUDIT_HASH_HEX, AUDIT_HASH_HEX);
	f.hash[AUDIT_HASH_HEX] = '\0';
	digest_hex(line, len - TAIL_LEN, hash);
	f.is_hash_right = memcmp(hash, f.hash, AUDIT_HASH_HEX) == 0;
	*ret = f;
	return 0;
}

/* --- many lines ------------------------------------------------------------------------------------------------------------------------------------ */

static enum audit_type
type_of(const char *text, size_t len)
{
	char name[32];
	enum audit_type type;

	memcpy(name, text, len);
	name[len] = '\0';
	return audit_type_find(name, &type) ? type : AUDIT_TYPES;
}

/* Where the frame's first members must stand; nothing else is looked at. */
static bool
frame_begins(struct scan *s, uint64_t *ret_seq)
{
	if (!LITERAL(s, "{\"seq\":") || !natural(s, ret_seq) || *ret_seq == 0 || !LITERAL(s, ",\"time\":\"") || s->end - s->p < AUDIT_TIME_LEN)
		return false;
	s->p += AUDIT_TIME_LEN;
	if (!LITERAL(s, "\",\"prev\":\"") || s->end - s->p < AUDIT_HASH_HEX)
		return false;
	s->prev = s->p;
	s->p += AUDIT_HASH_HEX;
	return LITERAL(s, "\",\"type\":\"") && type_name(s);
}

static bool
check_one(struct scan *s, const char *line, size_t len, bool is_strict, struct audit_checked *ret)
{
	struct audit_frame f = { 0 };
	char hash[AUDIT_HASH_HEX + 1];

	if (is_strict) {
		if (scan_line(s, line, len, &f, NULL) < 0)
			return false;
	} else {
		if (len < TAIL_LEN || len >= AUDIT_LINE_MAX || memcmp(line + len - TAIL_LEN, HASH_KEY, sizeof HASH_KEY - 1) != 0 ||
		    memcmp(line + len - 2, "\"}", 2) != 0)
			return false;
		scan_begin(s, line, line + len - TAIL_LEN);
		if (!frame_begins(s, &f.seq))
			return false;
	}
	digest_hex(line, len - TAIL_LEN, hash);
	ret->line = line;
	ret->len = (uint32_t)len;
	ret->seq = f.seq;
	ret->ref = s->ref;
	ret->prev = s->prev;
	ret->hash = line + len - 2 - AUDIT_HASH_HEX;
	return memcmp(hash, ret->hash, AUDIT_HASH_HEX) == 0;
}

bool
audit_check_line(const char *line, size_t len, struct audit_checked *ret)
{
	struct scan s;

	if (!check_one(&s, line, len, true, ret))
		return false;
	ret->type = type_of(s.type, s.type_len);
	return true;
}

size_t
audit_check_lines(const char *bytes, size_t len, bool is_strict, struct audit_checked *v, size_t max)
{
	const char *p = bytes, *end = bytes + len, *lf, *type = "";
	size_t n = 0, type_len = 0;
	enum audit_type of = AUDIT_TYPES;
	struct scan s;

	for (; n < max && p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1, n++) {
		if (!check_one(&s, p, (size_t)(lf - p), is_strict, &v[n]))
			break;
		/* One type mostly follows itself. */
		if (s.type_len != type_len || memcmp(s.type, type, type_len) != 0) {
			type = s.type;
			type_len = s.type_len;
			of = type_of(type, type_len);
		}
		v[n].type = of;
	}
	return n;
}

bool
audit_line_type(const char *line, size_t len, const char **ret_name, size_t *ret_len)
{
	static const char mark[] = "\",\"type\":\"";
	/* Before it stand seq, time and prev, of at most this many bytes. */
	size_t look = len < 200 ? len : 200;
	const char *at = memmem(line, look, mark, sizeof mark - 1), *quote;

	if (at == NULL)
		return false;
	at += sizeof mark - 1;
	quote = memchr(at, '"', (size_t)(line + len - at));
	if (quote == NULL)
		return false;
	*ret_name = at;
	*ret_len = (size_t)(quote - at);
	return true;
}

/* --- with a tree ------------------------------------------------------------------------------------------------------------------------------- */

static const char *
text_member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

int
audit_record_read(const char *line, size_t len, struct audit_record *ret, struct err *err)
{
	struct audit_frame f;
	struct audit_record rec = { .type = AUDIT_TYPES };
	const json_t *who;
	json_error_t at;
	int r = audit_frame_read(line, len, &f, err);

	if (r < 0)
		return r;
	if (!f.is_hash_right)
		return err_set(err, ERR_INVALID, "record %" PRIu64 ": its hash does not hold", f.seq);
	rec.json = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
	if (rec.json == NULL)
		return err_set(err, ERR_SYNTAX, "byte %d: %s", at.position, at.text);
	rec.seq = f.seq;
	rec.time_ns = f.time_ns;
	memcpy(rec.prev, f.prev, sizeof rec.prev);
	memcpy(rec.hash, f.hash, sizeof rec.hash);
	memcpy(rec.type_name, text_member(rec.json, "type"), strlen(text_member(rec.json, "type")) + 1);
	if (!audit_type_find(rec.type_name, &rec.type))
		rec.type = AUDIT_TYPES;
	who = json_object_get(rec.json, "actor");
	rec.user = text_member(who, "user");
	rec.host = text_member(who, "host");
	rec.env = text_member(rec.json, "env");
	rec.run = text_member(rec.json, "run");
	rec.incident = text_member(rec.json, "incident");
	*ret = rec;
	return 0;
}

void
audit_record_done(struct audit_record *r)
{
	json_decref(r->json);
	r->json = NULL;
}
