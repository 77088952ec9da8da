"""The folder of a benchmark: taken up after a stop, and never a way out of itself."""

import json

import pytest

from stochnet.benchmark import generate
from stochnet.errors import FileFormatError, InvalidInputError


def test_a_stopped_run_is_taken_up_and_foreign_files_are_not(tmp_path):
    folder = tmp_path / "benchmark"
    for name in ("rasters/network-00.h5", "rasters/.network-01.h5.0123456789abcdef.part"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"torn")
    made = generate("tuning", folder, seed=1)
    name = next(iter(made.rasters))
    made.read(name)
    with pytest.raises(InvalidInputError, match="not an empty folder"):
        generate("tuning", folder, seed=1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(InvalidInputError, match="not an empty folder"):
        generate("tuning", other, seed=1)


def test_files_outside_of_the_folder_are_refused(tmp_path):
    made = generate("tuning", tmp_path / "benchmark", seed=1)
    name = next(iter(made.rasters))
    for wrong in ("../outside.h5", "/etc/passwd"):
        made.rasters[name]["file"] = wrong
        with pytest.raises(FileFormatError, match="outside of its folder"):
            made.read(name)
    assert json.loads((made.folder / "suite.json").read_text())["suite"] == "tuning"
