/* Entries of a journal: JSON, one object a line with its keys in any order, and the export format. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/journald.h"

enum { WORD_MAX = 4096 };

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

/* An array of numbers is bytes, one of strings a field that is there more than once. */
static void
add_list(struct slice list, struct buf *b)
{
	struct slice item;
	size_t at = 0;
	int64_t byte;
	bool is_first = true;

	while (slice_item(list, &at, &item)) {
		if (slice_is_number(item)) {
			if (slice_int(item, &byte))
				buf_addch(b, (char)byte);
			continue;
		}
		if (!is_first)
			buf_addch(b, '\n');
		is_first = false;
		if (slice_is(item, '['))
			add_list(item, b);
		else
			slice_text(item, b);
	}
}

static void
add_value(struct slice v, struct buf *b)
{
	if (slice_is(v, '['))
		add_list(v, b);
	else if (!slice_is(v, 'n'))
		slice_text(v, b);
}

static const char *
word(struct arena *mem, struct slice entry, const char *name)
{
	struct slice v = slice_get(entry, name), first;
	size_t at = 0;

	/* The last of several was written last, but the first is what the journal's own tools show. */
	if (slice_is(v, '[') && slice_item(v, &at, &first))
		v = first;
	return slice_word(mem, v, WORD_MAX);
}

/* "spam-filter.service" -> "spam-filter" */
static const char *
service_of(struct arena *mem, struct slice entry, const char *own)
{
	static const char suffix[] = ".service";
	const char *unit = own != NULL ? word(mem, entry, own) : word(mem, entry, "_SYSTEMD_UNIT");
	size_t len = unit == NULL ? 0 : strlen(unit), n = strlen(suffix);

	if (unit == NULL)
		return own != NULL ? NULL : word(mem, entry, "SYSLOG_IDENTIFIER");
	if (len > n && strcmp(unit + len - n, suffix) == 0)
		return arena_strndup(mem, unit, len - n);
	return unit;
}

/* --- an entry ---------------------------------------------------------------------------------------------------------------------- */

static uint32_t
stream_of(struct log_round *r, struct arena *mem, struct slice entry)
{
	static const char *const names[] = { "_HOSTNAME", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_TRANSPORT", NULL };
	struct label labels[4];
	size_t n = 0;

	for (size_t i = 0; names[i] != NULL; i++) {
		labels[n] = (struct label){ names[i], word(mem, entry, names[i]) };
		n += labels[n].value != NULL;
	}
	return log_build_stream(&r->build, labels, n, service_of(mem, entry, r->fields.service));
}

/* All that is not the text, nor only for machines. */
static void
rest_of(struct slice entry, const char *message, struct buf *b)
{
	struct slice key, value;
	size_t at = 0;

	buf_reset(b);
	buf_addch(b, '{');
	while (slice_member(entry, &at, &key, &value)) {
		if (slice_key_is(key, message) || slice_key_is(key, "__CURSOR") || slice_key_is(key, "__REALTIME_TIMESTAMP"))
			continue;
		if (b->len > 1)
			buf_addch(b, ',');
		buf_add(b, key.p, key.len);
		buf_addch(b, ':');
		buf_add(b, value.p, value.len);
	}
	buf_addch(b, '}');
}

/* Its message comes with a request of its own; everything else is kept until then. */
static void
want_whole(struct log_round *r, struct journald *j, const struct log_draft *d, const char *cursor, uint64_t key)
{
	struct journald_entry *e = &j->whole[j->n_whole];

	if (log_seen_has(&r->kept->seen, key) || log_seen_has(&r->fresh, key) || d->time_ns < r->asked.start_ns || d->time_ns >= r->asked.end_ns)
		return;
	*e = (struct journald_entry){ .cursor = xstrdup(cursor), .draft = *d, .key = key };
	e->draft.id = arena_strdup(&j->mem, d->id);
	if (d->level != NULL)
		e->draft.level = arena_strdup(&j->mem, d->level);
	e->draft.fields.p = arena_strndup(&j->mem, d->fields.p, d->fields.len);
	j->n_whole++;
}

static void
take_entry(struct log_round *r, struct journald *j, struct arena *mem, struct slice entry, const char *cursor, int64_t t_ns, struct buf *text, struct buf *rest)
{
	static const char left_out[] = "[this message is larger than the gateway tells as JSON]";
	const char *name = r->fields.message != NULL ? r->fields.message : "MESSAGE";
	struct slice message = slice_get(entry, name);
	uint64_t key = str_hash(cursor, strlen(cursor), STR_HASH_SEED);
	struct log_draft d = { .time_ns = t_ns, .is_syslog = true };
	char id[24];

	snprintf(id, sizeof id, "%016llx", (unsigned long long)key);
	rest_of(entry, name, rest);
	d.id = id;
	d.fields = (struct slice){ rest->data, rest->len };
	d.level = word(mem, entry, r->fields.level != NULL ? r->fields.level : "PRIORITY");
	buf_reset(text);
	add_value(message, text);
	d.text = text->data;
	d.len = text->len;
	if (slice_is(message, 'n') && !r->is_count && j->n_whole < JOURNALD_WHOLE_MAX) {
		want_whole(r, j, &d, cursor, key);
		return;
	}
	if (slice_is(message, 'n')) {
		j->n_left_out += !r->is_count;
		d.text = left_out;
		d.len = strlen(left_out);
	}
	d.stream = stream_of(r, mem, entry);
	log_round_line(r, &d, key);
}

static bool
is_cursor(const char *cursor)
{
	size_t len = cursor == NULL ? 0 : strlen(cursor);

	/* It goes into a header of the next request. */
	return len > 0 && len < JOURNALD_CURSOR_MAX && strpbrk(cursor, ": \t\r\n") == NULL;
}

static void
note_place(struct journald *j, const char *reference, const char *cursor, int64_t t_ns, int64_t end_ns)
{
	if (j->n_page++ == 0) {
		free(j->first);
		j->first = xstrdup(cursor);
		j->first_ns = t_ns;
	}
	free(j->last);
	j->last = xstrdup(cursor);
	j->last_ns = t_ns;
	j->is_at_reference |= str_eq(reference, cursor);
	j->n_before += !j->is_at_reference && !(j->is_by_time && t_ns >= end_ns);
}

static int
read_entry(struct log_round *r, struct journald *j, const char *line, size_t len, struct buf *bufs, struct err *err)
{
	const char *reference = j->v[j->at].cursor, *cursor;
	struct arena mem = ARENA_INIT;
	struct slice entry;
	int64_t us;
	int result;

	buf_reset(&bufs[2]);
	result = slice_of(line, len, "an entry of a journal", &bufs[2], &entry, err);
	if (result < 0)
		return result;
	cursor = word(&mem, entry, "__CURSOR");
	if (!is_cursor(cursor) || !slice_int(slice_get(entry, "__REALTIME_TIMESTAMP"), &us) || us < 0 || us > INT64_MAX / NS_PER_US) {
		arena_done(&mem);
		return err_set(err, ERR_INVALID, "an entry has no __CURSOR or no __REALTIME_TIMESTAMP: is this a journal gateway?");
	}
	/* A page back that reached the beginning goes on beyond where it should end. */
	if (!r->is_forward && j->is_at_reference) {
		j->n_page++;
	} else {
		note_place(j, reference, cursor, us * NS_PER_US, r->end_ns);
		take_entry(r, j, &mem, entry, cursor, us * NS_PER_US, &bufs[0], &bufs[1]);
	}
	arena_done(&mem);
	return 0;
}

int
journald_read_page(struct log_round *r, struct journald *j, const char *body, size_t len, struct err *err)
{
	const char *end = body + len, *stop;
	struct buf bufs[3];
	int result = 0;

	j->n_page = j->n_before = 0;
	j->is_at_reference = false;
	free(j->first);
	free(j->last);
	j->first = j->last = NULL;
	j->first_ns = INT64_MAX;
	j->last_ns = INT64_MIN;
	for (size_t i = 0; i < 3; i++)
		buf_init(&bufs[i], LOG_BODY_MAX);
	for (; body < end && result == 0; body = stop + 1) {
		stop = memchr(body, '\n', (size_t)(end - body));
		if (stop == NULL)
			stop = end;
		if (stop > body)
			result = read_entry(r, j, body, (size_t)(stop - body), bufs, err);
	}
	for (size_t i = 0; i < 3; i++)
		buf_done(&bufs[i]);
	return result;
}

/* --- export format ----------------------------------------------------------------------------------------------------------------- */

/*
 * NAME=text, or NAME, then the length as 64 bits little-endian, the bytes, and a newline. https://systemd.io/JOURNAL_EXPORT_FORMATS/
 * false: the end, or what is none.
 */
static bool
export_field(const char **at, const char *end, struct slice *ret_name, struct slice *ret_value)
{
	const char *p = *at, *stop = memchr(p, '\n', (size_t)(end - p)), *equals;
	uint64_t n = 0;

	if (stop == NULL || stop == p)
		return false;
	equals = memchr(p, '=', (size_t)(stop - p));
	if (equals != NULL) {
		*ret_name = (struct slice){ p, (size_t)(equals - p) };
		*ret_value = (struct slice){ equals + 1, (size_t)(stop - equals) - 1 };
		*at = stop + 1;
		return true;
	}
	*ret_name = (struct slice){ p, (size_t)(stop - p) };
	p = stop + 1;
	if (end - p < 8)
		return false;
	for (int i = 7; i >= 0; i--)
		n = n << 8 | (unsigned char)p[i];
	p += 8;
	if (n >= (uint64_t)(end - p))
		return false;
	*ret_value = (struct slice){ p, (size_t)n };
	*at = p + n + 1;
	return true;
}

static bool
is_name(struct slice s, const char *name)
{
	return s.len == strlen(name) && memcmp(s.p, name, s.len) == 0;
}

/* Its stream is that of this page's batch. */
void
journald_add_whole(struct log_round *r, struct journald *j, const char *text, size_t len)
{
	static const char *const names[] = { "_HOSTNAME", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_TRANSPORT", NULL };
	struct journald_entry *e = &j->whole[j->whole_at++];
	struct slice fields = e->draft.fields;
	struct arena mem = ARENA_INIT;
	struct label labels[4];
	size_t n = 0;

	for (size_t i = 0; names[i] != NULL; i++) {
		labels[n] = (struct label){ names[i], word(&mem, fields, names[i]) };
		n += labels[n].value != NULL;
	}
	e->draft.stream = log_build_stream(&r->build, labels, n, service_of(&mem, fields, r->fields.service));
	e->draft.text = text;
	e->draft.len = len;
	log_round_line(r, &e->draft, e->key);
	arena_done(&mem);
	log_round_close(r, 0, 0);
}

int
journald_read_whole(struct log_round *r, struct journald *j, const char *body, size_t len, struct err *err)
{
	const char *wanted = r->fields.message != NULL ? r->fields.message : "MESSAGE", *end = body + len;
	struct slice name, value, message = { NULL, 0 };

	while (export_field(&body, end, &name, &value))
		if (is_name(name, wanted))
			message = value;
	if (message.p == NULL)
		return err_set(err, ERR_INVALID, "the entry has no %s in export format either", wanted);
	journald_add_whole(r, j, message.p, message.len);
	return 0;
}
