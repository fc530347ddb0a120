"""MLflow's search: filter strings, order_by, pages. What is searched is a row of fields that the caller makes.

A field's name is "name" or a pair of words, such as ("tags", "owner"); entities are spelt in several ways (tag, tags).
"""

import base64
import binascii
import json
import re

from .registry_store import invalid

_ENTITIES = {"tag": "tags", "tags": "tags", "metric": "metrics", "metrics": "metrics", "param": "params",
             "params": "params", "parameter": "params", "parameters": "params", "attr": "", "attribute": "",
             "attributes": "", "run": ""}
# Quotes inside a quoted word are kept as they stand: MLflow takes the outer ones off and no more.
_QUOTED = r"""'(?:''|\\\\|\\'|[^'])*'|"(?:""|\\\\|\\"|[^"])*\""""
_KEY = rf"(?:`[^`]*`|{_QUOTED}|[\w\-/]+)(?:\.(?:`[^`]*`|{_QUOTED}|[\w\-/.]+))?"
_CLAUSE = re.compile(
    rf"\s*(?P<key>{_KEY})\s*(?P<op>!=|>=|<=|=|>|<|\bLIKE\b|\bILIKE\b|\bIN\b)\s*"
    rf"(?P<value>{_QUOTED}|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\([^)]*\))\s*", re.IGNORECASE)
_AND = re.compile(r"AND\b", re.IGNORECASE)
_ORDER = re.compile(rf"\s*(?P<key>{_KEY})(?:\s+(?P<way>ASC|DESC))?\s*", re.IGNORECASE)
_STRINGS = re.compile(_QUOTED)


def _unquote(text):
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"`" else text


def _field(key):
    entity, dot, rest = key.partition(".")
    if not dot:
        return "", _unquote(key)
    if entity.lower() not in _ENTITIES:
        raise invalid(f"Invalid entity type '{entity}'. Valid values are {sorted(set(_ENTITIES))}")
    return _ENTITIES[entity.lower()], _unquote(rest)


def _checked(key, attributes):
    entity, name = _field(key)
    if entity == "" and name not in attributes:
        raise invalid(f"Invalid attribute key '{name}' specified. Valid keys are '{sorted(attributes)}'")
    return entity, name


def _like(pattern, flags=0):
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL | flags)


def _number(text):
    try:
        return float(text)
    except ValueError:
        raise invalid(f"Expected a number, got {text}") from None


def _test(op, value, is_number):
    """A function (field) -> bool for one comparison."""
    if op == "IN":
        words = {_unquote(word) for word in _STRINGS.findall(value)}
        return lambda x: str(x) in words
    if op in ("LIKE", "ILIKE"):
        pattern = _like(_unquote(value), re.IGNORECASE if op == "ILIKE" else 0)
        return lambda x: pattern.fullmatch(str(x)) is not None
    wanted = _number(_unquote(value)) if is_number else _unquote(value)
    same = {"=": lambda x: x == wanted, "!=": lambda x: x != wanted, ">": lambda x: x > wanted,
            ">=": lambda x: x >= wanted, "<": lambda x: x < wanted, "<=": lambda x: x <= wanted}[op]
    return (lambda x: same(float(x))) if is_number else lambda x: same(str(x))


def parse_filter(text, attributes, numbers=frozenset()):
    """A filter string as a function (row) -> bool. numbers: the attributes that are compared as such."""
    tests, at = [], 0
    while text[at:].strip():
        match = _CLAUSE.match(text, at)
        if match is None:
            raise invalid("Invalid clause(s) in filter string: " + ", ".join(text[at:].split()))
        field = _checked(match["key"], attributes)
        is_number = field[0] == "metrics" or (field[0] == "" and field[1] in numbers)
        tests.append((field, _test(match["op"].upper(), match["value"], is_number)))
        at = match.end()
        joint = _AND.match(text, at)
        if joint is None and at < len(text):
            raise invalid("Invalid clause(s) in filter string: " + ", ".join(text[at:].split()))
        at = joint.end() if joint else at
    return lambda row: all(_holds(row, field, test) for field, test in tests)


def _holds(row, field, test):
    value = row(field)
    return value is not None and test(value)


def order(rows, clauses, attributes, usual, key):
    """rows, sorted. clauses: as asked for; usual: (field, descending) pairs that follow; key: (row, field) -> value."""
    ways = []
    for clause in clauses:
        match = _ORDER.fullmatch(clause)
        if match is None:
            raise invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.")
        ways.append((_checked(match["key"], attributes), (match["way"] or "").upper() == "DESC"))
    rows = list(rows)
    for field, descending in reversed(ways + list(usual)):
        rows.sort(key=lambda row, field=field: _sortable(key(row, field)), reverse=descending)
        rows.sort(key=lambda row, field=field: _is_nothing(key(row, field)))  # last, either way
    return rows


def _is_nothing(value):
    return value is None or value != value


def _sortable(value):
    return (0, 0) if _is_nothing(value) else (1, value)


def _offset(token):
    if not token:
        return 0
    try:
        text = base64.b64decode(token)
    except (ValueError, binascii.Error):
        raise invalid("Invalid page token, could not base64-decode") from None
    try:
        parsed = json.loads(text)
    except ValueError:
        raise invalid(f"Invalid page token, decoded value={text}") from None
    offset = parsed.get("offset") if isinstance(parsed, dict) else None
    if not isinstance(offset, int) or offset <= 0:
        raise invalid(f"Invalid page token, parsed value={parsed}")
    return offset


def page(rows, size, limit, token, trouble=None):
    """One page of rows, and the token of the next or None.

    trouble: "repeat" gives the first page for ever, "lose" ends after the first page although there is more.
    """
    if size > limit:
        raise invalid(f"Invalid value for request parameter max_results. It must be at most {limit},"
                      f" but got value {size}")
    if size < 1:
        raise invalid(f"Invalid value {size} for parameter 'max_results' supplied. It must be positive.")
    start = 0 if trouble == "repeat" else _offset(token)
    end = start + size
    more = end < len(rows) and trouble != "lose"
    following = base64.b64encode(json.dumps({"offset": end}).encode()).decode() if more else None
    return rows[start:end], following
