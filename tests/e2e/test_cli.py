#!/usr/bin/env python3
"""The command line without any server: usage, config, exit codes."""

import os
import re
import tempfile

import e2e


def test_help_and_version():
    status, out, err = e2e.program("--help")
    assert (status, err) == (0, ""), (status, err)
    for option in ("--status", "--demo", "--check", "--init", "--read-only", "--debug-log"):
        assert option in out, option
    status, out, _ = e2e.program("--version")
    assert status == 0 and re.fullmatch(r"opsconsole \d+\.\d+\.\d+\n", out), out


def test_manual_names_every_option():
    _, out, _ = e2e.program("--help")
    with open(os.path.join(e2e.SOURCE, "doc", "opsconsole.1"), encoding="utf-8") as page:
        manual = page.read()
    options = re.findall(r"^  --([a-z-]+)", out, re.M)
    assert len(options) > 8, out
    for option in options:
        assert f"Fl -{option}" in manual, option


def test_usage_errors():
    cases = [
        (["--staus"], 2, "did you mean --status?"),
        (["extra"], 2, "extra: not expected here"),
        (["--env"], 2, "--env needs a value"),
        (["--json"], 2, "--json goes with --status"),
        (["--dry-run"], 2, "goes with --runbook"),
        (["--note", "x", "--head", "1:ab"], 2, "--head goes with --verify"),
        (["--at", "+5m"], 2, "--at goes with --replay"),
        (["--replay", "--speed", "0"], 2, "0.25 to 64"),
        (["--replay", "--json"], 2, "--plain"),
        (["--export", "film"], 2, "asciicast"),
        (["--export", "asciicast", "--size", "10x4"], 2, "40x10"),
        (["--runbook", "x", "--on-disconnect", "wait"], 2, "finish or stop"),
        (["--status", "--check"], 3, "cannot go together"),
        (["--status", "--deadline", "soon"], 3, "--deadline"),
        (["--status", "--watch", "0"], 3, "too short"),
        (["--demo", "--config", "x"], 2, "leave --config out"),
        (["--help=yes"], 2, "--help"),
    ]
    for argv, want, sentence in cases:
        status, out, err = e2e.program(*argv)
        assert status == want and sentence in err and out == "", (argv, status, out, err)
        assert err.count("\n") == 1, err


def test_hostile_argument_is_escaped():
    _, _, err = e2e.program("--\x1b]0;owned\x07")
    assert "\x1b" not in err and "\x07" not in err, repr(err)


def test_no_config_says_the_ways_on():
    for argv, want in (([], 2), (["--status"], 3)):
        status, _, err = e2e.program(*argv)
        assert status == want, (status, err)
        for way in ("--demo", "--init", "--config"):
            assert way in err, (way, err)


def test_check():
    with tempfile.TemporaryDirectory() as folder:
        good = e2e.config_file(folder, ["name: p, type: prometheus, url: 'http://127.0.0.1:1'"])
        status, out, err = e2e.program("--check", config=good)
        assert status == 0 and "ok" in out, (status, out, err)
        bad = e2e.config_file(folder, ["name: p, type: promtheus, url: 'ftp://x', interval: 5"], name="bad.yaml")
        status, out, err = e2e.program("--check", config=bad)
        said = out + err
        assert status == 2, (status, said)
        assert said.count("bad.yaml:7:") >= 3 and "prometheus" in said, said   # three mistakes in one run, the nearest name given
        lines = e2e.config_file(folder, ["name: l, type: loki, url: 'http://127.0.0.1:1'"], name="lines.yaml",
                                extra="    logs:\n      alerts:\n        - { query: 'service:${labels.a} levl:error' }\n")
        status, out, err = e2e.program("--check", config=lines)
        assert status == 2 and "line 10, column 11" in out + err and "did you mean level:" in out + err, (status, out, err)
        status, _, err = e2e.program("--status", config=bad)
        assert status == 3 and "bad.yaml:7:" in err, (status, err)


def test_check_refuses_a_config_others_may_write():
    with tempfile.TemporaryDirectory() as folder:
        path = e2e.config_file(folder, ["name: p, type: prometheus, url: 'http://127.0.0.1:1'"])
        os.chmod(path, 0o666)
        status, out, err = e2e.program("--check", config=path)
        assert status == 2 and path in err + out, (status, out, err)


def test_example_has_no_mistake_but_what_this_machine_lacks():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "opsconsole.yaml")
        with open(os.path.join(e2e.SOURCE, "doc", "opsconsole.yaml.example"), encoding="utf-8") as example:
            text = example.read()
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        status, out, err = e2e.program("--check", config=path)
        *problems, last = out.splitlines()
        own = sum(line.startswith(path) for line in problems)
        assert own < len(problems), "its folder of runbooks is not there"
        assert status == 2 and err == "" and last == f"{path}: {own} problems, and {len(problems) - own} in the files that it names", (status, out, err)
        for line in problems:   # its certificates, tokens and password program are somebody else's
            assert "cannot read" in line or "is not set" in line or "cannot be found" in line, line


def test_init_writes_what_check_accepts():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "new", "opsconsole.yaml")
        status, out, err = e2e.program("--init", config=path)
        assert status == 0, (out, err)
        assert oct(os.stat(path).st_mode & 0o777) == "0o600"
        status, out, err = e2e.program("--check", config=path)
        assert status == 0, (out, err)
        status, out, err = e2e.program("--init", config=path)
        assert status == 2 and path in err, (status, out, err)   # never over an existing file


def test_console_needs_a_terminal():
    with tempfile.TemporaryDirectory() as folder:
        path = e2e.config_file(folder, ["name: p, type: prometheus, url: 'http://127.0.0.1:1'"])
        env = e2e.environment(TERM="dumb")
        status, out, err = e2e.program(config=path, env=env)
        assert status == 2 and out == "" and ("terminal" in err or "TERM" in err), (status, out, err)


if __name__ == "__main__":
    e2e.run([test_help_and_version, test_manual_names_every_option, test_usage_errors, test_hostile_argument_is_escaped,
             test_no_config_says_the_ways_on, test_check, test_check_refuses_a_config_others_may_write, test_example_has_no_mistake_but_what_this_machine_lacks,
             test_init_writes_what_check_accepts, test_console_needs_a_terminal])
