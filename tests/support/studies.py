"""The studies of the repository, for the tests of their parts."""

from __future__ import annotations

import csv
from pathlib import Path
from types import ModuleType

from stochnet.study.study_code import study_module
from tests.support import ROOT

SIMS = ROOT / "sims"


def module(study: str, name: str) -> ModuleType:
    """Return a module of a study, as the runner of studies imports it."""
    return study_module(SIMS / study, name)


def read(path: Path) -> list[dict[str, str]]:
    """Read a table of results."""
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))
