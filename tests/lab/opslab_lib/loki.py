"""A Loki as far as the console asks one: lines by query_range, labels and their values, counts over a stretch of time.

    GET /loki/api/v1/query_range        LogQL of lines: a selector, line filters, json, logfmt, filters by label
    GET /loki/api/v1/query              sum [by (..)] (count_over_time(LINES [5m]))
    GET /loki/api/v1/labels, /loki/api/v1/label/NAME/values
    GET /loki/api/v1/series             of any of several match[]; all of them without one

Held against recorded answers of Loki 2.8 by ../test_loki: order, limits, and errors, which are plain text labelled JSON.
"""

import bisect
import json
import re
import time
from urllib.parse import unquote

from .httpd import Response

LIMIT_DEFAULT, LIMIT_MAX = 100, 5000
LINES_MAX = 400_000
NS = 10**9
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*(,|\})')
_STAGE = re.compile(r'\s*(\|=|!=|\|~|!~)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)|\s*\|\s*(json|logfmt)\b'
                    r'|\s*\|\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|>=|<=|==|=|>|<)\s*("(?:[^"\\]|\\.)*"|`[^`]*`|-?[0-9.]+)')
_COUNT = re.compile(r"\s*sum\s*(?:by\s*\(([^)]*)\))?\s*\(\s*count_over_time\s*\((.*)\[(\d+)(ms|s|m|h)\]\s*\)\s*\)\s*", re.S)
_UNIT_NS = {"ms": 10**6, "s": NS, "m": 60 * NS, "h": 3600 * NS}
_LOGFMT = re.compile(r'([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)')


class Refused(Exception):
    def __init__(self, text, status=400):
        super().__init__(text)
        self.status = status


def _word(quoted):
    return quoted[1:-1] if quoted[0] == "`" else json.loads(quoted)


def _number_test(op, bound):
    """A label against a number; a text that is none does not pass."""
    compare = {">=": float.__ge__, "<=": float.__le__, ">": float.__gt__, "<": float.__lt__, "=": float.__eq__, "==": float.__eq__, "!=": float.__ne__}[op]

    def test(text):
        try:
            return compare(float(text), bound)
        except ValueError:
            return False

    return test


def _test(op, pattern, whole):
    """A function of a text. Regular expressions of labels match wholly, those of lines anywhere."""
    if op in ("=", "!="):
        return lambda text: (text == pattern) == (op == "=")
    try:
        regex = re.compile(pattern)
    except re.error as err:
        raise Refused(f"parse error: {err}") from None
    find = regex.fullmatch if whole else regex.search
    return lambda text: (find(text) is not None) == (op in ("=~", "|~"))


class Query:
    """LogQL of lines, parsed."""

    def __init__(self, text):
        self.matchers, self.stages = [], []
        at = text.find("{")
        if not text.strip():
            raise Refused("parse error : syntax error: unexpected $end")
        if at < 0 or text[:at].strip():
            raise Refused("parse error at line 1, col 1: syntax error: unexpected IDENTIFIER")
        at = self._selector(text, at + 1)
        while text[at:].strip():
            match = _STAGE.match(text, at)
            if match is None:
                raise Refused(f"parse error at line 1, col {at + 1}: syntax error: unexpected stage")
            self._stage(match)
            at = match.end()

    def _selector(self, text, at):
        while True:
            match = _MATCHER.match(text, at)
            if match is None:
                raise Refused(f"parse error at line 1, col {len(text) + 1}: syntax error: unexpected $end, expecting }} or ,")
            name, op, value, after = match.groups()
            self.matchers.append((name, _test(op, _word(value), True)))
            at = match.end()
            if after == "}":
                return at

    def _stage(self, match):
        op, value, parser, name, label_op, label_value = match.groups()
        if op is not None:
            word = _word(value)
            if op in ("|=", "!="):
                self.stages.append(("line", lambda line, word=word, wanted=op == "|=": (word in line) == wanted))
            else:
                self.stages.append(("line", _test(op, word, False)))
        elif parser is not None:
            self.stages.append((parser, None))
        else:
            is_text = label_value[0] in '"`'
            test = _test(label_op, _word(label_value), True) if is_text else _number_test(label_op, float(label_value))
            self.stages.append(("label", (name, test)))

    def selects(self, labels):
        return all(test(labels.get(name, "")) for name, test in self.matchers)

    def labels_of(self, labels, line):
        """What the line's labels are behind the stages; None: it does not pass."""
        for kind, arg in self.stages:
            if kind == "line" and not arg(line):
                return None
            if kind == "label" and not arg[1](labels.get(arg[0], "")):
                return None
            if kind in ("json", "logfmt"):
                labels = _extract(kind, labels, line)
        return labels


def _extract(kind, labels, line):
    try:
        found = json.loads(line) if kind == "json" else {k: v.strip('"') for k, v in _LOGFMT.findall(line)}
    except ValueError:
        return {**labels, "__error__": "JSONParserErr"}
    out = dict(labels)
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, (str, int, float)):
            out[name + "_extracted" if name in labels else name] = value if isinstance(value, str) else json.dumps(value)
    return out


class Store:
    def __init__(self):
        self.streams = {}  # sorted pairs of labels: sorted [(ns, line)]
        self.n = 0

    def push(self, labels, ns, line):
        stream = self.streams.setdefault(tuple(sorted(labels.items())), [])
        entry = (ns, line)
        at = bisect.bisect_left(stream, entry)
        if at == len(stream) or stream[at] != entry:
            stream.insert(at, entry)
            self.n += 1
        if self.n > LINES_MAX:
            self._forget()

    def _forget(self):
        for stream in self.streams.values():
            self.n -= len(stream) // 2
            del stream[:len(stream) // 2]

    def find(self, query, start, end):
        """(ns, labels, line) of what passes, in no order."""
        for key, stream in self.streams.items():
            labels = dict(key)
            if not query.selects(labels):
                continue
            for at in range(bisect.bisect_left(stream, (start, "")), bisect.bisect_left(stream, (end, ""))):
                ns, line = stream[at]
                passed = query.labels_of(labels, line)
                if passed is not None:
                    yield ns, passed, line

    def series(self, start, end):
        """The labels of each stream that has a line in [start, end)."""
        for key, stream in self.streams.items():
            if bisect.bisect_left(stream, (start, "")) < bisect.bisect_left(stream, (end, "")):
                yield dict(key)


def _time_of(text, what):
    """Nanoseconds, seconds (also with a fraction), or RFC 3339."""
    if re.fullmatch(r"\d{11,}", text):
        return int(text)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return int(float(text) * NS)
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text)
    if match is None:
        raise Refused(f"could not parse '{what}' parameter: strconv.ParseInt: parsing {json.dumps(text)}: invalid syntax")
    seconds = time.mktime(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return int(seconds) * NS + int((match[2] or "0").ljust(9, "0"))


class Service:
    """Handler for a Listener."""

    def __init__(self, store, tenant=None, limit_max=LIMIT_MAX, now=lambda: time.time_ns()):
        self.store, self.tenant, self.limit_max, self.now = store, tenant, limit_max, now

    def __call__(self, request):
        if self.tenant is not None and request.headers.get("x-scope-orgid") != self.tenant:
            return Response(401, b"no org id\n")
        match = re.fullmatch(r"/loki/api/v1/label/([^/]+)/values", request.path)
        try:
            if request.path == "/loki/api/v1/query_range":
                return self._json({"resultType": "streams", "result": self._range(request.query)})
            if request.path == "/loki/api/v1/query":
                return self._json({"resultType": "vector", "result": self._count(request.query)})
            if request.path == "/loki/api/v1/labels":
                return self._json(sorted({name for labels in self._series(request.query) for name in labels}))
            if match is not None:
                name = unquote(match[1])
                return self._json(sorted({labels[name] for labels in self._series(request.query) if name in labels}))
            if request.path == "/loki/api/v1/series":
                return self._json(self._selected(request), is_list=True)
        except Refused as err:
            return Response(err.status, str(err).encode(), "application/json; charset=UTF-8")
        return Response(404, b"404 page not found\n")

    def _json(self, data, is_list=False):
        # An empty list of names is left out, one of series is not.
        body = {"status": "success", "data": data} if data or is_list else {"status": "success"}
        return Response(200, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")

    def _stretch(self, query):
        end = _time_of(query["end"], "end") if "end" in query else self.now()
        start = _time_of(query["start"], "start") if "start" in query else end - 3600 * NS
        if end <= start:
            raise Refused("end timestamp must not be before or equal to start time")
        return start, end

    def _series(self, query):
        start, end = self._stretch(query) if "start" in query else (0, 1 << 63)
        return list(self.store.series(start, end))

    def _selected(self, request):
        queries = [Query(text) for name, text in request.pairs if name == "match[]"]
        return [labels for labels in self._series(request.query) if not queries or any(query.selects(labels) for query in queries)]

    def _limit(self, query):
        try:
            limit = int(query.get("limit", LIMIT_DEFAULT))
        except ValueError:
            raise Refused(f"strconv.Atoi: parsing {json.dumps(query['limit'])}: invalid syntax") from None
        return limit

    def _range(self, query):
        limit = self._limit(query)
        start, end = self._stretch(query)
        direction = query.get("direction", "backward").lower()
        if direction not in ("forward", "backward"):
            raise Refused(f"invalid direction '{query['direction']}'")
        parsed = Query(query.get("query", ""))
        if limit > self.limit_max:
            raise Refused(f"max entries limit per query exceeded, limit > max_entries_limit ({limit} > {self.limit_max})")
        found = sorted(self.store.find(parsed, start, end), key=lambda e: (e[0], sorted(e[1].items())), reverse=direction == "backward")
        streams = {}
        for ns, labels, line in found[:limit]:
            streams.setdefault(tuple(sorted(labels.items())), []).append([str(ns), line])
        return [{"stream": dict(key), "values": values} for key, values in sorted(streams.items())]

    def _count(self, query):
        match = _COUNT.fullmatch(query.get("query", ""))
        if match is None:
            raise Refused("parse error at line 1, col 1: only sum (count_over_time(..)) is here")
        names, lines, n, unit = match.groups()
        names = [name.strip() for name in names.split(",")] if names else []
        end = _time_of(query["time"], "time") if "time" in query else self.now()
        counts = {}
        for _ns, labels, _line in self.store.find(Query(lines), end - int(n) * _UNIT_NS[unit] + 1, end + 1):
            key = tuple((name, labels[name]) for name in sorted(names) if name in labels)
            counts[key] = counts.get(key, 0) + 1
        return [{"metric": dict(key), "value": [end / NS, str(count)]} for key, count in sorted(counts.items())]
