#!/usr/bin/env python3
"""After the incident: a replay shows what was shown, a pack replays and verifies elsewhere, the review cites its records."""

import difflib
import json
import os
import re
import shutil
import subprocess
import time

import e2e
import operation

LAB = None
SIZE = (120, 36)
LEFT = 60   # columns of the overview
PANELS = ("1", "3", "5", "6", "0", "T")


class Operator(operation.Operator):
    def __init__(self):
        super().__init__(LAB)


def clock(screen):
    """What the status line calls now, in seconds of the day."""
    found = re.search(r"(\d\d):(\d\d):(\d\d)Z", screen.split("\n", 1)[0])
    return found and int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def body(screen, rows):
    """The panels, without status line and bottom, and without what the overview says of the selected row, which a person may have moved."""
    lines = [line.rstrip() for line in screen.split("\n")[1:rows - 2]]
    return "\n".join("selected" + line[LEFT:] if re.match("   (how sure|no runbook|runbooks for)", line) else line for line in lines)


def capture(console, key):
    """(key, when, what the panel showed): a frame that stood still while it was read."""
    console.keys(key)
    console.wait("▸" + key + " ")
    screen = console.settled()
    return key, clock(screen), body(screen, SIZE[1])


def incident(op):
    """A whole incident, watched in a console: what was on its screen, and the incident's id."""
    frames = []
    with e2e.Console(size=SIZE, env=op.env, config=op.config) as console:
        console.wait("OK", "sources")
        frames += [capture(console, key) for key in PANELS if key != "T"]   # nothing has happened yet, which a replay says in other words
        LAB.fault("bad-model")
        console.wait("CRITICAL", "page")
        # Or the roll-out would go on behind the rollback.
        e2e.wait_for("version 7 everywhere", lambda: set(LAB.status()["served"].values()) == {"7"})
        console.keys(":")
        console.type("incident open spam gets through")
        console.keys("Enter")
        console.wait("INC ")
        frames += [capture(console, key) for key in PANELS]
        console.keys(":")
        console.type("note the new model is to blame")
        console.keys("Enter")
        console.wait("recorded, audit")
        code, out, err = op.run("--runbook", "rollback", "--confirm", "lab/spam-filter")
        assert code == 0, (code, out, err)
        frames += [capture(console, key) for key in PANELS]
        console.wait("OK", gone=("CRITICAL",))
        console.keys(":")
        console.type("incident close put back")
        console.keys("Enter")
        console.wait(gone=("INC ",))
        frames += [capture(console, key) for key in (*PANELS, "2", "4", "7", "8")]
        console.keys("q")
        assert console.ended() == 0
    opened = op.log("type=incident-opened")
    assert len(opened) == 1, opened
    return opened[0]["incident"], frames


def seek(console, text):
    console.keys("g")
    console.type(text)
    console.keys("Enter")


def frame_times(op, name):
    """When something was told: most frames are drawn in the same turn. By second of the day."""
    code, out, err = op.run("--export", "jsonl", name)
    assert code == 0, err
    times = {}
    for line in out.splitlines():
        at = line[7:line.index("Z")]   # {"at":"2030-01-31T02:10:00.123456789Z", ..
        told = times.setdefault(second_of(at), [])
        if at + "Z" not in told:
            told.append(at + "Z")
    return times


def second_of(at):
    h, m, s = at[11:19].split(":")
    return int(h) * 3600 + int(m) * 60 + int(s)


def moments_of(times, second):
    """Those of a frame that says this second: when something was told, then anywhere, for what is only older is drawn when the clock moves on."""
    told = times.get(second, [])
    some = told or times.get(second - 1, []) or times.get(second + 1, [])
    day = some[0][:11] if some else None
    clock_text = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return told + ([f"{day}{clock_text}.{ms:03d}Z" for ms in range(5, 1000, 20)] if day else []) + times.get(second + 1, [])[:1]


def replayed(console, key, moments, wanted):
    """One of these moments looked as it did. What a moment looks like is there soon after it was sought: where none of them does, later."""
    console.keys(key)
    console.wait("▸" + key + " ")
    seen = []
    for patience in (0.25, 1):
        for at in moments:
            seek(console, at)
            end = time.monotonic() + patience
            while time.monotonic() < end:
                time.sleep(0.05)
                seen.append(body(console.screen(), SIZE[1]))
                if wanted == seen[-1]:
                    return None
    return min(seen, key=lambda s: sum(a != b for a, b in zip(s.split("\n"), wanted.split("\n"))))


SHARED = {}


def shared():
    """The incident that all tests look back on."""
    if not SHARED:
        op = Operator()
        SHARED["op"] = op
        SHARED["id"], SHARED["frames"] = incident(op)
    return SHARED["op"], SHARED["id"], SHARED["frames"]


def test_a_replay_shows_what_was_shown():
    op, name, frames = shared()
    times = frame_times(op, name)
    different = []
    with e2e.Console("--replay", name, size=(SIZE[0], SIZE[1] + 1), env=op.env, config=op.config) as console:
        console.wait("REPLAY", name)
        console.keys("Space")
        for key, second, wanted in frames:
            found = replayed(console, key, moments_of(times, second), wanted)
            if found is not None:
                different.append((key, second, wanted, found))
        console.keys("q")
        assert console.ended() == 0
    if different:
        shown = [f"panel {key} at {second}:\n" + "\n".join(difflib.unified_diff(wanted.split("\n"), found.split("\n"), "live", "replay", lineterm="", n=0))
                 for key, second, wanted, found in different]
        raise AssertionError(f"{len(different)} of {len(frames)} differ\n" + "\n".join(shown))


def test_a_replay_has_no_sockets():
    op, name, _ = shared()
    with e2e.Console("--replay", name, size=SIZE, env=op.env, config=op.config) as console:
        console.wait("REPLAY")
        folder = f"/proc/{console.pid()}/fd"
        sockets = [f for f in os.listdir(folder) if os.readlink(os.path.join(folder, f)).startswith("socket:")]
        assert not sockets, sockets
        console.keys("o", "3")   # who chooses a panel by hand leaves the operator's view, and is told
        console.wait("your own view")
        for key in ("C", "r", "a"):   # nothing of it writes
            console.keys(key)
            time.sleep(0.2)
        console.keys("q")   # nothing was opened that it would close instead
        assert console.ended() == 0
    assert op.run("--verify")[0] == 0


def test_plain_for_pipes():
    op, name, _ = shared()
    code, out, err = op.run("--replay", name, "--plain")
    assert code == 0, (out, err)
    for word in ("incident", "alert", "SpamFalsePositive", "change", "run", "rollback", "note", "the new model is to blame"):
        assert word in out, (word, out)
    code, out, err = op.run("--replay", name, "type=note", "--plain", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [n["text"] for n in lines] == ["the new model is to blame"], (out, err)
    assert lines[0]["seq"] == op.log("type=note")[0]["seq"]
    assert op.run("--replay", name, "text=nobody-said-this", "--plain")[0] == 1
    code, out, err = op.run("--replay", "type=run or type=alert", "--plain")   # of the newest incident
    assert code == 0 and {line.split()[1] for line in out.splitlines()} == {"run", "alert"}, (code, out, err)
    code, out, err = op.run("--replay", name, "type=nonsense", "--plain")
    assert code == 2 and "nonsense" in err and "--log" not in err, err
    code, out, err = e2e.program("--replay", "--", "--plain", env=op.env)   # a name, and none that there is
    assert code == 2 and "'--plain'" in err, err


def test_every_chunk_stands_in_the_log():
    op, name, _ = shared()
    chunks = op.log("type=chunk")
    assert chunks and {c["incident"] for c in chunks} <= {name, None}
    code, out, err = op.run("--recordings", "--json")
    recordings = {r["id"]: r["path"] for r in json.loads(out)}
    for chunk in chunks:
        path = os.path.join(recordings[chunk["recording"]], chunk["file"])
        done = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == chunk["sha256"], chunk


def test_a_changed_chunk_is_named():
    op, _, _ = shared()
    chunk = op.log("type=chunk")[0]
    recordings = {r["id"]: r["path"] for r in json.loads(op.run("--recordings", "--json")[1])}
    path = os.path.join(recordings[chunk["recording"]], chunk["file"])
    with open(path, "rb") as file:
        whole = file.read()
    try:
        with open(path, "r+b") as file:
            file.seek(len(whole) // 2)
            file.write(bytes([whole[len(whole) // 2] ^ 1]))
        code, out, err = op.run("--verify")
        assert code == 1 and chunk["file"] in out + err, (code, out, err)
        os.rename(path, path + ".away")
        code, out, err = op.run("--verify")
        assert code == 1 and chunk["file"] in out + err, (code, out, err)
    finally:
        if os.path.exists(path + ".away"):
            os.rename(path + ".away", path)
        with open(path, "wb") as file:
            file.write(whole)
    assert op.run("--verify")[0] == 0


def test_a_pack_replays_and_verifies_elsewhere():
    op, name, frames = shared()
    pack = os.path.join(op.folder, "incident.tar")
    code, out, err = op.run("--export", "pack", name, "--output", pack)
    assert code == 0, (out, err)
    listed = subprocess.run(["tar", "tf", pack], capture_output=True, text=True, check=True).stdout
    assert "manifest.json" in listed and ".jsonl" in listed, listed
    elsewhere = e2e.environment(XDG_STATE_HOME=os.path.join(op.folder, "elsewhere"), XDG_CONFIG_HOME=os.path.join(op.folder, "nothing"))
    code, out, err = e2e.program("--verify", pack, env=elsewhere)
    assert code == 0, (code, out, err)
    code, out, err = e2e.program("--replay", pack, "--plain", env=elsewhere)
    assert code == 0 and "rollback" in out, (code, out, err)
    key, second, _ = [frame for frame in frames if frame[0] == "T"][-1]
    with e2e.Console("--replay", pack, size=SIZE, env=elsewhere) as console:
        console.wait("REPLAY", name)
        console.keys("Space", key)
        seek(console, f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}")
        console.wait("spam gets through")
        console.keys("A")
        console.wait("Audit log", "incident", "verified")
        console.keys("/")
        console.type("type=incident-opened")
        console.keys("Enter")
        console.wait("incident opened: spam gets through")
        console.keys("q")
        assert console.ended() == 0
    with open(pack, "r+b") as file:
        file.seek(os.path.getsize(pack) // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    code, out, err = e2e.program("--verify", pack, env=elsewhere)
    assert code in (1, 3), (code, out, err)


def test_the_review_cites_its_records():
    op, name, _ = shared()
    records = {r["seq"]: r for r in op.log()}
    path = os.path.join(op.folder, "review.md")
    code, out, err = op.run("--report", name, "--output", path)
    assert code == 0, (code, out, err)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    run = op.run_id()
    assert run in text and "rollback" in text and "the new model is to blame" in text, text
    cited = re.findall(r"\bA:(\d+) ([0-9a-f]{12})\b", text)
    assert len(cited) > 10, text
    for seq, digest in cited:
        assert records[int(seq)]["hash"].startswith(digest), (seq, digest)
    place = re.search(r"(<!-- opsconsole:yours [^>]+-->)", text)
    mine = "We looked at the wrong graph for ten minutes.\n\n* add an alert\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(place[1], place[1] + "\n" + mine, 1))
    code, out, err = op.run("--report", name, "--output", path)
    assert code == 0, (code, out, err)
    with open(path, encoding="utf-8") as file:
        assert mine in file.read()
    code, out, err = op.run("--report", name, "--format", "json")
    assert code == 0 and json.loads(out)["incident"], (code, out[:500], err)
    code, out, err = op.run("--report", name, "--format", "html")
    assert code == 0 and "<svg" in out and "<script" not in out and "http" not in re.sub(r"http-equiv|http://www.w3.org/\S+|http://127\S+", "", out), err
    code, out, err = op.run("--report", "no-such-incident")
    assert code == 2 and name in err, (code, err)


def test_exports():
    op, name, _ = shared()
    code, out, err = op.run("--export", "jsonl", name)
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(events) > 100, err
    ats = [e["at"] for e in events]
    assert ats == sorted(ats) and {"alerts", "series", "slos", "incident", "note", "focus"} <= {e["event"]["event"] for e in events}
    path = os.path.join(op.folder, "incident.cast")
    code, out, err = op.run("--export", "asciicast", name, "--max-idle", "2", "--speed", "8", "--size", "100x30", "--output", path)
    assert code == 0, err
    with open(path, encoding="utf-8") as file:
        head, *lines = [json.loads(line) for line in file]
    assert head["version"] == 2 and (head["width"], head["height"]) == (100, 30), head
    assert [t for t, _, _ in lines] == sorted(t for t, _, _ in lines)
    assert {kind for _, kind, _ in lines} == {"o", "m"}
    assert not any("next, previous" in data for _, kind, data in lines if kind == "o")   # whoever watches has none of the player's keys
    assert any("SpamFalsePositive" in data for _, kind, data in lines if kind == "m"), lines
    if shutil.which("asciinema"):
        done = subprocess.run(["asciinema", "cat", path], capture_output=True, env=e2e.environment(TERM="xterm-256color"), check=False)
        assert b"SpamFalsePositive" in done.stdout or done.returncode != 0   # it wants a terminal of its own in some versions


def test_a_live_incident_is_followed_from_another_terminal():
    with Operator() as op, e2e.Console(size=SIZE, env=op.env, config=op.config) as live:
        live.wait("OK", "sources")
        e2e.wait_for("something on disk", lambda: "OK" in op.run("--replay", "--plain")[1] or op.run("--export", "jsonl")[1])
        with e2e.Console("--replay", "--follow", size=SIZE, env=op.env, config=op.config) as other:
            other.wait("REPLAY", "OK")
            live.keys(":")
            live.type("note seen from over there")
            live.keys("Enter")
            live.wait("recorded, audit")
            other.keys("T")
            other.wait("seen from over there")
            other.keys("q")
            assert other.ended() == 0
        live.keys("q")
        assert live.ended() == 0


def test_kill_9_loses_no_more_than_a_second():
    with Operator() as op, e2e.Console(size=SIZE, env=op.env, config=op.config) as live:
        live.wait("OK", "sources")
        live.keys(":")
        live.type("incident open to be killed")
        live.keys("Enter")
        live.wait("INC ")
        live.keys(":")
        live.type("note the last words")
        live.keys("Enter")
        live.wait("recorded, audit")
        with e2e.Console("--replay", "--follow", size=SIZE, env=op.env, config=op.config) as other:
            other.wait("REPLAY", "follows")
            other.keys("T")
            other.wait("the last words")   # so they are on disk
            live.kill(9)
            live.ended()
            other.wait("paused")   # nobody writes any more: that nothing new is shown must not look live
            other.keys("q")
            assert other.ended() == 0
        code, out, err = op.run("--replay", "--plain")
        assert code == 0 and "the last words" in out, (code, out, err)
        with e2e.Console(size=SIZE, env=op.env, config=op.config) as after:   # the next console goes on with the incident
            after.wait("INC ")
            follower = subprocess.Popen([e2e.PROGRAM, "--replay", "--follow", "--plain", "type=note"], stdout=subprocess.PIPE, text=True,
                                        env=op.env, stdin=subprocess.DEVNULL)
            after.keys(":")
            after.type("note said by the next one")
            after.keys("Enter")
            after.wait("recorded, audit")
            while "said by the next one" not in follower.stdout.readline():
                assert follower.poll() is None, follower.returncode
            after.keys(":")
            after.type("incident close over")
            after.keys("Enter")
            after.wait(gone=("INC ",))
            after.keys("q")
            assert after.ended() == 0
            follower.communicate(timeout=e2e.PATIENCE_S)   # ends with the one it follows
            assert follower.returncode == 0
        code, out, err = op.run("--replay", "--plain")
        assert code == 0 and out.count("the last words") == 1 and out.count("said by the next one") == 1, (code, out, err)
        assert "between two recordings" in err and "verified" in err, err


def test_the_past_beyond_memory_comes_from_the_recording():
    with Operator() as op:
        with e2e.Console(size=SIZE, env=op.env, config=op.config) as console:
            console.wait("OK", "sources")
            console.keys(":")
            console.type("incident open keep this")
            console.keys("Enter")
            console.wait("INC ")
            time.sleep(5)
            at = clock(console.screen())
            console.keys("q")
            assert console.ended() == 0
        time.sleep(2)
        with e2e.Console(size=SIZE, env=op.env, config=op.config) as console:   # its own memory begins here
            console.wait("OK", "sources")
            console.keys(":")
            console.type(f"goto {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}")
            console.keys("Enter")
            console.wait("PAST", "recording", "OK")
            console.keys(":")
            console.type("goto -30m")
            console.keys("Enter")
            console.wait("PAST", "metrics")
            console.wait("Metrics", gone=("no answer yet",))
            before = (at - 40) % 86400     # the lab was there, no console of this operator
            console.keys(":")
            console.type(f"goto {before // 3600:02}:{before // 60 % 60:02}:{before % 60:02}")
            console.keys("Enter")
            console.wait("metrics only", "Metrics", "┤", gone=("no answer yet",))
            console.keys("q")
            assert console.ended() == 0


if __name__ == "__main__":
    try:
        e2e.run_with(e2e.Lab, globals(), "LAB", [
            test_a_replay_shows_what_was_shown, test_a_replay_has_no_sockets, test_plain_for_pipes, test_every_chunk_stands_in_the_log,
            test_a_changed_chunk_is_named, test_a_pack_replays_and_verifies_elsewhere, test_the_review_cites_its_records, test_exports,
            test_a_live_incident_is_followed_from_another_terminal, test_kill_9_loses_no_more_than_a_second,
            test_the_past_beyond_memory_comes_from_the_recording])
    finally:
        if SHARED:
            SHARED["op"].__exit__()
