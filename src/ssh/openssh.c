/*
 * Until the supervisor speaks, all that stands in stderr is ssh's (or a login script's): it is held back, given on when the command has started, and
 * read for the reason when it has not. ssh runs at LogLevel VERBOSE for one line's sake, "Authenticated to". A bare command has nobody to speak for it:
 * its stderr and ssh's cannot be told apart, ssh is kept as quiet as it can be, and an exit status of 255 without known words is an unknown outcome.
 */
#include "config.h"

#include "ssh/openssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/child.h"
#include "ssh/openssh_words.h"

#define CONNECT_NS (15 * NS_PER_S)	/* of one hop, when nobody says otherwise */
#define CONNECT_MORE_NS (5 * NS_PER_S)	/* ssh ends by itself first, and says why */
#define DRAIN_NS (2 * NS_PER_S)		/* for what is still under way when the command has ended */
enum { WORDS_MAX = 16 * 1024, ARGS_MAX = 64 };

struct openssh {
	struct child *child;
	struct loop_timer *timer;
	struct supervisor_reader reader;
	bool is_supervised, is_question;	/* question: settle and cancel, which start nothing */
	bool is_login, is_told_started, is_stdout_seen, is_draining;
	struct buf words;			/* stderr before the command started */
	char *host;
	struct openssh_events ev;
	struct ssh_result result;
	unsigned busy;
	bool is_freed;
};

/* --- telling ---------------------------------------------------------------------------------- */

static void
destroy(struct openssh *o)
{
	child_free(o->child);
	loop_timer_free(o->timer);
	if (o->is_supervised)
		supervisor_reader_done(&o->reader);
	buf_done(&o->words);
	free(o->host);
	free(o);
}

static void
tell_stage(struct openssh *o, enum ssh_stage stage)
{
	if (o->is_freed || stage <= o->result.stage)
		return;
	o->result.stage = stage;
	if (o->ev.stage != NULL)
		o->ev.stage(stage, o->ev.arg);
}

static void
tell_bytes(struct openssh *o, enum ssh_stream stream, const char *bytes, size_t len)
{
	if (!o->is_freed && len > 0 && o->ev.read != NULL)
		o->ev.read(stream, bytes, len, o->ev.arg);
}

static void
leave(struct openssh *o)
{
	if (--o->busy == 0 && o->is_freed)
		destroy(o);
}

/* Once; o may be gone afterwards. */
static void
tell_end(struct openssh *o)
{
	struct child *c = o->child;
	struct ssh_result *r = &o->result;
	void (*end)(const struct ssh_result *, void *) = o->ev.end;

	o->child = NULL;
	o->ev.end = NULL;
	loop_timer_stop(o->timer);
	child_free(c);
	r->transport = SSH_OPENSSH;
	r->ended_ns = clock_now();
	if (end != NULL && !o->is_freed)
		end(r, o->ev.arg);
}

/* --- what came of it -------------------------------------------------------------------------- */

static void
not_run(struct openssh *o, enum ssh_fail fail)
{
	o->result.outcome = SSH_NOT_RUN;
	o->result.fail = fail;
	if (!o->is_login)
		o->result.stage = openssh_fail_stage(fail);
}

static void
judge_by_reader(struct openssh *o)
{
	const struct supervisor_reader *s = &o->reader;
	struct ssh_result *r = &o->result;

	r->outcome = s->outcome;
	r->status = s->status;
	r->fail = s->fail;
	memcpy(r->signal, s->signal, sizeof r->signal);
	if (s->outcome != SSH_EXITED)
		supervisor_explain(s, o->host, &r->err);
	if (s->outcome != SSH_NOT_RUN && s->outcome != SSH_UNKNOWN)
		r->stage = SSH_CLOSED;
	else if (o->is_question)
		r->stage = s->is_running ? SSH_RUN : SSH_CLOSED;
}

static void
unknown(struct openssh *o)
{
	char line[240];

	openssh_words_last(o->words.data, o->words.len, line, sizeof line);
	o->result.outcome = SSH_UNKNOWN;
	o->result.status = -1;
	err_set(&o->result.err, ERR_IO, "%s: ssh ended before the command said how it ended; it may have run, and may run still%s%s%s", o->host,
	    line[0] != '\0' ? " (ssh: " : "", line, line[0] != '\0' ? ")" : "");
}

/* ssh ended with 255: its own failure, or the status of what ran there. */
static void
judge_failure(struct openssh *o)
{
	enum ssh_fail fail = SSH_FAIL_NONE;

	if (!(o->is_supervised && o->reader.is_started) && !o->is_stdout_seen)
		fail = openssh_words_fail(o->words.data, o->words.len, o->is_login, o->host, &o->result.err);
	if (fail != SSH_FAIL_NONE)
		not_run(o, fail);
	else
		unknown(o);
}

static void
judge(struct openssh *o, const struct child_end *end)
{
	struct ssh_result *r = &o->result;

	if (end->err.code != 0) {
		r->err = end->err;
		not_run(o, SSH_FAIL_SETTINGS);
		r->stage = SSH_SETTINGS;
	} else if (o->is_supervised && o->reader.is_ended) {
		judge_by_reader(o);
	} else if (end->signo != 0) {
		unknown(o);
	} else if (end->status == 255) {
		judge_failure(o);
	} else if (!o->is_supervised) {
		r->outcome = SSH_EXITED;
		r->status = end->status;
		r->stage = SSH_CLOSED;
	} else {
		if (!o->is_question)
			supervisor_closed(&o->reader);
		judge_by_reader(o);
	}
}

/* --- the streams ------------------------------------------------------------------------------ */

static void
started(struct openssh *o)
{
	if (o->is_told_started)
		return;
	o->is_told_started = true;
	o->result.started_ns = clock_now();
	if (o->is_supervised)
		loop_timer_stop(o->timer);
	tell_stage(o, SSH_RUN);
}

/* The first and the last of it are kept when it is too much. */
static void
hold(struct openssh *o, const char *bytes, size_t len)
{
	struct buf *w = &o->words;

	if (len > WORDS_MAX / 2) {
		bytes += len - WORDS_MAX / 2;
		len = WORDS_MAX / 2;
	}
	if (w->len + len > WORDS_MAX) {
		size_t cut = w->len + len - WORDS_MAX, from = WORDS_MAX / 4;

		if (cut > w->len - from)
			cut = w->len - from;
		memmove(w->data + from, w->data + from + cut, w->len - from - cut + 1);
		w->len -= cut;
	}
	buf_add(w, bytes, len);
}

/* Login scripts and sudo speak after the login; what stands before it is ssh's and the host's banner. */
static void
give_held(struct openssh *o)
{
	size_t from = openssh_words_after_login(o->words.data, o->words.len);

	tell_bytes(o, SSH_ERR, o->words.data + from, o->words.len - from);
	buf_reset(&o->words);
}

/* What is no line of the supervisor. */
static void
on_stderr(const char *bytes, size_t len, void *arg)
{
	struct openssh *o = arg;

	if (o->reader.is_ended && o->reader.outcome != SSH_NOT_RUN)
		return;			/* after its end it is ssh that speaks */
	if (o->reader.is_started) {
		if (!o->is_told_started) {
			started(o);
			give_held(o);
		}
		tell_bytes(o, SSH_ERR, bytes, len);
		return;
	}
	hold(o, bytes, len);
	if (!o->is_login && openssh_words_is_login(o->words.data, o->words.len)) {
		o->is_login = true;
		tell_stage(o, SSH_OPEN);
	}
}

static void
take_stderr(struct openssh *o, const char *bytes, size_t len)
{
	if (!o->is_supervised) {
		hold(o, bytes, len);
		tell_bytes(o, SSH_ERR, bytes, len);
		return;
	}
	supervisor_read(&o->reader, bytes, len, on_stderr, o);
	if (o->reader.is_started && !o->is_told_started) {
		started(o);
		give_held(o);
	}
	/* Once: what it left in the background may speak for ever. */
	if (o->reader.is_ended && !o->is_draining)
		loop_timer_in(o->timer, DRAIN_NS);
	o->is_draining = o->reader.is_ended;
}

static void
on_read(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct openssh *o = arg;

	(void)c;
	o->busy++;
	if (stream == CHILD_ERR) {
		take_stderr(o, bytes, len);
	} else {
		o->is_stdout_seen = true;
		if (!o->is_supervised)
			started(o);
		tell_bytes(o, SSH_OUT, bytes, len);
	}
	leave(o);
}

static void
on_end(struct child *c, const struct child_end *end, void *arg)
{
	struct openssh *o = arg;

	(void)c;
	o->busy++;
	if (o->is_supervised)
		supervisor_read_end(&o->reader, on_stderr, o);
	if (!o->is_freed) {
		judge(o, end);
		tell_end(o);
	}
	leave(o);
}

/* The command has ended and somebody holds its streams, or the host did not let us in in time. */
static void
on_timer(void *arg)
{
	struct openssh *o = arg;
	char line[200];

	o->busy++;
	if (o->is_supervised && o->reader.is_ended) {
		judge_by_reader(o);
	} else if (o->is_login || !o->is_supervised) {
		unknown(o);
	} else {
		openssh_words_last(o->words.data, o->words.len, line, sizeof line);
		err_set(&o->result.err, ERR_TIMEOUT, "%s: it did not let us in in time%s%s%s", o->host, line[0] != '\0' ? " (ssh: " : "", line,
		    line[0] != '\0' ? ")" : "");
		not_run(o, SSH_FAIL_CONNECT);
	}
	tell_end(o);
	leave(o);
}

/* --- starting --------------------------------------------------------------------------------- */

struct args {
	const char *v[ARGS_MAX];
	size_t n;
	char connect[40], port[16];
};

static void
add(struct args *a, const char *word)
{
	a->v[a->n++] = word;
}

static void
add_option(struct args *a, const char *option)
{
	add(a, "-o");
	add(a, option);
}

static int64_t
connect_ns(const struct ssh_options *o, const struct ssh_settings *s)
{
	if (o->connect_ns > 0)
		return o->connect_ns;
	return s != NULL && s->connect_ns > 0 ? s->connect_ns : CONNECT_NS;
}

/* ConnectTimeout is of each hop. */
static int64_t
overdue_ns(const struct ssh_options *o, const struct ssh_settings *s)
{
	int64_t hops = 1;

	if (s != NULL && s->proxy_jump != NULL) {
		hops++;
		for (const char *c = s->proxy_jump; *c != '\0' && hops < SSH_HOPS_MAX; c++)
			hops += *c == ',';
	}
	return connect_ns(o, s) * hops + CONNECT_MORE_NS;
}

static void
make_args(struct args *a, const struct ssh_options *o, const struct ssh_settings *s, const struct ssh_host *host, const char *command, bool is_supervised)
{
	static const char *const options[] = {
		"BatchMode=yes", "EscapeChar=none", "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no", "RemoteCommand=none",
		"StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ControlMaster=no",
	};

	*a = (struct args){ .n = 0 };
	add(a, "ssh");
	add(a, "-T");
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		add_option(a, options[i]);
	add_option(a, is_supervised ? "LogLevel=VERBOSE" : "LogLevel=ERROR");
	snprintf(a->connect, sizeof a->connect, "ConnectTimeout=%lld", (long long)((connect_ns(o, s) - 1) / NS_PER_S + 1));
	add_option(a, a->connect);
	if (s == NULL || s->alive_interval_s == 0) {	/* a host that went away is noticed */
		add_option(a, "ServerAliveInterval=15");
		add_option(a, "ServerAliveCountMax=4");
	}
	if (o->config != NULL) {
		add(a, "-F");
		add(a, o->config);
	}
	if (host->port != 0) {
		snprintf(a->port, sizeof a->port, "%u", host->port);
		add(a, "-p");
		add(a, a->port);
	}
	if (host->user != NULL && host->user[0] != '\0') {
		add(a, "-l");
		add(a, host->user);
	}
	add(a, "--");
	add(a, host->address);
	add(a, command);
}

static struct openssh *
openssh_new(struct loop *l, const struct ssh_host *host, const struct ssh_command *cmd, const struct openssh_events *ev)
{
	struct openssh *o = xcalloc(1, sizeof *o);
	char shown[200];

	o->is_question = cmd->script == NULL && (cmd->argv == NULL || cmd->argv[0] == NULL);
	o->is_supervised = o->is_question || !cmd->is_unsupervised;
	if (o->is_supervised)
		supervisor_reader_init(&o->reader, cmd->nonce);
	buf_init(&o->words, WORDS_MAX);
	o->host = xstrdup(str_escape_to(shown, sizeof shown, host->name != NULL ? host->name : host->address));
	o->ev = *ev;
	o->result = (struct ssh_result){ .stage = SSH_CONNECT, .status = -1, .outcome = SSH_UNKNOWN, .transport = SSH_OPENSSH, .transport_why = "" };
	o->timer = loop_timer_new(l, on_timer, o);
	return o;
}

int
openssh_start(struct loop *l, const struct ssh_options *options, const struct ssh_settings *settings, const struct ssh_host *host, struct supervised *sv,
    const struct ssh_command *cmd, const struct openssh_events *ev, struct openssh **ret, struct err *err)
{
	static const char *const env[] = { "SSH_ASKPASS_REQUIRE=never", NULL };
	struct openssh *o = openssh_new(l, host, cmd, ev);
	struct child_spec spec = { .env = env, .is_session = true, .is_bound = true, .read = on_read, .end = on_end, .arg = o };
	struct args args;
	int r;

	make_args(&args, options, settings, host, sv->command.data, o->is_supervised);
	if (cmd->in_len > 0 && buf_add(&sv->input, cmd->in, cmd->in_len) < 0) {
		destroy(o);
		return err_set(err, ERR_LIMIT, "%s: the command's input is over %zu bytes", host->name, sv->input.max);
	}
	spec.argv = args.v;
	spec.in = sv->input.data;
	spec.in_len = sv->input.len;
	r = child_start(l, &spec, &o->child, err);
	if (r < 0) {
		destroy(o);
		return r;
	}
	loop_timer_in(o->timer, overdue_ns(options, settings) + (o->is_supervised ? 0 : cmd->timeout_ns));
	explicit_bzero(sv->input.data, sv->input.len);
	buf_reset(&sv->input);
	buf_reset(&sv->command);
	*ret = o;
	return 0;
}

void
openssh_free(struct openssh *o)
{
	if (o == NULL || o->is_freed)
		return;
	o->is_freed = true;
	o->ev.end = NULL;
	if (o->busy == 0)
		destroy(o);
}
