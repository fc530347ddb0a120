"""What the lab's model registry knows: registered models with their versions, training runs, experiments.

The rules are those of MLflow 2.9 and so are the sentences of the refusals. Everything is kept in memory and
written to one JSON file after each change, so that a reader of that file sees the old or the new state.
"""

import json
import os
import re
import secrets
import time
from dataclasses import dataclass, field

from .state import LabError

STAGES = ("None", "Staging", "Production", "Archived")
ACTIVE_STAGES = ("Staging", "Production")
DEFAULT_EXPERIMENT = "0"


class Refusal(LabError):
    """An answer that says no: MLflow's error code and sentence."""

    STATUS = {"INVALID_PARAMETER_VALUE": 400, "RESOURCE_ALREADY_EXISTS": 400, "RESOURCE_DOES_NOT_EXIST": 404}

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message
        self.status = self.STATUS[code]


def invalid(message):
    return Refusal("INVALID_PARAMETER_VALUE", message)


def absent(message):
    return Refusal("RESOURCE_DOES_NOT_EXIST", message)


@dataclass
class Version:
    name: str
    version: int
    created: int  # times are milliseconds since the epoch
    updated: int
    stage: str = "None"
    description: str = ""
    source: str = ""
    run_id: str = ""
    run_link: str = ""
    status: str = "READY"
    tags: dict = field(default_factory=dict)


@dataclass
class Model:
    name: str
    created: int
    updated: int
    description: str = ""
    tags: dict = field(default_factory=dict)
    aliases: dict = field(default_factory=dict)  # alias: version
    versions: dict = field(default_factory=dict)  # version: Version
    next_version: int = 1  # the numbers of deleted versions are not given out again


@dataclass
class Run:
    run_id: str
    experiment_id: str
    started: int
    name: str = ""
    user: str = ""
    status: str = "RUNNING"
    ended: int | None = None
    artifact_uri: str = ""
    metrics: dict = field(default_factory=dict)  # name: [{"value", "timestamp", "step"}]
    params: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)


@dataclass
class Experiment:
    experiment_id: str
    name: str
    created: int
    updated: int
    artifact_location: str
    tags: dict = field(default_factory=dict)


def canonical_stage(stage):
    for known in STAGES:
        if known.lower() == stage.lower():
            return known
    raise invalid(f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(STAGES)}.")


def version_number(text):
    try:
        return int(text)
    except (ValueError, TypeError):
        raise invalid(f"Model version must be an integer, got '{text}'") from None


def _check_alias(alias):
    if alias == "":
        raise invalid("Registered model alias name cannot be empty.")
    if not re.fullmatch(r"[\w\-]*", alias):
        raise invalid(f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_),"
                      " and dashes (-).")
    if alias.lower() == "latest":
        raise invalid("'latest' alias name (case insensitive) is reserved.")
    if re.fullmatch(r"[vV]\d+", alias):
        raise invalid(f"Version alias name '{alias}' is reserved.")


def _now_ms():
    return int(time.time() * 1000)


class Store:
    """The registry's state. path None: kept in memory only."""

    def __init__(self, path=None, clock=_now_ms):
        self.path, self._clock = path, clock
        self._last_ms = 0
        self.models, self.experiments, self.runs = {}, {}, {}
        now = self.now()
        self.experiments[DEFAULT_EXPERIMENT] = Experiment(
            DEFAULT_EXPERIMENT, "Default", now, now, f"mlflow-artifacts:/{DEFAULT_EXPERIMENT}")

    def now(self):
        """The time in milliseconds, never the same twice: what is sorted by it keeps the order of the requests."""
        self._last_ms = max(self._last_ms + 1, self._clock())
        return self._last_ms

    # The file

    @classmethod
    def open(cls, path):
        """The state that path holds; a new one when there is no such file."""
        store = cls(path)
        try:
            with open(path, encoding="utf-8") as f:
                store.load(json.load(f))
        except FileNotFoundError:
            pass
        return store

    def load(self, state):
        self.models = {}
        for row in state["models"]:
            versions = {v["version"]: Version(**v) for v in row["versions"]}
            self.models[row["name"]] = Model(**{**row, "versions": versions})
        self.experiments = {row["experiment_id"]: Experiment(**row) for row in state["experiments"]}
        self.runs = {row["run_id"]: Run(**row) for row in state["runs"]}

    def state(self):
        """What load() takes. Lists, for JSON has no numbers as keys."""
        return {"models": [{**vars(m), "versions": list(m.versions.values())} for m in self.models.values()],
                "experiments": list(self.experiments.values()), "runs": list(self.runs.values())}

    def save(self):
        if self.path is None:
            return
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            json.dump(self.state(), f, default=vars)
        os.replace(self.path + ".new", self.path)

    # Registered models

    def model(self, name):
        if name not in self.models:
            raise absent(f"Registered Model with name={name} not found")
        return self.models[name]

    def create_model(self, name, description="", tags=None):
        if name == "":
            raise invalid("Registered model name cannot be empty.")
        if name in self.models:
            raise Refusal("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists.")
        now = self.now()
        self.models[name] = Model(name, now, now, description, dict(tags or {}))
        return self.models[name]

    def rename_model(self, name, new_name):
        model = self.model(name)
        if new_name in self.models:
            raise Refusal("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={new_name}) already exists.")
        model.name, model.updated = new_name, self.now()
        for version in model.versions.values():
            version.name = new_name
        self.models[new_name] = self.models.pop(name)
        return model

    def update_model(self, name, description):
        model = self.model(name)
        model.description, model.updated = description, self.now()
        return model

    def delete_model(self, name):
        self.model(name)
        del self.models[name]

    def latest(self, name, stages=()):
        """The newest version of each stage, in the order in which the stages were first used."""
        wanted = {canonical_stage(stage) for stage in stages} or set(STAGES)
        newest = {}
        for _number, version in sorted(self.model(name).versions.items()):
            newest[version.stage] = version
        return [version for stage, version in newest.items() if stage in wanted]

    # Versions

    def version(self, name, number):
        number = version_number(number)
        model = self.models.get(name)
        if model is None or number not in model.versions:
            raise absent(f"Model Version (name={name}, version={number}) not found")
        return model.versions[number]

    def create_version(self, name, source="", run_id="", tags=None, description="", run_link=""):
        model = self.model(name)
        now = self.now()
        version = Version(name, model.next_version, now, now, description=description, source=source, run_id=run_id,
                          run_link=run_link, tags=dict(tags or {}))
        model.versions[version.version] = version
        model.next_version += 1
        model.updated = now
        return version

    def update_version(self, name, number, description):
        version = self.version(name, number)
        version.description, version.updated = description, self.now()
        return version

    def delete_version(self, name, number):
        version, model = self.version(name, number), self.models[name]
        del model.versions[version.version]
        model.aliases = {alias: v for alias, v in model.aliases.items() if v != version.version}
        model.updated = self.now()

    def transition(self, name, number, stage, archive_others=False):
        stage = canonical_stage(stage)
        if archive_others and stage not in ACTIVE_STAGES:
            raise invalid(f"Model version transition cannot archive existing model versions because '{stage}' is not"
                          f" an Active stage. Valid stages are {', '.join(ACTIVE_STAGES)}")
        version, now = self.version(name, number), self.now()
        if archive_others:
            for other in self.models[name].versions.values():
                if other is not version and other.stage == stage:
                    other.stage, other.updated = "Archived", now
        version.stage, version.updated = stage, now
        self.models[name].updated = now
        return version

    # Aliases

    def aliases_of(self, version):
        aliases = self.models[version.name].aliases
        return sorted(alias for alias, number in aliases.items() if number == version.version)

    def alias(self, name, alias):
        model = self.models.get(name)
        if model is None or alias not in model.aliases:
            raise invalid(f"Registered model alias {alias} not found.")
        return model.versions[model.aliases[alias]]

    def set_alias(self, name, alias, number):
        _check_alias(alias)
        version = self.version(name, number)
        self.models[name].aliases[alias] = version.version

    def delete_alias(self, name, alias):
        self.model(name).aliases.pop(alias, None)

    # Runs

    def run(self, run_id):
        if run_id not in self.runs:
            raise absent(f"Run with id={run_id} not found")
        return self.runs[run_id]

    def create_run(self, experiment_id, started, name="", user="", tags=None):
        if experiment_id not in self.experiments:
            raise absent(f"No Experiment with id={experiment_id} exists")
        run_id = secrets.token_hex(16)
        location = self.experiments[experiment_id].artifact_location
        self.runs[run_id] = Run(run_id, experiment_id, started or self.now(), name, user, tags=dict(tags or {}),
                                artifact_uri=f"{location}/{run_id}/artifacts")
        return self.runs[run_id]

    def log_metric(self, run_id, key, value, timestamp, step=0):
        self.run(run_id).metrics.setdefault(key, []).append({"value": value, "timestamp": timestamp, "step": step})

    # Experiments

    def experiment(self, experiment_id):
        if experiment_id not in self.experiments:
            raise absent(f"No Experiment with id={experiment_id} exists")
        return self.experiments[experiment_id]

    def create_experiment(self, name, tags=None):
        if any(e.name == name for e in self.experiments.values()):
            raise Refusal("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists.")
        experiment_id, now = str(max(map(int, self.experiments)) + 1), self.now()
        self.experiments[experiment_id] = Experiment(
            experiment_id, name, now, now, f"mlflow-artifacts:/{experiment_id}", dict(tags or {}))
        return self.experiments[experiment_id]


def last_metric(points):
    """Of all logged values of a metric the one that MLflow shows: the newest step, then the newest time."""
    return max(points, key=lambda p: (p["step"], p["timestamp"], p["value"] if p["value"] == p["value"] else 0))
