"""What a host serves, asked over HTTP in the way of TensorFlow Serving: GET /v1/models/NAME."""

import json
import re
from urllib.parse import unquote

from .httpd import Response

_PATH = re.compile(r"/v1/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?")
_GATEWAY = re.compile(r"/hosts/(?P<host>[^/]+)(?P<rest>/.*)")


def _json(value, status=200):
    return Response(status, json.dumps(value, indent=1).encode(), "application/json")


def answer(request, served):
    """served: {model: version}. None when the path is not one of these."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        return None
    if request.method not in ("GET", "HEAD"):
        return _json({"error": "Unsupported method for this path"}, 405)
    model, wanted = unquote(match["model"]), match["version"]
    version = served.get(model)
    if version is None or (wanted is not None and unquote(wanted) != version):
        of = f"version {unquote(wanted)} of " if wanted else "any versions of "
        return _json({"error": f"Could not find {of}model {model}"}, 404)
    return _json({"model_version_status": [{
        "version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]})


def gateway(request, served_by):
    """/hosts/NAME/v1/models/..., for whoever cannot resolve the hosts' names. None when the path is not one of these.

    served_by(host) is {model: version}, or None while that host is down; LookupError for an unknown host.
    """
    match = _GATEWAY.fullmatch(request.path)
    if match is None:
        return None
    host = unquote(match["host"])
    try:
        served = served_by(host)
    except LookupError:
        return Response(404, f"there is no host {host}\n".encode())
    if served is None:
        return Response(503, f"{host} does not answer\n".encode())
    request.path = match["rest"]
    return answer(request, served) or Response(404, b"only /v1/models/ is here\n")
