/*
 * Inventories of any bytes; the first byte says which form: y YAML, i INI, else what it looks like. Hosts can be connected
 * to, are sorted and each there once, in groups that there are; problems can be shown and say where.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/hostlist.h"
#include "conf/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_text(const char *text)
{
	if (!utf8_is_valid(text, strlen(text)) || strpbrk(text, "\n\033") != NULL)
		die("text that cannot be shown");
}

static void
check_groups(const struct inventory *inv, const struct inventory_host *h)
{
	size_t k = 0;

	for (size_t i = 0; h->groups[i] != NULL; i++) {
		while (k < inv->n_groups && inv->groups[k] != h->groups[i])
			k++;
		if (k == inv->n_groups)
			die("a group that is not there, or out of order");
	}
}

static void
check_inventory(const struct inventory *inv)
{
	for (size_t i = 0; i < inv->n; i++) {
		const struct inventory_host *h = &inv->v[i];

		if (!host_name_is_valid(h->name) || (h->address != NULL && !host_name_is_valid(h->address)))
			die("a host that cannot be named");
		if (h->user != NULL && !host_user_is_valid(h->user))
			die("a user that cannot be named");
		if (h->port > 65535 || h->line == 0)
			die("a number out of range");
		if (i > 0 && host_compare(inv->v[i - 1].name, h->name) >= 0)
			die("hosts out of order");
		check_groups(inv, h);
	}
	for (size_t i = 0; i < inv->n_groups; i++) {
		check_text(inv->groups[i]);
		if (strcmp(inv->groups[i], "all") == 0 || (i > 0 && strcmp(inv->groups[i - 1], inv->groups[i]) >= 0))
			die("groups out of order");
	}
	if (inv->note != NULL)
		check_text(inv->note);
	if (inv->n > INVENTORY_HOSTS_MAX || inv->n_groups > INVENTORY_GROUPS_MAX)
		die("more than there may be");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *name = size == 0 ? "fuzz" : data[0] == 'y' ? "fuzz.yml" : data[0] == 'i' ? "fuzz.ini" : "fuzz";
	struct conf_problems problems = { 0 };
	struct inventory inv = { 0 };
	struct err err = ERR_INIT;
	int r;

	if (size == 0)
		return 0;
	r = inventory_parse(name, (const char *)data + 1, size - 1, &inv, &problems, &err);
	if (r != err.code)
		die("result and error disagree");
	if (r < 0)
		check_text(err.msg);
	check_inventory(&inv);
	for (size_t i = 0; i < problems.n; i++) {
		check_text(problems.v[i]);
		if (!str_has_prefix(problems.v[i], name))
			die("a problem that does not say where");
	}
	inventory_done(&inv);
	conf_problems_done(&problems);
	return 0;
}
