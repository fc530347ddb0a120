/*
 * The review of an incident, made of evidence: what the audit chains and the recording say, each line with where it stands.
 *
 * Gathering is apart from writing: report_gather() reads chains (each verified; what does not verify is said at the top, and its records are marked) and a recording, and fills a
 * struct report; report_write() writes it as Markdown, JSON or one HTML file with its graphs as SVG. Blameless: people are roles ("on call", "operator 1") unless names are asked for. Unknown
 * outcomes stay unknown. Bytes from logs and hosts are escaped for each format; known secrets are masked.
 */
#ifndef OPS_REPORT_REPORT_H
#define OPS_REPORT_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "model/event.h"
#include "record/recording.h"

enum report_format { REPORT_MD, REPORT_JSON, REPORT_HTML };
struct report_options {
	const char *incident;		/* id */
	const char *const *chains;	/* folders or files of audit logs, or packed files; NULL-terminated. The first one is the user's own */
	const char *const *heads;	/* of each: path of its head file, or NULL */
	struct recording *const *recordings;	/* n_recordings, may be 0: then said */
	size_t n_recordings;
	bool has_names;			/* names of people instead of roles */
	const struct environment *environment;	/* contacts for roles; NULL */
	int64_t now_ns;
};
struct report;
/* ERR_NOTFOUND: no chain knows the incident (those that are known are named); ERR_IO, ERR_DENIED. */
int report_gather(const struct report_options *o, struct report **ret, struct err *err);
void report_free(struct report *r);
bool report_is_sound(const struct report *r);	/* every chain verified, no chunk other than a chain says, or gone from its recording */
/* old (may be NULL): a former version of the same document; what a person wrote into the places that are theirs is kept, and a place that this version no longer has is
 * appended, never lost. ERR_SYNTAX: old is not such a document, or its marks were damaged (line named): nothing is written. */
int report_write(const struct report *r, enum report_format format, const char *old, size_t old_len, struct buf *b, struct err *err);

#endif
