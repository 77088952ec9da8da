"""The files of a study are a package, and nothing changes where Python looks for modules."""

import sys

import pytest

from stochnet.errors import InvalidInputError
from stochnet.study.study_code import explained, study_module


@pytest.fixture
def folder(tmp_path):
    """Two studies side by side; one has a name that is no identifier, and a file `statistics`."""
    for name in ("my-study 2.0", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "shared.py").write_text("VALUE = 7\n")
    study = tmp_path / "my-study 2.0"
    (study / "statistics.py").write_text("from ..other.shared import VALUE\n")
    (study / "run.py").write_text("from . import statistics\nVALUE = statistics.VALUE\n")
    return study


def test_a_study_imports_files_beside_it_and_those_of_its_neighbour(folder):
    before = list(sys.path)
    code = study_module(folder, "run")
    assert code.VALUE == 7
    assert study_module(folder, "run") is code
    assert sys.path == before
    import statistics

    assert statistics is not code.statistics


def test_studies_of_the_same_name_in_two_folders_are_two(folder, tmp_path):
    again = tmp_path / "copy" / folder.name
    again.mkdir(parents=True)
    (again / "run.py").write_text("VALUE = 8\n")
    assert (study_module(folder, "run").VALUE, study_module(again, "run").VALUE) == (7, 8)


def test_code_that_cannot_be_imported_is_tried_again(folder):
    good = (folder / "run.py").read_text()
    (folder / "run.py").write_text("raise ValueError('not yet')")
    with pytest.raises(ValueError, match="not yet"):
        study_module(folder, "run")
    (folder / "run.py").write_text(good + "# another size, so that no cached code is taken\n")
    assert study_module(folder, "run").VALUE == 7


@pytest.mark.parametrize("name", ["helper", "package.part"])
def test_an_import_by_the_plain_name_of_a_file_says_what_to_write(name, tmp_path):
    (tmp_path / "helper.py").touch()
    (tmp_path / "package").mkdir()
    found = explained(ModuleNotFoundError("no", name=name), tmp_path)
    assert isinstance(found, InvalidInputError)
    assert f"write from . import {name}" in str(found) or "package" in str(found)
    other = ModuleNotFoundError("no", name="absent")
    assert explained(other, tmp_path) is other
