"""MLflow's REST API over the registry's state: paths, parameters, shapes and errors as MLflow 2.9 (or 1.29) has them.

The recorded answers of real servers in tests/fixtures/mlflow are replayed against this by test_registry.
"""

import json
import math

from . import registry_search as search
from .httpd import Response
from .registry_store import Refusal, absent, invalid, last_metric

RELEASES = {1: "1.29.1.dev0", 2: "2.9.3.dev0"}
_HTML = "text/html; charset=utf-8"
_PAGE = "<!doctype html>\n<html lang=en>\n<title>{0} {1}</title>\n<h1>{1}</h1>\n<p>{2}</p>\n"
_NOT_FOUND = _PAGE.format(404, "Not Found", "The requested URL was not found on the server. If you entered the URL"
                          " manually please check your spelling and try again.")
_BAD_METHOD = _PAGE.format(405, "Method Not Allowed", "The method is not allowed for the requested URL.")
_SEE_DOCS = "See the API docs for more information about request parameters."
_MODEL_ATTRIBUTES = {"name", "creation_timestamp", "last_updated_timestamp"}
_VERSION_ATTRIBUTES = _MODEL_ATTRIBUTES | {"version_number", "run_id", "source_path"}
_RUN_ATTRIBUTES = {"run_id", "run_name", "status", "user_id", "artifact_uri", "start_time", "end_time", "experiment_id"}
_EXPERIMENT_ATTRIBUTES = {"experiment_id", "name", "creation_time", "last_update_time"}
_TIMES = {"start_time", "end_time", "creation_time", "last_update_time", "creation_timestamp",
          "last_updated_timestamp", "version_number"}


def not_found():
    return Response(404, _NOT_FOUND.encode(), _HTML)


def html(text, status=200, **headers):
    return Response(status, text.encode(), _HTML, headers)


# What things look like

def _pairs(tags):
    return [{"key": key, "value": value} for key, value in tags.items()]


def _without_empty(row):
    """Empty lists are not sent."""
    return {key: value for key, value in row.items() if value != []}


def version_json(version, aliases=()):
    return _without_empty({
        "name": version.name, "version": str(version.version), "creation_timestamp": version.created,
        "last_updated_timestamp": version.updated, "current_stage": version.stage,
        "description": version.description, "source": version.source, "run_id": version.run_id,
        "status": version.status, "tags": _pairs(version.tags), "run_link": version.run_link, "aliases": list(aliases)})


def _metric_json(key, point):
    value = point["value"]
    if math.isnan(value):
        value = "NaN"
    elif math.isinf(value):
        value = math.copysign(1.7976931348623157e308, value)
    return {"key": key, "value": value, "timestamp": point["timestamp"], "step": point["step"]}


def _experiment_json(experiment):
    return _without_empty({
        "experiment_id": experiment.experiment_id, "name": experiment.name,
        "artifact_location": experiment.artifact_location, "lifecycle_stage": "active",
        "last_update_time": experiment.updated, "creation_time": experiment.created,
        "tags": _pairs(experiment.tags)})


# Parameters

class Call:
    """The parameters of one request: its query (GET), or its JSON body, which counts as empty when it is none."""

    def __init__(self, request, required):
        self.values = {}
        if request.method == "GET" and request.pairs:
            for key, value in request.pairs:
                self.values.setdefault(key, []).append(value)
        else:
            self.values = self._body(request.body)
        self.is_query = request.method == "GET" and bool(request.pairs)
        for name in required:
            if self.one(name) in (None, ""):
                raise invalid(f"Missing value for required parameter '{name}'. {_SEE_DOCS}")

    @staticmethod
    def _body(body):
        try:
            values = json.loads(body)
        except ValueError:
            return {}
        return values if isinstance(values, dict) else {}

    def raw(self, name, default=None):
        value = self.values.get(name, default)
        return value[-1] if self.is_query and isinstance(value, list) and value else value

    def one(self, name, default=None):
        """A string, or default where there is none."""
        value = self.raw(name)
        if value is None:
            return default
        return self._typed(name, value, str)

    def many(self, name):
        value = self.values.get(name, [])
        return [self._typed(name, item, str) for item in (value if isinstance(value, list) else [value])]

    def number(self, name, default=None, kind=int):
        value = self.raw(name, default)
        try:
            return default if value is None else kind(value)
        except (TypeError, ValueError, OverflowError):
            raise self._wrong(name, value) from None

    def flag(self, name):
        return str(self.raw(name, False)).lower() == "true"

    def tags(self):
        rows = self.values.get("tags", [])
        try:
            return {row["key"]: str(row["value"]) for row in rows}
        except (TypeError, KeyError):
            raise self._wrong("tags", rows) from None

    def _typed(self, name, value, kind):
        if not isinstance(value, kind):
            raise self._wrong(name, value)
        return value

    @staticmethod
    def _wrong(name, value):
        return invalid(f"Invalid value {value} for parameter '{name}' supplied. Hint: Value was of type"
                       f" '{type(value).__name__}'. {_SEE_DOCS}")


# Paths

_ROUTES = {}  # path: {method: Route}


class Route:
    def __init__(self, answer, required, releases, reads):
        self.answer, self.required, self.releases, self.reads = answer, required, releases, reads


def _route(method, path, *required, releases=(1, 2), reads=False):
    """Makes a method of Mlflow answer a path; required: parameters that must be there, in the order of checking."""

    def put(answer):
        _ROUTES.setdefault(path, {})[method] = Route(answer, required, releases, reads or method == "GET")
        return answer

    return put


class Mlflow:
    """Answers requests. release: 1 or 2; users: None, or the basic auth of registry_auth.Users."""

    def __init__(self, store, release=2, users=None, page_trouble=None):
        self.store, self.release, self.users, self.page_trouble = store, release, users, page_trouble
        self.prefixes = [f"/{api}/2.0/mlflow/" for api in ("api", "ajax-api")]
        if release == 1:
            self.prefixes += [f"/{api}/2.0/preview/mlflow/" for api in ("api", "ajax-api")]

    def handle(self, request):
        if request.path == "/health":
            return html("OK")
        refused = self.users and self.users.refuse(request)
        if refused:
            return refused
        if request.path == "/version" and self.release > 1:
            return html(RELEASES[self.release])
        if request.path == "/":
            return Response(200, b"The lab's model registry: MLflow's REST API without its user interface.\n")
        try:
            return self._call(request)
        except Refusal as no:
            return self._json({"error_code": no.code, "message": no.message}, no.status)

    def _call(self, request):
        path = next((request.path[len(p):] for p in self.prefixes if request.path.startswith(p)), None)
        routes = {method: route for method, route in _ROUTES.get(path, {}).items() if self.release in route.releases}
        if path == "users/create" and self.users:
            return self.users.create(request)
        if not routes:
            return not_found()
        method = "GET" if request.method == "HEAD" and "GET" in routes else request.method
        if method not in routes:
            allowed = sorted({*routes, "OPTIONS", *(["HEAD"] if "GET" in routes else [])})
            status, text = (200, "") if method == "OPTIONS" else (405, _BAD_METHOD)
            return html(text, status, Allow=", ".join(allowed))
        route = routes[method]
        if self.users and not route.reads and not self.users.may_write(request):
            return self.users.denied()
        if method == "POST":
            _check_content_type(request.headers.get("content-type"))
        answer = route.answer(self, Call(request, route.required))
        if not route.reads:
            self.store.save()
        return self._json(answer)

    @staticmethod
    def _json(value, status=200):
        text = json.dumps(value, indent=2) if status == 200 else json.dumps(value)
        return Response(status, text.encode(), "application/json")

    def _page(self, key, rows, shape, size, limit, token):
        rows, following = search.page(rows, size, limit, token, self.page_trouble)
        answer = _without_empty({key: [shape(row) for row in rows]})
        return {**answer, "next_page_token": following} if following else answer

    # Registered models

    def _model_json(self, model):
        row = {"name": model.name, "creation_timestamp": model.created, "last_updated_timestamp": model.updated}
        if model.description:
            row["description"] = model.description
        row["latest_versions"] = [version_json(v) for v in self.store.latest(model.name)]
        row["tags"] = _pairs(model.tags)
        if self.release > 1:
            row["aliases"] = [{"alias": a, "version": str(v)} for a, v in sorted(model.aliases.items())]
        return _without_empty(row)

    @_route("POST", "registered-models/create", "name")
    def _create_model(self, call):
        model = self.store.create_model(call.one("name"), call.one("description", ""), call.tags())
        return {"registered_model": self._model_json(model)}

    @_route("GET", "registered-models/get", "name")
    def _get_model(self, call):
        return {"registered_model": self._model_json(self.store.model(call.one("name")))}

    @_route("POST", "registered-models/rename", "name", "new_name")
    def _rename_model(self, call):
        return {"registered_model": self._model_json(self.store.rename_model(call.one("name"), call.one("new_name")))}

    @_route("PATCH", "registered-models/update", "name")
    def _update_model(self, call):
        model = self.store.update_model(call.one("name"), call.one("description", ""))
        return {"registered_model": self._model_json(model)}

    @_route("DELETE", "registered-models/delete", "name")
    def _delete_model(self, call):
        self.store.delete_model(call.one("name"))
        return {}

    @_route("GET", "registered-models/search")
    def _search_models(self, call):
        wanted = search.parse_filter(call.one("filter", ""), {"name"})

        def field(model, key):
            entity, name = key
            return model.tags.get(name) if entity == "tags" else {
                "name": model.name, "creation_timestamp": model.created, "last_updated_timestamp": model.updated,
            }.get(name) if entity == "" else None

        rows = [m for m in self.store.models.values() if wanted(lambda key, m=m: field(m, key))]
        rows = search.order(rows, call.many("order_by"), _MODEL_ATTRIBUTES, [(("", "name"), False)], field)
        return self._page("registered_models", rows, self._model_json, call.number("max_results", 100), 1000,
                          call.one("page_token"))

    _route("GET", "registered-models/list", releases=(1,))(_search_models)

    @_route("GET", "registered-models/get-latest-versions", "name")
    @_route("POST", "registered-models/get-latest-versions", "name", reads=True)
    def _latest(self, call):
        versions = self.store.latest(call.one("name"), call.many("stages"))
        return _without_empty({"model_versions": [version_json(v) for v in versions]})

    @_route("POST", "registered-models/set-tag", "name", "key")
    def _set_model_tag(self, call):
        self.store.model(call.one("name")).tags[call.one("key")] = call.one("value", "")
        return {}

    @_route("DELETE", "registered-models/delete-tag", "name", "key")
    def _delete_model_tag(self, call):
        self.store.model(call.one("name")).tags.pop(call.one("key"), None)
        return {}

    @_route("GET", "registered-models/alias", "name", "alias", releases=(2,))
    def _get_alias(self, call):
        return self._version_answer(self.store.alias(call.one("name"), call.one("alias")))

    @_route("POST", "registered-models/alias", "name", "alias", "version", releases=(2,))
    def _set_alias(self, call):
        self.store.set_alias(call.one("name"), call.one("alias"), call.one("version"))
        return {}

    @_route("DELETE", "registered-models/alias", "name", "alias", releases=(2,))
    def _delete_alias(self, call):
        self.store.delete_alias(call.one("name"), call.one("alias"))
        return {}

    # Versions

    def _version_answer(self, version):
        aliases = self.store.aliases_of(version) if self.release > 1 else ()
        return {"model_version": version_json(version, aliases)}

    @_route("POST", "model-versions/create", "name", "source")
    def _create_version(self, call):
        return self._version_answer(self.store.create_version(
            call.one("name"), call.one("source"), call.one("run_id", ""), call.tags(), call.one("description", ""),
            call.one("run_link", "")))

    @_route("GET", "model-versions/get", "name", "version")
    def _get_version(self, call):
        return self._version_answer(self.store.version(call.one("name"), call.one("version")))

    @_route("PATCH", "model-versions/update", "name", "version")
    def _update_version(self, call):
        return self._version_answer(self.store.update_version(
            call.one("name"), call.one("version"), call.one("description", "")))

    @_route("DELETE", "model-versions/delete", "name", "version")
    def _delete_version(self, call):
        self.store.delete_version(call.one("name"), call.one("version"))
        return {}

    @_route("POST", "model-versions/transition-stage", "name", "version", "stage")
    def _transition(self, call):
        return self._version_answer(self.store.transition(
            call.one("name"), call.one("version"), call.one("stage"), call.flag("archive_existing_versions")))

    @_route("GET", "model-versions/get-download-uri", "name", "version")
    def _download_uri(self, call):
        return {"artifact_uri": self.store.version(call.one("name"), call.one("version")).source}

    @_route("POST", "model-versions/set-tag", "name", "version", "key")
    def _set_version_tag(self, call):
        self.store.version(call.one("name"), call.one("version")).tags[call.one("key")] = call.one("value", "")
        return {}

    @_route("DELETE", "model-versions/delete-tag", "name", "version", "key")
    def _delete_version_tag(self, call):
        self.store.version(call.one("name"), call.one("version")).tags.pop(call.one("key"), None)
        return {}

    @_route("GET", "model-versions/search")
    def _search_versions(self, call):
        wanted = search.parse_filter(call.one("filter", ""), _VERSION_ATTRIBUTES, {"version_number"})

        def field(version, key):
            entity, name = key
            if entity == "tags":
                return version.tags.get(name)
            return {"name": version.name, "run_id": version.run_id, "source_path": version.source,
                    "version_number": version.version, "creation_timestamp": version.created,
                    "last_updated_timestamp": version.updated}.get(name) if entity == "" else None

        rows = [v for m in self.store.models.values() for v in m.versions.values()
                if wanted(lambda key, v=v: field(v, key))]
        usual = [(("", "last_updated_timestamp"), True), (("", "name"), False), (("", "version_number"), True)]
        rows = search.order(rows, call.many("order_by"), _VERSION_ATTRIBUTES, usual, field)
        return self._page("model_versions", rows, version_json, call.number("max_results", 10000), 200000,
                          call.one("page_token"))

    # Runs

    def _run_json(self, run):
        info = {"run_uuid": run.run_id, "experiment_id": run.experiment_id, "run_name": run.name,
                "user_id": run.user, "status": run.status, "start_time": run.started, "end_time": run.ended,
                "artifact_uri": run.artifact_uri, "lifecycle_stage": "active", "run_id": run.run_id}
        if self.release == 1:
            del info["run_name"]
        if run.ended is None:
            del info["end_time"]
        data = {"metrics": [_metric_json(k, last_metric(points)) for k, points in run.metrics.items()],
                "params": _pairs(run.params), "tags": _pairs(run.tags)}
        return {"info": info, "data": _without_empty(data), **({"inputs": {}} if self.release > 1 else {})}

    @_route("POST", "runs/create", "experiment_id")
    def _create_run(self, call):
        tags = call.tags()
        name = call.one("run_name", "") or tags.get("mlflow.runName", "")
        run = self.store.create_run(call.one("experiment_id"), call.number("start_time", 0), name,
                                    call.one("user_id", ""), tags)
        return {"run": self._run_json(run)}

    @_route("GET", "runs/get", "run_id")
    def _get_run(self, call):
        return {"run": self._run_json(self.store.run(call.one("run_id")))}

    @_route("POST", "runs/log-metric", "run_id", "key")
    def _log_metric(self, call):
        self.store.log_metric(call.one("run_id"), call.one("key"), call.number("value", math.nan, float),
                              call.number("timestamp", 0), call.number("step", 0))
        return {}

    @_route("POST", "runs/log-parameter", "run_id", "key")
    def _log_param(self, call):
        self.store.run(call.one("run_id")).params[call.one("key")] = call.one("value", "")
        return {}

    @_route("POST", "runs/set-tag", "run_id", "key")
    def _set_run_tag(self, call):
        self.store.run(call.one("run_id")).tags[call.one("key")] = call.one("value", "")
        return {}

    @_route("POST", "runs/search", reads=True)
    def _search_runs(self, call):
        wanted = search.parse_filter(call.one("filter", ""), _RUN_ATTRIBUTES, _TIMES)

        def field(run, key):
            entity, name = key
            if entity == "metrics":
                return last_metric(run.metrics[name])["value"] if name in run.metrics else None
            if entity == "":
                return self._run_json(run)["info"].get(name)
            return getattr(run, entity).get(name)

        experiments = set(call.many("experiment_ids"))
        rows = [r for r in self.store.runs.values()
                if r.experiment_id in experiments and wanted(lambda key, r=r: field(r, key))]
        usual = [(("", "start_time"), True), (("", "run_id"), False)]
        rows = search.order(rows, call.many("order_by"), _RUN_ATTRIBUTES, usual, field)
        return self._page("runs", rows, self._run_json, call.number("max_results", 1000), 50000,
                          call.one("page_token"))

    @_route("GET", "metrics/get-history", "run_id", "metric_key")
    def _history(self, call):
        key = call.one("metric_key")
        points = self.store.run(call.one("run_id")).metrics.get(key, [])
        return _without_empty({"metrics": [_metric_json(key, point) for point in points]})

    @_route("GET", "artifacts/list", "run_id")
    def _artifacts(self, call):
        return {"root_uri": self.store.run(call.one("run_id")).artifact_uri}

    # Experiments

    @_route("GET", "experiments/get", "experiment_id")
    def _get_experiment(self, call):
        return {"experiment": _experiment_json(self.store.experiment(call.one("experiment_id")))}

    @_route("GET", "experiments/get-by-name", "experiment_name")
    def _get_experiment_by_name(self, call):
        name = call.one("experiment_name")
        for experiment in self.store.experiments.values():
            if experiment.name == name:
                return {"experiment": _experiment_json(experiment)}
        raise absent(f"Could not find experiment with name '{name}'")

    @_route("GET", "experiments/search")
    @_route("POST", "experiments/search", reads=True)
    def _search_experiments(self, call):
        wanted = search.parse_filter(call.one("filter", ""), _EXPERIMENT_ATTRIBUTES, _TIMES)

        def field(experiment, key):
            entity, name = key
            if entity == "tags":
                return experiment.tags.get(name)
            return _experiment_json(experiment).get(name) if entity == "" else None

        rows = [e for e in self.store.experiments.values() if wanted(lambda key, e=e: field(e, key))]
        usual = [(("", "creation_time"), True), (("", "experiment_id"), False)]
        rows = search.order(rows, call.many("order_by"), _EXPERIMENT_ATTRIBUTES, usual, field)
        return self._page("experiments", rows, _experiment_json, call.number("max_results", 1000), 50000,
                          call.one("page_token"))


def _check_content_type(header):
    if header is None:
        raise invalid("Bad Request. Content-Type header is missing.")
    if header.split(";")[0].strip() != "application/json":
        raise invalid("Bad Request. Content-Type must be one of ['application/json'].")
