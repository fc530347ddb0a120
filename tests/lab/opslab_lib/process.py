"""Child processes that never outlive the lab, and where the servers are found."""

import contextlib
import ctypes
import glob
import os
import shutil
import signal
import subprocess

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(sig, parent):
    """In a child: be sent sig when the parent ends, however it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Servers:
    """Finds server programs: the unpacked tree first, then PATH, then the usual folders."""

    def __init__(self, tree):
        self.tree = os.path.abspath(tree) if tree else None
        folders = [self.file("usr/bin"), self.file("usr/sbin")] if self.tree else []
        folders += os.environ.get("PATH", "").split(":") + ["/usr/bin", "/usr/sbin"]
        self.path = ":".join(f for f in folders if f)

    def file(self, *parts):
        return os.path.join(self.tree, *parts)

    def find(self, *names):
        for name in names:
            path = shutil.which(name, path=self.path)
            if path:
                return path
        return None

    def folders_of_libraries(self):
        if not self.tree:
            return []
        return sorted(folder for usual in ("usr/lib/*-linux-*", "lib/*-linux-*") for folder in
                      glob.glob(self.file(usual)) + glob.glob(self.file(usual + "/systemd")))   # systemd keeps one of its own there

    def find_library(self, name):
        for folder in self.folders_of_libraries() + glob.glob("/usr/lib/*-linux-*") + ["/usr/lib64", "/usr/lib"]:
            path = os.path.join(folder, name)
            if os.path.exists(path):
                return path
        return None

    def environment(self, program, **extra):
        """A small environment; libraries of the tree only for programs of the tree."""
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", **extra}
        if self.tree and program.startswith(self.tree + "/") and self.folders_of_libraries():
            env["LD_LIBRARY_PATH"] = ":".join(self.folders_of_libraries())
        return env


class Child:
    """One server. Its output goes to logs/NAME.log."""

    def __init__(self, name, argv, env, log_path, cwd, stdin=subprocess.DEVNULL, pass_fds=()):
        self.name, self.log_path = name, log_path
        parent = os.getpid()
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(
                argv, env=env, cwd=cwd, stdin=stdin, stdout=log, stderr=log, process_group=0, pass_fds=pass_fds,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent))

    @property
    def pid(self):
        return self.process.pid

    def exit_status(self):
        """None while it runs."""
        return self.process.poll()

    def signal(self, sig):
        if self.process.poll() is None:
            self.process.send_signal(sig)

    def last_words(self, lines=3):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as f:
                return " | ".join(line.strip() for line in f.readlines()[-lines:])
        except OSError:
            return ""


def _children():
    """Processes whose parent is this one."""
    me = os.getpid()
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(path, encoding="ascii", errors="replace") as f:
                text = f.read()
            if int(text.rpartition(")")[2].split()[1]) == me:
                yield int(text.split(" ", 1)[0])


def _kill_all_children():
    """Kill until none is left: what a killed child leaves becomes our child too (subreaper)."""
    while True:
        pids = list(_children())
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def keep(main, cleanup, close=None):
    """Run main() in a child of this process, and leave nothing running when it ends, even by kill -9.

    This process, the keeper, only waits. Everything the lab starts, commands in ssh sessions
    too, falls to the keeper when its own parent is gone, and is killed. If the keeper itself is
    killed, main gets SIGTERM and stops in order. close: a descriptor that is main's alone.
    Returns the exit status.
    """
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    keeper = os.getpid()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    lab = os.fork()
    if lab == 0:
        die_with_parent(signal.SIGTERM, keeper)
        os._exit(main(signals))
    if close is not None:
        os.close(close)

    def forward(sig, _frame):
        with contextlib.suppress(ProcessLookupError):
            os.kill(lab, sig)

    for sig in signals:
        signal.signal(sig, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == lab:
            break
    _kill_all_children()
    cleanup()
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
