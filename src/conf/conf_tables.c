/*
 * Every option of opsconsole.yaml. A row added here is decoded, freed and defaulted by itself;
 * tests ask for it in doc/opsconsole.yaml.example and doc/opsconsole.yaml.5.
 */
#include "config.h"

#include "conf/conf_table.h"

static const char *const source_types[] = { "prometheus", "alertmanager", "mlflow", "http-json",
    "http", "loki", "elasticsearch", "journald", NULL };
static const char *const colours[] = { "prod", "staging", "lab", "other", NULL };
/* In the order of enum severity. */
static const char *const severities[] = { "none", "info", "ticket", "page", NULL };

/* --- where a secret comes from --------------------------------------------------------------- */

#define AT(member) offsetof(struct conf_secret, member)
static const struct conf_row secret_rows[] = {
	{ .name = "file", .type = CONF_SECRET_PATH, .offset = AT(file), .flags = ROW_ESSENTIAL,
	  .help = "File that holds it; yours or root's, readable by no one else." },
	{ .name = "env", .type = CONF_ENV_NAME, .offset = AT(env), .flags = ROW_ESSENTIAL,
	  .help = "Environment variable that holds it." },
	{ .name = "command", .type = CONF_ARGV, .offset = AT(command), .flags = ROW_ESSENTIAL,
	  .max = "100", .help = "Program and arguments whose output it is; no shell." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_secret = {
	.what = "a secret", .rows = secret_rows, .size = sizeof(struct conf_secret),
	.is_secret = true,
};

/* --- sources --------------------------------------------------------------------------------- */

static const struct conf_row header_rows[] = {
	{ .name = "name", .type = CONF_HEADER_NAME, .offset = offsetof(struct conf_header, name),
	  .help = "Name of the header." },
	{ .name = "value", .type = CONF_HEADER, .offset = 0, .help = "Its value, or a secret." },
	{ 0 }
};
const struct conf_table conf_table_header = { .what = "a header", .rows = header_rows,
    .size = sizeof(struct conf_header) };

#define AT(member) offsetof(struct conf_source, member)
static const struct conf_row tls_rows[] = {
	{ .name = "ca_file", .type = CONF_PATH, .offset = AT(ca_file), .flags = ROW_ESSENTIAL,
	  .help = "PEM file of the authorities to trust, instead of the system's." },
	{ .name = "client_cert", .type = CONF_PATH, .offset = AT(client_cert),
	  .flags = ROW_ESSENTIAL, .help = "PEM file of the certificate to show." },
	{ .name = "client_key", .type = CONF_PATH, .offset = AT(client_key), .flags = ROW_ESSENTIAL,
	  .help = "PEM file of its key." },
	{ .name = "verify", .type = CONF_BOOL, .offset = AT(tls_verify), .def = "true",
	  .help = "Check the server's certificate and name." },
	{ 0 }
};
const struct conf_table conf_table_tls = { .what = "tls", .rows = tls_rows };

static const struct conf_row source_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique in the environment." },
	{ .name = "type", .type = CONF_ENUM, .offset = AT(type), .choices = source_types,
	  .flags = ROW_REQUIRED, .help = "What API it speaks." },
	{ .name = "url", .type = CONF_URL, .offset = AT(url), .flags = ROW_REQUIRED,
	  .help = "Where it is, with its path prefix if it has one." },
	{ .name = "replicas", .type = CONF_URLS, .offset = AT(replicas), .flags = ROW_ESSENTIAL,
	  .max = "15",
	  .help = "The other members of the same HA pair or cluster; one answer is kept." },
	{ .name = "interval", .type = CONF_DURATION, .offset = AT(interval_ns), .min = "250ms",
	  .max = "1h", .def = "5s", .help = "Time from one poll to the next." },
	{ .name = "timeout", .type = CONF_DURATION, .offset = AT(timeout_ns), .min = "100ms",
	  .max = "5m", .def = "10s", .help = "When a request without a whole answer is given up." },
	{ .name = "body_max", .type = CONF_BYTES, .offset = AT(body_max), .min = "64KiB",
	  .max = "4GiB", .def = "64MiB",
	  .help = "Largest answer read, counted after decompression." },
	{ .name = "series_max", .type = CONF_INT, .offset = AT(series_max), .min = "1",
	  .max = "1000000", .def = "20000",
	  .help = "Series kept of one answer; more are counted and left out." },
	{ .name = "user", .type = CONF_NAME, .offset = AT(user), .flags = ROW_ESSENTIAL,
	  .help = "User of basic authentication." },
	{ .name = "password", .type = CONF_SECRET, .offset = AT(password), .flags = ROW_ESSENTIAL,
	  .help = "Password of basic authentication." },
	{ .name = "bearer", .type = CONF_SECRET, .offset = AT(bearer), .flags = ROW_ESSENTIAL,
	  .help = "Bearer token." },
	{ .name = "headers", .type = CONF_PAIRS, .offset = AT(headers), .n_offset = AT(n_headers),
	  .table = &conf_table_header,
	  .flags = ROW_ESSENTIAL, .max = "50", .help = "Further request headers." },
	{ .name = "tls", .type = CONF_GROUP, .flags = ROW_ESSENTIAL, .table = &conf_table_tls,
	  .help = "Certificates." },
	{ .name = "proxy", .type = CONF_PROXY, .offset = AT(proxy), .flags = ROW_ESSENTIAL,
	  .help = "URL of a proxy, or environment for $https_proxy and kin." },
	{ .name = "registry", .type = CONF_GROUP, .flags = ROW_ESSENTIAL,
	  .table = &conf_table_registry, .help = "How a registry of type http-json answers." },
	{ .name = "tenant", .type = CONF_NAME, .offset = AT(tenant), .flags = ROW_ESSENTIAL,
	  .max = "150", .help = "Of a Loki with tenants: whose lines are read." },
	{ .name = "indices", .type = CONF_INDICES, .offset = AT(indices), .flags = ROW_ESSENTIAL,
	  .max = "50", .help = "Of an Elasticsearch: indices, data streams and patterns of them." },
	{ .name = "api_key", .type = CONF_SECRET, .offset = AT(api_key), .flags = ROW_ESSENTIAL,
	  .help = "API key of an Elasticsearch, encoded as it was handed out." },
	{ .name = "fields", .type = CONF_GROUP, .flags = ROW_ESSENTIAL,
	  .table = &conf_table_log_fields, .help = "Which fields of a log store hold what." },
	{ 0 }
};
static const struct conf_table source_table = {
	.what = "a source", .rows = source_rows, .size = sizeof(struct conf_source),
	.is_unique = true,
	.has_position = true, .position = AT(line), .check = conf_rule_source,
};
#undef AT

/* --- queries, markers, contacts, severities -------------------------------------------------- */

#define AT(member) offsetof(struct conf_query, member)
static const struct conf_row query_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique in the environment." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "Heading of its graph; its name when absent." },
	{ .name = "expr", .type = CONF_PROMQL, .offset = AT(expr), .flags = ROW_REQUIRED,
	  .max = "20000", .help = "PromQL." },
	{ .name = "unit", .type = CONF_NAME, .offset = AT(unit), .def = "none", .max = "24",
	  .help = "ratio, seconds, bytes, per-second, count, none, or a word to show behind the "
	  "number." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .max = "64",
	  .help = "The Prometheus source to ask; the first when absent." },
	{ .name = "objective", .type = CONF_DOUBLE, .offset = AT(objective),
	  .help = "Drawn as a line: where good ends." },
	{ .name = "slo", .type = CONF_NAME, .offset = AT(slo), .max = "400",
	  .help = "The objective whose error ratio it shows." },
	{ 0 }
};
static const struct conf_table query_table = {
	.what = "a query", .rows = query_rows, .size = sizeof(struct conf_query), .is_unique = true,
	.has_position = true, .position = AT(line),
};
#undef AT

#define AT(member) offsetof(struct conf_marker, member)
static const struct conf_row marker_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique in the environment." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "Text of a mark: {{LABEL}} stands for that label's value, old and new." },
	{ .name = "expr", .type = CONF_PROMQL, .offset = AT(expr), .flags = ROW_REQUIRED,
	  .max = "20000", .help = "PromQL whose series carry the version as a label." },
	{ .name = "label", .type = CONF_NAME, .offset = AT(label), .flags = ROW_REQUIRED,
	  .max = "120", .help = "The label that holds the version." },
	{ .name = "group_by", .type = CONF_NAME, .offset = AT(group_by), .max = "120",
	  .help = "The label that names what changed; the marker's name when absent." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .max = "64",
	  .help = "The Prometheus source to ask; the first when absent." },
	{ 0 }
};
static const struct conf_table marker_table = {
	.what = "a marker", .rows = marker_rows, .size = sizeof(struct conf_marker),
	.is_unique = true,
	.has_position = true, .position = AT(line),
};
#undef AT

#define AT(member) offsetof(struct conf_contact, member)
static const struct conf_row contact_rows[] = {
	{ .name = "role", .type = CONF_NAME, .offset = AT(role), .flags = ROW_REQUIRED, .max = "64",
	  .help = "What they are called for." },
	{ .name = "name", .type = CONF_STRING, .offset = AT(name), .def = "", .max = "120",
	  .help = "Person or team." },
	{ .name = "channel", .type = CONF_STRING, .offset = AT(channel), .def = "", .max = "200",
	  .help = "Where to reach them." },
	{ .name = "responsibility", .type = CONF_STRING, .offset = AT(responsibility), .def = "",
	  .max = "300", .help = "What they decide or do." },
	{ 0 }
};
#undef AT
static const struct conf_table contact_table = { .what = "a contact", .rows = contact_rows,
    .size = sizeof(struct conf_contact) };

#define AT(member) offsetof(struct conf_severity, member)
static const struct conf_row severity_rows[] = {
	{ .name = "value", .type = CONF_NAME, .offset = AT(value), .max = "120",
	  .help = "A value of the severity label." },
	{ .name = "severity", .type = CONF_CHOICE, .offset = AT(severity), .choices = severities,
	  .help = "What it means." },
	{ 0 }
};
#undef AT
static const struct conf_table severity_table = { .what = "a severity", .rows = severity_rows,
    .size = sizeof(struct conf_severity) };

/* --- what runbooks may use ------------------------------------------------------------------- */

#define AT(member) offsetof(struct conf_label, member)
static const struct conf_row param_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .max = "64",
	  .help = "A parameter that runbooks ask for." },
	{ .name = "value", .type = CONF_STRING, .offset = AT(value), .max = "4096",
	  .help = "Its value here, where none is given." },
	{ 0 }
};
#undef AT
static const struct conf_table param_table = { .what = "a parameter", .rows = param_rows,
    .size = sizeof(struct conf_label) };

/* --- environments ---------------------------------------------------------------------------- */

#define AT(member) offsetof(struct conf_environment, member)
static const struct conf_row environment_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "32",
	  .help = "Its name, always on screen and in every record." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "What runs there; its name when absent." },
	{ .name = "colour", .type = CONF_ENUM, .offset = AT(colour), .choices = colours,
	  .def = "other", .help = "The role its name is coloured by." },
	{ .name = "protected", .type = CONF_BOOL, .offset = AT(is_protected), .flags = ROW_GUARDS,
	  .def = "false", .help = "Whether acts here are confirmed most strictly." },
	{ .name = "severity_label", .type = CONF_NAME, .offset = AT(severity_label),
	  .def = "severity", .max = "120",
	  .help = "The label of an alert that says how urgent it is." },
	{ .name = "severities", .type = CONF_PAIRS, .offset = AT(severities),
	  .n_offset = AT(n_severities), .table = &severity_table, .max = "100", .help =
	  "What further values of that label mean." },
	{ .name = "sources", .type = CONF_LIST, .offset = AT(sources), .n_offset = AT(n_sources),
	  .table = &source_table, .max = "100", .help = "What is polled." },
	{ .name = "queries", .type = CONF_LIST, .offset = AT(queries), .n_offset = AT(n_queries),
	  .table = &query_table, .max = "1000", .help = "PromQL with a name, shown as graphs." },
	{ .name = "markers", .type = CONF_LIST, .offset = AT(markers), .n_offset = AT(n_markers),
	  .table = &marker_table, .max = "100", .help = "PromQL whose changes mark the timeline." },
	{ .name = "logs", .type = CONF_GROUP, .table = &conf_table_logs_group,
	  .help = "Lines that are followed, and how many are kept." },
	{ .name = "contacts", .type = CONF_LIST, .offset = AT(contacts), .n_offset = AT(n_contacts),
	  .table = &contact_table, .max = "100", .help = "Whom to call." },
	{ .name = "slos", .type = CONF_LIST, .offset = AT(slos), .n_offset = AT(n_slos),
	  .table = &conf_table_slo, .max = "1000", .help = "Service level objectives." },
	{ .name = "openslo", .type = CONF_PATHS, .offset = AT(openslo), .max = "100",
	  .help = "OpenSLO files, and folders of them." },
	{ .name = "slo", .type = CONF_GROUP, .table = &conf_table_slo_group,
	  .help = "What holds for all objectives." },
	{ .name = "hosts", .type = CONF_LIST, .offset = AT(host_groups),
	  .n_offset = AT(n_host_groups), .table = &conf_table_hosts, .flags = ROW_GUARDS,
	  .max = "200", .help = "Groups of hosts." },
	{ .name = "hosts_health", .type = CONF_LIST, .offset = AT(host_queries),
	  .n_offset = AT(n_host_queries), .table = &conf_table_host_query, .max = "20",
	  .help = "PromQL with one value for each host." },
	{ .name = "models", .type = CONF_LIST, .offset = AT(models), .n_offset = AT(n_models),
	  .table = &conf_table_model, .max = "200", .help = "Which versions should serve." },
	{ .name = "drift", .type = CONF_GROUP, .table = &conf_table_drift_group,
	  .help = "What holds for the drift of all models." },
	{ .name = "read_only", .type = CONF_BOOL, .offset = AT(is_read_only), .flags = ROW_GUARDS,
	  .def = "false", .help = "Whether nothing that changes anything may be done here." },
	{ .name = "params", .type = CONF_PAIRS, .offset = AT(params), .n_offset = AT(n_params),
	  .table = &param_table, .flags = ROW_GUARDS, .max = "200",
	  .help = "Values for parameters of runbooks." },
	{ .name = "actions", .type = CONF_NODE, .offset = AT(actions), .flags = ROW_GUARDS,
	  .max = "200", .help = "What runbooks call by name, as it is done here." },
	{ .name = "exec", .type = CONF_PROGRAMS, .offset = AT(exec), .flags = ROW_GUARDS,
	  .max = "100", .help = "Programs that runbooks may run on this machine." },
	{ 0 }
};
static const struct conf_table environment_table = {
	.what = "an environment", .rows = environment_rows, .size = sizeof(struct conf_environment),
	.is_unique = true,
	.has_position = true, .position = AT(line), .is_guard = true,
	.check = conf_rule_environment, .done = conf_environment_free,
};
#undef AT

/* --- the file -------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct conf_key, member)
static const struct conf_row key_rows[] = {
	{ .name = "command", .type = CONF_NAME, .offset = AT(command), .max = "64",
	  .help = "The command." },
	{ .name = "key", .type = CONF_NAME, .offset = AT(key), .max = "23",
	  .help = "The key that runs it." },
	{ 0 }
};
static const struct conf_table key_table = {
	.what = "a key", .rows = key_rows, .size = sizeof(struct conf_key), .has_position = true,
	.position = AT(line),
};
#undef AT

#define AT(member) offsetof(struct conf, member)
static const struct conf_row ack_rows[] = {
	{ .name = "enabled", .type = CONF_BOOL, .offset = AT(ack_enabled), .flags = ROW_GUARDS,
	  .def = "true", .help = "Whether an alert can be acknowledged from here." },
	{ .name = "duration", .type = CONF_DURATION, .offset = AT(ack_ns), .flags = ROW_GUARDS,
	  .min = "1m", .max = "24h",
	  .def = "15m", .help = "How long the silence lasts that an acknowledgement makes." },
	{ 0 }
};
static const struct conf_table ack_table = { .what = "ack", .rows = ack_rows, .is_guard = true };

static const struct conf_row history_rows[] = {
	{ .name = "span", .type = CONF_DURATION, .offset = AT(history_ns), .min = "1m",
	  .max = "24h", .def = "30m", .help = "How far back the screen can step." },
	{ .name = "bytes", .type = CONF_BYTES, .offset = AT(history_bytes), .min = "1MiB",
	  .max = "4GiB", .def = "8MiB", .help = "Memory this may take." },
	{ 0 }
};
static const struct conf_table history_table = { .what = "history", .rows = history_rows };

static const char *const transports[] = { "auto", "libssh2", "openssh", NULL };
static const struct conf_row ssh_rows[] = {
	{ .name = "config", .type = CONF_PATH, .offset = AT(ssh.config), .flags = ROW_GUARDS,
	  .help = "File in the form of ssh_config(5), instead of the usual ones." },
	{ .name = "transport", .type = CONF_CHOICE, .offset = AT(ssh.transport),
	  .choices = transports, .def = "auto", .flags = ROW_GUARDS,
	  .help = "Who speaks with the hosts." },
	{ .name = "connect_timeout", .type = CONF_DURATION, .offset = AT(ssh.connect_ns),
	  .min = "1s", .max = "5m", .help = "When a connection is given up." },
	{ .name = "idle", .type = CONF_DURATION, .offset = AT(ssh.idle_ns), .min = "1s",
	  .max = "24h", .def = "5m", .help = "How long a connection is kept unused." },
	{ .name = "connecting_max", .type = CONF_INT, .offset = AT(ssh.connecting_max), .min = "1",
	  .max = "1000", .def = "64", .help = "Connections that are being made at one time." },
	{ .name = "output_max", .type = CONF_BYTES, .offset = AT(ssh.output_max), .min = "4KiB",
	  .max = "64MiB", .def = "1MiB",
	  .help = "Kept of what a command prints, of each of its two streams." },
	{ .name = "state_dir", .type = CONF_REMOTE_PATH, .offset = AT(ssh.state_dir), .max = "200",
	  .help = "Folder on the hosts for what became of commands." },
	{ 0 }
};
static const struct conf_table ssh_table = { .what = "ssh", .rows = ssh_rows, .is_guard = true };

static const struct conf_row top_rows[] = {
	{ .name = "apiVersion", .type = CONF_CONST, .flags = ROW_REQUIRED, .def = "opsconsole/v1",
	  .help = "Version of this format." },
	{ .name = "kind", .type = CONF_CONST, .flags = ROW_REQUIRED, .def = "Config",
	  .help = "What the file is." },
	{ .name = "theme", .type = CONF_FILE_OR_NAME, .offset = AT(theme), .def = "dark",
	  .help = "Shipped theme, or file." },
	{ .name = "layout", .type = CONF_FILE_OR_NAME, .offset = AT(layout), .def = "auto",
	  .help = "auto (by width), narrow, wide, wider, or a file." },
	{ .name = "bell", .type = CONF_BOOL, .offset = AT(bell), .def = "true",
	  .help = "Ring the bell once for a new page." },
	{ .name = "osc9", .type = CONF_BOOL, .offset = AT(osc9), .def = "true",
	  .help = "Send the terminal a desktop notification (OSC 9) for a new page." },
	{ .name = "range", .type = CONF_DURATION, .offset = AT(range_ns), .min = "1m", .max = "30d",
	  .def = "1h", .help = "Span of the time range at the start." },
	{ .name = "ack", .type = CONF_GROUP, .flags = ROW_GUARDS, .table = &ack_table,
	  .help = "Acknowledging alerts." },
	{ .name = "history", .type = CONF_GROUP, .table = &history_table,
	  .help = "What is kept to step back to." },
	{ .name = "in_flight_max", .type = CONF_BYTES, .offset = AT(in_flight_max), .min = "1MiB",
	  .max = "64GiB", .def = "256MiB",
	  .help = "Bytes of answers being read at one time, over all sources." },
	{ .name = "redact", .type = CONF_GROUP, .flags = ROW_GUARDS, .table = &conf_table_redact_group,
	  .help = "What must not be kept of lines of logs." },
	{ .name = "keys", .type = CONF_PAIRS, .offset = AT(keys), .n_offset = AT(n_keys),
	  .table = &key_table, .max = "500", .help = "Other keys for commands." },
	{ .name = "runbooks", .type = CONF_PATHS, .offset = AT(runbooks), .flags = ROW_GUARDS,
	  .max = "20", .help = "Folders with runbooks, searched before the usual ones." },
	{ .name = "lock_dir", .type = CONF_PATH, .offset = AT(lock_dir), .flags = ROW_GUARDS,
	  .help = "Folder of locks, shared by all who operate from this machine." },
	{ .name = "ssh", .type = CONF_GROUP, .flags = ROW_GUARDS, .table = &ssh_table,
	  .help = "How hosts are reached." },
	{ .name = "audit", .type = CONF_GROUP, .flags = ROW_GUARDS, .table = &conf_table_audit,
	  .help = "Where what is done is recorded." },
	{ .name = "record", .type = CONF_GROUP, .table = &conf_table_record,
	  .help = "The recording of what was seen." },
	{ .name = "environments", .type = CONF_LIST, .flags = ROW_REQUIRED | ROW_GUARDS,
	  .offset = AT(environments),
	  .n_offset = AT(n_environments), .table = &environment_table, .max = "100",
	  .help = "What is operated." },
	{ 0 }
};
const struct conf_table conf_table_top = {
	.what = "this file", .rows = top_rows, .size = sizeof(struct conf), .is_guard = true,
	.check = conf_rule_top,
};
#undef AT
