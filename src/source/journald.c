/*
 * The journal of a machine through systemd-journal-gatewayd, which is paged by cursors.
 *
 * GET /entries with "Range: entries=CURSOR:SKIP:COUNT". The gateway of systemd 252 knows no range of times, but takes a cursor that has nothing but a time
 * ("t=HEX", microseconds), so a page can begin at any. Its count from the end is off by one: SKIP -N goes back N + 1 entries, the one at the cursor among them,
 * so the last N entries are those from -(N - 1) on. Where fewer entries than that are before the cursor, the page begins with the first and goes on beyond the
 * cursor. "follow" would keep the answer open; polling from the last cursor is the same. See tests/fixtures/journald and systemd-journal-gatewayd(8).
 */
#include "config.h"

#include "source/journald.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { PATH_BYTES_MAX = 16 << 10, PAGE_MIN = 2, LATE_EVERY = 6 /* rounds */ };

/* --- the query ---------------------------------------------------------------------------------------------------------------- */

/* A word up to a blank; blanks inside double quotes belong to it. Appended to b. */
static const char *
take_word(const char *p, struct buf *b)
{
	bool is_quoted = false;

	for (; *p != '\0' && (is_quoted || strchr(" \t\r\n", *p) == NULL); p++) {
		if (*p == '"')
			is_quoted = !is_quoted;
		else
			buf_addch(b, *p);
	}
	return p;
}

static int
add_match(struct journald_group *g, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	char shown[80];
	struct buf b;

	for (const char *p = word; p != equals && equals != NULL; p++)
		if (!((*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9' && p > word) || *p == '_'))
			equals = NULL;
	if (equals == NULL || equals == word)
		return err_set(err, ERR_INVALID, "'%s' is no match of a journal: NAME=VALUE is expected, with a name such as _SYSTEMD_UNIT or PRIORITY",
		    str_escape_to(shown, sizeof shown, word));
	buf_init(&b, PATH_BYTES_MAX);
	buf_printf(&b, "%s%s%.*s=", g->matches, *g->matches != '\0' ? "&" : "", (int)(equals - word), word);
	request_escape(&b, equals + 1);
	free(g->matches);
	g->matches = xstrdup(b.data);
	if (b.is_over)
		err_set(err, ERR_LIMIT, "the query is too long");
	buf_done(&b);
	return err->code;
}

static int
read_query(struct journald *j, const char *q, struct err *err)
{
	struct journald_group *g = &j->v[j->n++];
	struct buf word;
	int r = 0;

	g->matches = xstrdup("");
	buf_init(&word, PATH_BYTES_MAX);
	for (q += strspn(q, " \t\r\n"); *q != '\0' && r == 0; q += strspn(q, " \t\r\n")) {
		buf_reset(&word);
		q = take_word(q, &word);
		if (strcmp(word.data, "+") != 0) {
			r = add_match(g, word.data, err);
		} else if (*g->matches == '\0' || j->n == JOURNALD_GROUPS_MAX) {
			r = err_set(err, ERR_INVALID, "a + stands between matches, and at most %d times", JOURNALD_GROUPS_MAX - 1);
		} else {
			g = &j->v[j->n++];
			g->matches = xstrdup("");
		}
	}
	if (r == 0 && j->n > 1 && *g->matches == '\0')
		r = err_set(err, ERR_INVALID, "a + stands between matches, and at most %d times", JOURNALD_GROUPS_MAX - 1);
	buf_done(&word);
	return r;
}

static int
journald_open(struct log_round *r, void *own, struct err *err)
{
	struct journald *j = own;
	int result = read_query(j, r->query, err);

	j->page = r->page < PAGE_MIN ? PAGE_MIN : r->page;
	if (r->page_max > 0 && r->page_max < j->page)
		j->page = r->page_max;
	/* Now and then by time instead, for entries of other machines that were put in late. */
	for (size_t i = 0; i < j->n && r->is_later && r->kept->n_rounds % LATE_EVERY != 0; i++)
		j->v[i].cursor = xstrdup_or_null(r->cursor);
	return result;
}

static void
journald_close(void *own)
{
	struct journald *j = own;

	for (size_t i = 0; i < j->n; i++) {
		free(j->v[i].matches);
		free(j->v[i].cursor);
	}
	for (size_t i = 0; i < j->n_whole; i++)
		free(j->whole[i].cursor);
	free(j->first);
	free(j->last);
	arena_done(&j->mem);
}

/* --- asking ---------------------------------------------------------------------------------------------------------------------- */

static void
ask(const char *matches, const char *accept, const char *range, struct request *ret)
{
	request_init(ret, "GET");
	ret->path = *matches != '\0' ? xasprintf("/entries?%s", matches) : xstrdup("/entries");
	request_add_header(ret, "Accept", accept, NULL);
	request_add_header(ret, "Range", range, NULL);
}

static void
time_cursor(char *dst, size_t size, int64_t ns)
{
	snprintf(dst, size, "t=%" PRIx64, (uint64_t)(ns > 0 ? ns / NS_PER_US : 0));
}

/* How far a page reaches: what is left to be wanted, and the entry that it is sought by. */
static size_t
page_of(const struct log_round *r, const struct journald *j)
{
	size_t left = r->limit > r->n_lines ? r->limit - r->n_lines + 1 : 1, n = left < j->page ? left : j->page;

	return n < PAGE_MIN ? PAGE_MIN : n;
}

static void
ask_page(struct log_round *r, struct journald *j, struct request *ret)
{
	const struct journald_group *g = &j->v[j->at];
	char cursor[64], range[JOURNALD_CURSOR_MAX + 64];
	size_t n = page_of(r, j);

	/* Behind what was read last everything is new, also where a clock was set back. */
	r->asked = (struct log_page){ r->is_later ? 0 : r->start_ns, r->end_ns, n };
	j->is_by_time = !r->is_forward && g->cursor == NULL && r->end_ns < r->now_ns;
	time_cursor(cursor, sizeof cursor, r->is_forward ? r->start_ns : r->end_ns - 1);
	if (r->is_forward)
		snprintf(range, sizeof range, "entries=%s:0:%zu", g->cursor != NULL ? g->cursor : cursor, n);
	else if (g->cursor != NULL)
		snprintf(range, sizeof range, "entries=%s:-%zu:%zu", g->cursor, n, n);
	else
		snprintf(range, sizeof range, "entries=%s:-%zu:%zu", j->is_by_time ? cursor : "", n - 1, n);
	ask(g->matches, "application/json", range, ret);
}

static void
ask_whole(const struct journald *j, struct request *ret)
{
	char range[JOURNALD_CURSOR_MAX + 64];

	snprintf(range, sizeof range, "entries=%s:0:1", j->whole[j->whole_at].cursor);
	ask("", "application/vnd.fdo.journal", range, ret);
}

/* The next group that has more; false: none has. */
static bool
find_group(struct journald *j)
{
	while (j->at < j->n && j->v[j->at].is_done)
		j->at++;
	return j->at < j->n;
}

static bool
journald_next(struct log_round *r, void *own, struct chain_ask *ret)
{
	struct journald *j = own;

	*ret = (struct chain_ask){ .tag = JOURNALD_PAGE };
	if (j->whole_at < j->n_whole) {
		ret->tag = JOURNALD_WHOLE;
		r->n_requests++;
		ask_whole(j, &ret->request);
		return true;
	}
	if (r->is_done)
		return false;
	if (r->start_ns >= r->end_ns || !find_group(j)) {
		r->is_done = r->is_whole = true;
		return false;
	}
	if (log_round_is_full(r)) {
		r->is_done = true;
		return false;
	}
	r->n_requests++;
	ask_page(r, j, &ret->request);
	return true;
}

/* --- answers --------------------------------------------------------------------------------------------------------------------- */

/* The entry that was read last is no more: what was between it and the first one is gone, too. With several groups the cursor may be of another one. */
static void
check_cursor(struct log_round *r, const struct journald *j, const struct journald_group *g)
{
	if (r->is_later && j->n == 1 && g->cursor != NULL && r->n_requests == 1 && !j->is_at_reference)
		log_round_note(r, "the journal does not have the entry any more that was read last: lines may be missing (rotated away?)");
}

static void
set_cursor(char **to, const char *cursor)
{
	char *copy = xstrdup_or_null(cursor);

	free(*to);
	*to = copy;
}

/* Everything between what was read before and the end of this page is told, unless there are several groups: then it is known at the end. */
static void
paged_forward(struct log_round *r, struct journald *j, struct journald_group *g)
{
	bool is_over = j->n_page < r->asked.limit || j->last_ns >= r->end_ns;
	bool is_same = str_eq(g->cursor, j->last);

	check_cursor(r, j, g);
	g->is_done = is_over || is_same;
	if (j->last != NULL) {
		set_cursor(&g->cursor, j->last);
		/* Of several groups the newest entry is where all go on. */
		if (j->last_ns >= r->newest_page_ns) {
			r->newest_page_ns = j->last_ns;
			set_cursor(&r->cursor, j->last);
		}
	}
	if (j->n == 1 && !r->is_later)
		log_round_close(r, r->start_ns, g->is_done ? r->end_ns : j->last_ns);
	else if (r->is_later && g->is_done && j->at + 1 == j->n)
		log_round_close(r, r->kept->newest_ns, r->end_ns);
	else
		log_round_close(r, 0, 0);
	/* Where the next round looks back to, should this one not come to its end. */
	if (r->is_later && !g->is_done && j->at + 1 == j->n && j->last_ns - r->late_ns > r->start_ns)
		r->start_ns = j->last_ns - r->late_ns;
}

static void
paged_backward(struct log_round *r, struct journald *j, struct journald_group *g)
{
	int64_t told = j->first != NULL ? j->first_ns + 1 : r->start_ns;

	/* The newest of all is where following goes on. */
	if (g->cursor == NULL && j->last != NULL && (r->cursor == NULL || j->last_ns >= r->newest_page_ns)) {
		r->newest_page_ns = j->last_ns;
		set_cursor(&r->cursor, j->last);
	}
	/* One less than asked for is no end: a gateway that counts otherwise would give so many. */
	g->is_done = j->n_before == 0 || j->n_before + 1 < r->asked.limit || j->first_ns < r->start_ns;
	set_cursor(&g->cursor, j->first);
	if (g->is_done)
		told = r->start_ns;
	log_round_close(r, j->n == 1 ? told : 0, j->n == 1 ? r->end_ns : 0);
}

static int
journald_answered(struct log_round *r, void *own, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct journald *j = own;
	struct journald_group *g = &j->v[j->at];
	int result;

	if (tag == JOURNALD_WHOLE)
		return journald_read_whole(r, j, body, len, err);
	result = journald_read_page(r, j, body, len, err);
	if (result < 0)
		return result;
	if (j->n_left_out > 0)
		log_round_note(r, "%u messages are larger than the gateway tells as JSON, and too many to be asked for one by one", j->n_left_out);
	j->n_left_out = 0;
	if (r->is_forward)
		paged_forward(r, j, g);
	else
		paged_backward(r, j, g);
	return 0;
}

static int
journald_failed(struct log_round *r, void *own, unsigned tag, long status, const struct err *why, struct err *err)
{
	static const char unread[] = "[this message is larger than the gateway tells as JSON, and could not be asked for]";
	struct journald *j = own;

	if (tag == JOURNALD_WHOLE) {
		journald_add_whole(r, j, unread, strlen(unread));
		return 0;
	}
	/* A cursor that cannot be sought: from another machine, or of a journal that was made anew. By time it goes on. */
	if (status == 400 && j->v[j->at].cursor != NULL && strstr(why->msg, "seek") != NULL) {
		set_cursor(&j->v[j->at].cursor, NULL);
		set_cursor(&r->cursor, NULL);
		log_round_note(r, "the journal cannot find the entry any more that was read last: lines may be missing");
		return 0;
	}
	if (why->code == ERR_LIMIT && j->page > PAGE_MIN) {
		j->page /= 2;
		r->page_max = j->page < PAGE_MIN ? PAGE_MIN : j->page;
		j->page = r->page_max;
		return 0;
	}
	*err = *why;
	return err->code;
}

static int
journald_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	(void)d;
	return refuse_status("The journal gateway", answer, body_line(detail, body, len), err);
}

const struct decoder_ops journald_decoder = { .name = "journald lines", .refuse = journald_refuse, LOG_DECODER };

/* --- names --------------------------------------------------------------------------------------------------------------------------- */

/* It tells the values of a field, of the whole journal, but not what fields there are. */
static int
journald_names(const struct conf_source *conf, const struct log_names_want *w, struct request *ret, struct err *err)
{
	struct buf path;

	(void)conf;
	if (w->label == NULL)
		return err_set(err, ERR_INVALID, "a journal does not tell the names of its fields");
	request_init(ret, "GET");
	buf_init(&path, PATH_BYTES_MAX);
	buf_addstr(&path, "/fields/");
	request_escape(&path, w->label);
	ret->path = buf_take(&path, NULL);
	buf_done(&path);
	request_add_header(ret, "Accept", "application/json", NULL);
	return 0;
}

/* { "PRIORITY" : "1" }, one a line. */
static int
journald_named(const char *label, const char *body, size_t len, struct log_names_list *ret, struct err *err)
{
	struct slice one, key, value;
	const char *end = body + len, *stop;
	struct buf mended;
	bool has_room = true;

	(void)label;
	for (; body < end && has_room && err->code == 0; body = stop + 1) {
		size_t at = 0;

		stop = memchr(body, '\n', (size_t)(end - body));
		stop = stop == NULL ? end : stop;
		if (stop == body)
			continue;
		buf_init(&mended, LOG_BODY_MAX);
		if (slice_of(body, (size_t)(stop - body), "a value of a field", &mended, &one, err) == 0 && slice_member(one, &at, &key, &value))
			has_room = log_names_add(ret, value);
		buf_done(&mended);
	}
	return err->code;
}

const struct log_store log_store_journald = {
	.type = "journald",
	.size = sizeof(struct journald),
	.open = journald_open,
	.next = journald_next,
	.answered = journald_answered,
	.failed = journald_failed,
	.close = journald_close,
	.decoder = &journald_decoder,
	.names = journald_names,
	.named = journald_named,
};

const struct source_ops source_journald = { .type = "journald" };
