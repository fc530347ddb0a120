#!/usr/bin/env python3
"""Drift on the lab: each fault turns the rows it should and no other, what cannot be seen is never called steady, and every kind of reference is read.

Three labs run beside each other, as a window takes a minute to fill and another to empty: posts get more links in one, a worse model goes out in
the second, and the third falls silent. Consoles watch them from before their faults on; how long each took is printed, and is no assertion.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

import e2e
from operation import Operator

REGISTRY = os.path.join(e2e.SOURCE, "tests", "lab", "registry")
FEATURES = ("url_count", "caps_ratio", "account_age_days", "text_length")
HEALTHY_S = 8    # of data, before a fault
SCORE = "histogram: 'spam_prediction_score'"
LABS = None


def rows_of(answer):
    return {d["name"]: d for d in answer["drifts"]}


def problems_of(answer):
    return {p["name"]: p for p in answer["problems"] if p["kind"] == "drift"}


def status_json(config):
    code, out, err = e2e.program("--status", "--json", config=config)
    assert err == "", err
    return code, json.loads(out)


class Watch:
    """A console that says every half second how things are, until it is closed."""

    def __init__(self, config):
        self.answers = []
        self.process = subprocess.Popen([e2e.PROGRAM, *e2e.patient(["--status", "--json", "--watch", "500ms"], config)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=e2e.environment(), text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.answers.append(json.loads(line))

    def close(self):
        self.process.terminate()
        self.process.wait(e2e.PATIENCE_S)
        self.reader.join(e2e.PATIENCE_S)

    def states(self, name, since=0.0, until=None):
        """All that one row has been since then, up to an answer, in order."""
        found = []
        for answer in self.answers.copy():
            if e2e.seconds_of(answer["time"]) < since:
                continue
            if until is not None and answer["time"] > until["time"]:
                break
            state = rows_of(answer)[name]["state"] if name in rows_of(answer) else None
            if state is not None and found[-1:] != [state]:
                found.append(state)
        return found

    def wait(self, name, state, since=0.0):
        """The first answer from since on in which the row is in this state."""
        def found():
            return next((a for a in self.answers.copy() if e2e.seconds_of(a["time"]) >= since and name in rows_of(a) and rows_of(a)[name]["state"] == state), None)
        try:
            return e2e.wait_for(f"{name}: {state}", found, 2 * e2e.PATIENCE_S)
        except AssertionError as err:
            raise AssertionError(f"{err}\nstates: {self.states(name)}\nlast: {json.dumps(self.answers[-1]['drifts'] if self.answers else None)}") from None


class Watched(e2e.Lab):
    """A lab that a console watches."""

    def __enter__(self):
        super().__enter__()
        self.about = self.status()
        self.watch = Watch(self.config)
        self.open = contextlib.ExitStack()
        return self

    def __exit__(self, *exc):
        self.open.close()
        self.watch.close()
        super().__exit__(*exc)

    def config_for(self, name, drift, registry=None):
        """A config with one model and these lines of drift, and a registry, which is the lab's unless another is named."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"""\
apiVersion: opsconsole/v1
kind: Config
environments:
  - name: test
    sources:
      - {{ name: prometheus, type: prometheus, url: '{self.about['prometheus']}', interval: 1s }}
      - {{ name: registry, type: mlflow, url: '{registry or self.about['registry']}', interval: 1s }}
    models:
      - name: spam-filter
        alias: champion
        serving: {{ expr: 'served_model_version{{model="spam-filter"}} == 1', label: version, host: instance, source: prometheus }}
        drift:
          window: 1m
{drift}
    drift: {{ interval: 10s }}
""")
        os.chmod(path, 0o600)
        return path


class Labs:
    """All three, with data, and the faults switched on; posts with more links only where the healthy lab has been looked at."""

    def __enter__(self):
        self.open = contextlib.ExitStack()
        with contextlib.ExitStack() as labs:
            self.links, self.release, self.silent = (labs.enter_context(Watched()) for _ in range(3))
            self.open = labs.pop_all()
        self.began = {}
        self.versions = Watch(self.release.config_for("versions.yaml", f"""\
          version: version
          predictions:
            - {{ name: before, {SCORE}, reference: previous }}
            - {{ name: six, {SCORE}, reference: {{ version: '6' }} }}"""))
        self.open.callback(self.versions.close)
        for lab in (self.links, self.release, self.silent):
            for name in FEATURES:
                lab.watch.wait(name, "steady")
        # Told of once, while both are the same.
        e2e.wait_for("six not held against itself", lambda: any("not held against itself" in rows_of(a).get("six", {}).get("why", "") for a in self.versions.answers.copy()))
        begin = time.time()
        e2e.wait_for("data of a healthy lab", lambda: time.time() > begin + HEALTHY_S)
        return self

    def __exit__(self, *exc):
        self.open.close()

    def fault(self, lab, name):
        self.began[name] = time.time()
        lab.fault(name)

    def took(self, what, name, answer):
        print(f"{what}: {e2e.seconds_of(answer['time']) - self.began[name]:.0f} s after {name}", flush=True)


class Registry:
    """A registry alone, for the time of a with block."""

    def __enter__(self):
        self.process = subprocess.Popen([REGISTRY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        assert words and words[0] == "listening", self.process.stderr.read()
        self.url = f"http://127.0.0.1:{int(words[1])}"
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(e2e.PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()

    def tag(self, version, key, value):
        body = json.dumps({"name": "spam-filter", "version": version, "key": key, "value": value}).encode()
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow/model-versions/set-tag", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


def never(watch, states, names, since=0.0):
    """No row of these has been in one of these states since then."""
    for name in names:
        seen = watch.states(name, since)
        assert seen and not set(seen) & set(states), (name, seen)


# --- while all is well -------------------------------------------------------------------------------------------------


def test_healthy_lab_is_steady():
    answer = LABS.links.watch.wait("url_count", "steady")
    rows = rows_of(answer)
    assert set(rows) == {*FEATURES, "score", "label"}, list(rows)
    row = rows["url_count"]
    assert row["against"] == "the training profile of version 6" and round(row["n_then"]) == 50000 and row["n_now"] >= 100, row
    scores = {s["measure"]: s for s in row["scores"]}
    assert scores["PSI"]["value"] < 0.1 and scores["PSI"]["floor"] > 0 and scores["KS"]["bound"], scores
    for lab in (LABS.links, LABS.release, LABS.silent):
        never(lab.watch, ("drifted",), rows)
    code, once = status_json(LABS.links.config)
    assert code == 0 and {d["state"] for d in once["drifts"]} <= {"steady", "moving"} and not problems_of(once), (code, once["drifts"])


def profile():
    url = LABS.links.about["registry"]
    version = e2e.fetch_json(f"{url}/api/2.0/mlflow/model-versions/get?name=spam-filter&version=6")["model_version"]
    return e2e.fetch_json(f"{url}/get-artifact?path=training_profile.json&run_uuid={version['run_id']}")


def test_profiles_from_artifact_tag_and_file():
    """All are the same text and say the same; what is not there is unknown, with a reason, and nobody's health is ok by it."""
    text = json.dumps(profile())
    path = os.path.join(LABS.links.folder, "profile.json")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    rows = """\
          profile: '%s'
          features:
            - { name: links, feature: url_count, histogram: 'spam_feature_url_count' }
            - { name: not_in_it, histogram: 'spam_feature_url_count' }"""
    with Registry() as own:
        own.tag("6", "training_profile", text)
        for where, registry in ((path, None), ("tag:training_profile", own.url), ("artifact:training_profile.json", None)):
            code, answer = status_json(LABS.links.config_for("profiles.yaml", rows % where, registry))
            found = rows_of(answer)
            assert code == 3 and found["links"]["state"] == "steady", (where, code, found)
            assert found["links"]["against"] == "the training profile of version 6" and round(found["links"]["n_then"]) == 50000, found["links"]
            assert found["not_in_it"]["state"] == "unknown" and 'has no "not_in_it"' in found["not_in_it"]["why"], found["not_in_it"]
        for where, registry, why in ((path + ".gone", None, "profile.json.gone"), ("tag:nothing", own.url, "version 6 has no tag nothing"),
                                     ("artifact:nothing.json", None, "no artifact nothing.json for version 6")):
            code, answer = status_json(LABS.links.config_for("profiles.yaml", rows % where, registry))
            found = rows_of(answer)["links"]
            assert code == 3 and found["state"] == "unknown" and why in found["why"] and found["scores"] == [], (code, found)
            assert problems_of(answer)["links"]["unknown"], answer["problems"]


def guarded(op):
    op.runbook("careful", "preconditions:\n  - { drift: spam-filter, of: url_count, expect: not-drifted }\n"
               "steps:\n  - { name: ahead, notify: gone ahead }\n")
    return op.runbook_json("careful", "--yes")


def test_a_runbook_goes_ahead_when_nothing_drifts():
    with Operator(LABS.links) as op:
        code, _, summary = guarded(op)
        assert code == 0, (code, summary)
        assert [f["outcome"] for f in summary["facts"] if f["name"] == "precheck"] == ["OK"], summary


# --- posts with more links ---------------------------------------------------------------------------------------------


def test_drift_turns_its_row():
    LABS.fault(LABS.links, "drift")
    LABS.fault(LABS.release, "bad-model")
    LABS.fault(LABS.silent, "telemetry-gap")
    LABS.fault(LABS.silent, "feedback-stopped")
    watch = LABS.links.watch
    answer = watch.wait("url_count", "drifted", LABS.began["drift"])
    LABS.took("url_count drifted", "drift", answer)
    assert watch.states("url_count", until=answer)[-2:] == ["moving", "drifted"], "one window alone is no drift"
    row = rows_of(answer)["url_count"]
    assert "higher than in the training profile of version 6" in row["why"] and row["q"] < 1e-6, row
    assert LABS.began["drift"] < e2e.seconds_of(row["since"]) <= e2e.seconds_of(answer["time"]), row
    others = [name for name in (*FEATURES, "label") if name != "url_count"]
    never(watch, ("drifted", "unknown", "not enough data"), others, LABS.began["drift"])
    assert answer["health"] in ("WARNING", "CRITICAL"), answer["health"]


def test_status_tells_of_it():
    code, once = status_json(LABS.links.config)
    assert code == 1 and rows_of(once)["url_count"]["state"] == "drifted", (code, once["drifts"], once["problems"])
    code, out, _ = e2e.program("--status", config=LABS.links.config)
    assert code == 1 and "drifted=1;0" in out.split("\n")[0], out
    assert [line for line in out.split("\n") if line.startswith("drift    url_count") and "PSI" in line and "noise" in line], out
    # Where no alert tells of it, it is a ticket of its own.
    path = LABS.links.config_for("alone.yaml", "          profile: 'artifact:training_profile.json'\n          features: "
                                 "[ { name: links, feature: url_count, histogram: 'spam_feature_url_count' } ]")
    code, once = status_json(path)
    problem = problems_of(once)["links"]
    assert code == 1 and problem["severity"] == "ticket" and not problem["unknown"], (code, once["problems"])


def test_a_runbook_refuses_on_drift():
    with Operator(LABS.links) as op:
        code, _, summary = guarded(op)
        assert code == 3 and summary["text"].startswith("nothing was done: precondition: drift of url_count of spam-filter"), (code, summary)
        assert "PSI" in summary["text"] and [s["outcome"] for r in summary["rows"] for s in r["steps"]] == ["WOULD RUN"], summary


def at_of(seconds):
    return time.strftime("%H:%M:%S", time.gmtime(seconds))


def look_at_panel(console):
    console.wait("WARNING")
    console.keys("0")
    screen = console.wait("Drift", "1 drifted", "url_count")
    first = next(line for line in screen.split("\n") if "url_count" in line)
    assert "drifted" in first and "spam-filter" in first, screen
    console.keys("Enter")
    console.wait("noise", "the training profile of version 6", "Benjamini-Hochberg")
    console.keys("Escape")
    console.wait("1 drifted", gone=("Benjamini-Hochberg",))


def test_panel_now_and_then():
    for size in ((80, 24), (120, 36)):
        with e2e.Console(size=size, config=LABS.links.config) as console:
            look_at_panel(console)
            console.type(f":goto {at_of(LABS.began['drift'] - 1)}")
            console.keys("Enter")
            screen = console.wait("PAST", "worked out for", "6 steady", gone=("drifted",))
            assert "url_count" in screen, screen
            console.keys("=")
            console.wait("live", "url_count", gone=("PAST", "6 steady"))
            console.keys("6")
            console.wait("Models", "url_count")
            console.keys("q")
            assert console.ended() == 0


# --- a release ----------------------------------------------------------------------------------------------------------


def test_a_worse_model_turns_its_scores():
    answer = LABS.release.watch.wait("score", "drifted", LABS.began["bad-model"])
    LABS.took("score drifted", "bad-model", answer)
    row = rows_of(answer)["score"]
    assert row["against"] == "the training profile of version 7" and row["kind"] == "prediction", row
    never(LABS.release.watch, ("drifted",), (*FEATURES, "label"))


def test_version_against_the_one_before():
    for name, against in (("before", "version 6 when it last served"), ("six", "version 6 when it last served")):
        answer = LABS.versions.wait(name, "drifted", LABS.began["bad-model"])
        LABS.took(f"{name} drifted", "bad-model", answer)
        row = rows_of(answer)[name]
        assert row["against"] in (against, "version 6") and row["n_then"] >= 100, row
    # What serves is not held against itself.
    first = rows_of(next(a for a in LABS.versions.answers if "six" in rows_of(a) and "not held against itself" in rows_of(a)["six"]["why"]))
    assert first["six"]["state"] == "unknown", first


# --- silence ------------------------------------------------------------------------------------------------------------


def test_what_is_not_measured_is_unknown():
    watch = LABS.silent.watch
    for name in (*FEATURES, "score"):
        answer = watch.wait(name, "unknown", LABS.began["telemetry-gap"])
        row = rows_of(answer)[name]
        assert row["why"] != "" and row["n_now"] in (None, 0), row
    LABS.took("all of serving unknown", "telemetry-gap", answer)
    answer = e2e.wait_for("labels that are too few", lambda: next((a for a in watch.answers.copy() if rows_of(a)["label"]["state"] in (
        "unknown", "not enough data") and e2e.seconds_of(a["time"]) > LABS.began["feedback-stopped"]), None))
    LABS.took("label not enough data", "feedback-stopped", answer)
    never(watch, ("drifted",), (*FEATURES, "score", "label"))
    # A console that comes later does not see it as steady either.
    code, once = status_json(LABS.silent.config)
    assert code in (2, 3) and not {d["state"] for d in once["drifts"]} & {"steady", "drifted"}, (code, once["drifts"])


def test_back_to_steady():
    LABS.links.fault("drift", False)
    ended = time.time()
    answer = LABS.links.watch.wait("url_count", "steady", ended)
    print(f"url_count steady: {e2e.seconds_of(answer['time']) - ended:.0f} s after the end of drift", flush=True)
    assert {"drifted", "moving"} & {d["state"] for d in answer["drifts"]} <= {"moving"}, answer["drifts"]
    texts = [m["text"] for m in answer["markers"] if m["kind"] != "deploy"]
    assert any("links in a post" in t and "drifted" in t for t in texts), texts


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if shutil.which("tmux") is None:
            print("skipped: no tmux")
            sys.exit(77)
        e2e.run_with(Labs, globals(), "LABS", [
            test_healthy_lab_is_steady, test_profiles_from_artifact_tag_and_file, test_a_runbook_goes_ahead_when_nothing_drifts, test_drift_turns_its_row,
            test_status_tells_of_it, test_a_runbook_refuses_on_drift, test_panel_now_and_then, test_back_to_steady, test_a_worse_model_turns_its_scores,
            test_version_against_the_one_before, test_what_is_not_measured_is_unknown])
