/* One HTML file: no script, nothing from outside, and a policy that says so, so that not even a mistake of ours could fetch or run anything. */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "report/doc.h"
#include "report/report_priv.h"

static const char style[] =
    ":root{color-scheme:light dark;--b:#fff;--f:#1b1f24;--m:#57606a;--l:#d0d7de;--h:#f3f5f7;--w:#9a3412;--c1:#0550ae;--c2:#9a3412;--c3:#1a7f37;--c4:#8250df}"
    "@media (prefers-color-scheme:dark){:root{--b:#14181d;--f:#e6e9ed;--m:#9aa4af;--l:#3a424b;--h:#1d2329;--w:#ffab70;--c1:#79b8ff;--c2:#ffab70;--c3:#7ee787;--c4:#d2a8ff}}"
    "body{background:var(--b);color:var(--f);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}"
    "h1{font-size:1.6rem}h2{font-size:1.25rem;border-bottom:1px solid var(--l);margin-top:2.2rem}h3{font-size:1.05rem}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{border:1px solid var(--l);padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:break-word}"
    "th{background:var(--h)}td:first-child{white-space:nowrap}.wide{overflow-x:auto}.warning{border-left:4px solid var(--w);padding:.4rem .8rem;font-weight:bold}"
    ".yours{border:1px dashed var(--m);padding:.2rem .8rem}figure{margin:1rem 0}figcaption{color:var(--m);font-size:.9rem}svg{font:11px system-ui,sans-serif}figure>svg{width:100%;height:auto}figcaption svg{vertical-align:middle}"
    "svg .axis{stroke:var(--l)}svg text{fill:var(--m)}svg .l1{stroke:var(--c1)}svg .l2{stroke:var(--c2);stroke-dasharray:6 3}svg .l3{stroke:var(--c3);stroke-dasharray:2 3}"
    "svg .l4{stroke:var(--c4);stroke-dasharray:8 3 2 3}svg polyline,svg .key{fill:none;stroke-width:1.8}svg .mark{stroke:var(--m);stroke-dasharray:1 3}svg .limit{stroke:var(--w);stroke-dasharray:4 4}"
    "@media print{:root{--b:#fff;--f:#000;--m:#444;--l:#999;--h:#eee;--w:#7a2b00;--c1:#0550ae;--c2:#7a2b00;--c3:#14592a;--c4:#5b2fb0}body{margin:0;max-width:none;font-size:10pt}"
    "h2,h3{break-after:avoid}tr,figure{break-inside:avoid}.wide{overflow:visible}}";

void
html_escape(struct buf *b, const char *text)
{
	for (const char *begin = text; *text != '\0'; text++) {
		switch (*text) {
		case ':':	/* only marks of places may look like marks of places */
			buf_addstr(b, text - begin >= 10 && strncmp(text - 10, "opsconsole", 10) == 0 ? "&#58;" : ":");
			break;
		case '&':
			buf_addstr(b, "&amp;");
			break;
		case '<':
			buf_addstr(b, "&lt;");
			break;
		case '>':
			buf_addstr(b, "&gt;");
			break;
		case '"':
			buf_addstr(b, "&quot;");
			break;
		case '\'':
			buf_addstr(b, "&#39;");
			break;
		default:
			buf_addch(b, *text);
		}
	}
}

static void
element(struct buf *b, const char *open, const char *text, const char *close)
{
	buf_addstr(b, open);
	html_escape(b, text);
	buf_addstr(b, close);
}

static void
write_table(struct buf *b, const struct doc_block *t)
{
	buf_addstr(b, "<div class=\"wide\"><table>\n<thead>");
	for (size_t i = 0; i < t->n_cells; i++) {
		bool is_head = i < t->columns;

		if (i % t->columns == 0)
			buf_addstr(b, "<tr>");
		element(b, is_head ? "<th scope=\"col\">" : "<td>", t->cells[i], is_head ? "</th>" : "</td>");
		if (i % t->columns == t->columns - 1)
			buf_addstr(b, i + 1 == t->columns ? "</tr></thead>\n<tbody>\n" : "</tr>\n");
	}
	buf_addstr(b, "</tbody></table></div>\n");
}

static void
write_place(struct buf *b, const struct doc_block *k)
{
	buf_printf(b, "<div class=\"yours\">\n<!-- opsconsole:yours %s -->\n", k->text);
	for (const char *const *l = k->lines; *l != NULL; l++)
		element(b, "<p><em>", *l, "</em></p>\n");
	buf_printf(b, "<!-- /opsconsole:yours %s -->\n</div>\n", k->text);
}

static void
write_block(const struct report *r, struct buf *b, const struct doc_block *k, bool is_first, bool is_last)
{
	switch (k->kind) {
	case DOC_HEADING:
		buf_printf(b, "<h%u>", k->level);
		html_escape(b, k->text);
		buf_printf(b, "</h%u>\n", k->level);
		break;
	case DOC_TEXT:
		element(b, "<p>", k->text, "</p>\n");
		break;
	case DOC_WARNING:
		element(b, "<p class=\"warning\" role=\"alert\">", k->text, "</p>\n");
		break;
	case DOC_ITEM:
		buf_addstr(b, is_first ? "<ul>\n" : "");
		element(b, "<li>", k->text, "</li>\n");
		buf_addstr(b, is_last ? "</ul>\n" : "");
		break;
	case DOC_TABLE:
		write_table(b, k);
		break;
	case DOC_PLACE:
		write_place(b, k);
		break;
	case DOC_GRAPHS:
		write_graphs(r, b);
		break;
	}
}

/* The style is allowed by its hash: no other style, no script, no frame, nothing from anywhere; a picture only if it stands in the file. */
static void
write_head(struct buf *b, const char *title)
{
	unsigned char md[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
	unsigned len = 0;

	*text = '\0';
	if (EVP_Digest(style, sizeof style - 1, md, &len, EVP_sha256(), NULL) == 1)
		EVP_EncodeBlock(text, md, (int)len);
	buf_printf(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n", (const char *)text);
	element(b, "<title>", title, "</title>\n");
	buf_printf(b, "<style>%s</style>\n</head>\n<body>\n", style);
}

int
write_html(const struct report *r, const struct doc *d, struct buf *b)
{
	write_head(b, d->n > 0 ? d->v[0].text : "");
	for (size_t i = 0; i < d->n; i++)
		write_block(r, b, &d->v[i], i == 0 || d->v[i - 1].kind != DOC_ITEM, i + 1 == d->n || d->v[i + 1].kind != DOC_ITEM);
	buf_addstr(b, "</body>\n</html>\n");
	return b->is_over ? ERR_LIMIT : 0;
}
