#include "config.h"

#include "tests/unit/report_world.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "audit/record.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- logs --------------------------------------------------------------------------------------------------------------- */

struct log {
	struct buf b;
	struct audit_actor actor;
	uint64_t seq;
	char last[AUDIT_HASH_HEX + 1];
};

struct log *
log_new(const char *user, const char *host)
{
	struct log *l = xcalloc(1, sizeof *l);

	buf_init(&l->b, 16 << 20);
	l->actor = (struct audit_actor){ .user = user, .uid = 1000, .host = host, .tty = "", .client = "" };
	memcpy(l->last, AUDIT_ZERO, sizeof l->last);
	return l;
}

void
log_free(struct log *l)
{
	buf_done(&l->b);
	free(l);
}

uint64_t
log_add(struct log *l, double seconds, const char *type, const char *run, const char *incident, const char *body, ...)
{
	char text[16384], object[16400];
	struct audit_draft draft = { .run = run, .incident = incident };
	struct err err = ERR_INIT;
	va_list ap;

	va_start(ap, body);
	vsnprintf(text, sizeof text, body, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	snprintf(object, sizeof object, "{%s}", text);
	assert_true(audit_type_find(type, &draft.type));
	draft.body = json_loads(object, 0, NULL);
	assert_non_null(draft.body);
	if (audit_record_write(&l->b, ++l->seq, T(seconds), l->last, &l->actor, "prod", &draft, l->last, &err) < 0)
		fail_msg("%s", err.msg);
	json_decref(draft.body);
	return l->seq;
}

char *
log_text(const struct log *l, size_t *ret_len)
{
	*ret_len = l->b.len;
	return xstrndup(l->b.data, l->b.len);
}

static void
write_file(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

void
log_write(const struct log *l, const char *folder)
{
	char path[512], head[128];

	mkdir(folder, 0700);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", folder);
	write_file(path, l->b.data, l->b.len);
	snprintf(path, sizeof path, "%s-head", folder);
	snprintf(head, sizeof head, "%llu:%s\n", (unsigned long long)l->seq, l->last);
	write_file(path, head, strlen(head));
}

/* --- the incident ----------------------------------------------------------------------------------------------------------- */

#define RUN "20300101-021901-web"
#define PAGE(name) "{'name':'" name "','labels':{'alertname':'" name "','severity':'page'},'state':'firing','since':'2030-01-01T02:08:00Z','fingerprint':'0123456789abcdef'}"

static void
alice_acts(struct log *l)
{
	uint64_t act = log_add(l, AT(2, 13, 30), "act", NULL, NULL, "'verb':'ack','object':'SpamFalsePositiveRateHigh','text':'ACK looking','source':'am'");

	log_add(l, AT(2, 13, 31), "act-result", NULL, NULL, "'act':%llu,'outcome':'done','text':''", (unsigned long long)act);
	log_add(l, AT(2, 14, 0), "incident-opened", NULL, INCIDENT, "'title':'Good mail is taken for spam','joined':false");
	log_add(l, AT(2, 15, 10), "note", NULL, INCIDENT, "'text':'v7 went out at 02:05, alice suspects it'");
}

static void
alice_runs(struct log *l)
{
	uint64_t intent;

	log_add(l, AT(2, 19, 1), "run-start", RUN, INCIDENT, "'runbook':'rollback','file':'rollback.yaml','sha256':'','title':'Put the previous version back','params':{},"
	    "'hosts':['web-1','web-2'],'batches':[1,2],'plan':'aa11bb22cc33','danger':'high','confirm':'prod/spam-filter','confirmed':'typed prod/spam-filter'");
	intent = log_add(l, AT(2, 19, 2), "intent", RUN, INCIDENT, "'step':'activate','host':'web-1','batch':0,'attempt':1,'nonce':'n1','what':'activate-model spam-filter 6','undo':false");
	log_add(l, AT(2, 19, 4), "result", RUN, INCIDENT, "'intent':%llu,'step':'activate','host':'web-1','outcome':'OK','text':'serves 6','elapsed_ms':1900",
	    (unsigned long long)intent);
	log_add(l, AT(2, 19, 15), "intent", RUN, INCIDENT, "'step':'activate','host':'web-2','batch':1,'attempt':1,'nonce':'n2','what':'activate-model spam-filter 6','undo':false");
	intent = log_add(l, AT(2, 19, 30), "intent", RUN, INCIDENT, "'step':'tell','host':'','batch':null,'attempt':1,'nonce':'n3',"
	    "'what':'notify public, Status page (#status): Mail is filtered rightly again','undo':false");
	log_add(l, AT(2, 19, 31), "result", RUN, INCIDENT, "'intent':%llu,'step':'tell','host':'','outcome':'OK','text':'sent','elapsed_ms':12", (unsigned long long)intent);
	log_add(l, AT(2, 21, 0), "check", RUN, INCIDENT, "'phase':'verify','host':'','what':'alert SpamFalsePositiveRateHigh','expected':'resolved','found':'resolved','outcome':'OK'");
	log_add(l, AT(2, 21, 5), "run-end", RUN, INCIDENT, "'runbook':'rollback','outcome':'done','exit':0,'text':'6 serves everywhere','hosts':{},'undo':[],'verified':true");
}

static void
chain_chunks(struct log *l, const struct tape *t, double seconds)
{
	char hex[65], from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	for (unsigned n = 1; n <= 70; n++) {
		int64_t begun = T(AT(1, 40, 0)) + (n - 1) * NS_PER_MIN;

		tape_hash(t, n, hex);
		log_add(l, seconds, "chunk", NULL, NULL, "'recording':'20300101-014000-77','number':%u,'file':'%06u.rec','from':'%s','to':'%s','bytes':4096,'events':60,'sha256':'%s'",
		    n, n, clock_format(from, begun, 9), clock_format(to, begun + NS_PER_MIN - 1, 9), hex);
	}
}

static void
bob_acts(struct log *l)
{
	log_add(l, AT(2, 16, 0), "incident-opened", NULL, INCIDENT, "'title':'Good mail is taken for spam','joined':true");
	log_add(l, AT(2, 17, 0), "note", NULL, INCIDENT, "'text':'users report lost mail to bob'");
	log_add(l, AT(2, 18, 0), "act", NULL, INCIDENT, "'verb':'silence','object':'job=mail','text':'noise','source':'am'");
	log_add(l, AT(2, 35, 0), "incident-closed", NULL, INCIDENT, "'text':''");
}

static void
tape_fill(struct tape *t)
{
	tape_feed(t, AT(1, 40, 0), "{'event':'environment','name':'prod','severity_label':'severity','sources':[{'name':'am','type':'alertmanager','interval_ns':3600000000000},"
	    "{'name':'p1','type':'prometheus','interval_ns':3600000000000}],'queries':[{'id':'query:errors','name':'errors','title':'False positives','unit':'ratio','source':'p1',"
	    "'slo':'slo:good-mail','objective':0.01}],'markers':[{'id':'marker:build','name':'build','label':'version'}]}");
	tape_feed(t, AT(1, 40, 0), "{'event':'slo-defs','slos':[{'id':'slo:good-mail','name':'good-mail','source':'p1','target':0.999,'period_ns':2592000000000000,"
	    "'method':'occurrences','indicator':'ratio','bad':'b','total':'t','alert_labels':{'alertname':'none'}}]}");
	for (int m = 40; m <= 110; m++) {
		double at = AT(1, m, 0);
		bool is_bad = m >= 70 && m < 82;

		if (m == 66)
			tape_feed(t, at, "{'event':'markers','source':'p1','def':'marker:build','start':'2030-01-01T01:00:00Z','end':'2030-01-01T02:06:00Z','markers':[{'kind':'change',"
			    "'at':'2030-01-01T02:05:00Z','what':'spam-filter','from':'6','to':'7','text':'spam-filter 6 -> 7','n_series':2}]}");
		tape_slo(t, at, is_bad ? "page" : "ok", m < 70 ? 0.9 : is_bad ? 0.9 - 0.01 * (m - 69) : 0.78, is_bad ? 16 : 0.4, m < 70 ? 100 : is_bad ? 100 + 50 * (m - 69) : 700);
		tape_feed(t, at, "{'event':'series','source':'p1','type':'vector','query':'query:errors','series':[{'labels':{},'samples':[[%lld,%s]]}]}", (long long)T(at),
		    is_bad ? "0.0912" : "0.002");
		if (m < 72 || m >= 83)
			tape_alert(t, at, "");
		else
			tape_alert(t, at, PAGE("SpamFalsePositiveRateHigh"));
	}
}

static int
setup(void **state, bool is_bare)
{
	struct report_world *w = xcalloc(1, sizeof *w);

	snprintf(w->root, sizeof w->root, "/tmp/opsreport.XXXXXX");
	if (mkdtemp(w->root) == NULL)
		return -1;
	w->alice = log_new("alice", "web");
	w->bob = log_new("bob", "db");
	tapes_found(NULL);
	packs_found(NULL, NULL, 0);
	log_add(w->alice, AT(1, 40, 0), "opened", NULL, NULL, "'version':'1','format':1,'mode':'console'");
	log_add(w->bob, AT(1, 50, 0), "opened", NULL, NULL, "'version':'1','format':1,'mode':'console'");
	*state = w;
	if (is_bare) {
		log_add(w->alice, AT(2, 14, 0), "incident-opened", NULL, INCIDENT, "'title':'Good mail is taken for spam','joined':false");
		return 0;
	}
	w->tape = tape_new("20300101-014000-77", AT(1, 40, 0), AT(2, 50, 0));
	tape_fill(w->tape);
	alice_acts(w->alice);
	alice_runs(w->alice);
	log_add(w->alice, AT(2, 40, 0), "incident-closed", NULL, INCIDENT, "'text':'6 serves, mail is well'");
	chain_chunks(w->alice, w->tape, AT(2, 41, 0));
	bob_acts(w->bob);
	return 0;
}

int
report_world_setup(void **state)
{
	return setup(state, false);
}

int
report_world_setup_bare(void **state)
{
	return setup(state, true);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
report_world_teardown(void **state)
{
	struct report_world *w = *state;

	log_free(w->alice);
	log_free(w->bob);
	tape_free(w->tape);
	nftw(w->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* --- gathering ------------------------------------------------------------------------------------------------------------------ */

int
world_try(const struct report_world *w, const char *incident, struct report **ret, struct err *err)
{
	char paths[2][80], heads[2][160];
	const char *chains[3] = { paths[0], paths[1], NULL }, *head[3] = { heads[0], heads[1], NULL };
	struct recording *rec = w->tape != NULL ? tape_recording(w->tape) : NULL;
	struct report_options o = { .incident = incident, .chains = chains, .heads = head, .recordings = &rec, .n_recordings = rec != NULL, .has_names = w->has_names,
		.environment = w->environment, .now_ns = T(AT(9, 0, 0)) };
	struct stat st;

	for (int i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/%d", w->root, i);
		snprintf(heads[i], sizeof heads[i], "%s/%d-head", w->root, i);
		if (stat(paths[i], &st) < 0)
			log_write(i == 0 ? w->alice : w->bob, paths[i]);
	}
	return report_gather(&o, ret, err);
}

struct report *
world_gather(const struct report_world *w)
{
	struct report *r = NULL;
	struct err err = ERR_INIT;

	if (world_try(w, INCIDENT, &r, &err) < 0)
		fail_msg("%s", err.msg);
	return r;
}

/* Each occurrence of what becomes with. */
static char *
replaced(char *text, const char *what, const char *with)
{
	struct buf b;
	char *p, *from = text, *made;

	buf_init(&b, 64 << 20);
	while ((p = strstr(from, what)) != NULL) {
		buf_add(&b, from, (size_t)(p - from));
		buf_addstr(&b, with);
		from = p + strlen(what);
	}
	buf_addstr(&b, from);
	made = buf_take(&b, NULL);
	buf_done(&b);
	free(text);
	return made;
}

char *
report_document(const struct report_world *w, const struct report *r, enum report_format format)
{
	struct err err = ERR_INIT;
	struct buf b;
	char *text;

	buf_init(&b, 64 << 20);
	if (report_write(r, format, NULL, 0, &b, &err) < 0)
		fail_msg("%s", err.msg);
	text = buf_take(&b, NULL);
	buf_done(&b);
	text = replaced(text, w->root, "/root");
	text = replaced(text, "opsconsole " PACKAGE_VERSION " on", "opsconsole VERSION on");
	return replaced(text, "\"version\": \"" PACKAGE_VERSION "\"", "\"version\": \"VERSION\"");
}

char *
world_document(const struct report_world *w, enum report_format format)
{
	struct report *r = world_gather(w);
	char *text = report_document(w, r, format);

	report_free(r);
	return text;
}
