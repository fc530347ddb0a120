#!/usr/bin/env python3
"""Models on the lab: which version should serve, which one does, on which hosts, since when; and registries that misbehave.

A console that is asked once and one that watches are both looked at: only the latter has seen an alias move. What hosts have a minute
for is begun early and looked at last; all else is asked meanwhile. Faults of the lab raise alerts, so registries of other shapes and moods
come before them.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import e2e

MOVING = r"moving from 6 to 7: (\d of 3 hosts are on their way|the alias moved \d+s ago, no host has followed yet)"
REGISTRY = os.path.join(e2e.SOURCE, "tests", "lab", "registry")
STEP_S = 15    # of the range that tells since when: an hour in at most 240 points
HOUR_S = 3600
LAB = None


def quoted(text):
    """A text of any kind as YAML."""
    return json.dumps(text)


def model_of(answer, name):
    return next(m for m in answer["models"] if m["name"] == name)


def problems_of(answer, kind="model"):
    return {p["name"]: p for p in answer["problems"] if p["kind"] == kind}


def served(model):
    return {h["host"]: h["version"] for h in model["hosts"]}


def status_json(config, env=None):
    """(exit status, answer) of a console that looks once."""
    code, out, err = e2e.program("--status", "--json", config=config, env=env)
    assert err == "", err
    return code, json.loads(out)


class Watch:
    """A console that says twice a second how things are, for the time of a with block."""

    def __init__(self, config):
        self.config = config

    def __enter__(self):
        self.answers = []
        self.process = subprocess.Popen([e2e.PROGRAM, *e2e.patient(["--status", "--json", "--watch", "500ms"], self.config)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=e2e.environment(), text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def read(self):
        for line in self.process.stdout:
            self.answers.append(json.loads(line))

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(e2e.PATIENCE_S)
        self.reader.join(e2e.PATIENCE_S)

    def wait(self, what, condition, since=0.0):
        """The first answer from since on of which condition holds."""
        def found():
            return next((a for a in self.answers.copy() if e2e.seconds_of(a["time"]) >= since and condition(a)), None)
        try:
            return e2e.wait_for(what, found)
        except AssertionError as err:
            raise AssertionError(f"{err}\nlast: {json.dumps(self.answers[-1]['models'] if self.answers else None)}") from None

    def wait_state(self, state, since, name="spam-filter"):
        return self.wait(f"{name}: {state}", lambda a: model_of(a, name)["state"] == state, since)


class Lab(e2e.Lab):
    """The lab, and a console on it that is given its registry, hosts and models and nothing else."""

    def __enter__(self):
        super().__enter__()
        self.about = self.status()
        self.full_config = self.config
        with open(self.config, encoding="utf-8") as config:
            self.text = config.read()
        head, queries, rest = self.text.partition("    queries:\n")
        _, contacts, tail = rest.partition("    contacts:\n")
        assert queries and contacts, self.text
        head = re.sub(r"(type: mlflow,.*interval: )5s", r"\g<1>1s", re.sub(r"\n *- {[^\n]*type: alertmanager[^\n]*", "", head))
        assert "type: mlflow" in head and "interval: 1s" in head and "alertmanager" not in head, head
        self.config = self.write("models.yaml", head + contacts + tail)
        self.open = contextlib.ExitStack()    # what lives as long as the lab
        self.moved = None
        self.watch = self.open.enter_context(Watch(self.config))
        return self

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def __exit__(self, *exc):
        self.open.close()
        super().__exit__(*exc)

    @contextlib.contextmanager
    def faulty(self, name):
        started = time.time()
        self.fault(name)
        try:
            yield started
        finally:
            self.fault(name, False)

    def served_by_expr(self, versions):
        """PromQL by which hosts serve the versions given, whatever they are."""
        def row(host, version):
            one = 'label_replace(vector(1), "version", ' + quoted(version) + ', "", "")'
            return f'label_replace({one}, "instance", "{host}", "", "")'
        return " or ".join(row(host, version) for host, version in versions.items())

    def config_for(self, url, models, source="type: mlflow", extra="", name="registry.yaml"):
        """A config with one registry. models: [(name, alias or stage as YAML, versions by host)]; extra: more lines of the source."""
        text = "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n  - name: test\n    sources:\n"
        text += f"      - {{ name: prometheus, type: prometheus, url: '{self.about['prometheus']}', interval: 1s }}\n"
        text += "".join(f"      {line}\n" for line in (f"- {{ name: registry, {source}, url: '{url}', interval: 1s{extra} }}",))
        text += "    models:\n"
        for model, wanted, versions in models:
            text += f"      - {{ name: {quoted(model)}, {wanted}, serving: {{ expr: {quoted(self.served_by_expr(versions))} }} }}\n"
        path = self.write(name, text)
        os.chmod(path, 0o600)
        return path


class Registry:
    """A registry alone, for the time of a with block."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.process = subprocess.Popen([REGISTRY, *self.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        assert words and words[0] == "listening", self.process.stderr.read()
        self.port = int(words[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(e2e.PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()

    def post(self, path, **body):
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


SPAM = ("spam-filter", "alias: champion", {"h-1": "6", "h-2": "6"})
RANKER = ("ranker", "alias: champion", {"h-1": "3"})


# On the lab


def test_healthy_lab_is_in_step():
    answer = LAB.watch.wait("both in step, all hosts up", lambda a: all(m["state"] == "in step" for m in a["models"])
                            and len(a["hosts"]) == 7 and all(h["state"] == "up" for h in a["hosts"]))
    spam, ranker = model_of(answer, "spam-filter"), model_of(answer, "ranker")
    assert spam["wanted"]["version"] == "6" and served(spam) == {f"serving-0{i}": "6" for i in (1, 2, 3)}, spam
    assert ranker["wanted"]["version"] == "3" and served(ranker) == {f"web-0{i}": "3" for i in (1, 2, 3)}, ranker
    assert spam["wanted"]["metrics"]["auc"] == 0.966 and spam["wanted"]["by"] == "trainer" and spam["versions"] == 7, spam
    assert e2e.seconds_of(spam["since"]) < time.time() - HOUR_S + 2 * STEP_S, "the lab's past counts"
    code, once = status_json(LAB.config)
    assert code == 0 and once["health"] == "OK" and not once["problems"], (code, once["problems"])


def test_hosts_come_from_config_and_targets():
    _, answer = status_json(LAB.config)
    hosts = {h["name"]: h for h in answer["hosts"]}
    assert list(hosts) == ["features-01"] + [f"{kind}-0{i}" for kind in ("serving", "web") for i in (1, 2, 3)], list(hosts)
    assert hosts["features-01"]["groups"] == ["data"] and hosts["features-01"]["where"] == "targets of prometheus", hosts["features-01"]
    assert hosts["web-02"]["groups"] == ["web"] and hosts["web-02"]["where"].startswith("models.yaml:"), hosts["web-02"]
    assert [t["job"] for t in hosts["web-02"]["targets"]] == ["web"], hosts["web-02"]
    assert [(s["model"], s["version"]) for s in hosts["serving-01"]["serving"]] == [("spam-filter", "6")], hosts["serving-01"]
    # What is not within the pattern is no host, whatever the targets say.
    path = LAB.write("within.yaml", LAB.text.replace("match: { job: feature-store } }, within: 'features-[0-9]+'",
                                                     "match: { job: web } }, within: 'web-0[13]'"))
    _, answer = status_json(path)
    assert [h["name"] for h in answer["hosts"] if "data" in h["groups"]] == ["web-01", "web-03"], answer["hosts"]


def test_one_host_on_the_old_version():
    with LAB.faulty("one-host-old") as started:
        answer = LAB.watch.wait_state("out of step", started)
        model = model_of(answer, "spam-filter")
        assert served(model) == {"serving-01": "6", "serving-02": "6", "serving-03": "5"}, model
        assert [h["state"] for h in model["hosts"]] == ["other", "right", "right"], model
        assert model["why"] == "should serve 6, but serving-03 serves 5" and model["wanted"]["version"] == "6", model
        problem = problems_of(answer)["spam-filter"]
        assert problem["since"] == model["since"] and answer["health"] == "CRITICAL", (problem, answer["health"])
        assert started - 1 <= e2e.seconds_of(model["since"]) <= e2e.seconds_of(answer["time"]), model
        # Who looks once knows it from the metrics: after a step of them has passed.
        def told_later():
            code, once = status_json(LAB.config)
            once_model = model_of(once, "spam-filter")
            assert code == 2 and once_model["state"] == "out of step", (code, once_model)
            return once_model if e2e.seconds_of(once_model["since"]) < e2e.seconds_of(once["time"]) - 2 else None
        since = e2e.seconds_of(e2e.wait_for("since when, of one look", told_later)["since"])
        assert started - 1 <= since <= e2e.seconds_of(model["since"]) + STEP_S + 1, (started, since, model["since"])
        code, out, _ = e2e.program("--status", config=LAB.config)
        assert code == 2 and "1 model out of step" in out.split("\n")[0], out
        assert re.search(r"^model +spam-filter .*champion 6 .*serving 6 6 5 +out of step since \d+s, should serve 6", out, re.M), out
    LAB.watch.wait_state("in step", time.time())


def test_a_host_that_is_down():
    """Its series end, and over HTTP it does not answer: neither is ever taken for in step."""
    http = LAB.write("http.yaml", re.sub(r"serving: { expr: [^\n]*", "serving: { url: '" + LAB.about["registry"]
                     + "/hosts/{host}/v1/models/spam-filter', path: 'model_version_status[0].version' }", LAB.text, count=1))
    _, before = status_json(http)
    assert model_of(before, "spam-filter")["state"] == "in step" and served(model_of(before, "spam-filter"))["serving-02"] == "6", before["models"]
    with LAB.faulty("crash") as started:
        answer = LAB.watch.wait_state("unserved", started)
        model = model_of(answer, "spam-filter")
        assert model["why"] == "should serve 6, but serving-02 is not heard of", model
        assert {h["name"]: h["state"] for h in answer["hosts"]}["serving-02"] != "unknown", answer["hosts"]
        LAB.watch.wait("the host down", lambda a: {h["name"]: h["state"] for h in a["hosts"]}["serving-02"] == "down", started)
        code, once = status_json(http)
        model = model_of(once, "spam-filter")
        assert model["state"] == "unknown" and code in (2, 3), (code, model)    # 2: InstanceDown
        assert "serving-02 is not known" in model["why"] and "503" in model["why"], model["why"]
        assert {h["host"]: h["state"] for h in model["hosts"]} == {"serving-01": "right", "serving-02": "unknown", "serving-03": "right"}, model
    LAB.watch.wait_state("in step", time.time())


def test_a_model_grows_stale():
    with LAB.faulty("stale-model") as started:
        answer = LAB.watch.wait_state("old", started)
        model = model_of(answer, "spam-filter")
        assert model["why"] == "the version is more than 14d old; its training data is more than 30d old", model["why"]
        # Since it passed the first of its limits, which was long before anybody looked.
        created, data = e2e.seconds_of(model["wanted"]["created"]), e2e.seconds_of(model["wanted"]["data"])
        assert abs(e2e.seconds_of(model["since"]) - min(created + 14 * 86400, data + 30 * 86400)) < 1, model
        assert problems_of(answer)["spam-filter"]["severity"] == "ticket", answer["problems"]
        code, once = status_json(LAB.config)
        assert code == 1 and model_of(once, "spam-filter")["state"] == "old", (code, once["models"])
    LAB.watch.wait_state("in step", time.time())
    e2e.wait_for("health ok", lambda: status_json(LAB.config)[0] == 0)


def test_a_release_is_a_move_and_leaves_its_marks():
    with LAB.faulty("bad-model") as started:
        answer = LAB.watch.wait("a move", lambda a: model_of(a, "spam-filter")["moving"], started)
        model = model_of(answer, "spam-filter")
        assert model["state"] == "in step" and re.fullmatch(MOVING, model["why"]), model
        assert model["wanted"]["version"] == "7" and model["previous"] == "6", model
        answer = LAB.watch.wait("the end of it", lambda a: set(served(model_of(a, "spam-filter")).values()) == {"7"}, started)
        model = model_of(answer, "spam-filter")
        assert model["state"] == "in step" and not model["moving"] and model["wanted"]["by"] == "b.meyer", model
        moved = [m for m in answer["markers"] if m["what"] == "spam-filter" and e2e.seconds_of(m["at"]) >= started - 2]
        texts = {m["text"]: m for m in moved}
        for text, to in (("spam-filter champion 6 -> 7", "7"), ("spam-filter rollback-target 5 -> 6", "6"), ("spam-filter Production 6 -> 7", "7")):
            assert text in texts and texts[text]["to"] == to and texts[text]["kind"] == "change", (text, list(texts))
        assert e2e.seconds_of(texts["spam-filter champion 6 -> 7"]["at"]) <= e2e.seconds_of(answer["time"]), texts
    back = LAB.watch.wait("back at 6", lambda a: set(served(model_of(a, "spam-filter")).values()) == {"6"}
                          and model_of(a, "spam-filter")["wanted"]["version"] == "6", time.time())
    assert model_of(back, "spam-filter")["state"] == "in step", back["models"]
    assert "spam-filter champion 7 -> 6" in {m["text"] for m in back["markers"]}, back["markers"]


def test_the_alias_moves_without_the_hosts():
    with LAB.faulty("registry-mismatch") as started:
        answer = LAB.watch.wait("a move", lambda a: model_of(a, "spam-filter")["moving"], started)
        assert model_of(answer, "spam-filter")["wanted"]["version"] == "5", answer["models"]
        # Who comes to it knows of no move, and of no reason to wait.
        code, once = status_json(LAB.config)
        model = model_of(once, "spam-filter")
        assert code == 2 and model["state"] == "out of step" and model["why"].startswith("should serve 5, but 3 of 3 hosts do not"), (code, model)
        assert model["previous"] is None and {h["state"] for h in model["hosts"]} == {"other"}, model
        assert all(e2e.seconds_of(h["since"]) < time.time() - 1 for h in model["hosts"]), model
    LAB.watch.wait("back", lambda a: model_of(a, "spam-filter")["wanted"]["version"] == "6" and model_of(a, "spam-filter")["state"] == "in step",
                   time.time())


# Registries alone


def begin_move():
    """An alias moves that no host will follow: (the watch that saw it, when)."""
    if LAB.moved is None:
        own = LAB.open.enter_context(Registry())
        watch = LAB.open.enter_context(Watch(LAB.config_for(own.url, [SPAM], name="moves.yaml")))
        watch.wait_state("in step", 0)
        LAB.moved = watch, time.time()
        own.post("registered-models/alias", name="spam-filter", alias="champion", version="7")
    return LAB.moved


def test_hosts_have_a_minute_to_follow():
    watch, moved = begin_move()
    model = model_of(watch.wait("a move", lambda a: model_of(a, "spam-filter")["moving"], moved), "spam-filter")
    assert model["state"] == "in step" and re.fullmatch(MOVING, model["why"]), model
    assert "no host has followed yet" in model["why"], model


def test_after_a_minute_they_are_out_of_step():
    watch, moved = begin_move()
    answer = watch.wait_state("out of step", moved)
    model = model_of(answer, "spam-filter")
    since = e2e.seconds_of(model["since"])
    assert moved - 1 <= since <= e2e.seconds_of(answer["time"]) - 59 and model["since"] == model["wanted_since"], (moved, answer["time"], model)
    assert answer["health"] == "CRITICAL" and problems_of(answer)["spam-filter"]["since"] == model["since"], answer["problems"]
    assert {h["state"] for h in model["hosts"]} == {"other"} and model["previous"] == "6", model
    early = {model_of(a, "spam-filter")["state"] for a in watch.answers.copy() if moved < e2e.seconds_of(a["time"]) < since + 59}
    assert early == {"in step"}, early


def test_a_registry_that_stops_is_unknown_with_its_age():
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state.json")
        with Registry("--state", state) as own, Watch(LAB.config_for(own.url, [SPAM], name="stops.yaml")) as watch:
            watch.wait_state("in step", 0)
            own.process.send_signal(signal.SIGKILL)
            own.process.wait(30)
            stopped = time.time()
            answer = watch.wait_state("unknown", stopped)
            model = model_of(answer, "spam-filter")
            assert model["why"].startswith("registry has not told of it for too long") and "refused" in model["why"], model["why"]
            assert model["registry_stale"] and e2e.seconds_of(model["registry_seen"]) <= stopped + 1, model
            assert answer["health"] == "UNKNOWN", answer["health"]
            unknown_from = e2e.seconds_of(answer["time"])
            watch.wait("a while more", lambda a: True, unknown_from + 2)
            late = [model_of(a, "spam-filter")["state"] for a in watch.answers if e2e.seconds_of(a["time"]) >= unknown_from]
            assert set(late) == {"unknown"}, late
            with Registry("--state", state, "--port", str(own.port)):
                watch.wait_state("in step", time.time())
    code, once = status_json(LAB.config_for("http://127.0.0.1:1", [SPAM]))
    model = model_of(once, "spam-filter")
    assert code == 3 and model["state"] == "unknown" and model["registry_seen"] is None and "refused" in model["why"], (code, model)


HOSTILE = ["модель-спам ✓", "a/b/../c?d=e&f#g", " two  spaces ", "\x1b]0;PWNED\x07\x1b[31mred\x1b[0m", "line\nbreak\ttab\r", "it's",
           'say "no"', "c1\x9b31mgone\u202etfel", "100%25 {model} {page}", "e\u0301" * 40 + "end"]


def hostile_state(path):
    """A state of the registry in which everything that is text is hostile."""
    with Registry("--state", path):
        pass
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    template = state["models"][0]
    run = state["runs"][0]
    run["params"][HOSTILE[3]] = HOSTILE[4]
    run["metrics"][HOSTILE[3]] = run["metrics"]["auc"]
    run["user"] = HOSTILE[3]
    state["models"] = []
    for name in HOSTILE:
        version = {**template["versions"][0], "name": name, "tags": {HOSTILE[3]: HOSTILE[4]}, "description": HOSTILE[7], "stage": "Production"}
        state["models"].append({**template, "name": name, "description": HOSTILE[3], "tags": {HOSTILE[4]: HOSTILE[3]},
                                "aliases": {"champion": 1}, "versions": [version], "next_version": 2})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)


def raw_output(console, path):
    """From now on, what the program sends to its terminal."""
    console.tmux("pipe-pane", "-t", ":0", f"cat >{path}")


def check_raw(path):
    with open(path, "rb") as file:
        raw = file.read()
    assert len(raw) > 1000, raw
    for bad in (b"\x1b]0;", b"PWNED\x07", b"\x9b", b"\x1b[31mred", "\u202e".encode(), b"\x07"):
        at = raw.replace(b"\xc2\x9b", b"C1").find(bad)
        assert at < 0, (bad, raw[max(0, at - 60):at + 60])
    assert b"\xc2\x9b" not in raw, "a C1 control reached the terminal"


def test_hostile_names():
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state.json")
        hostile_state(state)
        with Registry("--state", state) as own:
            named = [n for n in HOSTILE if n.isprintable() and n == n.strip()]    # what a config takes for a name
            path = LAB.config_for(own.url, [(n, "alias: champion", {"h-1": "1"}) for n in named], name="hostile.yaml")
            code, once = status_json(path)
            assert code == 0, (code, once["problems"])
            assert sorted(m["name"] for m in once["models"]) == sorted(named), once["models"]
            assert all(m["state"] == "in step" and m["wanted"]["version"] == "1" for m in once["models"]), once["models"]
            assert once["other_models"] == len(HOSTILE) - len(named), once["other_models"]
            _, out, _ = e2e.program("--status", config=path)
            assert all(c == "\n" or (c.isprintable() or c == "\u0301") for c in out), repr(out)
            check_screen(path, folder)


def heading(console):
    """Whose details are shown beside the list."""
    return console.settled(lambda screen: screen.split("\n")[2].partition("│")[2].strip())


def check_screen(path, folder):
    raw = os.path.join(folder, "raw")
    with e2e.Console(config=path, size=(150, 45)) as console:
        console.wait("TEST")
        raw_output(console, raw)
        console.keys("6", "z")
        screen = console.wait("6 Models", "it's", "PWNED", gone=("1 Overview",))
        assert "line\\nbreak" in screen and "say \"no\"" in screen, screen
        # In this order they stay: until then what is known of them sorts them anew.
        e2e.wait_for("all that are judged in step", lambda: console.screen().count("○ in step") == sum(n.isprintable() and n == n.strip() for n in HOSTILE))
        console.keys("Enter")
        heads = [console.wait("Versions: 1") and heading(console)]
        for _ in HOSTILE[1:]:    # every model's versions and details
            console.keys("j")
            heads.append(e2e.wait_for("the next model", lambda: (lambda now: now if now != heads[-1] else None)(heading(console))))
        assert len(set(heads)) == len(HOSTILE) and any("PWNED" in head for head in heads), heads
        console.keys("z", "7")
        console.wait("▸7 Hosts")
        console.keys("1")
        console.wait("▸1 Overview")
        title = console.tmux("display-message", "-p", "-t", ":0", "#{pane_title}")
        assert "PWNED" not in title, title
        console.keys("q")
        assert console.ended() == 0
        check_raw(raw)


def test_ten_thousand_versions():
    with Registry("--fill", "big=10000", "--empty") as own:
        own.post("registered-models/alias", name="big", alias="champion", version="9990")
        own.post("registered-models/alias", name="big", alias="fallback", version="3")
        path = LAB.config_for(own.url, [("big", "alias: champion", {"h-1": "9990"})])
        code, once = status_json(path)
        model = model_of(once, "big")
        assert code == 0 and model["state"] == "in step" and model["versions"] == 10000, (code, model)
        # One far down is found by its alias.
        path = LAB.config_for(own.url, [("big", "alias: fallback", {"h-1": "4"})])
        code, once = status_json(path)
        model = model_of(once, "big")
        assert code == 2 and model["wanted"]["version"] == "3" and model["wanted"]["created"], (code, model)
        registry = next(s for s in once["sources"] if s["name"] == "registry")
        assert sum(r["bytes"] for r in registry["requests"]) < 1 << 20, "all 10,000 were asked for"
        for shape in (in_house(own.url), artifacts(own.url, LAB.folder, "lab-token", page=100)):
            code, once = status_json(shape([("big", "alias: fallback", {"h-1": "3"})]))
            model = model_of(once, "big")
            assert code == 0 and model["versions"] == 10000 and model["wanted"]["version"] == "3", (code, model, once["problems"])


def test_pages_that_repeat_or_lose_their_token():
    for trouble, words in (("repeat", "again|repeat|before"), ("lose", None)):
        with Registry("--pages", trouble, *[f"--fill=m{i:04}=1" for i in range(450)]) as own:
            code, once = status_json(LAB.config_for(own.url, [SPAM]))
            model = model_of(once, "spam-filter")
            # It is on no page that came; MLflow is asked for it by its name.
            assert model["state"] == "in step" and model["wanted"]["version"] == "6" and code == 0, (trouble, code, model)
            assert once["other_models"] < 450, (trouble, once["other_models"])
            if words is not None:
                assert any(re.search(words, note) for note in model["notes"]), (trouble, model["notes"])


def test_versions_beyond_what_a_double_holds():
    big = (2 ** 53 + 1, 2 ** 63 - 1, 2 ** 53)
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state.json")
        hostile_state(state)
        with open(state, encoding="utf-8") as file:
            whole = json.load(file)
        model = whole["models"][0]
        model.update(name="big", aliases={"champion": big[0], "last": big[1]},
                     versions=[{**model["versions"][0], "name": "big", "version": n} for n in big])
        whole["models"] = [model]
        with open(state, "w", encoding="utf-8") as file:
            json.dump(whole, file)
        with Registry("--state", state) as own:
            for alias, wanted, serving, status in (("champion", big[0], big[0], 0), ("champion", big[0], big[2], 2), ("last", big[1], big[1], 0)):
                path = LAB.config_for(own.url, [("big", f"alias: {alias}", {"h-1": str(serving)})])
                code, once = status_json(path)
                assert model_of(once, "big")["wanted"]["version"] == str(wanted) and code == status, (alias, code, once["models"])
                for shape in (in_house(own.url), artifacts(own.url, folder, "lab-token")):
                    code, once = status_json(shape([("big", f"alias: {alias}", {"h-1": str(serving)})]))
                    assert model_of(once, "big")["wanted"]["version"] == str(wanted) and code == status, (alias, code, once["models"], once["problems"])


def test_mlflow_1_has_no_aliases():
    with Registry("--mlflow", "1") as own:
        code, once = status_json(LAB.config_for(own.url, [("spam-filter", "stage: Production", {"h-1": "6"})]))
        model = model_of(once, "spam-filter")
        assert code == 0 and model["state"] == "in step" and model["wanted"]["metrics"]["auc"] == 0.966, (code, model)
        code, once = status_json(LAB.config_for(own.url, [SPAM]))
        model = model_of(once, "spam-filter")
        assert code == 3 and model["state"] == "unknown" and model["why"] == "no version has the alias champion (it has none)", (code, model)


def test_who_may_read_and_who_may_not():
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("users", "look:viewer:right\nroot:admin:right\n"), ("right", "right\n"), ("wrong", "wrong\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
                file.write(text)
        with Registry("--users", os.path.join(folder, "users")) as own:
            def config(password):
                return LAB.config_for(own.url, [SPAM], extra=f", user: look, password: {{ file: '{folder}/{password}' }}")
            code, once = status_json(config("right"))
            model = model_of(once, "spam-filter")
            assert code == 0 and model["state"] == "in step" and model["wanted"]["metrics"]["auc"] == 0.966, (code, model)
            code, once = status_json(config("wrong"))
            model = model_of(once, "spam-filter")
            assert code == 3 and model["state"] == "unknown" and "401" in model["why"], (code, model)
            assert "right" not in json.dumps(once) and '"wrong"' not in json.dumps(once), "a secret is shown"


IN_HOUSE = """{ list: '/in-house/v1/catalog?page={page}&size=50', items: catalog.models, name: id.name,
          model: { description: about.text, created: about.since, tags: about.labels, aliases: live },
          versions: builds, version: no, stage: phase, status: state, by: made.by, description: notes, run: training.run,
          created: made.at, updated: changed, tags: labels, params: training.settings, metrics: training.scores,
          page: { first: 1, size: 50 } }"""
ARTIFACTS = """{ list: '/api/artifacts?first=%d', items: data.artifacts, name: collection.name, version: versionIndex, status: state,
          by: createdBy.username, description: description, run: run.id, created: createdAt, updated: updatedAt, aliases: aliases,
          tags: tags, params: run.config, metrics: run.summary, page: { token: pageInfo.endCursor, param: after } }"""


def in_house(url):
    return lambda models: LAB.config_for(url, models, "type: http-json", f", registry: {IN_HOUSE}", "in-house.yaml")


def artifacts(url, folder, token, page=4):
    path = os.path.join(folder, "token")
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(token + "\n")
    return lambda models: LAB.config_for(url, models, "type: http-json", f", bearer: {{ file: '{path}' }}, registry: {ARTIFACTS % page}", "artifacts.yaml")


def same_in_all_shapes(version):
    """What every shape has to say of a version."""
    return {**{key: version[key] for key in ("version", "by", "run", "created", "updated", "metrics")},
            "aliases": sorted(set(version["aliases"]) - {"latest"})}


def test_other_shapes_say_the_same():
    """Paged in fours and fifties, nested and flat, behind a token or not."""
    with tempfile.TemporaryDirectory() as folder, Registry("--fill", "many=130") as own:
        models = [SPAM, RANKER, ("spam-filter", "alias: rollback-target", {"h-1": "5"})]
        for named in ([SPAM, RANKER], [models[2]]):
            _, plain = status_json(LAB.config_for(own.url, named))
            for shape in (in_house(own.url), artifacts(own.url, folder, "lab-token")):
                code, other = status_json(shape(named))
                assert code == 0 and other["other_models"] == plain["other_models"], (code, other["problems"], other["other_models"])
                for a, b in zip(plain["models"], other["models"], strict=True):
                    assert (a["name"], a["state"], a["versions"]) == (b["name"], b["state"], b["versions"]), (a, b)
                    assert same_in_all_shapes(a["wanted"]) == same_in_all_shapes(b["wanted"]), (a["wanted"], b["wanted"])
        code, once = status_json(artifacts(own.url, folder, "not-the-token")([SPAM]))
        assert code == 3 and "401" in model_of(once, "spam-filter")["why"], (code, once["models"])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if shutil.which("tmux") is None:
            print("skipped: no tmux")
            sys.exit(77)
        e2e.run_with(Lab, globals(), "LAB", [
            test_healthy_lab_is_in_step, test_hosts_come_from_config_and_targets, test_hosts_have_a_minute_to_follow,
            test_a_registry_that_stops_is_unknown_with_its_age, test_hostile_names, test_ten_thousand_versions,
            test_pages_that_repeat_or_lose_their_token, test_versions_beyond_what_a_double_holds, test_mlflow_1_has_no_aliases,
            test_who_may_read_and_who_may_not, test_other_shapes_say_the_same, test_a_model_grows_stale, test_one_host_on_the_old_version,
            test_a_host_that_is_down, test_the_alias_moves_without_the_hosts, test_a_release_is_a_move_and_leaves_its_marks,
            test_after_a_minute_they_are_out_of_step])
