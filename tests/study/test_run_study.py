"""Studies: which cells there are, what is run again, and what the tables hold, to the byte."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.errors import InvalidInputError
from stochnet.study.cells import cells_of, chosen, label
from stochnet.study.config import StudyConfig, laid_over
from stochnet.study.lock import locked
from stochnet.study.tables import Clock, duration, formatted
from tests.support import ROOT
from tests.support.commands import run

EXAMPLE = ROOT / "tests" / "support" / "study_example"
CONFIG = 'kind = "a"\n\n[grid]\nx = [3, 1]\ny = [0.5, 2.0]\n'
# Says, in a file beside it, which cells it was called for.
CODE = """
from pathlib import Path

def cell(cell, config):
    with open(Path(__file__).with_name("calls"), "a") as calls:
        calls.write(f"{cell['x']} {cell['y']}\\n")
    return {"products": [{"product": cell["x"] * cell["y"], "kind": config["kind"]}]}
"""
TOSSES = "probability,seed,toss,head\n0.001,2,0,false\n0.001,2,1,false\n"
PRODUCTS = "x,y,product,kind\n3,0.5,1.5,a\n3,2.0,6.0,a\n1,0.5,0.5,a\n1,2.0,2.0,a\n"


@pytest.fixture
def make(tmp_path):
    """Return a function that writes a study."""

    def write(config=CONFIG, code=CODE, name="study"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(config)
        (folder / "run.py").write_text(code)
        return folder

    return write


def calls(folder):
    """Return the cells that were run since this was last asked."""
    path = folder / "calls"
    text = path.read_text() if path.exists() else ""
    path.unlink(missing_ok=True)
    return text.splitlines()


def json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_cells_are_the_product_of_the_grid_in_its_order(make):
    folder = make()
    result = sn.run_study(folder)
    assert calls(folder) == ["3 0.5", "3 2.0", "1 0.5", "1 2.0"]
    assert result.tables == {"products": folder / "results" / "smoke" / "products.csv"}
    assert result.tables["products"].read_text() == PRODUCTS
    assert (result.n_cells, result.n_finished, result.n_run) == (4, 4, 4)
    assert result.complete
    lines = json_lines(result.folder / "manifest.jsonl")
    assert [line["cell"] for line in lines][:2] == [{"x": 3, "y": 0.5}, {"x": 3, "y": 2.0}]
    assert all(line["rows"] == {"products": 1} for line in lines)
    assert lines[0]["versions"]["stochnet"] == sn.__version__


def test_the_example_writes_the_same_bytes_with_one_worker_and_with_two(tmp_path):
    study = shutil.copytree(EXAMPLE, tmp_path / "coins")
    folders = [sn.run_study(study, workers=n, output=tmp_path / f"{n}").folder for n in (1, 2)]
    names = {"coins.csv", "tosses.csv", "summary.txt"}
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    assert {path.name for path in folders[0].iterdir()} - names == {
        "manifest.jsonl", "cells", ".lock",
    }  # fmt: skip
    rows = list(csv.DictReader((folders[0] / "coins.csv").read_text().splitlines()))
    assert list(rows[0]) == ["probability", "seed", "heads", "rate", "longest_gap"]
    assert rows[0] == {
        "probability": "0.001", "seed": "2", "heads": "0", "rate": "0.0", "longest_gap": "",
    }  # fmt: skip
    assert (folders[0] / "summary.txt").read_text() == "6 coins, 10 tosses\n"
    assert (folders[0] / "tosses.csv").read_text().startswith(TOSSES)


def test_nothing_is_run_twice_but_what_has_changed(make):
    folder = make()
    sn.run_study(folder)
    assert len(calls(folder)) == 4
    again = sn.run_study(folder, workers=2)
    assert calls(folder) == []
    assert (again.n_finished, again.n_run, again.n_stale, again.complete) == (4, 0, 0, True)

    make(CONFIG.replace("[3, 1]", "[3, 2, 1]"))
    grown = sn.run_study(folder)
    assert calls(folder) == ["2 0.5", "2 2.0"]
    text = grown.tables["products"].read_text()
    assert [line.split(",")[0] for line in text.splitlines()] == ["x", *"332211"]

    make(CONFIG, "# a comment\n" + CODE)
    assert sn.run_study(folder).n_stale == 4
    assert calls(folder) == []

    make(CONFIG, CODE + "\nVERSION = 2\n")
    assert sn.run_study(folder).n_stale == 0
    assert len(calls(folder)) == 4

    make(CONFIG.replace('"a"', '"b"'))
    assert "b" in sn.run_study(folder).tables["products"].read_text()
    assert len(calls(folder)) == 4

    make(CONFIG)
    assert sn.run_study(folder).tables["products"].read_text() == PRODUCTS
    assert calls(folder) == []


def test_a_damaged_or_missing_file_of_a_cell_is_made_again(make):
    folder = make()
    result = sn.run_study(folder)
    first, second, *_ = sorted((result.folder / "cells").iterdir())
    first.write_bytes(first.read_bytes().replace(b"product", b"prodigy"))
    second.unlink()
    calls(folder)
    again = sn.run_study(folder)
    assert len(calls(folder)) == again.n_run == 2
    assert again.tables["products"].read_text() == PRODUCTS


def test_a_scale_lies_over_the_rest(make, capfd):
    config = CONFIG + '[cpu]\nkind = "c"\n[cpu.grid]\ny = [1]\n'
    folder = make(config)
    assert run("study", folder, "--scale", "cpu", "-o", folder / "out", "--quiet") == 0
    assert (folder / "out" / "products.csv").read_text() == ("x,y,product,kind\n3,1,3,c\n1,1,1,c\n")
    assert capfd.readouterr() == ("", "")


def test_only_some_cells_are_run_when_asked(make, capfd):
    folder = make(code=CODE + "\ndef finish(results, config): (results / 'done').touch()\n")
    assert run("study", folder, "--only", "y=2", "--only", "x=1") == 0
    assert calls(folder) == ["1 2.0"]
    assert "1 of 4 cells are finished" in capfd.readouterr().err
    result = sn.run_study(folder, only={"y": 0.5})
    assert calls(folder) == ["3 0.5", "1 0.5"]
    assert not result.complete
    assert not (result.folder / "done").exists()
    assert result.tables["products"].read_text() == PRODUCTS.replace("3,2.0,6.0,a\n", "")
    assert sn.run_study(folder).n_run == 1
    assert (result.folder / "done").exists()


def test_tables_and_figures_are_made_again_without_running_cells(make):
    folder = make(
        code=CODE
        + "\ndef finish(results, config):\n    (results / 'done').touch()\n    return lambda: 0\n"
    )
    result = sn.run_study(folder, only={"x": 3})
    calls(folder)
    result.tables["products"].unlink()
    assert run("study", folder, "--tables") == 0
    assert result.tables["products"].read_text().count("\n") == 3
    assert (result.folder / "done").exists()
    (result.folder / "done").unlink()
    result.tables["products"].unlink()
    assert run("study", folder, "--finish") == 0
    assert (result.folder / "done").exists()
    assert not result.tables["products"].exists()
    assert calls(folder) == []


FAILING = """
import os, signal

def cell(cell, config):
    if cell["x"] == 1:
        raise ValueError("one is\\nnot enough")
    if cell["x"] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if cell["x"] == 3:
        return {"t": [{"value": [1, 2]}]}
    return {"t": [{"value": cell["x"]}]}
"""


def test_cells_that_fail_are_told_and_the_others_go_on(make, capfd):
    folder = make("[grid]\nx = [0, 1, 2, 3, 4]\n", FAILING)
    assert run("study", folder, "--workers", 2) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "x=1 failed: ValueError: one is not enough" in err
    assert "x=2 failed: its process was killed" in err
    assert "x=3 failed: stochnet.errors.InvalidInputError: table t, column value" in err
    assert "Traceback" not in err
    results = folder / "results" / "smoke"
    assert (results / "t.csv").read_text() == "x,value\n0,0\n4,4\n"
    failed = json_lines(results / "failures.jsonl")
    assert sorted(line["cell"]["x"] for line in failed) == [1, 2, 3]
    [one] = [line for line in failed if line["cell"]["x"] == 1]
    assert 'raise ValueError("one is' in one["traceback"]

    (folder / "run.py").write_text('def cell(cell, config): return {"t": [{"value": cell["x"]}]}')
    result = sn.run_study(folder)
    assert (result.n_run, result.n_stale, result.complete) == (3, 2, True)
    assert not (results / "failures.jsonl").exists()


def test_a_finish_that_fails_is_told(make, capfd):
    folder = make(code=CODE + "\ndef finish(results, config): config['absent']\n")
    assert run("study", folder) == 1
    assert "finish failed: KeyError: 'absent'" in capfd.readouterr().err


def test_a_cell_has_one_thread_and_leaves_stdout_alone(make, capfd):
    code = """
import os, sys, torch
from stochnet.kernels import threads
from . import sibling

def cell(cell, config):
    print("said to stdout")
    os.system("echo said by a child")
    assert "grid" not in config and "tables" not in config
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    found = [int(os.environ[name]) for name in names]
    return {"t": [{"n": sum(found) + threads.count(None) + torch.get_num_threads(), **sibling.ROW}]}
"""
    folder = make("[grid]\nx = [1]\n", code)
    (folder / "sibling.py").write_text("ROW = {'beside': True}")
    assert run("study", folder, "-q") == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "said to stdout\nsaid by a child\n"
    assert (folder / "results" / "smoke" / "t.csv").read_text() == "x,n,beside\n1,5,true\n"
    assert not [name for name in sys.modules if name.endswith("sibling")]


def test_cells_can_be_given_by_the_study(make):
    code = """
import numpy as np

def cells(config):
    return [{"n": n, "half": None if n % 2 else n // 2} for n in np.arange(config["most"])]

def cell(cell, config):
    if cell["n"] == 0:
        return {"empty": []}
    if cell["n"] == 1:
        return {"t": [{"a": 1}]}
    return {"t": [{"b": np.float32(0.1), "a": True}, {"c": "x,\\udcffy"}]}
"""
    result = sn.run_study(make("most = 3\n[tables]\ndigits = 4\n", code))
    assert result.tables["t"].read_text() == ('n,half,a,b,c\n1,,1,,\n2,1,true,0.1,\n2,1,,,"x,?y"\n')
    assert result.tables["empty"].read_text() == "n,half\n"


BAD = [
    (None, None, (), "no folder"),
    ("", CODE, ("--scale", "huge"), "huge"),
    ("", CODE, (), "no cells: write axes into [grid]"),
    ("[grid]\nx = 3\n", CODE, (), "grid.x: Input should be a valid list"),
    ("[grid]\nx = []\n", CODE, (), "at least 1 item"),
    ("[grid]\nx = [1, [2]]\n", CODE, (), "not list [2]"),
    ("[grid]\nx = [nan]\n", CODE, (), "finite"),
    ("[grid]\nx = [1, 2, 1]\n", CODE, (), "x=1 is there twice"),
    ("grid = 5\n", CODE, (), "grid: Input should be a valid dictionary"),
    ("x = [", CODE, (), "is not TOML"),
    ("smoke = 3\n" + CONFIG, CODE, (), "must be a table [smoke]"),
    (CONFIG + "[smoke]\ngrid = 3\n", CODE, (), "smoke.grid is a value"),
    (CONFIG + "[tables]\ndigits = 0\n", CODE, (), "tables.digits"),
    (CONFIG + "[tables]\ndigit = 3\n", CODE, (), "tables.digit"),
    (CONFIG + "[tables]\naxes = ['z']\n", CODE, (), "no axis 'z'; there are x, y"),
    (CONFIG, "", (), "no function cell(cell, config)"),
    (CONFIG, "import nonesuch", (), "No module named 'nonesuch' (run.py, line 1)"),
    (CONFIG, "import run", (), "write from . import run"),
    (CONFIG, "def cell(:", (), "SyntaxError"),
    (CONFIG, CODE + "\nVERSION = 'b'", (), "VERSION"),
    (CONFIG, CODE + "\ndef cells(config): return 3", (), "list of dicts"),
    (CONFIG, CODE + "\ndef cells(config): return [{'x': [1]}]", (), "axis x"),
    (CONFIG, CODE, ("--only", "z=1"), "no axis 'z'; the study has x, y"),
    (CONFIG, CODE, ("--only", "x=7"), "axis x has no value 7; it has 3, 1"),
    (CONFIG, CODE, ("--only", "x"), "AXIS=VALUE"),
    (CONFIG, CODE, ("--workers", 0), "workers"),
    (CONFIG, CODE, ("-o", "{study}/run.py"), "is a file"),
    (CONFIG, CODE, ("--tables",), "run it first"),
    (CONFIG, CODE, ("--finish",), "no function finish"),
]


@pytest.mark.parametrize(("config", "code", "words", "says"), BAD, ids=[bad[3] for bad in BAD])
def test_bad_input_is_one_clear_line_and_exit_2(config, code, words, says, make, capfd, tmp_path):
    folder = tmp_path / "study" if config is None else make(config, code)
    words = [str(word).replace("{study}", str(folder)) for word in words]
    assert run("study", folder, *words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert says in err
    assert not list(folder.glob("results/*/*.csv"))


@pytest.mark.parametrize("name", ["run.py", "config.toml"])
def test_a_folder_without_its_two_files_is_no_study(name, make):
    folder = make()
    (folder / name).unlink()
    with pytest.raises(InvalidInputError, match=f"is not a study: it has no {name}"):
        sn.run_study(folder)


def test_wrong_arguments_are_refused(make):
    with pytest.raises(InvalidInputError, match="workers must be a whole number of at least 1"):
        sn.run_study(make(), workers=0)
    with pytest.raises(
        InvalidInputError, match="start must be one of cells, tables, finish, got 'end'"
    ):
        sn.run_study(make(), start="end")


def test_two_runners_do_not_share_a_folder(make, capfd):
    folder = make()
    results = folder / "results" / "smoke"
    results.mkdir(parents=True)
    with locked(results):
        assert run("study", folder) == 2
    assert "another study runs in" in capfd.readouterr().err
    assert calls(folder) == []
    assert run("study", folder) == 0


def test_a_script_without_its_guard_is_told(make, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"import stochnet as sn\nsn.run_study({str(make())!r})\n")
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 1
    assert 'needs the guard if __name__ == "__main__"' in done.stderr.splitlines()[-1]


def test_progress_counts_cells_and_says_what_is_left(make):
    folder = make()
    sn.run_study(folder, only={"x": 3})
    said = []
    sn.run_study(folder, progress=lambda *words: said.append(words))
    assert said[0] == ("study: continues after 2 cells", 2, 4)
    assert said[-1] == ("study: cells", 4, 4)
    assert re.fullmatch("study: about .* left, cells", said[1][0])


def test_time_left_is_shared_by_the_lanes(monkeypatch):
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    assert Clock(2, []).left(10) == ""
    assert Clock(2, [60.0, 60.0]).left(10) == "about 5 min left, "
    assert Clock(4, [60.0]).left(1) == "about 60 s left, "
    assert [duration(x) for x in (0.2, 89, 100, 7200)] == ["1 s", "89 s", "2 min", "2.0 h"]


def test_the_example_of_the_documentation_runs(make):
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    config, code, table = (
        re.search(f"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("toml", "python", "text")
    )
    result = sn.run_study(make(config, code, "fano"))
    assert result.tables["fano"].read_text() == table


@given(st.floats(allow_nan=False))
def test_floats_come_back_exactly(value):
    assert float(formatted(value, None)) == value


def test_values_are_written_plainly():
    values = [(1e22, None), (10**22, None), (1 / 3, 6), (12, 1), (None, 3), (True, None), ("", 3)]
    assert [formatted(*value) for value in values] == [
        "1e+22", "1" + "0" * 22, "0.333333", "12", "", "true", "",
    ]  # fmt: skip


def test_keys_depend_on_the_cell_the_configuration_and_the_version_alone():
    def keys(version=1, **config):
        return list(cells_of(StudyConfig({"grid": {"x": [1, 2]}, **config}), None, version))

    assert keys() == keys(tables={"digits": 3}) == keys(grid={"x": [2, 1]})[::-1]
    assert not {*keys()} & {*keys(2)} & {*keys(rate=0.5)}
    assert not {*keys()} & {*keys(grid={"x": [1.0, 2.0]})}


def test_cells_are_chosen_by_value_or_by_text():
    config = StudyConfig({"grid": {"a": [1, 0.10], "b": [True, "x"]}})
    cells = cells_of(config, None, 1)

    def labels(**only):
        return [label(cell) for cell in chosen(cells, only).values()]

    assert labels(a="0.1", b=True) == labels(a=0.1, b="true") == ["a=0.1, b=true"]
    assert labels(a=["1", "0.1"], b="x") == ["a=1, b=x", "a=0.1, b=x"]
    with pytest.raises(InvalidInputError, match=r"it has 1, 0\.1$"):
        labels(a=2)


def test_overlays_merge_tables_and_replace_all_else():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    assert laid_over(base, {"a": {"c": [5]}, "e": {"f": 1}}, "") == {
        "a": {"b": 1, "c": [5]}, "d": 3, "e": {"f": 1},
    }  # fmt: skip
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 3}
