#!/usr/bin/env python3
"""--plain: the live console as lines, on the lab and on a server whose answers the test decides."""

import fcntl
import http.server
import json
import os
import re
import signal
import subprocess
import tempfile
import termios
import threading

import e2e

LAB = None
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  [a-z]+ +(begins|ends|now)? +\S+ +\S")
PAGES = re.compile(r"alert    (begins|ends  ) page     WebErrorsHigh: ")


def environment(folder, **more):
    """With an audit log and recordings of its own."""
    return e2e.environment(XDG_STATE_HOME=os.path.join(folder, "state"), **more)


class Plain:
    """opsconsole --plain at the other end of a pipe, and the lines that came."""

    def __init__(self, config, *argv, env=None):
        self.lines, self.came = [], threading.Condition()
        self.process = subprocess.Popen([e2e.PROGRAM, "--plain", "--deadline", "120", *argv, "--config", config], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env or e2e.environment(), text=True, encoding="utf-8", errors="strict")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait(e2e.PATIENCE_S)

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def opened(self):
        e2e.wait_for("how things stand", lambda: any(line.startswith("console  ") for line in self.lines))
        return self.lines[:next(i for i, line in enumerate(self.lines) if line.startswith("console  ")) + 1]

    def wait(self, pattern, after=0):
        """The first line behind the first ones that holds it."""
        try:
            return e2e.wait_for(pattern, lambda: next((line for line in self.lines[after:] if re.search(pattern, line)), None))
        except AssertionError as err:
            raise AssertionError(f"{err}\n" + "\n".join(self.lines)) from None

    def end(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        code = self.process.wait(e2e.PATIENCE_S)
        self.reader.join(e2e.PATIENCE_S)
        return code, self.process.stderr.read()


# --- the lab ------------------------------------------------------------------------------------------------------------------


def test_a_fault_is_told_and_its_end():
    with tempfile.TemporaryDirectory() as folder:
        env = environment(folder)
        with Plain(LAB.config, env=env) as plain:
            head = plain.opened()
            assert head[0].startswith("OPSCONSOLE ") and "|" not in head[0], head
            for word in ("slo", "model", "source", "hosts", "console"):
                assert any(line.startswith(word + " ") for line in head), (word, head)
            assert not any("WebErrorsHigh" in line for line in head), head
            LAB.fault("errors")
            began = plain.wait(r"alert    begins page     WebErrorsHigh: ")
            plain.wait(r"status   now    CRITICAL ")
            plain.wait(r"log      begins -        web: \d+ error lines in the last minute, ")
            LAB.fault("errors", False)
            plain.wait(r"alert    ends   page     WebErrorsHigh: resolved")
            code, err = plain.end()
            assert code == 0, err
        told = plain.lines[len(head):]
        assert all(LINE.match(line) for line in told), [line for line in told if not LINE.match(line)]
        assert not any("\x1b" in line for line in plain.lines)
        # It begins and ends by turns, however often it does: what goes on is not told again.
        turns = [m[1].strip() for m in map(PAGES.search, told) if m]
        assert turns == ["begins", "ends"] * (len(turns) // 2), turns
        # It was recorded as by any console, and a replay says the same.
        code, out, err = e2e.program("--replay", "type=alert", "--plain", config=LAB.config, env=env)
        assert code == 0 and began in out.split("\n"), (began, out, err)


# --- a server of our own -------------------------------------------------------------------------------------------------------


EVIL = "Evil\n2030-01-01T00:00:00Z  alert    begins page     Forged\x1b[2J\u202e"


def alert(name, summary):
    return {"labels": {"alertname": name, "severity": "page"}, "annotations": {"summary": summary}, "state": "firing", "activeAt": "2030-01-01T00:00:00Z", "value": "1"}


class Metrics:
    """A Prometheus with the alerts that it is given, which can go away and come back."""

    def __init__(self):
        self.alerts, self.server, self.port = [], None, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def answer(self, path):
        if path.endswith("/alerts"):
            return {"alerts": self.alerts}
        if path.endswith("/rules"):
            return {"groups": []}
        if path.endswith("/targets"):
            return {"activeTargets": [], "droppedTargets": []}
        if path.endswith("/buildinfo"):
            return {"version": "2.42.0", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}
        return {"resultType": "vector", "result": []}

    def start(self):
        metrics = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"status": "success", "data": metrics.answer(self.path.split("?")[0])}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.do_GET()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def config(self, folder):
        return e2e.config_file(folder, [f"name: metrics, type: prometheus, url: 'http://127.0.0.1:{self.port}', interval: 300ms"])


def test_a_source_that_goes_and_comes_back():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics, Plain(metrics.config(folder), env=environment(folder)) as plain:
        n = len(plain.opened())
        metrics.stop()
        plain.wait(r"source   begins unknown  metrics: no good answer any more", n)
        plain.wait(r"status   now    UNKNOWN  ", n)
        metrics.start()
        plain.wait(r"source   ends   -        metrics: answers again", n)
        plain.wait(r"status   now    OK       no alert fires", n)
        assert plain.end()[0] == 0


def test_hostile_texts_stay_in_their_line():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics, Plain(metrics.config(folder), env=environment(folder)) as plain:
        n = len(plain.opened())
        metrics.alerts = [alert(EVIL, "a\r\nb\x07 " + "x" * 20000)]
        plain.wait(r"alert    begins page     Evil\\n2030", n)
        metrics.alerts = []
        plain.wait(r"alert    ends   page     Evil\\n2030", n)
        assert plain.end()[0] == 0
        told = plain.lines[n:]
        assert all(LINE.match(line) for line in told), told
        assert not any(line.startswith("2030-01-01T00:00:00Z  alert    begins page     Forged") for line in told), told
        assert not any(ord(c) < 0x20 or c in "\x7f\u202e" for line in plain.lines for c in line), told
        assert max(len(line) for line in told) < 4000, told


# --- its ends ---------------------------------------------------------------------------------------------------------------------


def test_signals_end_it_with_0():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics:
        for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with Plain(metrics.config(folder), env=environment(folder)) as plain:
                plain.opened()
                code, err = plain.end(signo)
                assert code == 0 and err == "opsconsole: asking the sources of environment test\n", (signo, code, err)


def test_a_closed_pipe_ends_it_quietly():
    """Before anything else happens, too."""
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics:
        with subprocess.Popen([e2e.PROGRAM, "--plain", "--deadline", "120", "--config", metrics.config(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment(folder), text=True) as process:
            first = process.stdout.readline()
            process.stdout.close()
            code, err = process.wait(e2e.PATIENCE_S), process.stderr.read()
        assert first.startswith("OPSCONSOLE OK") and code == 0 and err == "opsconsole: asking the sources of environment test\n", (first, code, err)


def test_a_reader_that_does_not_read_holds_nothing_up():
    """The pipe is full, and yet it hears the signal."""
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics:
        read_end, write_end = os.pipe()
        size = fcntl.fcntl(write_end, 1031, 4096)   # F_SETPIPE_SZ
        with subprocess.Popen([e2e.PROGRAM, "--plain", "--watch", "100ms", "--config", metrics.config(folder)], stdin=subprocess.DEVNULL, stdout=write_end,
                              stderr=subprocess.DEVNULL, env=environment(folder)) as process:
            os.close(write_end)

            def waiting():
                held = bytearray(4)
                fcntl.ioctl(read_end, termios.FIONREAD, held)
                return int.from_bytes(held, "little")
            e2e.wait_for("a pipe that is full", lambda: waiting() > size - 200)
            process.terminate()
            code = process.wait(e2e.PATIENCE_S)
        text = b""
        while chunk := os.read(read_end, 65536):
            text += chunk
        os.close(read_end)
        assert code == 0 and b"  status   now    OK       no alert fires\n" in text, (code, text)


def test_a_full_disk_is_an_error():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics, open("/dev/full", "wb") as full:
        done = subprocess.run([e2e.PROGRAM, "--plain", "--config", metrics.config(folder)], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
                              env=environment(folder), check=False, timeout=e2e.PATIENCE_S)
        assert done.returncode == 1 and "cannot be written any more: No space left" in done.stderr, done


# --- what can be asked of it ----------------------------------------------------------------------------------------------------------


def test_a_heartbeat_only_if_asked():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics:
        with Plain(metrics.config(folder), "--read-only", "--watch", "200ms", env=environment(folder)) as plain:
            head = plain.opened()
            assert head[-1] == "console  read-only: --read-only was given; recorded", head
            e2e.wait_for("three heartbeats", lambda: len(plain.lines) >= len(head) + 3)
            assert plain.end()[0] == 0
            assert all(line.endswith("  status   now    OK       no alert fires") for line in plain.lines[len(head):]), plain.lines


def test_commands_and_a_note_at_a_terminal():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics:
        env, config = environment(folder), metrics.config(folder)
        with e2e.Console("--plain", "--read-only", "--deadline", "120", size=(160, 50), config=config, env=env) as console:
            console.wait("help lists the commands")
            console.type("alertz\n")
            console.wait("no such command; did you mean alerts?")
            console.type("alerts\n")
            console.wait("no alert fires, none is pending")
            console.type("note the \x1b[2J new model is to blame\n")
            console.wait(re.compile(r"note            -        the .* new model is to blame  by"))
            console.type("note\n")
            console.wait("a note needs some words")
            console.type("quit\n")
            assert console.ended() == 0
            assert console.terminal_is_restored()
        code, out, err = e2e.program("--log", "type=note", "--json", config=config, env=env)
        notes = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and len(notes) == 1 and notes[0]["text"].endswith("new model is to blame"), (out, err)
        assert e2e.program("--verify", config=config, env=env)[0] == 0


def test_who_has_no_terminal_is_told():
    with tempfile.TemporaryDirectory() as folder, Metrics() as metrics:
        config = metrics.config(folder)
        done = subprocess.run([e2e.PROGRAM, "--config", config], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(folder, TERM="dumb"),
                              check=False, timeout=e2e.PATIENCE_S, start_new_session=True)
        assert done.returncode == 2 and done.stdout == "" and "--plain" in done.stderr, done
        for words, what in ((["--watch", "5"], "--watch goes with"), (["--deadline", "5"], "--deadline goes with"), (["--plain", "--status"], "--plain goes with"),
                            (["--plain", "--json"], "--json goes with")):
            code, out, err = e2e.program(*words, config=config)
            assert code in (2, 3) and out == "" and what in err, (words, code, out, err)


if __name__ == "__main__":
    e2e.run_with(e2e.Lab, globals(), "LAB", [test_a_fault_is_told_and_its_end, test_a_source_that_goes_and_comes_back, test_hostile_texts_stay_in_their_line,
                 test_signals_end_it_with_0, test_a_closed_pipe_ends_it_quietly, test_a_reader_that_does_not_read_holds_nothing_up, test_a_full_disk_is_an_error,
                 test_a_heartbeat_only_if_asked, test_commands_and_a_note_at_a_terminal, test_who_has_no_terminal_is_told])
