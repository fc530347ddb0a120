"""The opsconsole.yaml that shows this lab."""

from . import objectives

_CONFIG = """\
# Written by opslab for the lab in {folder}. Made anew at each start.
apiVersion: opsconsole/v1
kind: Config
range: 5m
ssh: {{ config: '{folder}/ssh/config' }}
environments:
  - name: lab
    title: blog-platform
    colour: lab
    protected: false
    sources:
      - {{ name: prometheus,   type: prometheus,   url: 'http://127.0.0.1:{prometheus}', interval: 2s }}
      - {{ name: alertmanager, type: alertmanager, url: 'http://127.0.0.1:{alertmanager}', interval: 2s }}
      - {{ name: mlflow,       type: mlflow,       url: 'http://127.0.0.1:{registry}', interval: 5s }}
      - {{ name: loki,         type: loki,         url: 'http://127.0.0.1:{loki}', interval: 2s }}
{journal}      - {{ name: flags,        type: http,         url: 'http://127.0.0.1:{platform}/api/flags', bearer: {{ file: '{folder}/platform/token' }} }}
      - {{ name: status-page,  type: http,         url: 'http://127.0.0.1:{platform}/api/notices', bearer: {{ file: '{folder}/platform/token' }} }}
    logs:
      streams:
        - {{ name: services, title: what the services say, source: loki, query: '{{env="lab"}}' }}
{units}      alerts:
        - {{ match: {{ service: '*' }}, query: 'service:${{labels.service}}' }}
      late: 5s
    params: {{ model: spam-filter, service: spam-filter, alert: SpamFalsePositiveRateHigh }}
    actions:
      activate: {{ ssh: {{ run: [activate-model, '${{model}}', '${{version}}'] }}, check: {{ run: [active-model, '${{model}}'], expect: '${{version}}' }} }}
      restart:  {{ ssh: {{ run: [restart-service, '${{service}}'] }} }}
      drain:    {{ ssh: {{ run: [drain-service, '${{service}}'] }} }}
      undrain:  {{ ssh: {{ run: [undrain-service, '${{service}}'] }} }}
      stop:     {{ ssh: {{ run: [stop-service, '${{service}}'] }} }}
      start:    {{ ssh: {{ run: [start-service, '${{service}}'] }} }}
      flag-off: {{ http: {{ endpoint: flags, method: PUT, path: '/${{flag}}', body: {{ on: false, reason: '${{reason}}' }} }} }}
      flag-on:  {{ http: {{ endpoint: flags, method: PUT, path: '/${{flag}}', body: {{ on: true, reason: '${{reason}}' }} }} }}
    hosts:
      - {{ name: serving, hosts: ['serving-[01-03]'] }}
      - {{ name: web,     hosts: ['web-[01-03]'] }}
      - {{ name: data,    targets: {{ source: prometheus, match: {{ job: feature-store }} }}, within: 'features-[0-9]+' }}
    models:
      - name: spam-filter
        title: Spam filter
        alias: champion
        group: serving
        serving: {{ expr: 'served_model_version{{model="spam-filter"}} == 1', label: version, host: instance, source: prometheus }}
        max_age: 14d
        data: training_data_until
        max_data_age: 30d
        online:
          - {{ metric: false_positive_rate, expr: 'sum(model:false_positives:ratio_rate10s) * on () group_right () (count by (version) (served_model_version{{model="spam-filter"}} == 1) > bool 0)', label: version, source: prometheus }}
        drift:
          window: 1m
          reference: training
          profile: 'artifact:training_profile.json'
          features:
            - {{ name: url_count, title: links in a post, histogram: 'spam_feature_url_count' }}
            - {{ name: caps_ratio, title: share of capitals, histogram: 'spam_feature_caps_ratio' }}
            - {{ name: account_age_days, title: age of the account, histogram: 'spam_feature_account_age_days' }}
            - {{ name: text_length, title: length of the text, histogram: 'spam_feature_text_length' }}
          predictions:
            - {{ name: score, title: spam score, histogram: 'spam_prediction_score' }}
          labels:
            - {{ name: label, title: labels by moderators, categories: 'feedback_labels_total', label: label, reference: {{ ago: 10m, window: 10m }} }}
      - name: ranker
        alias: champion
        group: web
        serving: {{ url: '{registry_url}/hosts/{{host}}/v1/models/ranker', path: 'model_version_status[0].version' }}
    queries:
      - name: false-positives
        title: 'spam-filter / false positives'
        expr: 'model:false_positives:ratio_rate10s'
        unit: ratio
        source: prometheus
        slo: spam-quality
      - name: web-latency
        title: 'web / latency p99'
        expr: 'web:latency_seconds:p99_rate10s'
        unit: seconds
        source: prometheus
        objective: 0.3
      - name: web-errors
        title: 'web / errors'
        expr: 'web:errors:ratio_rate10s'
        unit: ratio
        source: prometheus
        slo: availability
      - name: web-requests
        title: 'web / requests by host'
        expr: 'sum by (instance) (rate(web_requests_total[10s]))'
        unit: per-second
        source: prometheus
      - name: spam-share
        title: 'spam-filter / posts called spam, by version'
        expr: 'model:spam_share:ratio_rate10s'
        unit: ratio
        source: prometheus
      - name: feature-shift
        title: 'spam-filter / features away from training, in standard deviations'
        expr: 'model:feature_shift:stddevs'
        unit: none
        source: prometheus
        objective: 0.3
      - name: feedback
        title: 'feedback / labels'
        expr: 'sum(rate(feedback_labels_total[10s]))'
        unit: per-second
        source: prometheus
      - name: budget
        title: 'error budgets / left'
        expr: 'slo:error_budget_remaining:ratio'
        unit: ratio
        source: prometheus
{slos}\
    markers:
      - {{ name: model, expr: 'served_model_version == 1', label: version, title: '{{{{model}}}} {{{{version}}}}', group_by: model }}
      - {{ name: web build, expr: 'build_info{{job="web"}}', label: revision, title: 'web build {{{{revision}}}}' }}
    drift: {{ interval: 10s }}
    contacts:
      - {{ role: primary on call, name: 'Lab On-call', channel: '#blog-oncall', responsibility: 'decides and acts first' }}
      - {{ role: secondary on call, name: 'Lab Backup', channel: '#blog-oncall', responsibility: 'second pair of hands, takes over after an hour' }}
      - {{ role: model owner, name: 'Spam Filter Team', channel: '#spam-filter', responsibility: 'knows the model; decides on retraining' }}
      - {{ role: incident lead, name: 'Lab Duty Manager', channel: '#incidents', responsibility: 'tells users and other teams' }}
"""

_JOURNAL = "      - {{ name: journal,      type: journald,     url: 'http://127.0.0.1:{port}', interval: 2s }}\n"
_UNITS = "        - { name: units, title: 'the journal: web and spam-filter', source: journal, query: '_SYSTEMD_UNIT=web.service + _SYSTEMD_UNIT=spam-filter.service' }\n"


def write_config(state, prometheus_port, alertmanager_port, registry_port, platform_port, loki_port, journal_port=None):
    """journal_port None: this lab has no journal."""
    slos = objectives.write(state, f"http://127.0.0.1:{prometheus_port}")
    state.write("opsconsole.yaml", _CONFIG.format(
        folder=state.path, prometheus=prometheus_port, alertmanager=alertmanager_port, slos=slos, platform=platform_port, loki=loki_port,
        journal=_JOURNAL.format(port=journal_port) if journal_port else "", units=_UNITS if journal_port else "", registry=registry_port, registry_url=f"http://127.0.0.1:{registry_port}"))
    return state.file("opsconsole.yaml")
