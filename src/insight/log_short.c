/* Message first, what has a column of its own left out. */
#include "config.h"

#include "insight/log_short.h"

#include <string.h>

#include "base/str.h"
#include "insight/log_filter.h"

static const char *const messages[] = { "msg", "message", "event", NULL };
static const char *const times[] = { "ts", "time", "timestamp", "@timestamp", "datetime", "asctime", NULL };
static const char *const levels[] = { "level", "lvl", "severity", "log.level", "levelname", "loglevel", NULL };
static const char *const services[] = { "service", "service_name", "service.name", "app", NULL };

static bool
is_one_of(const char *name, const char *const *v)
{
	for (; *v != NULL; v++)
		if (strcmp(name, *v) == 0)
			return true;
	return false;
}

static const struct log_field *
message_of(const struct log_field *v, size_t n)
{
	for (size_t k = 0; messages[k] != NULL; k++)
		for (size_t i = 0; i < n; i++)
			if (strcmp(v[i].name, messages[k]) == 0 && *v[i].value != '\0')
				return &v[i];
	return NULL;
}

/* It says no more than a column does. */
static bool
has_column(const struct log_ref *line, const struct log_field *f)
{
	if (is_one_of(f->name, levels))
		return line->level != LOG_LEVEL_UNKNOWN && log_level_find(f->value, strlen(f->value), false) == line->level;
	return is_one_of(f->name, times) || (is_one_of(f->name, services) && str_eq(f->value, line->service));
}

static void
add_value(struct buf *b, const char *value)
{
	bool is_quoted = *value == '\0' || value[strcspn(value, " \t\r\n\"")] != '\0';

	if (is_quoted)
		buf_addch(b, '"');
	for (; *value != '\0'; value++) {
		if (is_quoted && (*value == '"' || *value == '\\'))
			buf_addch(b, '\\');
		buf_addch(b, *value);
	}
	if (is_quoted)
		buf_addch(b, '"');
}

bool
log_short(const struct log_ref *line, struct buf *ret, size_t *ret_fields)
{
	struct arena mem = ARENA_INIT;
	const struct log_field *v = NULL, *message;
	size_t before = ret->len, n, fields_at;

	if (line->len > LOG_SHORT_LINE_MAX)
		return false;
	n = log_text_fields(line->text, line->len, &mem, &v);
	message = message_of(v, n);
	if (message != NULL)
		buf_addstr(ret, message->value);
	fields_at = ret->len;
	for (size_t i = 0; i < n; i++) {
		if (&v[i] == message || has_column(line, &v[i]))
			continue;
		if (ret->len > before)
			buf_addch(ret, ' ');
		buf_addstr(ret, v[i].name);
		buf_addch(ret, '=');
		add_value(ret, v[i].value);
	}
	if (n == LOG_TEXT_FIELDS_MAX)
		buf_addstr(ret, " …");
	arena_done(&mem);
	if (ret->len == before)
		return false;
	*ret_fields = fields_at;
	return true;
}
