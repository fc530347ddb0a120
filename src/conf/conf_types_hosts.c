/* Types of options of hosts, models and registries. */
#include "config.h"

#include <string.h>

#include "base/jpath.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"
#include "conf/conf_within.h"
#include "conf/hostlist.h"

enum { SHOWN = 72, JPATH_MAX = 500 };

/* Text that may be shown; the type itself says what else. */
static int
read_text(const char *text, size_t len, struct conf_value *v, struct err *err)
{
	static const struct conf_row row = { .name = "text", .type = CONF_STRING, .max = "2000" };

	return conf_scalar(&row, text, len, v, err);
}

int
conf_read_jpath(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	struct jpath path;
	int r;

	(void)row;
	if (len > JPATH_MAX)
		return err_set(err, ERR_LIMIT, "the path is longer than %d bytes", JPATH_MAX);
	r = jpath_parse(text, &path, err);
	return r < 0 ? r : read_text(text, len, v, err);
}

int
conf_read_regex(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];
	struct within *w;
	int r;

	(void)row;
	if (len == 0)
		return err_set(err, ERR_INVALID,
		    "is empty; a regular expression for whole names is expected, such as "
		    "'web-[0-9]+'");
	r = within_new(text, &w, err);
	if (r < 0) {
		err_prefix(err, "'%s'", str_escape_to(buf, sizeof buf, text));
		return r;
	}
	within_free(w);
	return read_text(text, len, v, err);
}

int
conf_read_user(const struct conf_row *row, const char *text, size_t len, struct conf_value *v,
    struct err *err)
{
	char buf[SHOWN];

	(void)row;
	if (!host_user_is_valid(text))
		return err_set(err, ERR_INVALID, "'%s' is not the name of a user",
		    str_escape_to(buf, sizeof buf, text));
	v->text = xstrndup(text, len);
	return 0;
}

int
conf_pattern(const char *text, char **ret_pattern, struct err *err)
{
	struct hostlist l = { 0 };
	int r = hostlist_add(&l, text, err);

	hostlist_done(&l);
	if (r == 0)
		*ret_pattern = xstrdup(text);
	return r;
}
