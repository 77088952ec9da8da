"""Run a study: the cells that are not finished yet, then the tables, then its figures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path
from typing import Any

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress
from stochnet.study.cells import Cell, cells_of, chosen
from stochnet.study.config import StudyConfig, code_digest, read_config, study_folder
from stochnet.study.lanes import Lane, open_lanes
from stochnet.study.lock import locked
from stochnet.study.manifest import FAILURES, Manifest, add_line
from stochnet.study.result import CellFailure, StudyResult
from stochnet.study.tables import Clock, write_tables
from stochnet.study.worker import Outcome, describe, run_cell, run_finish

SECONDS_BETWEEN_LOOKS = 1.0
STEPS = ("cells", "tables", "finish")


def run_study(
    folder: str | os.PathLike[str],
    *,
    scale: str = "smoke",
    output: str | os.PathLike[str] | None = None,
    workers: int = 1,
    only: Mapping[str, Any] | None = None,
    start: str = "cells",
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
    start : {"cells", "tables", "finish"}, default "cells"
        First step: run cells; write the tables of those that are finished, and call ``finish``; or
        call ``finish`` only, with the tables as they are.
    progress : callable, optional
        Called with (what is done, cells that are finished or failed, cells to be run).

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
    workers = entrance.whole("workers", workers)
    entrance.option("start", start, STEPS)
    entrance.progress(progress)
    if only is not None:
        entrance.instance("only", only, Mapping, "give {axis: value}")
    study = study_folder(entrance.path("folder", folder))
    config = read_config(study, scale)
    results = study / "results" / scale if output is None else entrance.path("output", output)
    if results.exists() and not results.is_dir():
        raise InvalidInputError(f"{results} is a file; give a folder for the results")
    with open_lanes(workers) as lanes:
        about = _described(lanes[0], study, config)
        if start == "finish" and not about["finish"]:
            raise InvalidInputError(
                f"run.py of {study} defines no function finish(results, config); write one"
            )
        cells = cells_of(config, about["cells"], about["version"])
        wanted = chosen(cells, only)
        results.mkdir(parents=True, exist_ok=True)
        with locked(results):
            run = _Run(study, config, Manifest(results), lanes, progress)
            before = run.manifest.keep_finished(cells)
            if start == "cells":
                (results / FAILURES).unlink(missing_ok=True)
                run.all({key: wanted[key] for key in wanted if key not in before}, len(wanted))
            finished = {key: cells[key] for key in cells if key in before | run.done}
            tables = {} if start == "finish" else run.tables(finished, must=start == "tables")
            if about["finish"] and (start != "cells" or len(finished) == len(cells)):
                run.finish()
            stale = sum(run.manifest.lines[key].get("code") != run.code for key in finished)
    return StudyResult(
        results,
        scale,
        n_cells=len(cells),
        n_finished=len(finished),
        n_run=len(run.done),
        n_stale=stale,
        failures=tuple(run.failures),
        tables=tables,
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
        self.code = code_digest(study)
        self.done: set[str] = set()
        self.failures: list[CellFailure] = []

    def all(self, todo: Mapping[str, Cell], n_wanted: int) -> None:
        """Run cells on all lanes, each kept as soon as it is finished."""
        seconds = [line["seconds"] for line in self.manifest.lines.values() if "seconds" in line]
        clock = Clock(len(self.lanes), seconds)
        ready = n_wanted - len(todo)
        if ready and todo and self.progress is not None:
            self.progress(f"{self.study.name}: continues after {ready:,} cells", ready, n_wanted)
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
            self.manifest.add({"key": key, "cell": cell, "code": self.code, **record})
            self.done.add(key)
        else:
            self._fail(CellFailure(cell, *wrong))

    def _fail(self, failure: CellFailure) -> None:
        self.failures.append(failure)
        add_line(
            self.manifest.folder / FAILURES,
            {"cell": failure.cell, "error": failure.error, "traceback": failure.traceback},
        )

    def tables(self, finished: Mapping[str, Cell], *, must: bool) -> dict[str, Path]:
        """Write the tables of finished cells; there `must` be some, or there may be none."""
        if must and not finished:
            raise InvalidInputError(
                f"no cell of this study is finished in {self.manifest.folder}; run it first"
            )
        return write_tables(self.manifest, finished, self.config.tables)

    def finish(self) -> None:
        """Let the study derive what it wants from the tables."""
        lane = self.lanes[0]
        folder = self.manifest.folder.resolve()
        _, wrong = _outcome(lane.submit(run_finish, self.study, folder, self.config.merged))
        if wrong is not None:
            self._fail(CellFailure({}, *wrong))
