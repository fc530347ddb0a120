"""Feeds of the scenes: runbooks, plans and runs in every state, incidents and notes. Used by make-feeds."""

PLAN = "9c410d2e55aa7f0312c4b6d8e0f1a2b3c4d5e6f708192a3b4c5d6e7f80910a2b"
HOUR, DAY = 3600, 86400


class Feeds:
    def __init__(self, base):
        self.base, self.at, self.event, self.hostile = base, base.at, base.event, base.HOSTILE

    # --- what can be run --------------------------------------------------------------------------------------------

    @staticmethod
    def param(name, kind, title="", **more):
        return dict({"name": name, "title": title, "type": kind, "required": False, "choices": []}, **more)

    def runbooks(self, before=()):
        file = "/usr/share/opsconsole/runbooks/%s.yaml"
        p = self.param
        model = p("model", "model", "whose version is put back", required=True)
        books = [
            {"name": "cache-flush", "title": "Empty the caches of the web tier", "danger": "low", "file": "/home/jane/runbooks/cache-flush.yaml",
             "steps": ["flush: ssh on each host"], "hosts": "group web", "params": [p("older", "duration", "only entries older than this", default="1h")]},
            {"name": "drain", "title": "", "file": "/home/jane/runbooks/drain.yaml",
             "error": "/home/jane/runbooks/drain.yaml:14:7: unknown key 'scrpt' in a step's ssh; 'script' is the nearest"},
            {"name": "restart", "title": "Restart the servers, one after the other", "danger": "medium", "shipped": True, "file": file % "restart",
             "steps": ["drain: action on each host", "restart: ssh on each host", "undrain: action on each host"], "hosts": "group serving",
             "offer_alerts": ["HighLatency", "InstanceDown"],
             "params": [p("service", "enum", "which unit", required=True, choices=["web", "spam-filter", "ranker"]),
                        p("wait", "duration", "between two hosts", default="10s"), p("token", "secret", "of the load balancer", required=True),
                        p("tries", "int", "", default="3")]},
            {"name": "rollback", "title": "Put a model's previous version back", "danger": "high", "shipped": True, "file": file % "rollback",
             "description": "Activates the version before on each host, batch by batch, checks that it serves and that the alert resolves, then moves "
             "the registry's alias. What it leaves is marked as bad.",
             "steps": ["activate: ssh on each host (undo: activate what it serves now)", "registry: alias champion, once, after all hosts (undo: restore)"],
             "hosts": "group serving", "offer_alerts": ["SpamFalsePositive.*", "ErrorBudgetBurn.*"],
             "params": [model, p("to", "model-version", "which version", default="previous", of="model")]},
            {"name": "takedown", "title": "Take a feature out of service and say so", "danger": "high", "shipped": True, "file": file % "takedown",
             "steps": ["flag: http, once, before the hosts", "drain: action on each host", "notice: http, once"], "hosts": "group serving",
             "offer_alerts": ["SpamFalsePositive.*"], "params": [p("feature", "string", "what is switched off", default="spam-filter", **{"from": "config"})]},
        ]
        past = [
            *before,
            self.past("20300101-011502-web", "restart", "prod/web", "done and verified", "tomas", 4410, 4300, True),
            self.past("20291219-031100-web", "rollback", "prod/spam-filter", "done and verified", "aiko", 13 * DAY, 13 * DAY - 90, True),
            self.past("20291130-120000-web", "rollback", "prod/ranker", "failed and undone", "tomas", 32 * DAY, 32 * DAY - 30),
        ]
        return self.event("runbooks", "", 3600, runbooks=books, past=past, problems=[
            "/home/jane/runbooks/drain.yaml:14:7: unknown key 'scrpt' in a step's ssh; 'script' is the nearest",
            "/home/jane/runbooks/old.yml:1:1: cannot be read: owned by nobody, expected jane or root"])

    def past(self, run, book, target, outcome, user, began, ended, verified=False):
        return {"run": run, "runbook": book, "target": target, "outcome": outcome, "user": user, "started": self.long_ago(began),
                "ended": self.long_ago(ended), "verified": verified}

    def iso_tenths(self, t):
        return self.base.iso(int(t))[:-1] + ".%dZ" % (round(t * 10) % 10)

    def long_ago(self, seconds):
        return self.base.iso(self.base.NOW - seconds)

    # --- runs ---------------------------------------------------------------------------------------------------------

    COLUMNS = [{"name": "precheck", "kind": "promql", "phase": "check", "run_scope": False},
               {"name": "activate", "kind": "ssh", "phase": "step", "run_scope": False},
               {"name": "health", "kind": "promql", "phase": "health", "run_scope": False},
               {"name": "registry", "kind": "registry", "phase": "closing", "run_scope": True},
               {"name": "verify", "kind": "promql", "phase": "verify", "run_scope": True}]

    def cell(self, outcome="NONE", text="", began=None, took=None, **more):
        c = {"outcome": outcome, "text": text, "attempt": 1 if began is not None else 0}
        if began is not None:
            c["started"] = self.at(began)
            if took is not None:
                c["ended"] = self.iso_tenths(self.base.NOW - began + took)
        c.update(more)
        return c

    def activate(self, outcome="NONE", text="", began=None, took=None, host="node-{i}", **more):
        return self.cell(outcome, text, began, took, command="ssh %s -- activate-model spam-filter 6" % host,
                         undo="ssh %s -- activate-model spam-filter 7" % host, transport="libssh2", **more)

    def registry(self, outcome="NONE", text="", **more):
        return self.cell(outcome, text, command="mlflow: alias champion of spam-filter: 7 -> 6", undo="alias champion of spam-filter: 6 -> 7", **more)

    def row(self, host, batch, state, *cells, **more):
        r = {"host": host, "state": state, "cells": list(cells) + [self.cell()] * (5 - len(cells))}
        if batch is not None:
            r["batch"] = batch
        return dict(r, **more)

    def once(self, registry=None, verify=None, state=""):
        return self.row("", None, state, self.cell(), self.cell(), self.cell(), registry or self.registry(), verify or self.cell())

    STEPS = [{"name": "steps", "text": "activate on 2 of 3 hosts: activate-model spam-filter 6 (undo: activate-model spam-filter 7)"},
             {"name": "steps", "text": "registry: alias champion of spam-filter -> 6 (undo: restore)"}]
    FACTS = [{"name": "precheck", "text": "up{job=\"serving\"} == 1 for every series: 3 of 3", "outcome": "OK"},
             {"name": "to", "text": "7 -> 6: audit 01-serving:4127, verified there 2029-12-19"},
             {"name": "hosts", "text": "2 batches: web-01 | web-[02-03]; any failure stops it"}] + STEPS + [
             {"name": "verified", "text": "the hosts serve spam-filter 6, within 1m; alert SpamFalsePositiveRateHigh is resolved, within 5m"},
             {"name": "budget", "text": "spam-quality: 38% left, 6h10m at 14.9x"},
             {"name": "cannot", "text": "requests answered wrongly since 02:13:58 stay wrong"},
             {"name": "lock", "text": "free"},
             {"name": "audit", "text": "writable, head anchored 2s ago"},
             {"name": "outcomes", "text": "3 would run, 1 skipped"}]

    def run(self, state, rows, before=1, **more):
        r = {"id": "20300101-022811-web", "runbook": "rollback", "title": "Put a model's previous version back", "env": "prod",
             "target": "prod/spam-filter", "danger": "high", "dry_run": False, "ours": True, "state": state, "actor": "jane", "plan": PLAN,
             "started": self.at(21), "values": [{"name": "model", "value": "spam-filter", "from": "given"},
                                                {"name": "to", "value": "6", "from": "audit 01-serving:4127, verified there 2029-12-19"}],
             "facts": self.FACTS, "columns": self.COLUMNS, "rows": rows, "batches": 2, "batch": 1, "max_failures": 0, "confirm_typed": True,
             "seq_first": 512, "seq_last": 539, "durable": True, "next": "", "text": ""}
        r.update(more)
        if state == "ended":
            r.setdefault("ended", self.at(before))
        return self.event("run", "", before, **{k: v for k, v in r.items() if v is not None})

    def plan(self, state="planned", **more):
        would = [self.row("web-0%d" % i, 0 if i == 1 else 1, "serves 7", self.cell("OK", "up"),
                          self.activate("WOULD RUN", "serves 7, would activate 6", host="web-0%d" % i)) for i in (1, 2)]
        skip = [self.row("web-03", 1, "serves 6", self.cell("OK", "up"), self.activate("SKIPPED", "already 6", host="web-03"))]
        return self.run(state, would + skip + [self.once(self.registry("WOULD RUN"), self.cell("WOULD RUN"))],
                        **dict({"id": "plan-3", "started": None, "seq_first": 0, "seq_last": 0, "text": "planned"}, **more))

    def acting_rows(self, second=None, third=None):
        return [self.row("web-01", 0, "serves 6", self.cell("OK", "up", 21, 0.1), self.activate("OK", "activated spam-filter 6", 20, 1.9, host="web-01",
                                                                                              intent=514, result=515), self.cell("OK", "up", 18, 10)),
                self.row("web-02", 1, "serves 7", self.cell("OK", "up", 7, 0.1), second or self.activate("RUNNING", "", 4, host="web-02", intent=530)),
                self.row("web-03", 1, "serves 6", self.cell("OK", "up", 7, 0.1), third or self.activate(
                    "OK", "activated spam-filter 6", 6, 2.0, host="web-03", intent=531, result=534), self.cell("WAITING"))]

    def output(self, host, out, err="", status=0, column=1, run="20300101-022811-web", **more):
        return self.event("run-output", "", 1, **dict({
            "run": run, "host": host, "column": column, "attempt": 1, "out": out, "err": err, "out_bytes": len(out), "err_bytes": len(err),
            "status": status, "signal": "", "ended": True}, **more))

    def acting(self):
        return [self.run("acting", self.acting_rows() + [self.once(self.registry("WAITING"))], next="health of batch 2, then registry, then verify"),
                self.output("web-01", "activated spam-filter 6\n"), self.output("web-03", "activated spam-filter 6\n"),
                self.event("run-output", "", 1, run="20300101-022811-web", host="web-02", column=1, attempt=1, out="", err="", signal="", ended=False)]

    def failed_rows(self):
        return self.acting_rows(self.activate("FAILED", "exit 1: no space left on /srv/models", 4, 2.2, host="web-02", intent=530, result=536))

    FAILED_OUT = "".join("layer %d loaded\n" % i for i in range(1, 7))

    def failed_outputs(self):
        good = self.FAILED_OUT + "activated spam-filter 6\n"
        bad = self.FAILED_OUT.replace("layer 6 loaded\n", "") + "rolled back to 7\n"
        return [self.output("web-01", good), self.output("web-03", good),
                self.output("web-02", bad, "activate-model: /srv/models: no space left on device\n", 1)]

    def ended(self, exit, text, rows, **more):
        return self.run("ended", rows, exit=exit, text=text, **more)

    def many(self):
        def hosts(first, n, batch, cell, state, **more):
            return dict(self.row("node-%d{i}" % first, batch, state, self.cell("OK", "up", 30, 0.1), cell, **more), repeat=n)

        rows = [hosts(1, 120, 0, self.activate("OK", "activated spam-filter 6", 25, 1.8), "serves 6"),
                hosts(2, 3, 1, self.activate("FAILED", "exit 1: no space left on /srv/models", 9, 2.5), "serves 7", failed=True),
                hosts(3, 1, 1, self.activate("UNKNOWN", "connection lost before the status line", 9, 6), "may serve 6 or 7", failed=True),
                hosts(4, 16, 1, self.activate("RUNNING", "", 3), "serves 7"), hosts(5, 60, 1, self.activate("WAITING"), "serves 7"), self.once()]
        return self.run("stopping", rows, next="waits for 16 hosts, then ends", text="4 of 200 hosts failed: more than 0 stop the run", max_failures=0)

    # --- all of them --------------------------------------------------------------------------------------------------------

    def all(self):
        done = [self.row("web-0%d" % i, 0 if i == 1 else 1, "serves 6", self.cell("OK", "up", 21, 0.1), self.activate(
            "OK", "activated spam-filter 6", 20, 1.9, host="web-0%d" % i, intent=512 + i, result=520 + i), self.cell("OK", "up", 18, 10)) for i in (1, 2, 3)]
        undone = [self.row("web-0%d" % i, 0 if i == 1 else 1, "serves 7 again", self.cell("OK", "up", 21, 0.1), self.activate(
            "UNDONE" if i != 2 else "FAILED", "activated spam-filter 7", 20, 1.9, host="web-0%d" % i, intent=512 + i, result=520 + i)) for i in (1, 2, 3)]
        unknown = self.acting_rows(self.activate("UNKNOWN", "connection lost before the status line", 9, 6, host="web-02", intent=530))
        refused = [self.row("web-0%d" % i, 0 if i == 1 else 1, "serves 7" if i < 3 else "unreachable: web-03 does not answer on port 22",
                            self.cell("OK" if i < 3 else "FAILED", "up" if i < 3 else "0 == 1 is not so"), self.activate(
                                "WOULD RUN" if i < 3 else "UNVERIFIABLE", host="web-0%d" % i), failed=i == 3) for i in (1, 2, 3)]
        bad_facts = [dict(f) for f in self.FACTS]
        bad_facts[0] = {"name": "precheck", "text": "up{job=\"serving\"} == 1 for every series: 2 of 3, web-03 is 0", "outcome": "FAILED"}
        unsure = [dict(f) for f in self.FACTS]
        unsure[0] = {"name": "precheck", "text": "up{job=\"serving\"}: prometheus has not answered for 41s", "outcome": "UNKNOWN"}
        told = [f for f in self.FACTS if f["name"] not in ("hosts", "steps", "outcomes")]  # of a console that does not tell them
        easy = dict(confirm_typed=False, danger="medium")
        incident = self.event("incident", "", 872, id="20300101-0214-web", title="Good posts are called spam", by="jane", opened=self.at(872))
        notes = [self.event("note", "", 700, incident="20300101-0214-web", by="tomas", text="v7 went out at 02:13:58, nothing else did", seq=470),
                 self.event("note", "", 120, incident="20300101-0214-web", by="jane", text="rolling back; told Aiko", seq=509)]
        asking = dict(question="web-02 failed: exit 1. 1 of 3 hosts failed, 0 are allowed. What now?", answers=["retry", "skip", "undo", "stop"])
        hostile = self.run("ended", [self.row(self.hostile, 0, self.hostile, self.cell("OK"), self.activate("FAILED", self.hostile, 4, 1))], exit=1,
                           id="x" + self.hostile, runbook=self.hostile, target=self.hostile, text=self.hostile, next=self.hostile, actor=self.hostile,
                           facts=[{"name": self.hostile, "text": self.hostile}], values=[])
        return {
            "runbooks.json": [self.runbooks()],
            "runbooks-left.json": [self.runbooks([dict(self.past("20300101-021000-web", "takedown", "", "", "aiko", 1112, 0), left=True,
                                                      ended="1970-01-01T00:00:00Z")])],
            "plan.json": [self.plan()],
            "plan-told.json": [self.plan(facts=told)],
            "plan-easy.json": [self.plan(**easy)],
            "plan-other.json": [self.plan(plan="ffff" + PLAN[4:])],
            "plan-refused.json": [self.run("refused", refused + [self.once()], id="plan-4", started=None, seq_first=0, facts=bad_facts,
                                           text="precheck: up{job=\"serving\"} == 1 is not so for web-03. Nothing was done.")],
            "plan-unverifiable.json": [self.plan(facts=unsure, is_dry_run=False, text="1 precondition cannot be seen")],
            "run-dry.json": [self.plan(state="ended", dry_run=True, exit=0, id="20300101-022700-web", text="would run on 2 of 3 hosts")],
            "run-acting.json": self.acting(),
            "run-asking.json": [self.run("asking", self.failed_rows() + [self.once()], next="an answer", durable=False, **asking)] + self.failed_outputs(),
            "run-done.json": [self.ended(0, "version 6 serves on 3 of 3; SpamFalsePositiveRateHigh resolved", done + [self.once(
                self.registry("OK", "champion 7 -> 6", began=3, took=0.2), self.cell("OK", "6 on 3 of 3", 3, 2))])],
            "run-failed.json": [self.ended(1, "web-02 failed; web-01 and web-03 serve 6", self.failed_rows() + [self.once()])] + self.failed_outputs(),
            "run-stopped.json": [self.ended(1, "stopped by jane after batch 1", self.acting_rows(self.activate(
                "CANCELLED", "ended because it was asked to", 4, 3, host="web-02", intent=530, result=538)) + [self.once()])],
            "run-undone.json": [self.ended(4, "web-02 failed; all of it was undone", undone + [self.once()])],
            "run-unknown.json": [self.ended(5, "web-02: it may have acted", unknown + [self.once()])],
            "run-not-verified.json": [self.ended(9, "served version: no sample newer than the last act within 60s", done + [self.once(
                self.registry("OK", "champion 7 -> 6", began=3, took=0.2), self.cell("UNKNOWN", "no new sample", 3, 2))])],
            "run-elsewhere.json": [self.run("acting", self.acting_rows() + [self.once()], ours=False, actor="tomas")],
            "run-many.json": [self.many()],
            "run-all-differ.json": [self.run("acting", [dict(self.row("node-{i}", 0, "serves 7", self.cell("OK"), self.activate(
                "OK", "done", 9, 1)), repeat=40)], batches=1, batch=0)] + [
                    self.output("node-%d" % i, "pid %d\nactivated spam-filter 6\n" % (4000 + i)) for i in range(40)],
            "run-hostile.json": [hostile, self.output(self.hostile, self.hostile + "\n", self.hostile, 1, run="x" + self.hostile)],
            "incident-open.json": [incident] + notes,
        }
