/* Options of the audit log, of what vouches for it from outside, and of recordings. */
#include "config.h"

#include "conf/conf_table.h"

static const char *const ship_types[] = { "http", "loki", NULL };

#define AT(member) offsetof(struct conf_source, member)
static const struct conf_row ship_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique; what was sent to it is remembered by it." },
	{ .name = "type", .type = CONF_ENUM, .offset = AT(type), .choices = ship_types,
	  .flags = ROW_REQUIRED, .help = "What it takes." },
	{ .name = "url", .type = CONF_URL, .offset = AT(url), .flags = ROW_REQUIRED,
	  .help = "Where records are posted to; of Loki without /loki/api/v1/push." },
	{ .name = "timeout", .type = CONF_DURATION, .offset = AT(timeout_ns), .min = "100ms",
	  .max = "5m", .def = "10s", .help = "When a request without an answer is given up." },
	{ .name = "user", .type = CONF_NAME, .offset = AT(user), .flags = ROW_ESSENTIAL,
	  .help = "User of basic authentication." },
	{ .name = "password", .type = CONF_SECRET, .offset = AT(password), .flags = ROW_ESSENTIAL,
	  .help = "Password of basic authentication." },
	{ .name = "bearer", .type = CONF_SECRET, .offset = AT(bearer), .flags = ROW_ESSENTIAL,
	  .help = "Bearer token." },
	{ .name = "headers", .type = CONF_PAIRS, .offset = AT(headers), .n_offset = AT(n_headers),
	  .table = &conf_table_header, .flags = ROW_ESSENTIAL, .max = "50",
	  .help = "Further request headers." },
	{ .name = "tls", .type = CONF_GROUP, .flags = ROW_ESSENTIAL, .table = &conf_table_tls,
	  .help = "Certificates." },
	{ .name = "proxy", .type = CONF_PROXY, .offset = AT(proxy), .flags = ROW_ESSENTIAL,
	  .help = "URL of a proxy, or environment for $https_proxy and kin." },
	{ 0 }
};
static const struct conf_table ship_table = {
	.what = "a target", .rows = ship_rows, .size = sizeof(struct conf_source),
	.is_unique = true, .has_position = true, .position = AT(line), .check = conf_rule_ship,
};
#undef AT

#define AT(member) offsetof(struct conf, member)
static const struct conf_row checkpoint_rows[] = {
	{ .name = "key", .type = CONF_PATH, .offset = AT(audit.checkpoint_key), .flags = ROW_GUARDS,
	  .help = "Public key file; an ssh-agent signs with its other half." },
	{ .name = "every", .type = CONF_DURATION, .offset = AT(audit.checkpoint_every_ns),
	  .min = "1m", .max = "30d", .flags = ROW_GUARDS, .help = "How often one is signed." },
	{ .name = "dir", .type = CONF_PATH, .offset = AT(audit.checkpoint_dir), .flags = ROW_GUARDS,
	  .help = "Folder for them." },
	{ 0 }
};
static const struct conf_table checkpoint_table = { .what = "checkpoint", .rows = checkpoint_rows,
    .is_guard = true };

static const char *const journald_choices[] = { [CONF_JOURNALD_NO] = "false", [CONF_JOURNALD_YES] = "true", [CONF_JOURNALD_AUTO] = "auto", NULL };

static const struct conf_row audit_rows[] = {
	{ .name = "dir", .type = CONF_PATH, .offset = AT(audit.dir), .flags = ROW_GUARDS,
	  .help = "Folder of the audit log." },
	{ .name = "head", .type = CONF_PATH, .offset = AT(audit.head), .flags = ROW_GUARDS,
	  .help = "File that keeps the log's last hash, best on another disk." },
	{ .name = "fallback", .type = CONF_PATHS, .offset = AT(audit.fallback),
	  .flags = ROW_GUARDS, .max = "10", .help = "Folders used when dir cannot be written." },
	{ .name = "rotate", .type = CONF_BYTES, .offset = AT(audit.rotate_bytes), .min = "64KiB",
	  .max = "1GiB", .def = "16MiB", .help = "Size at which a new file is begun." },
	{ .name = "copies", .type = CONF_PATHS, .offset = AT(audit.copies), .flags = ROW_GUARDS,
	  .max = "10", .help = "Further files that keep the last hash, such as on a share." },
	{ .name = "journald", .type = CONF_CHOICE, .offset = AT(audit.journald), .flags = ROW_GUARDS,
	  .choices = journald_choices, .def = "auto",
	  .help = "Tell journald, or syslog, the last hash from time to time." },
	{ .name = "checkpoint", .type = CONF_GROUP, .flags = ROW_GUARDS, .table = &checkpoint_table,
	  .help = "The last hash, signed with your ssh key." },
	{ .name = "ship", .type = CONF_LIST, .offset = AT(audit.ship), .n_offset = AT(audit.n_ship),
	  .table = &ship_table, .flags = ROW_GUARDS, .max = "10",
	  .help = "Servers that each record is sent to." },
	{ 0 }
};
const struct conf_table conf_table_audit = { .what = "audit", .rows = audit_rows,
    .is_guard = true };

static const struct conf_row record_rows[] = {
	{ .name = "keep", .type = CONF_DURATION, .offset = AT(record.keep_ns), .min = "0s",
	  .max = "7d", .def = "30m", .help = "How much is kept while nothing happens; 0s records nothing." },
	{ .name = "keep_bytes", .type = CONF_BYTES, .offset = AT(record.keep_bytes), .min = "1MiB",
	  .max = "64GiB", .def = "64MiB", .help = "The most that this may take on the disk." },
	{ .name = "kept_max", .type = CONF_BYTES, .offset = AT(record.kept_max), .min = "1MiB",
	  .max = "1024GiB", .def = "4GiB", .help = "The most that kept recordings may take together." },
	{ .name = "dir", .type = CONF_PATH, .offset = AT(record.dir),
	  .help = "Folder of the recordings." },
	{ 0 }
};
const struct conf_table conf_table_record = { .what = "record", .rows = record_rows };
#undef AT
