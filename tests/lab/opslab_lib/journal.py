"""The hosts' journals, sent together behind a real gateway: systemd-journal-remote writes it, systemd-journal-gatewayd serves it, lines.py says what is in it.

Neither needs root, systemd, or the machine's own journal. The gateway takes its socket as systemd passes one: as descriptor 3, with LISTEN_PID to name who may.
"""

import os
import socket
import subprocess
import sys

from .process import Child

PROGRAMS = ("systemd-journal-remote", "systemd-journal-gatewayd")
FOLDERS = ("lib/systemd", "usr/lib/systemd")  # in the tree, then in /
BOOT = "0b10600000004000800000000000ab10"
PRIORITY = {"error": 3, "warn": 4, "info": 6, "debug": 7}
_START = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
          " os.execv(sys.argv[2], sys.argv[2:])")


def find(servers, name):
    """Its path in the unpacked tree or on this machine; None: it is not there."""
    folders = [servers.file(folder) for folder in FOLDERS] if servers.tree else []
    paths = (os.path.join(folder, name) for folder in [*folders, *("/" + folder for folder in FOLDERS)])
    return next((path for path in paths if os.access(path, os.X_OK) and _runs(servers, path)), None)


def _runs(servers, path):
    """Its libraries are there, too."""
    return subprocess.run([path, "--version"], env=servers.environment(path), capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0


def entry(labels, ns, line, n):
    """One entry in the journal's export format, made of what a Writer pushes."""
    message = line.encode()
    fields = [b"__REALTIME_TIMESTAMP=%d" % (ns // 1000), b"__MONOTONIC_TIMESTAMP=%d" % n, b"_BOOT_ID=" + BOOT.encode(),
              b"PRIORITY=%d" % PRIORITY.get(labels["level"], 6), b"_SYSTEMD_UNIT=%s.service" % labels["app"].encode(),
              b"SYSLOG_IDENTIFIER=" + labels["app"].encode(), b"_HOSTNAME=" + labels["host"].encode(), b"_TRANSPORT=stdout",
              b"MESSAGE\n" + len(message).to_bytes(8, "little") + message]
    return b"\n".join(fields) + b"\n\n"


class Journal:
    """Its two processes, and push() for a lines.Writer."""

    def __init__(self, state, servers, port):
        self.state, self.servers, self.port = state, servers, port
        self.programs = {name: find(servers, name) for name in PROGRAMS}
        self.n = 0
        self._pipe = None

    def missing(self):
        return [name for name, path in self.programs.items() if path is None]

    def start(self):
        """The children."""
        folder = self.state.file("journal")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        read_end, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        remote, gateway = (self.programs[name] for name in PROGRAMS)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen(64)
            children = [
                self._child("journal-writer", remote, [remote, "-o", os.path.join(folder, "system.journal"), "--split-mode=none", "-"], stdin=read_end),
                self._child("journal-gateway", gateway, [sys.executable, "-c", _START, str(listener.fileno()), gateway, "-D", folder],
                            pass_fds=[listener.fileno()])]
        os.close(read_end)
        return children

    def _child(self, name, program, argv, **more):
        return Child(name, argv, self.servers.environment(program), self.state.file("logs", name + ".log"), self.state.path, **more)

    def push(self, labels, ns, line):
        """A line that the writer is too slow for is lost, as it is when a journal limits rates."""
        if self._pipe is None:
            return
        self.n += 1
        try:
            os.write(self._pipe, entry(labels, ns, line, self.n))  # whole or not at all: shorter than a pipe's atomic size
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def close(self):
        """The writer comes to the end of what it reads, and ends."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
