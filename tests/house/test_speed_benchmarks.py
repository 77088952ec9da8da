"""The machinery of the benchmarks: contenders do the same work, and the page has all tables."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.support import ROOT

BENCHMARKS = ROOT / "tests" / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"


def alone(code: str) -> str:
    """Run code beside the benchmarks, which are scripts and no package."""
    path = os.pathsep.join([str(BENCHMARKS), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stderr)
    return done.stdout


@pytest.mark.parametrize("name", ["numpy", "stochnet"])
def test_a_contender_draws_the_expected_number_of_spikes_and_times_itself(name):
    # Fails by chance about once in 10^9 times, and the seeds are fixed.
    answer = json.loads(
        alone(f"""
from remote import Remote
with Remote({name!r}) as remote:
    work = remote.prepare("it", nodes=50, bins=1000)
    print(json.dumps({{**work.answer, "run": work()}}))
""")
    )
    assert answer["same_work"]
    assert answer["run"] > 0
    assert answer["form"] in answer["tried"]
    assert answer["seconds"] == min(answer["tried"].values())


def test_a_contender_that_draws_another_number_of_spikes_is_not_raced(tmp_path):
    (tmp_path / "short_.py").write_text(
        "from serve import Work, serve\n"
        "serve({'none': lambda p, n_bins: Work(lambda: 0, lambda spikes: spikes)}, '1')\n"
    )
    (tmp_path / "serve.py").symlink_to(BENCHMARKS / "contenders" / "serve.py")
    said = alone(f"""
import pathlib, remote
remote.CONTENDERS = pathlib.Path({str(tmp_path)!r})
with remote.remotes({{"short": {{"name": "short", "nodes": 10, "bins": 1000}}}}) as (run, missing):
    print(len(run), missing["short"])
""")
    assert said.startswith("0 not the same work: 0 spikes where")


def test_a_contender_without_its_environment_says_why(tmp_path):
    said = alone(f"""
import pathlib, remote
remote.PEERS = pathlib.Path({str(tmp_path)!r})
wanted = {{name: {{"name": name, "nodes": 1, "bins": 1}} for name in ("tick", "nest")}}
(remote.PEERS / "tick.failed").write_text("no such version")
with remote.remotes(wanted) as (run, missing):
    print(missing["tick"], "|", missing["nest"])
""")
    tick, nest = said.split(" | ")
    assert tick == "not installed: no such version"
    assert "make bench-peers" in nest


def test_every_kind_of_work_is_published_between_markers_of_its_own():
    named = set()
    for path in BENCHMARKS.glob("*.py"):
        text = path.read_text()
        if "def tables(" in text:
            named |= set(re.findall(r'(?:Table|_grown)\(\s*"([a-z-]+)"', text))
    begun = re.findall(r"<!-- begin (\S+) -->", PAGE.read_text())
    ended = re.findall(r"<!-- end (\S+) -->", PAGE.read_text())
    assert begun == ended
    assert set(begun) == named | {"machine"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.01234, "0.0123"), (9.999, "10.0"), (12345.6, "12,300"), (None, "–")],
)
def test_numbers_are_shown_with_three_figures(value, shown):
    assert alone(f"from table import figures; print(figures({value!r}))").strip() == shown
