#include "config.h"

#include "tests/unit/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"

static struct event
feed_vevent(double seconds, const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap), time[CLOCK_TEXT_MAX];
	struct err err = ERR_INIT;
	struct event ev;
	json_error_t jerr;
	json_t *json;

	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(text, JSON_ALLOW_NUL, &jerr);
	if (json == NULL)
		fail_msg("%s: %s", jerr.text, text);
	if (json_object_get(json, "time") == NULL)
		json_object_set_new(json, "time", json_string(clock_format(time, T0 + (int64_t)(seconds * 1e9), 9)));
	if (event_from_json(json, &ev, &err) < 0)
		fail_msg("%s: %s", err.msg, text);
	json_decref(json);
	free(text);
	return ev;
}

struct event
feed_event(double seconds, const char *fmt, ...)
{
	struct event ev;
	va_list ap;

	va_start(ap, fmt);
	ev = feed_vevent(seconds, fmt, ap);
	va_end(ap);
	return ev;
}

void
feed(struct model *m, double seconds, const char *fmt, ...)
{
	struct event ev;
	va_list ap;

	va_start(ap, fmt);
	ev = feed_vevent(seconds, fmt, ap);
	va_end(ap);
	model_apply(m, &ev);
	event_done(&ev);
}

void
feed_environment(struct model *m, const char *sources)
{
	feed(m, 0, "{'event':'environment','name':'prod','severity_label':'severity','sources':[%s],"
	    "'queries':[{'id':'query:errors','name':'errors','title':'Errors','unit':'ratio','source':'p1'}],"
	    "'markers':[{'id':'marker:build','name':'build','label':'version'}]}", sources);
	model_advance(m, T(0));
}

void
feed_ok(struct model *m, double seconds, const char *source, const char *what)
{
	feed(m, seconds, "{'event':'source-report','source':'%s','what':'%s','ok':true,'http_status':200,'latency_ns':10000000}",
	    source, what);
}

void
feed_failed(struct model *m, double seconds, const char *source, const char *what, const char *error)
{
	feed(m, seconds, "{'event':'source-report','source':'%s','what':'%s','ok':false,'error':'%s'}", source, what, error);
}

void
feed_alerts(struct model *m, double seconds, const char *source, const char *alerts)
{
	feed_ok(m, seconds, source, "alerts");
	feed(m, seconds, "{'event':'alerts','source':'%s','alerts':[%s]}", source, alerts);
}

char *
feed_dump(const struct model *m)
{
	json_t *json = model_to_json(m);
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);

	json_decref(json);
	return text;
}
