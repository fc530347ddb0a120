/* The types of options: text to value, and the sentence when it is none. */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"

enum { SHOWN = 72, TEXT_MAX = 500 };

typedef int type_read(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *v, struct err *err);

/* --- text ------------------------------------------------------------------------------------ */

static const char *
shown(char buf[SHOWN], const char *text)
{
	return str_escape_to(buf, SHOWN, text);
}

/* What must never reach a screen as it is has no place in a name or title either. lines: line
 * feeds and tabs may stay. */
static int
check_text(const char *text, size_t len, bool lines, struct err *err)
{
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(text + i, len - i, &cp);
		if (n == 0)
			return err_set(err, ERR_INVALID, "holds bytes that are not UTF-8");
		if (cp_width(cp) < 0 && !(lines && (cp == '\n' || cp == '\t')))
			return err_set(err, ERR_INVALID,
			    "holds the invisible or control character U+%04X", (unsigned)cp);
	}
	return 0;
}

static int
check_length(const struct conf_row *row, size_t len, struct err *err)
{
	size_t max = row->max != NULL ? strtoul(row->max, NULL, 10) : TEXT_MAX;

	if (len > max)
		return err_set(err, ERR_LIMIT, "is %zu bytes long; at most %zu", len, max);
	return 0;
}

static int
take_text(const struct conf_row *row, const char *text, size_t len, bool has_lines, struct conf_value *v,
    struct err *err)
{
	int r = check_text(text, len, has_lines, err);

	if (r == 0)
		r = check_length(row, len, err);
	if (r == 0)
		v->text = xstrndup(text, len);
	return r;
}

static int
read_string(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	return take_text(row, text, len, false, v, err);
}

static int
read_name(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	if (len == 0)
		return err_set(err, ERR_INVALID, "is empty");
	if (text[0] == ' ' || text[len - 1] == ' ')
		return err_set(err, ERR_INVALID, "begins or ends with a blank");
	return read_string(row, text, len, v, err);
}

static int
read_promql(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	while (len > 0 && strchr(" \t\n", text[0]) != NULL) {
		text++;
		len--;
	}
	while (len > 0 && strchr(" \t\n", text[len - 1]) != NULL)
		len--;
	if (len == 0)
		return err_set(err, ERR_INVALID,
		    "is empty; a PromQL expression is expected, such as 'up == 0'");
	return take_text(row, text, len, true, v, err);
}

static int
read_lines(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	size_t max = strtoul(row->max, NULL, 10), n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	if (n > max)
		return err_set(err, ERR_LIMIT, "is %zu characters long; at most %zu", n, max);
	if (check_text(text, len, true, err) < 0)
		return ERR_INVALID;
	v->text = xstrndup(text, len);
	return 0;
}

static int
read_const(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	(void)v;
	if (len == strlen(row->def) && memcmp(text, row->def, len) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is not what this program reads; '%s' is expected",
	    shown(buf, text), row->def);
}

/* --- numbers --------------------------------------------------------------------------------- */

static int
read_int(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];
	int64_t n = 0;

	(void)row;
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)text[i]))
			len = 0;
	if (len == 0)
		return err_set(err, ERR_INVALID, "'%s' is not a whole number (such as 20000)",
		    shown(buf, text));
	for (size_t i = 0; i < len; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, text[i] - '0', &n))
			return err_set(err, ERR_LIMIT, "'%s' is too large", shown(buf, text));
	v->number = n;
	return 0;
}

static const struct {
	const char *name;
	int64_t bytes;
} byte_units[] = {
	{ "B", 1 }, { "KiB", INT64_C(1) << 10 }, { "MiB", INT64_C(1) << 20 },
	{ "GiB", INT64_C(1) << 30 },
	{ "kB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
};

static int
read_bytes(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];
	size_t digits = strspn(text, "0123456789");
	int64_t n;

	if (digits == len && len > 0)
		return err_set(err, ERR_INVALID,
		    "'%s' has no unit (such as 64MiB; B, KiB, MiB, GiB, kB, MB, GB)",
		    shown(buf, text));
	for (size_t i = 0; digits > 0 && i < sizeof byte_units / sizeof byte_units[0]; i++) {
		if (len - digits != strlen(byte_units[i].name) ||
		    memcmp(text + digits, byte_units[i].name, len - digits) != 0)
			continue;
		if (read_int(row, text, digits, v, err) < 0)
			return ERR_LIMIT;
		if (__builtin_mul_overflow(v->number, byte_units[i].bytes, &n))
			return err_set(err, ERR_LIMIT, "'%s' is too large", shown(buf, text));
		v->number = n;
		return 0;
	}
	return err_set(err, ERR_INVALID,
	    "'%s' is not a size (such as 64MiB; B, KiB, MiB, GiB, kB, MB, GB)", shown(buf, text));
}

static int
read_duration(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	(void)row;
	(void)len;
	if (duration_parse(text, &v->number, NULL) == 0)
		return 0;
	if (text[0] != '\0' && text[strspn(text, "0123456789.")] == '\0')
		return err_set(err, ERR_INVALID,
		    "'%s' has no unit (such as 500ms, 30s, 15m, 1h30m)", shown(buf, text));
	return err_set(err, ERR_INVALID, "'%s' is not a duration (such as 500ms, 30s, 15m, 1h30m)",
	    shown(buf, text));
}

static int
read_double(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	(void)row;
	if (jread_double(text, len, &v->real) < 0 || !isfinite(v->real))
		return err_set(err, ERR_INVALID, "'%s' is not a number (such as 0.02)",
		    shown(buf, text));
	return 0;
}

/* 99.9% -> 0.999; whole and fraction are read as one number, so that no rounding is added. */
static bool
read_percent(const char *text, size_t len, double *ret)
{
	char buf[64];
	int n;

	if (len < 2 || len > 40 || text[len - 1] != '%')
		return false;
	for (len--; len > 0 && text[len - 1] == ' '; len--)
		;
	if (memchr(text, 'e', len) != NULL || memchr(text, 'E', len) != NULL)
		return jread_double(text, len, ret) == 0 && isfinite(*ret) && (*ret /= 100, true);
	n = snprintf(buf, sizeof buf, "%.*se-2", (int)len, text);
	return jread_double(buf, (size_t)n, ret) == 0 && isfinite(*ret);
}

static int
read_ratio(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	(void)row;
	if (!read_percent(text, len, &v->real) &&
	    (jread_double(text, len, &v->real) < 0 || !isfinite(v->real)))
		return err_set(err, ERR_INVALID, "'%s' is not a share (such as 99.9%% or 0.999)",
		    shown(buf, text));
	if (v->real == 1)
		return err_set(err, ERR_INVALID,
		    "'%s' leaves no room for any error; a share below 100%% is expected",
		    shown(buf, text));
	if (v->real > 1 && text[len - 1] != '%')
		return err_set(err, ERR_INVALID,
		    "'%s' is not between 0 and 1; with a %% sign it would be (such as 99.9%%)",
		    shown(buf, text));
	if (!(v->real > 0 && v->real < 1))
		return err_set(err, ERR_INVALID, "'%s' is not between 0%% and 100%%",
		    shown(buf, text));
	return 0;
}

static int
read_amount(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];
	int64_t ns;

	(void)row;
	if (read_percent(text, len, &v->real) ||
	    (jread_double(text, len, &v->real) == 0 && isfinite(v->real)))
		return 0;
	if (duration_parse(text, &ns, NULL) < 0)
		return err_set(err, ERR_INVALID,
		    "'%s' is not a number, share or duration (such as 0.3, 2%%, 300ms)",
		    shown(buf, text));
	v->real = (double)ns / (double)NS_PER_S;
	return 0;
}

static int
read_window(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	static const char *const words[] = { "day", "week", "month", "quarter", "year" };
	struct conf_value ns;
	char buf[SHOWN];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (str_eq(text, words[i])) {
			v->text = xstrdup(text);
			return 0;
		}
	if (read_duration(row, text, len, &ns, NULL) < 0)
		return err_set(err, ERR_INVALID, "'%s' is neither a duration (such as 30d) nor one "
		    "of day, week, month, quarter or year", shown(buf, text));
	v->number = ns.number;
	v->text = xstrdup(text);
	return 0;
}

/* --- choices --------------------------------------------------------------------------------- */

static int
read_bool(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	static const char *const other[][2] = {
		{ "yes", "true" }, { "on", "true" }, { "y", "true" }, { "1", "true" },
		{ "true", "true" },
		{ "no", "false" }, { "off", "false" }, { "n", "false" }, { "0", "false" },
		{ "false", "false" },
	};
	char buf[SHOWN];

	(void)row;
	(void)len;
	v->number = str_eq(text, "true");
	if (v->number || str_eq(text, "false"))
		return 0;
	for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
		if (strcasecmp(text, other[i][0]) == 0)
			return err_set(err, ERR_INVALID, "'%s' is not used here: write %s",
			    shown(buf, text), other[i][1]);
	return err_set(err, ERR_INVALID, "'%s' is neither true nor false", shown(buf, text));
}

static size_t
choices_count(const struct conf_row *row)
{
	size_t n = 0;

	while (row->choices[n] != NULL)
		n++;
	return n;
}

static int
read_choice(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	size_t n = choices_count(row), used = 0;
	char buf[SHOWN], list[256] = "";
	const char *near;

	(void)len;
	for (size_t i = 0; i < n; i++)
		if (str_eq(text, row->choices[i])) {
			v->number = (int64_t)i;
			return 0;
		}
	near = str_nearest(text, row->choices, n);
	if (near != NULL)
		return err_set(err, ERR_INVALID, "'%s' is not known; did you mean '%s'?",
		    shown(buf, text), near);
	for (size_t i = 0; i < n && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
		    i == 0 ? "" : i + 1 < n ? ", " : " or ", row->choices[i]);
	return err_set(err, ERR_INVALID, "'%s' is not one of %s", shown(buf, text), list);
}

static int
read_enum(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	int r = read_choice(row, text, len, v, err);

	if (r == 0)
		v->text = xstrdup(text);
	return r;
}

/* --- addresses and places -------------------------------------------------------------------- */

static int
read_url(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	(void)row;
	return conf_url(text, len, &v->text, err);
}

static int
read_proxy(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	(void)row;
	if (str_eq(text, "environment")) {
		v->text = xstrdup(text);
		return 0;
	}
	return conf_url(text, len, &v->text, err);
}

char *
conf_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home != NULL && home[0] == '/')
		return xstrdup(home);
	pw = getpwuid(geteuid());
	return pw != NULL && pw->pw_dir != NULL && pw->pw_dir[0] == '/' ? xstrdup(pw->pw_dir) :
	    NULL;
}

int
conf_path_expand(const char *text, size_t len, bool is_secret, char **ret_path, struct err *err)
{
	char text_shown[SHOWN], buf[SHOWN + 2], *home;

	if (is_secret)
		snprintf(buf, sizeof buf, "what stands here");
	else
		snprintf(buf, sizeof buf, "'%s'", shown(text_shown, text));
	if (len == 0)
		return err_set(err, ERR_INVALID, "is empty; a path is expected");
	if (check_text(text, len, false, err) < 0)
		return ERR_INVALID;
	if (text[0] == '/') {
		*ret_path = xstrndup(text, len);
		return 0;
	}
	if (text[0] == '$')
		return err_set(err, ERR_INVALID,
		    "%s: variables are not expanded in paths; write an absolute path or ~/...",
		    buf);
	if (text[0] != '~')
		return err_set(err, ERR_INVALID, "%s is not a path that begins with / or ~/ "
		    "(nothing is read from the current folder)", buf);
	if (text[1] != '/')
		return err_set(err, ERR_INVALID,
		    "%s: only your own ~/ is expanded; write an absolute path", buf);
	home = conf_home();
	if (home == NULL)
		return err_set(err, ERR_INVALID,
		    "%s: your home folder is not known ($HOME is not set); write an absolute path",
		    buf);
	*ret_path = xasprintf("%s%.*s", str_eq(home, "/") ? "" : home, (int)len - 1, text + 1);
	free(home);
	return 0;
}

static int
read_path(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	(void)row;
	return conf_path_expand(text, len, false, &v->text, err);
}

/* Where a secret lies: a secret put here by mistake must not be repeated. */
static int
read_secret_path(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	(void)row;
	return conf_path_expand(text, len, true, &v->text, err);
}

/* Such as a theme: shipped ones by name, one's own by path. */
static int
read_file_or_name(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	(void)row;
	if (len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && len < 40) {
		v->text = xstrndup(text, len);
		return 0;
	}
	if (text[0] == '/' || text[0] == '~' || text[0] == '$')
		return conf_path_expand(text, len, false, &v->text, err);
	return err_set(err, ERR_INVALID,
	    "'%s' is neither the name of a shipped file (small letters, digits, -) "
	    "nor a path that begins with / or ~/", shown(buf, text));
}

static int
read_env_name(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	(void)row;
	if (len == 0 || len > 200 || isdigit((unsigned char)text[0]) ||
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != len)
		return err_set(err, ERR_INVALID,
		    "what stands here is not the name of an environment variable (letters, digits, "
		    "_)");
	v->text = xstrndup(text, len);
	return 0;
}

static int
read_header_name(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	/* Set by the program itself; a second one would confuse the server or cut the message
	 * elsewhere. */
	static const char *const ours[] = {
		"Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding",
		"Accept-Encoding", "Expect", "TE", "Trailer", "Upgrade",
	};
	static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "!#$%&'*+-.^_`|~";
	char buf[SHOWN];

	(void)row;
	if (len == 0 || len > 100 || strspn(text, token) != len)
		return err_set(err, ERR_INVALID,
		    "'%s' is not the name of an HTTP header (such as X-Scope-OrgID)",
		    shown(buf, text));
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcasecmp(text, ours[i]) == 0)
			return err_set(err, ERR_INVALID,
			    "the header %s is set by the program and cannot be given", ours[i]);
	v->text = xstrndup(text, len);
	return 0;
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	type_read *read;	/* NULL: not a scalar */
} types[] = {
	[CONF_CONST] = { "text", read_const },
	[CONF_STRING] = { "text", read_string },
	[CONF_NAME] = { "name", read_name },
	[CONF_PROMQL] = { "PromQL expression", read_promql },
	[CONF_INT] = { "whole number", read_int },
	[CONF_BYTES] = { "size", read_bytes },
	[CONF_DURATION] = { "duration", read_duration },
	[CONF_BOOL] = { "true or false", read_bool },
	[CONF_DOUBLE] = { "number", read_double },
	[CONF_RATIO] = { "share", read_ratio },
	[CONF_AMOUNT] = { "number", read_amount },
	[CONF_WINDOW] = { "duration or word", read_window },
	[CONF_ENUM] = { "word", read_enum },
	[CONF_CHOICE] = { "word", read_choice },
	[CONF_URL] = { "URL", read_url },
	[CONF_PROXY] = { "URL", read_proxy },
	[CONF_PATH] = { "path", read_path },
	[CONF_SECRET_PATH] = { "path", read_secret_path },
	[CONF_FILE_OR_NAME] = { "name or path", read_file_or_name },
	[CONF_ENV_NAME] = { "name of a variable", read_env_name },
	[CONF_HEADER_NAME] = { "header name", read_header_name },
	[CONF_JPATH] = { "path into JSON", conf_read_jpath },
	[CONF_REGEX] = { "regular expression", conf_read_regex },
	[CONF_USER] = { "name of a user", conf_read_user },
	[CONF_REMOTE_PATH] = { "path", conf_read_remote_path },
	[CONF_URLS] = { "list of URLs", NULL },
	[CONF_PATHS] = { "list of paths", NULL },
	[CONF_ARGV] = { "list of a program and its arguments", NULL },
	[CONF_PROGRAMS] = { "list of programs", NULL },
	[CONF_PATTERNS] = { "list of host patterns", NULL },
	[CONF_INDICES] = { "list of indices", NULL },
	[CONF_SECRET] = { "secret", NULL },
	[CONF_HEADER] = { "text or secret", NULL },
	[CONF_GROUP] = { "map", NULL },
	[CONF_LIST] = { "list", NULL },
	[CONF_PAIRS] = { "map", NULL },
	[CONF_MAP] = { "map", NULL },
	[CONF_LINES] = { "text", read_lines },
	[CONF_NODE] = { "map", NULL },
	[CONF_ANY] = { "value", NULL },
	[CONF_UNUSED] = { "value", NULL },
};

bool
conf_type_is_scalar(enum conf_type type)
{
	return types[type].read != NULL;
}

const char *
conf_type_name(enum conf_type type)
{
	return types[type].name;
}

static bool
has_range(enum conf_type type)
{
	return type == CONF_INT || type == CONF_BYTES || type == CONF_DURATION ||
	    type == CONF_WINDOW || type == CONF_DOUBLE;
}

/* A word of the calendar has no length to compare. */
static bool
is_comparable(enum conf_type type, const struct conf_value *v)
{
	return type != CONF_WINDOW || v->number > 0 || isdigit((unsigned char)v->text[0]);
}

/* Below, equal or above: -1, 0, 1. */
static int
compare_to_bound(const struct conf_row *row, const char *bound_text, const struct conf_value *v)
{
	struct conf_value bound = { .text = NULL };
	int order = 0;

	if (types[row->type].read(row, bound_text, strlen(bound_text), &bound, NULL) < 0)
		return 0;
	if (row->type == CONF_DOUBLE)
		order = (v->real > bound.real) - (v->real < bound.real);
	else
		order = (v->number > bound.number) - (v->number < bound.number);
	free(bound.text);
	return order;
}

static int
check_range(const struct conf_row *row, const char *text, const struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	if (!is_comparable(row->type, v))
		return 0;
	if (row->min != NULL && compare_to_bound(row, row->min, v) < 0)
		return err_set(err, ERR_INVALID, "'%s' is below the least allowed, %s",
		    shown(buf, text), row->min);
	if (row->max != NULL && compare_to_bound(row, row->max, v) > 0)
		return err_set(err, ERR_INVALID, "'%s' is above the most allowed, %s",
		    shown(buf, text), row->max);
	return 0;
}

int
conf_scalar(const struct conf_row *row, const char *text, size_t len, struct conf_value *ret_value,
    struct err *err)
{
	struct conf_value v = { .real = NAN };
	int r;

	/* From here on text ends where strlen() says. */
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, ERR_INVALID, "holds a NUL character");
	r = types[row->type].read(row, text, len, &v, err);
	if (r == 0 && has_range(row->type))
		r = check_range(row, text, &v, err);
	if (r == 0)
		*ret_value = v;
	else
		free(v.text);
	return r;
}
