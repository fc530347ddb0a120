"""One running lab: the world, its listeners, the real servers, the control socket."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import socket
import sys
import time
import urllib.parse

from . import console, control, journal, lines, loki, monitoring, past, platform, profile, registry_serving, registry_world
from .faults import FAULTS
from .hosts import ADDRESSES, SERVICE, SSH_HOSTS, HostFiles, Sshd
from .httpd import Listener, Response
from .registry import Service
from .registry_store import Store
from .state import LabError
from .world import MODEL, RANKER, SERVING_HOSTS, World

PORTS = range(20000, 30000)  # below the range from which the kernel serves connections
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 1.5
ROLL_OUT_PAUSE_S = 2
DEMO_AFTER_S = 60
HOW_TO_GET_SERVERS = """\
Either of these, then try again:
  {fetch} DIR && OPSLAB_SERVERS=DIR opslab start      (unpacks Debian's packages, installs nothing)
  apt-get install --no-install-recommends prometheus prometheus-alertmanager      (as root; also runs them as services)"""


def free_port(addresses, taken):
    """A port that is free on all of these addresses."""
    for port in random.SystemRandom().sample(PORTS, 200):
        if port in taken:
            continue
        try:
            for address in addresses:
                with socket.socket() as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.bind((address, port))
        except OSError:
            continue
        taken.add(port)
        return port
    raise LabError(f"no free port between {PORTS.start} and {PORTS.stop} on loopback")


def say(text):
    """A line of our protocol on stdout; whoever reads it may be gone."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), text.encode() + b"\n")


class Log:
    """logs/lab.log, and stderr unless a console that has the terminal started us."""

    def __init__(self, path, to_stderr):
        self._file = open(path, "a", encoding="utf-8")
        self._to_stderr = to_stderr

    def __call__(self, text):
        print(time.strftime("%H:%M:%S"), text, file=self._file, flush=True)
        if self._to_stderr:
            print("opslab:", text, file=sys.stderr, flush=True)


class Lab:
    def __init__(self, state, servers, seed, demo=False, need=(), lifeline=None):
        self.state, self.servers, self.seed = state, servers, seed
        self.demo, self.need, self.lifeline = demo, need, lifeline
        self.files = HostFiles(state)
        self.children = []
        self.rolling_out = None
        self._roll_out = None
        self._exits_seen = set()
        self.is_up = False
        self.hosts_note = self.journal_note = ""
        self.journal = None
        self.status = 0
        programs = {"prometheus": servers.find("prometheus"),
                    "alertmanager": servers.find("prometheus-alertmanager", "alertmanager")}
        absent = [name for name, path in programs.items() if not path]
        if absent:
            fetch = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fetch-servers")
            places = ", ".join(filter(None, (servers.tree, "PATH", "/usr/bin", "/usr/sbin")))
            raise LabError(f"{' and '.join(absent)} not found in {places}\n"
                           + HOW_TO_GET_SERVERS.format(fetch=fetch))
        self.programs = programs

    # Start

    def run(self, signals):
        """Run until told to stop; returns the exit status."""
        os.chdir(self.state.path)
        self.log = Log(self.state.file("logs", "lab.log"), to_stderr=self.lifeline is None)
        return asyncio.run(self._run(signals))

    async def _run(self, signals):
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sig in signals:
            loop.add_signal_handler(sig, self._stop.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        if self.lifeline is not None:
            os.set_blocking(self.lifeline, False)
            loop.add_reader(self.lifeline, self._lifeline_moved)
        tasks = []
        try:
            await self._prepare()
            tasks = [asyncio.create_task(self._watch_world()), asyncio.create_task(self._start_servers())]
            if self.demo:
                tasks.append(asyncio.create_task(self._act_demo()))
            for task in tasks:
                task.add_done_callback(self._task_ended)
            await self._stop.wait()
        finally:
            self.stop_roll_out()
            for task in tasks:
                task.cancel()
            await self._stop_servers()
        return self.status

    async def _prepare(self):
        """All ports, files and listeners: after this the console can be started."""
        taken = set()
        self.prometheus_port = free_port(["127.0.0.1"], taken)
        self.alertmanager_port = free_port(["127.0.0.1"], taken)
        self.registry_port = free_port(["127.0.0.1"], taken)
        self.ssh_port = free_port(ADDRESSES.values(), taken)
        self.metrics_port = free_port(ADDRESSES.values(), taken)
        self.platform_port = free_port(["127.0.0.1"], taken)
        self.loki_port = free_port(["127.0.0.1"], taken)
        self.journal_port = free_port(["127.0.0.1"], taken)
        self._open_journal()
        self.config = console.write_config(
            self.state, self.prometheus_port, self.alertmanager_port, self.registry_port, self.platform_port,
            self.loki_port, None if self.journal is None else self.journal_port)
        say(f"ready {self.config}")
        self.files.make()
        self.world = World(self.seed, time.time())
        self.listeners = {}
        await self._open_registry()
        await self._open_platform()
        await self._open_loki()
        for instance in self.world.instances:
            listener = Listener(ADDRESSES[instance.host], self.metrics_port, self._metrics_handler(instance), self.log)
            await listener.open()
            self.listeners[instance.host] = listener
        monitoring.write_configs(self.state, self.world.instances, ADDRESSES,
                                 self.metrics_port, self.alertmanager_port)
        self.state.write("lab.json", json.dumps(self.describe(), indent=1) + "\n")
        self._control = await control.serve(self._answer)

    async def _open_registry(self):
        self.models = Store(self.state.file("registry", "registry.json"))
        registry_world.fill(self.models, self.world.started)
        token = secrets.token_hex(16)
        self.state.write("registry/token", token + "\n")
        service = Service(self.models, token, served_by=self._served_by)
        service.artifacts[MODEL, profile.PATH] = lambda version: profile.text(self.world, version.version)
        self.registry = Listener("127.0.0.1", self.registry_port, service, self.log)
        await self.registry.open()

    async def _open_platform(self):
        token = secrets.token_hex(16)
        self.state.write("platform/token", token + "\n")
        self.platform = platform.Service(token, self._flag_set)
        await Listener("127.0.0.1", self.platform_port, self.platform, self.log).open()

    def _open_journal(self):
        """Before the config, which names it only when it runs."""
        self.journal = journal.Journal(self.state, self.servers, self.journal_port)
        missing = self.journal.missing()
        try:
            if not missing:
                self.children += self.journal.start()
                return
            self.journal_note = f"no journal: {', '.join(missing)} not found (fetch-servers gets them)"
        except OSError as err:
            self.journal_note = f"no journal: {err}"
        self.journal = None
        self.log(self.journal_note + "; going on without")

    async def _open_loki(self):
        store = loki.Store()
        self.lines = self.world.say = lines.Writer(store.push, None if self.journal is None else self.journal.push)
        for host, service in SERVICE.items():
            self.world.say("started", host, self.world.started, service=service)
        await Listener("127.0.0.1", self.loki_port, loki.Service(store), self.log).open()

    def _flag_set(self, name, on):
        if name == MODEL:
            self.world.filter_on = on

    def _served_by(self, host):
        """{model: version} of a host, None while it is down; KeyError where there is no such host."""
        instance = {**self.world.web, **self.world.serving}[host]
        return instance.serves() if instance.alive else None

    def champion(self):
        """The version of the spam filter that should serve; "" when the alias is gone."""
        return registry_world.champions(self.models).get((MODEL, registry_world.CHAMPION), "")

    def _metrics_handler(self, instance):
        def handle(request):
            if request.path != "/metrics":
                return registry_serving.answer(request, instance.serves()) or Response(
                    404, b"only /metrics and /v1/models/ are here\n")
            self.world.advance(time.time())
            content_type, body = self.world.exposition(instance, request.headers.get("accept", ""))
            return Response(200, body, content_type)

        return handle

    async def _start_servers(self):
        await self._fill_past()
        for name, start, port in (
                ("prometheus", monitoring.start_prometheus, self.prometheus_port),
                ("alertmanager", monitoring.start_alertmanager, self.alertmanager_port)):
            program = self.programs[name]
            self.children.append(start(self.state, program, self.servers.environment(program), port))
        self._record()
        self._start_hosts()
        self._record()
        await asyncio.wait_for(
            asyncio.gather(self._ready("prometheus", self.prometheus_port),
                           self._ready("alertmanager", self.alertmanager_port)), START_TIMEOUT_S)
        self._check_hosts()
        self.is_up = True
        say("up")
        await self._measured()
        say("measured")

    async def _fill_past(self):
        """Two hours of metrics, so that the error budgets have their whole period."""
        promtool = self.servers.find("promtool")
        if not promtool:
            self._no_past("promtool not found")
            return
        text = self.state.file("prometheus", "past.om")
        await asyncio.to_thread(past.write, text, self.world, time.time())
        filler = monitoring.start_filling(self.state, promtool, self.servers.environment(promtool), text)
        while filler.exit_status() is None:
            await asyncio.sleep(0.02)
        os.unlink(text)
        if filler.exit_status() != 0:
            self._no_past(f"promtool ended with status {filler.exit_status()}: {filler.last_words()}")

    def _no_past(self, why):
        self.log(f"no past: {why}; error budgets are those of the time that the lab has run for")

    def _record(self):
        self.state.record({"lab": os.getpid(), **{child.name: child.pid for child in self.children}})

    def _start_hosts(self):
        sshd = Sshd(self.state, self.servers, self.ssh_port)
        if sshd.missing():
            self._no_hosts(f"no ssh hosts: {', '.join(sshd.missing())} not found (fetch-servers gets them)")
            return
        try:
            self.children += sshd.start()
        except (OSError, ValueError) as err:
            self._no_hosts(f"no ssh hosts: {err}")

    def _check_hosts(self):
        dead = [c for c in self.children if c.name.startswith("sshd-") and c.exit_status() is not None]
        if dead:
            self._no_hosts(f"{dead[0].name} does not start: {dead[0].last_words()}")

    def _no_hosts(self, why):
        self.hosts_note = why
        if "ssh" in self.need:
            raise LabError(why)
        self.log(why + "; going on without")

    async def _measured(self):
        """Wait until the shortest windows are full of scrapes (the past has no `up`), labels come back, and the rules have ratios."""
        path = "/api/v1/query?" + urllib.parse.urlencode({"query":
            'min(count_over_time(up[5s])) >= 4 and on () min(count_over_time(feedback_labels_total{label="ham"}[4s])) >= 3 '
            "and on () sum(model:false_positives:ratio_rate10s) >= 0"})
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.prometheus_port)
                writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                answer = await asyncio.wait_for(reader.read(1 << 20), 2)
                writer.close()
                if b'"value":' in answer and b'"NaN"' not in answer:
                    return
            except (OSError, TimeoutError):
                pass
            await asyncio.sleep(0.2)

    async def _ready(self, name, port):
        """Wait until the server says that it is ready, or has ended."""
        child = next(c for c in self.children if c.name == name)
        while True:
            if child.exit_status() is not None:
                raise LabError(f"{name} ended with status {child.exit_status()}: {child.last_words()}\n"
                               f"its log: {child.log_path}")
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /-/ready HTTP/1.0\r\n\r\n")
                line = await asyncio.wait_for(reader.readline(), 2)
                writer.close()
                if b" 200 " in line:
                    return
            except (OSError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    # While it runs

    def _task_ended(self, task):
        if task.cancelled() or task.exception() is None:
            return
        err = task.exception()
        reason = str(err) if isinstance(err, LabError) else (
            f"the servers were not ready after {START_TIMEOUT_S} s; see {self.state.file('logs')}"
            if isinstance(err, TimeoutError) else repr(err))
        self.log(f"the lab stops: {reason}")
        self.status = 1
        self._stop.set()

    def _lifeline_moved(self):
        try:
            if os.read(self.lifeline, 4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        asyncio.get_running_loop().remove_reader(self.lifeline)
        self._stop.set()

    async def _watch_world(self):
        """Once a second: follow what runbooks or people changed on the hosts. Lines about it have the time when it was seen: the world's own runs behind."""
        while True:
            self.world.advance(time.time())
            self.world.registry.aliases = registry_world.champions(self.models)
            for host, web in self.world.web.items():
                await self._follow(host, web)
                if web.alive:
                    web.activate(self.files.active(host, RANKER))
            for host, serving in self.world.serving.items():
                await self._follow(host, serving)
                if serving.alive:
                    serving.activate(self.files.active(host, MODEL), time.time())
            self._note_exits()
            await asyncio.sleep(1)

    async def _follow(self, host, service):
        down = self.files.is_down(host)
        if down and service.alive:
            service.alive = False
            self.world.say("stopped", host, time.time(), service=service.service)
            self.listeners[host].close()
        elif not down and not service.alive:
            service.restart()
            await self.listeners[host].open()
            self.world.say("started", host, time.time(), service=service.service)
            service.alive = True
        service.drained = self.files.is_drained(host)
        service.follow_restarts(self.files.restarts(host))

    def _note_exits(self):
        for child in self.children:
            if child.exit_status() is not None and child.name not in self._exits_seen:
                self._exits_seen.add(child.name)
                self.log(f"{child.name} ended with status {child.exit_status()}: {child.last_words()}")

    async def _act_demo(self):
        await asyncio.sleep(DEMO_AFTER_S)
        FAULTS["bad-model"].switch(self, True)
        self.log("demo: spam-filter version 7 goes out")

    def roll_out(self, version):
        """Activate a version on one serving host after the other."""

        async def go():
            for host in SERVING_HOSTS:
                self.files.activate(host, MODEL, version)
                await asyncio.sleep(ROLL_OUT_PAUSE_S)
            self.rolling_out = None

        self.stop_roll_out()
        self.rolling_out = version
        self._roll_out = asyncio.create_task(go())

    def stop_roll_out(self):
        self.rolling_out = None
        if self._roll_out is not None:
            self._roll_out.cancel()

    # Control

    def _answer(self, request):
        op = request["op"]
        if op == "status":
            return self.describe()
        if op == "fault":
            fault = FAULTS[request["name"]]
            if "on" in request:
                fault.switch(self, request["on"])
            return {"name": fault.name, "on": fault.is_on(self)}
        if op == "stop":
            self._stop.set()
            return {"stopping": True}
        raise LabError(f"unknown request {op!r}")

    def describe(self):
        """What `status --json` and lab.json say."""
        running = {child.name: child.exit_status() is None for child in self.children}
        return {
            "dir": self.state.path, "pid": os.getpid(), "up": self.is_up, "seed": self.seed, "config": self.config,
            "prometheus": f"http://127.0.0.1:{self.prometheus_port}",
            "alertmanager": f"http://127.0.0.1:{self.alertmanager_port}",
            "metrics": {i.host: f"http://{ADDRESSES[i.host]}:{self.metrics_port}/metrics"
                        for i in self.world.instances},
            "ssh": {host: f"{ADDRESSES[host]}:{self.ssh_port}" for host in SSH_HOSTS if running.get(f"sshd-{host}")},
            "ssh_config": self.state.file("ssh", "config"), "ssh_note": self.hosts_note,
            "servers": running,
            "served": {host: self.files.active(host, MODEL) for host in SERVING_HOSTS},
            "champion": self.champion(),
            "registry": f"http://127.0.0.1:{self.registry_port}",
            "loki": f"http://127.0.0.1:{self.loki_port}",
            "journal": f"http://127.0.0.1:{self.journal_port}" if self.journal is not None else None, "journal_note": self.journal_note,
            "lines": {f"{service} {level}": n for (service, level), n in sorted(self.lines.written.items())},
            "platform": f"http://127.0.0.1:{self.platform_port}/api",
            "platform_token": self.state.file("platform", "token"),
            "registry_token": self.state.file("registry", "token"),
            "serving": {host: f"http://{ADDRESSES[host]}:{self.metrics_port}/v1/models/{MODEL}"
                        for host in SERVING_HOSTS},
            "faults": [fault.name for fault in FAULTS.values() if fault.is_on(self)],
        }

    # Stop

    async def _stop_servers(self):
        if self.journal is not None:
            self.journal.close()
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while any(c.exit_status() is None for c in self.children) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for child in self.children:
            child.signal(signal.SIGKILL)
            child.process.wait()
