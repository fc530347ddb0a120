"""Feeds of the scenes: what goes into the models and what comes out of them, held against how they were trained. Used by make-feeds.

Scores are worked out here from the counts on both sides, so that what a scene shows fits together.
"""
import math

MIN, HOUR, DAY, NS = 60, 3600, 86400, 10 ** 9
STEP, STEPS = HOUR, 24


def chi2_quantile(p_normal, df):
    """Wilson and Hilferty."""
    return df * (1 - 2 / (9 * df) + p_normal * math.sqrt(2 / (9 * df))) ** 3


def chi2_tail(x, df):
    z = ((x / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return max(0.5 * math.erfc(z / math.sqrt(2)), 1e-300)


def parts(then, now):
    n, m = sum(then), sum(now)
    a, b = [(c + 0.5) / (n + 0.5 * len(then)) for c in then], [(c + 0.5) / (m + 0.5 * len(now)) for c in now]
    return [(y - x) * math.log(y / x) for x, y in zip(a, b)]


def scores_of(then, now, is_ordered):
    n, m, df = sum(then), sum(now), len(then) - 1
    a, b = [c / n for c in then], [c / m for c in now]
    psi = sum(parts(then, now))
    js = math.sqrt(sum(0.5 * x * math.log2(x / ((x + y) / 2)) if x else 0 for x, y in zip(a, b)) +
                   sum(0.5 * y * math.log2(y / ((x + y) / 2)) if y else 0 for x, y in zip(a, b)))
    chi2 = sum((math.sqrt(m / n) * x - math.sqrt(n / m) * y) ** 2 / (x + y) for x, y in zip(then, now) if x + y)
    noise = chi2_quantile(1.645, df)
    scores = [("psi", psi, noise * (1 / n + 1 / m), False), ("js", js, math.sqrt(noise * (1 / n + 1 / m) / (8 * math.log(2))), False)]
    if is_ordered:
        gaps, s, t = [], 0, 0
        for x, y in zip(a, b):
            s, t = s + x, t + y
            gaps.append(abs(s - t))
        scores.append(("ks", max(gaps), 1.358 * math.sqrt(1 / n + 1 / m), True))
    scores.append(("chi2", chi2, noise, False))
    if is_ordered:
        mean = sum(i * x for i, x in enumerate(a))
        sd = math.sqrt(sum((i - mean) ** 2 * x for i, x in enumerate(a)))
        shift = (sum(i * y for i, y in enumerate(b)) - mean) / sd
        scores += [("wasserstein", sum(gaps) / sd, 1.2 * math.sqrt(1 / n + 1 / m), False),
                   ("mean", shift, 1.96 * math.sqrt(1 / n + 1 / m), False)]
    return [dict({"measure": k, "bound": bound}, **{x: round(y, 6) for x, y in (("value", v), ("floor", f))}) for k, v, f, bound in scores], \
        chi2_tail(chi2, df)


class Feeds:
    def __init__(self, base):
        self.base, self.now, self.iso, self.event, self.hostile = base, base.NOW, base.iso, base.event, base.HOSTILE

    # --- what the config says -----------------------------------------------------------------------------------------

    def definition(self, name, model="spam-filter", data="classic", kind="feature", **more):
        metric = {"categories": "spam_%s_total", "gauge": "%s_seconds"}.get(data, "spam_feature_%s")
        d = {"id": "drift:%s:%s" % (model, name), "model": "model:" + model, "name": name, "title": "", "kind": kind, "data": data,
             "source": "prometheus", "metric": metric % name + '{job="serving"}', "version_label": "version", "reference": "profile",
             "profile": "tag:training_profile", "ago_ns": 0, "reference_ns": 0, "window_ns": HOUR * NS, "effect": 0.1, "min_n": 100,
             "severity": "ticket", "where": "opsconsole.yaml:%d:9" % (40 + len(name))}
        if data == "categories":
            d["label"] = name
        d.update(more)
        return d

    def defs(self):
        return [
            self.definition("url_count", title="How many links a post has"),
            self.definition("caps_ratio", data="native"),
            self.definition("language", data="categories", label="lang"),
            self.definition("queue_age", data="gauge", version_label="version", reference="past", profile=None, ago_ns=7 * DAY * NS,
                            reference_ns=DAY * NS),
            self.definition("score", kind="prediction", metric='spam_prediction_score{model="spam-filter"}', reference="version", profile=None,
                            version="previous"),
            self.definition("feedback", kind="label", data="categories", metric="feedback_labels_total", label="label"),
            self.definition("url_count@training", kind="skew", trained="training_feature_url_count", feature="url_count"),
            self.definition("length", model="ranker", metric="ranker_feature_length"),
            self.definition("position", model="ranker", metric="ranker_feature_position"),
        ]

    def set_defs(self, defs, before=3600):
        return self.event("drift-defs", "", before, confidence=0.95, fdr=0.05,
                          drifts=[{k: v for k, v in d.items() if v is not None} for d in defs])

    # --- how it stands ----------------------------------------------------------------------------------------------------

    def standing(self, definition, state, why, against="training profile of version 7", since=None, as_of=None, **more):
        d = {"id": definition["id"], "state": state, "why": why, "against": against, "at": self.iso((as_of or self.now) - 2),
             "scores": [], "cells": [], "notes": [], "new_categories": []}
        if since is not None:
            d["since"] = self.iso((as_of or self.now) - since)
        d.update(more)
        return d

    def compared(self, definition, state, then, now, edges=None, values=None, q=None, hint="", **more):
        scores, p = scores_of(then, now, values is None)
        part = parts(then, now)
        cells = [["NaN", "NaN", values[i], x, y, round(z, 6)] if values else [edges[i], edges[i + 1], None, x, y, round(z, 6)]
                 for i, (x, y, z) in enumerate(zip(then, now, part))]
        if values:
            cells.sort(key=lambda c: -c[5])
        short = self.short
        why = "PSI %.2f, noise %.3f, n %s against %s%s" % (scores[0]["value"], scores[0]["floor"], short(sum(now)), short(sum(then)), hint)
        return self.standing(definition, state, why, scores=scores, cells=cells, n_then=sum(then), n_now=sum(now),
                             p=float("%.3g" % p), q=float("%.3g" % min(1, p * 4 if q is None else q)), **more)

    @staticmethod
    def short(n):
        return "%d" % n if n < 1000 else ("%.1fk" % (n / 1000)).replace(".0k", "k")

    BOUNDS = ["-Inf", 0, 1, 2, 3, 4, 6, 8, 12, "+Inf"]
    URLS = [9000, 14000, 11000, 7000, 4000, 3000, 1200, 600, 200]

    def scaled(self, counts, n, shift=0.0):
        v = [c * (1 + shift * i / (len(counts) - 1)) for i, c in enumerate(counts)]
        return [float(round(c * n / sum(v))) for c in v]

    def url_count(self, definition, state="drifted", shift=12.0, **more):
        return self.compared(definition, state, self.URLS, self.scaled(self.URLS, 5100, shift), self.BOUNDS,
                             hint=": url_count is higher" if state != "steady" else "", missing_then=0.001, missing_now=0.021 if shift > 1 else 0.001, **more)

    def caps_ratio(self, definition, state="moving", shift=20.0, **more):
        edges = [0] + [2.0 ** (i / 4 - 15) for i in range(60)]
        then = [float(round(1800 * math.exp(-((i - 38) / 9) ** 2))) for i in range(60)]
        return self.compared(definition, state, then, self.scaled(then, 5100, shift), edges, notes=[
            "4 of 64 buckets were merged: the sides have other schemas"], **more)

    def language(self, definition, state="steady", **more):
        values = ["en", "de", "fr", "es", "it", "pt", "nl", "pl"]
        then = [40000, 6000, 2000, 1000, 500, 300, 150, 50]
        return self.compared(definition, state, then, self.scaled(then, 4900, 0.05), values=values, **more)

    def language_new(self, definition, **more):
        values = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "vi", "th", ""]
        then = [40000, 6000, 2000, 1000, 500, 300, 150, 50, 0, 0, 0]
        now = [2900, 480, 160, 80, 40, 20, 10, 4, 900, 240, 66]
        return self.compared(definition, "drifted", then, now, values=values, hint=": vi is new", new_categories=[["vi"], ["th"], [""]],
                             notes=["counters were reset twice"], **more)

    def countries(self, definition):
        values = ["country-%02d" % i for i in range(60)]
        then = [float(round(9000 * 0.9 ** i)) for i in range(60)]
        return self.compared(definition, "moving", then, self.scaled(then, 4000, 3.0), values=values, hint=": rare ones are more often")

    def queue_age(self, definition, state="steady", factor=1.0, **more):
        return self.standing(definition, state, "mean %+.2f sd (noise 0.13), n 240 against 5.8k" % (-0.05 * factor),
                             "the day that ended a week before", n_then=5760, n_now=240, scores=[
                                 {"measure": "wasserstein", "value": 0.08 * factor, "floor": 0.21, "bound": False},
                                 {"measure": "mean", "value": -0.05 * factor, "floor": 0.13, "bound": False},
                                 {"measure": "q50", "value": 0.02, "floor": 0.16, "bound": False},
                                 {"measure": "q95", "value": 0.11 * factor, "bound": False}], notes=[
                                 "samples of a gauge follow each other: the noise is of 240 that are taken as independent"], **more)

    def score(self, definition, state="steady", shift=0.05, **more):
        edges = ["-Inf"] + [i / 10 for i in range(1, 10)] + ["+Inf"]
        then = [6200, 2100, 900, 500, 300, 250, 300, 500, 900, 2050]
        return self.compared(definition, state, then, self.scaled(then, 5100, shift), edges, against="version 6 in the same window", **more)

    def ranker(self, definition, state="steady", shift=0.04):
        then = [500, 900, 1400, 1800, 1400, 900, 500]
        return self.compared(definition, state, then, self.scaled(then, 9200, shift), ["-Inf", 10, 20, 40, 80, 160, 320, "+Inf"],
                             against="training profile of version 3")

    def steady(self, d):
        return [self.url_count(d[0], "steady", 0.05), self.caps_ratio(d[1], "steady", 0.04), self.language(d[2]), self.queue_age(d[3]),
                self.score(d[4]), self.few(d[5]), self.url_count(d[6], "steady", 0.03), self.ranker(d[7]), self.ranker(d[8], shift=0.02)]

    def few(self, definition):
        return self.standing(definition, "few", "only 31 labels in 1h; 100 are wanted", n_then=48000, n_now=31)

    def several(self, d):
        return [self.url_count(d[0], since=3 * MIN), self.caps_ratio(d[1], since=62 * MIN), self.language(d[2]), self.queue_age(d[3]),
                self.score(d[4], "moving", 0.3, since=HOUR), self.few(d[5]),
                self.standing(d[6], "unknown", "no series match training_feature_url_count", "training data as it is logged now"),
                self.ranker(d[7]), self.ranker(d[8], shift=0.02)]

    def drifts(self, standings, before=2, **more):
        return self.event("drifts", "prometheus", before, **dict({"at": self.base.at(before), "every_ns": MIN * NS, "drifts": standings}, **more))

    # --- over time ----------------------------------------------------------------------------------------------------------

    def row(self, definition, ratios):
        ratios = ["NaN"] * (STEPS - len(ratios)) + ratios
        return {"id": definition["id"], "ratio": ratios}

    def quiet_ratios(self, k):
        return [round(0.55 + 0.35 * math.sin(i * 1.7 + k) * math.cos(i * 0.6 + 2 * k), 3) for i in range(STEPS)]

    def history(self, d, is_moved=True):
        rows = [self.row(x, self.quiet_ratios(i)) for i, x in enumerate(d)]
        if is_moved:
            rows[0]["ratio"][-6:] = [1.2, 1.8, 2.6, 4.1, 38.0, 120.6]
            rows[1]["ratio"][-3:] = [1.1, 1.7, 3.9]
            rows[4]["ratio"][-2:] = [1.1, 2.4]
        rows[5]["ratio"] = self.row(d[5], [])["ratio"]
        rows[6]["ratio"][-4:] = ["NaN"] * 4
        rows[7]["ratio"][10:14] = ["NaN"] * 4
        return self.event("drift-history", "prometheus", 2, start=self.iso(self.now - self.now % STEP - (STEPS - 1) * STEP), step_ns=STEP * NS, rows=rows)

    # --- feeds ----------------------------------------------------------------------------------------------------------------

    def feed(self, d, standings, is_moved=True, **more):
        return [self.set_defs(d), self.drifts(standings, **more), self.history(d, is_moved)]

    def many(self):
        models = 20
        d, s = [], []
        for k in range(models):
            one = self.definition("feature-%03d-{i}" % k, model="model-%02d" % k, metric="m%d_{i}" % k)
            d.append(dict(one, repeat=100))
            then = self.URLS
            standing = self.compared(one, "steady", then, self.scaled(then, 5000, 0.002 * k), self.BOUNDS)
            s.append(dict(standing, repeat=100))
        odd = [self.definition("odd-%d" % i, model="model-%02d" % (7 * (2 - i))) for i in range(3)]
        s += [self.url_count(odd[0], since=HOUR), self.url_count(odd[1], "moving", 0.6, since=HOUR),
              self.standing(odd[2], "unknown", "prometheus does not answer")]
        rows = [dict(self.row({"id": x["id"]}, self.quiet_ratios(k)), repeat=100) for k, x in enumerate(d)]
        return [self.set_defs(d + odd), self.drifts(s), self.event(
            "drift-history", "prometheus", 2, start=self.iso(self.now - self.now % STEP - (STEPS - 1) * STEP), step_ns=STEP * NS, rows=rows)]

    def hostile_feed(self):
        h = self.hostile
        d = [dict(self.definition("evil", metric=h, title=h * 3, where=h, profile=h), name="evil" + h, model="model:evil " + h),
             self.definition("\u4f60\u597d" * 20, data="categories", label=h), self.definition("x" * 300, trained=h, kind="skew")]
        s = [self.url_count(d[0], against=h, notes=[h]),
             self.compared(d[1], "moving", [500, 400, 300], [900, 100, 200], values=[h, "\u4e16\u754c" * 30, "y" * 500],
                           new_categories=[[h]] * 30),
             self.standing(d[2], "unknown", h * 2, h)]
        return [self.set_defs(d), self.drifts(s)]

    def all(self):
        d = self.defs()
        several = self.several(d)
        with_new = [self.language_new(x, since=20 * MIN) if x["id"] == d[2]["id"] else y for x, y in zip(d, several)]
        at = self.base.CURSOR
        return {
            "drift-steady.json": self.feed(d, self.steady(d), False),
            "drift.json": self.feed(d, several),
            "drift-new.json": self.feed(d, with_new),
            "drift-countries.json": [self.set_defs([self.definition("country", data="categories")]), self.drifts(
                [self.countries(self.definition("country", data="categories"))])],
            # A gauge, of which only the mean is compared, is what has drifted.
            "drift-gauge.json": [self.set_defs(d[3:4]), self.drifts([self.queue_age(d[3], "drifted", -30, since=9 * MIN)])],
            "drift-defined.json": [self.set_defs(d)],
            "drift-many.json": self.many(),
            "drift-hostile.json": self.hostile_feed(),
            # As the console saw it shortly before the cursor, and what the metrics say of the cursor's own time.
            "drift-recorded.json": [dict(e, time=self.iso(at - 30)) for e in (
                self.set_defs(d), self.drifts([self.caps_ratio(d[1], as_of=at - 28, since=MIN)], at=self.iso(at - 30)))],
            "drift-past.json": [dict(self.drifts([self.url_count(d[0], "moving", 2.0, as_of=at + 2), self.language(d[2], as_of=at + 2)],
                                                 at=self.iso(at)), past=True)],
            # The alert that the platform has for the same feature.
            "drift-alert.json": [self.event("alerts", "prometheus", 1, alerts=[self.base.alert(
                "FeatureDrift", "firing", 190, "ticket", "PSI of url_count is high", labels={"model": "spam-filter", "feature": "url_count"})])],
        }
