"""A month of history with known events, for test_slo_history.py, and a Prometheus that holds it.

Every series is made of events per minute, so that what an objective should say can be counted here, without PromQL. Counters are
sampled 17 s after the minute (so that no window begins or ends on a sample), gauges on it. The same end gives the same history.
"""

import contextlib
import hashlib
import http.server
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import e2e

sys.path.insert(0, os.path.join(e2e.SOURCE, "tests", "lab"))
sys.dont_write_bytecode = True
from opslab_lib.process import Servers, die_with_parent  # noqa: E402

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
DAYS = 32
N = DAYS * 1440
COUNTER_PHASE_S = 17
STEADY = 203    # minutes from one steady error to the next: in step with no slice and no window

# Before the end, in minutes; how many minutes; share of requests that fail.
OUTAGES = ((20 * 1440 + 7, 40, 0.5), (5 * 1440 + 31, 20, 0.3), (26 * 60 + 12, 30, 0.1))
SLOW_SPELL = (10 * 1440 + 13, 60, 0.2)
HIGH_LATENCY = (3 * 1440 + 55, 200)
JOBS_FAIL_MINUTES = 180
GAP = (8 * 1440, 300)    # nothing ran and nothing was scraped
YOUNG_DAYS, SILENT_HOURS = 12, 8
LOW_ERROR_MINUTES = 20


def outage_share(i):
    """Share of the requests of minute i (1 is the first, N the last) that fail."""
    for before, minutes, share in OUTAGES:
        if N - before < i <= N - before + minutes:
            return share
    return 0


class History:
    def __init__(self, end):
        self.end = end
        self.start = end - N * MINUTE_S
        self.events = {}	# (name, labels): events of each minute, index 0 unused
        self.families = {}	# name: (kind, {(suffix, labels): [(time, value)]})
        self.requests()
        self.durations()
        self.gauges()
        self.odd_ones()

    def time(self, i, phase=0):
        return self.start + i * MINUTE_S + phase

    # Making

    def counter(self, family, suffix, labels, events, kind="counter", resets=(), alive=lambda i: True):
        """A counter of events[i]; at a reset it begins again at 0. Not sampled while it is not alive."""
        self.events[family + suffix, labels] = events
        value, samples = 0, []
        for i in range(N + 1):
            value = (0 if i in resets else value) + (events[i] if i > 0 else 0)
            if alive(i):
                samples.append((self.time(i, COUNTER_PHASE_S), value))
        self.series(family, kind, suffix, labels, samples)

    def gauge(self, family, labels, values):
        self.events[family, labels] = values
        self.series(family, "gauge", "", labels, [(self.time(i), values[i]) for i in range(1, N + 1)])

    def series(self, family, kind, suffix, labels, samples):
        self.families.setdefault(family, (kind, {}))[1][suffix, labels] = samples

    def requests(self):
        """Two instances with a daily swell; b is restarted every two days."""
        for instance in ("a", "b"):
            total = [0] + [60 + round(20 * math.sin(2 * math.pi * i / 1440)) for i in range(1, N + 1)]
            bad = [0] * (N + 1)
            for i in range(1, N + 1):
                bad[i] = round(total[i] * outage_share(i)) + (1 if i % STEADY == 0 else 0)
            resets = range(100, N, 2880) if instance == "b" else ()
            for code, events in (("500", bad), ("200", [t - b for t, b in zip(total, bad)])):
                self.counter("shop_requests", "_total", f'code="{code}",instance="{instance}"', events, resets=resets)

    def durations(self):
        before, minutes, share = SLOW_SPELL
        total = [0] + [60] * N
        slow = [0] + [24 if i % STEADY == 0 else 0 for i in range(1, N + 1)]
        for i in range(N - before + 1, N - before + minutes + 1):
            slow[i] = round(60 * share)
        fast = [t - s for t, s in zip(total, slow)]
        name, kind = "shop_duration_seconds", "histogram"
        for le, events in (("0.1", [t // 2 for t in fast]), ("0.3", fast), ("1.0", total), ("+Inf", total)):
            self.counter(name, "_bucket", f'le="{le}"', events, kind)
        self.counter(name, "_count", "", total, kind)
        self.counter(name, "_sum", "", [t * 0.2 for t in total], kind)

    def gauges(self):
        count = [0] + [10 + i % 7 for i in range(1, N + 1)]
        failed = [0] + [1 if i % 40 == 0 else 0 for i in range(1, N + 1)]
        for i in range(N - JOBS_FAIL_MINUTES + 1, N + 1):
            failed[i] = 4
        self.gauge("jobs_in_last_minute", 'result="failed"', failed)
        self.gauge("jobs_in_last_minute", 'result="ok"', [t - f for t, f in zip(count, failed)])
        self.gauge("shop_error_ratio", "", [0] + [0.0003 + outage_share(i) for i in range(1, N + 1)])
        before, minutes = HIGH_LATENCY
        self.gauge("shop_latency_seconds", "", [0] + [
            0.9 if N - before < i <= N - before + minutes else round(0.15 + 0.1 * math.sin(i / 300), 4) for i in range(1, N + 1)])

    def odd_ones(self):
        def pair(name, alive=lambda i: True):
            bad = [0] + [1 if i % STEADY == 0 and alive(i) else 0 for i in range(1, N + 1)]
            good = [0] + [60 - bad[i] if alive(i) else 0 for i in range(1, N + 1)]
            self.counter(name, "_total", 'code="500"', bad, alive=alive)
            self.counter(name, "_total", 'code="200"', good, alive=alive)

        gap_from, gap_to = N - GAP[0], N - GAP[0] + GAP[1]
        pair("gap_requests", lambda i: not gap_from < i <= gap_to)
        pair("young_requests", lambda i: i >= N - YOUNG_DAYS * 1440)
        pair("silent_requests", lambda i: i <= N - SILENT_HOURS * 60)
        self.counter("over_all", "_total", "", [0] + [60] * N)
        self.counter("over_good", "_total", "", [0] + [61] * N)
        # Ten requests an hour, and one of them failed a moment ago.
        failed = [0] * (N + 1)
        failed[N - LOW_ERROR_MINUTES] = 1
        self.counter("low_requests", "_total", 'code="500"', failed)
        self.counter("low_requests", "_total", 'code="200"', [0] + [
            1 if i % 6 == 0 and i != N - LOW_ERROR_MINUTES else 0 for i in range(1, N + 1)])

    # Counting by hand

    def count(self, name, start, end, *wanted):
        """Events in (start, end] of the series whose labels have all of wanted; of minutes that lie partly inside, a part."""
        first = (start - self.start - (COUNTER_PHASE_S if self.is_counter(name) else 0)) / MINUTE_S
        last = (end - self.start - (COUNTER_PHASE_S if self.is_counter(name) else 0)) / MINUTE_S
        total = 0
        for (series, labels), events in self.events.items():
            if series != name or not all(w in labels for w in wanted):
                continue
            for i in range(max(1, math.floor(first)), min(N, math.ceil(last)) + 1):
                total += events[i] * max(0, min(last, i) - max(first, i - 1))
        return total

    def is_counter(self, name):
        return name.endswith(("_total", "_bucket", "_count"))

    def write(self, path):
        with open(path, "w", encoding="ascii") as out:
            for family, (kind, series) in self.families.items():
                out.write(f"# TYPE {family} {kind}\n")
                for (suffix, labels), samples in series.items():
                    head = f"{family}{suffix}{{{labels}}} " if labels else f"{family}{suffix} "
                    out.writelines(f"{head}{value} {at}\n" for at, value in samples)
            out.write("# EOF\n")


class Server:
    """Prometheus on a folder of blocks, for the time of a with block."""

    def __init__(self, folder, *flags):
        self.folder, self.flags = folder, flags

    def __enter__(self):
        servers = find_servers()
        program = servers.find("prometheus")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = os.path.join(self.folder, "prometheus.yml")
        with open(config, "w", encoding="ascii") as out:
            out.write("scrape_configs: []\n")
        parent = os.getpid()
        with open(os.path.join(self.folder, "prometheus.log"), "ab") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{port}",
                 "--storage.tsdb.retention.time=10y", "--log.level=warn", *self.flags], env=servers.environment(program), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent))
        self.url = f"http://127.0.0.1:{port}"
        e2e.wait_for("Prometheus", self.is_ready)
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError), urllib.request.urlopen(self.url + "/-/ready", timeout=5):
            return True
        return False

    def log(self):
        with open(os.path.join(self.folder, "prometheus.log"), encoding="utf-8") as log:
            return log.read()

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, path, **parameters):
        return ask(self.url, path, **parameters)

    def value(self, expr, at):
        return value(self.url, expr, at)


class Refusing:
    """A Prometheus that refuses some queries, always the same ones: each of so many has its part of bad luck."""

    def __init__(self, server, seed, one_in):
        self.server, self.seed, self.one_in = server, seed, one_in

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self, None)

            def do_POST(self):
                outer.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def is_refused(self, path, body):
        """By the text of the query and its start, so that asking again does not help, and asking for less may."""
        asked = urllib.parse.parse_qs((body or b"").decode() or urllib.parse.urlsplit(path).query)
        text = f"{self.seed} {asked.get('query')} {asked.get('start')}"
        return "query" in asked and hashlib.sha256(text.encode()).digest()[0] % self.one_in == 0

    def answer(self, request, body):
        status, text = 503, b'{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}'
        if not self.is_refused(request.path, body):
            headers = {"Content-Type": request.headers.get("Content-Type", "")} if body else {}
            try:
                with urllib.request.urlopen(urllib.request.Request(self.server.url + request.path, data=body, headers=headers), timeout=60) as got:
                    status, text = got.status, got.read()
            except urllib.error.HTTPError as err:
                status, text = err.code, err.read()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        with contextlib.suppress(OSError):
            request.wfile.write(text)


def ask(url, path, **parameters):
    data = urllib.parse.urlencode(parameters).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/{path}", data=data), timeout=60) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as err:
        raise AssertionError(f"Prometheus on {parameters}: {err.read().decode()}") from None


def value(url, expr, at):
    """The one value of an instant query; NaN when there is none."""
    result = ask(url, "query", query=expr, time=f"{at:.3f}")
    assert len(result) <= 1, (expr, result)
    return float(result[0]["value"][1]) if result else math.nan


def find_servers():
    servers = Servers(os.environ.get("OPSLAB_SERVERS"))
    absent = [name for name in ("prometheus", "promtool") if not servers.find(name)]
    if absent:
        why = f"{' and '.join(absent)} not found; tests/lab/fetch-servers gets them"
        if os.environ.get("OPSLAB_SERVERS"):
            raise AssertionError(why)
        raise e2e.Skip(why)
    return servers


@contextlib.contextmanager
def filled_folder():
    """(History up to now, folder with its blocks in data/)."""
    servers = find_servers()
    folder = tempfile.mkdtemp(prefix="opsconsole-history-")
    try:
        history = History(int(time.time()) // MINUTE_S * MINUTE_S - MINUTE_S)
        text = os.path.join(folder, "history.om")
        history.write(text)
        promtool = servers.find("promtool")
        done = subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=744h", text,
                               os.path.join(folder, "data")], env=servers.environment(promtool), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        os.unlink(text)
        yield history, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
