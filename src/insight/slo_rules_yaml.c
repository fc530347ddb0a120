#include "config.h"

#include "insight/slo_rules_yaml.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { UNTEMPLATED_MAX = 1 << 20 };

/* One character of a double quoted scalar; what YAML does not print as it is (its c-printable, less line breaks) is escaped. */
static void
add_quoted(struct buf *out, const char *at, size_t len, uint32_t cp)
{
	if (cp == '"' || cp == '\\')
		buf_printf(out, "\\%c", (char)cp);
	else if (cp == '\n')
		buf_addstr(out, "\\n");
	else if (cp == '\t')
		buf_addstr(out, "\\t");
	else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		buf_printf(out, "\\x%02x", (unsigned)cp);
	else if (cp < 0x10000 && cp_width(cp) < 0)
		buf_printf(out, "\\u%04x", (unsigned)cp);
	else if (cp_width(cp) < 0)
		buf_printf(out, "\\U%08x", (unsigned)cp);
	else
		buf_add(out, at, len);
}

void
rules_quote(struct buf *out, const char *text)
{
	size_t len = strlen(text), n;
	uint32_t cp;

	buf_addch(out, '"');
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(text + i, len - i, &cp);
		if (n == 0) {
			buf_addstr(out, "\\ufffd");
			n = 1;
		} else {
			add_quoted(out, text + i, n, cp);
		}
	}
	buf_addch(out, '"');
}

/* A literal block keeps everything but what YAML takes for indentation, for a break, or for nothing at all. */
static bool
is_blockable(const char *text)
{
	size_t len = strlen(text), n;
	uint32_t cp;

	if (len == 0 || strchr(" \t\n", text[0]) != NULL || text[len - 1] == '\n')
		return false;
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(text + i, len - i, &cp);
		if (n == 0 || (cp_width(cp) < 0 && cp != '\n' && cp != '\t'))
			return false;
	}
	return true;
}

void
rules_block(struct buf *out, unsigned indent, const char *text)
{
	if (!is_blockable(text)) {
		buf_addstr(out, ": ");
		rules_quote(out, text);
		buf_addch(out, '\n');
		return;
	}
	buf_addstr(out, ": |-\n");
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		buf_printf(out, "%*s", len == 0 ? 0 : (int)indent, "");
		buf_add(out, text, len);
		buf_addch(out, '\n');
		text += len + (text[len] == '\n');
	}
}

void
rules_comment(struct buf *out, const char *text)
{
	str_escape(out, text, strlen(text));
}

char *
rules_untemplated(const char *text)
{
	struct buf b;
	char *copy;

	buf_init(&b, UNTEMPLATED_MAX);
	for (; *text != '\0'; text++) {
		if (text[0] == '{' && text[1] == '{') {
			buf_addstr(&b, "{{ \"{{\" }}");
			text++;
		} else {
			buf_addch(&b, *text);
		}
	}
	copy = buf_take(&b, NULL);
	buf_done(&b);
	return copy;
}
