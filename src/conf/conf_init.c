/*
 * --init: a first config for what answers on this machine.
 *
 * The one place that asks an address no config names (127.0.0.1 only), and the one that waits for
 * the network: there is no screen yet.
 */
#include "config.h"

#include "conf/conf_init.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/private.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_find.h"
#include "conf/conf_owner.h"

enum { SHOWN = 200, ANSWER_MAX = 1 << 20, CONFIG_MAX = 64 << 10, CONNECT_MS = 500, TOTAL_MS = 2000,
    PORTS_MAX = 8 };

struct finding {
	long status;		/* of HTTP; 0: no answer */
	bool is_found;
	char version[64];	/* escaped; "" when it did not say */
};

/* --- asking ---------------------------------------------------------------------------------- */

static size_t
on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	return buf_add(arg, bytes, size * n) < 0 ? 0 : size * n;
}

static long
ask(const char *url, struct buf *body)
{
	CURL *curl = curl_easy_init();
	long status = 0;

	if (curl == NULL)
		return 0;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "opsconsole/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}

/* Prometheus has it in data, Alertmanager in versionInfo. */
static bool
read_version(const struct buf *body, const char *member, char *version, size_t size)
{
	json_t *root = json_loadb(body->data, body->len, 0, NULL);
	const char *text = json_string_value(json_object_get(json_object_get(root, member),
	    "version"));

	if (text != NULL)
		str_escape_to(version, size, text);
	json_decref(root);
	return text != NULL;
}

static struct finding
look(const struct conf_port *port)
{
	struct finding f = { .version = "" };
	struct buf body;
	char *url = xasprintf("http://127.0.0.1:%u%s", port->port, port->path);

	buf_init(&body, ANSWER_MAX);
	f.status = ask(url, &body);
	/* 503 is what all of them say while they start. */
	f.is_found = f.status == 503 ||
	    (f.status == 200 && read_version(&body, port->version, f.version, sizeof f.version));
	buf_done(&body);
	free(url);
	return f;
}

static void
tell(FILE *out, const struct conf_port *port, const struct finding *f)
{
	if (f->status == 0)
		fprintf(out, "  %5u  nothing answers (%s listens here by default)\n", port->port,
		    port->product);
	else if (!f->is_found)
		fprintf(out, "  %5u  something else than %s answers (HTTP %ld)\n", port->port,
		    port->product, f->status);
	else if (f->status == 503)
		fprintf(out, "  %5u  %s, which is not ready yet\n", port->port, port->product);
	else
		fprintf(out, "  %5u  %s %s\n", port->port, port->product, f->version);
}

/* --- writing --------------------------------------------------------------------------------- */

static const char head_text[] =
    "# Config of opsconsole. All options: man 5 opsconsole.yaml. After a change: opsconsole "
    "--check\n"
    "apiVersion: opsconsole/v1\n"
    "kind: Config\n"
    "\n"
    "environments:\n"
    "  # The name is always in the status line. Production, staging and the like are environments "
    "of their own.\n"
    "  - name: local\n"
    "    title: 'this machine'\n"
    "    colour: other         # prod, staging, lab or other\n"
    "    protected: false      # true: what is done here is confirmed most strictly\n"
    "\n"
    "    sources:\n";

static const char queries_text[] =
    "\n"
    "    # PromQL with a name: the graphs of the metrics panel.\n"
    "    queries:\n"
    "      - name: targets-up\n"
    "        title: 'targets / share that is up'\n"
    "        expr: 'avg by (job) (up)'\n"
    "        unit: ratio\n"
    "        objective: 1\n"
    "      - name: scrape-duration\n"
    "        title: 'targets / slowest scrape'\n"
    "        expr: 'max by (job) (scrape_duration_seconds)'\n"
    "        unit: seconds\n"
    "\n"
    "    # PromQL whose series carry a version as a label: a change of it becomes a mark on the "
    "timeline.\n"
    "    markers:\n"
    "      - name: prometheus build\n"
    "        expr: 'prometheus_build_info'\n"
    "        label: version\n";

/* Commented out: what is promised nobody can guess. */
static const char slos_text[] =
    "\n"
    "    # What is promised: how much of the error budget is left, and how fast it is spent, is "
    "worked out from it.\n"
    "    #slos:\n"
    "    #  - name: availability\n"
    "    #    title: 'requests are answered'\n"
    "    #    target: 99.9%\n"
    "    #    window: 30d          # or day, week, month, quarter, year: of the calendar\n"
    "    #    bad: 'http_requests_total{code=~\"5..\"}'\n"
    "    #    total: 'http_requests_total'\n"
    "    #  - name: latency\n"
    "    #    target: 99%\n"
    "    #    histogram: 'http_request_duration_seconds'\n"
    "    #    below: 300ms\n"
    "    #openslo: [~/.config/opsconsole/openslo]    # OpenSLO v1 files, and folders of them\n";

static const char tail_text[] =
    "\n"
    "    # Whom to call.\n"
    "    contacts:\n"
    "    #  - { role: primary on call, name: 'Ann', channel: '#ops', responsibility: 'decides and "
    "acts first' }\n";

static void
write_source(struct buf *b, const struct conf_port *port, const struct finding *f)
{
	if (f->is_found)
		buf_printf(b, "      # %s%s%s answered here when this file was written.\n",
		    port->product,
		    f->version[0] != '\0' ? " " : "", f->version);
	else
		buf_printf(b, "      # Nothing answered here when this file was written: put the "
		    "address of your %s.\n", port->product);
	buf_printf(b, "      - name: %s\n        type: %s\n        url: 'http://127.0.0.1:%u'\n",
	    port->name, port->type, port->port);
}

/* With nothing found: the first of each type, at its usual port. */
static bool
is_wanted(const struct conf_port *ports, const struct finding *found, size_t i, bool is_any)
{
	if (is_any)
		return found[i].is_found;
	for (size_t j = 0; j < i; j++)
		if (str_eq(ports[j].type, ports[i].type))
			return false;
	return true;
}

static void
compose(struct buf *b, const struct conf_port *ports, const struct finding *found, size_t n,
    bool is_any)
{
	bool has_prometheus = false;

	buf_addstr(b, head_text);
	for (size_t i = 0; i < n; i++) {
		if (!is_wanted(ports, found, i, is_any))
			continue;
		write_source(b, &ports[i], &found[i]);
		has_prometheus = has_prometheus || str_eq(ports[i].type, "prometheus");
	}
	if (has_prometheus) {
		buf_addstr(b, queries_text);
		buf_addstr(b, slos_text);
	}
	buf_addstr(b, tail_text);
}

/* A config in a folder that others may write would be refused when it is read. */
static int
check_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? xstrdup(".") :
	    xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	int r = conf_owner_check_folder(folder, err);

	free(folder);
	return r;
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (size_t at = 0; at < len; at += (size_t)n) {
		n = write(fd, bytes + at, len - at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return ERR_IO;
	}
	return fsync(fd) < 0 && errno != EINVAL ? ERR_IO : 0;
}

static int
write_new(const char *path, const struct buf *b, struct err *err)
{
	char shown[SHOWN];
	int fd, r;

	str_escape_to(shown, sizeof shown, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot write %s", shown);
	r = write_all(fd, b->data, b->len);
	if (r < 0)
		err_set_errno(err, r, errno, "cannot write %s", shown);
	if (close(fd) < 0 && r == 0)
		r = err_set_errno(err, ERR_IO, errno, "cannot write %s", shown);
	if (r < 0)
		unlink(path);	/* ours: O_EXCL made it */
	return r;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int
choose_path(const char *path, char **ret_path, struct err *err)
{
	char shown[SHOWN], *chosen = NULL;
	struct stat st;
	int r;

	if (path != NULL) {
		chosen = xstrdup(path);
	} else {
		r = conf_named_path(&chosen, err);	/* the search looks there first */
		if (r < 0 && r != ERR_NOTFOUND)
			return r;
		if (chosen == NULL)
			chosen = conf_user_path();
	}
	if (chosen == NULL)
		return err_set(err, ERR_NOTFOUND,
		    "your home folder is not known ($HOME is not set): say --config FILE");
	if (lstat(chosen, &st) == 0) {
		r = err_set(err, ERR_INVALID,
		    "%s exists already and is left as it is; move it away, or say --config FILE "
		    "for another",
		    str_escape_to(shown, sizeof shown, chosen));
		free(chosen);
		return r;
	}
	*ret_path = chosen;
	return 0;
}

static int
look_and_write(const char *path, const struct conf_port *ports, size_t n, FILE *out,
    struct err *err)
{
	struct finding found[PORTS_MAX];
	bool is_any = false;
	char shown[SHOWN];
	struct buf b;
	int r;

	fputs("looking at this machine's usual ports (127.0.0.1 only):\n", out);
	for (size_t i = 0; i < n; i++) {
		found[i] = look(&ports[i]);
		tell(out, &ports[i], &found[i]);
		is_any = is_any || found[i].is_found;
	}
	buf_init(&b, CONFIG_MAX);
	compose(&b, ports, found, n, is_any);
	r = write_new(path, &b, err);
	buf_done(&b);
	if (r < 0)
		return r;
	fprintf(out, "wrote %s\n", str_escape_to(shown, sizeof shown, path));
	if (is_any)
		fputs("next: opsconsole to look at it; man 5 opsconsole.yaml for what else can be "
		    "said there\n", out);
	else
		fputs("nothing was found: put the addresses of your Prometheus and Alertmanager "
		    "there, then opsconsole --check\n", out);
	return 0;
}

int
conf_init_write_ports(const char *path, const struct conf_port *ports, size_t n, FILE *out,
    struct err *err)
{
	char *chosen;
	int r = choose_path(path, &chosen, err);

	if (r < 0)
		return r;
	r = private_make_parents(chosen, err);
	if (r == 0)
		r = check_folder(chosen, err);
	if (r == 0)
		r = look_and_write(chosen, ports, n < PORTS_MAX ? n : PORTS_MAX, out, err);
	free(chosen);
	return r;
}

int
conf_init_write(const char *path, struct err *err)
{
	static const struct conf_port ports[] = {
		{ "prometheus", "Prometheus", "prometheus", 9090, "/api/v1/status/buildinfo",
		    "data" },
		{ "alertmanager", "Alertmanager", "alertmanager", 9093, "/api/v2/status",
		    "versionInfo" },
		{ "victoria-metrics", "VictoriaMetrics", "prometheus", 8428,
		    "/api/v1/status/buildinfo", "data" },
	};

	return conf_init_write_ports(path, ports, sizeof ports / sizeof ports[0], stdout, err);
}
