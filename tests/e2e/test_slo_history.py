#!/usr/bin/env python3
"""Error budgets over a month of known history on a real Prometheus: what --status says is what PromQL says, and what counting the events says.

Bounds. A budget is summed from tiles (a 720th of the window; an hour of 30 days) that overlap by the resolution, here the minute from one sample
to the next: each difference of two samples is in one tile. A longer overlap would count a burst at the end of a tile twice. What is left are the
ends: of the window, of its last part that is no whole tile, and of a correction, each about a sample wide. Steady events are not touched by it, so
TOTAL_BOUND is small and BURST_BOUND larger. What is counted in samples or slices has no such error.
"""

import contextlib
import datetime
import json
import math
import os
import tempfile
import zoneinfo

import e2e
import slo_history
from slo_history import DAY_S, HOUR_S, MINUTE_S

TOTAL_BOUND, BURST_BOUND, SAME = 0.002, 1 / 50, 1e-6
PERIOD_S = 30 * DAY_S
TILE_S = HOUR_S
BERLIN = "Europe/Berlin"
HAS_ZONES = os.path.exists(os.path.join("/usr/share/zoneinfo", BERLIN))

HISTORY = FOLDER = CONFIGS = FIRST = None
COUNTERS = "bad: 'shop_requests_total{code=\"500\"}', total: shop_requests_total"
OBJECTIVES = {
    "shop-bad": f"target: 99.9%, {COUNTERS}",
    "shop-good": "target: 99.9%, good: 'shop_requests_total{code=\"200\"}', total: shop_requests_total",
    "shop-window": "target: 99.9%, good: 'sum(rate(shop_requests_total{code=\"200\"}[${window}]))',"
              " total: 'sum(rate(shop_requests_total[${window}]))'",
    "shop-week": f"target: 99.9%, window: 7d, {COUNTERS}",
    "shop-month": f"target: 99.9%, window: month, {COUNTERS}",
    "slices": f"target: 99.5%, method: timeslices, slice: 5m, slice_target: 99%, {COUNTERS}",
    "ratio-slices": f"target: 99.9%, method: ratio-timeslices, slice: 5m, {COUNTERS}",
    "latency": "target: 99%, histogram: shop_duration_seconds, below: 300ms",
    "jobs": "target: 99%, counter: false, bad: 'jobs_in_last_minute{result=\"failed\"}', total: jobs_in_last_minute",
    "raw": "target: 99.9%, error_ratio: shop_error_ratio",
    "threshold": "target: 99%, expr: shop_latency_seconds, below: 300ms",
    "gap": "target: 99.9%, bad: 'gap_requests_total{code=\"500\"}', total: gap_requests_total",
    "young": "target: 99.9%, bad: 'young_requests_total{code=\"500\"}', total: young_requests_total",
    "silent": "target: 99.9%, bad: 'silent_requests_total{code=\"500\"}', total: silent_requests_total",
    "over": "target: 99.9%, good: over_good_total, total: over_all_total",
    "low": "target: 99.9%, bad: 'low_requests_total{code=\"500\"}', total: low_requests_total",
    "corrected": f"target: 99.9%, {COUNTERS}",
}
if HAS_ZONES:
    OBJECTIVES["berlin"] = f"target: 99.9%, window: month, timezone: {BERLIN}, {COUNTERS}"
SHOP = ("shop_requests_total", 'code="500"')


def write_config(url, name, corrections):
    rows = "".join(f"      - {{ name: {slo}, {rest} }}\n" for slo, rest in OBJECTIVES.items())
    return e2e.config_file(CONFIGS, [f"name: prometheus, type: prometheus, url: '{url}'"],
                           f"    slo: {{ corrections: '{corrections}' }}\n    slos:\n{rows}", name)


def outage_s(k):
    """Start and end of one of the outages, as the counters tell it."""
    before, minutes, _ = slo_history.OUTAGES[k]
    start = HISTORY.end - before * MINUTE_S + slo_history.COUNTER_PHASE_S
    return start, start + minutes * MINUTE_S


def text_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def status(config):
    """{name: objective} of --status --json."""
    _, out, err = e2e.program("--status", "--json", config=config)
    answer = json.loads(out)
    slos = {slo["name"]: slo for slo in answer["slos"]}
    assert set(slos) == set(OBJECTIVES), (sorted(slos), err)
    return slos


def near(what, got, wanted, relative, absolute=0):
    assert got is not None and abs(got - wanted) <= relative * abs(wanted) + absolute, \
        f"{what}: {got}, wanted {wanted} within {relative:g} and {absolute:g}"


def check_sums(slo, server, bad_expr, total_expr, bad_hand, total_hand, burst=0):
    """Occurrences of counters. bad_expr and total_expr have W for the window; burst: events in one minute of the worst outage."""
    at, start = e2e.seconds_of(slo["at"]), e2e.seconds_of(slo["window_start"])
    window = f"{round((at - start) * 1000)}ms"
    bad, total = (server.value(expr.replace("W", window), at) for expr in (bad_expr, total_expr))
    name = slo["name"]
    near(name + ": total beside PromQL", slo["total"], total, TOTAL_BOUND)
    near(name + ": total beside the events", slo["total"], total_hand, TOTAL_BOUND)
    near(name + ": bad beside PromQL", slo["bad"], bad, BURST_BOUND, burst + 3)
    near(name + ": bad beside the events", slo["bad"], bad_hand, BURST_BOUND, burst + 3)
    check_arithmetic(slo)


def check_arithmetic(slo):
    allowed, name = 1 - slo["target"], slo["name"]
    expected = slo["total"]
    if e2e.seconds_of(slo["window_end"]) > e2e.seconds_of(slo["at"]):
        # A calendar window: for what is left of it as many are expected as came so far.
        whole_ns = (e2e.seconds_of(slo["window_end"]) - e2e.seconds_of(slo["window_start"])) * 1e9 - slo["excluded_ns"]
        expected *= whole_ns / (slo["covered_ns"] - slo["excluded_ns"])
    left = 1 - slo["bad"] / expected / allowed
    near(name + ": left", slo["left"], left, 0, 1e-6)
    near(name + ": sli", slo["sli"], 1 - slo["bad"] / slo["total"], SAME)
    near(name + ": left_ns", slo["left_ns"], allowed * (slo["period_ns"] - slo["excluded_ns"]) * left, SAME, 1e6)


def check_burns(slo, server, ratio):
    """Each burn rate is PromQL's at the time it was asked for. ratio: with W for the window."""
    asked = 0
    for burn in slo["burns"]:
        error_ratio = server.value(ratio.replace("W", f"{round(burn['window_ns'] / 1e6)}ms"), e2e.seconds_of(burn["at"]))
        what = f"{slo['name']}: burn over {burn['window_ns'] / 1e9:g} s"
        if math.isnan(error_ratio):
            assert burn["rate"] in (None, 0), (what, burn)
            continue
        near(what, burn["rate"], error_ratio / (1 - slo["target"]), SAME, 1e-9)
        asked += 1
    assert asked >= 5, slo["burns"]


def counted(slo, *what):
    return HISTORY.count(*what[:1], e2e.seconds_of(slo["window_start"]), e2e.seconds_of(slo["at"]), *what[1:])


SHOP_BAD, SHOP_TOTAL = 'sum(increase(shop_requests_total{code="500"}[W]))', "sum(increase(shop_requests_total[W]))"
SHOP_RATIO = f"{SHOP_BAD} / {SHOP_TOTAL}"


def test_counters_with_resets():
    """Good and bad counters, and expressions with a window of their own, over the usual 30 days and over 7."""
    slos, server = FIRST
    for name in ("shop-bad", "shop-good", "shop-window", "shop-week"):
        slo = slos[name]
        assert e2e.seconds_of(slo["at"]) - e2e.seconds_of(slo["window_start"]) == slo["period_ns"] / 1e9, slo
        check_sums(slo, server, SHOP_BAD, SHOP_TOTAL, counted(slo, *SHOP), counted(slo, SHOP[0]), burst=60)
        check_burns(slo, server, SHOP_RATIO)
    near("bad and good beside each other", slos["shop-bad"]["left"], slos["shop-good"]["left"], 0, 1e-6)


def test_calendar_windows():
    slos, server = FIRST
    for name, zone in (("shop-month", datetime.timezone.utc), ("berlin", zoneinfo.ZoneInfo(BERLIN) if HAS_ZONES else None)):
        if zone is None:
            continue
        slo = slos[name]
        at = datetime.datetime.fromtimestamp(e2e.seconds_of(slo["at"]), zone)
        start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = (start + datetime.timedelta(days=40)).replace(day=1)
        assert e2e.seconds_of(slo["window_start"]) == start.timestamp(), (slo["window_start"], start)
        assert e2e.seconds_of(slo["window_end"]) == end.timestamp(), (slo["window_end"], end)
        if at.timestamp() - start.timestamp() < 6 * HOUR_S:
            continue    # too young for sums within the bounds
        check_sums(slo, server, SHOP_BAD, SHOP_TOTAL, counted(slo, *SHOP), counted(slo, SHOP[0]), burst=60)
        assert e2e.seconds_of(slo["projected_at"]) == end.timestamp(), slo["projected_at"]


def test_latency_of_a_histogram():
    slos, server = FIRST
    slo = slos["latency"]
    total = "sum(increase(shop_duration_seconds_count[W]))"
    bad = f'({total} - sum(increase(shop_duration_seconds_bucket{{le="0.3"}}[W])))'
    fast, every = (counted(slo, name, *labels) for name, labels in (
        ("shop_duration_seconds_bucket", ('le="0.3"',)), ("shop_duration_seconds_count", ())))
    check_sums(slo, server, bad, total, every - fast, every, burst=24)
    check_burns(slo, server, f"1 - sum(increase(shop_duration_seconds_bucket{{le=\"0.3\"}}[W])) / {total}")


def tile_parts(slo):
    """(end, length in seconds, part that counts) of the tiles of a rolling window and of the rest up to now."""
    at = e2e.seconds_of(slo["at"])
    start = at - slo["period_ns"] / 1e9
    end = math.ceil(start / TILE_S) * TILE_S
    yield end, TILE_S, (end - start) / TILE_S
    while end + TILE_S <= at:
        end += TILE_S
        yield end, TILE_S, 1
    yield at, at - end, 1


def sum_points(slo, server, expr, step):
    """Sum and number of the values of expr at the multiples of step in the window, tile by tile."""
    at = e2e.seconds_of(slo["at"])
    points = {}
    first = math.floor((at - slo["period_ns"] / 1e9) / TILE_S) * TILE_S
    for begin in range(first, math.floor(at) + 1, 7 * DAY_S):
        for row in server.ask("query_range", query=expr, start=begin, end=min(begin + 7 * DAY_S - step, at), step=step):
            points.update((t, float(v)) for t, v in row["values"] if not math.isnan(float(v)))
    total = count = 0
    for end, length, part in tile_parts(slo):
        inside = [points[t] for t in range(math.floor((end - length) / step + 1) * step, math.floor(end) + 1, step) if t in points]
        total += part * sum(inside)
        count += part * len(inside)
    return total, count


def test_slices_are_exact():
    """What the console says is what evaluating every slice, one by one, says."""
    slos, server = FIRST
    ratio = f"1 - {SHOP_RATIO}".replace("W", "5m")
    good, slices = sum_points(slos["slices"], server, f"({ratio}) >= bool 0.99", 300)
    near("slices", slos["slices"]["total"], slices, 0, 1e-6)
    near("bad slices", slos["slices"]["bad"], slices - good, 0, 1e-6)
    sum_good, slices = sum_points(slos["ratio-slices"], server, ratio, 300)
    near("slices of ratios", slos["ratio-slices"]["total"], slices, 0, 1e-6)
    near("sum of bad ratios", slos["ratio-slices"]["bad"], slices - sum_good, 1e-6, 1e-6)
    # And by hand: each outage spoils the slices it touches.
    touched = sum(minutes / 5 for _, minutes, _ in slo_history.OUTAGES)
    near("bad slices beside the outages", slos["slices"]["bad"], touched, 0, 2 * len(slo_history.OUTAGES))
    near("ratios beside the outages", slos["ratio-slices"]["bad"],
         sum(minutes / 5 * share for _, minutes, share in slo_history.OUTAGES) + PERIOD_S / (slo_history.STEADY * MINUTE_S) / 300, 0.05)
    for name in ("slices", "ratio-slices"):
        check_arithmetic(slos[name])


def test_samples_are_exact():
    """A ratio that was recorded ready made, a threshold, and a gauge that holds the events of a minute."""
    slos, server = FIRST
    bad, samples = sum_points(slos["raw"], server, "shop_error_ratio", 60)
    near("samples", slos["raw"]["total"], samples, 0, 1e-6)
    near("sum of error ratios", slos["raw"]["bad"], bad, 1e-6)
    near("sum by hand", slos["raw"]["bad"], counted(slos["raw"], "shop_error_ratio"), 0.001)
    good, samples = sum_points(slos["threshold"], server, "shop_latency_seconds <= bool 0.3", 60)
    near("samples below or above the threshold", slos["threshold"]["total"], samples, 0, 1e-6)
    near("samples above the threshold", slos["threshold"]["bad"], samples - good, 0, 1e-6)
    near("by hand", slos["threshold"]["bad"], slo_history.HIGH_LATENCY[1], 0, 1e-6)
    jobs = slos["jobs"]
    for member, labels in (("bad", ('result="failed"',)), ("total", ())):
        near(f"jobs: {member} by hand", jobs[member], counted(jobs, "jobs_in_last_minute", *labels), TOTAL_BOUND, 13)
    for name in ("raw", "threshold", "jobs"):
        check_arithmetic(slos[name])


def test_states():
    slos, _ = FIRST
    states = {name: slo["state"] for name, slo in slos.items()}
    for name in ("shop-bad", "shop-good", "shop-week", "slices", "latency", "raw", "threshold", "gap", "young"):
        assert states[name] == "ok", (name, states[name], slos[name]["why"])
    assert states["jobs"] == "page", slos["jobs"]      # three hours of failures: 30 x and more over 1h and 5m
    assert next(iter(slos)) == "jobs", list(slos)      # most urgent first
    firing = [rule for rule in slos["jobs"]["rules"] if rule["firing"]]
    assert any(rule["factor"] == 14.4 and rule["severity"] == "page" for rule in firing), slos["jobs"]["rules"]
    jobs = slos["jobs"]
    # The Workbook's time; what little drops out of the window meanwhile lets it last a little longer.
    by_the_book = max(jobs["left"], 0) * jobs["period_ns"] / jobs["burn"]
    assert by_the_book * (1 - 1e-6) <= jobs["exhaustion_ns"] <= by_the_book * 1.05, (jobs["exhaustion_ns"], by_the_book)


def test_low_traffic_is_gated():
    """The Workbook's example: ten requests an hour at 99.9 %. One error burns 100x over the hour and takes 13.9 % of the month."""
    slos, server = FIRST
    slo = slos["low"]
    assert slo["state"] == "gated", (slo["state"], slo["why"], slo["rules"])
    assert any(rule["gated"] for rule in slo["rules"]) and not any(rule["firing"] for rule in slo["rules"]), slo["rules"]
    near("what one error takes", 1 - slo["left"], 1 / 7.2, 0.05)
    check_burns(slo, server, 'sum(increase(low_requests_total{code="500"}[W])) / sum(increase(low_requests_total[W]))')


def test_missing_data():
    slos, _ = FIRST
    silent = slos["silent"]
    assert silent["state"] == "no-data", (silent["state"], silent["why"])
    assert silent["left"] is not None, "the last budget known is kept"
    near("silent: covered", silent["covered_ns"] / 1e9, PERIOD_S - slo_history.SILENT_HOURS * HOUR_S, 0, 2 * TILE_S)
    ended = text_of(HISTORY.end - slo_history.SILENT_HOURS * HOUR_S)
    hours = {text_of(e2e.seconds_of(ended) + h * HOUR_S)[:13] for h in (0, 1)}
    assert any(hour in silent["why"] for hour in hours), (silent["why"], ended)
    near("gap: covered", slos["gap"]["covered_ns"] / 1e9, PERIOD_S - slo_history.GAP[1] * MINUTE_S, 0, 2 * TILE_S)
    near("gap: total", slos["gap"]["total"], counted(slos["gap"], "gap_requests_total"), TOTAL_BOUND)
    young = slos["young"]
    near("young: covered", young["covered_ns"] / 1e9, slo_history.YOUNG_DAYS * DAY_S, 0, 2 * TILE_S)
    near("young: total", young["total"], counted(young, "young_requests_total"), TOTAL_BOUND)
    assert any("12d" in note and "30d" in note for note in young["notes"]), young["notes"]
    assert slos["shop-bad"]["notes"] == [], slos["shop-bad"]["notes"]


def test_more_good_than_all_is_flagged():
    slos, _ = FIRST
    over = slos["over"]
    assert over["over"] is True and over["notes"], over
    assert 0 <= over["bad"] <= over["total"] and over["sli"] <= 1, over
    assert not slos["shop-bad"]["over"], slos["shop-bad"]


def test_a_correction_takes_the_outage_out():
    slos, _ = FIRST
    whole, corrected = slos["shop-bad"], slos["corrected"]
    start, end = outage_s(0)
    near("what is excluded", corrected["excluded_ns"] / 1e9, end - start + 2 * MINUTE_S, 0, 1)
    excluded = HISTORY.count(SHOP[0], start - MINUTE_S, end + MINUTE_S, SHOP[1])
    near("bad events less", whole["bad"] - corrected["bad"], excluded, BURST_BOUND, 60)
    every = HISTORY.count(SHOP[0], start - MINUTE_S, end + MINUTE_S)
    near("events less", whole["total"] - corrected["total"], every, BURST_BOUND, 200)
    assert corrected["left"] > whole["left"] + 0.4, (corrected["left"], whole["left"])
    check_arithmetic(corrected)


def test_where_the_budget_went():
    """Every outage that took a remarkable part of the budget is among the spends, largest first."""
    slos, _ = FIRST
    spends = slos["shop-bad"]["spends"]
    shares = [spend["share"] for spend in spends]
    assert shares == sorted(shares, reverse=True), shares
    for k, (_, minutes, share) in enumerate(slo_history.OUTAGES):
        start, end = outage_s(k)
        met = [s for s in spends if e2e.seconds_of(s["start"]) < end and e2e.seconds_of(s["end"]) > start]
        assert len(met) == 1, (k, spends)
        taken = HISTORY.count(SHOP[0], start, end, SHOP[1]) / (slos["shop-bad"]["total"] * 0.001)
        near(f"outage {minutes} min at {share}", met[0]["share"], taken, 0.1, 0.01)


def test_a_costly_window_is_read_in_chunks():
    """A Prometheus that refuses all of it at once; the budgets come out the same."""
    slos, _ = FIRST
    with slo_history.Server(FOLDER, "--query.max-samples=20000") as server:
        with contextlib.suppress(AssertionError):
            server.value("sum(sum_over_time(jobs_in_last_minute[30d]))", HISTORY.end)
            raise RuntimeError("the limit does nothing")
        chunked = status(write_config(server.url, "limited.yaml", os.path.join(CONFIGS, "corrections.jsonl")))
    for name, slo in chunked.items():
        was = slos[name]
        assert slo["state"] == was["state"], (name, slo["state"], slo["why"])
        near(name + ": left", slo["left"], was["left"], 0, 0.005)
        near(name + ": total", slo["total"], was["total"], 0.001, 1)


def check_honest(slos, what):
    """Some queries failed. A budget is the right one, or something says what it lacks."""
    right, _ = FIRST
    for name, slo in slos.items():
        is_right = slo["left"] is not None and abs(slo["left"] - right[name]["left"]) <= 0.005
        is_said = slo["state"] == "unknown" or set(slo["notes"]) - set(right[name]["notes"])
        assert is_right or is_said, f"{what}: {name} is {slo['state']}, left {slo['left']} and not {right[name]['left']}: {slo}"


def test_refused_queries_make_no_wrong_budget():
    _, server = FIRST
    answered = 0
    for seed in range(8):
        with slo_history.Refusing(server, seed, one_in=3) as refusing:
            slos = status(write_config(refusing.url, "refusing.yaml", os.path.join(CONFIGS, "corrections.jsonl")))
        check_honest(slos, f"seed {seed}")
        answered += sum(slo["left"] is not None and slo["state"] == "ok" for slo in slos.values())
    assert answered > 0, "nothing was answered at all"


def test_a_server_without_time():
    """Queries that take longer than a millisecond fail, some or all of them."""
    with slo_history.Server(FOLDER, "--query.timeout=1ms") as server:
        check_honest(status(write_config(server.url, "hurried.yaml", os.path.join(CONFIGS, "corrections.jsonl"))), "hurried")


def screen_left(screen, name):
    """The share that is left, as the row of an objective says it: behind its name, target and bar."""
    for part in screen.replace("\n", "│").split("│"):
        words = part.split()
        shares = [word for word in words if word.endswith("%") and word[:-1].lstrip("-").replace(".", "", 1).isdigit()]
        if name in words and shares:
            return float(shares[-1][:-1]) / 100
    return None


def test_at_the_time_cursor():
    """The budget as it was: before the last outage, long before this console was started."""
    slos, server = FIRST
    config = write_config(server.url, "opsconsole.yaml", os.path.join(CONFIGS, "corrections.jsonl"))
    start, _ = outage_s(2)
    at = start - HOUR_S
    ratio = server.value(SHOP_RATIO.replace("W", "30d"), at)
    was = 1 - ratio / 0.001
    assert abs(was - slos["shop-bad"]["left"]) > 0.04, (was, slos["shop-bad"]["left"])
    with e2e.Console(config=config, size=(140, 44)) as console:
        console.wait("TEST", "live")
        console.type(":slo")
        console.keys("Enter")
        console.wait("▸5 SLO budgets")
        console.keys("z")
        e2e.wait_for("the budget now", lambda: close(screen_left(console.screen(), "shop-bad"), slos["shop-bad"]["left"]))
        console.type(f":goto {text_of(at)}")
        console.keys("Enter")
        console.wait("PAST")
        e2e.wait_for(f"the budget of then, {was:.3f}", lambda: close(screen_left(console.screen(), "shop-bad"), was))
        console.keys("=")
        console.wait("live", gone=["PAST"])
        e2e.wait_for("the budget now again", lambda: close(screen_left(console.screen(), "shop-bad"), slos["shop-bad"]["left"]))


def close(shown, wanted):
    return shown is not None and abs(shown - wanted) < 0.025


def write_corrections(path):
    """The first outage does not count against `corrected`, and a minute on both sides; another line takes back what it said of `shop-bad`."""
    start, end = outage_s(0)
    stretch = {"start": text_of(start - MINUTE_S), "end": text_of(end + MINUTE_S), "by": "ann", "reason": "announced"}
    lines = ({"type": "exclude", "id": "c-1", "slo": "corrected", **stretch},
             {"type": "exclude", "id": "c-2", "slo": "shop-bad", **stretch},
             {"type": "include", "id": "c-2", "by": "bo", "reason": "the wrong one"})
    with open(path, "w", encoding="ascii") as out:
        for line in lines:
            out.write(json.dumps({"time": text_of(end + HOUR_S), **line}) + "\n")
    os.chmod(path, 0o600)


@contextlib.contextmanager
def month():
    """Everything that the tests share: (objectives of one --status, the server it asked)."""
    global HISTORY, FOLDER, CONFIGS
    with slo_history.filled_folder() as (HISTORY, FOLDER), tempfile.TemporaryDirectory() as CONFIGS:
        os.chmod(CONFIGS, 0o700)
        log = os.path.join(CONFIGS, "corrections.jsonl")
        write_corrections(log)
        with slo_history.Server(FOLDER) as server:
            yield status(write_config(server.url, "opsconsole.yaml", log)), server


if __name__ == "__main__":
    e2e.run_with(month, globals(), "FIRST", [
        test_counters_with_resets, test_calendar_windows, test_latency_of_a_histogram, test_slices_are_exact, test_samples_are_exact, test_states,
        test_low_traffic_is_gated, test_missing_data, test_more_good_than_all_is_flagged, test_a_correction_takes_the_outage_out,
        test_where_the_budget_went, test_at_the_time_cursor, test_a_costly_window_is_read_in_chunks, test_refused_queries_make_no_wrong_budget,
        test_a_server_without_time])
