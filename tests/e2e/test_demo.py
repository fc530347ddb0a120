#!/usr/bin/env python3
"""--demo: the lab comes with the console and goes with it, however the console ends."""

import glob
import json
import os
import signal
import subprocess
import tempfile

import e2e
from operation import PLANNED


def processes_in(folder):
    """Command lines of what runs with folder among its arguments."""
    lines = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout.split("\n")
    return [line for line in lines if folder in line]


def demo(folder):
    return e2e.Console("--demo", size=(120, 36), env=e2e.environment(TMPDIR=folder))


def test_opens_on_the_lab_and_leaves_nothing():
    with tempfile.TemporaryDirectory() as folder, demo(folder) as console:
        console.wait("LAB", e2e.ALL_SOURCES)
        assert processes_in(folder), "the lab's processes name their folder"
        console.keys("q")
        assert console.ended() == 0
        assert console.terminal_is_restored(), console.screen()
        e2e.wait_for("the end of the lab", lambda: not processes_in(folder))
        e2e.wait_for("an empty folder", lambda: os.listdir(folder) == [])


def test_kill_9_leaves_no_process():
    with tempfile.TemporaryDirectory() as folder, demo(folder) as console:
        console.wait("LAB", e2e.ALL_SOURCES)
        console.kill(signal.SIGKILL)
        e2e.wait_for("the end of the lab", lambda: not processes_in(folder))
        e2e.wait_for("an empty folder", lambda: os.listdir(folder) == [])


def test_a_rollback_ends_the_incident():
    """What the demo is for: a bad model goes out, the page comes, keys put it right. The model goes out by command, a minute is not waited for."""
    with tempfile.TemporaryDirectory() as folder, \
            e2e.Console("--demo", size=(120, 36), env=e2e.environment(TMPDIR=folder, XDG_STATE_HOME=os.path.join(folder, "state"))) as console:
        console.wait("LAB", e2e.ALL_SOURCES)
        lab = os.path.dirname(glob.glob(os.path.join(folder, "*", "opsconsole.yaml"))[0])

        def opslab(*argv):
            return subprocess.run([e2e.OPSLAB, argv[0], "--dir", lab, *argv[1:]], capture_output=True, text=True, check=True).stdout

        if not json.loads(opslab("status", "--json"))["ssh"]:
            raise e2e.Skip("the lab has no hosts to log in to")
        def served():
            return set(json.loads(opslab("status", "--json"))["served"].values())

        opslab("fault", "bad-model", "on")
        console.wait("SpamFalsePositiveR", "CRITICAL")
        e2e.wait_for("the end of the roll-out, or it would go on behind the rollback", lambda: served() == {"7"})
        console.keys("8")
        console.wait("Runbooks", "rollback")
        console.type("/rollback")
        console.keys("Enter")
        console.wait("Runbooks  /rollback")
        console.keys("Enter")
        console.wait("Plan a run", "Put a model's previous version back", "›[ Plan it ]")
        console.keys("Enter")
        console.wait("activate-model spam-filter 6", PLANNED)
        console.keys("r")
        console.wait("lab/spam-filter", "to run it, Esc to leave")
        console.type("lab/spam-filter")
        console.keys("End", "PPage", *["Down"] * 60)
        console.wait("Enter runs it", gone=("Down: more to read",))     # it must have been read to its end
        console.keys("Enter")
        console.wait("done and verified")
        assert served() == {"6"}, served()
        console.keys("1")
        console.wait("OK", gone=["SpamFalsePositiveR", "CRITICAL"])
        console.keys("q")
        assert console.ended() == 0
        e2e.wait_for("the end of the lab", lambda: not processes_in(folder))


def test_status_on_the_lab():
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = e2e.program("--status", "--demo", env=e2e.environment(TMPDIR=folder))
        assert status == 0 and out.startswith("OPSCONSOLE OK"), (status, out, err)
        e2e.wait_for("the end of the lab", lambda: not processes_in(folder))
        e2e.wait_for("an empty folder", lambda: os.listdir(folder) == [])


if __name__ == "__main__":
    e2e.run([test_status_on_the_lab, test_opens_on_the_lab_and_leaves_nothing, test_kill_9_leaves_no_process, test_a_rollback_ends_the_incident])
