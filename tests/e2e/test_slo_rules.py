#!/usr/bin/env python3
"""Objectives and rules with a real Prometheus: those of Sloth and Pyrra are found without a word of config, and what --export slo-rules writes
passes promtool, loads, records, and is read back.

The Prometheus of each test scrapes this process, whose counters go up by as much at each scrape: ratios are known beforehand.
"""

import contextlib
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import e2e

sys.path.insert(0, os.path.join(e2e.SOURCE, "tests", "lab"))
sys.dont_write_bytecode = True
from opslab_lib.process import Servers, die_with_parent  # noqa: E402

RULES = os.path.join(e2e.SOURCE, "tests", "fixtures", "slo-rules")
SOURCE_ROW = "name: prometheus, type: prometheus, interval: 1s"

# Series, and by how much each goes up between two scrapes. A gauge stays.
COUNTERS = {
    'http_requests_total{job="web",code="200"}': 95, 'http_requests_total{job="web",code="500"}': 5,
    'http_requests_total{job="api",code="200",handler="/a"}': 60, 'http_requests_total{job="api",code="500",handler="/b"}': 40,
    'http_requests_total{job="blog",code="200"}': 999, 'http_requests_total{job="blog",code="503"}': 1,
    'spam_verdicts_total{verdict="right"}': 90, 'spam_verdicts_total{verdict="wrong"}': 10,
    'mail_sent_total{result="sent"}': 50, 'mail_sent_total{result="bounced"}': 0,
    'exports_total{result="done"}': 3, 'exports_total{result="failed"}': 1,
    'http_request_duration_seconds_bucket{job="blog",code="200",le="0.25"}': 80, 'http_request_duration_seconds_bucket{job="blog",code="200",le="+Inf"}': 100,
    'http_request_duration_seconds_count{job="blog",code="200"}': 100,
}
GAUGES = {'probe_success{job="search"}': 1, "feed_satisfaction_ratio": 0.75, "queue_age_seconds": 20, "comment_page_ratio": 0.5}

# Share of bad events that each found objective must come to; None: its series do not exist here.
FOUND = {
    "slo:web-availability": ("Sloth", "web", 0.999, 0.05), "slo:spam-filter-quality": ("Sloth", "spam-filter", 0.99, 0.1),
    "slo:feed-satisfaction": ("Sloth", "feed", 0.95, 0.25), "slo:mail-delivery": ("Sloth", "mail", 0.995, 0),
    "slo:comments-fast-pages": ("Sloth", "comments", 0.95, 1), "slo:api-errors": ("Sloth", "api", 0.999, 0.4),
    "slo:api-corrected": ("Sloth", "api", 0.99, None), "slo:api-search-latency": ("Sloth", "api", 0.98, None),
    "slo:blog-http-errors": ("Pyrra", "", 0.99, 0.001), "slo:blog-http-latency": ("Pyrra", "", 0.995, 0.2),
    "slo:search-probe": ("Pyrra", "", 0.99, 0), "slo:api-by-handler": ("Pyrra", "", 0.999, 0.4),
    "slo:quiet-exports": ("Pyrra", "exporter", 0.98, 0.25), "slo:spam-verdict-native": ("Pyrra", "", 0.9, None),
}

# One of each kind that the config has; all are written out by --export.
SLOS = """\
    slos:
      - { name: ratio, service: web, target: 99.9%, bad: 'http_requests_total{job="web",code=~"5.."}', total: 'http_requests_total{job="web"}' }
      - { name: good, service: web, target: 0.99, good: 'sum(rate(http_requests_total{job="blog",code!~"5.."}[${window}]))', total: 'sum(rate(http_requests_total{job="blog"}[${window}]))' }
      - { name: never-failed, target: 99%, bad: 'mail_sent_total{result="lost"}', total: mail_sent_total }
      - { name: classic, kind: latency, target: 99%, histogram: 'http_request_duration_seconds{job="blog"}', below: 250ms }
      - { name: threshold, kind: throughput, target: 95%, expr: 'sum(rate(exports_total[10s]))', above: 1 }
      - { name: raw, target: 95%, success_ratio: 'feed_satisfaction_ratio' }
      - { name: slices, target: 95%, bad: 'spam_verdicts_total{verdict="wrong"}', total: spam_verdicts_total, method: timeslices, slice: 1m, slice_target: 90% }
      - { name: mean-of-slices, target: 95%, bad: 'spam_verdicts_total{verdict="wrong"}', total: spam_verdicts_total, method: ratio-timeslices, slice: 1m }
      - { name: native, kind: latency, target: 99%, histogram: 'spam_verdict_seconds{job="spam"}', below: 200ms, native: true }
      - { name: fresh, kind: freshness, target: 99%, timestamp: 'time() - queue_age_seconds', max_age: 1m }
      - { name: calendar, target: 99%, window: month, bad: 'exports_total{result="failed"}', total: exports_total }
      - name: 'quick'
        title: 'a title: with # and "quotes" {{ too }}'
        target: 90%
        window: 1h
        resolution: 1s
        bad: 'exports_total{result="failed"}'
        total: exports_total
        burn: [{ factor: 2, long: 1m, short: 10s, for: 5s, severity: page }, { factor: 1, long: 5m, short: 30s, severity: ticket }]
"""


class Exporter(http.server.ThreadingHTTPServer):
    """Counts scrapes; what it shows follows from their number."""

    daemon_threads = True

    def __init__(self):
        self.scrapes = 0
        super().__init__(("127.0.0.1", 0), Metrics)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        n = self.server.scrapes = self.server.scrapes + 1
        lines = [f"{name} {step * n}" for name, step in COUNTERS.items()] + [f"{name} {value}" for name, value in GAUGES.items()]
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Prometheus:
    def __init__(self, folder, rule_files):
        self.servers = Servers(os.environ.get("OPSLAB_SERVERS"))
        self.folder = folder
        self.program = self.servers.find("prometheus")
        if not self.program:
            raise e2e.Skip("no prometheus here (OPSLAB_SERVERS)")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = "http://127.0.0.1:%d" % probe.getsockname()[1]
        self.rule_files = rule_files

    def __enter__(self):
        self.exporter = Exporter()
        config = os.path.join(self.folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as out:
            json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": self.rule_files,
                       "scrape_configs": [{"job_name": "all", "honor_labels": True,
                                           "static_configs": [{"targets": ["127.0.0.1:%d" % self.exporter.server_port]}]}]}, out)
        with open(os.path.join(self.folder, "prometheus.log"), "wb") as log:
            self.process = subprocess.Popen(
                [self.program, f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=" + self.url.split("//")[1]],
                stdout=log, stderr=log, env=self.servers.environment(self.program), cwd=self.folder,
                preexec_fn=lambda parent=os.getpid(): die_with_parent(15, parent))
        e2e.wait_for("Prometheus", self.is_up)
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(30)
        self.exporter.shutdown()
        self.exporter.server_close()

    def is_up(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError, ValueError):
            return self.value("vector(1)") == 1
        return False

    def log(self):
        with open(os.path.join(self.folder, "prometheus.log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def value(self, expr):
        """Of the only series; None without one."""
        answer = e2e.fetch_json(self.url + "/api/v1/query?" + urllib.parse.urlencode({"query": expr}))["data"]["result"]
        assert len(answer) <= 1, (expr, answer)
        return float(answer[0]["value"][1]) if answer else None

    def rules(self):
        return [rule for group in e2e.fetch_json(self.url + "/api/v1/rules")["data"]["groups"] for rule in group["rules"]]


@contextlib.contextmanager
def folder_of_ours():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o700)
        yield folder


def slos_of(config):
    """What --status says of the objectives, by id."""
    status, out, errors = e2e.program("--status", "--json", "--deadline", "60", config=config)
    assert status in (0, 1, 2, 3) and out, (status, out, errors)
    return {slo["id"]: slo for slo in json.loads(out)["slos"]}


def close(a, b):
    return a is not None and b is not None and abs(a - b) <= 0.02 * max(abs(a), abs(b), 0.01)


def promtool(*argv):
    servers = Servers(os.environ.get("OPSLAB_SERVERS"))
    program = servers.find("promtool")
    if not program:
        raise e2e.Skip("no promtool here (OPSLAB_SERVERS)")
    done = subprocess.run([program, *argv], capture_output=True, text=True, env=servers.environment(program), check=False, timeout=e2e.PATIENCE_S)
    return done.returncode, done.stdout + done.stderr


def export(config, *names):
    status, out, errors = e2e.program("--config", config, "--export", "slo-rules", *names)
    assert status == 0, (status, errors)
    return out


def test_sloth_and_pyrra_are_found():
    """Each objective of the files, with its target, its share of bad events, and its own burn rates."""
    with folder_of_ours() as folder, Prometheus(folder, [os.path.join(RULES, name + ".yaml") for name in ("sloth", "sloth-28d", "pyrra")]) as server:
        config = e2e.config_file(folder, [f"{SOURCE_ROW}, url: '{server.url}'"])
        e2e.wait_for("ratios of Sloth and some history", lambda: server.exporter.scrapes > 10 and server.value(
            'slo:sli_error:ratio_rate5m{sloth_id="api-errors"}') is not None)

        def all_known():
            slos = slos_of(config)
            return slos if all(slos.get(id_, {}).get("sli") is not None for id_, want in FOUND.items() if want[3] is not None) else None
        slos = e2e.wait_for("all objectives worked out", all_known)
        assert set(slos) == set(FOUND), set(slos) ^ set(FOUND)
        for id_, (origin, service, target, bad) in FOUND.items():
            slo = slos[id_]
            assert (slo["origin"], slo["service"], slo["target"]) == (origin, service, target), slo
            assert slo["source"] == "prometheus" and slo["where"].startswith("rule group "), slo
            if bad is None:
                assert slo["state"] == "no-data", slo
            else:
                assert abs((1 - slo["sli"]) - bad) <= 0.02 * max(bad, 0.01), (id_, slo["sli"], bad)
        # The console asks the metrics, Sloth's rules recorded the same: http_requests_total fails 1 in 20, and 1 in 1000 may.
        assert close(slos["slo:web-availability"]["burns"][0]["rate"], 50) and close(server.value('slo:current_burn_rate:ratio{sloth_id="web-availability"}'), 50)
        assert [rule["factor"] for rule in slos["slo:web-availability"]["rules"]] == [14.4, 6, 3, 1]
        assert [rule["factor"] for rule in slos["slo:api-errors"]["rules"]] == [13.44, 5.6, 2.8, 0.933333]
        assert [rule["factor"] for rule in slos["slo:blog-http-errors"]["rules"]] == [14, 7, 2, 1]


def test_switched_off():
    """found: false leaves them where they are."""
    with folder_of_ours() as folder, Prometheus(folder, [os.path.join(RULES, "sloth.yaml")]) as server:
        config = e2e.config_file(folder, [f"{SOURCE_ROW}, url: '{server.url}'"], "    slo: { found: false }\n")
        e2e.wait_for("rules", server.rules)
        assert slos_of(config) == {}


def test_export_passes_promtool():
    """Every kind of definition."""
    with folder_of_ours() as folder:
        config = e2e.config_file(folder, [f"{SOURCE_ROW}, url: 'http://127.0.0.1:1'"], SLOS)
        path = os.path.join(folder, "rules.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(export(config))
        status, said = promtool("check", "rules", path)
        assert status == 0, said
        one = export(config, "quick")
        assert "slo:quick" in one and "slo:ratio" not in one, one


def test_export_is_recorded_and_read():
    """Loaded into the Prometheus that it was written for: no rule fails, ratios are right, alerts fire, and the console reads the recordings."""
    with folder_of_ours() as folder:
        config = e2e.config_file(folder, [f"{SOURCE_ROW}, url: 'http://127.0.0.1:1'"], SLOS)
        path = os.path.join(folder, "rules.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(export(config))
        with Prometheus(folder, [path]) as server:
            config = e2e.config_file(folder, [f"{SOURCE_ROW}, url: '{server.url}'"], SLOS)
            e2e.wait_for("the quick objective's alerts", lambda: (server.value('count(ALERTS{slo="quick",alertstate="firing"})') or 0) == 2)
            failing = [rule for rule in server.rules() if rule["health"] == "err"]
            assert not failing, failing
            # 1 of 4 exports fails, a tenth may: 2.5 x. Half of the windows above are longer than what there is; the ratio is the same.
            assert close(server.value('slo:error_ratio:rate10s{slo="quick"}'), 0.25)
            assert close(server.value('slo:error_ratio:rate5m{slo="quick"}'), 0.25)
            assert close(server.value('slo:error_budget_remaining:ratio{slo="quick"}'), 1 - 0.25 / 0.1)

            def read():
                slo = slos_of(config)["slo:quick"]
                return slo if any("recording rules" in note for note in slo["notes"]) and slo["sli"] is not None else None
            slo = e2e.wait_for("the recordings read", read)
            assert close(1 - slo["sli"], 0.25), slo
            assert close(slo["burn"], 2.5), slo


if __name__ == "__main__":
    e2e.run([test_sloth_and_pyrra_are_found, test_switched_off, test_export_passes_promtool, test_export_is_recorded_and_read])
