"""Metrics and their two exposition formats: Prometheus text, and delimited protobuf.

Native histograms exist only in the second, which Prometheus asks for when it runs with
--enable-feature=native-histograms. Field numbers are those of io.prometheus.client, metrics.proto.
"""

import math
import struct
from bisect import bisect_left

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PROTO_TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

COUNTER, GAUGE, HISTOGRAM = 0, 1, 4  # enum MetricType
_TYPE_WORD = {COUNTER: "counter", GAUGE: "gauge", HISTOGRAM: "histogram"}

NATIVE_SCHEMA = 3  # 2^3 buckets for each doubling
NATIVE_ZERO = 1e-9  # anything smaller counts as zero


# Protobuf: a field is a varint (number << 3 | wire type), then its value.

def varint(n):
    """A number of 0 or more as base-128 varint."""
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    """A signed number as sint varint: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


def field_bytes(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def field_varint(number, n):
    return varint(number << 3) + varint(n)


def field_sint(number, n):
    return varint(number << 3) + zigzag(n)


def field_double(number, x):
    return varint(number << 3 | 1) + struct.pack("<d", x)


def format_number(x):
    """A sample value or a bound as the text format writes it."""
    if x == math.inf:
        return "+Inf"
    if x == -math.inf:
        return "-Inf"
    if x != x:
        return "NaN"
    return repr(int(x)) if x == int(x) and abs(x) < 1e15 else repr(x)


def _escape(value):
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


class _Series:
    """One labelled member of a family. Its labels are encoded once, for they never change."""

    def __init__(self, labels):
        pairs = sorted(labels.items())
        self.text_labels = ",".join(f'{k}="{_escape(v)}"' for k, v in pairs)
        self.proto_labels = b"".join(
            field_bytes(1, field_bytes(1, k.encode()) + field_bytes(2, v.encode())) for k, v in pairs)

    def line(self, name, value, extra=""):
        labels = ",".join(part for part in (self.text_labels, extra) if part)
        braces = "{" + labels + "}" if labels else ""
        return f"{name}{braces} {format_number(value)}\n"


class Value(_Series):
    """A counter or a gauge."""

    def __init__(self, labels):
        super().__init__(labels)
        self.value = 0

    def inc(self, by=1):
        self.value += by

    def set(self, value):
        self.value = value

    def text(self, name):
        return self.line(name, self.value)

    def proto(self, kind):
        return field_bytes(3 if kind == COUNTER else 2, field_double(1, self.value))


class Histogram(_Series):
    """A classic histogram with fixed upper bounds."""

    def __init__(self, labels, bounds):
        super().__init__(labels)
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, x):
        self.counts[bisect_left(self.bounds, x)] += 1
        self.sum += x

    def _cumulative(self):
        total = 0
        for bound, count in zip((*self.bounds, math.inf), self.counts):
            total += count
            yield bound, total

    def text(self, name):
        lines = [self.line(name + "_bucket", total, f'le="{format_number(bound)}"')
                 for bound, total in self._cumulative()]
        lines.append(self.line(name + "_sum", self.sum))
        lines.append(self.line(name + "_count", sum(self.counts)))
        return "".join(lines)

    def proto(self, _kind):
        buckets = b"".join(field_bytes(3, field_varint(1, total) + field_double(2, bound))
                           for bound, total in self._cumulative())
        return field_bytes(7, field_varint(1, sum(self.counts)) + field_double(2, self.sum) + buckets)


def native_index(x, schema=NATIVE_SCHEMA):
    """The bucket of x > 0: bucket i holds what is above base^(i-1) and at most base^i."""
    return math.ceil(math.log2(x) * (1 << schema) - 1e-12)


class NativeHistogram(_Series):
    """A native histogram of values of 0 and more: exponential buckets, only those in use are sent."""

    def __init__(self, labels):
        super().__init__(labels)
        self.buckets = {}
        self.zeros = 0
        self.count = 0
        self.sum = 0.0

    def observe(self, x):
        self.count += 1
        self.sum += x
        if x <= NATIVE_ZERO:
            self.zeros += 1
            return
        i = native_index(x)
        self.buckets[i] = self.buckets.get(i, 0) + 1

    def text(self, name):
        """The text format has no native buckets: what is left are the sum and the count."""
        return (self.line(name + "_bucket", self.count, 'le="+Inf"')
                + self.line(name + "_sum", self.sum) + self.line(name + "_count", self.count))

    def spans(self):
        """(offset from the end of the span before, length) and the counts as differences."""
        spans, deltas, end, before = [], [], 0, 0
        for i in sorted(self.buckets):
            if spans and i == end:
                spans[-1][1] += 1
            else:
                spans.append([i - end if spans else i, 1])
            end = i + 1
            deltas.append(self.buckets[i] - before)
            before = self.buckets[i]
        return spans, deltas

    def proto(self, _kind):
        spans, deltas = self.spans()
        # An empty span marks a native histogram that has no observations yet.
        spans = spans or [[0, 0]]
        return field_bytes(7, b"".join((
            field_varint(1, self.count), field_double(2, self.sum), field_sint(5, NATIVE_SCHEMA),
            field_double(6, NATIVE_ZERO), field_varint(7, self.zeros),
            *(field_bytes(12, field_sint(1, offset) + field_varint(2, length)) for offset, length in spans),
            *(field_sint(13, delta) for delta in deltas))))


class Family:
    """All series of one name."""

    def __init__(self, name, help_text, kind, make):
        self.name, self.help, self.kind, self._make = name, help_text, kind, make
        self._series = {}

    def labels(self, **labels):
        key = tuple(sorted(labels.items()))
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._make(labels)
        return series

    def clear(self):
        self._series.clear()

    def text(self):
        head = f"# HELP {self.name} {self.help}\n# TYPE {self.name} {_TYPE_WORD[self.kind]}\n"
        return head + "".join(series.text(self.name) for series in self._series.values())

    def proto(self):
        body = b"".join((
            field_bytes(1, self.name.encode()), field_bytes(2, self.help.encode()), field_varint(3, self.kind),
            *(field_bytes(4, s.proto_labels + s.proto(self.kind)) for s in self._series.values())))
        return varint(len(body)) + body

    def __bool__(self):
        return bool(self._series)


class Registry:
    """What one instance exposes. A restart of the instance makes a new one: counters start at 0."""

    def __init__(self):
        self._families = {}

    def _family(self, name, help_text, kind, make):
        if name not in self._families:
            self._families[name] = Family(name, help_text, kind, make)
        return self._families[name]

    def counter(self, name, help_text):
        return self._family(name, help_text, COUNTER, Value)

    def gauge(self, name, help_text):
        return self._family(name, help_text, GAUGE, Value)

    def histogram(self, name, help_text, bounds):
        return self._family(name, help_text, HISTOGRAM, lambda labels: Histogram(labels, bounds))

    def native_histogram(self, name, help_text):
        return self._family(name, help_text, HISTOGRAM, NativeHistogram)

    def render(self, accept="", only=None):
        """(content type, body) in the best format that accept names; only: a set of family names."""
        families = [f for f in self._families.values() if f and (only is None or f.name in only)]
        if "application/vnd.google.protobuf" in accept and "encoding=delimited" in accept:
            return PROTO_TYPE, b"".join(family.proto() for family in families)
        return TEXT_TYPE, "".join(family.text() for family in families).encode()
