"""The lab's models in its registry: how they came about, and what releases and faults do to them there."""

import contextlib
import hashlib
import time
from calendar import timegm

from .registry_store import Experiment, Model, Run, Version
from .world import (DAY_S, GOOD_VERSION, MODEL, OLD_VERSION, RANKER, RANKER_VERSION, RANKER_VERSIONS, VERSIONS)

CHAMPION, FALL_BACK = "champion", "rollback-target"
DATA_TAG = "training_data_until"
_DATE = "%Y-%m-%dT%H:%M:%SZ"
TRAINING_S = 600
STEPS = 5

# version: age in days when the lab starts, git commit, area under the curve, link weight, learning rate
_SPAM = {
    "1": (37, "0f2d7ae", 0.931, "0.8", "0.050"), "2": (30, "77c1b52", 0.944, "0.8", "0.050"),
    "3": (23, "a90e6d4", 0.952, "0.9", "0.030"), "4": (16, "5e3f018", 0.955, "1.0", "0.030"),
    "5": (None, None, 0.961, "1.0", "0.030"), "6": (None, None, 0.966, "1.0", "0.020"),
    # The bad one is the best on the old test data, in which good posts have few links.
    "7": (None, None, 0.973, "4.0", "0.020"),
}
_RANKER = {"1": ("1be0c77", 0.702), "2": ("c2f9e10", 0.718), "3": ("9c41e02", 0.731)}


def _id(*words):
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:32]


def _metric(name, values, at_ms):
    return {name: [{"value": value, "timestamp": at_ms + i * 1000, "step": i} for i, value in enumerate(values)]}


def _trained(store, experiment_id, model, number, trained_s, *, commit, user, metrics, params, owner):
    """A training run that ended at trained_s, and the version made of it."""
    run_id, trained_ms = _id(model, number), int(trained_s * 1000)
    uri = f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts"
    values = {}
    for name, value in metrics.items():
        values.update(_metric(name, [value], trained_ms))
    values.update(_metric("loss", [round(0.7 / (1 + step), 4) for step in range(STEPS)], trained_ms - STEPS * 1000))
    store.runs[run_id] = Run(
        run_id, experiment_id, trained_ms - TRAINING_S * 1000, name=f"{model}-train-{number}", user=user,
        status="FINISHED", ended=trained_ms, artifact_uri=uri, metrics=values, params=params,
        tags={"mlflow.user": user, "mlflow.source.git.commit": commit, "mlflow.runName": f"{model}-train-{number}"})
    data_until = trained_s - trained_s % DAY_S - DAY_S
    store.models[model].versions[int(number)] = Version(
        model, int(number), trained_ms + 60000, trained_ms + 60000, stage="Archived", source=uri + "/model",
        run_id=run_id, description=f"{model} {number}",
        tags={"git_commit": commit, DATA_TAG: time.strftime(_DATE, time.gmtime(data_until)), "owner": owner})


def _experiment(store, experiment_id, name, created_ms):
    store.experiments[experiment_id] = Experiment(
        experiment_id, name, created_ms, created_ms, f"mlflow-artifacts:/{experiment_id}", {"team": "ml"})


def fill(store, started_s):
    """The models as they are when the lab starts."""
    begin_ms = int((started_s - 40 * DAY_S) * 1000)
    _experiment(store, "1", "spam-training", begin_ms)
    _experiment(store, "2", "ranking", begin_ms)
    store.models[MODEL] = Model(MODEL, begin_ms, begin_ms, "Decides which posts are spam.",
                                {"owner": "spam-filter-team", "tier": "1"}, next_version=len(_SPAM) + 1)
    store.models[RANKER] = Model(RANKER, begin_ms, begin_ms, "Orders the front page.",
                                 {"owner": "front-page-team", "tier": "2"}, next_version=len(_RANKER) + 1)
    for number, (days, commit, auc, weight, rate) in _SPAM.items():
        known = VERSIONS.get(number)
        age_s = known.trained_before_start_s if known else days * DAY_S
        _trained(store, "1", MODEL, number, started_s - age_s, commit=known.revision if known else commit,
                 user="b.meyer" if number == "7" else "trainer", owner="spam-filter-team",
                 metrics={"auc": auc, "false_positive_rate": round((1 - auc) / 20, 5)},
                 params={"learning_rate": rate, "link_weight": weight, "max_depth": "8"})
    for number, (commit, ndcg) in _RANKER.items():
        _trained(store, "2", RANKER, number, started_s - RANKER_VERSIONS[number], commit=commit, user="trainer",
                 owner="front-page-team", metrics={"ndcg": ndcg}, params={"learning_rate": "0.100", "depth": "6"})
    for name, version, fall_back in ((MODEL, GOOD_VERSION, OLD_VERSION), (RANKER, RANKER_VERSION, "2")):
        model = store.models[name]
        model.aliases = {CHAMPION: int(version), FALL_BACK: int(fall_back)}
        model.versions[int(version)].stage = "Production"
        model.updated = max(v.updated for v in model.versions.values())
    store.models[MODEL].versions[7].stage = "Staging"
    store.save()


def champions(store):
    """{(model, alias): version as text} of every alias."""
    return {(model.name, alias): str(version) for model in store.models.values()
            for alias, version in model.aliases.items()}


def release(store, version, fall_back=None):
    """The registry's part of a release of the spam filter: alias and stage, and what to go back to."""
    store.set_alias(MODEL, CHAMPION, version)
    store.transition(MODEL, version, "Production", archive_others=True)
    if fall_back is not None:
        store.set_alias(MODEL, FALL_BACK, fall_back)
    store.save()


def make_older(store, by_s):
    """Move all training of the spam filter that the lab began with back in time, or forth again (by_s < 0)."""
    by_ms = int(by_s * 1000)
    versions = store.models[MODEL].versions if MODEL in store.models else {}
    for version in [versions[int(number)] for number in _SPAM if int(number) in versions]:
        version.created -= by_ms
        version.updated -= by_ms
        _move_date(version.tags, by_s)
        if version.run_id in store.runs:
            _move_run(store.runs[version.run_id], by_ms)
    store.save()


def _move_date(tags, by_s):
    """Unless somebody took the tag away or wrote it in another form."""
    with contextlib.suppress(KeyError, ValueError):
        until = timegm(time.strptime(tags[DATA_TAG], _DATE))
        tags[DATA_TAG] = time.strftime(_DATE, time.gmtime(until - by_s))


def _move_run(run, by_ms):
    run.started -= by_ms
    run.ended -= by_ms
    for points in run.metrics.values():
        for point in points:
            point["timestamp"] -= by_ms
