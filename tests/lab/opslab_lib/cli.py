"""opslab's command line."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from . import control
from .faults import FAULTS
from .lab import Lab
from .process import Servers, keep
from .state import LabError, State, default_dir

STOP_WAIT_S = 5


def build_parser():
    parser = argparse.ArgumentParser(
        prog="opslab", description="A small real world on loopback: Prometheus, Alertmanager, sshd hosts and a"
        " simulated blogging platform with a spam filter, whose faults are switched on and off by command.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, run, help_text, with_dir=True):
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        if with_dir:
            command.add_argument("--dir", default=None, help=f"the lab's state folder (default: {default_dir()})")
        return command

    def add_start_options(command):
        command.add_argument("--servers", default=os.environ.get("OPSLAB_SERVERS"), metavar="DIR",
                             help="servers unpacked by fetch-servers (default: $OPSLAB_SERVERS)")
        command.add_argument("--seed", type=int, default=1, help="same seed, same world (default: 1)")
        command.add_argument("--demo", action="store_true", help="a bad model goes out after a minute")
        command.add_argument("--need", action="append", default=[], choices=["ssh"],
                             help="fail rather than go on without this")

    start = add("start", cmd_start, "start a lab: prints `ready CONFIG`, then `up`")
    add_start_options(start)
    start.add_argument("--detach", action="store_true", help="return when it is up, and leave it running")
    start.add_argument("--lifeline", type=int, metavar="FD", help="stop when this pipe reaches its end")
    start.add_argument("--temporary", action="store_true", help="remove the state folder at the end")

    add("stop", cmd_stop, "stop the lab")
    status = add("status", cmd_status, "say what runs, and what is broken")
    status.add_argument("--json", action="store_true")

    add("faults", cmd_faults, "list the faults, and the alert of each", with_dir=False)
    fault = add("fault", cmd_fault, "switch a fault on or off, or ask how it is")
    fault.add_argument("name", choices=[*FAULTS, "all"], metavar="NAME", help="see: opslab faults")
    fault.add_argument("action", choices=["on", "off", "status"])

    wait = add("wait", cmd_wait, "wait until an alert fires, or does not, in Alertmanager")
    wait.add_argument("--alert", required=True, metavar="NAME")
    wait.add_argument("--state", choices=["firing", "resolved"], default="firing")
    wait.add_argument("--timeout", type=float, default=60, metavar="S")

    run = add("run", cmd_run, "start a lab, run a command on it, stop it; exits with the command's status")
    add_start_options(run)
    run.add_argument("argv", nargs="+", metavar="COMMAND", help="after --; finds $OPSCONSOLE_CONFIG and $OPSLAB_DIR")
    return parser


def state_of(args):
    return State(args.dir or default_dir())


def start_arguments(args):
    """The command line of a lab started as a child, but for --dir."""
    argv = [sys.executable, os.path.abspath(sys.argv[0]), "start", "--seed", str(args.seed)]
    argv += ["--servers", args.servers] if args.servers else []
    argv += ["--demo"] if args.demo else []
    return argv + [word for need in args.need for word in ("--need", need)]


def cmd_start(args):
    state = state_of(args)
    if args.detach:
        return start_detached(args, state)
    lab = Lab(state, Servers(args.servers), args.seed, args.demo, args.need, args.lifeline)
    state.prepare()

    def main(signals):
        try:
            return lab.run(signals)
        except (LabError, OSError) as err:
            print(f"opslab: {err}", file=sys.stderr, flush=True)
            return 1

    def clean():
        state.sweep()
        if args.temporary:
            shutil.rmtree(state.path, ignore_errors=True)

    return keep(main, clean, close=args.lifeline)


def start_detached(args, state):
    """Start a lab in a session of its own, and pass on what it says until it is up."""
    with tempfile.TemporaryFile("w+") as log_file:
        argv = start_arguments(args) + ["--dir", state.path]
        argv += ["--lifeline", str(args.lifeline)] if args.lifeline is not None else []
        lab = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log_file, text=True,
            start_new_session=True, pass_fds=[args.lifeline] if args.lifeline is not None else [])
        for line in lab.stdout:
            print(line, end="", flush=True)
            if line == "up\n":
                return 0
        status = lab.wait()
        log_file.seek(0)
        sys.stderr.write(log_file.read())
        return status or 1


def cmd_stop(args):
    state = state_of(args)
    if not state.is_held():
        print(f"opslab: no lab runs in {state.path}", file=sys.stderr)
        return 0
    try:
        control.ask(state, {"op": "stop"})
    except LabError:
        pass  # not up far enough, or stuck: the lock tells
    if state.wait_free(STOP_WAIT_S):
        return 0
    state.kill_recorded()
    if state.wait_free(STOP_WAIT_S):
        return 0
    raise LabError(f"the lab in {state.path} does not stop; its processes are in {state.file('pids.json')}")


def firing_alerts(url):
    """Names of the alerts that Alertmanager has now, the inhibited and silenced ones too."""
    with urllib.request.urlopen(url + "/api/v2/alerts", timeout=60) as answer:
        return {alert["labels"]["alertname"] for alert in json.load(answer)}


def cmd_status(args):
    answer = control.ask(state_of(args), {"op": "status"})
    try:
        answer["alerts"] = sorted(firing_alerts(answer["alertmanager"]))
    except OSError:
        answer["alerts"] = None
    if args.json:
        print(json.dumps(answer, indent=1))
        return 0
    down = [name for name, running in answer["servers"].items() if not running]
    print(f"lab           {answer['dir']}  {'up' if answer['up'] else 'starting'}")
    print(f"config        {answer['config']}")
    print(f"prometheus    {answer['prometheus']}")
    print(f"alertmanager  {answer['alertmanager']}")
    print(f"registry      {answer['registry']}")
    print(f"loki          {answer['loki']}")
    print(f"journal       {answer['journal'] or answer['journal_note']}")
    print(f"hosts         {', '.join(answer['ssh']) or answer['ssh_note'] or 'starting'}")
    print(f"serving       {' '.join(answer['served'].values())}  (registry's champion {answer['champion']})")
    print(f"faults        {', '.join(answer['faults']) or 'none'}")
    alerts = answer["alerts"]
    print(f"alerts        {'unknown' if alerts is None else ', '.join(alerts) or 'none'}")
    if down:
        print(f"ended         {', '.join(down)}  (see {answer['dir']}/logs)")
    return 0


def cmd_faults(_args):
    for fault in FAULTS.values():
        print(f"{fault.name:18} {fault.alert:27} {fault.does}")
    return 0


def cmd_fault(args):
    for name in FAULTS if args.name == "all" else [args.name]:
        request = {"op": "fault", "name": name}
        if args.action != "status":
            request["on"] = args.action == "on"
        answer = control.ask(state_of(args), request)
        print(f"{answer['name']} {'on' if answer['on'] else 'off'}")
    return 0


def cmd_wait(args):
    url = control.ask(state_of(args), {"op": "status"})["alertmanager"]
    started = time.monotonic()
    while True:
        try:
            if (args.alert in firing_alerts(url)) == (args.state == "firing"):
                break
        except OSError:
            pass  # Alertmanager may be starting still
        if time.monotonic() - started > args.timeout:
            print(f"opslab: {args.alert} is not {args.state} after {args.timeout:g} s", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print(f"{args.alert} {args.state} after {time.monotonic() - started:.1f} s")
    return 0


def cmd_run(args):
    folder = args.dir or tempfile.mkdtemp(prefix="opslab-")
    lifeline, ours = os.pipe()
    lab = subprocess.Popen(
        start_arguments(args) + ["--dir", folder, "--lifeline", str(lifeline)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, pass_fds=[lifeline], start_new_session=True)
    os.close(lifeline)
    # Ctrl-C is for the command; we wait for it and then stop the lab.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        if not any(line == "up\n" for line in lab.stdout):
            sys.stderr.write(State(folder).read("logs/lab.log") or "")
            return lab.wait() or 1
        env = {**os.environ, "OPSCONSOLE_CONFIG": State(folder).file("opsconsole.yaml"), "OPSLAB_DIR": folder}
        try:
            status = subprocess.call(args.argv, env=env)
        except OSError as err:
            raise LabError(f"{args.argv[0]}: {err.strerror}") from None
        return status if status >= 0 else 128 - status
    finally:
        os.close(ours)
        lab.wait()
        if not args.dir:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    os.umask(0o077)
    args = build_parser().parse_args()
    try:
        return args.run(args)
    except LabError as err:
        print(f"opslab: {err}", file=sys.stderr)
        return 1
    except OSError as err:
        print(f"opslab: {err}", file=sys.stderr)
        return 1
