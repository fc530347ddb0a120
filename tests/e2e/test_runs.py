#!/usr/bin/env python3
"""How runs go wrong and on: lost terminals, kill -9 and --resume, failures, questions, undo, things that others changed meanwhile; and each kind of step."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import e2e
import operation
from operation import PLANNED, SERVING, SLEEP, cells

LAB = None


class Operator(operation.Operator):
    def __init__(self):
        super().__init__(LAB)


def times(name):
    return operation.times(LAB, name)


def forget(*names):
    operation.forget(LAB, *names)


def registry(path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(LAB.status()["registry"] + "/api/2.0/mlflow/" + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def move_alias(version):
    registry("registered-models/alias", {"name": "spam-filter", "alias": "champion", "version": version})


def open_form(console, name):
    console.keys("8")
    console.wait("▸8 Runbooks")
    console.type("/" + name)
    console.keys("Enter")
    console.wait("Runbooks  /" + name)
    console.keys("Enter")
    console.wait("Plan a run")


def open_plan(console, name):
    """The plan of a runbook without parameters, by keys."""
    open_form(console, name)
    console.wait("›[ Plan it ]")     # the form opens there when nothing is missing
    console.keys("Enter")
    console.wait("plan: nothing is changed", PLANNED)


def confirm_plan(console):
    console.keys("r")
    console.wait("Run this plan?", "run it")
    console.yes()


# --- the terminal is gone ----------------------------------------------------------------------------------------------------------

NAP = f"""danger: low
hosts: {{ group: serving }}
rollout: {{ batch: [1, 2, 100%] }}
steps:
  - name: nap
    scope: host
    ssh: {{ script: '{SLEEP}; echo x >>naps' }}
"""


def is_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def detached(op):
    return [r["text"] for r in op.log("type=run-state") if r["state"] == "detached"]


def test_the_terminal_of_a_console_is_lost():
    with Operator() as op:
        forget("naps", "awake")
        op.runbook("nap", NAP)
        with e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
            console.wait("LAB")
            open_plan(console, "nap")
            confirm_plan(console)
            e2e.wait_for("the first intent", op.intents)
            pid = console.pid()
        e2e.wait_for("word that the terminal is gone", lambda: detached(op))
        operation.wake(LAB)
        e2e.wait_for("the end of the program", lambda: is_gone(pid))
        assert times("naps") == {"serving-01": 1, "serving-02": 0, "serving-03": 0}, "the batch under way is finished, no other begun"
        records, _, results = op.check_log()
        assert [r["outcome"] for r in results] == ["OK"]
        assert records[-1]["type"] == "run-end" and "--resume" in records[-1]["text"], records[-1]
        # And on from there.
        code, _, summary = op.runbook_json("nap", "--yes", "--resume", op.run_id())
        assert code == 0, summary
        assert times("naps") == dict.fromkeys(SERVING, 1)


def test_on_disconnect_stop():
    with Operator() as op:
        forget("naps", "awake")
        op.runbook("nap", NAP.replace("[1, 2, 100%]", "[100%]\n  parallel: 1").replace("{ batch: [100%]", "\n  batch: [100%]").replace(" }\nsteps", "\nsteps"))
        with e2e.Console("--runbook", "nap", "--yes", "--on-disconnect", "stop", size=(120, 36), env=op.env, config=op.config) as console:
            e2e.wait_for("the first intent", op.intents)
            pid = console.pid()
        e2e.wait_for("word that the terminal is gone", lambda: detached(op))
        operation.wake(LAB)
        e2e.wait_for("the end of the program", lambda: is_gone(pid))
        assert times("naps") == {"serving-01": 1, "serving-02": 0, "serving-03": 0}, "not even the batch goes on"
        assert "stopped" in detached(op)[0], detached(op)
        op.check_log()


# --- kill -9, and on -----------------------------------------------------------------------------------------------------------------

def test_resume_after_kill_9():
    with Operator() as op:
        forget("first", "begun", "second", "awake")
        # The first host sleeps for nobody; the others until the run is dead.
        op.runbook("two", f"""danger: low
hosts: {{ group: serving }}
rollout: {{ batch: [1, 100%] }}
steps:
  - {{ name: first, scope: host, ssh: {{ script: 'echo x >>first' }} }}
  - {{ name: second, scope: host, ssh: {{ script: 'echo x >>begun; [ $OPSLAB_HOST = serving-01 ] || {SLEEP}; echo x >>second' }} }}
""")
        run = op.start("--runbook", "two", "--yes")
        e2e.wait_for("the second batch", lambda: times("begun") == dict.fromkeys(SERVING, 1))
        run.kill()
        run.communicate()
        operation.wake(LAB)
        # The supervisors on the hosts finish what nobody waits for any more.
        e2e.wait_for("the hosts", lambda: times("second") == dict.fromkeys(SERVING, 1))
        killed = op.run_id()
        code, events, summary = op.runbook_json("two", "--yes", "--resume", killed)
        assert code == 0, (code, summary)
        assert times("first") == times("begun") == times("second") == dict.fromkeys(SERVING, 1), "nothing is done twice"
        assert {c["outcome"] for c in cells(summary, "first").values()} == {"SKIPPED"}, summary
        second = cells(summary, "second")
        assert second["serving-01"]["outcome"] == "SKIPPED" and killed in second["serving-01"]["text"], second
        assert second["serving-02"]["outcome"] == second["serving-03"]["outcome"] == "OK", second
        op.check_log()
        # Other parameters, another runbook, a run that never was: no resuming.
        code, _, err = op.run("--runbook", "two", "--yes", "--resume", "20300101-000000-nowhere")
        assert code in (2, 3) and "20300101-000000-nowhere" in err, (code, err)
        op.runbook("two", NAP)
        code, _, err = op.run("--runbook", "two", "--yes", "--resume", killed)
        assert code in (2, 3) and "sha256" in err, (code, err)


# --- failures ----------------------------------------------------------------------------------------------------------------------------

FLAKY = "if [ -e tried ]; then rm tried; echo x >>flaky; else : >tried; echo not yet >&2; exit 1; fi"


def test_retries():
    with Operator() as op:
        forget("tried", "flaky")
        op.runbook("flaky", f"""danger: low
hosts: {{ group: serving }}
steps:
  - name: flaky
    scope: host
    ssh: {{ script: '{FLAKY}' }}
    retries: 1
    backoff: 100ms
""")
        code, _, summary = op.runbook_json("flaky", "--yes")
        assert code == 0, (code, summary)
        assert {c["attempt"] for c in cells(summary, "flaky").values()} == {2}, summary
        _, intents, results = op.check_log()
        assert len(intents) == 6 and sorted(r["outcome"] for r in results) == ["FAILED"] * 3 + ["OK"] * 3
        assert len({i["nonce"] for i in intents.values()}) == 6, "each attempt has its own state on the host"
        for row in cells(summary, "flaky").values():
            assert row["result"] > row["intent"] > 0, row


def test_max_failures():
    with Operator() as op:
        forget("done")
        text = """danger: low
hosts: { group: serving }
rollout: { batch: [1, 2, 100%], max_failures: 1 }
steps:
  - name: work
    scope: host
    ssh: { script: 'case $OPSLAB_HOST in BAD) echo no >&2; exit 4 ;; esac; echo x >>done' }
"""
        op.runbook("one", text.replace("BAD", "serving-01"))
        code, _, summary = op.runbook_json("one", "--yes")
        assert code == 1, (code, summary)
        assert times("done") == {"serving-01": 0, "serving-02": 1, "serving-03": 1}, "one may fail"
        op.runbook("two", text.replace("BAD", "serving-0[12]"))
        code, _, summary = op.runbook_json("two", "--yes")
        assert code == 1 and "more than 1" in summary["text"], (code, summary)
        assert times("done")["serving-03"] == 1, "two may not: the third was not begun"
        op.check_log()


def test_a_question_and_undo_by_keys():
    with Operator() as op:
        forget("tried", "flaky")
        op.runbook("asks", f"""danger: low
hosts: {{ names: serving-01 }}
steps:
  - name: flaky
    scope: host
    ssh: {{ script: '{FLAKY}' }}
    undo: {{ run: [rm, flaky] }}
    on_failure: ask
""")
        with e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
            console.wait("LAB")
            open_plan(console, "asks")
            confirm_plan(console)
            console.wait("not yet", "retry", "undo")
            console.keys("a")
            console.wait("Esc not now")     # until the answers are there, a key is none
            console.keys("r")     # retry
            e2e.wait_for("the second try", lambda: times("flaky")["serving-01"] == 1)
            console.wait("verifies nothing")
            console.keys("u")
            console.wait("Undo", "the last first")
            console.keys("Enter")
            console.wait("Enter does not")
            assert times("flaky")["serving-01"] == 1, "Enter does not confirm"
            console.yes()
            e2e.wait_for("the undo", lambda: times("flaky")["serving-01"] == 0)
            console.wait("FAILED and undone  asked for")     # before its end it is not left alone
            console.keys("q")
            assert console.ended() == 0
        records, _, results = op.check_log()
        assert [(r["outcome"], r["undo"]) for r in results] == [("FAILED", False), ("OK", False), ("OK", True)] or results[-1]["undo"], results
        assert any(r["type"] == "run-state" and r["state"] == "answered" and r["text"] == "retry" for r in records)


# --- what others change meanwhile -----------------------------------------------------------------------------------------------------------

ALIAS = """danger: low
steps:
  - name: alias
    scope: run
    registry: { model: spam-filter, alias: champion, version: '5' }
    undo: restore
"""


def test_the_alias_was_moved_since_the_plan():
    with Operator() as op:
        op.runbook("alias", ALIAS)
        try:
            with e2e.Console("--runbook", "alias", size=(120, 40), env=op.env, config=op.config) as console:
                console.wait("Run it?")
                move_alias("7")
                console.type("yes")
                console.keys("Enter")
                assert console.ended() == 3
                console.wait("nothing was done")
            assert LAB.status()["champion"] == "7", "it is left as somebody else has set it"
            _, _, results = op.check_log()
            assert [r["outcome"] for r in results] == ["FAILED"], results
            # Undo, too, leaves alone what is not its own any more.
            move_alias("6")
            with e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
                console.wait("LAB")
                open_plan(console, "alias")
                confirm_plan(console)
                e2e.wait_for("the move", lambda: LAB.status()["champion"] == "5")
                console.wait("verifies nothing")
                move_alias("7")
                console.keys("u")
                console.wait("the last first")
                console.yes()
                console.wait("undo incomplete")
                assert LAB.status()["champion"] == "7"
                console.keys("q")
                assert console.ended() == 0
            op.check_log()
        finally:
            move_alias("6")


# --- each kind of step -------------------------------------------------------------------------------------------------------------------------

def test_exec_only_where_allowed():
    text = """danger: low
steps:
  - { name: here, exec: { run: [printf, '%s', 'on this machine'] } }
"""
    with Operator() as op:
        op.runbook("here", text)
        code, out, err = op.run("--runbook", "here", "--yes")
        assert code in (2, 3) and "printf" in out + err and "exec" in out + err, (code, out, err)
        assert not op.intents()
        op.with_config(("    actions:\n", "    exec: [printf]\n    actions:\n"))
        code, events, summary = op.runbook_json("here", "--yes")
        assert code == 0, (code, summary)
        assert [e["text"] for e in events if e["event"] == "output"] == ["on this machine"], events
        op.check_log()


def test_an_action_with_another_provider():
    text = """danger: low
hosts: { group: serving }
steps:
  - { name: restart, scope: host, action: { name: restart, with: { service: spam-filter } } }
"""
    with Operator() as op:
        op.runbook("again", text)
        before = {host: operation.on_host(LAB, host, "cat run/spam-filter.restarts 2>/dev/null || :").count("Z") for host in SERVING}
        op.with_config(("restart:  { ssh: { run: [restart-service, '${service}'] } }", "restart:  { exec: { run: [printf, 'here %s %s\\n', '${host}', '${service}'] } }"),
                       ("    actions:\n", "    exec: [printf]\n    actions:\n"))
        code, events, summary = op.runbook_json("again", "--yes")
        assert code == 0, (code, summary)
        said = sorted(e["text"].strip() for e in events if e["event"] == "output")
        assert said == [f"here {host} spam-filter" for host in SERVING], said
        after = {host: operation.on_host(LAB, host, "cat run/spam-filter.restarts 2>/dev/null || :").count("Z") for host in SERVING}
        assert before == after, "nothing went over ssh"
        op.check_log()


def test_notify_wait_and_confirm():
    text = """danger: low
steps:
  - { name: tell, notify: { text: 'going to wait', contact: model owner } }
  - { name: pause, wait: { time: 1s } }
  - { name: up, wait: { promql: 'up{job="serving"}', expect: '== 1', within: 2m } }
  - { name: sure, confirm: 'Is it quiet?' }
  - { name: behind, notify: 'it was' }
"""
    with Operator() as op:
        op.runbook("words", text)
        code, events, summary = op.runbook_json("words", "--yes")
        assert code in (1, 3), (code, summary)
        assert cells(summary, "tell")[None]["outcome"] == "OK" and "Spam Filter Team" in cells(summary, "tell")[None]["text"], summary
        assert cells(summary, "pause")[None]["outcome"] == cells(summary, "up")[None]["outcome"] == "OK", summary
        assert cells(summary, "sure")[None]["outcome"] == "FAILED", "nobody is there to ask"
        assert not any(e.get("name") == "behind" and e["event"] == "step" for e in events), "what comes behind is not begun"
        with e2e.Console("--runbook", "words", "--yes", size=(120, 40), env=op.env, config=op.config) as console:
            console.wait("Is it quiet?", "(continue, stop)")
            console.type("continue")
            console.keys("Enter")
            assert console.ended() == 0
        code, _, summary = op.runbook_json("words", "--dry-run")
        assert code == 0, (code, summary)
        op.check_log()


# --- what may not run at all ----------------------------------------------------------------------------------------------------------------------

def test_a_read_only_environment():
    with Operator() as op:
        op.runbook("nap", NAP)
        op.with_config(("    protected: false\n", "    protected: false\n    read_only: true\n"))
        code, out, err = op.run("--runbook", "nap", "--yes")
        assert code == 2 and "read_only" in err and "--dry-run" in err, (code, out, err)
        code, out, err = op.run("--runbook", "nap", "--dry-run")
        assert code == 0 and "WOULD RUN" in out, (code, out, err)
        with e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
            console.wait("LAB")
            open_form(console, "nap")
            console.wait("›[ Plan it ]")
            console.keys("Enter")
            console.wait("plan: nothing is changed", "it would run")    # a plan only reads
            console.keys("r")
            console.wait("in a read-only environment")
            assert "to run it" not in console.screen() and "y run it" not in console.screen(), console.screen()
            console.keys("q")
            assert console.ended() == 0
        assert not op.intents()


def test_a_hundred_mistakes():
    with Operator() as op:
        op.runbook("wrong", "danger: low\nhosts: { group: serving }\nsteps:\n" + "".join(
            f"  - {{ name: step-{i}, scope: host, ssh: {{ run: ['true'], timeuot: {i}s }} }}\n" for i in range(100)))
        path = os.path.join(op.folder, "config", "opsconsole", "runbooks", "wrong.yaml")
        code, out, err = op.run("--check")
        said = set(re.findall(re.escape(path) + r":(\d+):\d+: ", out + err))
        assert code != 0 and said == {str(8 + i) for i in range(100)}, (code, sorted(said), out[:2000], err[:2000])
        assert "timeout" in out + err, "the nearest key is named"
        code, out, err = op.run("--runbook", "wrong", "--yes")
        assert code == 2 and f"{path}:8:" in err, (code, out, err)


def test_hostile_files():
    with Operator() as op:
        folder = os.path.join(op.folder, "config", "opsconsole", "runbooks")
        head = "danger: low\nsteps:\n  - { name: s, notify: x }\n"
        op.runbook("h", head)
        path = os.path.join(folder, "h.yaml")
        with open(path, encoding="utf-8") as file:
            good = file.read()
        bombs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12))
        for what, text in (("deep", good + "cannot: " + "[" * 20000), ("bomb", good + bombs), ("binary", "\0\1\2\xff" * 1000), ("empty", ""),
                           ("two keys", good + "title: other\n"), ("control", good.replace("a test", "'a\x1b[2Jtest'")), ("long", good + "cannot: " + "x" * (8 << 20))):
            with open(path, "w", encoding="latin-1") as out:
                out.write(text)
            code, out, err = op.run("--runbook", "h", "--yes")
            assert code == 2 and path in err and "\x1b" not in out + err, (what, code, out[:500], err[:500])
        with open(path, "w", encoding="utf-8") as out:
            out.write(good)
        assert op.run("--runbook", "h", "--dry-run")[0] == 0
        os.chmod(path, 0o666)
        code, out, err = op.run("--runbook", "h", "--yes")
        assert code == 2 and path in err, (code, out, err)
        os.chmod(path, 0o600)
        os.chmod(folder, 0o777)
        code, out, err = op.run("--runbook", "h", "--yes")
        assert code == 2 and folder in err, (code, out, err)
        os.chmod(folder, 0o700)
        assert not op.intents()


# --- secrets, by keys -------------------------------------------------------------------------------------------------------------------------------

def test_a_secret_is_on_no_screen():
    secret = "hunter2-qPz/9+secret"
    with Operator() as op:
        op.runbook("secret", """danger: low
params:
  token: { type: secret, required: true }
hosts: { names: serving-01 }
steps:
  - name: say
    scope: host
    ssh: { run: [sh, -c, 'cat; echo; printf %s "$TOKEN" | rev >&2; echo got it'], stdin: '${token}', env: { TOKEN: '${token}' } }
""")
        seen = []
        with e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
            console.wait("LAB")
            open_form(console, "secret")
            seen.append(console.wait("token"))
            console.type(secret)
            seen.append(console.wait("*" * len(secret)))
            console.keys("Enter", "Enter", "Enter")
            seen.append(console.wait("plan: nothing is changed", PLANNED))
            console.keys("d")
            seen.append(console.settled())
            console.keys("d", "r")
            seen.append(console.wait("Run this plan?", "run it"))
            console.yes()
            seen.append(console.wait("got it"))
            console.keys("f")
            seen.append(console.wait("secret token"))
            console.type(":messages")
            console.keys("Enter")
            seen.append(console.wait("Messages"))
            console.keys("Escape")
            console.wait("secret token", gone=["Messages"])
            console.keys("q")
            assert console.ended() == 0
        for screen in seen:
            assert secret not in screen and secret[:7] not in screen, screen
        found = subprocess.run(["grep", "-rlF", secret, op.state, LAB.folder], capture_output=True, text=True, check=False).stdout
        assert found == "", found


# --- somebody ordinary ----------------------------------------------------------------------------------------------------------------------------------

def test_as_an_ordinary_user():
    """Once more, with a lab of their own."""
    if os.geteuid() != 0:
        raise e2e.Skip("this is one already")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        env = dict(os.environ, TMPDIR=folder, HOME=folder)
        done = subprocess.run([shutil.which("python3", path="/usr/bin:/bin") or sys.executable, os.path.abspath(__file__), "test_retries", "test_max_failures", "test_the_alias_was_moved_since_the_plan"], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, user=65534, group=65534, extra_groups=[])
        if "Permission denied" in done.stderr and "ok " not in done.stdout:
            raise e2e.Skip("the tree cannot be read by others")
        assert done.returncode == 0, (done.stdout, done.stderr)


if __name__ == "__main__":
    e2e.run_with(lambda: e2e.Lab("--need", "ssh"), globals(), "LAB", [
        test_the_terminal_of_a_console_is_lost, test_on_disconnect_stop, test_resume_after_kill_9, test_retries, test_max_failures,
        test_a_question_and_undo_by_keys, test_the_alias_was_moved_since_the_plan, test_exec_only_where_allowed, test_an_action_with_another_provider,
        test_notify_wait_and_confirm, test_a_read_only_environment, test_a_hundred_mistakes, test_hostile_files, test_a_secret_is_on_no_screen,
        test_as_an_ordinary_user])
