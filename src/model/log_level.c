/* How bad a line is, from the words that people and programs use. */
#include "config.h"

#include "model/log.h"

#include <string.h>
#include <strings.h>

enum { WORD_MAX = 16, GUESS_BYTES = 256, KEY_BYTES = 1024 };

static const struct {
	const char *name, *four;
} levels[LOG_LEVELS] = {
	[LOG_LEVEL_UNKNOWN] = { "unknown", "    " },
	[LOG_LEVEL_TRACE] = { "trace", "TRCE" },
	[LOG_LEVEL_DEBUG] = { "debug", "DEBG" },
	[LOG_LEVEL_INFO] = { "info", "INFO" },
	[LOG_LEVEL_NOTICE] = { "notice", "NOTE" },
	[LOG_LEVEL_WARNING] = { "warning", "WARN" },
	[LOG_LEVEL_ERROR] = { "error", "ERR " },
	[LOG_LEVEL_CRITICAL] = { "critical", "CRIT" },
};

static const struct {
	const char *word;
	enum line_level level;
} words[] = {
	{ "trace", LOG_LEVEL_TRACE }, { "trc", LOG_LEVEL_TRACE }, { "trce", LOG_LEVEL_TRACE }, { "finest", LOG_LEVEL_TRACE }, { "finer", LOG_LEVEL_TRACE },
	{ "debug", LOG_LEVEL_DEBUG }, { "dbg", LOG_LEVEL_DEBUG }, { "dbug", LOG_LEVEL_DEBUG }, { "debg", LOG_LEVEL_DEBUG }, { "fine", LOG_LEVEL_DEBUG },
	{ "info", LOG_LEVEL_INFO }, { "inf", LOG_LEVEL_INFO }, { "information", LOG_LEVEL_INFO }, { "informational", LOG_LEVEL_INFO },
	{ "notice", LOG_LEVEL_NOTICE }, { "note", LOG_LEVEL_NOTICE },
	{ "warning", LOG_LEVEL_WARNING }, { "warn", LOG_LEVEL_WARNING }, { "wrn", LOG_LEVEL_WARNING },
	{ "error", LOG_LEVEL_ERROR }, { "err", LOG_LEVEL_ERROR }, { "eror", LOG_LEVEL_ERROR }, { "severe", LOG_LEVEL_ERROR },
	{ "critical", LOG_LEVEL_CRITICAL }, { "crit", LOG_LEVEL_CRITICAL }, { "fatal", LOG_LEVEL_CRITICAL }, { "panic", LOG_LEVEL_CRITICAL },
	{ "emergency", LOG_LEVEL_CRITICAL }, { "emerg", LOG_LEVEL_CRITICAL }, { "alert", LOG_LEVEL_CRITICAL },
};

const char *
log_level_name(enum line_level level)
{
	return (unsigned)level < LOG_LEVELS ? levels[level].name : levels[LOG_LEVEL_UNKNOWN].name;
}

const char *
log_level_short(enum line_level level)
{
	return (unsigned)level < LOG_LEVELS ? levels[level].four : levels[LOG_LEVEL_UNKNOWN].four;
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum line_level
letter(char c)
{
	switch (c | 0x20) {
	case 't':
		return LOG_LEVEL_TRACE;
	case 'd':
		return LOG_LEVEL_DEBUG;
	case 'i':
		return LOG_LEVEL_INFO;
	case 'n':
		return LOG_LEVEL_NOTICE;
	case 'w':
		return LOG_LEVEL_WARNING;
	case 'e':
		return LOG_LEVEL_ERROR;
	case 'f':
	case 'c':
		return LOG_LEVEL_CRITICAL;
	default:
		return LOG_LEVEL_UNKNOWN;
	}
}

/* Syslog counts from 0, emergency, to 7, debug; bunyan and pino write 10, trace, to 60, fatal. */
static enum line_level
number(const char *word, size_t len, bool is_syslog)
{
	static const enum line_level syslog[] = { LOG_LEVEL_CRITICAL, LOG_LEVEL_CRITICAL, LOG_LEVEL_CRITICAL, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING,
		LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
	static const enum line_level tens[] = { LOG_LEVEL_UNKNOWN, LOG_LEVEL_TRACE, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR,
		LOG_LEVEL_CRITICAL };

	if (is_syslog && len == 1 && word[0] <= '7')
		return syslog[word[0] - '0'];
	if (!is_syslog && len == 2 && word[1] == '0' && word[0] <= '6')
		return tens[word[0] - '0'];
	return LOG_LEVEL_UNKNOWN;
}

enum line_level
log_level_find(const char *word, size_t len, bool is_syslog)
{
	if (len == 0 || len > WORD_MAX)
		return LOG_LEVEL_UNKNOWN;
	if (is_digit(word[0]))
		return number(word, len, is_syslog);
	if (len == 1)
		return letter(word[0]);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncasecmp(word, words[i].word, len) == 0 && words[i].word[len] == '\0')
			return words[i].level;
	return LOG_LEVEL_UNKNOWN;
}

/* --- from the line itself ---------------------------------------------------------------------------------------------------- */

/* E0101 12:00:00.000000: klog, as in Kubernetes. */
static enum line_level
guess_klog(const char *text, size_t len)
{
	if (len < 6 || strchr("IWEF", text[0]) == NULL || text[0] == '\0' || text[5] != ' ')
		return LOG_LEVEL_UNKNOWN;
	for (size_t i = 1; i < 5; i++)
		if (!is_digit(text[i]))
			return LOG_LEVEL_UNKNOWN;
	return letter(text[0]);
}

/* What stands after name and = or ":", with quotes or without. */
static enum line_level
guess_after(const char *text, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *end = text + len, *p = text;

	while ((p = memmem(p, (size_t)(end - p), name, name_len)) != NULL) {
		const char *q = p + name_len, *word;

		if (p > text && (is_alpha(p[-1]) || p[-1] == '_')) {
			p = q;
			continue;
		}
		if (q < end && *q == '"')
			q++;
		if (q == end || (*q != '=' && *q != ':')) {
			p = q;
			continue;
		}
		for (q++; q < end && (*q == ' ' || *q == '"'); q++)
			;
		for (word = q; q < end && (is_alpha(*q) || is_digit(*q)); q++)
			;
		if (log_level_find(word, (size_t)(q - word), false) != LOG_LEVEL_UNKNOWN)
			return log_level_find(word, (size_t)(q - word), false);
		p = q;
	}
	return LOG_LEVEL_UNKNOWN;
}

static bool
is_upper(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] < 'A' || word[i] > 'Z')
			return false;
	return true;
}

/* A word that is a level by how it is written: ERROR, [error], <err>, error: - not "no error was found". */
static enum line_level
guess_word(const char *text, size_t len)
{
	for (size_t i = 0, j; i < len; i = j + 1) {
		char before = i == 0 ? ' ' : text[i - 1], after;
		bool is_closed;

		for (j = i; j < len && is_alpha(text[j]); j++)
			;
		if (j == i || j - i > WORD_MAX || is_digit(before) || before == '_' || before == '=' || before == '-' || before == '.')
			continue;
		after = j < len ? text[j] : ' ';
		is_closed = (before == '[' && after == ']') || (before == '<' && after == '>') || (before == '|' && after == '|');
		if (is_closed || (j - i > 2 && (after == ' ' || after == ':' || after == '\t' || after == ']' || after == '|') &&
		    (is_upper(text + i, j - i) || (after == ':' && j - i > 3)))) {
			enum line_level level = log_level_find(text + i, j - i, false);

			if (level != LOG_LEVEL_UNKNOWN)
				return level;
		}
	}
	return LOG_LEVEL_UNKNOWN;
}

enum line_level
log_level_guess(const char *text, size_t len)
{
	static const char *const names[] = { "level", "severity", "lvl", "PRIORITY" };
	enum line_level level = guess_klog(text, len);

	for (size_t i = 0; level == LOG_LEVEL_UNKNOWN && i < sizeof names / sizeof names[0]; i++)
		level = guess_after(text, len < KEY_BYTES ? len : KEY_BYTES, names[i]);
	return level != LOG_LEVEL_UNKNOWN ? level : guess_word(text, len < GUESS_BYTES ? len : GUESS_BYTES);
}
