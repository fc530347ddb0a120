"""Configuration of the real Prometheus and Alertmanager, and how they are started.

Both read YAML, of which JSON is a part: so their files are written as JSON.
"""

import json
import os

from .process import Child
from .rules import rule_file

JOBS = ("web", "serving", "feature-store", "feedback", "registry")


def prometheus_config(instances, addresses, port, alertmanager_port):
    """One job for each kind of instance; `instance` is the host's name, as people say it."""
    jobs = []
    for job in JOBS:
        targets = [{"targets": [f"{addresses[i.host]}:{port}"],
                    "labels": {"instance": i.host, "service": i.service}} for i in instances if i.job == job]
        jobs.append({"job_name": job, "static_configs": targets})
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "2s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": jobs,
    }


def alertmanager_config():
    """Receivers without an integration: alerts are grouped, inhibited and shown, and nothing is sent."""
    return {
        "global": {"resolve_timeout": "30s"},
        "route": {
            "receiver": "blog-oncall", "group_by": ["service"], "group_wait": "1s", "group_interval": "5s",
            "repeat_interval": "4h",
            "routes": [{"receiver": "ml-tickets", "matchers": ['severity="ticket"']}],
        },
        "inhibit_rules": [{"source_matchers": ['severity="page"'], "target_matchers": ['severity="ticket"'],
                           "equal": ["service"]}],
        "receivers": [{"name": "blog-oncall"}, {"name": "ml-tickets"}],
    }


def write_configs(state, instances, addresses, metrics_port, alertmanager_port):
    config = prometheus_config(instances, addresses, metrics_port, alertmanager_port)
    state.write("prometheus/prometheus.yml", json.dumps(config, indent=1))
    state.write("prometheus/rules.yml", json.dumps(rule_file(), indent=1))
    state.write("alertmanager/alertmanager.yml", json.dumps(alertmanager_config(), indent=1))


def start_filling(state, promtool, env, text):
    """Make blocks of OpenMetrics text in the folder that Prometheus will start on."""
    folder = state.file("prometheus")
    return Child("promtool", [
        promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", text, f"{folder}/data",
    ], env, state.file("logs", "promtool.log"), folder)


def start_prometheus(state, program, env, port):
    folder = state.file("prometheus")
    return Child("prometheus", [
        program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=native-histograms",
        "--storage.tsdb.retention.time=1d", "--query.max-samples=2000000", "--log.level=warn",
    ], env, state.file("logs", "prometheus.log"), folder)


def start_alertmanager(state, program, env, port):
    folder = state.file("alertmanager")
    # A copy unpacked by fetch-servers looks for its templates in the current folder.
    templates = os.path.join(os.path.dirname(os.path.dirname(program)), "share/prometheus/alertmanager")
    return Child("alertmanager", [
        program, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    ], env, state.file("logs", "alertmanager.log"), templates if os.path.isdir(templates) else folder)
