#!/usr/bin/env python3
"""Runbooks over real connections: hosts behind hosts, keys that are not what they were, lines that are cut, more output than fits."""

import hashlib
import json
import os
import re
import resource
import socket
import subprocess
import threading

import e2e
import operation
from operation import SERVING, SLEEP, Wire, cells

LAB = None
SAY = """danger: low
hosts: { group: serving }
steps:
  - { name: say, scope: host, ssh: { run: [printf, '%s', 'a b'] } }
"""


class Operator(operation.Operator):
    def __init__(self):
        super().__init__(LAB)


def logins(host):
    with open(os.path.join(LAB.folder, "logs", f"sshd-{host}.log"), encoding="utf-8") as file:
        return file.read().count("Accepted publickey")


def address(host):
    return LAB.status()["ssh"][host]


# --- ways to a host -----------------------------------------------------------------------------------------------------------

def test_through_other_hosts():
    with Operator() as op:
        op.runbook("say", SAY)
        for more, transport in (("", ""), ("transport: openssh", "openssh")):
            op.ssh_config("Host serving-*\n\tProxyJump web-01,web-02\n\n", more=more)
            before = [logins(host) for host in ("web-01", "web-02", "serving-01")]
            code, events, summary = op.runbook_json("say", "--yes")
            assert code == 0, (more, code, summary)
            assert [e["text"] for e in events if e["event"] == "output"] == ["a b"] * 3
            assert all(step["transport"].startswith(transport) and (transport or step["transport"] == "") for step in cells(summary, "say").values()), summary
            after = [logins(host) for host in ("web-01", "web-02", "serving-01")]
            assert all(b > a for a, b in zip(before, after)), (more, before, after)
        op.check_log()


def test_a_host_that_may_not_be_jumped_through():
    with Operator() as op:
        op.runbook("say", SAY)
        op.ssh_config("Host serving-01\n\tProxyJump web-03\n\n")
        code, out, err = op.run("--runbook", "say", "--yes", "--limit", "serving-01")
        assert code == 3, (code, out, err)
        assert "web-03" in out + err, (out, err)
        op.ssh_config("Host serving-01\n\tProxyJump nobody@web-01\n\n")
        code, out, err = op.run("--runbook", "say", "--yes", "--limit", "serving-01")
        assert code == 3 and "web-01" in out + err, (code, out, err)
        op.check_log()


def test_what_libssh2_cannot_do_goes_the_other_way():
    with Operator() as op:
        op.runbook("say", SAY)
        op.ssh_config("Host serving-01\n\tCiphers aes256-gcm@openssh.com\n\n")
        code, events, summary = op.runbook_json("say", "--yes")
        assert code == 0, (code, summary)
        transports = {host: step["transport"] for host, step in cells(summary, "say").items()}
        assert "iphers" in transports["serving-01"] or "aes256-gcm" in transports["serving-01"], transports
        assert transports["serving-02"] == "", transports
        op.ssh_config("Host serving-01\n\tCiphers aes256-gcm@openssh.com\n\n", more="transport: libssh2")
        code, out, err = op.run("--runbook", "say", "--yes", "--limit", "serving-01")
        assert code == 3 and "iphers" in out + err, (code, out, err)


# --- host keys ------------------------------------------------------------------------------------------------------------------

def known_hosts(op, change):
    """An ssh config whose known_hosts is the lab's, changed."""
    lab = os.path.join(LAB.folder, "ssh", "known_hosts")
    path = os.path.join(op.folder, "known_hosts")
    with open(lab, encoding="ascii") as file, open(path, "w", encoding="ascii") as out:
        out.write(change(file.read().splitlines(keepends=True)))
    op.ssh_config("", (lab, path))
    return path


def key_line(lines, host):
    return next(i for i, line in enumerate(lines) if f",{host} " in line)


def test_host_keys():
    keys = os.path.join(LAB.folder, "ssh")
    is_now = operation.fingerprint(f"{keys}/serving-01.key.pub")
    was = operation.fingerprint(f"{keys}/web-01.key.pub")

    def forgotten(lines):
        return "".join(line for line in lines if ",serving-01 " not in line)

    def changed(lines):
        i = key_line(lines, "serving-01")
        lines[i] = lines[i].split(" ")[0] + " " + lines[key_line(lines, "web-01")].split(" ", 1)[1]
        return "".join(lines)

    def revoked(lines):
        return "".join(lines) + "@revoked * " + lines[key_line(lines, "serving-01")].split(" ", 1)[1]

    with Operator() as op:
        op.runbook("say", SAY)
        for change, words in ((forgotten, ("not known", is_now, "ssh -o StrictHostKeyChecking=ask -F ", " serving-01 (with")), (changed, ("HAS CHANGED", was, is_now)), (revoked, ("IS REVOKED", is_now))):
            path = known_hosts(op, change)
            before = logins("serving-01")
            code, out, err = op.run("--runbook", "say", "--yes", "--limit", "serving-01")
            assert code == 3, (change.__name__, code, out, err)
            for word in words:
                assert word in out + err, (change.__name__, word, out, err)
            if change is not forgotten:
                assert re.search(re.escape(path) + r":\d+", out + err), (change.__name__, out, err)
            assert logins("serving-01") == before, "not even a login"
            with open(path, encoding="ascii") as file:
                assert file.read().count("\n") >= 5, "nothing is learned by itself"
            # One bad host of three: none is begun, for none may fail.
            code, events, summary = op.runbook_json("say", "--yes")
            assert code in (1, 3), (code, summary)
            assert cells(summary, "say")["serving-01"]["outcome"] == "FAILED", summary
        op.check_log()


# --- hosts that do not answer ----------------------------------------------------------------------------------------------------

class Mute:
    """Accepts, says this much, and nothing more."""

    def __init__(self, says):
        self.says = says
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.held = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                near.sendall(self.says)
                self.held.append(near)
            except OSError:
                return

    def close(self):
        self.listener.close()
        for near in self.held:
            near.close()


def test_hangs_before_the_login():
    with Operator() as op:
        op.runbook("say", SAY)
        for says in (b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-1.5-old\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(4096), b"\x00" * 65536):
            mute = Mute(says)
            op.ssh_config(f"Host serving-02\n\tHostName 127.0.0.1\n\tPort {mute.port}\n\tHostKeyAlias serving-02\n\n", more="connect_timeout: 1s")
            code, out, err = op.run("--runbook", "say", "--yes", "--limit", "serving-02")
            mute.close()
            assert code == 3, (says[:20], code, out, err)
            assert "serving-02" in out + err, (says[:20], out, err)
        op.check_log()


# --- lines that are cut --------------------------------------------------------------------------------------------------------------

CUT = f"""danger: low
hosts: {{ group: serving }}
steps:
  - name: work
    scope: host
    ssh: {{ script: 'touch begun; {SLEEP}; echo x >>done-times', timeout: 15s }}
"""


def begun(host):
    return os.path.exists(operation.host_file(LAB, host, "begun"))


def clean():
    operation.forget(LAB, "begun", "done-times", "awake")


def test_a_cut_line_is_settled():
    with Operator() as op, Wire(address("serving-01")) as wire:
        clean()
        op.runbook("cut", CUT.replace("15s", "2m"))
        op.ssh_config(wire.block("serving-01"))
        run = op.start("--runbook", "cut", "--yes", "--json", "--limit", "serving-01")
        e2e.wait_for("the work to begin", lambda: begun("serving-01"))
        wire.cut()
        operation.wake(LAB)
        out, err = run.communicate(timeout=e2e.PATIENCE_S)
        summary = json.loads(out.splitlines()[-1])
        assert run.returncode == 0, (run.returncode, summary, err)
        assert cells(summary, "work")["serving-01"]["outcome"] == "OK", summary
        assert cells(summary, "work")["serving-01"]["attempt"] == 1, "it was found out, not done again"
        assert operation.times(LAB, "done-times")["serving-01"] == 1
        records, _, results = op.check_log()
        assert [r["outcome"] for r in results] == ["OK"], results


def test_a_host_that_goes_away_stays_unknown():
    with Operator() as op, Wire(address("serving-01")) as wire:
        clean()
        op.runbook("cut", CUT)
        op.ssh_config(wire.block("serving-01"), more="connect_timeout: 20s")
        run = op.start("--runbook", "cut", "--yes", "--json", "--limit", "serving-0[1-2]")
        e2e.wait_for("the work to begin", lambda: begun("serving-01"))
        wire.gone()
        operation.wake(LAB)
        out, err = run.communicate(timeout=e2e.PATIENCE_S)
        summary = json.loads(out.splitlines()[-1])
        assert run.returncode == 5, (run.returncode, summary, err)
        assert cells(summary, "work")["serving-01"]["outcome"] == "UNKNOWN", summary
        assert cells(summary, "work")["serving-02"]["outcome"] == "OK", summary
        assert "unknown" in summary["text"], summary
        _, _, results = op.check_log()
        assert sorted(r["outcome"] for r in results) == ["OK", "UNKNOWN"], results
        # It is back: going on with the run finds out, and does nothing twice.
        op.config = LAB.config
        code, events, summary = op.runbook_json("cut", "--yes", "--limit", "serving-0[1-2]", "--resume", op.run_id())
        assert code == 0, (code, summary)
        assert cells(summary, "work")["serving-01"]["outcome"] == "OK", summary
        assert operation.times(LAB, "done-times") == {"serving-01": 1, "serving-02": 1, "serving-03": 0}


def descendants(pid):
    """Process ids below pid."""
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.splitlines()
    below, parents = [], {pid}
    while True:
        more = [int(p) for p, parent in (line.split() for line in lines) if int(parent) in parents and int(p) not in below]
        if not more:
            return below
        below += more
        parents = set(more)


def test_kill_9_of_the_servers_session():
    with Operator() as op:
        clean()
        op.runbook("cut", CUT.replace("15s", "6s"))     # it is over before this, or found out behind it
        run = op.start("--runbook", "cut", "--yes", "--json", "--limit", "serving-01")
        e2e.wait_for("the work to begin", lambda: begun("serving-01"))
        with open(os.path.join(LAB.folder, "pids.json"), encoding="ascii") as file:
            server = json.load(file)["sshd-serving-01"]
        server = server["pid"] if isinstance(server, dict) else server
        # The session, the supervisor on the host and what it ran: nobody is left who could note the end.
        for pid in descendants(server):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        out, err = run.communicate(timeout=e2e.PATIENCE_S)
        summary = json.loads(out.splitlines()[-1])
        work = cells(summary, "work")["serving-01"]
        assert (run.returncode, work["outcome"]) in ((5, "UNKNOWN"), (1, "FAILED")), (summary, err)
        assert operation.times(LAB, "done-times")["serving-01"] == 0
        op.check_log()


# --- output ---------------------------------------------------------------------------------------------------------------------------

MUCH = 10 * 1024 * 1024


def test_10_MB_of_output():
    with Operator() as op:
        op.runbook("much", f"""danger: low
hosts: {{ group: serving }}
steps:
  - name: much
    scope: host
    ssh: {{ script: 'head -c {MUCH} /dev/zero | tr "\\0" x; head -c {MUCH} /dev/zero | tr "\\0" y >&2; exit 7' }}
""")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        code, events, summary = op.runbook_json("much", "--yes")
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert code == 1 and "exit 7" in cells(summary, "much")["serving-01"]["text"], (code, summary)
        for stream in ("stdout", "stderr"):
            for host in SERVING:
                said = sum(len(e["text"]) for e in events if e["event"] == "output" and e["stream"] == stream and e["host"] == host)
                assert said == MUCH, (stream, host, said)
        _, _, results = op.check_log()
        assert len(results) == 3
        for result in results:
            assert (result["out_bytes"], result["err_bytes"], result["status"]) == (MUCH, MUCH, 7), result
            assert result["out_sha256"] == hashlib.sha256(b"x" * MUCH).hexdigest()
            assert result["err_sha256"] == hashlib.sha256(b"y" * MUCH).hexdigest()
            assert len(json.dumps(result)) < 64 * 1024, "the record keeps the head, not all of it"
        assert e2e.SANITIZED or after < max(before, 40 * 1024) + 40 * 1024, f"{after} KiB for {6 * MUCH >> 10} KiB of output"


if __name__ == "__main__":
    e2e.run_with(lambda: e2e.Lab("--need", "ssh"), globals(), "LAB", [
        test_through_other_hosts, test_a_host_that_may_not_be_jumped_through, test_what_libssh2_cannot_do_goes_the_other_way, test_host_keys,
        test_hangs_before_the_login, test_a_cut_line_is_settled, test_a_host_that_goes_away_stays_unknown, test_kill_9_of_the_servers_session,
        test_10_MB_of_output])
