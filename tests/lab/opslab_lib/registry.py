"""The lab's model registry as one HTTP service; also runs alone, see ../registry --help.

    /api/2.0/mlflow/...   MLflow's REST API                (registry_mlflow.py)
    /in-house/v1/...      the same models, nested           (registry_other.py)
    /api/artifacts...     the same, flat, behind a token    (registry_other.py)
    /hosts/NAME/v1/...    what a host serves                (registry_serving.py)
    /get-artifact         files of training runs, as MLflow's web pages ask for them
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time

from . import registry_serving, registry_world
from .httpd import Listener, Response
from .registry_auth import Users
from .registry_mlflow import Mlflow
from .registry_other import Artifacts, InHouse
from .registry_store import Store

FILLED_EVERY_MS = 60000
LAB_TOKEN = "lab-token"


def no_hosts(host):
    raise LookupError(host)


class Service:
    """The handler for httpd.Listener."""

    def __init__(self, store, token, *, release=2, users=None, page_trouble=None, served_by=no_hosts):
        self.served_by = served_by
        self.store = store
        self.artifacts = {}  # (model, path): text of each version's training run, a function of the version's number
        self.mlflow = Mlflow(store, release, users, page_trouble)
        self.others = [InHouse(store), Artifacts(store, token)]

    def __call__(self, request):
        for shape in self.others:
            if request.path == shape.prefix or request.path.startswith(shape.prefix + "/"):
                return shape.handle(request)
        if request.path == "/get-artifact":
            return self._artifact(request)
        return registry_serving.gateway(request, self.served_by) or self.mlflow.handle(request)

    def _artifact(self, request):
        """A file of a training run, as MLflow's web pages ask for it."""
        for model in self.store.models.values():
            for version in model.versions.values():
                make = self.artifacts.get((model.name, request.query.get("path")))
                if version.run_id == request.query.get("run_uuid") and make is not None:
                    return Response(200, make(version).encode(), "application/json")
        return Response(404, b"no such artifact\n")


# Alone

def parse_args(argv):
    parser = argparse.ArgumentParser(prog="registry", description="A model registry on 127.0.0.1 that speaks MLflow's"
                                     " REST API. Prints `listening PORT`. Without --state or --empty it has the lab's models.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--state", metavar="FILE", help="keep the state in this JSON file; made when it is not there")
    parser.add_argument("--empty", action="store_true", help="begin with no models")
    parser.add_argument("--fill", action="append", default=[], metavar="NAME=N",
                        help="begin with a model of N versions too")
    parser.add_argument("--mlflow", type=int, choices=(1, 2), default=2, help="speak as 1.29 (no aliases) or 2.9")
    parser.add_argument("--users", metavar="FILE", help="basic auth; lines name:role:password,"
                        " roles viewer, editor, admin")
    parser.add_argument("--token", default=LAB_TOKEN, help=f"for /api/artifacts (default: {LAB_TOKEN})")
    parser.add_argument("--pages", choices=("repeat", "lose"), help="MLflow's pages repeat the first one for ever,"
                        " or lose the token that leads on")
    return parser.parse_args(argv)


def fill_model(store, word):
    """NAME=N: a model of N versions, a minute apart, the newest now."""
    name, equals, count = word.rpartition("=")
    if not equals or not name or not count.isdigit():
        raise ValueError(f"--fill {word}: must be NAME=N")
    now = store.now()
    store.create_model(name)
    for i in range(int(count)):
        version = store.create_version(name, source=f"mlflow-artifacts:/0/{i + 1}/artifacts/model")
        version.created = version.updated = now - (int(count) - 1 - i) * FILLED_EVERY_MS


def make_store(args):
    exists = args.state is not None and os.path.exists(args.state)
    store = Store.open(args.state) if exists else Store(args.state)
    if not exists and not args.empty:
        registry_world.fill(store, time.time())
    for word in args.fill:
        fill_model(store, word)
    store.save()
    return store


async def serve(args, store):
    users = Users.read(args.users) if args.users else None
    service = Service(store, args.token, release=args.mlflow, users=users, page_trouble=args.pages)
    listener = Listener("127.0.0.1", args.port, service, lambda text: print("registry:", text, file=sys.stderr))
    await listener.open()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print("listening", listener.port, flush=True)
    await stop.wait()
    listener.close()


def main():
    args = parse_args(sys.argv[1:])
    try:
        asyncio.run(serve(args, make_store(args)))
    except (OSError, ValueError, KeyError, TypeError) as err:
        what = f"{args.state}: not a state of the registry: {err!r}" if isinstance(
            err, (json.JSONDecodeError, KeyError, TypeError)) else str(err)
        print("registry:", what, file=sys.stderr)
        return 1
    return 0
