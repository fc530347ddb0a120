#!/usr/bin/env python3
"""Error budgets on the lab: each fault spends what it should, and the state turns when the Workbook's arithmetic says.

How long a rule takes is worked out before the fault is switched on: (1 - target) x factor x window / error ratio, for both of its
windows. What the console says afterwards is held against what Prometheus says of the same instants, not against a clock: only the
report has seconds in it.
"""

import contextlib
import json
import math
import subprocess
import sys
import tempfile
import threading
import time

import e2e
import slo_history

sys.path.insert(0, e2e.SOURCE + "/tests/lab")
from opslab_lib import world  # noqa: E402

SAME = 1e-6
LATE_S = 0.9    # a scrape may take so long (scrape_timeout): a sample from so long before an instant may have been stored after the console asked
RESOLUTION_S, TILE_S = 1, 10    # of the lab's objectives; a 720th of the two hours
PAGE_RULES = ((14.4, 10, 5), (6, 60, 10))
MORE = """\
      - name: few-events
        target: 99.5%
        bad: 'web_requests_total{code=~"5.."}'
        total: web_requests_total
        window: 2h
        resolution: 1s
        min_events: 1000000
        burn: [{ factor: 14.4, long: 10s, short: 5s, severity: page }]
      - name: telemetry
        target: 99%
        good: 'spam_prediction_duration_seconds_bucket{le="0.3"}'
        total: spam_prediction_duration_seconds_count
        window: 2h
        resolution: 1s
        burn: [{ factor: 14.4, long: 10s, short: 5s, severity: page }]
"""
RATIOS = {    # bad and all events in window W
    "availability": ('sum(increase(web_requests_total{code=~"5.."}[W]))', "sum(increase(web_requests_total[W]))", 0.995),
    "latency": ('(sum(increase(web_request_duration_seconds_count[W])) - sum(increase(web_request_duration_seconds_bucket{le="0.3"}[W])))',
                "sum(increase(web_request_duration_seconds_count[W]))", 0.99),
    "spam-quality": ('sum(increase(feedback_labels_total{decision="spam",label="ham"}[W]))',
                     'sum(increase(feedback_labels_total{label="ham"}[W]))', 0.99),
}
NEWEST = {"availability": "web_requests_total", "latency": "web_request_duration_seconds_count", "spam-quality": "feedback_labels_total"}

LAB = None


class Lab(e2e.Lab):
    """The lab, measured, and a console that says how its objectives stand four times a second."""

    def __enter__(self):
        super().__enter__()
        assert self.process.stdout.readline() == "measured\n"
        self.prometheus = self.status()["prometheus"]
        # A window that reaches back to before the lab began holds few events, and a fault fills it sooner.
        e2e.wait_for("windows of ten seconds that are full", lambda: self.value(
            "min(count_over_time(web_requests_total[12s]))", time.time()) >= 11)
        with open(self.config, encoding="utf-8") as config:
            text = config.read()
        head, found, tail = text.partition("    slos:\n")
        assert found, text
        self.config = self.folder + "/more.yaml"
        with open(self.config, "w", encoding="utf-8") as config:
            config.write(head + found + MORE + tail)
        self.rounds = {}    # at: {name: objective}
        self.watch = subprocess.Popen([e2e.PROGRAM, "--status", "--json", "--watch", "250ms", "--config", self.config],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=e2e.environment(), text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def read(self):
        for line in self.watch.stdout:
            for slo in json.loads(line)["slos"]:
                if slo["at"] is not None:
                    self.rounds.setdefault(e2e.seconds_of(slo["at"]), {})[slo["name"]] = slo

    def __exit__(self, *exc):
        self.watch.terminate()
        self.watch.wait(e2e.PATIENCE_S)
        self.reader.join(e2e.PATIENCE_S)
        super().__exit__(*exc)

    def since(self, start, name):
        """[(at, objective)] in order of time."""
        return [(at, slos[name]) for at, slos in sorted(self.rounds.copy().items()) if at >= start and name in slos]

    def wait_state(self, name, state, start):
        """The first (at, objective) from start on that is in this state."""
        return e2e.wait_for(f"{name}: {state}", lambda: next(
            ((at, slo) for at, slo in self.since(start, name) if slo["state"] == state), None))

    def value(self, expr, at):
        return slo_history.value(self.prometheus, expr, at)


def detection_s(target, ratio):
    """When the first rule of severity page fires."""
    return min(max((1 - target) * factor * window / ratio for window in windows) for factor, *windows in PAGE_RULES)


def ham_blocked():
    """Share of the good posts that version 7 takes for spam: by their links, of which they have 0.9 in the mean."""
    none, one = math.exp(-0.9), 0.9 * math.exp(-0.9)
    return sum(p * block for p, block in zip((none, one, 1 - none - one), world.LINK_BLOCKS))


def late_share():
    """Share of the requests over 300 ms when the filter takes 14 times as long: posts of which score_s (log-normal) is above."""
    score = (0.3 - 0.03) / world.SLOW_FACTOR    # 30 ms for the rest of a post
    return world.POST_SHARE * 0.5 * math.erfc(math.log(score / 0.032) / 0.35 / math.sqrt(2))


def burn(name, window_ns, at):
    bad, total, target = RATIOS[name]
    ratio = f"{bad} / {total}".replace("W", f"{round(window_ns / 1e6)}ms")
    return LAB.value(ratio, at) / (1 - target)


def is_settling(name, at):
    """Whether a sample had just been taken when the console asked: it may have been stored a moment later."""
    return LAB.value(f"max(timestamp({NEWEST[name]}))", at) > at - LATE_S


def check_against_promql(name, start):
    """Burn rates of every round since start; and a page wherever PromQL says that both windows of a rule are above, and nowhere else."""
    same = settling = 0
    for at, slo in LAB.since(start, name):
        rates = {b["window_ns"] / 1e9: b["rate"] for b in slo["burns"] if e2e.seconds_of(b["at"]) == at and b["rate"] is not None}
        wanted = {window: burn(name, window * 1e9, at) for window in rates}
        if all(abs(rates[w] - wanted[w]) <= SAME * abs(wanted[w]) + 1e-9 for w in rates):
            same += 1
        else:
            assert is_settling(name, at), (name, at, rates, wanted)
            settling += 1
        above = any(rates[long] > factor and rates[short] > factor for factor, long, short in PAGE_RULES)
        assert (slo["state"] == "page") == above, (name, at, slo["state"], slo["why"], rates)
    assert same >= 3 and same >= settling, (name, same, settling)
    return same


def check_fault(fault, name, ratio):
    """Switch a fault on until its objective pages, and off again; what is checked of it is returned for later."""
    target = RATIOS[name][2]
    predicted = detection_s(target, ratio)
    started = time.time()
    healthy = LAB.wait_state(name, "ok", started - 10)[1]
    LAB.fault(fault)
    try:
        paged_at, slo = LAB.wait_state(name, "page", started)
        assert "x over" in slo["why"], slo["why"]
        LAB.wait_alert("ErrorBudgetBurnFast")
        e2e.wait_for("a few rounds more", lambda: len(LAB.since(paged_at, name)) >= 3)
    finally:
        LAB.fault(fault, False)
    states = [slo["state"] for at, slo in LAB.since(started, name) if at <= paged_at]
    assert states[-1] == "page" and set(states[:-1]) <= {"ok", "ticket"}, states
    print(f"   {fault}: {name} pages {paged_at - started:.1f} s after the fault, {predicted:.1f} s worked out"
          f" for an error ratio of {ratio:.1%} (and what scrapes, rounds and the roll-out take)", flush=True)
    return fault, name, started, healthy["left"], ratio


def whole_left(name, at):
    """What is left of the whole budget when tiles are summed as slo_promql.h says, each an increase() that overlaps by the resolution.

    Where scrapes are further apart than the resolution, as in the lab's past, one increase() over the whole period says something else by
    a few hundredths: rare events between two tiles are in none, others are extrapolated. slo_history measures that; here it would be noise.
    """
    bad, total, target = RATIOS[name]
    edge = at // TILE_S * TILE_S

    def events(expr):
        def increase(length):
            longer = length + RESOLUTION_S - 0.001
            return f"({expr.replace('W', f'{round(longer * 1000)}ms')}) * {length / longer:.15g}"
        tiles = LAB.value(f"sum_over_time(({increase(TILE_S)})[2h:{TILE_S}s])", edge)
        return tiles + (LAB.value(increase(round(at - edge, 3)), at) if at > edge else 0)
    return 1 - events(bad) / events(total) / (1 - target)


def check_spent(name, started, left_before):
    """The share of the budget that is gone is PromQL's increase since, in parts of what the window allows."""
    bad, total, target = RATIOS[name]
    at, slo = LAB.since(started, name)[-1]
    since = f"{round((at - started) * 1000)}ms"
    spent = LAB.value(bad.replace("W", since), at) / ((1 - target) * LAB.value(total.replace("W", "2h"), at))
    got = left_before - slo["left"]
    assert abs(got - spent) <= 0.1 * spent + 0.01, (name, got, spent)
    whole = whole_left(name, at)
    assert abs(slo["left"] - whole) <= 0.005, (name, slo["left"], whole)
    return got


def test_healthy_lab_has_its_budgets():
    _, slo = LAB.wait_state("spam-quality", "ok", 0)
    assert slo["covered_ns"] > 0.98 * slo["period_ns"], slo
    for name in (*RATIOS, "feedback", "model-freshness", "prediction-latency", "telemetry"):
        _, slo = LAB.wait_state(name, "ok", 0)
        assert slo["left"] > 0.5, (name, slo["left"])
        assert slo["exhaustion_ns"] is None or slo["exhaustion_ns"] > 3600e9, slo
    code, out, _ = e2e.program("--status", config=LAB.config)
    assert code == 0 and "spam-quality" in out, (code, out)


def test_faults_turn_the_state_and_spend():
    ratios = {"slow": ("latency", late_share()), "errors": ("availability", world.ERROR_SHARE_BROKEN),
              "bad-model": ("spam-quality", ham_blocked())}
    done = [check_fault(fault, name, ratio) for fault, (name, ratio) in ratios.items()]
    for fault, name, started, left, _ in done:
        LAB.wait_state(name, "ok", LAB.since(started, name)[-1][0])
        rounds = check_against_promql(name, started)
        spent = check_spent(name, started, left)
        print(f"   {fault}: {spent:.1%} of the budget of {name} spent; {rounds} rounds with the burn rates of PromQL", flush=True)
    paged = [at for at, slo in LAB.since(0, "availability") if slo["state"] == "page"]
    gated = [at for at, slo in LAB.since(0, "few-events") if slo["state"] == "gated"]
    assert gated and not [at for at, slo in LAB.since(0, "few-events") if slo["state"] == "page"], gated
    assert set(gated) & set(paged), "what pages on many events is gated on few"


def test_missing_telemetry_is_never_well():
    started = time.time()
    LAB.fault("telemetry-gap")
    try:
        silent_at, slo = LAB.wait_state("telemetry", "no-data", started)
        assert slo["left"] is not None and slo["left"] > 0.5, "the last budget known is kept"
        e2e.wait_for("a few rounds more", lambda: len(LAB.since(silent_at, "telemetry")) >= 5)
        code, out, _ = e2e.program("--status", "--json", config=LAB.config)
        assert code in (2, 3), (code, out)    # critical: TelemetryMissing; never 0
    finally:
        silent = {slo["state"] for at, slo in LAB.since(silent_at, "telemetry")}
        LAB.fault("telemetry-gap", False)
    assert silent == {"no-data"}, silent
    LAB.wait_state("telemetry", "ok", time.time())


def test_a_dead_source_is_unknown():
    with tempfile.TemporaryDirectory() as folder:
        path = e2e.config_file(folder, ["name: gone, type: prometheus, url: 'http://127.0.0.1:1'"], "    slos:\n" + MORE)
        code, out, _ = e2e.program("--status", "--json", config=path)
    assert code == 3, code
    slos = json.loads(out)["slos"]
    assert [slo["state"] for slo in slos] == ["unknown", "unknown"] and all(slo["left"] is None for slo in slos), slos


def test_every_budget_is_well_again():
    start = time.time()
    for name in (*RATIOS, "few-events", "telemetry", "feedback", "model-freshness", "prediction-latency"):
        _, slo = LAB.wait_state(name, "ok", start)
        assert slo["left"] > 0.2, (name, slo["left"])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        e2e.run_with(Lab, globals(), "LAB", [test_healthy_lab_has_its_budgets, test_faults_turn_the_state_and_spend,
                     test_missing_telemetry_is_never_well, test_a_dead_source_is_unknown, test_every_budget_is_well_again])
