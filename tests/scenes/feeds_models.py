"""Feeds of the scenes: which model version should serve, which one does where, and the hosts. Used by make-feeds."""

MIN, HOUR, DAY, NS = 60, 3600, 86400, 10 ** 9


class Feeds:
    def __init__(self, base):
        self.base, self.now, self.iso, self.event, self.report = base, base.NOW, base.iso, base.event, base.report
        self.hostile = base.HOSTILE

    # --- what the config says ---------------------------------------------------------------------------------------

    def model_def(self, name, alias="champion", title="", **more):
        d = {"id": "model:" + name, "name": name, "title": title, "registry": "mlflow", "alias": alias,
             "serving_expr": 'served_model_version{model="%s"} == 1' % name, "serving_source": "prometheus",
             "version_label": "version", "host_label": "instance", "group": "serving", "max_age_ns": 0, "max_data_age_ns": 0}
        d.update(more)
        return {k: v for k, v in d.items() if v is not None}

    def host_query(self, name, title, unit, objective=None):
        return dict(self.base.query("x", title, "expr", unit, objective), id="host:" + name, name=name)

    def environment(self, models, queries=None):
        if queries is None:
            queries = [self.host_query("cpu", "cpu busy", "ratio", 0.9), self.host_query("mem", "memory used", "ratio"),
                       self.host_query("disk", "disk used", "ratio", 0.9), self.host_query("load", "load, 1 minute", "none")]
        online = [dict(self.base.query("x", o["metric"], o["expr"], "none"), id=o["query"], name=o["metric"])
                  for m in models for o in m.get("online", [])]
        e = self.base.environment(self.base.QUERIES + queries + online)
        e["sources"] = e["sources"] + [{"name": "mlflow", "type": "mlflow", "url": "http://mlflow.prod:5000", "interval_ns": 30 * NS}]
        e["models"] = models
        return e

    # --- what registry and hosts say ------------------------------------------------------------------------------------

    def version(self, version, age, by="trainer-ci", aliases=(), stage="", data_age=None, metrics=(), params=None, tags=None, **more):
        v = {"version": version, "aliases": list(aliases), "stage": stage, "status": "READY", "by": by,
             "created": self.iso(self.now - age), "updated": self.iso(self.now - age), "run": "run-%s" % version,
             "uri": "s3://models/%s" % version, "tags": tags or {}, "params": params or {},
             "metrics": [[n, x, (self.now - age) * NS] for n, x in sorted(metrics)], "run_known": True}
        if data_age is not None:
            v["data"] = self.iso(self.now - data_age)
        v.update(more)
        return v

    def model(self, name, versions, aliases=None, **more):
        m = {"name": name, "versions": versions, "created": self.iso(self.now - 200 * DAY), "updated": self.iso(self.now - DAY),
             "aliases": [{"alias": a, "version": v} for a, v in sorted((aliases or {}).items())], "tags": {}}
        m.update(more)
        return m

    def registry(self, before, models, **more):
        return self.event("registry", "mlflow", before, models=sorted(models, key=lambda m: m["name"]), **more)

    def serving(self, before, name, hosts, errors=None, **more):
        v = [{"host": h, "version": x, "at": self.base.at(before)} for h, x in hosts] + [
            {"host": h, "version": "", "at": self.base.at(before), "error": e} for h, e in (errors or {}).items()]
        return self.event("serving", "prometheus", before, model="model:" + name, serving=v, **more)

    def reports(self, before, names, registry=True):
        v = [self.report("prometheus", "serving:" + n, before) for n in names]
        return v + ([self.report("mlflow", "registry", before, due=28, size=20411)] if registry else [])

    # --- the platform -----------------------------------------------------------------------------------------------------

    def spam_versions(self, champion):
        params = {"learning_rate": "0.1", "max_depth": "8", "n_estimators": "400", "subsample": "0.8", "objective": "binary:logistic",
                  "features": "v12", "seed": "42"}
        tags = {"git_commit": "1c09ffe", "opsconsole.previous": "5", "training_data_until": "2029-12-20"}
        return [
            self.version("7", 20 * MIN, aliases=["champion"] if champion == "7" else [], data_age=2 * DAY,
                         metrics=[("auc", 0.9412), ("f1", 0.902), ("log_loss", 0.181), ("n_train", 5120000)],
                         params=dict(params, learning_rate="0.05", features="v13", url_count="log1p"),
                         tags=dict(tags, git_commit="2f31c9a", training_data_until="2029-12-30"),
                         description="adds url_count; retrained on the week of the holidays"),
            self.version("6", 12 * DAY, aliases=(["champion"] if champion == "6" else []) + ["rollback-target"], data_age=14 * DAY,
                         metrics=[("auc", 0.9388), ("f1", 0.901), ("log_loss", 0.19), ("n_train", 4980000)], params=params, tags=tags),
            self.version("5", 31 * DAY, by="aiko", stage="Archived", metrics=[("auc", 0.921), ("f1", 0.88)], params=params,
                         tags={"git_commit": "77aa001"}),
            self.version("4", 60 * DAY, by="aiko", status="FAILED_REGISTRATION", run_known=False)]

    def spam(self, champion="7"):
        return self.model("spam-filter", self.spam_versions(champion), {"champion": champion, "rollback-target": "6"},
                          description="Is a post spam? Every post asks it before it is shown.")

    def ranker(self):
        return self.model("ranker", [self.version("3", 12 * DAY, aliases=["champion"], metrics=[("ndcg", 0.71)], params={"depth": "16"}),
                                     self.version("2", 40 * DAY, metrics=[("ndcg", 0.69)], params={"depth": "4"})], {"champion": "3"})

    def toxicity(self):
        return self.model("toxicity", [self.version("2024-11-03.1", 41 * DAY, stage="Production", data_age=70 * DAY),
                                       self.version("2024-09-30.2", 75 * DAY, stage="Archived")])

    def others(self):
        return [self.model("playground", [self.version("12", 3 * DAY, by="jane")]),
                self.model("url-classifier", [self.version("1", 90 * DAY, by="tomas", aliases=["candidate"])], {"candidate": "1"})]

    def defs(self):
        return [self.model_def("spam-filter", title="Spam filter of posts and comments", max_age_ns=14 * DAY * NS,
                               max_data_age_ns=30 * DAY * NS, data_key="training_data_until",
                               online=[{"metric": "auc", "query": "online:spam-filter:auc", "expr": "spam:auc:online",
                                        "label": "version", "source": "prometheus"}]),
                self.model_def("ranker"),
                self.model_def("toxicity", alias=None, stage="Production", group=None, max_age_ns=30 * DAY * NS,
                               max_data_age_ns=60 * DAY * NS)]

    def online(self):
        v = [({"version": x}, value) for x, value in (("6", 0.931), ("7", 0.868))]
        return self.vector("online:spam-filter:auc", v)

    def vector(self, query, lines, before=2):
        t = self.now - before
        return self.event("series", "prometheus", before, type="vector", query=query, start=self.iso(t), end=self.iso(t), step_ns=0,
                          series=[{"labels": labels, "samples": [[t * NS, value]]} for labels, value in lines])

    # --- hosts ----------------------------------------------------------------------------------------------------------------

    def host(self, name, groups, **more):
        h = {"name": name, "groups": sorted(groups), "address": name, "where": "opsconsole.yaml:61:9"}
        h.update(more)
        return h

    def hosts(self):
        v = [self.host("db-2", ["storage"], where="/etc/ansible/hosts:12", address="10.0.0.42", port=2222, user="deploy"),
             self.host("feature-store", []), self.host("serving-01", ["serving"]), self.host("serving-02", ["serving"]),
             self.host("serving-03", ["serving"]), self.host("web-1", ["edge", "web"]), self.host("web-2", ["web"]),
             self.host("web-10", ["web"])]
        return self.event("hosts", "", 3600, hosts=v)

    def targets(self, before, down=()):
        names = [("node", "serving-01:9100"), ("serving", "serving-01:8501"), ("node", "serving-02:9100"),
                 ("serving", "serving-02:8501"), ("node", "serving-03:9100"), ("serving", "serving-03:8501"), ("node", "web-1:9100"),
                 ("web", "web-1:8080"), ("node", "web-2:9100"), ("web", "web-2:8080"), ("node", "web-10:9100"), ("web", "web-10:8080"),
                 ("features", "feature-store:9200")]
        v = [{"job": j, "instance": i, "url": "http://%s/metrics" % i, "health": "down" if i in down else "up",
              "error": "Get \"http://%s/metrics\": connection refused" % i if i in down else "",
              "last_scrape": self.base.at(before + 3), "scrape_s": 0.012} for j, i in names]
        return self.event("targets", "prometheus", before, targets=v, n_up=len(v) - len(down), n_down=len(down), n_unknown=0,
                          n_dropped=0)

    def health(self):
        hosts = ["serving-01", "serving-02", "serving-03", "web-1", "web-2", "web-10"]
        cpu, mem, disk = [0.42, 0.39, 0.97, 0.11, 0.13, 0.08], [0.61, 0.62, 0.6, 0.3, 0.31, 0.29], [0.2, 0.21, 0.2, 0.93, 0.5, 0.51]
        load = [3.1, 2.9, 17.4, 0.4, 0.5, 0.3]
        return [self.vector("host:" + n, [({"instance": h + ":9100"}, x) for h, x in zip(hosts, v)])
                for n, v in (("cpu", cpu), ("mem", mem), ("disk", disk), ("load", load))]

    # --- scenes' settings -------------------------------------------------------------------------------------------------------

    def quiet(self, defs):
        b = self.base
        return [self.environment(defs)] + b.INFO + [e for t in (17, 12, 7, 2) for e in b.reports(t)] + [
            b.event("alerts", "prometheus", 2, alerts=[]), b.event("alerts", "alertmanager", 2, alerts=[]),
            b.event("silences", "alertmanager", 2, silences=[])]

    def trio(self, a, b, c):
        return [("serving-01", a), ("serving-02", b), ("serving-03", c)]

    def moved(self, at, served, defs=None, registry=None, down=()):
        """Champion went from 6 to 7 that long ago; served: what is served since then."""
        names = ["spam-filter", "ranker", "toxicity"]
        rest = registry if registry is not None else [self.ranker(), self.toxicity()] + self.others()
        v = self.quiet(defs or self.defs()) + [self.hosts()]
        v += [self.registry(3000, [self.spam("6")] + rest), self.serving(2990, "spam-filter", self.trio("6", "6", "6"))]
        v += [self.serving(2990, "ranker", self.trio("3", "3", "3")), self.serving(2990, "toxicity", [("gpu-1", "2024-11-03.1")])]
        v += self.reports(1113, names)
        v += [self.registry(at, [self.spam("7")] + rest), self.move_marker(at)]
        v += [self.serving(at - 8, "spam-filter", served), self.serving(2, "spam-filter", served)]
        v += [self.serving(2, "ranker", self.trio("3", "3", "3")), self.serving(2, "toxicity", [("gpu-1", "2024-11-03.1")])]
        return v + [self.registry(2, [self.spam("7")] + rest), self.online(), self.targets(2, down)] + self.health() + self.reports(2, names)

    def move_marker(self, at):
        return self.event("markers", "mlflow", at, **{"def": "registry:mlflow", "start": self.iso(self.now - 3600), "end": self.iso(
            self.now), "markers": [
                {"kind": "change", "at": self.iso(self.now - 40 * MIN), "what": "spam-filter", "from": "5", "to": "6",
                 "text": "spam-filter rollback-target 5 -> 6", "n_series": 1},
                {"kind": "change", "at": self.iso(self.now - 30 * MIN), "what": "ranker", "from": "2", "to": "3",
                 "text": "ranker champion 2 -> 3", "n_series": 1},
                {"kind": "change", "at": self.base.at(at), "what": "spam-filter", "from": "6", "to": "7",
                 "text": "spam-filter champion 6 -> 7", "n_series": 1}]})

    def stale(self):
        """The registry stopped answering 41 minutes ago."""
        v = self.quiet(self.defs()[:2]) + [self.hosts(), self.registry(41 * MIN, [self.spam("6"), self.ranker()]),
                                           self.report("mlflow", "registry", 41 * MIN, due=28)]
        v += [self.report("mlflow", "registry", b, False, "connection to mlflow.prod:5000 refused", 0, 1) for b in (2400, 60, 30, 2)]
        v += [self.serving(2, "spam-filter", self.trio("6", "6", "6")), self.serving(2, "ranker", self.trio("3", "3", "3"))]
        return v + self.reports(2, ["spam-filter", "ranker"], registry=False)

    def unserved(self):
        v = self.quiet(self.defs()[:2]) + [self.hosts(), self.registry(600, [self.spam("6"), self.ranker()])]
        for b in (600, 2):
            v += [self.serving(b, "spam-filter", self.trio("6", "6", "6")[:2 if b == 2 else 3]),
                  self.serving(b, "ranker", self.trio("3", "", "3"))]
        return v + [self.registry(2, [self.spam("6"), self.ranker()])] + self.reports(2, ["spam-filter", "ranker"])

    def failing(self):
        """By http, one host of three does not answer, and nothing has the alias."""
        d = self.model_def("spam-filter", serving_expr=None, serving_source=None, version_label=None, host_label=None,
                           serving_url="http://{host}:8501/v1/models/spam-filter", serving_path="version")
        e = self.serving(2, "spam-filter", self.trio("6", "6", "6")[:2], {"serving-03": "connection refused"}, notes=[
            "3 series have no version: no label version"])
        spam = dict(self.spam("none"), aliases=[])
        return self.quiet([d]) + [self.hosts(), self.registry(2, [spam], notes=["page 7 repeats page 6: the rest is not known"]), e] + [
            self.report("prometheus", "serving", 2), self.report("mlflow", "registry", 2, due=28)]

    def many(self):
        """10,000 versions, 300 hosts, and a registry that everybody plays in."""
        d = self.model_def("embedder", group=None)
        big = self.model("embedder", [self.version("build-new", 9 * MIN, aliases=["champion"], metrics=[("recall", 0.88)]),
                                      dict(self.version("build-{i}", 30 * DAY), repeat=9999)], {"champion": "build-new"}, n_left_out=511)
        others = [{"name": "experiment-%03d" % i, "versions": [{"version": "1", "by": "intern-%d" % i}]} for i in range(400)]
        served = [{"host": "gpu-%d" % i, "version": "build-new" if i > 7 else "build-3", "at": self.base.at(2)} for i in range(1, 301)]
        s = dict(self.event("serving", "prometheus", 2, model="model:embedder", serving=served))
        v = self.quiet([d] + [self.model_def("model-%02d" % i, group=None) for i in range(40)])
        models = [self.model("model-%02d" % i, [self.version(str(i), DAY, aliases=["champion"])], {"champion": str(i)}) for i in range(40)]
        v += [self.event("registry", "mlflow", 2, models=[big] + others + models, n_left_out=0), s]
        v += [self.serving(2, "model-%02d" % i, [("gpu-%d" % (i + 1), str(i))]) for i in range(40)]
        return v + self.reports(2, ["embedder"] + ["model-%02d" % i for i in range(40)])

    def many_hosts(self):
        hosts = [self.host("rack%d-node-%d" % (r, i), ["rack-%d" % r, "all"]) for r in range(1, 11) for i in range(1, 51)]
        t = [{"job": "node", "instance": h["name"] + ":9100", "url": "http://%s:9100/metrics" % h["name"], "error": "no route to host" if
              h["name"] in ("rack2-node-7", "rack10-node-10") else "", "health": "down" if h["name"] in ("rack2-node-7", "rack10-node-10") else "up", "last_scrape": self.base.at(5),
              "scrape_s": 0.1} for h in hosts]
        return self.quiet([]) + [self.event("hosts", "", 3600, hosts=hosts), self.event(
            "targets", "prometheus", 2, targets=t, n_up=498, n_down=2, n_unknown=0, n_dropped=0)]

    def hostile_feed(self):
        h = self.hostile
        d = [dict(self.model_def("evil/model name " + h, alias=h, title=h, group=None), id="model:evil"),
             self.model_def("\u4f60\u597d/\u4e16\u754c " * 6, group=None)]
        evil = self.version("9007199254740993" + h, DAY, by=h, aliases=[h], status=h, tags={h: h, "k": "v" * 3000}, params={h: h},
                            metrics=[(h, float(1))], description=h * 20, uri=h, stage=h)
        old = self.version("9007199254740992", 2 * DAY, tags={h: "other " + h}, params={h: "2"}, metrics=[(h, 2.0)])
        m = [self.model(d[0]["name"], [evil, old], {h: evil["version"]}, description=h),
             self.model(d[1]["name"], [self.version("1.10", DAY, aliases=["champion"]), self.version("1.1", DAY)], {"champion": "1.10"}),
             self.model("other " + h, [self.version(h, DAY, by=h)], {h: h})]
        s = dict(self.serving(2, "evil", [("host " + h, "9007199254740992"), ("web-01", evil["version"])], notes=[h]), model="model:evil")
        s2 = dict(self.serving(2, "x", [("\u4e16\u754c-1", "1.1")]), model=d[1]["id"])
        hosts = sorted([self.host("host " + h, [h, "g"], address=h, where=h, user=h), self.host("web-01", ["g"])], key=lambda x: x["name"])
        return self.quiet(d) + [self.event("hosts", "", 60, hosts=hosts), self.registry(2, m, notes=[h]), s, s2] + [
            self.report("mlflow", "registry", 2, due=28), self.report("prometheus", "serving:" + d[0]["name"], 2),
            self.report("prometheus", "serving:" + d[1]["name"], 2)]

    def all(self):
        step = self.trio("7", "7", "7")
        return {
            "models.json": self.moved(874, self.trio("7", "7", "6"), down=("serving-03:8501",)),
            "models-step.json": self.moved(874, step, self.defs()[:2], [self.ranker()]),
            "models-late.json": self.moved(874, step, self.defs()[:2], [self.ranker()]) + [
                self.report("mlflow", "registry", 1, False, "connection to mlflow.prod:5000 refused", 0, 1)],
            "models-moving.json": self.moved(20, self.trio("7", "6", "6"), self.defs()[:2], [self.ranker()]),
            "models-stale.json": self.stale(),
            "models-unserved.json": self.unserved(),
            "models-failing.json": self.failing(),
            "models-unknown.json": self.quiet(self.defs()) + [self.hosts()],
            "models-many.json": self.many(),
            "models-hostile.json": self.hostile_feed(),
            "hosts-many.json": self.many_hosts(),
            # Behind models.json: the last host has followed.
            "models-followed.json": [self.serving(1, "spam-filter", step), self.report("prometheus", "serving:spam-filter", 1)],
        }
