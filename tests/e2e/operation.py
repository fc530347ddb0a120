"""What the tests of runbooks share: somebody with a config, runbooks, an ssh config and an audit log of their own; hosts behind a wire that can be cut."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import e2e

SERVING = ("serving-01", "serving-02", "serving-03")


PLANNED = re.compile(r"▸ plan\b")   # on the screen: it can be confirmed; "planning" cannot yet


class Summary(dict):
    """The last thing a run tells. Where a test fails, what decides stands at the end."""

    def __repr__(self):
        facts = [f"  {fact['name']}: {fact['outcome']} {fact['text']}" for fact in self.get("facts", [])]
        rows = [f"  {row['host']} {step['name']}: {step['outcome']} {step['text']}" for row in self.get("rows", []) for step in row["steps"]]
        return "\n" + "\n".join([*facts, *rows, f"  {self.get('text')}"]) + "\n"


class Events(list):
    """All that a run tells, and what of it is worth reading where a test fails: in the order in which it came, a line each."""

    def __repr__(self):
        told = [e for e in self if e.get("event") != "summary"]
        lines = [" ".join(str(e[key])[:200] for key in ("time", "event", "host", "name", "outcome", "text") if e.get(key)) for e in told]
        return "\n" + "\n".join(lines[-40:]) + "\n"


def is_pending(pid, signo):
    """Sent, and not taken yet."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
            masks = [int(line.split()[1], 16) for line in status if line.startswith(("SigPnd:", "ShdPnd:"))]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return any(mask >> (signo - 1) & 1 for mask in masks)


def interrupt(process):
    """A Ctrl-C that was taken: of two that come at once only one would be."""
    process.send_signal(signal.SIGINT)
    e2e.wait_for("the signal to be taken", lambda: process.poll() is not None or not is_pending(process.pid, signal.SIGINT))


class Operator:
    """Somebody with a config, runbooks and an audit log of their own."""

    def __init__(self, lab):
        self.lab = lab
        self.folder = tempfile.mkdtemp(prefix="opsconsole-operator-")
        self.state = os.path.join(self.folder, "state")
        self.env = e2e.environment(XDG_STATE_HOME=self.state, XDG_CONFIG_HOME=os.path.join(self.folder, "config"))
        self.config = lab.config

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for folder, _, _ in os.walk(self.folder):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.folder, ignore_errors=True)

    def runbook(self, name, text):
        """A runbook of this operator's own."""
        folder = os.path.join(self.folder, "config", "opsconsole", "runbooks")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, name + ".yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"apiVersion: opsconsole/v1\nkind: Runbook\nname: {name}\ntitle: a test\n{text}")
        os.chmod(path, 0o600)

    def with_config(self, *changes, more=""):
        """The lab's config with texts replaced, and more of it at the end."""
        with open(self.lab.config, encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.config = os.path.join(self.folder, "opsconsole.yaml")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(text + more)
        os.chmod(self.config, 0o600)

    def run(self, *argv, stdin=subprocess.DEVNULL):
        return e2e.program(*argv, config=self.config, env=self.env, stdin=stdin)

    def runbook_json(self, name, *argv):
        """(exit status, events, summary)"""
        code, out, err = self.run("--runbook", name, "--json", *argv)
        events = Events(json.loads(line) for line in out.splitlines())
        assert events, (code, err)
        return code, events, Summary(events[-1])

    def start(self, *argv, **more):
        return subprocess.Popen([e2e.PROGRAM, *e2e.patient(argv, self.config)], env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def log(self, *filters):
        code, out, err = self.run("--log", "--json", *filters)
        assert code in (0, 1), (code, err)
        return [json.loads(line) for line in out.splitlines()]

    def deeds(self):
        """The log without what the flight recorder tells between and behind the rest."""
        return self.log("not type=chunk,recording")

    def check_log(self):
        """Whole, anchored, and no result without its intent."""
        if not os.path.exists(os.path.join(self.state, "opsconsole", "audit")):
            return [], {}, []   # refused while it was planned: nothing was done
        code, out, err = self.run("--verify")
        assert code == 0, (code, out, err)
        records = self.deeds()
        intents = {r["seq"]: r for r in records if r["type"] == "intent"}
        results = [r for r in records if r["type"] == "result"]
        for result in results:
            assert result["intent"] in intents and result["intent"] < result["seq"], result
        return records, intents, results

    def ssh_config(self, before="", *changes, more=""):
        """The lab's hosts reached by an ssh config of this operator's own: lines before, texts replaced; more goes into the console's ssh: { }."""
        path = os.path.join(self.folder, "ssh_config")
        with open(self.lab.status()["ssh_config"], encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        with open(path, "w", encoding="utf-8") as out:
            out.write(before + text)
        self.with_config((f"ssh: {{ config: '{self.lab.status()['ssh_config']}' }}", f"ssh: {{ config: '{path}'{', ' if more else ''}{more} }}"))
        return path

    def run_id(self):
        """Of the newest run that was begun."""
        return self.log("type=run-start")[-1]["run"]

    def intents(self):
        return self.log("type=intent")


class Wire:
    """Carries bytes to a host until it is cut."""

    def __init__(self, to):
        host, _, port = to.rpartition(":")
        self.to = (host, int(port))
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.gone()

    def block(self, host):
        """For an ssh config: this host is reached through here."""
        return f"Host {host}\n\tHostName 127.0.0.1\n\tPort {self.port}\n\tHostKeyAlias {host}\n\n"

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.to)
            except OSError:
                return
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    @staticmethod
    def _carry(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """What is connected ends; new connections are made."""
        pairs, self.pairs = self.pairs, []
        for near, far in pairs:
            for end in (near, far):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def gone(self):
        """And no more connections."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut()


def cells(summary, name):
    return {row["host"]: step for row in summary["rows"] for step in row["steps"] if step["name"] == name}


def on_host(lab, host, command):
    return subprocess.run(["ssh", "-F", lab.status()["ssh_config"], host, command], capture_output=True, text=True, check=True).stdout


def host_file(lab, host, name):
    """A file in the home of the lab's account on a host."""
    return os.path.join(lab.folder, "hosts", host, name)


def times(lab, name):
    """How often each host has written an x to a file."""
    counts = {}
    for host in SERVING:
        try:
            with open(host_file(lab, host, name), encoding="utf-8") as file:
                counts[host] = file.read().count("x")
        except FileNotFoundError:
            counts[host] = 0
    return counts


# For a script on a host: it goes on when the test says so, however long that takes.
SLEEP = "until [ -e awake ]; do sleep 0.1; done"


def wake(lab):
    for host in SERVING:
        with open(host_file(lab, host, "awake"), "w", encoding="ascii"):
            pass


def forget(lab, *names):
    for host in SERVING:
        for name in names:
            if os.path.exists(host_file(lab, host, name)):
                os.unlink(host_file(lab, host, name))


def fingerprint(path):
    """SHA256:... of a public key file."""
    out = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"SHA256:\S+", out)[0]
