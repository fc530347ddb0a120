#!/usr/bin/env python3
"""Lines of logs: what the lab's services wrote, and a journal behind Debian's systemd-journal-gatewayd, against what the program says of them."""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import e2e

LAB = None
BOOT = "0123456789abcdef0123456789abcdef"


def status_json(config):
    code, out, err = e2e.program("--status", "--json", config=config)
    assert err == "", err
    return code, json.loads(out)


def services(answer):
    return {s["service"]: (s["errors"], s["lines"]) for s in answer["logs"]["services"]}


def written(lab, service, level=None):
    """How many lines the lab says that it has written."""
    return sum(n for key, n in lab.status()["lines"].items() if key.split(" ")[0] == service and level in (None, key.split(" ")[1]))


# --- the lab ---------------------------------------------------------------------------------------------------------------


def test_status_counts_what_was_written():
    LAB.fault("errors")
    e2e.wait_for("errors in the lab's lines", lambda: written(LAB, "web", "error") > 40)
    LAB.fault("errors", False)
    # Seen between two looks at what the lab has written; it goes on writing.
    before = {s: (written(LAB, s, "error"), written(LAB, s)) for s in ("web", "spam-filter", "ranker")}
    _, answer = status_json(LAB.config)
    after = {s: (written(LAB, s, "error"), written(LAB, s)) for s in before}
    seen = services(answer)
    for service, (errors, lines) in before.items():
        assert errors <= seen[service][0] <= after[service][0], (service, before, seen, after)
        assert lines <= seen[service][1] <= after[service][1], (service, before, seen, after)
    source = next(s for s in answer["sources"] if s["name"] == "loki")
    assert source["state"] == "ok", source


def test_status_counts_what_a_page_does_not_hold():
    """Loki counts where a page of ten lines is not all of them, and the journal is read; as both may have the same lines, the most of one is the least, and that is said."""
    config = LAB.config + ".small.yaml"
    with open(LAB.config, encoding="utf-8") as whole, open(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as small:
        small.write(whole.read().replace("      late: 5s\n", "      late: 5s\n      page: 10\n"))
    before = {s: (written(LAB, s, "error"), written(LAB, s)) for s in ("web", "spam-filter", "ranker")}
    _, answer = status_json(config)
    after = {s: (written(LAB, s, "error"), written(LAB, s)) for s in before}
    seen = services(answer)
    assert answer["logs"]["least"], answer["logs"]
    assert before["ranker"][1] <= seen["ranker"][1] <= after["ranker"][1], (before, seen, after)    # it writes to Loki only
    for service, (errors, lines) in after.items():
        assert seen[service][0] <= errors and 30 < seen[service][1] <= lines, (service, before, seen, after)
    assert seen["web"][0] > 10, seen


def test_console_shows_and_filters_lines():
    with e2e.Console(config=LAB.config, size=(140, 40)) as console:
        console.wait("blog-platform")
        console.keys("L")
        console.wait("ranked", "scored post")
        console.type("/index out of range")
        console.keys("Enter")
        console.wait("index out of range", gone=("ranked ", "scored post"))


def test_tab_completes_with_what_the_store_knows():
    with e2e.Console(config=LAB.config, size=(140, 40)) as console:
        console.wait("blog-platform")
        console.keys("L")
        console.wait("ranked", "scored post")
        console.type('/loki: {app="ranker",le')
        console.keys("Tab")
        # No line that is held tells what a selector leaves: the store is asked.
        console.wait("1 known: level")
        console.keys("Tab")
        console.wait('/loki: {app="ranker",level="')
        console.type("inf")
        console.keys("Tab")
        console.wait("1 known: info")
        console.keys("Tab")
        console.wait('/loki: {app="ranker",level="info"')


# --- a journal --------------------------------------------------------------------------------------------------------------


def find(name):
    tree = os.environ.get("OPSLAB_SERVERS")
    places = [f"{tree}/lib/systemd/{name}", f"{tree}/usr/lib/systemd/{name}"] if tree else []
    path = next((p for p in [*places, f"/usr/lib/systemd/{name}", f"/lib/systemd/{name}"] if os.access(p, os.X_OK)), None)
    if path is None:
        raise e2e.Skip(f"{name} is not there (tests/lab/fetch-servers gets it)")
    return path


class Journal:
    """A journal of our own, and the gateway that serves it."""

    def __enter__(self):
        self.remote, gateway = find("systemd-journal-remote"), find("systemd-journal-gatewayd")
        self.folder = tempfile.mkdtemp(prefix="opsconsole-journal-")
        tree = os.environ.get("OPSLAB_SERVERS", "")
        libraries = ":".join(glob.glob(f"{tree}/usr/lib/*-linux-*") + glob.glob(f"{tree}/lib/*-linux-*") + glob.glob(f"{tree}/*/lib/*-linux-*/systemd") +
                             glob.glob(f"{tree}/lib/*-linux-*/systemd")) if tree else ""
        self.env = {**os.environ, **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
        os.mkdir(f"{self.folder}/j")
        self.n = 0
        self.writer = subprocess.Popen([self.remote, "-o", f"{self.folder}/j/system.journal", "--split-mode=none", "-"], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)
        self.write("the first entry", priority=6)
        e2e.wait_for("the journal", lambda: os.path.exists(f"{self.folder}/j/system.journal"))
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        self.port = listener.getsockname()[1]
        # As systemd does: the socket is descriptor 3, and LISTEN_PID names who may take it.
        start = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
                 " os.execv(sys.argv[2], sys.argv[2:])")
        self.gateway = subprocess.Popen([sys.executable, "-c", start, str(listener.fileno()), gateway, "-D", f"{self.folder}/j"], pass_fds=[listener.fileno()],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)
        listener.close()
        self.config = e2e.config_file(self.folder, [f"name: journal, type: journald, url: 'http://127.0.0.1:{self.port}', interval: 500ms"],
                                      "    logs: { streams: [{ name: all, source: journal }], late: 5s }\n")
        return self

    def __exit__(self, *exc):
        self.writer.stdin.close()
        for process in (self.writer, self.gateway):
            process.kill()
            process.wait(e2e.PATIENCE_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, text, priority=6, unit="web.service"):
        self.n += 1
        us = time.time_ns() // 1000
        message = text if isinstance(text, bytes) else text.encode()
        fields = [b"__REALTIME_TIMESTAMP=%d" % us, b"__MONOTONIC_TIMESTAMP=%d" % (10**6 * self.n), b"_BOOT_ID=" + BOOT.encode(), b"PRIORITY=%d" % priority,
                  b"_SYSTEMD_UNIT=" + unit.encode(), b"SYSLOG_IDENTIFIER=" + unit.split(".")[0].encode(), b"_HOSTNAME=web-1",
                  b"MESSAGE\n" + len(message).to_bytes(8, "little") + message]
        self.writer.stdin.write(b"\n".join(fields) + b"\n\n")
        self.writer.stdin.flush()


def test_journal_is_counted_by_service():
    with Journal() as journal:
        for i in range(30):
            journal.write(f"request {i} failed", priority=3 if i % 3 == 0 else 6, unit="nginx.service" if i % 2 else "web.service")
        def counted():
            _, answer = status_json(journal.config)
            found = services(answer)
            return found if sum(n for _, n in found.values()) == 31 else None
        assert e2e.wait_for("31 entries", counted) == {"web": (5, 16), "nginx": (5, 15)}


def test_journal_is_counted_beyond_a_page():
    with Journal() as journal:
        for i in range(40):
            journal.write(f"request {i} failed", priority=3 if i % 4 == 0 else 6)
        journal.write("large " + "y" * 70000, priority=3)
        with open(journal.config, encoding="utf-8") as whole:
            text = whole.read()
        with open(journal.config, "w", encoding="utf-8") as small:
            small.write(text.replace("late: 5s", "late: 5s, page: 10"))

        def counted():
            _, answer = status_json(journal.config)
            return answer["logs"] if services(answer).get("web", (0, 0))[1] == 42 else None
        logs = e2e.wait_for("42 entries", counted)
        assert not logs["least"] and services({"logs": logs})["web"] == (11, 42), logs


def test_journal_is_followed():
    with Journal() as journal, e2e.Console(config=journal.config, size=(120, 30)) as console:
        console.wait("e2e")
        console.keys("L")
        console.wait("the first entry")
        journal.write("a second one")
        console.wait("the first entry", "a second one")
        # More than the gateway tells as JSON, and bytes that are no text.
        journal.write("large " + "y" * 70000)
        journal.write(b"an escape \x1b[31m and \xff\x00 bytes")
        console.wait("large yyyyyy", "an escape")
        assert "\x1b[31m" not in console.screen()
        # It comes back with what was written meanwhile.
        journal.gateway.send_signal(signal.SIGSTOP)
        journal.write("while it did not answer")
        time.sleep(1)
        journal.gateway.send_signal(signal.SIGCONT)
        console.wait("while it did not answer")


if __name__ == "__main__":
    e2e.run_with(e2e.Lab, globals(), "LAB", [test_status_counts_what_was_written, test_status_counts_what_a_page_does_not_hold,
                                             test_console_shows_and_filters_lines, test_tab_completes_with_what_the_store_knows,
                                             test_journal_is_counted_by_service, test_journal_is_counted_beyond_a_page,
                                             test_journal_is_followed])
