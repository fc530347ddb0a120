"""A program in a pseudo-terminal of its own, and what the kernel says about it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
import tty

FRAME_END = b"\x1b[?2026l"   # how opsconsole ends a frame on terminals that know synchronised output


class Child:
    """argv with a pty as its controlling terminal. All it writes is read and counted, and dropped."""

    def __init__(self, argv, size, env, is_raw=False):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        if is_raw:
            tty.setraw(slave)
        self.env = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}   # the terminal's size counts
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(argv, slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.n_bytes = 0

    def _become(self, argv, slave):
        try:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.closerange(3, 256)
            os.execvpe(argv[0], argv, self.env)
        finally:
            os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)

    def read(self, timeout):
        """(time, bytes) of what comes within timeout seconds; (None, b"") when nothing does."""
        ready, _, _ = select.select([self.master], [], [], max(timeout, 0))
        if not ready:
            return None, b""
        at = time.monotonic()
        try:
            data = os.read(self.master, 1 << 20)
        except OSError as err:   # EIO: it has closed its terminal
            raise RuntimeError("the program has ended") from err
        self.n_bytes += len(data)
        return at, data

    def drain(self, seconds):
        """Read for so long; the pieces as (time, bytes)."""
        end = time.monotonic() + seconds
        pieces = []
        while (left := end - time.monotonic()) > 0:
            at, data = self.read(left)
            if data:
                pieces.append((at, data))
        return pieces

    def write(self, data):
        os.write(self.master, data)

    # --- what the kernel counts: over all threads ---

    def _tasks(self, name):
        base = "/proc/%d/task" % self.pid
        for task in os.listdir(base):
            try:
                with open(f"{base}/{task}/{name}", encoding="ascii", errors="replace") as text:
                    yield text.read()
            except FileNotFoundError:
                pass   # a thread has just ended

    def cpu_ns(self):
        return sum(int(text.split()[0]) for text in self._tasks("schedstat"))

    def wakeups(self):
        return sum(int(line.split()[1]) for text in self._tasks("status") for line in text.splitlines() if line.startswith("voluntary_ctxt"))

    def _kib(self, name, words):
        with open(f"/proc/{self.pid}/{name}", encoding="ascii", errors="replace") as text:
            return {line.split(":")[0]: int(line.split()[1]) for line in text if line.split(":")[0] in words}

    def memory_mib(self):
        """(RSS, PSS, peak of RSS)"""
        rollup = self._kib("smaps_rollup", ("Rss", "Pss"))
        return rollup["Rss"] / 1024, rollup["Pss"] / 1024, self._kib("status", ("VmHWM",))["VmHWM"] / 1024


def frames(pieces):
    """Sizes of the frames in pieces (of opsconsole)."""
    data = b"".join(data for _, data in pieces)
    parts = data.split(FRAME_END)
    return [len(part) + len(FRAME_END) for part in parts[:-1]]


def bursts(pieces, gap=0.02):
    """Sizes of what came together (of any program)."""
    sizes, last = [], None
    for at, data in pieces:
        if last is None or at - last > gap:
            sizes.append(0)
        sizes[-1] += len(data)
        last = at
    return sizes
