#!/usr/bin/env python3
"""The console on the lab, in a real terminal, as a person uses it."""

import os
import pwd
import signal
import time

import e2e

LAB = None


def test_every_panel_at_both_sizes():
    for size in ((80, 24), (200, 50)):
        with e2e.Console(config=LAB.config, size=size) as console:
            console.wait("LAB", e2e.ALL_SOURCES, "live")
            for key, words in (("1", ["Overview"]), ("2", ["Alerts"]), ("3", ["Metrics", "false positives"]), ("4", ["Sources", "prometheus", "alertmanager"])):
                console.keys(key)
                console.wait(*words)
            console.keys("?")
            console.wait("Keys")
            console.keys("Escape")
            console.wait("LAB", gone=["Keys"])
            console.keys("q")
            assert console.ended() == 0
            assert console.terminal_is_restored(), console.screen()


def test_first_paint_needs_no_answer():
    """A source that accepts and never answers: the screen is there, and says that nothing is known."""
    import socket
    import tempfile
    with socket.socket() as silent, tempfile.TemporaryDirectory() as folder:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        config = e2e.config_file(folder, [f"name: silent, type: prometheus, url: 'http://127.0.0.1:{silent.getsockname()[1]}', timeout: 60s"])
        with e2e.Console(config=config) as console:
            screen = console.wait("TEST", "UNKNOWN")
            assert "OK" not in screen.split("\n")[0], screen
            console.keys("q")
            assert console.ended() == 0


def test_incident_silence_and_ack():
    LAB.fault("errors")
    try:
        LAB.wait_alert("WebErrorsHigh")   # while it is pending there is nothing to acknowledge
        with e2e.Console(config=LAB.config, size=(120, 40)) as console:
            console.wait("WebErrorsHigh", "CRITICAL")
            console.keys("2")
            console.type("/WebErrorsHigh")
            console.keys("Enter")
            console.wait("▸2 Alerts  /WebErrorsHigh", "● firing    page     WebErrorsHigh")
            console.keys("a")     # ack: a silence of 15 minutes, read back
            console.wait("acknowledged until")
            silences = [s for s in e2e.fetch_json(LAB.status()["alertmanager"] + "/api/v2/silences") if s["status"]["state"] == "active"]
            assert len(silences) == 1 and silences[0]["comment"].startswith("ACK"), silences
            assert any(m["value"] == "WebErrorsHigh" for m in silences[0]["matchers"]), silences
            assert silences[0]["createdBy"] == pwd.getpwuid(os.getuid()).pw_name, silences
            console.wait("acked")
            # And it is ended from the list of silences.
            console.keys("S")
            console.wait("ACK")
            console.keys("x")
            console.wait("do it")
            console.keys("Enter")
            console.wait("Enter does not")  # alone it confirms nothing
            console.yes()
            console.wait("has ended")
            e2e.wait_for("the silence to expire", lambda: not [
                s for s in e2e.fetch_json(LAB.status()["alertmanager"] + "/api/v2/silences") if s["status"]["state"] == "active"])
    finally:
        LAB.fault("errors", False)
        LAB.wait_alert("WebErrorsHigh", "resolved")


def test_a_new_page_rings_once():
    with e2e.Console(config=LAB.config, size=(100, 30)) as console:
        console.wait(e2e.ALL_SOURCES, "OK")
        raw = os.path.join(console.folder, "raw")
        console.tmux("pipe-pane", "-t", ":0", f"cat >>{raw}")
        LAB.fault("errors")
        try:
            console.wait("WebErrorsHigh", "CRITICAL")
            def told():
                with open(raw, "rb") as file:
                    return file.read()
            said = e2e.wait_for("OSC 9", lambda: b"\x1b]9;" in told() and told())
            note = said.split(b"\x1b]9;", 1)[1].split(b"\a", 1)[0]
            assert note.startswith(b"opsconsole: lab: "), note
            LAB.wait_alert("ErrorBudgetBurnFast")
            console.wait("ErrorBudgetBurnFast")
            # One bell and one note for each page that is new: the symptom's, and its fast and its slow burn's.
            said = e2e.wait_for("as many bells as notes", lambda: (lambda said: said if said.count(b"\a") == 2 * said.count(b"\x1b]9;") else None)(told()))
            assert 1 <= said.count(b"\x1b]9;") <= 3, said.count(b"\x1b]9;")   # each note ends in a bell too
        finally:
            LAB.fault("errors", False)
            LAB.wait_alert("WebErrorsHigh", "resolved")


def test_read_only_refuses():
    LAB.fault("errors")
    try:
        with e2e.Console("--read-only", config=LAB.config, size=(120, 40)) as console:
            console.wait("WebErrorsHigh", "read-only")
            console.keys("2")
            console.keys("a")
            console.wait("read-only: nothing")
            active = [s for s in e2e.fetch_json(LAB.status()["alertmanager"] + "/api/v2/silences") if s["status"]["state"] == "active"]
            assert active == [], active
    finally:
        LAB.fault("errors", False)
        LAB.wait_alert("WebErrorsHigh", "resolved")


def test_past_is_told_from_now():
    with e2e.Console(config=LAB.config, size=(100, 30)) as console:
        console.wait(e2e.ALL_SOURCES, "live")
        console.type(":goto -20m")
        console.keys("Enter")
        console.wait("PAST", "not recorded", gone=["live"])
        console.keys("a")
        console.keys("=")
        console.wait("live", gone=["PAST"])


def test_resize_and_mistyped_commands():
    with e2e.Console(config=LAB.config, size=(80, 24)) as console:
        console.wait(e2e.ALL_SOURCES)
        console.resize(200, 50)
        console.wait("Metrics", "Sources")
        console.resize(30, 8)
        console.wait("LAB")
        console.resize(80, 24)
        console.wait(e2e.ALL_SOURCES)
        console.type(":alrets")
        console.keys("Enter")
        console.wait("did you mean 'alerts'?")
        console.type(":goto noon")
        console.keys("Enter")
        console.wait("not a time")


def test_signals_restore_the_terminal():
    for signo in (signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT):
        with e2e.Console(config=LAB.config) as console:
            console.wait(e2e.ALL_SOURCES)
            console.kill(signo)
            status = console.ended()
            assert status == 128 + signo or (e2e.SANITIZED and status != 0), status   # the sanitizer ends crashes its own way
            assert console.terminal_is_restored(), console.screen()


def test_a_terminal_that_does_not_drain_holds_nothing_up():
    """Ctrl-S stops the output; the console goes on polling, and shows the present when output resumes."""
    with e2e.Console(config=LAB.config, size=(100, 30)) as console:
        console.wait(e2e.ALL_SOURCES)
        console.keys("C-s")
        LAB.fault("slow")
        try:
            LAB.wait_alert("LatencyHigh")
            time.sleep(1)
            console.keys("C-q")
            console.wait("LatencyHigh")
            console.keys("q")
            assert console.ended() == 0
        finally:
            LAB.fault("slow", False)


if __name__ == "__main__":
    e2e.run_with(e2e.Lab, globals(), "LAB", [test_every_panel_at_both_sizes, test_first_paint_needs_no_answer, test_past_is_told_from_now, test_resize_and_mistyped_commands,
                 test_signals_restore_the_terminal, test_incident_silence_and_ack, test_a_new_page_rings_once,
                 test_read_only_refuses,
                 test_a_terminal_that_does_not_drain_holds_nothing_up])
