"""The two hours before the lab started, for Prometheus to know: error budgets rest on a whole period.

The period of 30 days is two hours here (see rules.py). A lab without a past would have a budget of
the seconds that it has run for, and spend all of it with the first fault. So the healthy past is
written as OpenMetrics text, with the metrics that objectives and drift read, and made into blocks by promtool.
It ends when the lab starts; the counters then begin anew, as after a restart of every service.
"""

import random

from .rules import PERIOD_S
from .world import (DAY_S, ERROR_SHARE_HEALTHY, FEATURES, GOOD_VERSION, LABEL_SHARE, LATENCY_BOUNDS, MODEL, POST_SHARE, RANKER,
                    RANKER_VERSION, REQUESTS_PER_S, SCORE_BOUNDS, SERVING_HOSTS, SPAM_SHARE, VERSIONS, WEB_HOSTS)

STEP_S = 4  # two or three samples in the shortest stretch a budget is summed over, a 720th of the period
LATE_S, LATE_STEP_S = 60, 1  # as often as a scrape, so that the shortest windows are full from the start
FALSE_POSITIVE_SHARE = 0.002
SPREAD_STEPS = 5  # steps from one sample of the spread of a feature to the next: windows of drift are a minute and more


class _Family:
    """One metric, as lines of text: label text -> value at each step."""

    def __init__(self, name, kind, suffixes=("",)):
        self.head = f"# TYPE {name} {kind}\n"
        self.series = {name + suffix: {} for suffix in suffixes}

    def add(self, name, labels, time_text, value):
        lines = self.series[name].setdefault(labels, [])
        lines.append(f"{name}{{{labels}}} {value} {time_text}\n")

    def lines(self):
        yield self.head
        for by_labels in self.series.values():
            for lines in by_labels.values():
                yield from lines


def _labels(**labels):
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _shares(draw, count=4000):
    """How much of what draw() gives is within each latency bound, and its mean."""
    values = [draw() for _ in range(count)]
    return [sum(v <= bound for v in values) / count for bound in LATENCY_BOUNDS], sum(values) / count


def _mixed(ham, spam, bounds):
    """The same of the healthy mix of two kinds of posts."""
    parts = ((1 - SPAM_SHARE) / len(ham), ham), (SPAM_SHARE / len(spam), spam)
    within = [sum(w * sum(v <= bound for v in values) for w, values in parts) for bound in bounds]
    return within, sum(w * sum(values) for w, values in parts)


class _Histogram:
    """A histogram that grows in fixed proportions."""

    def __init__(self, family, name, labels, shape, bounds=LATENCY_BOUNDS):
        self.family, self.name, self.labels, self.shape, self.bounds = family, name, labels, shape, bounds
        self.count = 0

    def add(self, time_text, events):
        shares, mean = self.shape
        self.count += events
        for bound, share in zip((*self.bounds, "+Inf"), (*shares, 1)):
            le = bound if bound == "+Inf" else f"{bound:g}" if bound % 1 else f"{bound:.1f}"
            self.family.add(self.name + "_bucket", f'{self.labels},le="{le}"', time_text, int(self.count * share))
        self.family.add(self.name + "_count", self.labels, time_text, self.count)
        self.family.add(self.name + "_sum", self.labels, time_text, f"{self.count * mean:.3f}")


def _histogram_family(name):
    return _Family(name, "histogram", ("_bucket", "_count", "_sum"))


class _Past:
    def __init__(self, world):
        self.world = world
        self.rng = rng = random.Random(f"past {world.started}")
        self.requests = _Family("web_requests", "counter", ("_total",))
        self.durations = _histogram_family("web_request_duration_seconds")
        self.predictions = _histogram_family("spam_prediction_duration_seconds")
        self.labels = _Family("feedback_labels", "counter", ("_total",))
        self.served = _Family("served_model_version", "gauge")
        self.trained = _Family("model_trained_timestamp_seconds", "gauge")
        self.families = (self.requests, self.durations, self.predictions, self.labels, self.served, self.trained)
        post = lambda: world.post_s.sample(rng) + world.score_s.sample(rng)  # noqa: E731
        shapes = {"read": _shares(lambda: world.read_s.sample(rng)), "post": _shares(post)}
        self.web = {}
        for host in WEB_HOSTS:
            for handler, shape in shapes.items():
                base = _labels(job="web", instance=host, service="web", handler=handler)
                self.web[host, handler] = _Histogram(self.durations, "web_request_duration_seconds", base, shape)
        scoring = _shares(lambda: world.score_s.sample(rng))
        self.serving = [_Histogram(
            self.predictions, "spam_prediction_duration_seconds",
            _labels(job="serving", instance=host, service="spam-filter", model=MODEL), scoring) for host in SERVING_HOSTS]
        self.spreads = self.spread_histograms()
        self.families += tuple({id(h.family): h.family for h in self.spreads}.values())
        self.steps = self.waiting = 0    # posts that the spreads have not yet
        self.counts = {}

    def spread_histograms(self):
        """What goes into the model and comes out of it, on each host."""
        world = self.world
        shapes = {"spam_feature_" + name: (_mixed(world.ham.tables[name].values, world.spam.tables[name].values, bounds), bounds)
                  for name, bounds in FEATURES.items()}
        shapes["spam_prediction_score"] = (_mixed(world.low_score.values, world.high_score.values, SCORE_BOUNDS), SCORE_BOUNDS)
        families = {name: _histogram_family(name) for name in shapes}
        return [_Histogram(families[name], name, _labels(job="serving", instance=host, service="spam-filter", model=MODEL, version=GOOD_VERSION), shape, bounds)
                for name, (shape, bounds) in shapes.items() for host in SERVING_HOSTS]

    def spread(self, at, posts):
        self.waiting += posts // len(SERVING_HOSTS)
        if self.steps % SPREAD_STEPS == 0:
            for histogram in self.spreads:
                histogram.add(at, self.waiting)
            self.waiting = 0
        self.steps += 1

    def some(self, mean):
        """About so many events."""
        return max(0, round(self.rng.gauss(mean, mean ** 0.5)))

    def count(self, family, name, labels, time_text, events):
        value = self.counts[name, labels] = self.counts.get((name, labels), 0) + events
        family.add(name, labels, time_text, value)

    def step(self, at, length):
        at = f"{at:.3f}"
        posts = 0
        for (host, handler), durations in self.web.items():
            events = self.some(REQUESTS_PER_S * length * (POST_SHARE if handler == "post" else 1 - POST_SHARE))
            failed = sum(self.rng.random() < ERROR_SHARE_HEALTHY for _ in range(events))
            posts += events - failed if handler == "post" else 0
            durations.add(at, events)
            for code, n in (("200", events - failed), ("500", failed)):
                labels = _labels(job="web", instance=host, service="web", handler=handler, code=code)
                self.count(self.requests, "web_requests_total", labels, at, n)
        for durations in self.serving:
            durations.add(at, posts // len(self.serving))
        self.spread(at, posts)
        self.feedback(at, self.some(posts * LABEL_SHARE))
        self.models(at)

    def feedback(self, at, labelled):
        spam = round(labelled * SPAM_SHARE)
        wrong = sum(self.rng.random() < FALSE_POSITIVE_SHARE for _ in range(labelled - spam))
        for decision, label, n in (("ham", "ham", labelled - spam - wrong), ("spam", "ham", wrong),
                                   ("spam", "spam", spam), ("ham", "spam", 0)):
            labels = _labels(job="feedback", instance="feedback-01", service="feedback", model=MODEL,
                             version=GOOD_VERSION, decision=decision, label=label)
            self.count(self.labels, "feedback_labels_total", labels, at, n)

    def models(self, at):
        trained = {MODEL: self.world.started - VERSIONS[GOOD_VERSION].trained_before_start_s,
                   RANKER: self.world.started - 12 * DAY_S}
        instances = [("serving", "spam-filter", host, MODEL, GOOD_VERSION) for host in SERVING_HOSTS]
        instances += [("web", "web", host, RANKER, RANKER_VERSION) for host in WEB_HOSTS]
        for job, service, host, model, version in instances:
            labels = _labels(job=job, instance=host, service=service, model=model, version=version)
            self.served.add("served_model_version", labels, at, 1)
            self.trained.add("model_trained_timestamp_seconds", labels, at, f"{trained[model]:.3f}")


def write(path, world, end):
    """Write the period that ends at a time, in seconds since the epoch."""
    past = _Past(world)
    for i in range((PERIOD_S - LATE_S) // STEP_S, -1, -1):
        past.step(end - LATE_S - i * STEP_S, STEP_S)
    for i in range(LATE_S // LATE_STEP_S - 1, -1, -1):
        past.step(end - i * LATE_STEP_S, LATE_STEP_S)
    with open(path, "w", encoding="ascii") as out:
        for family in past.families:
            out.writelines(family.lines())
        out.write("# EOF\n")
