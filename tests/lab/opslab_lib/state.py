"""The lab's state folder: who owns it, which lab holds it, and what a killed lab left behind."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import stat
import time

MARK = ".opslab"
# What a lab makes anew at each start. ssh/ stays, so that host keys stay the same.
TRANSIENT = ("alertmanager", "control", "hosts", "lab.json", "logs", "objectives.openslo.yaml", "opsconsole.yaml",
             "pids.json", "platform",
             "prometheus", "registry")


class LabError(Exception):
    """A sentence for the person: what is wrong, where, and what to do."""


def default_dir():
    runtime = os.environ.get("OPSLAB_DIR")
    if runtime:
        return runtime
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(runtime, "opslab") if runtime else f"/tmp/opslab-{os.geteuid()}"


def process_start(pid):
    """When pid was started, in clock ticks since boot; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return int(f.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


class State:
    """A state folder. Whoever holds its lock is the lab; nobody else changes anything in it."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self._lock = None

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def prepare(self):
        """Make the folder, take its lock, and clear away what a killed lab left."""
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        st = os.lstat(self.path)
        if not stat.S_ISDIR(st.st_mode) or st.st_uid != os.geteuid():
            raise LabError(f"{self.path}: not a folder of yours; give another one with --dir")
        names = [name for name in os.listdir(self.path) if name != "lock"]
        if names and MARK not in names:
            raise LabError(f"{self.path}: holds files that are not a lab's; give an empty or new folder with --dir")
        os.chmod(self.path, 0o700)
        if not self._take_lock():
            raise LabError(f"{self.path}: a lab already runs here; stop it with: opslab stop --dir {self.path}")
        open(self.file(MARK), "a", encoding="ascii").close()
        self.kill_recorded()
        for name in TRANSIENT:
            self._remove(name)
        for name in ("logs", "prometheus", "alertmanager"):
            os.mkdir(self.file(name))

    def _remove(self, name):
        path = self.file(name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _take_lock(self):
        fd = os.open(self.file("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._lock = fd
        return True

    def is_held(self):
        """Whether some lab runs in this folder."""
        if not os.path.isfile(self.file("lock")) or not self._take_lock():
            return os.path.isfile(self.file("lock"))
        os.close(self._lock)
        self._lock = None
        return False

    def wait_free(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while self.is_held():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    # Processes are recorded with their start time: a number used again by a stranger does not match.

    def record(self, pids):
        rows = {name: {"pid": pid, "start": process_start(pid)} for name, pid in pids.items()}
        self.write("pids.json", json.dumps(rows))

    def kill_recorded(self):
        rows = self.read_json("pids.json") or {}
        for row in rows.values():
            if row["start"] is not None and process_start(row["pid"]) == row["start"]:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(row["pid"], signal.SIGKILL)

    def write(self, name, text, mode=0o600):
        """Write a file so that a reader sees the old or the new text, never half of it."""
        path = self.file(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path + ".new", mode)
        os.replace(path + ".new", path)

    def read(self, name):
        try:
            with open(self.file(name), encoding="utf-8") as f:
                return f.read().strip()
        except FileNotFoundError:
            return None

    def read_json(self, name):
        try:
            return json.loads(self.read(name) or "null")
        except ValueError:
            return None

    def sweep(self):
        """After the lab: what tells others that it runs."""
        for name in ("control", "pids.json", "lab.json"):
            self._remove(name)
