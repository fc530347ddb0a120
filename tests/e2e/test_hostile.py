#!/usr/bin/env python3
"""A server that misbehaves in every way: the program says what is wrong, stays responsive, and keeps its memory."""

import json
import os
import resource
import signal
import subprocess
import tempfile

import e2e

SERVER = os.path.join(e2e.SOURCE, "tests", "lab", "hostile")
# The ceiling on one answer is 64 MiB decoded; what is held of it is far less, as series are limited too.
MEMORY_MAX = 160 << 20
DEADLINE = ("--deadline", str(e2e.DEADLINE_S))

# mode: words that the report of the source must hold (all of them); None: the answer is good and the source must be ok
MODES = {
    "ok": None,
    "slow-loris": ["within"],
    "slow-body": ["within"],
    "hang-after-head": ["within"],
    "silent": ["within"],
    "half-body": ["early"],
    "half-json": ["JSON"],
    "html": ["HTML"],
    "empty": ["empty"],
    "error-500": ["500"],
    "error-503": ["503"],
    "unauthorized": ["401"],
    "too-many": ["429"],
    "big-vector": ["more than a list of this kind"],   # as an answer to a query it is good; as a list of alerts it is not
    "big-matrix": ["more than a list of this kind"],
    "endless": ["64 MiB"],
    "below-limit": ["more than a list of this kind"],
    "at-limit": ["more than a list of this kind"],
    "above-limit": ["64 MiB"],
    "above-declared": ["64 MiB"],
    "deep-json": ["byte 27"],
    "deep-objects": ["64 levels"],
    "gzip-bomb": ["64 MiB"],
    "half-gzip": [],
    "bad-chunk": [],
    "redirect-loop": ["redirect"],
    "redirect-away": ["origin"],
    "redirect-file": ["redirect"],
    "reset": [],
    "huge-header": ["header"],
    "many-headers": ["header"],
    "clock-ahead": None,
    "clock-behind": None,
    "http09": [],
    "bad-utf8": ["UTF-8"],
    "lone-surrogate": [],
    "nul-label": None,
    "escapes": None,
    "wrong-shape": [],
    "duplicate-keys": ["byte"],
}


class Hostile:
    def __enter__(self):
        self.process = subprocess.Popen([SERVER, "--pace", "0.5"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(30)

    def config(self, folder, mode, interval="1s"):
        timeout = "100s" if "limit" in mode or "big" in mode or mode in ("endless", "above-declared", "gzip-bomb") else "6s"
        base = f"http://127.0.0.1:{self.port}/{mode}"
        return e2e.config_file(
            folder, [f"name: metrics, type: prometheus, url: '{base}', interval: {interval}, timeout: {timeout}",
                     f"name: alerts, type: alertmanager, url: '{base}', interval: {interval}, timeout: {timeout}"],
            "    queries:\n      - { name: things, expr: 'things', unit: count }\n", name=mode + ".yaml")


# Good answers to a query, of any size up to the ceiling.
GOOD_QUERY = {"big-vector", "big-matrix", "below-limit", "at-limit"}
SERVER_RUNS = None


def run_measured(argv):
    """(status, stdout, stderr, peak bytes of that process)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(argv, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=e2e.environment())
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return child.returncode, out.read().decode(), err.read().decode(), usage.ru_maxrss * 1024


def check_mode(folder, mode, words):
    path = SERVER_RUNS.config(folder, mode)
    status, out, err, peak = run_measured([e2e.PROGRAM, "--status", "--json", *DEADLINE, "--config", path])
    assert status in (0, 1, 2, 3), (mode, status, err)
    assert "\x1b" not in out and "Sanitizer" not in err, (mode, err)
    assert e2e.SANITIZED or peak < MEMORY_MAX, f"{mode}: {peak >> 20} MiB at the peak"
    answer = json.loads(out)
    errors = " ".join(s["error"] for s in answer["sources"]) + " ".join(q.get("error") or "" for q in answer["queries"])
    if words is None:
        assert not errors.strip(), (mode, errors)
        assert all(s["state"] == "ok" for s in answer["sources"]), (mode, answer["sources"])
    else:
        assert errors.strip(), (mode, out)
        assert status == 3, (mode, status, out)   # unknown, never green
        for word in words:
            assert word in errors, (mode, word, errors)
    if mode in GOOD_QUERY:
        assert not any(q.get("error") for q in answer["queries"]), (mode, answer["queries"])
    text_status, text, _, _ = run_measured([e2e.PROGRAM, "--status", *DEADLINE, "--config", path]) if mode in ("escapes", "bad-utf8", "nul-label") else (0, "", "", 0)
    assert all(c == "\n" or ord(c) >= 32 for c in text), (mode, text_status, repr(text))


def test_every_mode():
    listed = subprocess.run([SERVER, "--list"], capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in listed.splitlines()} == set(MODES), "a mode of the server is not expected here"
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for mode, words in MODES.items():
            try:
                check_mode(folder, mode, words)
            except AssertionError as err:
                failed.append(f"{mode}: {err}")
    assert not failed, "\n".join(failed)


def test_console_answers_keys_meanwhile():
    """Large, broken and silent answers under way, asked for again and again: panels still come when their key is pressed."""
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("big-matrix", "gzip-bomb", "slow-loris", "reset", "escapes"):
            with e2e.Console(config=SERVER_RUNS.config(folder, mode), size=(100, 30)) as console:
                console.wait("TEST", "sources")
                for _ in range(3):
                    for key, word in (("4", "4 Sources"), ("3", "3 Metrics"), ("2", "2 Alerts"), ("1", "1 Overview")):
                        console.keys(key)
                        console.wait(word)
                assert "\x1b" not in console.screen()
                console.keys("q")
                assert console.ended() == 0, mode


def test_a_source_that_dies_is_shown_with_its_age():
    with tempfile.TemporaryDirectory() as folder, Hostile() as own:
        with e2e.Console(config=own.config(folder, "ok"), size=(100, 30)) as console:
            console.wait("sources 2/2")
            own.process.send_signal(signal.SIGKILL)
            own.process.wait(30)
            console.wait("sources 0/2", "stale", "~ HostileAlert")   # what was known last stays, marked as old
            console.keys("4")
            console.wait("refused")
            console.keys("q")
            assert console.ended() == 0


def test_memory_stays_while_answers_at_the_ceiling_repeat():
    if e2e.SANITIZED:
        raise e2e.Skip("the sanitizer's own memory hides ours")
    with tempfile.TemporaryDirectory() as folder:
        path = SERVER_RUNS.config(folder, "below-limit")
        child = subprocess.Popen([e2e.PROGRAM, "--status", "--json", "--watch", "1", *DEADLINE, "--config", path],
                                 stdout=subprocess.PIPE, env=e2e.environment(), text=True)
        try:
            for _ in range(6):
                json.loads(child.stdout.readline())
            with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
                peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
        finally:
            child.terminate()
            child.wait(60)
        assert peak < MEMORY_MAX, peak


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    e2e.run_with(Hostile, globals(), "SERVER_RUNS", [test_every_mode, test_console_answers_keys_meanwhile, test_a_source_that_dies_is_shown_with_its_age,
                 test_memory_stays_while_answers_at_the_ceiling_repeat])
