"""What a run of a study came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class CellFailure:
    """A cell that failed.

    Attributes
    ----------
    cell : dict
        Its axes and their values; empty where ``finish`` failed.
    error : str
        What was wrong, in one line.
    traceback : str
        Where, in the code of the study; empty if its process was killed.
    """

    cell: dict[str, Any]
    error: str
    traceback: str


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What a run of a study came to.

    Attributes
    ----------
    folder : Path
        Folder of the results.
    scale : str
    n_cells : int
        Cells of the study.
    n_finished : int
        Cells whose rows are there, of this run and of earlier ones.
    n_run : int
        Cells that this run has finished.
    n_stale : int
        Finished cells whose rows other Python files in the study have made, under the same
        ``VERSION``.
    failures : tuple of CellFailure
        What failed in this run.
    tables : dict of str to Path
        CSV files by the name of their table.
    """

    folder: Path
    scale: str
    n_cells: int
    n_finished: int
    n_run: int
    n_stale: int
    failures: tuple[CellFailure, ...]
    tables: dict[str, Path]

    @property
    def complete(self) -> bool:
        """Whether every cell of the study is finished and nothing failed."""
        return self.n_finished == self.n_cells and not self.failures
