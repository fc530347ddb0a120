#include "config.h"

#include "audit/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/record_priv.h"
#include "base/clock.h"
#include "base/str.h"

#define FIRST_LINE "opsconsole audit checkpoint 1"
enum { TEXT_MAX = 1024 };

int
audit_checkpoint_write(struct buf *b, const struct audit_checkpoint *c, struct err *err)
{
	char when[CLOCK_TEXT_MAX], chain[sizeof c->chain];

	if (c->seq == 0)
		return err_set(err, ERR_NOTFOUND, "checkpoint: the audit log has no records yet");
	str_escape_to(chain, sizeof chain, c->chain);
	if (buf_printf(b, FIRST_LINE "\nchain %s\nhead %" PRIu64 " %s\ntime %s\n", chain, c->seq, c->hash, clock_format(when, c->time_ns, 0)) < 0)
		return err_set(err, ERR_LIMIT, "checkpoint: no room for it");
	return 0;
}

/* The rest of a line behind its first word; *p moves to the next one. NULL: it is another line, or has no end. */
static const char *
line_of(const char **p, const char *end, const char *word, size_t *ret_len)
{
	const char *from = *p, *lf = memchr(from, '\n', (size_t)(end - from));
	size_t len = strlen(word);

	if (lf == NULL || (size_t)(lf - from) < len || memcmp(from, word, len) != 0)
		return NULL;
	*p = lf + 1;
	*ret_len = (size_t)(lf - from) - len;
	return from + len;
}

static bool
read_head(const char *text, size_t len, struct audit_checkpoint *c)
{
	char again[128];
	struct audit_head head;
	char *blank;

	if (len >= sizeof again)
		return false;
	memcpy(again, text, len);
	again[len] = '\0';
	blank = strchr(again, ' ');
	if (blank == NULL)
		return false;
	*blank = ':';
	if (!audit_head_parse(again, len, &head))
		return false;
	c->seq = head.seq;
	memcpy(c->hash, head.hash, sizeof c->hash);
	return true;
}

static bool
read_time(const char *text, size_t len, struct audit_checkpoint *c)
{
	char again[CLOCK_TEXT_MAX];

	if (len >= sizeof again)
		return false;
	memcpy(again, text, len);
	again[len] = '\0';
	return clock_parse(again, &c->time_ns, NULL) == 0;
}

int
audit_checkpoint_read(const char *text, size_t len, struct audit_checkpoint *ret, struct err *err)
{
	struct audit_checkpoint c = { 0 };
	const char *p = text, *end = text + len, *s;
	size_t n;

	if (len > TEXT_MAX || memchr(text, '\0', len) != NULL || line_of(&p, end, FIRST_LINE, &n) == NULL || n != 0)
		return err_set(err, ERR_SYNTAX, "checkpoint: its first line is not \"" FIRST_LINE "\"");
	s = line_of(&p, end, "chain ", &n);
	if (s == NULL || n >= sizeof c.chain)
		return err_set(err, ERR_SYNTAX, "checkpoint: its second line is not \"chain NAME\"");
	memcpy(c.chain, s, n);
	s = line_of(&p, end, "head ", &n);
	if (s == NULL || !read_head(s, n, &c))
		return err_set(err, ERR_SYNTAX, "checkpoint: its third line is not \"head SEQ HASH\"");
	s = line_of(&p, end, "time ", &n);
	if (s == NULL || !read_time(s, n, &c))
		return err_set(err, ERR_SYNTAX, "checkpoint: its fourth line is not \"time 2030-01-01T00:00:00Z\"");
	if (p != end)
		return err_set(err, ERR_SYNTAX, "checkpoint: there is more behind its fourth line");
	*ret = c;
	return 0;
}
