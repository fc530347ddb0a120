"""The lab's service level objectives: the short form of opsconsole.yaml, and one in an OpenSLO file.

They are those of rules.py, whose alerts carry their names, and some without an alert of their own. The
windows of the Workbook's rules are divided by 360 like all time here (1 h / 5 min: 10 s / 5 s, for
less says nothing when scrapes come every second).
"""

OPENSLO_FILE = "objectives.openslo.yaml"

_PAGES = (
    "          - { factor: 14.4, long: 10s, short: 5s,  severity: page }\n"
    "          - { factor: 6,    long: 60s, short: 10s, severity: page }\n")
_TICKETS = (
    "          - { factor: 3,    long: 4m,  short: 20s, severity: ticket }\n"
    "          - { factor: 1,    long: 12m, short: 60s, severity: ticket }\n")
_COMMON = """\
        window: 2h
        resolution: 1s
        burn:
"""

_CONFIG = f"""\
    slo: {{ interval: 2s }}
    openslo: ['%(openslo)s']
    slos:
      - name: spam-quality
        title: 'good posts are not blocked as spam'
        service: spam-filter
        kind: error-rate
        target: 99%%
        bad: 'feedback_labels_total{{decision="spam",label="ham"}}'
        total: 'feedback_labels_total{{label="ham"}}'
{_COMMON}{_PAGES}{_TICKETS}\
      - name: availability
        title: 'requests are answered without an error'
        service: web
        kind: availability
        target: 99.5%%
        bad: 'web_requests_total{{code=~"5.."}}'
        total: 'web_requests_total'
{_COMMON}{_PAGES}{_TICKETS}\
      - name: latency
        title: 'requests are answered within 300 ms'
        service: web
        kind: latency
        target: 99%%
        histogram: 'web_request_duration_seconds'
        below: 300ms
{_COMMON}{_PAGES}{_TICKETS}\
      - name: feedback
        title: 'moderators label at least 5 posts a second'
        service: feedback
        kind: throughput
        target: 95%%
        expr: 'sum(rate(feedback_labels_total[10s]))'
        above: 5
        alerts: {{ alertname: FeedbackStopped }}
{_COMMON}{_TICKETS}\
      - name: model-freshness
        title: 'the model that serves is younger than two weeks'
        service: spam-filter
        kind: freshness
        target: 95%%
        timestamp: 'max(model_trained_timestamp_seconds{{model="spam-filter"}})'
        max_age: 14d
        alerts: {{ alertname: ModelStale }}
{_COMMON}{_TICKETS}"""

# OpenSLO counts in minutes and longer, so this one pages later than the lab's alerts do.
_OPENSLO = """\
apiVersion: openslo/v1
kind: DataSource
metadata: { name: prometheus }
spec:
  type: Prometheus
  connectionDetails: { url: '%(url)s' }
---
apiVersion: openslo/v1
kind: Service
metadata: { name: spam-filter, displayName: Spam filter }
spec: { description: Scores each post before it is published }
---
apiVersion: openslo/v1
kind: SLI
metadata: { name: prediction-latency }
spec:
  ratioMetric:
    counter: true
    good:
      metricSource:
        metricSourceRef: prometheus
        type: Prometheus
        spec: { query: 'spam_prediction_duration_seconds_bucket{le="0.3"}' }
    total:
      metricSource:
        metricSourceRef: prometheus
        type: Prometheus
        spec: { query: spam_prediction_duration_seconds_count }
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: { name: budget-burns }
spec:
  severity: page
  condition: { kind: burnrate, op: gt, threshold: 6, lookbackWindow: 1m, alertAfter: 0m }
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: { name: page-on-burn }
spec:
  alertWhenBreaching: true
  conditions: [{ conditionRef: budget-burns }]
---
apiVersion: openslo/v1
kind: SLO
metadata: { name: prediction-latency, displayName: posts are scored within 300 ms }
spec:
  description: Authors wait for the score before their post is published
  service: spam-filter
  indicatorRef: prediction-latency
  timeWindow: [{ duration: 2h, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ displayName: scored in time, target: 0.99 }]
  alertPolicies: [page-on-burn]
"""


def write(state, url):
    """Write the OpenSLO file; returns the lines for the environment in opsconsole.yaml."""
    state.write(OPENSLO_FILE, _OPENSLO % {"url": url})
    return _CONFIG % {"openslo": state.file(OPENSLO_FILE)}
