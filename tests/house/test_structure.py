"""The rules of the house that CONTRIBUTING.md gives, checked on the source text alone."""

from __future__ import annotations

from collections import defaultdict

import pytest

import stochnet
from stochnet import recording, testing
from tests.support.source import (
    FILES,
    PACKAGE,
    functions,
    graph,
    imports,
    length,
    module,
    parameters,
    place,
)

# A new room brings a reason in docs/decisions.md.
ROOMS = {
    "benchmark", "bundle", "cli", "errors", "estimation", "kernels", "process.py", "processes",
    "raster", "recording", "report", "simulation", "statistics", "storage", "study", "testing",
    "validation", "workers",
}  # fmt: skip
MOST_FILES = 14
# Folders of variants, one file each, and the kernels.
CROWDED = ("processes", "kernels", "benchmark/suites")
# May have the name of what they stand for: kernels, commands, and variants that a name chooses.
MIRRORS = ("kernels/", "cli/", "benchmark/suites/", "statistics/summary/parts/")
MOST_LINES = 600
LONGEST_FUNCTION, MOST_PARAMETERS = 99, 10


def test_the_rooms_are_those_that_are_known():
    hidden = {"__init__.py", "_version.py", "py.typed", "__pycache__", "_data"}
    assert {path.name for path in PACKAGE.iterdir()} - hidden == ROOMS


def test_no_module_imports_itself_by_a_detour():
    pending = graph()
    # Whatever imports nothing that is left cannot be in a circle.
    while free := [name for name, own in pending.items() if not own & pending.keys()]:
        for name in free:
            del pending[name]
    # The package hands on names of all rooms, and rooms take nothing of it.
    assert not pending.keys()


def test_no_folder_is_crowded():
    found = defaultdict(list)
    for path in FILES:
        folder = path.parent.relative_to(PACKAGE).as_posix()
        if path.name != "__init__.py" and not folder.startswith(CROWDED):
            found[folder].append(path.name)
    assert not {folder: names for folder, names in found.items() if len(names) > MOST_FILES}


def test_no_two_files_have_one_name():
    found = defaultdict(list)
    for path in FILES:
        if path.name != "__init__.py" and not place(path).startswith(MIRRORS):
            found[path.name].append(place(path))
    assert not [places for places in found.values() if len(places) > 1]


@pytest.mark.parametrize("path", FILES, ids=place)
def test_files_are_one_idea(path):
    text = path.read_text(encoding="utf-8").splitlines()
    assert len(text) <= MOST_LINES


@pytest.mark.parametrize("path", FILES, ids=place)
def test_functions_are_short(path):
    found = [f"line {f.lineno}: {f.name}, {length(f)} lines" for _, f in functions(path)
             if length(f) > LONGEST_FUNCTION]  # fmt: skip
    assert not found


def test_functions_have_few_parameters():
    # Meter takes what Monitor and track hand on.
    public = {*stochnet.__all__, *recording.__all__, *testing.__all__, "from_params", "Meter"}
    found = []
    for path in FILES:
        if place(path).startswith("cli/"):
            continue
        for owner, f in functions(path):
            # What Numba hands to an intrinsic is no parameter of ours.
            n = len([name for name in parameters(f) if name != "typing"])
            if n > MOST_PARAMETERS and not {owner, f.name} & public:
                found.append(f"{place(path)}: {f.name} has {n}")
    assert not found


def test_imports_stand_at_the_top():
    found = defaultdict(list)
    for path in FILES:
        for one in imports(path):
            if one.in_function:
                found[module(path)].append(one.name)
    assert sum(map(len, found.values())) < 25, dict(found)
