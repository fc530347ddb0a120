#!/usr/bin/env python3
"""--status on the lab: what it says is what Prometheus and Alertmanager say."""

import json
import subprocess
import tempfile

import e2e

LAB = None


def status_json(config):
    status, out, err = e2e.program("--status", "--json", config=config)
    return status, json.loads(out), err


def firing_names(answer):
    return {a["labels"]["alertname"] for a in answer["alerts"] if a["state"] in ("firing", "unprocessed")}


def alertmanager_firing():
    alerts = e2e.fetch_json(LAB.status()["alertmanager"] + "/api/v2/alerts?silenced=false&inhibited=false")
    return {a["labels"]["alertname"] for a in alerts}


def test_healthy_lab_is_ok():
    # A lab that has just come up, on a slow machine, was not scraped often enough yet for each objective: that is unknown, and said.
    def healthy():
        status, out, _ = e2e.program("--status", config=LAB.config)
        assert status in (0, 3), (status, out)
        return status == 0 and out
    out = e2e.wait_for("a healthy lab", healthy)
    assert out.startswith("OPSCONSOLE OK: no alert fires"), out
    assert " | page=0" in out.split("\n")[0], out


def test_a_fault_is_critical_and_named():
    LAB.fault("errors")
    LAB.wait_alert("WebErrorsHigh")
    def same():
        status, answer, _ = status_json(LAB.config)
        return status == 2 and answer["health"].lower() == "critical" and firing_names(answer) == alertmanager_firing() and firing_names(answer)
    names = e2e.wait_for("--status naming what Alertmanager fires", same)
    assert "WebErrorsHigh" in names, names
    status, out, _ = e2e.program("--status", config=LAB.config)
    first = out.split("\n")[0]
    assert status == 2 and first.startswith("OPSCONSOLE CRITICAL: ") and "|" in first, out
    LAB.fault("errors", False)
    LAB.wait_alert("WebErrorsHigh", "resolved")


def test_watch_repeats():
    words = [e2e.PROGRAM, *e2e.patient(["--status", "--json", "--watch", "200ms"], LAB.config)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=e2e.environment(), text=True) as watch:
        lines = [json.loads(watch.stdout.readline()) for _ in range(4)]
        watch.terminate()
        watch.wait(e2e.PATIENCE_S)
    times = [line["time"] for line in lines]
    assert times == sorted(times) and times[0] < times[-1], times


def test_a_dead_source_is_unknown_not_green():
    with tempfile.TemporaryDirectory() as folder:
        path = e2e.config_file(folder, ["name: gone, type: prometheus, url: 'http://127.0.0.1:1'"])
        status, out, _ = e2e.program("--status", config=path)
        assert status == 3 and out.startswith("OPSCONSOLE UNKNOWN"), (status, out)
        assert "refused" in out and "127.0.0.1:1" in out, out


def test_victoria_metrics_is_a_prometheus():
    """VictoriaMetrics reads the lab's Prometheus, and answers the same question."""
    import os
    import shutil
    import socket
    servers = os.environ.get("OPSLAB_SERVERS", "")
    binary = shutil.which("victoria-metrics") or os.path.join(servers, "usr/bin/victoria-metrics")
    if not os.access(binary, os.X_OK):
        raise e2e.Skip("no victoria-metrics here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([binary, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}/data", "-memory.allowedBytes=64MB",
                                   "-http.pathPrefix=/vm", "-search.latencyOffset=0s"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            url = f"http://127.0.0.1:{port}/vm"
            e2e.wait_for("VictoriaMetrics", lambda: _ready(url))
            _post(url + "/api/v1/import/prometheus", b'things{kind="a"} 42\n')
            path = e2e.config_file(folder, [f"name: vm, type: prometheus, url: '{url}'"],
                                   "    queries:\n      - { name: things, expr: 'last_over_time(things[1h])', unit: count }\n")
            def answered():
                _, answer, _ = status_json(path)
                return answer if any("42" in json.dumps(q) for q in answer["queries"]) else None
            answer = e2e.wait_for("the value through VictoriaMetrics", answered)
            assert [s for s in answer["sources"] if s["name"] == "vm"], answer["sources"]
        finally:
            server.terminate()
            server.wait(30)


def _ready(url):
    try:
        e2e.fetch_json(url + "/api/v1/labels")
        return True
    except (OSError, ValueError):
        return False


def _post(url, body):
    import urllib.request
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=10):
        pass


if __name__ == "__main__":
    e2e.run_with(e2e.Lab, globals(), "LAB", [test_healthy_lab_is_ok, test_a_fault_is_critical_and_named, test_watch_repeats, test_a_dead_source_is_unknown_not_green,
                 test_victoria_metrics_is_a_prometheus])
