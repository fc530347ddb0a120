#include "config.h"

#include "plain_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "status_parts.h"
#include "status_text.h"

enum { STATUS_MAX = 32 << 20 };

/* Performance data are for plugins; they begin at the first '|', which nothing else may hold. */
static size_t
without_values(const char *line, size_t len)
{
	const char *bar = memchr(line, '|', len);

	if (bar == NULL)
		return len;
	len = (size_t)(bar - line);
	while (len > 0 && line[len - 1] == ' ')
		len--;
	return len;
}

/* Lines are escaped, so that each begins with the word that says what it is of. Values are asked for as ranges here. */
static void
add_status(struct buf *out, const struct model *m, bool is_late)
{
	static const char value[] = "value    ";
	struct buf text;

	buf_init(&text, STATUS_MAX);
	status_text(m, model_health(m), is_late, &text);
	for (size_t at = 0; at < text.len;) {
		size_t len = strcspn(text.data + at, "\n");

		if (!str_has_prefix(text.data + at, value)) {
			buf_add(out, text.data + at, at == 0 ? without_values(text.data, len) : len);
			buf_addch(out, '\n');
		}
		at += len + 1;
	}
	buf_done(&text);
}

static void
add_muted(struct buf *out, const struct model *m)
{
	size_t n_silenced = 0, n_inhibited = 0;

	for (size_t i = 0; i < model_n_alerts(m); i++) {
		n_silenced += model_alert(m, i)->state == ALERT_SILENCED;
		n_inhibited += model_alert(m, i)->state == ALERT_INHIBITED;
	}
	if (n_silenced + n_inhibited > 0)
		buf_printf(out, "muted    %zu silenced, %zu inhibited\n", n_silenced, n_inhibited);
}

static void
add_incident(struct buf *out, const struct model *m)
{
	const struct incident *in = model_incident(m);
	char age[DURATION_TEXT_MAX];

	if (in == NULL)
		return;
	buf_addstr(out, "incident ");
	status_add_text(out, in->id);
	buf_addstr(out, ": ");
	status_add_text(out, in->title);
	if (in->opened_ns > 0)
		buf_printf(out, ", open for %s", status_age(m, in->opened_ns, age));
	buf_addch(out, '\n');
}

void
plain_state(const struct model *m, const struct plain_facts *f, struct buf *out)
{
	add_status(out, m, f->is_late);
	add_muted(out, m);
	add_incident(out, m);
	buf_addstr(out, "console  ");
	if (f->read_only != NULL) {
		buf_addstr(out, "read-only: ");
		status_add_text(out, f->read_only);
	} else {
		buf_addstr(out, "not read-only");
	}
	buf_addstr(out, "; ");
	status_add_text(out, f->recorded);
	if (f->is_unwritable)
		buf_addstr(out, "; the audit log cannot be written");
	buf_addch(out, '\n');
}

/* --- alerts ---------------------------------------------------------------------------------------------------------------- */

static const char *
summary_of(const struct model_alert *a)
{
	static const char *const names[] = { "summary", "message", "description", "title" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *text = labels_get(a->annotations, names[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return "";
}

static void
add_alert(struct buf *out, const struct model *m, const struct model_alert *a, size_t name_w)
{
	char at[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX];

	buf_printf(out, "%-8s %-11s %6s  ", severity_name(a->severity), a->is_acked ? "acked" : alert_state_name(a->state),
	    a->since_ns > 0 ? status_age(m, a->since_ns, age) : "-");
	status_add_cell(out, a->name, name_w);
	status_add_text(out, summary_of(a));
	if (a->silenced_until_ns != 0)
		buf_printf(out, " [until %s]", clock_format(at, a->silenced_until_ns, 0));
	if (a->is_stale)
		buf_printf(out, " [last seen %s ago]", status_age(m, a->seen_ns, age));
	buf_addch(out, '\n');
}

void
plain_alerts(const struct model *m, struct buf *out)
{
	size_t name_w = 0;

	if (model_n_alerts(m) == 0)
		buf_addstr(out, model_alerts_known(m) ? "no alert fires, none is pending\n" : "unknown: no source that tells of alerts has answered\n");
	for (size_t i = 0; i < model_n_alerts(m); i++)
		status_widen(&name_w, model_alert(m, i)->name, STATUS_NAME_COLUMNS);
	for (size_t i = 0; i < model_n_alerts(m); i++)
		add_alert(out, m, model_alert(m, i), name_w);
}
