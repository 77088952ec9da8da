"""Studies: a folder with a configuration and a function of one cell, run cell by cell."""

from stochnet.study.result import CellFailure, StudyResult
from stochnet.study.run import run_study

__all__ = ["CellFailure", "StudyResult", "run_study"]
