#!/usr/bin/env python3
"""Lines of logs: bench_logs beside lnav and grep over the same lines, in turn, the best of several runs.

usage: bench-logs.py BENCH_LOGS DIR [LINES]

Prints a table: what each took of the processor and, for lnav, how many times as long as ours. lnav is run without a screen (-n): it reads and filters all lines and writes what is left, so what it
takes to load is measured with a filter that nothing passes. Every tool must give the same number of lines.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

FILTERS = ["timeout", "ranker.*timeout", r"took=9\d+ms", r"user=\d+.*id=7f", r"[^ ]+ms id=3b", "(timeout|not found|closed) .*id=7"]
RUNS = 3


def timed(argv, **kwargs):
    """Seconds of the processor, kilobytes, output."""
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **kwargs)
    output = child.stdout.read().decode("utf-8", "replace")
    _, _, usage = os.wait4(child.pid, 0)
    child.stdout.close()
    child.returncode = 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, output


def best(argv, **kwargs):
    return min((timed(argv, **kwargs) for _ in range(RUNS)), key=lambda r: r[0])


def lnav(path, home, *commands):
    argv = ["lnav", "-n"]
    for command in commands:
        argv += ["-c", command]
    argv.append(path)
    return best(argv, env={**os.environ, "HOME": home, "TERM": "xterm"})


def load_seconds(bench, path):
    return best([bench, "load", path])[0]


def ours(bench, *args):
    return subprocess.run([bench, *args], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def number(text, name):
    return float(re.search(rf"^{name} ([0-9.]+)", text, re.M).group(1))


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def loads(bench, path, home, has_lnav):
    text = ours(bench, "load", path)
    load = load_seconds(bench, path)
    row("what", "opsconsole", "lnav", "grep", "lnav / opsconsole")
    row("---", "---", "---", "---", "---")
    if has_lnav:
        seconds, kb, _ = lnav(path, home, ":goto 0", ":filter-in xyzzy-not-there")
        row("load", f"{load:.2f} s", f"{seconds:.2f} s (with a filter that nothing passes)", "", f"{seconds / load:.1f}")
        row("memory", f"{number(text, 'rss'):.0f} MB resident, {number(text, 'held'):.1f} MB held ({number(text, 'held-of-text'):.3f} of the text)", f"{kb / 1024:.0f} MB", "", "")
        return seconds
    row("load", f"{load:.2f} s", "not installed", "", "")
    row("memory", f"{number(text, 'rss'):.0f} MB resident, {number(text, 'held-of-text'):.3f} of the text", "", "", "")
    return 0.0


def filters(bench, path, home, has_lnav, lnav_load):
    text = ours(bench, "filter", path, *[f"/{f}/" for f in FILTERS])
    for f in FILTERS:
        found = re.search(rf"^filter-1 ([0-9.]+) s\t/{re.escape(f)}/\t(\d+)", text, re.M)
        mine, n = float(found.group(1)), int(found.group(2))
        grep, _, count = best(["grep", "-cP", f, path], env={**os.environ, "LC_ALL": "C"})
        if int(count) != n:
            sys.exit(f"{f}: grep found {count.strip()} lines, opsconsole {n}")
        theirs, ratio = "", ""
        if has_lnav:
            seconds, _, output = lnav(path, home, f":filter-in {f}")
            if len(output.splitlines()) != n:
                sys.exit(f"{f}: lnav found {len(output.splitlines())} lines, opsconsole {n}")
            theirs, ratio = f"{seconds:.2f} s with loading", f"{max(seconds - lnav_load, 0) / mine:.0f} (without loading)"
        row(f"`{f}`, {n} lines", f"{mine * 1000:.0f} ms", theirs, f"{grep * 1000:.0f} ms", ratio)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    bench, folder, lines = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "1000000"
    path, has_lnav = os.path.join(os.path.abspath(folder), "lines.log"), shutil.which("lnav") is not None
    ours(bench, "make", path, lines)
    with tempfile.TemporaryDirectory() as home:
        lnav_load = loads(bench, path, home, has_lnav)
        filters(bench, path, home, has_lnav, lnav_load)
    text = ours(bench, "patterns", path)
    row("patterns", f"{number(text, 'patterns-rate') / 1e6:.1f} million lines/s, {number(text, 'patterns-found'):.0f} found", "", "", "")
    text = ours(bench, "follow", path)
    row("10,000 lines/s from two stores", f"{number(text, 'follow-median'):.2f} ms a turn of 16 ms; {number(text, 'follow-p99'):.2f} ms at p99", "", "", "")
    text = ours(bench, "redact", path)
    row("redaction", f"{number(text, 'redact-rate') / 1e6:.1f} million lines/s", "", "", "")


if __name__ == "__main__":
    main()
