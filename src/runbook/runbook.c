/* One runbook: the file as a whole. */
#include "config.h"

#include "runbook/runbook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_owner.h"
#include "conf/hostlist.h"
#include "runbook/read.h"

enum { SHOWN = 200, BATCHES_MAX = 100 };

static const char *const dangers[] = { "low", "medium", "high", NULL };

static read_by read_runbook_name, read_offer, read_hosts, read_rollout, read_batch, read_health,
    read_pre, read_verify, read_escalate, read_bad, read_conditions_of;

#define AT(member) offsetof(struct runbook, member)
/* params and hosts first: what follows refers to them. */
static const struct read_row top_rows[] = {
	{ .name = "apiVersion", .type = READ_SCALAR, .scalar = CONF_CONST, .def = "opsconsole/v1", .flags = READ_REQUIRED, .help = "Version of this format." },
	{ .name = "kind", .type = READ_SCALAR, .scalar = CONF_CONST, .def = "Runbook", .flags = READ_REQUIRED, .help = "What the file is." },
	{ .name = "name", .type = READ_BY, .by = read_runbook_name, .flags = READ_REQUIRED, .help = "What it is called by." },
	{ .name = "title", .type = READ_SCALAR, .scalar = CONF_STRING, .offset = AT(title), .max = "120", .flags = READ_REQUIRED, .help = "What it does, in a few words." },
	{ .name = "description", .type = READ_SCALAR, .scalar = CONF_LINES, .offset = AT(description), .max = "10000", .help = "What to know before it is run." },
	{ .name = "danger", .type = READ_SCALAR, .scalar = CONF_CHOICE, .offset = AT(danger), .choices = dangers, .def = "medium", .help = "How strictly it is confirmed." },
	{ .name = "params", .type = READ_BY, .by = read_params, .help = "What is asked for." },
	{ .name = "confirm", .type = READ_TEMPLATE, .offset = AT(confirm), .place = PLACE_TEXT, .help = "What must be typed; needed with danger high." },
	{ .name = "offer_when", .type = READ_BY, .by = read_offer, .help = "Alerts it is offered for." },
	{ .name = "hosts", .type = READ_BY, .by = read_hosts, .help = "The hosts it stands for." },
	{ .name = "rollout", .type = READ_BY, .by = read_rollout, .help = "In which order and pace." },
	{ .name = "preconditions", .type = READ_BY, .by = read_pre, .help = "What must hold before the first act, and before each batch." },
	{ .name = "steps", .type = READ_BY, .by = read_steps, .flags = READ_REQUIRED, .help = "What is done." },
	{ .name = "verify", .type = READ_BY, .by = read_verify, .help = "What must hold in the end." },
	{ .name = "cannot", .type = READ_SCALAR, .scalar = CONF_STRING, .offset = AT(cannot), .max = "300", .help = "What cannot be taken back." },
	{ .name = "escalate", .type = READ_BY, .by = read_escalate, .help = "Whom to call when it did not help." },
	{ .name = "mark_bad", .type = READ_BY, .by = read_bad, .help = "The version that a run which is done marks as bad." },
	{ 0 }
};
const struct read_table read_top_table = { "a runbook", top_rows };

static const struct read_row offer_rows[] = {
	{ .name = "alerts", .type = READ_TEXTS, .offset = AT(offer_alerts), .flags = READ_REQUIRED, .help = "Regular expressions for whole names of alerts." },
	{ 0 }
};
const struct read_table read_offer_table = { "offer_when", offer_rows };

static const struct read_row hosts_rows[] = {
	{ .name = "group", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(group), .max = "64", .help = "A group of hosts of the environment." },
	{ .name = "names", .type = READ_TEMPLATE, .offset = AT(hosts), .place = PLACE_WORD, .help = "Instead: a pattern of names, or a parameter of type host." },
	{ 0 }
};
const struct read_table read_hosts_table = { "hosts", hosts_rows };

static const struct read_row rollout_rows[] = {
	{ .name = "batch", .type = READ_BY, .by = read_batch, .help = "Counts and shares of all hosts, cumulative; or lists of names." },
	{ .name = "max_failures", .type = READ_UNSIGNED, .scalar = CONF_INT, .offset = AT(max_failures), .min = "0", .max = "10000", .def = "0", .help = "More hosts than this failing stops the run." },
	{ .name = "pause", .type = READ_SCALAR, .scalar = CONF_DURATION, .offset = AT(pause_ns), .min = "1ms", .max = "24h", .help = "Time between two batches." },
	{ .name = "parallel", .type = READ_UNSIGNED, .scalar = CONF_INT, .offset = AT(parallel), .min = "1", .max = "10000", .help = "Hosts at the same time in a batch; all when absent." },
	{ .name = "health", .type = READ_BY, .by = read_health, .help = "What must hold after each batch, before the next." },
	{ 0 }
};
const struct read_table read_rollout_table = { "rollout", rollout_rows };

static const struct read_row escalate_rows[] = {
	{ .name = "contact", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(escalate), .max = "64", .flags = READ_REQUIRED, .help = "Role of a contact of the environment." },
	{ 0 }
};
const struct read_table read_escalate_table = { "escalate", escalate_rows };

static const struct read_row bad_rows[] = {
	{ .name = "model", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(bad_model), .max = "120", .flags = READ_REQUIRED, .help = "The model: ${PARAMETER}." },
	{ .name = "version", .type = READ_SCALAR, .scalar = CONF_NAME, .offset = AT(bad_version), .max = "120", .flags = READ_REQUIRED, .help = "current: what was there before; or ${PARAMETER}." },
	{ 0 }
};
#undef AT
const struct read_table read_bad_table = { "mark_bad", bad_rows };

/* --- members ------------------------------------------------------------------------------------------ */

static void
read_runbook_name(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	struct runbook *rb = item;

	if (!read_is_text(rd, row->name, node))
		return;
	rb->name = xstrdup(node->text);
	if (node->len == 0 || node->len > 64 || node->text[0] == '-' ||
	    node->text[strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
		read_problem(rd, node, "name: small letters, digits, '-' and '_' are expected, at most "
		    "64");
}

static void
read_offer(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	const struct yaml_node *alerts = yaml_get(node, "alerts");
	static const struct conf_row regex = { .name = "alerts", .type = CONF_REGEX, .max = "500" };
	struct conf_value v;
	struct err err = ERR_INIT;

	(void)row;
	read_map(rd, &read_offer_table, node, item);
	for (size_t i = 0; alerts != NULL && alerts->type == YAML_TYPE_LIST && i < alerts->n; i++) {
		v = (struct conf_value){ .text = NULL };
		if (alerts->items[i]->type == YAML_TYPE_SCALAR && conf_scalar(&regex,
		    alerts->items[i]->text, alerts->items[i]->len, &v, &err) < 0)
			read_problem(rd, alerts->items[i], "alerts: %s", err.msg);
		free(v.text);
	}
}

/* One parameter of type host, or names written out. */
static void
check_names(struct reader *rd, const struct yaml_node *node, const struct template *t)
{
	const char *const *names = NULL;
	size_t n = template_names(t, &names);
	const struct runbook_param *p = n == 1 ? read_find_param(rd->rb, names[0]) : NULL;
	struct hostlist l = { 0 };
	struct err err = ERR_INIT;

	if (n == 0) {
		if (hostlist_add(&l, template_source(t), &err) < 0)
			read_problem(rd, node, "hosts: %s", err.msg);
		hostlist_done(&l);
		return;
	}
	if (n > 1 || strlen(template_source(t)) != strlen(names[0]) + 3)
		read_problem(rd, node, "hosts: one parameter by itself (${host_name}), or names without "
		    "variables are expected");
	else if (p != NULL && p->type != PARAM_HOST)
		read_problem(rd, node, "hosts: ${%s} is a %s; a parameter of type host is expected",
		    names[0], param_type_name(p->type));
}

static void
read_hosts(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	const struct yaml_node *names = node->type == YAML_TYPE_SCALAR ? node :
	    yaml_get(node, "names");
	struct runbook *rb = item;

	if (node->type == YAML_TYPE_SCALAR)
		rb->hosts = read_template(rd, row->name, node, PLACE_WORD);
	else if (!read_map(rd, &read_hosts_table, node, item))
		return;
	else if ((rb->group == NULL) == (rb->hosts == NULL))
		read_problem(rd, node, "hosts: one of group: and names: is expected");
	if (rb->hosts != NULL)
		check_names(rd, names, rb->hosts);
	if (rb->group != NULL && rd->env != NULL && !read_group_exists(rd->env, rb->group))
		read_unknown_group(rd, yaml_get(node, "group"), rb->group);
}

static bool
read_size(struct reader *rd, const struct yaml_node *node, struct batch_size *ret)
{
	static const struct conf_row row = { .name = "batch", .type = CONF_AMOUNT };
	struct conf_value v = { .text = NULL };

	ret->is_percent = node->type == YAML_TYPE_SCALAR && node->len > 1 &&
	    node->text[node->len - 1] == '%';
	if (node->type != YAML_TYPE_SCALAR || node->text[strspn(node->text, "0123456789.%")] != '\0' ||
	    conf_scalar(&row, node->text, node->len, &v, NULL) < 0 || v.real <= 0 ||
	    (ret->is_percent && v.real > 1) ||
	    (!ret->is_percent && strchr(node->text, '.') != NULL)) {
		read_problem(rd, node, "batch: a count (1) or a share up to 100%% (25%%) is expected");
		return false;
	}
	ret->value = ret->is_percent ? v.real * 100 : v.real;
	return true;
}

static void
read_sizes(struct reader *rd, const struct yaml_node *node, struct runbook *rb)
{
	const struct batch_size *before, *last;

	rb->batches = xcalloc(node->n + 1, sizeof *rb->batches);
	for (size_t i = 0; i < node->n; i++) {
		last = &rb->batches[rb->n_batches];
		before = rb->n_batches > 0 ? last - 1 : NULL;
		if (!read_size(rd, node->items[i], &rb->batches[rb->n_batches]))
			return;
		if (before != NULL && before->is_percent == last->is_percent &&
		    before->value >= last->value)
			read_problem(rd, node->items[i], "batch: counts and shares are of all hosts so "
			    "far: each must be larger than the one before");
		if (before != NULL && before->is_percent && !last->is_percent)
			read_problem(rd, node->items[i], "batch: a count does not stand behind a share: "
			    "which is larger is not known");
		rb->n_batches++;
	}
	last = &rb->batches[rb->n_batches - 1];
	if (!last->is_percent || last->value < 100)
		read_problem(rd, node->items[node->n - 1], "batch: does not reach all hosts: the last is "
		    "100%%");
}

static bool
is_listed(char ***lists, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; lists[i] != NULL && lists[i][j] != NULL; j++)
			if (str_eq(lists[i][j], name))
				return true;
	return false;
}

static void
read_lists(struct reader *rd, const struct yaml_node *node, struct runbook *rb)
{
	rb->batch_lists = xcalloc(node->n + 1, sizeof(*rb->batch_lists));
	for (size_t i = 0; i < node->n; i++) {
		char **names = read_texts(rd, "batch", node->items[i]);

		for (size_t j = 0; names != NULL && names[j] != NULL; j++) {
			bool is_twice = is_listed(rb->batch_lists, rb->n_batch_lists, names[j]);

			for (size_t k = 0; k < j; k++)
				is_twice = is_twice || str_eq(names[k], names[j]);
			if (!host_name_is_valid(names[j]))
				read_problem(rd, node->items[i], "batch: an item is no name of a host");
			else if (is_twice)
				read_problem(rd, node->items[i], "batch: %s stands there twice",
				    names[j]);
		}
		rb->batch_lists[rb->n_batch_lists++] = names != NULL ? names :
		    xcalloc(1, sizeof(*names));
	}
}

static void
read_batch(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	if (node->type != YAML_TYPE_LIST || node->n == 0 || node->n > BATCHES_MAX)
		read_problem(rd, node, "%s: a list of 1 to %d is expected: [1, 25%%, 100%%]", row->name,
		    BATCHES_MAX);
	else if (node->items[0]->type == YAML_TYPE_LIST)
		read_lists(rd, node, item);
	else
		read_sizes(rd, node, item);
}

static void
read_rollout(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	(void)row;
	if (!rd->has_hosts)
		read_problem(rd, node, "rollout: needs hosts: the runbook stands for none");
	read_map(rd, &read_rollout_table, node, item);
}

/* Conditions outside steps may be judged for each host. */
static struct condition **
read_judged(struct reader *rd, const char *name, const struct yaml_node *node, size_t *ret_n)
{
	struct condition **v;

	rd->is_per_host = rd->has_hosts;
	v = read_condition_list(rd, name, node, false, false, ret_n);
	rd->is_per_host = false;
	return v;
}

static void
read_conditions_of(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    void *item)
{
	struct runbook *rb = item;

	if (str_eq(row->name, "health"))
		rb->health = read_judged(rd, row->name, node, &rb->n_health);
	else if (str_eq(row->name, "verify"))
		rb->verify = read_judged(rd, row->name, node, &rb->n_verify);
	else
		rb->preconditions = read_judged(rd, row->name, node, &rb->n_preconditions);
}

static void
read_health(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	read_conditions_of(rd, row, node, item);
}

static void
read_pre(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	read_conditions_of(rd, row, node, item);
}

static void
read_verify(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	read_conditions_of(rd, row, node, item);
}

static bool
has_contact(const struct conf_environment *env, const char *role)
{
	for (size_t i = 0; i < env->n_contacts; i++)
		if (str_eq(env->contacts[i].role, role))
			return true;
	return false;
}

static void
read_escalate(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct runbook *rb = item;

	(void)row;
	if (node->type == YAML_TYPE_SCALAR)
		read_one(rd, &escalate_rows[0], node, item);	/* escalate: secondary */
	else
		read_map(rd, &read_escalate_table, node, item);
	if (rb->escalate == NULL || rd->env == NULL)
		return;
	if (!rb->is_shipped) {
		read_unknown_contact(rd, node, rb->escalate);
	} else if (!has_contact(rd->env, rb->escalate)) {
		/* Whom to call is not known here; that is no reason not to have the shipped way back. */
		free(rb->escalate);
		rb->escalate = NULL;
	}
}

/* "${model}" names a parameter of that type. */
static void
check_reference(struct reader *rd, const struct yaml_node *node, const char *text,
    enum param_type type)
{
	struct template *t;
	const char *const *names = NULL;
	const struct runbook_param *p;

	if (text == NULL || node == NULL)
		return;
	t = read_template(rd, "mark_bad", node, PLACE_WORD);
	p = t != NULL && template_names(t, &names) == 1 ? read_find_param(rd->rb, names[0]) : NULL;
	if (p != NULL && p->type != type)
		read_problem(rd, node, "mark_bad: ${%s} is no %s", names[0], param_type_name(type));
	template_free(t);
}

static void
read_bad(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct runbook *rb = item;

	(void)row;
	read_map(rd, &read_bad_table, node, item);
	check_reference(rd, yaml_get(node, "model"), rb->bad_model, PARAM_MODEL);
	check_reference(rd, yaml_get(node, "version"), rb->bad_version, PARAM_MODEL_VERSION);
}

/* --- files ----------------------------------------------------------------------------------------------- */

bool
runbook_is_shipped(const char *path)
{
	char *folder = NULL;
	bool is_shipped = false;
	size_t len;

	if (conf_data_path("runbooks", &folder, NULL) < 0)
		return false;
	len = strlen(folder);
	is_shipped = strncmp(path, folder, len) == 0 && path[len] == '/' &&
	    strstr(path + len, "/../") == NULL;
	free(folder);
	return is_shipped;
}

/* Shipped data is trusted where it lies, as themes are: a build tree may be its group's, too. */
static int
read_plain(const char *path, struct buf *b, struct err *err)
{
	char shown[SHOWN], chunk[16384];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = 0;

	str_escape_to(shown, sizeof shown, path);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot read %s", shown);
	do {
		n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno != EINTR)
			r = err_set_errno(err, ERR_IO, errno, "cannot read %s", shown);
		else if (n > 0 && buf_add(b, chunk, (size_t)n) < 0)
			r = err_set(err, ERR_LIMIT, "%s is larger than %zu KiB", shown, b->max >> 10);
	} while (r == 0 && n != 0);
	close(fd);
	return r;
}

int
runbook_file_read(const char *path, bool is_shipped, struct buf *b, struct err *err)
{
	return is_shipped ? read_plain(path, b, err) : conf_owner_read(path, b, err);
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static void
keep_hash(struct reader *rd)
{
	char *hex = xcalloc(DIGEST_HEX + 1, 1);

	digest_so_far_hex(rd->hash, hex);
	rd->rb->sha256 = hex;
}

static int
find_root(const char *name, const struct yaml_file *f, const struct yaml_node **ret_root,
    struct err *err)
{
	char shown[SHOWN];

	str_escape_to(shown, sizeof shown, name);
	if (f->n_docs == 0)
		return err_set(err, ERR_SYNTAX, "%s: is empty; man 5 opsconsole-runbook has an example",
		    shown);
	if (f->n_docs > 1)
		return err_set(err, ERR_SYNTAX, "%s:%u:%u: a second document begins here (---); a "
		    "runbook has one", shown, f->docs[1]->line, f->docs[1]->column);
	if (f->docs[0]->type != YAML_TYPE_MAP)
		return err_set(err, ERR_SYNTAX, "%s:%u:%u: a runbook is a map (NAME: VALUE)", shown,
		    f->docs[0]->line, f->docs[0]->column);
	*ret_root = f->docs[0];
	return 0;
}

static int
read_text(struct reader *rd, const char *text, size_t len, struct err *err)
{
	const struct yaml_node *root = NULL;
	struct yaml_file *f;
	int r = yaml_parse(rd->file, text, len, &f, err);

	if (r < 0)
		return r;
	digest_add(rd->hash, text, len);
	r = find_root(rd->file, f, &root, err);
	if (r == 0) {
		rd->has_hosts = !yaml_is_null(yaml_get(root, "hosts"));
		read_map(rd, &read_top_table, root, rd->rb);
		read_rules(rd, root);
		keep_hash(rd);
	}
	yaml_file_free(f);
	return r;
}

static int
read_file(struct reader *rd, const char *path, struct err *err)
{
	struct buf b;
	int r;

	buf_init(&b, YAML_BYTES_MAX);
	r = runbook_file_read(path, rd->rb->is_shipped, &b, err);
	if (r == 0)
		r = read_text(rd, b.data, b.len, err);
	buf_done(&b);
	return r;
}

int
runbook_read(const char *path, const char *text, size_t len, const struct conf *conf,
    const struct conf_environment *env, struct runbook **ret, struct conf_problems *problems,
    struct err *err)
{
	struct reader rd = { .conf = conf, .env = env, .problems = problems };
	int r;

	rd.rb = xcalloc(1, sizeof *rd.rb);
	rd.rb->files = xcalloc(2, sizeof(*rd.rb->files));
	rd.rb->files[0] = xstrdup(path);
	rd.rb->file = xstrdup(path);
	rd.rb->is_shipped = runbook_is_shipped(path);
	rd.file = rd.chain[0] = rd.rb->files[0];
	rd.hash = digest_new();
	r = text != NULL ? read_text(&rd, text, len, err) : read_file(&rd, path, err);
	digest_free(rd.hash);
	if (r < 0 || rd.is_broken) {
		runbook_free(rd.rb);
		rd.rb = NULL;
	}
	if (r == 0)
		*ret = rd.rb;
	return r;
}

static void
texts_free(char **v)
{
	for (size_t i = 0; v != NULL && v[i] != NULL; i++)
		free(v[i]);
	free(v);
}

void
runbook_free(struct runbook *r)
{
	if (r == NULL)
		return;
	params_free(r->params, r->n_params);
	steps_free(r->steps, r->n_steps);
	conditions_free(r->health, r->n_health);
	conditions_free(r->preconditions, r->n_preconditions);
	conditions_free(r->verify, r->n_verify);
	template_free(r->confirm);
	template_free(r->hosts);
	texts_free(r->offer_alerts);
	for (size_t i = 0; i < r->n_batch_lists; i++)
		texts_free(r->batch_lists[i]);
	free(r->batch_lists);
	free(r->batches);
	char *const texts[] = { r->name, r->title, r->description, r->file, r->sha256, r->group,
	    r->cannot, r->escalate, r->bad_model, r->bad_version };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
	texts_free(r->files);
	free(r);
}
