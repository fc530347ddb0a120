"""The simulated blogging platform: every request, prediction and label of it, a quarter of a second at a time.

Web servers take reads and posts. Each post is scored by the spam filter on one of the serving
hosts from the features of the feature store. Moderators label a part of the posts a little later;
label and decision together tell false positives. The same seed gives the same world.

The world holds no clock and no files: the lab advances it and tells it which version a host
serves and what is broken.
"""

import math
import random
from collections import deque
from dataclasses import dataclass

from .exposition import Registry

TICK_S = 0.25
WARM_UP_S = 20
CATCH_UP_S = 30  # after a longer pause (a suspended machine) the rest is skipped
DAY_S = 86400

WEB_HOSTS = ("web-01", "web-02", "web-03")
SERVING_HOSTS = ("serving-01", "serving-02", "serving-03")
MODEL = "spam-filter"
RANKER = "ranker"
OLD_VERSION, GOOD_VERSION, BAD_VERSION = "5", "6", "7"
RANKER_VERSION = "3"
WEB_BUILD, BAD_WEB_BUILD = "2f31c9a", "8d04e17"
STALE_BY_S = 45 * DAY_S

REQUESTS_PER_S = 40  # per web host
POST_SHARE = 0.5
SPAM_SHARE = 0.2
LABEL_SHARE = 0.6
LINK_BLOCKS = (0, 0.1, 0.95)  # how a version that overweights links treats good posts with 0, 1, 2 or more
ERROR_SHARE_HEALTHY, ERROR_SHARE_BROKEN = 0.0005, 0.15
SLOW_FACTOR = 14

LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0)
SCORE_BOUNDS = tuple(round(i / 10, 1) for i in range(1, 11))
FEATURES = {  # name: upper bounds of its histogram
    "url_count": (0, 1, 2, 3, 4, 6, 8, 12),
    "caps_ratio": (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1),
    "account_age_days": (1, 3, 7, 30, 90, 180, 365, 1000),
    "text_length": (50, 100, 200, 400, 800, 1600, 3200),
}
PROCESS_METRICS = frozenset({"build_info", "process_start_time_seconds"})


@dataclass(frozen=True)
class ModelVersion:
    version: str
    revision: str
    trained_before_start_s: float  # age when the lab starts
    overweights_links: bool = False


VERSIONS = {v.version: v for v in (
    ModelVersion("5", "b81c0de", 9 * DAY_S),
    ModelVersion("6", "41aa9f3", 3 * DAY_S),
    ModelVersion("7", "c07d5e2", 3600, overweights_links=True),
)}
RANKER_VERSIONS = {"1": 26 * DAY_S, "2": 19 * DAY_S, "3": 12 * DAY_S}  # version: age when the lab starts


class _Table:
    """A distribution as a table of draws: sampling costs one random number."""

    SIZE = 1024

    def __init__(self, draw):
        self.values = [draw() for _ in range(self.SIZE)]

    def sample(self, rng):
        return self.values[int(rng.random() * self.SIZE)]


def _poisson(rng, mean):
    limit, product, n = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        n += 1
    return n


class _Population:
    """What posts of one class look like, and how the filter scores them."""

    def __init__(self, rng, urls, caps, age, length):
        self.tables = {
            "url_count": _Table(lambda: _poisson(rng, urls)),
            "caps_ratio": _Table(lambda: rng.betavariate(*caps)),
            "account_age_days": _Table(lambda: rng.expovariate(1 / age)),
            "text_length": _Table(lambda: rng.lognormvariate(math.log(length), 0.6)),
        }

    def features(self, rng):
        return {name: table.sample(rng) for name, table in self.tables.items()}


class Instance:
    """One service instance on one host, with what it exposes."""

    job = service = ""

    def __init__(self, world, host):
        self.world, self.host = world, host
        self.alive = True
        self.drained = False  # takes no traffic
        self.restarts = 0
        self.restart()

    def follow_restarts(self, n):
        if n != self.restarts:
            self.restarts = n
            self.restart()

    def restart(self):
        self.registry = Registry()
        self.registry.gauge("process_start_time_seconds", "When this process started.").labels().set(
            self.world.now)
        self.set_build(self.build())
        self.declare(self.registry)

    def build(self):
        return "9c41e02"

    def set_build(self, revision):
        info = self.registry.gauge("build_info", "The build that runs, as labels.")
        info.clear()
        info.labels(revision=revision, branch="main").set(1)

    def declare(self, registry):
        """Make the metrics of this kind of instance."""

    def refresh(self):
        """Bring what is computed when asked up to now."""

    def exposed(self):
        """The names to expose, or None for all."""
        return None

    def serves(self):
        """{model: version} of what it serves now."""
        return {}


class Web(Instance):
    job, service = "web", "web"
    ranker = RANKER_VERSION

    def build(self):
        return BAD_WEB_BUILD if self.world.errors else WEB_BUILD

    def declare(self, registry):
        requests = registry.counter("web_requests_total", "Requests answered.")
        self.ok = {k: requests.labels(handler=k, code="200") for k in ("read", "post")}
        self.failed = {k: requests.labels(handler=k, code="500") for k in ("read", "post")}
        self.unavailable = requests.labels(handler="post", code="503")
        self.held = registry.counter("posts_held_total", "Posts that wait for a moderator, unfiltered.").labels()
        classic = registry.histogram("web_request_duration_seconds", "Time to answer.", LATENCY_BOUNDS)
        self.duration = {k: classic.labels(handler=k) for k in ("read", "post")}
        native = registry.native_histogram("web_request_native_seconds", "Time to answer, native histogram.")
        self.duration_native = {k: native.labels(handler=k) for k in ("read", "post")}
        self.served = registry.gauge("served_model_version", "1 for the version that serves.")
        self.trained = registry.gauge(
            "model_trained_timestamp_seconds", "When the version that serves was trained.")
        self.activate(self.ranker)

    def activate(self, name):
        """What the host's model folder names now; an unknown version leaves the present one."""
        self.ranker = name if name in RANKER_VERSIONS else self.ranker
        self.served.clear()
        self.served.labels(model=RANKER, version=self.ranker).set(1)
        self.trained.clear()
        self.trained.labels(model=RANKER, version=self.ranker).set(self.world.started - RANKER_VERSIONS[self.ranker])

    def serves(self):
        return {RANKER: self.ranker}

    def answered(self, handler, counter, seconds, code=200):
        counter.inc()
        self.world.say("request", self.host, self.world.now, handler=handler, code=code, seconds=seconds)
        if code == 200 and handler == "read":
            self.world.say("ranked", self.host, self.world.now, version=self.ranker)
        self.duration[handler].observe(seconds)
        self.duration_native[handler].observe(seconds)


class Serving(Instance):
    job, service = "serving", "spam-filter"

    def __init__(self, world, host):
        self.version = VERSIONS[GOOD_VERSION]
        super().__init__(world, host)

    def declare(self, registry):
        self.predictions = registry.counter("spam_predictions_total", "Posts scored.")
        self.scores = registry.histogram("spam_prediction_score", "Scores given.", SCORE_BOUNDS)
        self.scores_native = registry.native_histogram(
            "spam_prediction_native_score", "Scores given, native histogram.")
        duration = registry.histogram("spam_prediction_duration_seconds", "Time to score a post.", LATENCY_BOUNDS)
        self.duration = duration.labels(model=MODEL)
        self.features = {
            name: registry.histogram("spam_feature_" + name, f"Feature {name} as served.", bounds)
            for name, bounds in FEATURES.items()}
        self.served = registry.gauge("served_model_version", "1 for the version that serves.")
        self.trained = registry.gauge(
            "model_trained_timestamp_seconds", "When the version that serves was trained.")
        self.is_drained = registry.gauge("service_drained", "1 while it takes no traffic.").labels()
        self.load_failures = registry.counter(
            "model_load_failures_total", "Versions that could not be loaded.").labels(model=MODEL)
        self.load(self.version)

    def load(self, version):
        """Serve version from now on. Series of versions served before stay, as counters do."""
        self.version = version
        labels = {"model": MODEL, "version": version.version}
        self.served.clear()
        self.served.labels(**labels).set(1)
        self.decided = {d: self.predictions.labels(decision=d, **labels) for d in ("ham", "spam")}
        self.score = self.scores.labels(**labels)
        self.score_native = self.scores_native.labels(**labels)
        self.feature_values = {n: family.labels(**labels) for n, family in self.features.items()}

    def activate(self, name, at_s=None):
        """What the host's model folder names now; an unknown version leaves the present one."""
        if name == self.version.version:
            return
        at_s = self.world.now if at_s is None else at_s
        if name in VERSIONS:
            self.load(VERSIONS[name])
            self.world.say("loaded", self.host, at_s, service=self.service, model=MODEL, version=name)
        else:
            self.load_failures.inc()
            self.world.say("not_loaded", self.host, at_s, version=name)

    def refresh(self):
        self.is_drained.set(int(self.drained))
        age = self.version.trained_before_start_s + (STALE_BY_S if self.world.stale_model else 0)
        self.trained.clear()
        self.trained.labels(model=MODEL, version=self.version.version).set(self.world.started - age)

    def exposed(self):
        return PROCESS_METRICS if self.world.telemetry_gap else None

    def serves(self):
        return {MODEL: self.version.version}

    def predict(self, is_spam, features, seconds):
        """Score one post; returns the decision."""
        score = self.world.score(self.version, is_spam, features)
        decision = "spam" if score > 0.5 else "ham"
        self.decided[decision].inc()
        self.score.observe(score)
        self.score_native.observe(score)
        self.duration.observe(seconds)
        self.world.say("scored", self.host, self.world.now, version=self.version.version, decision=decision, seconds=seconds)
        for name, value in features.items():
            self.feature_values[name].observe(value)
        return decision


class FeatureStore(Instance):
    job, service = "feature-store", "feature-store"

    def declare(self, registry):
        self.lookups = registry.counter("feature_store_lookups_total", "Lookups answered.").labels(table="author")
        self.updated = registry.gauge(
            "feature_store_updated_timestamp_seconds", "When the table was last refreshed.").labels(table="author")
        mean = registry.gauge("feature_training_mean", "Mean of the feature in the training data.")
        spread = registry.gauge("feature_training_stddev", "Standard deviation in the training data.")
        for name in FEATURES:
            training_mean, training_stddev = self.world.training(name)
            mean.labels(model=MODEL, feature=name).set(training_mean)
            spread.labels(model=MODEL, feature=name).set(training_stddev)

    def refresh(self):
        self.updated.set(self.world.now - self.world.now % 5)


class Feedback(Instance):
    job, service = "feedback", "feedback"

    def declare(self, registry):
        self.labels = registry.counter("feedback_labels_total", "Labels by moderators, beside the decision.")
        self.agreement = registry.counter("feedback_agreement_total", "Labels by whether the decision was right.")
        for decision in ("ham", "spam"):
            for label in ("ham", "spam"):
                self.labels.labels(model=MODEL, version=GOOD_VERSION, decision=decision, label=label)
        for agrees in ("true", "false"):
            self.agreement.labels(model=MODEL, version=GOOD_VERSION, agrees=agrees)

    def arrived(self, version, decision, label):
        self.labels.labels(model=MODEL, version=version, decision=decision, label=label).inc()
        agrees = "true" if decision == label else "false"
        self.agreement.labels(model=MODEL, version=version, agrees=agrees).inc()


class ModelRegistry(Instance):
    """Exports the registry's aliases; the lab sets them from the registry's state."""

    job, service = "registry", "registry"
    aliases = {(MODEL, "champion"): GOOD_VERSION, (RANKER, "champion"): RANKER_VERSION}

    def declare(self, registry):
        self.alias = registry.gauge("model_registry_alias", "1 for the version an alias points to.")

    def refresh(self):
        self.alias.clear()
        for (model, alias), version in sorted(self.aliases.items()):
            self.alias.labels(model=model, alias=alias, version=version).set(1)


class World:
    """All instances, and the traffic between them."""

    def __init__(self, seed, now):
        self.rng = random.Random(seed)
        # Some time is lived in advance, so that rates are not 0 at the first scrape.
        self.started = self.now = now - WARM_UP_S
        self.ticks = 0
        self.slow = self.errors = self.drift = False
        self.telemetry_gap = self.feedback_stopped = self.stale_model = False
        self.say = lambda what, host, at_s, **about: None  # what is written to logs, see lines.py
        self.filter_on = True  # the feature flag: off, posts wait for a moderator
        self._pending = deque()  # (tick, version, decision, label): labels on their way

        rng = self.rng
        self.ham = _Population(rng, 0.9, (1.2, 14), 200, 480)
        self.spam = _Population(rng, 4.0, (4, 12), 20, 300)
        self.drifted = _Table(lambda: 2 + _poisson(rng, 1.2))
        self.read_s = _Table(lambda: rng.lognormvariate(math.log(0.018), 0.5))
        self.post_s = _Table(lambda: rng.lognormvariate(math.log(0.030), 0.4))
        self.score_s = _Table(lambda: rng.lognormvariate(math.log(0.032), 0.35))
        self.low_score = _Table(lambda: min(rng.betavariate(1.2, 14), 0.49))
        self.high_score = _Table(lambda: rng.betavariate(9, 2))
        self.link_score = _Table(lambda: max(rng.betavariate(7, 3), 0.51))

        self.web = {host: Web(self, host) for host in WEB_HOSTS}
        self.serving = {host: Serving(self, host) for host in SERVING_HOSTS}
        self.features = FeatureStore(self, "features-01")
        self.feedback = Feedback(self, "feedback-01")
        self.registry = ModelRegistry(self, "registry-01")
        self.instances = [*self.web.values(), *self.serving.values(),
                          self.features, self.feedback, self.registry]
        self.advance(now)

    def advance(self, now):
        """Live through the time up to now, in seconds since the epoch."""
        due = int((now - self.started) / TICK_S)
        self.ticks = max(self.ticks, due - int(CATCH_UP_S / TICK_S))
        while self.ticks < due:
            self.ticks += 1
            self.now = self.started + self.ticks * TICK_S
            self._tick()

    def score(self, version, is_spam, features):
        rng = self.rng
        if is_spam:
            return self.high_score.sample(rng)
        if version.overweights_links and rng.random() < LINK_BLOCKS[min(features["url_count"], 2)]:
            return self.link_score.sample(rng)
        if rng.random() < 0.002:
            return self.link_score.sample(rng)
        return self.low_score.sample(rng)

    def training(self, feature):
        """Mean and standard deviation of a feature in the training data: the healthy mix of posts."""
        ham, spam = self.ham.tables[feature].values, self.spam.tables[feature].values
        weights = ((1 - SPAM_SHARE) / len(ham), ham), (SPAM_SHARE / len(spam), spam)
        mean = sum(w * x for w, values in weights for x in values)
        return mean, math.sqrt(sum(w * (x - mean) ** 2 for w, values in weights for x in values))

    def _tick(self):
        # Traffic swells and ebbs by a tenth, so that a healthy graph is not a flat line.
        swell = 1 + 0.1 * math.sin(self.ticks * TICK_S / 300 * 2 * math.pi)
        mean = REQUESTS_PER_S * TICK_S * swell
        alive = [s for s in self.serving.values() if s.alive and not s.drained]
        for web in self.web.values():
            for _ in range(_poisson(self.rng, mean) if web.alive and not web.drained else 0):
                self._request(web, alive)
        self._deliver_labels()

    def _request(self, web, serving):
        rng = self.rng
        failed = rng.random() < (ERROR_SHARE_BROKEN if self.errors else ERROR_SHARE_HEALTHY)
        if rng.random() >= POST_SHARE:
            counter = web.failed["read"] if failed else web.ok["read"]
            web.answered("read", counter, self.read_s.sample(rng), 500 if failed else 200)
            return
        seconds = self.post_s.sample(rng)
        if failed:
            web.answered("post", web.failed["post"], seconds, 500)
            return
        if not self.filter_on:
            web.held.inc()
            web.answered("post", web.ok["post"], seconds)
            return
        if not serving:
            web.answered("post", web.unavailable, seconds, 503)
            return
        seconds += self._post(serving[int(rng.random() * len(serving))])
        web.answered("post", web.ok["post"], seconds)

    def _post(self, serving):
        """One post through the filter; returns how long that took."""
        rng = self.rng
        is_spam = rng.random() < SPAM_SHARE
        features = (self.spam if is_spam else self.ham).features(rng)
        if self.drift:
            features["url_count"] += self.drifted.sample(rng)
        self.features.lookups.inc()
        seconds = self.score_s.sample(rng) * (SLOW_FACTOR if self.slow else 1)
        decision = serving.predict(is_spam, features, seconds)
        if rng.random() < LABEL_SHARE:
            due = self.ticks + 8 + int(rng.random() * 12)
            self._pending.append((due, serving.version.version, decision, "spam" if is_spam else "ham"))
        return seconds

    def _deliver_labels(self):
        # Due times are a little out of order; what waits behind a later one comes a few ticks late.
        while self._pending and self._pending[0][0] <= self.ticks:
            _due, version, decision, label = self._pending.popleft()
            if not self.feedback_stopped:
                self.feedback.arrived(version, decision, label)

    def exposition(self, instance, accept):
        instance.refresh()
        return instance.registry.render(accept, instance.exposed())
