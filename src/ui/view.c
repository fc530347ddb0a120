#include "config.h"

#include "ui/view.h"

#include <string.h>

#include "base/clock.h"

int64_t
view_time(const struct view *v)
{
	return v->range.is_live ? v->now_ns : v->range.cursor_ns;
}

const char *
view_age(const struct view *v, int64_t at_ns, char *buf)
{
	if (at_ns == 0)
		return memcpy(buf, "-", sizeof "-");
	/* Whole seconds: an age that counts milliseconds would never stand still. */
	return duration_format(buf, (view_time(v) - at_ns) / NS_PER_S * NS_PER_S);
}
