/* A small log, changed in every way there is: each change is named by its kind and its record. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "audit_world.h"
#include "base/xalloc.h"

enum { RECORDS = 6 };

struct small {
	char *text;
	size_t len;
	const char *line[RECORDS + 1];	/* begin of each, and the end */
	char head[128];
};

static int
setup(void **state)
{
	struct small *s = xcalloc(1, sizeof *s);
	const char *p;
	struct audit_frame f;

	p = s->text = world_log(RECORDS, &s->len);
	for (size_t i = 0; i < RECORDS; i++) {
		s->line[i] = p;
		p = strchr(p, '\n') + 1;
	}
	s->line[RECORDS] = p;
	assert_int_equal(p - s->text, s->len);
	assert_int_equal(audit_frame_read(s->line[5], (size_t)(p - s->line[5]) - 1, &f, NULL), 0);
	snprintf(s->head, sizeof s->head, "6:%s", f.hash);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct small *s = *state;

	free(s->text);
	free(s);
	return 0;
}

static struct audit_report
verify_files(const char *const *texts, const size_t *lens, size_t n, const char *head)
{
	static const char *const names[] = { "a", "b", "c" };
	struct audit_reader *r = audit_reader_memory(names, texts, lens, n);
	struct audit_report rep;
	struct err err = ERR_INIT;

	if (audit_verify(r, head, NULL, &rep, &err) < 0)
		fail_msg("%s", err.msg);
	audit_reader_free(r);
	return rep;
}

static struct audit_report
verify(const char *text, size_t len, const char *head)
{
	return verify_files(&text, &len, 1, head);
}

static void
expect(struct audit_report rep, enum audit_verdict verdict, uint64_t seq, int line)
{
	if (rep.verdict != verdict || rep.seq != seq)
		fail_msg("line %d: expected %s at %d, got %s at %d: %s", line, audit_verdict_name(verdict), (int)seq, audit_verdict_name(rep.verdict),
		    (int)rep.seq, rep.text);
}
#define EXPECT(rep, verdict, seq) expect((rep), (verdict), (uint64_t)(seq), __LINE__)

/* Lines of the log in the order given, by index; -1 ends. */
static struct audit_report
verify_lines(const struct small *s, const int *order, const char *head)
{
	struct buf b;
	struct audit_report rep;

	buf_init(&b, 1 << 20);
	for (; *order >= 0; order++)
		buf_add(&b, s->line[*order], (size_t)(s->line[*order + 1] - s->line[*order]));
	rep = verify(b.data, b.len, head);
	buf_done(&b);
	return rep;
}

static void
test_good(void **state)
{
	struct small *s = *state;
	struct audit_report rep = verify(s->text, s->len, s->head);

	EXPECT(rep, AUDIT_GOOD, 0);
	assert_int_equal(rep.records, RECORDS);
	assert_int_equal(rep.first_seq, 1);
	assert_int_equal(rep.last_seq, RECORDS);
	assert_string_equal(rep.last_hash, s->head + 2);
	rep = verify("", 0, NULL);
	EXPECT(rep, AUDIT_GOOD, 0);
	assert_int_equal(rep.records, 0);
	rep = verify("", 0, s->head);
	EXPECT(rep, AUDIT_TRUNCATED, 1);
}

/* Whether a changed line is still a record is asked of the other reader, which goes through jansson. */
static void
test_every_byte(void **state)
{
	static const int flips[] = { 1, 2, 4, 8, 16, 32, 64, 128, -1 };	/* -1: becomes LF */
	struct small *s = *state;
	char *text = xmalloc(s->len);
	unsigned kinds[AUDIT_UNANCHORED + 1] = { 0 };

	for (size_t line = 0; line < RECORDS; line++)
		for (const char *p = s->line[line]; p < s->line[line + 1]; p++)
			for (size_t k = 0; k < sizeof flips / sizeof flips[0]; k++) {
				size_t at = (size_t)(p - s->text), begin = (size_t)(s->line[line] - s->text), len;
				enum audit_verdict want;
				struct audit_record rec;
				struct audit_report rep;
				const char *lf;
				int r;

				memcpy(text, s->text, s->len);
				text[at] = flips[k] < 0 ? '\n' : (char)(text[at] ^ flips[k]);
				if (text[at] == *p)
					continue;
				lf = memchr(text + begin, '\n', s->len - begin);
				len = lf == NULL ? 0 : (size_t)(lf - (text + begin));
				if (lf == NULL) {
					want = AUDIT_TORN;
				} else {
					r = audit_record_read(text + begin, len, &rec, NULL);
					assert_int_not_equal(r, 0);
					want = r == ERR_INVALID ? AUDIT_EDITED : AUDIT_MALFORMED;
				}
				rep = verify(text, s->len, k % 2 ? s->head : NULL);
				EXPECT(rep, want, line + 1);
				assert_int_equal(rep.line, line + 1);
				assert_int_equal(rep.offset, begin);
				kinds[want]++;
			}
	assert_true(kinds[AUDIT_EDITED] > 1000 && kinds[AUDIT_MALFORMED] > 1000);
	assert_int_equal(kinds[AUDIT_TORN], 8);	/* the last LF, changed in each bit */
	free(text);
}

static void
test_each_line_deleted(void **state)
{
	struct small *s = *state;

	for (int gone = 0; gone < RECORDS; gone++) {
		int order[RECORDS + 1], n = 0;
		struct audit_report rep;

		for (int i = 0; i < RECORDS; i++)
			if (i != gone)
				order[n++] = i;
		order[n] = -1;
		rep = verify_lines(s, order, s->head);
		if (gone == RECORDS - 1)
			EXPECT(rep, AUDIT_TRUNCATED, RECORDS);
		else
			EXPECT(rep, AUDIT_DELETED, gone + 1);
		rep = verify_lines(s, order, NULL);
		if (gone == RECORDS - 1)
			EXPECT(rep, AUDIT_GOOD, 0);	/* what the head is for */
		else
			EXPECT(rep, AUDIT_DELETED, gone + 1);
	}
}

/* A copy of each line at each place. */
static void
test_each_line_duplicated(void **state)
{
	struct small *s = *state;

	for (int copy = 0; copy < RECORDS; copy++)
		for (int before = 0; before <= RECORDS; before++) {
			int order[RECORDS + 2], n = 0;

			for (int i = 0; i <= RECORDS; i++) {
				if (i == before)
					order[n++] = copy;
				if (i < RECORDS)
					order[n++] = i;
			}
			order[n] = -1;
			EXPECT(verify_lines(s, order, NULL), AUDIT_INSERTED, copy + 1);
			EXPECT(verify_lines(s, order, s->head), AUDIT_INSERTED, copy + 1);
		}
}

static void
test_each_pair_swapped(void **state)
{
	struct small *s = *state;

	for (int a = 0; a < RECORDS; a++)
		for (int b = a + 1; b < RECORDS; b++) {
			int order[RECORDS + 1] = { 0, 1, 2, 3, 4, 5, -1 };

			order[a] = b;
			order[b] = a;
			EXPECT(verify_lines(s, order, NULL), AUDIT_REORDERED, b + 1);
			EXPECT(verify_lines(s, order, s->head), AUDIT_REORDERED, b + 1);
		}
}

static void
test_cut_at_each_byte(void **state)
{
	struct small *s = *state;

	for (size_t len = 0; len < s->len; len++) {
		uint64_t whole = 0;
		bool is_clean = false;

		for (size_t i = 0; i < RECORDS; i++) {
			whole += (size_t)(s->line[i + 1] - s->text) <= len;
			is_clean |= (size_t)(s->line[i] - s->text) == len;
		}
		EXPECT(verify(s->text, len, NULL), is_clean ? AUDIT_GOOD : AUDIT_TORN, is_clean ? 0 : whole + 1);
		EXPECT(verify(s->text, len, s->head), is_clean ? AUDIT_TRUNCATED : AUDIT_TORN, whole + 1);
	}
}

static void
test_head(void **state)
{
	struct small *s = *state;
	char head[128];
	struct audit_report rep;
	struct audit_frame f;
	struct audit_reader *r;
	static const char *const bad[] = { "", "6", "6:", "x:y", "06:" AUDIT_ZERO, "0:" AUDIT_ZERO, "6:" AUDIT_ZERO "0", "6:ABCDEF" };

	audit_frame_read(s->line[3], (size_t)(s->line[4] - s->line[3]) - 1, &f, NULL);
	snprintf(head, sizeof head, "4:%s", f.hash);
	rep = verify(s->text, s->len, head);
	EXPECT(rep, AUDIT_UNANCHORED, 0);
	assert_int_equal(rep.unanchored, 2);
	head[2] = head[2] == 'a' ? 'b' : 'a';
	EXPECT(verify(s->text, s->len, head), AUDIT_EDITED, 4);
	snprintf(head, sizeof head, "9:%s", f.hash);
	EXPECT(verify(s->text, s->len, head), AUDIT_TRUNCATED, 7);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		r = audit_reader_memory(NULL, NULL, NULL, 0);
		assert_int_equal(audit_verify(r, bad[i], NULL, &rep, NULL), ERR_USAGE);
		audit_reader_free(r);
	}
}

/* What an attacker does who knows the format: hashes are made anew. */
static char *
forge(uint64_t seq, const char *prev, size_t *ret_len)
{
	struct audit_draft d = { .type = AUDIT_NOTE, .body = json_pack("{s:s}", "text", "forged") };
	char hash[AUDIT_HASH_HEX + 1], *line;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(audit_record_write(&b, seq, 5, prev, &world_actor, "prod", &d, hash, NULL), 0);
	json_decref(d.body);
	line = buf_take(&b, ret_len);
	buf_done(&b);
	return line;
}

static struct audit_report
with_forged(const struct small *s, size_t from, size_t to, uint64_t seq, const char *prev, const char *head)
{
	struct audit_report rep;
	struct buf b;
	size_t len;
	char *line = forge(seq, prev, &len);

	buf_init(&b, 1 << 20);
	buf_add(&b, s->text, (size_t)(s->line[from] - s->text));
	buf_add(&b, line, len);
	buf_add(&b, s->line[to], (size_t)(s->line[RECORDS] - s->line[to]));
	rep = verify(b.data, b.len, head);
	buf_done(&b);
	free(line);
	return rep;
}

static void
test_forged(void **state)
{
	struct small *s = *state;
	struct audit_report rep;
	struct audit_frame f;

	for (size_t i = 1; i < RECORDS; i++) {
		audit_frame_read(s->line[i - 1], (size_t)(s->line[i] - s->line[i - 1]) - 1, &f, NULL);
		/* in place of record i + 1 */
		rep = with_forged(s, i, i + 1, i + 1, f.hash, s->head);
		EXPECT(rep, AUDIT_EDITED, i + 1);
		assert_int_equal(rep.line, i + 1);
		/* before it, with its number */
		rep = with_forged(s, i, i, i + 1, f.hash, s->head);
		EXPECT(rep, AUDIT_INSERTED, i + 1);
		assert_int_equal(rep.line, i + (i == RECORDS - 1 ? 2 : 1));	/* of the last two nothing tells which */
		/* before it, linked to nothing */
		rep = with_forged(s, i, i, i + 1, AUDIT_ZERO, s->head);
		EXPECT(rep, AUDIT_INSERTED, i + 1);
		/* behind the end: the head does not know it */
		if (i == RECORDS - 1) {
			rep = with_forged(s, RECORDS, RECORDS, RECORDS + 1, s->head + 2, s->head);
			EXPECT(rep, AUDIT_UNANCHORED, 0);
		}
	}
	rep = with_forged(s, 0, 1, 1, AUDIT_ZERO, NULL);
	EXPECT(rep, AUDIT_EDITED, 1);
	rep = with_forged(s, 0, 1, 1, s->head + 2, NULL);
	EXPECT(rep, AUDIT_EDITED, 1);
}

static void
test_files(void **state)
{
	struct small *s = *state;
	const char *texts[] = { s->text, s->line[2], s->line[4] };
	size_t lens[] = { (size_t)(s->line[2] - s->text), (size_t)(s->line[4] - s->line[2]), (size_t)(s->line[6] - s->line[4]) };
	struct audit_report rep = verify_files(texts, lens, 3, s->head);

	EXPECT(rep, AUDIT_GOOD, 0);
	/* the file in the middle is gone; then the first one */
	texts[1] = texts[2];
	lens[1] = lens[2];
	rep = verify_files(texts, lens, 2, s->head);
	EXPECT(rep, AUDIT_DELETED, 3);
	assert_string_equal(rep.file, "b");
	assert_int_equal(rep.line, 1);
	rep = verify_files(texts + 1, lens + 1, 1, s->head);
	EXPECT(rep, AUDIT_DELETED, 1);
	/* torn in a file that others follow */
	texts[0] = s->text;
	lens[0]--;
	rep = verify_files(texts, lens, 2, s->head);
	EXPECT(rep, AUDIT_TORN, 2);
}

static struct audit_report
of_bodies(const struct audit_draft *drafts, size_t n)
{
	char hash[AUDIT_HASH_HEX + 1] = AUDIT_ZERO, prev[AUDIT_HASH_HEX + 1];
	struct audit_report rep;
	struct buf b;

	buf_init(&b, 16 << 20);
	for (size_t i = 0; i < n; i++) {
		memcpy(prev, hash, sizeof prev);
		assert_int_equal(audit_record_write(&b, i + 1, 1, prev, &world_actor, NULL, &drafts[i], hash, NULL), 0);
		json_decref(drafts[i].body);
	}
	rep = verify(b.data, b.len, NULL);
	buf_done(&b);
	return rep;
}

static void
test_open_intents(void **state)
{
	struct audit_draft v[] = {
		{ .type = AUDIT_INTENT, .body = json_pack("{s:s, s:s}", "step", "activate", "host", "web-1"), .run = "r1" },
		{ .type = AUDIT_INTENT },
		{ .type = AUDIT_ACT, .body = json_pack("{s:s, s:s}", "verb", "silence", "object", "SpamHigh") },
		{ .type = AUDIT_RESULT, .body = json_pack("{s:s, s:i}", "text", "\"intent\":1", "intent", 2) },
		{ .type = AUDIT_GAP },
		{ .type = AUDIT_ACT_RESULT, .body = json_pack("{s:i}", "act", 99) },
	};
	struct audit_report rep = of_bodies(v, sizeof v / sizeof v[0]);

	(void)state;
	EXPECT(rep, AUDIT_GOOD, 0);
	assert_int_equal(rep.open_intents, 2);
	assert_int_equal(rep.gaps, 1);
	assert_int_equal(rep.n_open, 2);
	assert_int_equal(rep.open[0].seq, 1);
	assert_string_equal(rep.open[0].run, "r1");
	assert_string_equal(rep.open[0].step, "activate");
	assert_string_equal(rep.open[0].host, "web-1");
	assert_true(rep.open[1].is_act);
	assert_int_equal(rep.open[1].seq, 3);
	assert_string_equal(rep.open[1].step, "silence");
	assert_string_equal(rep.open[1].host, "SpamHigh");
}

static void
test_many_open(void **state)
{
	enum { N = 3000 };
	struct audit_draft *v = xcalloc(N, sizeof *v);
	struct audit_report rep;

	(void)state;
	/* each third intent gets its result at once, each third later, the rest never */
	for (int i = 0; i < N; i++) {
		bool is_result = i % 6 == 1 || i % 6 == 5;

		v[i].type = is_result ? AUDIT_RESULT : AUDIT_INTENT;
		if (is_result)
			v[i].body = json_pack("{s:i}", "intent", i % 6 == 1 ? i : i - 2);
	}
	rep = of_bodies(v, N);
	EXPECT(rep, AUDIT_GOOD, 0);
	assert_int_equal(rep.open_intents, N / 6 * 2);
	free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_line_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_line_duplicated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_pair_swapped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_at_each_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test(test_open_intents),
		cmocka_unit_test(test_many_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
