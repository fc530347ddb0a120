"""The same registry in two other shapes, as in-house registries and hosted ones have them: no console knows their code.

/in-house/v1/catalog     models with their builds inside, nested objects, numbers as numbers, aliases as an object, a link
                         to the next page; no token. /in-house/v1/models/NAME/builds has the builds alone.
/api/artifacts           a flat list of versions ("v6"), aliases as a list, a cursor; wants `Authorization: Bearer TOKEN`.
                         /api/artifacts/NAME has those of one model.
"""

import json
import time
from urllib.parse import quote, unquote

from .httpd import Response
from .registry_auth import bears
from .registry_store import Refusal, absent, invalid, last_metric

PAGE_SIZE = 50


def rfc3339(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


def _scores(run):
    return {key: last_metric(points)["value"] for key, points in run.metrics.items()} if run else {}


def _size(request, name):
    try:
        size = int(request.query.get(name, PAGE_SIZE))
    except ValueError:
        size = 0
    if size < 1:
        raise invalid(f"{name} must be a positive number")
    return size


def _start(request, name, usual):
    text = request.query.get(name, usual)
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"{name} is not one of ours")
    return int(text)


def _asked(request, name):
    """A member of the JSON object that a request brings."""
    try:
        return json.loads(request.body)[name]
    except (ValueError, KeyError, TypeError):
        raise invalid(f"a JSON object with {name!r} is needed") from None


def _json(value, status=200):
    return Response(status, json.dumps(value, ensure_ascii=False).encode(), "application/json")


class _Shape:
    """What both have in common: a prefix, words of the path, a refusal in their own shape."""

    prefix = ""

    def __init__(self, store):
        self.store = store

    def handle(self, request):
        words = [unquote(word) for word in request.path[len(self.prefix):].strip("/").split("/")]
        try:
            answer = self.answer(request, [word for word in words if word])
        except Refusal as no:
            return self.refusal(no.status, no.message)
        return answer if isinstance(answer, Response) else _json(answer)

    def written(self):
        self.store.save()
        return {}


class InHouse(_Shape):
    prefix = "/in-house/v1"

    def answer(self, request, words):
        match request.method, words:
            case "GET", ["catalog"]:
                return self._catalog(request)
            case "GET", ["models", name, "builds"]:
                return {"builds": self._builds(self.store.model(name))}
            case "PUT", ["models", name, "live", alias]:
                self.store.set_alias(name, alias, _asked(request, "build"))
                return self.written()
            case "DELETE", ["models", name, "live", alias]:
                self.store.delete_alias(name, alias)
                return self.written()
        raise absent("there is no such thing here")

    @staticmethod
    def refusal(status, message):
        return _json({"problem": {"status": status, "detail": message}}, status)

    def _catalog(self, request):
        number, size = _start(request, "page", "1"), _size(request, "size")
        models = sorted(self.store.models.values(), key=lambda m: m.name)
        shown = models[(number - 1) * size:number * size] if number else []
        following = f"{self.prefix}/catalog?page={number + 1}&size={size}" if number * size < len(models) else None
        return {"catalog": {"models": [self._model(m) for m in shown], "total": len(models)},
                "links": {"next": following}}

    def _model(self, model):
        return {"id": {"name": model.name, "href": f"{self.prefix}/models/{quote(model.name, safe='')}/builds"},
                "about": {"text": model.description, "labels": dict(model.tags), "since": rfc3339(model.created)},
                "live": dict(model.aliases), "builds": self._builds(model)}

    def _builds(self, model):
        return [self._build(v) for _number, v in sorted(model.versions.items(), reverse=True)]

    def _build(self, version):
        run = self.store.runs.get(version.run_id)
        return {"no": version.version, "phase": None if version.stage == "None" else version.stage.lower(),
                "made": {"at": rfc3339(version.created), "by": run.user if run else None},
                "changed": rfc3339(version.updated), "notes": version.description, "state": version.status.lower(),
                "labels": dict(version.tags),
                "training": {"run": version.run_id or None, "scores": _scores(run),
                             "settings": dict(run.params) if run else {}}}


class Artifacts(_Shape):
    prefix = "/api/artifacts"

    def __init__(self, store, token):
        super().__init__(store)
        self.token = token

    def answer(self, request, words):
        if not bears(request, self.token):
            return self.refusal(401, "user is not logged in: send the API key as a bearer token")
        match request.method, words:
            case "GET", []:
                return self._list(request, self.store.models.values())
            case "GET", [name]:
                return self._list(request, [self.store.model(name)])
            case "POST", [name, version, "aliases"]:
                self.store.set_alias(name, _asked(request, "alias"), version.removeprefix("v"))
                return self.written()
            case "DELETE", [name, "aliases", alias]:
                self.store.delete_alias(name, alias)
                return self.written()
        raise absent("there is no such artifact")

    @staticmethod
    def refusal(status, message):
        return _json({"errors": [{"message": message}]}, status)

    def _list(self, request, models):
        start, size = _start(request, "after", "0"), _size(request, "first")
        versions = sorted((v for m in models for v in m.versions.values()), key=lambda v: (v.name, -v.version))
        end = start + size
        more = end < len(versions)
        return {"data": {"artifacts": [self._artifact(v) for v in versions[start:end]]},
                "pageInfo": {"hasNextPage": more, "endCursor": str(end) if more else None}}

    def _artifact(self, version):
        run = self.store.runs.get(version.run_id)
        newest = version.version == max(self.store.models[version.name].versions)
        return {"collection": {"name": version.name}, "type": "model", "version": f"v{version.version}",
                "versionIndex": version.version, "state": "COMMITTED" if version.status == "READY" else "PENDING",
                "aliases": [{"alias": a} for a in self.store.aliases_of(version) + ["latest"] * newest],
                "createdAt": rfc3339(version.created), "updatedAt": rfc3339(version.updated),
                "createdBy": {"username": run.user} if run else None, "description": version.description,
                "tags": [{"name": key, "value": value} for key, value in version.tags.items()],
                "run": {"id": version.run_id, "summary": _scores(run), "config": dict(run.params) if run else {}}}
