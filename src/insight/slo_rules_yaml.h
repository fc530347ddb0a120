/* Text of others in YAML that people read. Private to slo_rules. */
#ifndef OPS_INSIGHT_SLO_RULES_YAML_H
#define OPS_INSIGHT_SLO_RULES_YAML_H

#include "base/buf.h"

/* Append text as a scalar in double quotes: any bytes, what is not UTF-8 as U+FFFD. Source: YAML 1.2.2, section 5.7. */
void rules_quote(struct buf *out, const char *text);
/* Append ": " and text as the value of a key: a literal block, indented by so many blanks, where that keeps every byte; else in double quotes. */
void rules_block(struct buf *out, unsigned indent, const char *text);
/* Append text as part of a comment: what would end the line is written visibly. */
void rules_comment(struct buf *out, const char *text);
/* The same text for a label or annotation of an alert, where Prometheus would take {{ for a template; free() it. */
char *rules_untemplated(const char *text);

#endif
