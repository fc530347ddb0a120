#!/usr/bin/env python3
"""What a console says of what others did: notes, runbooks that came, a run that was killed; and of a log that cannot be written. No lab."""

import contextlib
import os
import signal
import tempfile

import e2e
from operation import PLANNED

WAIT = """apiVersion: opsconsole/v1
kind: Runbook
name: linger
title: a test
danger: low
steps:
  - { name: rest, scope: run, wait: { time: 30m } }
"""


class Somebody:
    def __init__(self, folder):
        self.folder = folder
        self.env = e2e.environment(XDG_STATE_HOME=os.path.join(folder, "state"), XDG_CONFIG_HOME=os.path.join(folder, "config"))
        self.config = e2e.config_file(folder, ["name: nobody, type: prometheus, url: 'http://127.0.0.1:9'"])

    def runbook(self, name):
        folder = os.path.join(self.folder, "config", "opsconsole", "runbooks")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as out:
            out.write(WAIT.replace("linger", name))

    def run(self, *argv):
        return e2e.program(*argv, config=self.config, env=self.env)

    def console(self):
        return e2e.Console(size=(140, 36), env=self.env, config=self.config)


@contextlib.contextmanager
def somebody():
    with tempfile.TemporaryDirectory(prefix="opsconsole-others-", ignore_cleanup_errors=True) as folder:
        yield Somebody(folder)


def test_a_log_that_cannot_be_written():
    with somebody() as who:
        with open(who.env["XDG_STATE_HOME"], "w", encoding="utf-8"):
            pass    # a file where the folder would be: root cannot write there either
        with who.console() as console:
            console.wait("audit: not writable")
            console.keys(":", "messages", "Enter")
            console.wait("audit: not writable, so nothing can be done from here")
            os.unlink(who.env["XDG_STATE_HOME"])
            console.keys("Escape")
            console.wait("TEST", gone=["audit: not writable"])


def test_notes_and_runbooks_of_others():
    with somebody() as who:
        with who.console() as console:
            console.wait("TEST")
            assert who.run("--note", "the other one looked")[0] == 0
            console.keys("1")
            console.wait("the other one looked")
            console.keys("8")
            console.wait("Runbooks")
            assert "linger" not in console.screen()
            who.runbook("linger")
            console.keys("C-r")
            console.wait("linger")


def test_commands_are_listed():
    with somebody() as who, who.console() as console:
        console.wait("TEST")
        console.keys(":", "Tab")
        console.wait("Commands that : takes here", "incident")
        console.keys("Escape")
        console.wait("TEST", gone=["Commands that"])


def test_y_is_enough_for_the_script():
    with somebody() as who:
        who.runbook("linger")
        with e2e.Console("--runbook", "linger", size=(140, 36), env=who.env, config=who.config) as console:
            console.wait("Run it? Type y or yes")
            console.type("y")
            console.keys("Enter")
            e2e.wait_for("the run", lambda: '"run-start"' in who.run("--log", "--json")[1])
            os.kill(console.pid(), signal.SIGKILL)   # without its terminal it would finish what it began, for half an hour


def test_the_rest_of_yes_and_a_killed_run():
    with somebody() as who:
        who.runbook("linger")
        with who.console() as console:
            console.wait("TEST")
            console.keys("8")
            console.type("/linger")
            console.keys("Enter")
            console.wait("Runbooks  /linger")
            console.keys("Enter")
            console.wait("›[ Plan it ]")
            console.keys("Enter")
            console.wait("plan: nothing is changed", PLANNED)
            console.keys("r")
            console.wait("Run this plan?", "without Enter")
            console.type("yes")
            console.wait("y alone has begun it")
            e2e.wait_for("the run", lambda: '"run-start"' in who.run("--log", "--json")[1])
            os.kill(console.pid(), 9)
        started = [line for line in who.run("--log", "type=run-start")[1].splitlines()]
        assert len(started) == 1, started
        with who.console() as console:
            console.wait("linger has no end recorded: opsconsole --runbook linger --resume")
            console.keys("9")
            console.wait("of linger has no end recorded.", "finds out")


if __name__ == "__main__":
    e2e.run([test_a_log_that_cannot_be_written, test_notes_and_runbooks_of_others, test_commands_are_listed,
             test_y_is_enough_for_the_script, test_the_rest_of_yes_and_a_killed_run])
