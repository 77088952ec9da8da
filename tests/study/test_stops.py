"""A study that is stopped or killed, at any moment, goes on where it was."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stochnet as sn
from stochnet.study import manifest
from stochnet.study.manifest import Manifest
from tests.support import ROOT
from tests.support.stops import stop_at_line

N = 8
CONFIG = f"[grid]\nx = {list(range(N))}\n"
# The process id of the worker, and every call; x = 5 is slow, and so are all cells a little.
CODE = """
import os, time
from pathlib import Path

def cell(cell, config):
    with open(Path(__file__).with_name("calls"), "a") as calls:
        calls.write(f"{cell['x']} {os.getpid()}\\n")
    time.sleep(0.02)
    while cell["x"] == 5 and Path(__file__).with_name("wait").exists():
        time.sleep(0.01)
    return {"roots": [{"root": cell["x"] ** 0.5}]}
"""
SECONDS = 60


@pytest.fixture
def study(tmp_path):
    """A study whose cell x = 5 waits for ever while the file ``wait`` is there."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG)
    (folder / "run.py").write_text(CODE)
    (folder / "wait").touch()
    return folder


def start(folder, *words):
    command = "from stochnet.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, "study", str(folder), *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(what):
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def calls(folder):
    path = folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(map(int, line.split())) for line in lines if line.count(" ") == 1]


def lives(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return not Path("/proc/self").exists()
        return False
    return "State:\tZ" not in status


def expected(study, tmp_path):
    """Return the table of a run that nobody stops."""
    (study / "wait").unlink()
    return sn.run_study(study, output=tmp_path / "whole").tables["roots"].read_bytes()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_goes_on_and_writes_the_same_bytes(workers, study, tmp_path):
    running = start(study, "--workers", workers)
    wait_for(lambda: any(x == 5 for x, _ in calls(study)))
    if workers == "2":
        # The other worker goes on beside the one that waits.
        wait_for(lambda: any(x == 7 for x, _ in calls(study)))
    running.kill()
    running.wait()
    running.stderr.close()
    before = calls(study)
    wait_for(lambda: not any(lives(pid) for _, pid in before))
    results = study / "results" / "smoke"
    assert not (results / "roots.csv").exists()
    kept = {
        json.loads(line)["cell"]["x"]
        for line in (results / "manifest.jsonl").read_text().splitlines()
    }
    assert len(kept) >= 5
    table = expected(study, tmp_path)
    (study / "calls").unlink()
    result = sn.run_study(study)
    assert sorted(x for x, _ in calls(study)) == sorted({*range(N)} - kept)
    assert result.complete
    assert result.tables["roots"].read_bytes() == table


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(study):
    running = start(study)
    wait_for(lambda: any(x == 5 for x, _ in calls(study)))
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 130
    assert err.splitlines()[-1] == (
        "stochnet: stopped; finished cells are kept, and the same command goes on from there"
    )
    assert "Traceback" not in err
    assert not any(lives(pid) for _, pid in calls(study))
    (study / "wait").unlink()
    assert sn.run_study(study).n_run == 3


RECORDS = [
    {"key": f"{n}" * 8, "cell": {"n": n}, "seconds": 1.5, "tables": {"é": [{"x": n / 3}] * n}}
    for n in range(3)
]
KEYS = [record["key"] for record in RECORDS]


def keep(folder, records):
    folder.mkdir(exist_ok=True)
    kept = Manifest(folder)
    finished = kept.keep_finished(KEYS)
    for record in records:
        if record["key"] not in finished:
            kept.add(record)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_manifest_that_is_killed_at_any_line_loses_nothing(tmp_path):
    """Every third line that runs; what is there afterwards is a beginning of the whole."""
    total = stop_at_line(-1, lambda: keep(tmp_path / "whole", RECORDS), manifest.__file__)
    whole = contents(tmp_path / "whole")
    seen = set()
    for number in range(1, total + 1, 3):
        folder = tmp_path / f"killed-{number}"
        child = multiprocessing.get_context("fork").Process(
            target=stop_at_line,
            args=(number, lambda at=folder: keep(at, RECORDS), manifest.__file__),
        )
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        folder.mkdir(exist_ok=True)
        finished = Manifest(folder).keep_finished(KEYS)
        assert finished == set(KEYS[: len(finished)])
        seen.add(len(finished))
        keep(folder, RECORDS)
        assert contents(folder) == whole
    assert seen == {0, 1, 2, 3}


def test_a_torn_manifest_is_mended_from_the_files_of_cells(tmp_path):
    keep(tmp_path, RECORDS)
    path = tmp_path / "manifest.jsonl"
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at])
        assert Manifest(tmp_path).keep_finished(KEYS) == set(KEYS)
        assert path.read_bytes() == whole
    path.write_bytes(whole + b"\0" * 50)
    assert Manifest(tmp_path).keep_finished(KEYS) == set(KEYS)
    assert path.read_bytes() == whole


def test_a_torn_line_whose_file_is_gone_is_cut_off(tmp_path):
    keep(tmp_path, RECORDS)
    path = tmp_path / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    (tmp_path / "cells" / f"{KEYS[2]}.json").unlink()
    for at in range(0, len(lines[2]), 7):
        path.write_bytes(b"".join(lines[:2]) + lines[2][:at])
        assert Manifest(tmp_path).keep_finished(KEYS) == {*KEYS[:2]}
        assert path.read_bytes() == b"".join(lines[:2])


def test_a_file_that_is_no_cell_is_not_adopted(tmp_path):
    keep(tmp_path, RECORDS[:1])
    (tmp_path / "cells" / f"{KEYS[1]}.json").write_bytes(b"torn")
    (tmp_path / "cells" / f"{KEYS[2]}.json").write_bytes(json.dumps(RECORDS[1]).encode())
    assert Manifest(tmp_path).keep_finished(KEYS) == {KEYS[0]}
