#!/usr/bin/env python3
"""Nothing acts without a record: on a full disk, on one that cannot be written, with two consoles and two runs at one log."""

import json
import os
import signal
import subprocess

import e2e
import operation
from operation import SERVING

LAB = None
MARK = """danger: low
hosts: { group: serving }
rollout: { batch: [1, 2, 100%] }
steps:
  - name: mark
    scope: host
    ssh: { script: 'sleep 1; echo x >>marks' }
"""


class Operator(operation.Operator):
    def __init__(self):
        super().__init__(LAB)


class TinyDisk:
    """A file system of its own where the operator's state goes; root only."""

    def __init__(self, op, size):
        self.op, self.size = op, size

    def __enter__(self):
        os.makedirs(self.op.state, mode=0o700)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=700", "opsconsole-test", self.op.state],
                                               capture_output=True, check=False).returncode != 0:
            raise e2e.Skip("only root may mount, and not everywhere")
        return self

    def __exit__(self, *exc):
        subprocess.run(["umount", "-l", self.op.state], check=True)

    def fill(self):
        with open(os.path.join(self.op.state, "filler"), "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def empty(self):
        os.unlink(os.path.join(self.op.state, "filler"))


def marks():
    return sum(operation.times(LAB, "marks").values())


def forget():
    operation.forget(LAB, "marks")


def outcomes(op):
    """(intents, results that are OK), after the log was found to be good."""
    code, out, err = op.run("--verify", "--json")
    report = json.loads(out)
    assert code in (0, 4) and report["verdict"] in ("good", "unanchored"), (code, out, err)    # the head's file may have had no room
    records = op.log()
    return [r for r in records if r["type"] == "intent"], [r for r in records if r["type"] == "result" and r["outcome"] == "OK"]


def test_a_disk_that_is_full_before():
    with Operator() as op, TinyDisk(op, "2m") as disk:
        forget()
        op.runbook("mark", MARK)
        disk.fill()
        code, out, err = op.run("--runbook", "mark", "--yes")
        assert code == 8, (code, out, err)
        assert "space" in err, err
        assert marks() == 0, "nothing is done that cannot be recorded"
        assert op.run("--note", "on a full disk")[0] == 8
        disk.empty()
        code, out, err = op.run("--runbook", "mark", "--yes")
        assert code == 0 and marks() == 3, (code, out, err)
        op.check_log()


def test_a_console_says_that_the_disk_is_full():
    with Operator() as op, TinyDisk(op, "2m") as disk:
        with e2e.Console(size=(120, 30), env=op.env, config=op.config) as console:
            console.wait("OK", "sources")
            disk.fill()
            console.keys(":")
            console.type("incident open full")
            console.keys("Enter")
            console.wait("not done", "No space left on device", "audit: not writable")
            console.keys("A")
            console.wait("NOT WRITABLE: ", "nothing to vouch for yet")
            console.keys("q")
            console.ended()


def test_a_disk_that_fills_up_meanwhile():
    with Operator() as op, TinyDisk(op, "3m") as disk:
        forget()
        op.runbook("mark", MARK)
        run = op.start("--runbook", "mark", "--yes", "--json")
        e2e.wait_for("the first intent", lambda: op.log("type=intent"))
        disk.fill()
        out, err = run.communicate(timeout=e2e.PATIENCE_S)
        summary = json.loads(out.splitlines()[-1])
        intents, done = outcomes(op)
        assert run.returncode in (0, 1), (run.returncode, summary, err)
        assert len(done) == marks(), "what was done is on record"
        assert len(intents) == len(done), "what was begun has its end on record: room was kept for it"
        assert op.deeds()[-1]["type"] == "run-end", op.deeds()[-1]
        # Again and again, until the room that was kept is used up: each run is recorded whole, or nothing is done.
        for _ in range(3):
            before = marks()
            code, out, err = op.run("--runbook", "mark", "--yes", "--limit", "serving-01")
            intents, done = outcomes(op)
            assert len(done) == marks(), (code, out, err)
            assert code == 0 or (code == 8 and marks() == before), (code, out, err)


def test_a_log_that_cannot_be_written():
    with Operator() as op:
        forget()
        op.runbook("mark", MARK)
        assert op.run("--note", "so that there is a log")[0] == 0
        log = os.path.join(op.state, "opsconsole", "audit")
        file = os.path.join(log, sorted(os.listdir(log))[0])
        with open(file, "r+b") as edited:
            text = edited.read().replace(b"so that there is a log", b"so that there was none")
            edited.seek(0)
            edited.write(text)
        assert op.run("--verify")[0] == 1
        code, out, err = op.run("--runbook", "mark", "--yes")
        assert code == 8 and file in err, (code, out, err)
        assert marks() == 0
        # With the glass broken it acts, and says so.
        code, out, err = op.run("--runbook", "mark", "--yes", "--limit", "serving-01", "--break-glass", "users are waiting")
        assert code == 0 and marks() == 1, (code, out, err)
        assert "users are waiting" in err, err


def test_two_consoles_and_two_runs_at_one_log():
    with Operator() as op:
        forget()
        op.runbook("mark", MARK.replace("sleep 1; ", "").replace("batch: [1, 2, 100%]", "max_failures: 0"))
        with e2e.Console(size=(100, 30), env=dict(op.env), config=op.config) as one, e2e.Console(size=(100, 30), env=dict(op.env), config=op.config) as two:
            one.wait("LAB")
            two.wait("LAB")
            runs = []
            for i in range(8):
                for console, who in ((one, "one"), (two, "two")):
                    console.type(f":note {who} {i}")
                    console.keys("Enter")
                runs += [op.start("--runbook", "mark", "--yes", "--limit", host) for host in SERVING[:2]]
                if i % 2:
                    for run in runs[-4:]:
                        run.wait(e2e.PATIENCE_S)
            codes = [run.wait(e2e.PATIENCE_S) for run in runs]
            for run in runs:
                run.stdout.close()
                run.stderr.close()
            e2e.wait_for("all notes", lambda: len(op.log("type=note")) == 16)
            one.keys("q")
            two.kill(signal.SIGKILL)
            assert one.ended() == 0
        assert set(codes) <= {0, 6} and codes.count(0) >= 2, codes     # the same host at the same time: the lock
        records, intents, results = op.check_log()
        assert sorted(r["text"] for r in records if r["type"] == "note") == sorted(f"{who} {i}" for who in ("one", "two") for i in range(8))
        assert len(intents) == len(results) == codes.count(0) == marks(), (len(intents), len(results), codes)
        assert len({r["run"] for r in results}) == len(results), "each run has an id of its own"
        assert [r["seq"] for r in op.log()] == list(range(1, len(op.log()) + 1))


if __name__ == "__main__":
    e2e.run_with(lambda: e2e.Lab("--need", "ssh"), globals(), "LAB", [
        test_a_disk_that_is_full_before, test_a_console_says_that_the_disk_is_full, test_a_disk_that_fills_up_meanwhile,
        test_a_log_that_cannot_be_written, test_two_consoles_and_two_runs_at_one_log])
