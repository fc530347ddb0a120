"""Feeds of the scenes: what happened in order, the audit log, and the bars of replays. Used by make-feeds."""

H = "abcdef0123456789"


def digest(seq):
    """64 hex that look like a hash and stay the same."""
    x, text = seq * 2654435761 + 12345, ""
    for _ in range(64):
        x = (x * 1103515245 + 12345) % 2 ** 31
        text += H[x >> 16 & 15]
    return text


class Feeds:
    def __init__(self, base):
        self.base, self.at, self.event, self.hostile = base, base.at, base.event, base.HOSTILE

    # --- the timeline --------------------------------------------------------------------------------------------

    def entry(self, before, kind, id, what, text="", by="", seq=0, end=False, severity="none", known=None, backfilled=False):
        return {"at": self.at(before), "known": self.at(before if known is None else known), "kind": kind, "end": end,
                "backfilled": backfilled, "severity": severity, "id": id, "what": what, "text": text, "by": by, "seq": seq}

    def told(self, entries):
        """Each when it was known, so that a past time knows what was known then."""
        out = [dict(self.event("timeline", "", 1, entries=[e]), time=e["known"]) for e in entries]
        return sorted(out, key=lambda e: e["time"])

    def incident_entries(self):
        e = self.entry
        spam, burn, run = "alert:00c0ffee00c0ffee", "alert:0badcafe0badcafe", "run:20300101-0219"
        return [
            e(9000, "alert", "alert:00000000000d15c0", "DiskAlmostFull", "ticket, db-2", severity="ticket", known=3600, backfilled=True),
            e(6600, "change", "marker:build", "web", "build 2f31c9a on 3 hosts"),
            e(3000, "source", "source:loki", "loki", "timeout", severity="ticket"),
            e(2700, "source", "source:loki", "loki", "answers again", end=True),
            e(874, "change", "marker:champion", "spam-filter", "champion 6 -> 7", "trainer-ci"),
            e(852, "alert", spam, "SpamFalsePositiveRateHigh", "page, v7 on 3 hosts", severity="page", known=840),
            e(742, "slo", "slo:spam-quality", "spam-quality", "page, burns 14.9x over 1h", severity="page"),
            e(730, "alert", burn, "ErrorBudgetBurnFast", "page, 14.9x", severity="page"),
            e(690, "note", "", "note", "v7 went out at 02:13:58, false positives since; rolling back", "jane", 514),
            e(600, "act", "act:1", "silence", "HighLatency on web-03 for 1h", "tomas", 516),
            e(560, "run", run, "rollback", "prod/spam-filter 7 -> 6 on 3 hosts", "jane", 518),
            e(548, "model", "model:spam-filter", "spam-filter", "out of step: web-01 serves 6, registry says 7", severity="page"),
            e(470, "message", "", "status page", "posts wrongly called spam: we are on it", "jane", 531),
            e(430, "run", run, "rollback", "done and verified in 2m10s", "jane", 539, True),
            e(425, "model", "model:spam-filter", "spam-filter", "in step: 6 on 3 hosts", end=True),
            e(300, "drift", "drift:url_count", "url_count", "PSI .41 (noise .06, n 5.1k)", severity="ticket"),
            e(190, "alert", spam, "SpamFalsePositiveRateHigh", "resolved", end=True),
            e(150, "alert", burn, "ErrorBudgetBurnFast", "resolved", end=True),
            e(60, "slo", "slo:spam-quality", "spam-quality", "no rule fires", end=True),
        ]

    def many_entries(self):
        out = []
        for i in range(2048):
            before = 80000 - i * 39
            out.append(self.entry(before, "alert", "alert:%016x" % i, "Alert%04d" % i, "ticket, host-%d" % (i % 97), severity="ticket"))
            if i % 3 != 0:
                out.append(self.entry(before - 120, "alert", "alert:%016x" % i, "Alert%04d" % i, "resolved", end=True))
            else:
                out.append(self.entry(before - 60, "note", "", "note", "number %d" % i, "jane", i + 1))
        return out

    def hostile_entries(self):
        e, h = self.entry, self.hostile
        return [e(300, "alert", "alert:" + h, "evil" + h, h * 2, h, severity="page"),
                e(280, "note", "", h, "line\nforged row\x1b[2J", h, 9223372036854775807),
                e(200, "change", "marker:\u4f60", "wide-\u4f60\u597d\u4e16\u754c\u4f60\u597d\u4e16\u754c", "e\u0301" * 40),
                e(100, "run", "run:" + "x" * 200, "y" * 300, "z" * 480, "w" * 100)]

    # --- the audit log --------------------------------------------------------------------------------------------

    def row(self, seq, before, type, text, run="", incident="20300101-0214-web", actor="jane@web", open=False, **members):
        body = "".join(',\n  "%s": "%s"' % (k, v) for k, v in members.items())
        detail = '{\n  "seq": %d,\n  "time": "%s",\n  "prev": "%s",\n  "type": "%s",\n  "actor": {\n    "user": "jane",\n    "uid": 1000\n  },\n  "env": "prod"%s\n}' % (
            seq, self.at(before), digest(seq - 1), type, body)
        return {"seq": seq, "at": self.at(before), "type": type, "actor": actor, "run": run, "incident": incident, "text": text,
                "detail": detail, "hash": digest(seq), "open": open}

    def anchor(self, kind, name, state="ok", seq=539, before=2, text=""):
        anchor = {"kind": kind, "name": name, "state": state, "seq": seq, "text": text}
        return dict(anchor, at=self.at(before)) if before else anchor

    def rows(self):
        run = "20300101-0219"
        return [self.row(*r[:4], **r[4]) for r in [
            (511, 841, "incident-opened", "incident 20300101-0214-web: spam filter blocks good posts", {}),
            (512, 840, "recording", "recording 20300101-0144 pinned: incident opened", {}),
            (513, 800, "chunk", "chunk 31 of recording 20300101-0144: 48211 bytes", {}),
            (514, 690, "note", "v7 went out at 02:13:58, false positives since; rolling back", {}),
            (515, 601, "act", "silence HighLatency on web-03 for 1h", {"actor": "tomas@ops"}),
            (516, 600, "act-result", "silence HighLatency on web-03: done", {"actor": "tomas@ops"}),
            (518, 560, "run-start", "run rollback prod/spam-filter 7 -> 6 on web-01 web-02 web-03", {"run": run}),
            (519, 555, "intent", "activate on web-01: activate-model spam-filter 6", {"run": run, "step": "activate", "host": "web-01"}),
            (520, 553, "result", "activate on web-01: OK in 1.9s", {"run": run}),
            (521, 552, "intent", "activate on web-02: activate-model spam-filter 6", {"run": run, "open": True, "step": "activate"}),
            (531, 470, "result", "tell the public: OK in 0.4s", {"run": run}),
            (539, 430, "run-end", "run rollback: done and verified in 2m10s", {"run": run}),
        ]]

    def view(self, before=1, **members):
        rows = members.pop("rows", self.rows())
        last = rows[-1]["seq"] if rows else 0
        view = {"path": "/home/jane/.local/state/opsconsole/audit", "records": last, "first_seq": 1 if last else 0, "last_seq": last,
                "last_hash": digest(last) if last else "", "writable": True, "why": "", "open": 0,
                "anchors": [self.anchor("head", "/home/jane/.local/state/opsconsole/audit.head"),
                            self.anchor("copy", "/mnt/shared/jane.head"), self.anchor("journald", "")],
                "verdict": "good", "verified": self.at(120), "verdict_text": "539 records, all as they were written", "filter": "",
                "filter_error": "", "matching": last, "first": last - len(rows) if last else 0, "rows": rows}
        view.update(members)
        view = {k: v for k, v in view.items() if v is not None}
        return [self.event("audit-view", "", before, **view)]

    def bad_anchors(self):
        return [self.anchor("head", "/home/jane/.local/state/opsconsole/audit.head"),
                self.anchor("copy", "/mnt/shared/jane.head", "behind", 520, 600, "19 records behind"),
                self.anchor("checkpoint", "SHA256:k3y", "off", 0, 0),
                self.anchor("journald", "this machine", "failed", 0, 0, "no /run/systemd/journal/socket"),
                self.anchor("ship", "loki", "failed", 512, 700, "HTTP 503 from http://loki.prod:3100, 27 records wait")]

    def no_anchors(self):
        return [self.anchor("head", "/home/jane/.local/state/opsconsole/audit.head", "off", 0, 0),
                self.anchor("journald", "", "off", 0, 0, "this machine has neither journald nor syslog")]

    def window(self, first, n, total=100000):
        """Records first+1 .. first+n of many."""
        rows = [self.row(first + 1 + i, (total - first - 1 - i) * 0.6 // 1, "note", "number %d" % (first + 1 + i)) for i in range(n)]
        return self.view(records=total, last_seq=total, last_hash=digest(total), matching=total, first=first, rows=rows, anchors=[
            self.anchor("head", "/home/jane/.local/state/opsconsole/audit.head", seq=total)], verdict_text="%d records" % total)

    # --- bars of replays --------------------------------------------------------------------------------------------

    def bar(self, before=445, **members):
        return dict({"incident": "20300101-0214-web", "title": "", "at": self.at(before), "first": self.at(2200), "last": self.at(1),
                     "zero": self.at(841), "speed": 4, "verified": "verified", "gaps": []}, **members)

    def bars(self):
        at = self.at
        return {
            "replay.json": self.bar(),
            "replay-paused.json": self.bar(1300, paused=True, verified="not verified", skipping=True),
            "replay-gaps.json": self.bar(gaps=[[at(2000), at(1500)], [at(700), at(610)]], verified="NOT VERIFIED: edited at 4127"),
            "replay-damaged.json": self.bar(685, gaps=[[at(700), at(610)]], verified="NOT VERIFIED: chunk edited",
                                            why="20300101-015152-4127/000002.rec: it cannot be read"),
            "replay-film.json": self.bar(685, film=True),
            "replay-following.json": self.bar(1, following=True, speed=1),
            "replay-days.json": self.bar(first=at(80000), at=at(30000), incident="", title="the whole night"),
            "replay-hostile.json": self.bar(incident="", title="evil" + self.hostile, verified="NOT VERIFIED: " + self.hostile),
        }

    def all(self):
        h = self.hostile
        env = [self.base.environment()]
        opened = [self.event("incident", "", 841, id="20300101-0214-web", title="spam filter blocks good posts", by="jane", opened=self.at(841))]
        entries = self.incident_entries()
        hostile_row = self.row(7, 300, h[:40], "evil" + h, h, h, h)
        return {
            "timeline.json": self.told(entries) + opened,
            "timeline-few.json": self.told(entries[4:6]),
            "timeline-many.json": [self.event("timeline", "", 1, entries=self.many_entries())],
            "timeline-hostile.json": [self.event("timeline", "", 1, entries=self.hostile_entries())],
            "timeline-later.json": [self.event("timeline", "", 0, entries=[self.entry(0, "note", "", "note", "it came just now", "jane", 540)])],
            # As the app makes it of ALERTS.
            "past-metrics.json": env + [self.event("alerts", "prometheus", 1112, alerts=[self.base.alert("HighLatency", "firing", 5400, "ticket", labels={
                "service": "web", "instance": "web-03:8080"})])],
            "past-metrics-empty.json": env + [self.event("alerts", "prometheus", 1112, alerts=[])],
            "audit.json": env + self.view(),
            "audit-none.json": env + self.view(rows=[], anchors=[], verdict="", verdict_text="", verified=None),
            "audit-none-anchors.json": env + self.view(rows=[], anchors=self.no_anchors(), verdict="", verdict_text="", verified=None),
            "audit-none-unwritable.json": env + self.view(rows=[], anchors=self.no_anchors(), verdict="", verdict_text="", verified=None, writable=False, why=
                                                          "audit log: No space left on device: cannot write /home/jane/.local/state/opsconsole/audit"
                                                          "/audit-000001.jsonl"),
            "audit-unverified.json": env + self.view(verdict="", verdict_text="", verified=None),
            "audit-running.json": env + self.view(verdict="running", verdict_text="", verified=None),
            "audit-broken.json": env + self.view(verdict="edited", open=1, verdict_text="audit.1.jsonl:519: record 519 was edited: its hash does not hold; "
                                                 "518 records before it do", anchors=self.bad_anchors()),
            "audit-unanchored.json": env + self.view(verdict="unanchored", verdict_text="19 records stand behind the head", anchors=[]),
            "audit-unwritable.json": env + self.view(writable=False, why="/home/jane/.local/state: No space left on device", open=2),
            # As the app has it in a replay: those of later are left out, the head is the log's.
            "audit-until.json": env + self.view(rows=self.rows()[:9], records=520, matching=520, first=511, last_seq=539, last_hash=digest(539)),
            "audit-filtered.json": env + self.view(rows=self.rows()[6:9], matching=3, records=539, last_seq=539, first=0, filter="type=intent,result,run-start",
                                                   last_hash=digest(539)),
            "audit-filter-none.json": env + self.view(rows=[], matching=0, records=539, last_seq=539, first_seq=1, filter="host=db-9", last_hash=digest(539),
                                                      first=0),
            "audit-filter-error.json": env + self.view(rows=[], matching=0, records=539, last_seq=539, first_seq=1, filter="typ=intent", first=0,
                                                       filter_error="typ=: no such key; run, runbook, type, host, user, env, incident, outcome, since, until, text",
                                                       last_hash=digest(539)),
            "audit-end.json": env + self.window(99950, 50),
            "audit-middle.json": env + self.window(99700, 300),
            "audit-around.json": env + self.window(4000, 200),
            "audit-hostile.json": env + self.view(rows=[hostile_row], path=h, why=h, writable=False, verdict="edited" + h, verdict_text=h, anchors=[
                self.anchor(h[:20], h, "failed", 1, 5, h)], records=7, last_seq=7, matching=1, first=0),
        }
