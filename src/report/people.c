/*
 * People as roles. Whoever wrote a record, and whoever is a contact of the environment, is known by name; these names are taken out of every text unless names are
 * asked for. Names of nobody in particular (root) stay: they say nothing about a person, and are words.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "report/report_priv.h"

static bool
is_nobody(const char *user)
{
	static const char *const names[] = { "root", "admin", "daemon", "nobody", "ubuntu", "debian", "ops", "opsconsole", "sre", "user", "test" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_eq(user, names[i]))
			return true;
	return false;
}

/* "alice" is the contact "Alice Example", or one whose channel is "@alice". */
static const struct contact *
contact_in(const struct environment *env, const char *user)
{
	for (size_t i = 0; i < env->n_contacts && !is_nobody(user); i++) {
		const struct contact *c = &env->contacts[i];
		size_t len = strlen(user);

		if (c->name != NULL && strncasecmp(c->name, user, len) == 0 && (c->name[len] == '\0' || c->name[len] == ' '))
			return c;
		if (c->channel != NULL && c->channel[0] == '@' && strcasecmp(c->channel + 1, user) == 0)
			return c;
	}
	return NULL;
}

static const struct contact *
contact_of(const struct report *r, const char *user)
{
	const struct contact *c = NULL;

	for (size_t i = 0; i < r->environments.n && c == NULL; i++)
		c = contact_in(r->environments.v[i], user);
	return c;
}

static const struct person *
find(const struct report *r, const char *user)
{
	for (size_t i = 0; i < r->people.n; i++)
		if (str_eq(r->people.v[i]->user, user))
			return r->people.v[i];
	return NULL;
}

void
people_add(struct report *r, const char *user)
{
	const struct contact *c;
	struct person *p;
	bool has_role;

	if (user == NULL || *user == '\0' || find(r, user) != NULL)
		return;
	c = contact_of(r, user);
	has_role = c != NULL && c->role != NULL && *c->role != '\0';
	p = arena_alloc(&r->arena, sizeof *p);
	p->user = arena_strdup(&r->arena, user);
	*LIST_ADD(&r->people) = p;
	p->role = "";
	if (has_role)
		p->role = rep_cleans(r, c->role);
	p->shown = r->o.has_names ? rep_cleans(r, user) :
	    rep_fmt(r, "operator %zu%s%s%s", r->people.n, has_role ? " (" : "", p->role, has_role ? ")" : "");
}

const char *
people_shown(struct report *r, const char *user)
{
	const struct person *p;

	if (user == NULL || *user == '\0')
		return "";
	people_add(r, user);
	p = find(r, user);
	return p->shown;
}

/* --- in texts --------------------------------------------------------------------------------------------------------- */

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool
stands_here(const char *text, size_t len, size_t at, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || len - at < n || strncasecmp(text + at, name, n) != 0)
		return false;
	if ((at > 0 && is_word(text[at - 1])) || (at + n < len && is_word(text[at + n])))
		return false;
	/* One letter is a word too often: only where it can be nothing but a login. */
	return n > 1 || (at + n < len && text[at + n] == '@') || (at >= 6 && strncmp(text + at - 6, "/home/", 6) == 0);
}

static size_t
contact_at(const struct environment *env, const char *text, size_t len, size_t at, size_t best, const char **ret_shown)
{
	for (size_t i = 0; i < env->n_contacts; i++) {
		const struct contact *c = &env->contacts[i];

		if (c->name != NULL && strlen(c->name) > best && strlen(c->name) > 1 && stands_here(text, len, at, c->name)) {
			best = strlen(c->name);
			*ret_shown = c->role != NULL && *c->role != '\0' ? c->role : "a contact";
		}
	}
	return best;
}

/* How many bytes of text at `at` are a name, and what stands for it. */
static size_t
name_at(const struct report *r, const char *text, size_t len, size_t at, const char **ret_shown)
{
	size_t best = 0;

	for (size_t i = 0; i < r->people.n; i++) {
		const struct person *p = r->people.v[i];

		if (!is_nobody(p->user) && strlen(p->user) > best && stands_here(text, len, at, p->user)) {
			best = strlen(p->user);
			*ret_shown = p->shown;
		}
	}
	for (size_t i = 0; i < r->environments.n; i++)
		best = contact_at(r->environments.v[i], text, len, at, best, ret_shown);
	return best;
}

/*
 * The options' environment knows its contacts of today, a recording those of the incident's time: a review that was made without a config must not show names. Before any
 * text is shown.
 */
void
people_find(struct report *r)
{
	if (r->o.environment != NULL)
		*LIST_ADD(&r->environments) = r->o.environment;
	for (size_t i = 0; i < r->tapes.n; i++) {
		const struct taped *t = &r->tapes.v[i];
		const struct model *m = NULL;
		const struct environment *env;

		for (size_t c = t->info.n_chunks; c-- > 0 && m == NULL;) {	/* one that can be read */
			int64_t to_ns = recording_chunk(t->recording, c)->to_ns;

			m = player_seek(t->player, to_ns < t->info.last_ns ? to_ns : t->info.last_ns, NULL);
		}
		env = m != NULL ? model_environment(m) : NULL;
		if (env != NULL)
			*LIST_ADD(&r->environments) = block_ref(env);
	}
}

void
people_mask(const struct report *r, struct buf *b, const char *text, size_t len)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		const char *shown = "";

		n = r->o.has_names ? 0 : name_at(r, text, len, at, &shown);
		if (n > 0)
			buf_addstr(b, shown);
		else
			buf_add(b, text + at, n = 1);
	}
}
