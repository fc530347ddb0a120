#!/usr/bin/env python3
"""Runbooks on the lab: the shipped ones really repair it, by script and by keys; what must not run does not; every act has its record.

The lab's hosts are real sshd; its registry, feature flags and alerts are what the shipped runbooks change.
"""

import glob
import json
import os
import re
import stat
import subprocess
import time

import e2e
import operation
from operation import PLANNED, SERVING, SLEEP, cells

LAB = None


class Operator(operation.Operator):
    def __init__(self):
        super().__init__(LAB)


def served():
    return LAB.status()["served"]


def platform(path):
    return e2e.fetch_json(LAB.status()["platform"] + path)


def wait_quiet():
    """The lab as it was: nothing fires."""
    e2e.wait_for("a quiet lab", lambda: e2e.fetch_json(LAB.status()["alertmanager"] + "/api/v2/alerts?active=true") == [])


def bad_model():
    LAB.fault("bad-model")
    LAB.wait_alert("SpamFalsePositiveRateHigh")
    e2e.wait_for("version 7 everywhere", lambda: set(served().values()) == {"7"})


# --- what does nothing ------------------------------------------------------------------------------------------------

def test_list_and_describe():
    with Operator() as op:
        code, out, err = op.run("--runbooks")
        assert code == 0, err
        for name in ("rollback", "restart", "takedown", "restore"):
            assert name in out
        code, out, _ = op.run("--runbooks", "--json")
        assert code == 0 and json.loads(out), out
        code, out, _ = op.run("--describe", "rollback")
        assert code == 0 and "activate" in out and "model" in out
        op.runbook("look", "danger: low\nhosts: { group: serving }\nsteps:\n  - { name: disk, ssh: { script: \"df -P /\\nexit 0\\n\", args: ['99'] } }\n")
        code, out, err = op.run("--describe", "look")
        assert code == 0 and "| df -P /\n" in out and "| exit 0\n" in out, (code, out, err)
        code, out, err = op.run("--runbook", "look", "--dry-run")
        assert code == 0 and out.count("sh -s 99 <<$'df -P /\\nexit 0\\n'") == len(SERVING), (code, out, err)
        code, _, err = op.run("--describe", "rolback")
        assert code == 2 and "rollback" in err, err


def test_usage():
    with Operator() as op:
        for argv, word in (
                (("--runbook", "rolback"), "rollback"),
                (("--runbook", "rollback", "--set", "nothing=1"), "nothing"),
                (("--runbook", "rollback", "--set", "model"), "name=value"),
                (("--runbook", "rollback", "--limit", "web-01"), "web-01"),
                (("--runbook", "rollback", "--set", "to=-rf"), "to"),
                (("--runbook", "rollback", "--set", "model=none-such"), "none-such"),
                (("--read-only", "--runbook", "rollback"), "dry-run")):
            code, out, err = op.run(*argv)
            assert code == 2, (argv, code, out, err)
            assert word in err, (argv, err)
        op.with_config(("params: { model: spam-filter, service: spam-filter, alert: SpamFalsePositiveRateHigh }", "params: {}"))
        code, _, err = op.run("--runbook", "rollback")
        assert code == 2 and "model" in err and "alert" in err, err     # all that is missing, at once
        assert not glob.glob(op.state + "/opsconsole/audit/*.jsonl"), "nothing was done, nothing is recorded"


def test_dry_run_changes_nothing():
    with Operator() as op:
        before = served()
        code, out, err = op.run("--runbook", "rollback", "--dry-run", "--set", "to=5")
        assert code == 0, (code, out, err)
        assert "activate-model spam-filter 5" in out and "WOULD RUN" in out and "serving-03" in out, out
        assert served() == before and LAB.status()["champion"] == "6"
        assert not glob.glob(op.state + "/opsconsole/audit/*.jsonl")
        code, events, summary = op.runbook_json("rollback", "--dry-run", "--set", "to=5")
        assert code == 0 and summary["event"] == "summary" and len(summary["plan"]) == 64
        again = op.runbook_json("rollback", "--dry-run", "--set", "to=5")[2]
        assert again["plan"] == summary["plan"], "the hash is of what would happen, not of what was seen"
        other = op.runbook_json("rollback", "--dry-run", "--set", "to=5", "--limit", "serving-01")[2]
        assert other["plan"] != summary["plan"]
        assert [r["host"] for r in other["rows"] if r["host"]] == ["serving-01"]


def test_not_confirmed():
    with Operator() as op:
        for argv in ((), ("--yes",), ("--confirm", "lab/spam-filte"), ("--confirm", "prod/spam-filter")):
            code, out, err = op.run("--runbook", "rollback", "--set", "to=5", *argv)
            assert code == 7, (argv, code, out, err)
            assert "lab/spam-filter" in err, err
        assert set(served().values()) == {"6"}
        assert not op.log("type=intent")


# --- what acts -------------------------------------------------------------------------------------------------------------

def test_rollback_by_script():
    with Operator() as op:
        bad_model()
        code, events, summary = op.runbook_json("rollback", "--confirm", "lab/spam-filter")
        assert code == 0, (code, summary)
        assert served() == dict.fromkeys(SERVING, "6") and LAB.status()["champion"] == "6"
        values = {v["name"]: v for v in summary["values"]}
        assert values["to"]["value"] == "6" and values["to"]["from"], values
        starts = [e["time"] for e in events if e["event"] == "step" and e["name"] == "activate" and e["host"] != "serving-01" and e["outcome"] == "RUNNING"]
        first = [e["time"] for e in events if e["event"] == "step" and e["name"] == "activate" and e["host"] == "serving-01" and e["outcome"] == "OK"]
        assert first and all(first[0] < s for s in starts), "one host first"
        records, intents, results = op.check_log()
        assert len([r for r in results if r["step"] == "activate" and r["outcome"] == "OK"]) == 3, results
        assert {r["intent"] for r in results} == set(intents), "every act has its outcome"
        assert [r["type"] for r in records][0] == "opened"
        assert records[-1]["type"] == "run-end" and records[-1]["exit"] == 0
        LAB.opslab("wait", "--alert", "SpamFalsePositiveRateHigh", "--state", "resolved", "--timeout", "60")
        # What was left is marked, and not gone back to.
        code, out, err = op.run("--runbook", "rollback", "--dry-run")
        assert '"7"' not in out and "to          7" not in out, out
        LAB.fault("bad-model", False)
        wait_quiet()


def test_rollback_by_keys():
    with Operator() as op, e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
        console.wait("LAB")
        bad_model()
        console.wait("SpamFalse")
        console.keys("8")
        console.wait("● rollback", "● takedown")     # offered, so they come first
        console.keys("Home", "Enter")
        console.wait("Plan a run", "spam-filter", "SpamFalsePositiveRateHigh", "›[ Plan it ]")     # what the config says
        console.keys("Enter")
        console.wait("activate-model spam-filter 6", PLANNED)
        assert set(served().values()) == {"7"}, "a plan changes nothing"
        console.keys("r")
        console.wait("lab/spam-filter", "to run it", gone=("Down: more",))
        console.keys("Enter")
        console.wait("not what is to be typed")
        assert set(served().values()) == {"7"} and not op.log("type=intent"), "Enter alone does not confirm"
        console.type("lab/spam-filter")
        console.wait("Enter runs it")
        console.keys("Enter")
        e2e.wait_for("the rollback", lambda: set(served().values()) == {"6"} and LAB.status()["champion"] == "6")
        console.wait("done and verified")
        console.keys("q")
        assert console.ended() == 0
        op.check_log()
    LAB.fault("bad-model", False)
    wait_quiet()


def test_restart_ends_a_crash():
    with Operator() as op:
        LAB.fault("crash")
        LAB.wait_alert("InstanceDown")
        code, out, err = op.run("--runbook", "restart", "--yes")
        assert code == 0, (code, out, err)
        assert "crash" not in LAB.status()["faults"]
        op.check_log()
        wait_quiet()


def test_takedown_and_restore():
    with Operator() as op:
        code, out, err = op.run("--runbook", "takedown", "--confirm", "lab/spam-filter")
        assert code == 0, (code, out, err)
        assert platform("/flags/spam-filter")["on"] is False
        assert [n["status"] for n in platform("/notices")["notices"]] == ["identified"]
        for host in SERVING:
            assert ssh(host, "service-state spam-filter") == "stopped\n"
        assert len(active_silences()) == 1
        code, out, err = op.run("--runbook", "restore", "--confirm", "lab/spam-filter")
        assert code == 0, (code, out, err)
        assert platform("/flags/spam-filter")["on"] is True
        assert [n["status"] for n in platform("/notices")["notices"]] == ["resolved", "identified"]
        for host in SERVING:
            assert ssh(host, "service-state spam-filter") == "running\n"
        op.check_log()
        assert active_silences() == [], "the next outage is heard of"
        wait_quiet()


def active_silences():
    return [s for s in e2e.fetch_json(LAB.status()["alertmanager"] + "/api/v2/silences") if s["status"]["state"] == "active"]


def ssh(host, command):
    return operation.on_host(LAB, host, command)


# --- values, secrets ------------------------------------------------------------------------------------------------------------

HOSTILE = ("$(touch HACKED)", "; touch HACKED", "`touch HACKED`", "a'b\"c\\d", "x y  z", "${x}", "*", "~", "!!", "a|b&c>d<e", "ü€😀", "%s%n", "'", "a\\")


def test_values_reach_programs_as_they_are():
    text = """danger: low
params:
  x: { type: string, required: true, pattern: '(?s).*' }
hosts: { group: serving }
steps:
  - name: say
    scope: host
    ssh: { run: [printf, '%s', '${x}'] }
"""
    with Operator() as op:
        op.runbook("say", text)
        for value in HOSTILE:
            code, events, summary = op.runbook_json("say", "--yes", "--limit", "serving-01", "--set", "x=" + value)
            assert code in (0, 9), (value, code, summary)
            said = "".join(e["text"] for e in events if e["event"] == "output" and e["stream"] == "stdout")
            assert said == value, (value, said)
        assert "HACKED" not in ssh("serving-01", "ls -a")
        op.check_log()


def test_secrets_stay_secret():
    text = """danger: low
params:
  token: { type: secret, required: true }
hosts: { group: serving }
steps:
  - name: by-stdin
    scope: host
    ssh: { run: [cat], stdin: '${token}' }
  - name: by-environment
    scope: host
    ssh: { run: [sh, -c, 'ps -eo args >&2; printf %s "$TOKEN"'], env: { TOKEN: '${token}' } }
"""
    secret = "hunter2-qPz/9+secret"
    with Operator() as op:
        op.runbook("secret", text)
        env = dict(op.env, OPS_TOKEN=secret)
        for more in ((), ("--json",)):
            debug = os.path.join(op.folder, "debug.log")
            done = subprocess.run([e2e.PROGRAM, "--runbook", "secret", "--yes", "--limit", "serving-01", "--config", op.config, "--debug-log", debug, *more,
                                   "--set", "token=" + secret], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            assert done.returncode in (0, 9), done
            # The secret was on our own command line; on the hosts' it must not be.
            assert secret not in done.stdout.replace("token=" + secret, ""), done.stdout
            assert secret not in done.stderr.replace("token=" + secret, ""), done.stderr
            assert "secret token" in done.stdout + done.stderr
        found = subprocess.run(["grep", "-rlF", secret, op.state, debug, LAB.folder], capture_output=True, text=True, check=False).stdout
        assert found == "", found
        op.check_log()


# --- stops ------------------------------------------------------------------------------------------------------------------------

NAP = """danger: low
hosts: { group: serving }
rollout: { batch: [1, 2, 100%] }
steps:
  - name: nap
    scope: host
    ssh: { script: 'SLEEP' }
"""
SLOW = NAP.replace("SLEEP", SLEEP)
QUICK = NAP.replace("SLEEP", "exit 0")


def asleep(op):
    """A nap that lasts until LAB wakes them."""
    operation.forget(LAB, "awake")
    op.runbook("nap", SLOW)


def intents(op):
    return len(op.log("type=intent"))


def test_second_run_is_refused():
    with Operator() as op:
        asleep(op)
        first = op.start("--runbook", "nap", "--yes")
        e2e.wait_for("the first intent", lambda: intents(op) > 0)
        code, out, err = op.run("--runbook", "nap", "--yes")
        assert code == 6, (code, out, err)
        assert "serving-" in err and str(first.pid) in err, err
        operation.interrupt(first)
        operation.wake(LAB)
        first.communicate()
        op.check_log()


def test_interrupt_stops_new_work():
    with Operator() as op:
        asleep(op)
        run = op.start("--runbook", "nap", "--yes", "--json")
        e2e.wait_for("the first intent", lambda: intents(op) > 0)
        operation.interrupt(run)
        operation.wake(LAB)
        out, err = run.communicate()
        summary = operation.Summary(json.loads(out.splitlines()[-1]))
        naps = cells(summary, "nap")
        assert naps["serving-01"]["outcome"] == "OK", naps      # what ran was waited for
        assert not any(step["outcome"] == "OK" for host, step in naps.items() if host != "serving-01"), naps
        assert run.returncode == 1, (run.returncode, err)
        assert all(row["state"] for row in summary["rows"]), summary["rows"]
        assert intents(op) == 1
        op.check_log()


def test_cancel_ends_it_on_the_host():
    with Operator() as op:
        op.runbook("nap", NAP.replace("SLEEP", "exec sleep 3600.25"))
        run = op.start("--runbook", "nap", "--yes", "--json")
        e2e.wait_for("the nap", lambda: napping() > 0)
        operation.interrupt(run)
        operation.interrupt(run)
        out, err = run.communicate(timeout=e2e.PATIENCE_S)
        summary = operation.Summary(json.loads(out.splitlines()[-1]))
        assert cells(summary, "nap")["serving-01"]["outcome"] == "CANCELLED", summary
        e2e.wait_for("the end of the nap", lambda: napping() == 0)
        op.check_log()


def napping():
    lines = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout.splitlines()
    return sum(line == "sleep 3600.25" for line in lines)


def test_kill_9_leaves_an_open_intent():
    with Operator() as op:
        asleep(op)
        run = op.start("--runbook", "nap", "--yes")
        e2e.wait_for("the first intent", lambda: intents(op) > 0)
        run.kill()
        run.communicate()
        operation.wake(LAB)
        code, out, err = op.run("--verify", "--json")
        report = json.loads(out)
        assert code in (0, 4), (code, out, err)
        assert report["open_intents"] == 1, report
        # The dead holder's lock is free, and the log goes on.
        code, out, err = op.run("--runbook", "nap", "--yes")
        assert code in (0, 9), (code, out, err)
        op.run("--verify")


def test_failures_stop_before_the_next_batch():
    text = """danger: low
hosts: { group: serving }
rollout: { batch: [1, 100%] }
steps:
  - name: mark
    scope: host
    ssh: { run: [touch, marked] }
    undo: { run: [rm, marked] }
  - name: fail
    scope: host
    ssh: { run: [sh, -c, 'echo no such thing >&2; exit 3'] }
    undo: { run: ['true'] }
    on_failure: undo
"""
    with Operator() as op:
        op.runbook("failing", text)
        code, events, summary = op.runbook_json("failing", "--yes")
        assert code == 4, (code, summary)
        failed = [e for e in events if e["event"] == "step" and e["name"] == "fail" and e["outcome"] == "FAILED"]
        assert [e["host"] for e in failed] == ["serving-01"] and failed[0]["text"] == "exit 3: no such thing", failed
        assert cells(summary, "mark")["serving-01"]["outcome"] == "UNDONE", summary
        assert "marked" not in ssh("serving-01", "ls") + ssh("serving-02", "ls")
        op.check_log()


def test_unreachable_and_unknown_keys_stop_before_any_act():
    with Operator() as op:
        op.runbook("nap", QUICK)
        with open(LAB.status()["ssh_config"], encoding="utf-8") as file:
            config = file.read()
        path = os.path.join(op.folder, "ssh_config")
        known = LAB.status()["ssh_config"].replace("/config", "/known_hosts")
        for change, word in (
                ((known, "/dev/null"), "not known"),
                ((LAB.status()["ssh"]["serving-01"].split(":")[0] + "\n", "127.0.77.254\n"), "serving-01"),
                (("id_ed25519", "id_none"), "serving-01")):
            with open(path, "w", encoding="utf-8") as out:
                out.write(config.replace(*change))
            op.with_config((f"ssh: {{ config: '{LAB.status()['ssh_config']}' }}", f"ssh: {{ config: '{path}', connect_timeout: 3s }}"))
            code, out, err = op.run("--runbook", "nap", "--yes")
            assert code == 3, (change, code, out, err)
            assert word in out + err, (change, out, err)


def test_no_trail_no_act():
    with Operator() as op:
        op.runbook("nap", QUICK)
        os.makedirs(op.state + "/opsconsole", mode=0o700)
        with open(op.state + "/opsconsole/audit", "w", encoding="ascii") as blocker:
            blocker.write("not a folder\n")
        code, out, err = op.run("--runbook", "nap", "--yes")
        assert code == 8, (code, out, err)
        code, out, err = op.run("--note", "cannot be written")
        assert code == 8, (code, out, err)


def test_other_transport():
    with Operator() as op:
        op.runbook("say", """danger: low
hosts: { group: serving }
steps:
  - { name: say, scope: host, ssh: { run: [printf, '%s', 'a b'] } }
""")
        op.with_config((f"ssh: {{ config: '{LAB.status()['ssh_config']}' }}", f"ssh: {{ config: '{LAB.status()['ssh_config']}', transport: openssh }}"))
        code, events, summary = op.runbook_json("say", "--yes")
        assert code in (0, 9), (code, summary)
        assert all("openssh" in step["transport"] for step in cells(summary, "say").values()), summary
        assert [e["text"] for e in events if e["event"] == "output"] == ["a b"] * 3


# --- incidents and notes ----------------------------------------------------------------------------------------------------------

def test_lines_are_waited_for():
    """What the hosts say of it is the proof, also where they say it before the command is over; what they said before that is none."""
    text = """danger: low
params: { to: { type: string, default: '5' } }
hosts: { group: serving }
steps:
  - { name: activate, scope: host, ssh: { script: 'activate-model spam-filter "$1"; sleep 2', args: ['${to}'] }, undo: nothing }
  - name: said so
    scope: host
    wait: { log: '{app="spam-filter", host="${host}"} |= "loaded model" |= "version=${to}"', expect: '>= 1', within: 2m }
verify:
  - { log: '{app="spam-filter"} |= "cannot load"', source: loki, expect: '== 0', window: 2s, within: 2m }
"""
    with Operator() as op:
        op.runbook("load", text)
        try:
            code, out, err = op.run("--runbook", "load", "--dry-run")
            assert code == 0 and "cannot load" in out, (code, out, err)
            code, events, summary = op.runbook_json("load", "--yes")
            assert code == 0, (code, events)
            assert any("since" in str(e) and ">= 1" in str(e) for e in events), events
            # It is there already, so that nothing is loaded: the line of the first run is too old.
            op.runbook("load", text.replace("within: 2m }\nverify", "within: 5s }\nverify"))
            code, events, summary = op.runbook_json("load", "--yes")
            assert code == 1 and any("0 lines since" in str(e) for e in events), (code, events)
        finally:
            LAB.opslab("fault", "all", "off")
            for host in SERVING:
                subprocess.run(["ssh", "-F", os.path.join(LAB.folder, "ssh", "config"), host, "activate-model", "spam-filter", "6"], check=True,
                               capture_output=True)
            e2e.wait_for("version 6 everywhere", lambda: set(served().values()) == {"6"})
        op.check_log()


def test_incident_frames_what_is_done():
    with Operator() as op:
        code, out, err = op.run("--incident-open", "posts are blocked")
        assert code == 0, err
        incident = out.strip()
        assert re.fullmatch(r"\d{8}-\d{6}-\S+", incident), "two of one minute are two"
        code, out, err = op.run("--note", "looked at the graphs")
        assert code == 0 and out.strip() == incident, (out, err)
        assert op.run("--incident-open", "another")[0] == 2
        code, out, err = op.run("--incident-close", incident)
        assert code == 0, err
        assert op.run("--incident-close", incident)[0] == 2
        assert {r["incident"] for r in op.log("type=note,incident-opened,incident-closed")} == {incident}
        code, out, _ = op.run("--log", "incident=" + incident)
        assert code == 0 and "looked at the graphs" in out
        assert stat.S_IMODE(os.stat(op.state + "/opsconsole/audit").st_mode) == 0o700


def test_console_acts_are_recorded():
    with Operator() as op, e2e.Console(size=(120, 36), env=op.env, config=op.config) as console:
        console.wait("LAB")
        console.type(":incident open posts are blocked")
        console.keys("Enter")
        console.wait("INC ")
        console.type(":note looked at it")
        console.keys("Enter")
        e2e.wait_for("the note", lambda: op.log("type=note"))
        LAB.fault("slow")
        LAB.wait_alert("LatencyHigh")
        console.keys("2")

        def acked():
            console.keys("a")   # says so while Alertmanager has not heard of it
            time.sleep(1)
            return any(r["outcome"] == "done" for r in op.log("type=act-result"))
        e2e.wait_for("the ack", acked)
        LAB.fault("slow", False)
        console.type(":incident close")
        console.keys("Enter")
        e2e.wait_for("the end of the incident", lambda: op.log("type=incident-closed"))
        console.keys("q")
        assert console.ended() == 0
        op.check_log()


if __name__ == "__main__":
    e2e.run_with(lambda: e2e.Lab("--need", "ssh"), globals(), "LAB", [
        test_list_and_describe, test_usage, test_dry_run_changes_nothing, test_not_confirmed, test_values_reach_programs_as_they_are,
        test_secrets_stay_secret, test_second_run_is_refused, test_interrupt_stops_new_work, test_cancel_ends_it_on_the_host,
        test_kill_9_leaves_an_open_intent, test_failures_stop_before_the_next_batch, test_unreachable_and_unknown_keys_stop_before_any_act,
        test_no_trail_no_act, test_other_transport, test_incident_frames_what_is_done, test_restart_ends_a_crash, test_takedown_and_restore,
        test_rollback_by_script, test_rollback_by_keys, test_console_acts_are_recorded,
        test_lines_are_waited_for])   # last: an old version burns the budget of freshness for minutes
