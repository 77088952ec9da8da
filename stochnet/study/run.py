"""Run a study: the cells that are not finished yet, then the tables, then its figures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path
from typing import Any

from stochnet.errors import InvalidInputError
from stochnet.study.cells import Cell, cells_of, chosen
from stochnet.study.config import StudyConfig, read_config, study_folder
from stochnet.study.lanes import Lane, open_lanes
from stochnet.study.lock import locked
from stochnet.study.manifest import FAILURES, Manifest, append
from stochnet.study.result import CellFailure, StudyResult
from stochnet.study.tables import write_tables
from stochnet.study.timing import Clock
from stochnet.study.worker import Outcome, describe, run_cell, run_finish
from stochnet.threads import Progress

SECONDS_BETWEEN_LOOKS = 5.0


def run_study(
    folder: str | os.PathLike[str],
    *,
    scale: str = "smoke",
    output: str | os.PathLike[str] | None = None,
    workers: int = 1,
    only: Mapping[str, Any] | None = None,
    tables_only: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Run the cells of a study that are not finished yet, and write its tables.

    Every finished cell is on the disk before the next one begins, so a run that was stopped or
    killed goes on where it was. The tables hold the same bytes however often it was stopped and
    however many workers there were.

    Parameters
    ----------
    folder : path-like
        A study: ``config.toml`` and ``run.py`` with a function ``cell(cell, config)``.
    scale : {"smoke", "cpu", "full"}, default "smoke"
        Which overlay of the configuration to take.
    output : path-like, optional
        Folder of the results; ``results/<scale>`` in the study by default.
    workers : int, default 1
        Processes that share the cells, each with one thread.
    only : mapping of str to value or list of values, optional
        Run only cells that have one of these values on these axes.
    tables_only : bool, default False
        Run no cells; write the tables of those that are finished, and call ``finish``.
    progress : callable, optional
        Called with (what is done, cells finished, cells).

    Returns
    -------
    StudyResult

    Raises
    ------
    InvalidInputError
        The folder is no study, its configuration or code cannot be used, or another process runs
        it. Cells that fail raise nothing: they are in the result and in ``failures.jsonl``.
    WorkerError
        No process can be started. A script needs the guard ``if __name__ == "__main__":``.

    Examples
    --------
    >>> result = sn.run_study("sims/memorization", scale="cpu", workers=2)  # doctest: +SKIP
    >>> result.complete  # doctest: +SKIP
    True
    """
    if workers < 1:
        raise InvalidInputError(f"workers must be at least 1, got {workers}")
    study = study_folder(folder)
    config = read_config(study, scale)
    results = study / "results" / scale if output is None else Path(output)
    if results.exists() and not results.is_dir():
        raise InvalidInputError(f"{results} is a file; give a folder for the results")
    with open_lanes(workers) as lanes:
        about = _described(lanes[0], study, config)
        cells = cells_of(config, about["cells"], about["version"])
        wanted = chosen(cells, only)
        results.mkdir(parents=True, exist_ok=True)
        with locked(results):
            run = _Run(study, config, Manifest(results), lanes, progress)
            before = run.manifest.keep_finished(cells)
            todo = {key: cell for key, cell in wanted.items() if key not in before}
            if tables_only:
                todo = {}
            else:
                (results / FAILURES).unlink(missing_ok=True)
                run.all(todo, len(wanted))
            finished = {key: cell for key, cell in cells.items() if key in before | run.done}
            if not finished and tables_only:
                raise InvalidInputError(
                    f"no cell of this study is finished in {results}; run it first"
                )
            tables = write_tables(run.manifest, finished, config.digits)
            if about["finish"] and (tables_only or len(finished) == len(cells)):
                run.finish()
    return StudyResult(
        results, scale, len(cells), len(finished), len(run.done), tuple(run.failures), tables
    )


def _described(lane: Lane, study: Path, config: StudyConfig) -> dict[str, Any]:
    found, wrong = _outcome(lane.submit(describe, study, config.merged))
    if wrong is not None:
        text, where = wrong
        if text.startswith("stochnet."):
            raise InvalidInputError(text.partition(": ")[2])
        raise InvalidInputError(f"run.py of {study} cannot be used: {text}{_line_of(where, study)}")
    about: dict[str, Any] = found
    return about


def _line_of(trace: str, study: Path) -> str:
    """Return where in the study's files an error was, from its traceback."""
    lines = [line for line in trace.splitlines() if f'File "{study}' in line]
    if not lines:
        return ""
    file, _, rest = lines[-1].strip().removeprefix('File "').partition('", ')
    return f" ({Path(file).relative_to(study)}, {rest.partition(',')[0]})"


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenExecutor:
        return None, ("its process was killed; it may have needed more memory than there is", "")


class _Run:
    """One run: what is going on in which lane, and what came of it."""

    def __init__(
        self,
        study: Path,
        config: StudyConfig,
        manifest: Manifest,
        lanes: list[Lane],
        progress: Progress | None,
    ) -> None:
        self.study, self.config, self.manifest = study, config, manifest
        self.lanes, self.progress = lanes, progress
        self.done: set[str] = set()
        self.failures: list[CellFailure] = []

    def all(self, todo: Mapping[str, Cell], n_wanted: int) -> None:
        """Run cells on all lanes, each kept as soon as it is finished."""
        seconds = [line["seconds"] for line in self.manifest.lines.values() if "seconds" in line]
        clock = Clock(len(self.lanes), seconds)
        ready = n_wanted - len(todo)
        left = iter(todo.items())
        running: dict[Future[Outcome], tuple[Lane, str]] = {}
        idle = list(self.lanes)
        while True:
            while idle and (item := next(left, None)) is not None:
                lane, (key, cell) = idle.pop(), item
                running[lane.submit(run_cell, self.study, cell, self.config.shared)] = lane, key
                clock.begin(key)
            ended = len(self.done) + len(self.failures)
            if self.progress is not None:
                what = clock.left(len(todo) - ended)
                self.progress(f"{self.study.name}: {what}cells", ready + ended, n_wanted)
            if not running:
                return
            for future in wait(running, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done:
                lane, key = running.pop(future)
                idle.append(lane)
                clock.end(key)
                self._keep(key, todo[key], _outcome(future))

    def _keep(self, key: str, cell: Cell, outcome: Outcome) -> None:
        record, wrong = outcome
        if wrong is None:
            self.manifest.add({"key": key, "cell": cell, **record})
            self.done.add(key)
        else:
            self._fail(CellFailure(cell, *wrong))

    def _fail(self, failure: CellFailure) -> None:
        self.failures.append(failure)
        append(
            self.manifest.folder / FAILURES,
            {"cell": failure.cell, "error": failure.error, "traceback": failure.traceback},
        )

    def finish(self) -> None:
        """Let the study derive what it wants from the tables."""
        lane = self.lanes[0]
        folder = self.manifest.folder.resolve()
        _, wrong = _outcome(lane.submit(run_finish, self.study, folder, self.config.merged))
        if wrong is not None:
            self._fail(CellFailure({}, *wrong))
