"""What the end-to-end tests share: the lab, the console in a real terminal (tmux), waiting for conditions, and a small runner.

A test is a function test_*(); run() runs those of a module in a given order and exits as automake expects (0, 1, 77 for "skipped").
"""

import atexit
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

if os.environ.get("E2E_SKIP"):
    print("skipped: E2E_SKIP is set", flush=True)
    sys.exit(77)

BUILD = os.environ.get("E2E_BUILD") or os.getcwd()
SOURCE = os.environ.get("E2E_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(BUILD, "opsconsole")
OPSLAB = os.path.join(SOURCE, "tests", "lab", "opslab")
with open(PROGRAM, "rb") as _program:
    SANITIZED = b"__asan_init" in _program.read()
HOME = tempfile.mkdtemp(prefix="opsconsole-home-")   # nobody's: what is written there goes with the test
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
PATIENCE_S = 240   # a bound for what must happen at all, never a measure of how fast
DEADLINE_S = 120   # what --status and --runbook wait for answers: the 10 seconds of people are a measure of how fast
SHOWN_MAX = 3000   # characters of what a test that failed has to say


class Skip(Exception):
    pass


def wait_for(what, condition, patience=PATIENCE_S):
    """The first true value of condition(); a test fails only when it never comes."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.05)


def environment(**more):
    """Pinned: locale, zone, no config of the user who runs the tests."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPSCONSOLE_", "XDG_")) and k not in ("NO_COLOR", "TMUX")}
    env.update(LC_ALL="C.UTF-8", TZ="UTC", HOME=HOME, **more)
    return env


def patient(argv, config=None):
    """The words of a command line that waits for answers as long as a slow machine takes."""
    waits = {"--status", "--runbook"} & set(argv) and "--deadline" not in argv
    return [*argv, *(["--deadline", str(DEADLINE_S)] if waits else []), *(["--config", config] if config else [])]


def program(*argv, config=None, env=None, stdin=subprocess.DEVNULL):
    """Run opsconsole to its end: (status, stdout, stderr)."""
    done = subprocess.run([PROGRAM, *patient(argv, config)], stdin=stdin, capture_output=True, env=env or environment(), check=False, timeout=2 * PATIENCE_S)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def fetch_json(url):
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def seconds_of(text):
    """RFC 3339, with any number of digits behind the second."""
    whole, _, rest = text.rstrip("Z").partition(".")
    at = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return at.timestamp() + float("0." + (rest or "0"))


def config_file(folder, sources, extra="", name="opsconsole.yaml"):
    """A config with the given sources: lists of flow-mapping texts."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write("apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n  - name: test\n    title: e2e\n    sources:\n")
        for source in sources:
            out.write(f"      - {{ {source} }}\n")
        out.write(extra)
    os.chmod(path, 0o600)
    return path


ALL_SOURCES = re.compile(r"sources ([1-9]\d*)/\1\b")  # as many as the lab has, with a journal or without


class Lab:
    """The lab for the time of a with block."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="opsconsole-e2e-")
        os.chmod(self.folder, 0o700)
        read_end, self.lifeline = os.pipe()
        self.process = subprocess.Popen(
            [OPSLAB, "start", "--dir", self.folder, "--lifeline", str(read_end), *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, pass_fds=[read_end])
        os.close(read_end)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            self.close()
            why = "the lab did not start: " + self.process.stderr.read()
            if os.environ.get("OPSLAB_SERVERS"):
                raise AssertionError(why)   # its servers were fetched, so nothing excuses it
            raise Skip(why)
        self.config = line.split(" ", 1)[1].strip()
        assert self.process.stdout.readline() == "up\n", self.process.stderr.read()
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        os.close(self.lifeline)
        self.process.wait(PATIENCE_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def opslab(self, *argv):
        done = subprocess.run([OPSLAB, argv[0], "--dir", self.folder, *argv[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout

    def fault(self, name, on=True):
        self.opslab("fault", name, "on" if on else "off")

    def wait_alert(self, name, state="firing"):
        self.opslab("wait", "--alert", name, "--state", state, "--timeout", str(PATIENCE_S))

    def status(self):
        return json.loads(self.opslab("status", "--json"))


class Console:
    """opsconsole in a terminal of its own; what a person sees and types."""

    made = 0

    def __init__(self, *argv, size=(80, 24), env=None, config=None):
        Console.made += 1
        self.socket = f"opsconsole-e2e-{os.getpid()}-{Console.made}"
        self.folder = tempfile.mkdtemp(prefix="opsconsole-tty-")
        words = [PROGRAM, *patient(argv, config)]
        self.status_file = os.path.join(self.folder, "status")
        # What is printed behind the program shows whether the terminal came back.
        script = f'"$@"; s=$?; stty -a >{self.folder}/stty; echo $s >{self.status_file}.new; mv {self.status_file}.new {self.status_file}; echo "[ended $s]"; exec cat'
        self.env = dict(env or environment())   # of its own: two consoles may be given the same
        self.env.pop("TMUX", None)
        self.env["TMUX_TMPDIR"] = self.folder
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "env", "TERM=screen-256color", "sh", "-c", script, "sh", *words)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.tmux("kill-server", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def tmux(self, *argv, check=True):
        done = subprocess.run(["tmux", "-L", self.socket, *argv], capture_output=True, text=True, env=self.env, check=False)
        assert done.returncode == 0 or not check, (argv, done.stderr)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", ":0")

    def keys(self, *keys):
        self.tmux("send-keys", "-t", ":0", *keys)

    def yes(self):
        """What is typed right behind a yes is left out: a second from when it was taken."""
        self.wait("leave it")
        self.keys("y")
        self.wait(gone=("leave it",))
        time.sleep(1)

    def settled(self, of=lambda screen: screen):
        """What stands still: a frame may be half drawn while it is read."""
        def still():
            first = of(self.screen())
            time.sleep(0.15)
            return (first,) if of(self.screen()) == first else None
        return wait_for("a screen that stands still", still)[0]

    def type(self, text):
        self.tmux("send-keys", "-t", ":0", "-l", text)

    def resize(self, w, h):
        self.tmux("resize-window", "-t", ":0", "-x", str(w), "-y", str(h))

    def wait(self, *texts, gone=()):
        """Until all texts (or patterns) are on the screen together, and none of gone."""
        def seen():
            screen = self.screen()
            return screen if all(t in screen if isinstance(t, str) else t.search(screen) for t in texts) and not any(t in screen for t in gone) else None
        try:
            return wait_for(f"{texts} without {gone}", seen)
        except AssertionError as err:
            raise AssertionError(f"{err}\nthe screen:\n{self.screen()}") from None

    def pid(self):
        shell = self.tmux("list-panes", "-t", ":0", "-F", "#{pane_pid}").strip()
        children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", shell], capture_output=True, text=True, check=True).stdout.split("\n")
        return next(int(line.split()[0]) for line in children if "opsconsole" in line)

    def kill(self, signo):
        os.kill(self.pid(), signo)

    def ended(self):
        """Exit status, once it has ended."""
        wait_for("the end of opsconsole", lambda: os.path.exists(self.status_file))
        with open(self.status_file, encoding="ascii") as status:
            return int(status.read())

    def terminal_is_restored(self):
        with open(os.path.join(self.folder, "stty"), encoding="ascii") as stty:
            words = stty.read()
        self.wait("[ended")   # said behind the status that ended() waits for
        return " icanon" in words and " echo " in words


def shown(text):
    """Begin and end of what may be long: what decides stands last."""
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX // 4]}\n ... {len(text) - SHOWN_MAX} characters ...\n{text[-SHOWN_MAX * 3 // 4:]}"


def tell_failure(err):
    """Where it was, then what: short, as only the end of many tests' output is kept. Returns the line that sums it up."""
    frames = traceback.extract_tb(err.__traceback__)
    what = f"{type(err).__name__}: {err}"
    for frame in frames:
        print(f"  {os.path.basename(frame.filename)}:{frame.lineno} {frame.name}: {frame.line}", flush=True)
    print(shown(what), flush=True)
    if isinstance(err, subprocess.CalledProcessError):
        print(shown(f"{err.stdout or ''}{err.stderr or ''}"), flush=True)
    where = frames[1] if len(frames) > 1 else frames[0]
    return f"{where.name}, line {where.lineno}: {what.splitlines()[0][:300]}"


def run(tests):
    """Run the functions; print a line each, and once more which have failed; exit."""
    wanted = sys.argv[1:]
    failed, skipped = [], 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for test in tests:
        if wanted and test.__name__ not in wanted:
            continue
        began = time.monotonic()
        try:
            test()
            print(f"ok {test.__name__} ({time.monotonic() - began:.0f} s)", flush=True)
        except Skip as why:
            skipped += 1
            print(f"skipped {test.__name__}: {why}", flush=True)
        except Exception as err:  # noqa: BLE001  one failing test must not hide the next
            print(f"FAILED {test.__name__}", flush=True)
            failed.append(tell_failure(err))
    for line in failed:
        print(f"failed: {line}", flush=True)
    sys.exit(1 if failed else 77 if skipped and skipped == len(tests) else 0)


def run_with(make, namespace, name, tests):
    """The same with something all of them share, put into their module under a name."""
    try:
        with make() as shared:
            namespace[name] = shared
            run(tests)
    except Skip as why:
        print(f"skipped: {why}", flush=True)
        sys.exit(77)
