"""Recording and alerting rules.

The error budgets are the usual ones of 30 days with every window divided by 360, so that 30 days
pass in two hours: the fast burn alert's 1 h and 5 min become 10 s (and 5 s, below which scrapes
every second say nothing), the slow one's 6 h and 30 min become 60 s (and 10 s). The factors 14.4
and 6 stay as they are.
"""

from .world import FEATURES

PERIOD_S = 7200  # stands for 30 days
FAST_BURN, SLOW_BURN = 14.4, 6
STALE_MODEL_DAYS = 14
RUNBOOKS = "https://runbooks.example/blog-platform/"

_FALSE_POSITIVES = 'feedback_labels_total{decision="spam",label="ham"}'
_HAM = 'feedback_labels_total{label="ham"}'

# name, service, objective, bad events and all events in window W (or their increase)
SLOS = (
    ("spam-quality", "spam-filter", 0.99, f"sum(FN({_FALSE_POSITIVES}[W]))", f"sum(FN({_HAM}[W]))"),
    ("availability", "web", 0.995,
     'sum(FN(web_requests_total{code=~"5.."}[W]))', "sum(FN(web_requests_total[W]))"),
    ("latency", "web", 0.99,
     "sum(FN(web_request_duration_seconds_count[W]))"
     ' - sum(FN(web_request_duration_seconds_bucket{le="0.3"}[W]))',
     "sum(FN(web_request_duration_seconds_count[W]))"),
)


def _fill(expr, function, window):
    return expr.replace("FN(", function + "(").replace("[W]", f"[{window}]")


def _record(name, expr, **labels):
    return {"record": name, "expr": expr, **({"labels": labels} if labels else {})}


def _slo_records():
    rules, slow_rules = [], []
    for name, service, objective, bad, total in SLOS:
        labels = {"slo": name, "service": service}
        budget = round(1 - objective, 6)
        rules.append(_record("slo:objective:ratio", f"vector({objective})", **labels))
        for window in ("5s", "10s", "1m"):
            ratio = f"({_fill(bad, 'rate', window)}) / ({_fill(total, 'rate', window)})"
            rules.append(_record(f"slo:error_ratio:rate{window}", ratio, **labels))
            rules.append(_record(f"slo:burn_rate:rate{window}", f"({ratio}) / {budget}", **labels))
        slow_rules.append(_record(
            "slo:error_budget_remaining:ratio",
            f"1 - ({_fill(bad, 'increase', f'{PERIOD_S}s')})"
            f" / ({budget} * ({_fill(total, 'increase', f'{PERIOD_S}s')}))", **labels))
    return rules, slow_rules


def _model_records():
    rules = [
        _record("model:false_positives:ratio_rate10s",
                f"sum by (model) (rate({_FALSE_POSITIVES}[10s])) / sum by (model) (rate({_HAM}[10s]))"),
        _record("model:spam_share:ratio_rate10s",
                'sum by (model, version) (rate(spam_predictions_total{decision="spam"}[10s]))'
                " / sum by (model, version) (rate(spam_predictions_total[10s]))"),
        _record("web:errors:ratio_rate10s",
                'sum(rate(web_requests_total{code=~"5.."}[10s])) / sum(rate(web_requests_total[10s]))'),
        _record("web:latency_seconds:p99_rate10s",
                "histogram_quantile(0.99, sum by (le) (rate(web_request_duration_seconds_bucket[10s])))"),
        _record("spam_filter:latency_seconds:p99_rate10s",
                "histogram_quantile(0.99, sum by (le) (rate(spam_prediction_duration_seconds_bucket[10s])))"),
    ]
    for name in FEATURES:
        mean = (f"sum by (model) (rate(spam_feature_{name}_sum[20s]))"
                f" / sum by (model) (rate(spam_feature_{name}_count[20s]))")
        select = f'{{feature="{name}"}}'
        rules.append(_record(
            "model:feature_shift:stddevs",
            f"abs(({mean}) - on (model) feature_training_mean{select})"
            f" / on (model) feature_training_stddev{select}", feature=name))
    return rules


def _alert(name, expr, wait, severity, summary, description, runbook, **labels):
    return {"alert": name, "expr": expr, "for": wait, "labels": {"severity": severity, **labels},
            "annotations": {"summary": summary, "description": description, "runbook_url": RUNBOOKS + runbook}}


def _budget_alerts():
    def burn(name, factor, long, short, severity, wait, lasts):
        return _alert(
            name, f"slo:burn_rate:rate{long} > {factor} and slo:burn_rate:rate{short} > {factor}", wait, severity,
            "{{ $labels.slo }} burns its error budget {{ $value | printf \"%.1f\" }} times too fast",
            f"At {factor} times the allowed rate the budget of the whole period is gone in {lasts} (lab time).",
            "error-budget")
    return [
        burn("ErrorBudgetBurnFast", FAST_BURN, "10s", "5s", "page", "2s", "2 days"),
        burn("ErrorBudgetBurnSlow", SLOW_BURN, "1m", "10s", "page", "2s", "5 days"),
    ]


def _model_alerts():
    served = "count by (model, version, service) (served_model_version == 1)"
    champion = 'model_registry_alias{alias="champion"} == 1'
    trained = "max by (model, version, service) (model_trained_timestamp_seconds)"
    return [
        _alert("SpamFalsePositiveRateHigh", "model:false_positives:ratio_rate10s > 0.05", "3s", "page",
               "{{ $value | humanizePercentage }} of good posts are blocked as spam",
               "Moderators label as good what {{ $labels.model }} blocks. Usual is 0.2 %. Look at what changed"
               " in the served version.", "rollback", service="spam-filter"),
        _alert("FeatureDrift", "model:feature_shift:stddevs > 0.3", "4s", "ticket",
               "feature {{ $labels.feature }} of {{ $labels.model }} has moved",
               "Its mean is {{ $value | printf \"%.2f\" }} standard deviations away from the training data.",
               "drift", service="spam-filter"),
        _alert("ModelStale", f"time() - {trained} > {STALE_MODEL_DAYS} * 86400", "3s", "ticket",
               "{{ $labels.model }} {{ $labels.version }} was trained {{ $value | humanizeDuration }} ago",
               f"Training runs every week; more than {STALE_MODEL_DAYS} days means that it stopped.", "training"),
        _alert("ModelVersionMismatch",
               f"({served}) unless on (model, version) ({champion}) and on (model) ({champion})", "6s", "ticket",
               "{{ $labels.model }} {{ $labels.version }} serves, but the registry says otherwise",
               "{{ $value }} hosts serve a version that is not the registry's champion.", "registry"),
        _alert("FeedbackStopped",
               "sum by (model) (rate(feedback_labels_total[10s])) == 0"
               ' and on () sum(rate(web_requests_total{handler="post",code="200"}[10s])) > 1', "3s", "ticket",
               "no labels arrive for {{ $labels.model }}",
               "Without labels nobody can tell how good the filter is; its quality is unknown from now on.",
               "feedback", service="feedback"),
    ]


def _service_alerts():
    return [
        _alert("InstanceDown", "up == 0", "3s", "page", "{{ $labels.job }} on {{ $labels.instance }} is down",
               "Prometheus cannot scrape {{ $labels.instance }}.", "restart"),
        _alert("TelemetryMissing", 'up{job="serving"} == 1 unless on (instance) spam_predictions_total', "3s", "page",
               "{{ $labels.instance }} answers but reports nothing about the model",
               "Predictions are made unseen: nothing about the filter on this host is known.", "telemetry"),
        _alert("WebErrorsHigh", "web:errors:ratio_rate10s > 0.05", "3s", "page",
               "{{ $value | humanizePercentage }} of requests fail", "Usual is 0.05 %. Look at the web build.",
               "web-errors", service="web"),
        _alert("LatencyHigh", "web:latency_seconds:p99_rate10s > 0.5", "3s", "page",
               "web p99 is {{ $value | humanizeDuration }}", "Usual is 0.15 s. Posts wait for the spam filter.",
               "latency", service="web"),
        _alert("LatencyHigh", "spam_filter:latency_seconds:p99_rate10s > 0.3", "3s", "page",
               "spam-filter p99 is {{ $value | humanizeDuration }}", "Usual is 0.1 s.", "latency",
               service="spam-filter", model="spam-filter"),
    ]


def rule_file():
    """The rule groups, ready to be written as JSON, which is YAML too."""
    slo, budgets = _slo_records()
    return {"groups": [
        {"name": "records", "interval": "2s", "rules": slo + _model_records()},
        {"name": "budgets", "interval": "5s", "rules": budgets},
        {"name": "alerts", "interval": "2s", "rules": _budget_alerts() + _model_alerts() + _service_alerts()},
    ]}
