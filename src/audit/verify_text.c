/* What a verification found, for people and as JSON. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/verify.h"

static json_t *
open_json(const struct audit_open *o)
{
	return json_pack("{s:I, s:s, s:s*, s:s, s:s}", "seq", (json_int_t)o->seq, "type", audit_type_name(o->is_act ? AUDIT_ACT : AUDIT_INTENT), "run",
	    *o->run != '\0' ? o->run : NULL, o->is_act ? "verb" : "step", o->step, o->is_act ? "object" : "host", o->host);
}

static void
print_open(const struct audit_report *r)
{
	for (size_t i = 0; i < r->n_open; i++) {
		const struct audit_open *o = &r->open[i];

		printf("    record %" PRIu64 ": %s%s%s%s%s%s\n", o->seq, *o->run != '\0' ? "run " : "", o->run, *o->run != '\0' ? "  " : "", o->step,
		    *o->host == '\0' ? "" : o->is_act ? " " : " on ", o->host);
	}
	if (r->open_intents > r->n_open)
		printf("    and %" PRIu64 " more\n", r->open_intents - r->n_open);
}

json_t *
audit_report_json(const struct audit_report *r)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "verdict",
	    audit_verdict_name(r->verdict), "records", (json_int_t)r->records, "first_seq", (json_int_t)r->first_seq, "last_seq",
	    (json_int_t)r->last_seq, "last_hash", r->last_hash, "file", r->file, "line", (json_int_t)r->line, "offset", (json_int_t)r->offset,
	    "seq", (json_int_t)r->seq, "unanchored", (json_int_t)r->unanchored, "open_intents", (json_int_t)r->open_intents, "recovered",
	    (json_int_t)r->recovered, "gaps", (json_int_t)r->gaps, "unknown_types", (json_int_t)r->unknown_types, "has_head", r->has_head,
	    "text", r->text);
	json_t *open = json_array();

	for (size_t i = 0; i < r->n_open; i++)
		json_array_append_new(open, open_json(&r->open[i]));
	if (o == NULL)
		json_decref(open);
	else
		json_object_set_new(o, "open", open);
	return o;
}

static void
print_count(uint64_t n, const char *one, const char *many)
{
	if (n > 0)
		printf("  %" PRIu64 " %s\n", n, n == 1 ? one : many);
}

void
audit_report_print(const struct audit_report *r)
{
	printf("%s: %s\n", audit_verdict_name(r->verdict), r->text);
	if (r->line > 0)
		printf("  at %s, line %" PRIu64 " (byte %" PRIu64 "), record %" PRIu64 "\n", r->file, r->line, r->offset, r->seq);
	if (r->records > 0)
		printf("  records %" PRIu64 " to %" PRIu64 " hold; the last is %" PRIu64 ":%s\n", r->first_seq, r->last_seq, r->last_seq, r->last_hash);
	else
		printf("  no record holds\n");
	print_count(r->open_intents, "act without a result: its outcome is unknown", "acts without a result: their outcome is unknown");
	print_open(r);
	print_count(r->recovered, "time torn bytes were moved aside", "times torn bytes were moved aside");
	print_count(r->gaps, "gap: acts were made without this log", "gaps: acts were made without this log");
	print_count(r->unknown_types, "record of a type that this version does not know", "records of types that this version does not know");
}
