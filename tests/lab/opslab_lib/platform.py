"""What the blogging platform has beside its services: feature flags and a status page, over HTTP.

    GET  /api/flags              {"flags": [{"name": "spam-filter", "on": true, "reason": ""}, ...]}
    GET  /api/flags/NAME         {"name": .., "on": .., "reason": ..}
    PUT  /api/flags/NAME         {"on": false, "reason": ".."}: the same as GET, as it is now
    GET  /api/notices            {"notices": [...]}, newest first
    POST /api/notices            {"title": .., "text": .., "status": "investigating"}: 201 and the notice with its id
    GET, PUT /api/notices/ID     {"status": "resolved", "text": ..}

Whoever changes something sends `Authorization: Bearer TOKEN`; anybody may read.
"""

import json
import re
import time
from urllib.parse import unquote

from .httpd import Response
from .world import MODEL, RANKER

STATUSES = ("investigating", "identified", "monitoring", "resolved")


def _json(value, status=200):
    return Response(status, json.dumps(value, indent=1).encode(), "application/json")


def _error(status, text):
    return _json({"error": text}, status)


class Service:
    """Handler for a Listener."""

    def __init__(self, token, flag_set):
        self.token, self.flag_set = token, flag_set
        self.flags = {name: {"name": name, "on": True, "reason": ""} for name in (MODEL, RANKER)}
        self.notices = {}

    def __call__(self, request):
        parts = [unquote(part) for part in request.path.split("/")[1:]]
        if len(parts) not in (2, 3) or parts[0] != "api" or parts[1] not in ("flags", "notices"):
            return _error(404, f"no {request.path}")
        if request.method not in ("GET", "HEAD") and request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "a token is needed to change anything")
        body = None
        if request.method in ("PUT", "POST"):
            try:
                body = json.loads(request.body)
            except ValueError:
                return _error(400, "the body is no JSON")
            if not isinstance(body, dict):
                return _error(400, "the body is no object")
        handle = self._flags if parts[1] == "flags" else self._notices
        return handle(request.method, parts[2] if len(parts) == 3 else None, body)

    def _flags(self, method, name, body):
        if name is None:
            return _json({"flags": list(self.flags.values())}) if method == "GET" else _error(405, "only GET")
        if name not in self.flags:
            return _error(404, f"no flag {name}")
        if method == "PUT":
            if not isinstance(body.get("on"), bool):
                return _error(400, "on: true or false")
            self.flags[name].update(on=body["on"], reason=str(body.get("reason", "")))
            self.flag_set(name, body["on"])
        elif method != "GET":
            return _error(405, "GET or PUT")
        return _json(self.flags[name])

    def _notices(self, method, key, body):
        if key is None and method == "GET":
            return _json({"notices": sorted(self.notices.values(), key=lambda n: -int(n["id"]))})
        if key is None and method == "POST":
            return self._post(body)
        if key not in self.notices:
            return _error(404 if key else 405, f"no notice {key}" if key else "GET or POST")
        if method == "PUT":
            if body.get("status", STATUSES[0]) not in STATUSES:
                return _error(400, f"status: one of {', '.join(STATUSES)}")
            self.notices[key].update({k: str(body[k]) for k in ("title", "text", "status") if k in body})
        return _json(self.notices[key])

    def _post(self, body):
        text = {k: body.get(k) for k in ("title", "text")}
        if not all(isinstance(value, str) and re.search(r"\S", value) for value in text.values()):
            return _error(400, "title and text are needed")
        if body.get("status", STATUSES[0]) not in STATUSES:
            return _error(400, f"status: one of {', '.join(STATUSES)}")
        notice = {"id": str(len(self.notices) + 1), **text, "status": body.get("status", STATUSES[0]),
                  "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        self.notices[notice["id"]] = notice
        return _json(notice, 201)
