"""Feeds of the scenes: lines of logs of the blogging platform, from a Loki and a journal, on the night of the incident. Used by make-feeds."""
import json

NS = 10 ** 9
START = 1893464912 - 3600   # 01:28:32Z, an hour before the clock of the scenes
CHANGE = 1893464912 - 874   # 02:13:58Z: the model's champion moved


def ns(s, ms=0):
    return s * NS + ms * 10 ** 6


def request_line(i):
    paths = ["/posts", "/posts/%d" % (4000 + i * 7), "/comments", "/login", "/feed.xml"]
    return "GET %s 200 %dms trace=%08x" % (paths[i % 5], 12 + i * 13 % 61, i * 2654435761 % 2 ** 32)


def web_lines():
    lines = [[ns(START + i * 12, i * 37 % 1000), request_line(i), "info", 0] for i in range(300)]
    for i in range(0, 300, 41):
        lines.append([ns(START + i * 12 + 5, 210), "slow query: 1%03dms SELECT * FROM comments WHERE post = %d" % (i, 4000 + i), "warning", 0])
    for i in range(60):
        lines.append([ns(CHANGE + 20 + i * 14, i * 91 % 1000), "comment %d refused as spam by 7: score 0.9%d" % (80120 + i * 3, i % 10), "info", 1])
    for i in range(24):
        lines.append([ns(CHANGE + 60 + i * 33, 404), "appeal of author %d: comment was no spam" % (310 + i * 11), "warning", 0])
    for i in range(9):
        lines.append([ns(CHANGE + 300 + i * 61, 771), "feature url_count: value %d is outside of the range seen in training" % (41 + i), "error", 1])
    lines.append([ns(CHANGE - 1, 12), json.dumps({"level": "info", "msg": "champion moved", "model": "spam-filter", "from": 6, "to": 7,
                                                  "by": {"user": "trainer-ci", "run": "d41d8c"}}), "info", 2])
    return lines


def journal_lines():
    unit = {"_PID": "811", "_HOSTNAME": "web-01", "PRIORITY": "6"}
    lines = [[ns(START + 600 * i, 3), "Starting backup of comments", "info", 0, unit, "s=1;i=%x" % i] for i in range(6)]
    lines.append([ns(CHANGE + 2, 500), "spam-filter.service: Main process exited, code=exited, status=1/FAILURE", "critical", 1,
                  {"_PID": "1", "_HOSTNAME": "ml-02", "PRIORITY": "2", "EXIT_STATUS": "1"}, "s=1;i=ff"])
    lines.append([ns(CHANGE + 4, 100), 'ts=2030-01-01T02:14:02Z level=warn msg="restarted by systemd" restarts=1 host=ml-02', "warning", 1,
                  {"_PID": "1", "_HOSTNAME": "ml-02", "PRIORITY": "4"}, "s=1;i=100"])
    return lines


class Feeds:
    def __init__(self, base):
        self.base = base

    def environment(self):
        e = self.base.environment()
        e["sources"] += [{"name": "loki", "type": "loki", "url": "http://loki.prod:3100", "interval_ns": 2 * NS},
                         {"name": "journal", "type": "journald", "url": "http://web-01:19531", "interval_ns": 5 * NS}]
        return e

    def batch(self, source, want, before, streams, lines, **more):
        return self.base.event("log-lines", source, before, want=want, streams=streams, lines=lines, **more)

    def loki(self, before, lines, **more):
        streams = [{"service": "web", "labels": {"app": "web", "env": "prod"}},
                   {"service": "spam-filter", "labels": {"app": "spam-filter", "env": "prod"}},
                   {"service": "registry", "labels": {"app": "registry", "env": "prod"}}]
        return self.batch("loki", "logs:app", before, streams, lines, **more)

    def journal(self, before, lines, **more):
        streams = [{"service": "backup", "labels": {"_SYSTEMD_UNIT": "backup.service"}},
                   {"service": "spam-filter", "labels": {"_SYSTEMD_UNIT": "spam-filter.service"}}]
        return self.batch("journal", "logs:journal", before, streams, lines, **more)

    def all(self):
        evil = "\u001b[2J\u001b]0;owned\u0007 \u202eevil\u2066 \u0000 forged\n02:28:31.000 OK all is well \u0085\u2028 \udbff"
        evil = evil.replace("\udbff", "\ufffe")
        last = 1893464912
        hostile = [[ns(last - 50 + i), text, "error", i % 2] for i, text in enumerate(
            [evil, "x" * 3000, "\u4f60\u597d\u4e16\u754c" * 40, "a\u0300\u0301\u0302\u0303" * 60, "\t\r\ttabs and returns\r", "", '{"deep": {"%s": 1}}' % ("k" * 200)])]
        return {
            "logs.json": [self.environment(), self.loki(4, web_lines()), self.journal(4, journal_lines())],
            "logs-more.json": [self.loki(1, [[ns(last - 1, 100 + i), "GET /late/%d 200 3ms" % i, "info", 0] for i in range(5)])],
            "logs-late.json": [self.loki(1, [[ns(last - 100, 700 + i), "line %d that came late" % i, "notice", 0] for i in range(3)])],
            "logs-behind.json": [self.journal(1, [[ns(START - 30), "Starting backup of comments", "info", 0, {"PRIORITY": "6"}, "s=1;i=0b"]])],
            "logs-dead.json": [self.base.report("loki", "logs:app", 60), self.base.report("loki", "logs:app", 41, ok=False, status=500,
                error="Loki failed inside (HTTP 500): the ring is empty; its own log says why")],
            "logs-notes.json": [self.loki(900, [], note="more than 5000 lines in one nanosecond: 12 of them are missing"),
                                self.journal(30, [], note="the journal was rotated: lines before 01:28:32Z are gone")],
            "logs-empty.json": [self.environment(), self.loki(4, [])],
            "logs-hostile.json": [self.environment(), self.batch("loki", "logs:app", 4, [
                {"service": "web\u001b[31m", "labels": {"app": "we\nb", "x" * 80: "y" * 300}}, {"service": "\u202espam", "labels": {}}], hostile)],
        }
