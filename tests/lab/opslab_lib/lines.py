"""What the simulated services write to their logs: requests now and then, and everything that goes wrong.

The world tells what happens (World.say); which words it becomes is said here. Web writes JSON, the spam filter logfmt, the ranker plain text, as services of
several teams do. The hosts' journal has other lines: what the manager of the units says of them, and what their runtime prints.
"""

import json

NS = 10**9
PATHS = ("/", "/feed.xml", "/post/730", "/post/238", "/login", "/search?q=cats")
SPREAD_NS = 1_700_021  # between lines of one tick of the world


def unit_lines(what, nth, about):
    """(unit, level, text) of what a host's journal has of it. The ranker is a part of web."""
    service = about.get("service", "web" if what == "request" else "spam-filter")
    unit = "web" if service == "ranker" else service
    if what in ("request", "scored") and nth % 40 == 0:
        return [(unit, "info", f"gc {nth // 40}: {1 + nth % 7}.{nth % 10} ms pause, heap {180 + nth % 61} MB")]
    return {
        "loaded": [(unit, "info", f"mapped the model file of {about.get('model')} {about.get('version')}")],
        "not_loaded": [(unit, "error", f"cannot map the model file of spam-filter {about.get('version')}: No such file or directory")],
        "stopped": [(unit, "warn", f"{unit}.service: Main process exited"), (unit, "info", f"Stopped {unit}.service.")],
        "started": [(unit, "info", f"Started {unit}.service.")],
    }.get(what, [])


class Writer:
    """Put into World.say; each line goes to push(labels, ns, line), those of the units to push_unit (None: there is no journal)."""

    def __init__(self, push, push_unit=None):
        self.push, self.push_unit = push, push_unit
        self.n = self.at_s = self.n_of_tick = 0
        self.n_of = {}  # what: how often
        self.written = {}  # (service, level): lines

    def __call__(self, what, host, at_s, **about):
        self.n += 1
        self.n_of[what] = nth = self.n_of.get(what, 0) + 1
        self.n_of_tick = self.n_of_tick + 1 if at_s == self.at_s else 0
        self.at_s = at_s
        ns = int(at_s * 1000) * 10**6 + self.n_of_tick * SPREAD_NS % (NS // 4)
        line = getattr(self, "_" + what)(host, nth, about)
        if line is not None:
            self._write(self.push, host, ns, *line)
        if self.push_unit is not None:
            for line in unit_lines(what, nth, about):
                self._write(self.push_unit, host, ns, *line)

    def _write(self, push, host, ns, service, level, text):
        self.written[service, level] = self.written.get((service, level), 0) + 1
        push({"app": service, "env": "lab", "host": host, "level": level}, ns, text)

    def _trace(self):
        return f"{self.n * 2654435761 % 2**32:08x}"

    def _request(self, host, nth, about):
        """One in eight that went well is written, and each that did not."""
        code = about["code"]
        if code == 200 and nth % 8:
            return None
        level = "info" if code == 200 else "error"
        text = {"level": level, "msg": "request", "method": "POST" if about["handler"] == "post" else "GET",
                "path": PATHS[nth % len(PATHS)], "status": code, "duration_ms": round(about["seconds"] * 1000, 2), "trace_id": self._trace()}
        if code != 200:
            text["error"] = "no spam filter answers" if code == 503 else "template: index out of range [5] with length 5"
        return "web", level, json.dumps(text)

    def _ranked(self, host, nth, about):
        return None if nth % 8 else ("ranker", "info", f"ranked {10 + nth % 30} posts with version {about['version']} in {3 + nth % 9} ms")

    def _scored(self, host, nth, about):
        if about["seconds"] > 0.25:
            return ("spam-filter", "warn", f'level=warn msg="slow to score" version={about["version"]} took={about["seconds"]:.3f}s trace_id={self._trace()}')
        if nth % 6:
            return None
        return ("spam-filter", "info", f'level=info msg="scored post" model=spam-filter version={about["version"]} verdict={about["decision"]} trace_id={self._trace()}')

    def _loaded(self, host, nth, about):
        return about["service"], "info", f'level=info msg="loaded model" model={about["model"]} version={about["version"]}'

    def _not_loaded(self, host, nth, about):
        return "spam-filter", "error", f'level=error msg="cannot load model" model=spam-filter version={about["version"]} err="no such version"'

    def _stopped(self, host, nth, about):
        return about["service"], "error", f'level=error msg="terminated" service={about["service"]} host={host}'

    def _started(self, host, nth, about):
        return about["service"], "info", f'level=info msg="started" service={about["service"]} host={host}'
