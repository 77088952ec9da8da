"""Fit one process to every node of a raster, or choose among several."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.fingerprints import fit_facts
from stochnet.bundle.process_fit import ProcessFit
from stochnet.bundle.selection import Selection, check_criterion, choose
from stochnet.errors import InvalidInputError, entrance
from stochnet.estimation.fit_blocks import FitTask, fit_all, score_nodes, with_intervals
from stochnet.estimation.held_out import fold_of_trial
from stochnet.estimation.latents.fit_latents import Rank, check_rank, fit_latents
from stochnet.estimation.rare import named, without_rare
from stochnet.estimation.shrinkage import shrink as shrunken
from stochnet.estimation.window_choice import (
    Candidate,
    Window,
    best_window,
    has_window,
    is_auto,
    tasks_of,
)
from stochnet.kernels.threads import Progress
from stochnet.process import Flag, Process
from stochnet.processes import PROCESSES, get_process
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.stored import RasterSummary, check_source, require_raster


def fit(
    raster: SpikeRaster | RasterSummary,
    process: str | Process,
    *,
    per_condition: bool = False,
    window: Window = None,
    shrink: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
    min_bins: int | None = None,
) -> ProcessFit:
    """Fit a process to every node by maximum likelihood.

    Works on blocks of nodes, so a raster on disk may be larger than memory.

    Parameters
    ----------
    raster : SpikeRaster or RasterSummary
        A summary must hold the parts that the process needs, for the same window and conditions.
    process : str or Process
        For example ``"bernoulli"``, ``"poisson"``, ``"beta_bernoulli"``, ``"negative_binomial"``.
    per_condition : bool, default False
        Parameters (node, condition) instead of (node,).
    window : int or "auto", optional
        Bins per window in which a process with a gain counts; the whole trial by default. Windows
        tile each trial from its first bin, and a shorter last one counts with its own length. The
        window is a parameter of the process: "auto" takes, of a few lengths from 10 bins to the
        trial, the one under which all nodes together are the most likely.
    shrink : bool, default False
        Draw parameters towards those of the layer (empirical Bayes), for short recordings.
    progress : callable, optional
        Called with (what, done, total).
    executor : concurrent.futures.Executor, optional
        Fits the blocks of nodes, each on one thread: threads, processes or a cluster
        (``Client.get_executor()`` of Dask). The result is the same to the bit.
    min_bins : int, optional
        With `per_condition`: leave out conditions with fewer bins than this. Their column has the
        mean of the other conditions, with an infinite standard error, and 0 in ``observed_bins``.
        Without it, a number among the conditions that occurs in no bin is refused.

    Returns
    -------
    ProcessFit
        Parameters, standard errors, intervals, log-likelihood and flags of every node.

    Raises
    ------
    InvalidInputError
        Unknown process, a window that does not fit, no conditions though asked for.
    WorkerError
        The workers of the executor fail again and again.
    """
    record = get_process(process)
    check_options(raster, per_condition, shrink, progress, executor)
    raster, _ = without_rare(raster, per_condition, min_bins)
    tasks, tried = tasks_of(raster, (record,), per_condition, window)
    if len(tasks) > 1:
        ways = [fit_all(task, progress, intervals=False, executor=executor)[0] for task in tasks]
        tasks = (tasks[best_window(ways)],)
    (found,) = fit_all(tasks[tried[0].task], progress, intervals=True, executor=executor)
    return shrunken(found, raster.layers) if shrink else found


def select(
    raster: SpikeRaster | RasterSummary,
    processes: Sequence[str | Process] | None = None,
    *,
    criterion: str = "aic",
    by: str = "node",
    folds: int = 5,
    per_condition: bool = False,
    window: Window = None,
    shrink: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
    min_bins: int | None = None,
) -> tuple[ProcessFit, ...]:
    """Fit several processes and keep, node by node, the one with the lowest criterion.

    Likelihoods are of the bins themselves under every process, so they compare; ties go to the
    process with fewer parameters. A node for which another process is about as good (criterion
    within 2) is flagged `Flag.UNDECIDED`. `fit_bundle` keeps the whole table of criteria.

    Parameters
    ----------
    raster : SpikeRaster or RasterSummary
        Trials can be held out of a raster only.
    processes : sequence of str or Process, optional
        All by default.
    criterion : {"aic", "bic", "held_out"}
        AIC and held-out likelihood look for the best prediction, BIC for the true process.
    by : {"node", "layer"}
        One process for every node, or one for all nodes of a layer (lowest sum).
    folds : int, default 5
        Parts of the trials, each of which is held out once. For ``"held_out"``.
    per_condition, window, shrink, progress, executor, min_bins
        As for `fit`. With ``window="auto"`` every process with a gain or a rate profile is a
        candidate once for each length, and the window counts as one more parameter.

    Returns
    -------
    tuple of ProcessFit
        One for each process (and window) that was chosen for a node; their ``node_ids`` partition
        the nodes.

    Raises
    ------
    InvalidInputError
        Unknown process or criterion, too few trials to hold any out.
    """
    check_options(raster, per_condition, shrink, progress, executor)
    options = {"criterion": criterion, "by": by, "folds": folds, "shrink": shrink}
    raster, _ = without_rare(raster, per_condition, min_bins)
    ways = tasks_of(raster, candidates(processes), per_condition, window)
    return _select(*ways, progress, executor, **options)[0]  # type: ignore[arg-type]


def fit_bundle(
    raster: SpikeRaster | RasterSummary,
    process: str | Process = "auto",
    *,
    processes: Sequence[str | Process] | None = None,
    criterion: str = "aic",
    by: str = "node",
    folds: int = 5,
    per_condition: bool = False,
    window: Window = None,
    shrink: bool = False,
    correlated: Rank | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
    min_bins: int | None = None,
) -> Bundle:
    """Fit a network: `fit`, or `select` for ``"auto"``, with all that a simulation needs.

    Parameters are those of `fit` and `select`, and one more. After a selection the bundle holds the
    criterion of every node under every candidate (``bundle.selection``), also where ``"auto"`` is
    the window of one process. Bins of conditions that were left out (`min_bins`) have none in the
    bundle; ``provenance["left_out"]`` says how many.

    Parameters
    ----------
    correlated : int or "auto", optional
        Also fit what nodes have in common beyond their conditions: so many latents for every layer,
        at most 64 (``bundle.latents``; see `Latents`). Without it nodes are independent. Needs a
        process of independent 0/1 bins, such as ``"bernoulli"``.

    Raises
    ------
    InvalidInputError
        As for `fit` and `select`; correlated nodes of a process that has none, of counts, or from a
        summary.
    """
    check_options(raster, per_condition, shrink, progress, executor)
    if not isinstance(process, Process):
        entrance.option("process", process, ("auto", *PROCESSES))
    selection = None
    if correlated is not None:
        check_rank(correlated)
        if process == "auto" or not get_process(process).is_plain:
            raise InvalidInputError(
                "correlated nodes need a process of independent 0/1 bins: fit bernoulli "
                f"(--process bernoulli) instead of {getattr(process, 'name', process)}"
            )
        if not isinstance(raster, SpikeRaster):
            raise InvalidInputError(
                "correlated nodes are fitted to pairs of nodes, which a summary does not hold: "
                "fit the raster itself"
            )
    raster, left_out = without_rare(raster, per_condition, min_bins)
    one_process = not (isinstance(process, str) and process == "auto")
    records = (get_process(process),) if one_process else candidates(processes)
    if not one_process or (is_auto(window) and has_window(records[0])):
        fits, selection = _select(
            *tasks_of(raster, records, per_condition, window),
            progress, executor, criterion=criterion, by=by, folds=folds, shrink=shrink,
        )  # fmt: skip
    else:
        fits = (
            fit(
                raster, process, per_condition=per_condition, window=window, shrink=shrink,
                progress=progress, executor=executor, min_bins=min_bins,
            ),
        )  # fmt: skip
    latents = None
    if correlated is not None and isinstance(raster, SpikeRaster):
        found = fit_latents(raster, correlated, per_condition=per_condition, progress=progress)
        latents = found if found.correlated.any() else None
    facts = fit_facts(
        raster,
        # Of several windows there is no one process to fit again.
        [(one.process.name, one.window) for one in fits],
        per_condition,
        fits[0].window if is_auto(window) else window,  # type: ignore[arg-type]
        correlated=latents is not None,
    )
    return Bundle(
        fits=fits,
        layers=raster.layers,
        n_trials=raster.n_trials,
        n_bins=raster.n_bins,
        conditions=raster.conditions,
        bin_width=raster.bin_width,
        schedule=raster.schedule,
        provenance=provenance(
            source=dict(raster.provenance),
            fit=facts,
            **({"left_out": named(left_out)} if left_out else {}),
        ),
        selection=selection,
        latents=latents,
    )


def check_options(
    raster: SpikeRaster | RasterSummary,
    per_condition: bool,
    shrink: bool,
    progress: Progress | None,
    executor: Executor | None,
) -> None:
    """Refuse arguments of a fit that are none.

    Raises
    ------
    InvalidInputError
        They are none.
    """
    check_source(raster)
    entrance.truth("per_condition", per_condition)
    entrance.truth("shrink", shrink)
    entrance.progress(progress)
    entrance.executor(executor)


def candidates(processes: Sequence[str | Process] | None) -> tuple[Process, ...]:
    """Return the processes to choose among, from few to many parameters; all for None.

    Raises
    ------
    InvalidInputError
        An unknown name, or none at all.
    """
    listed = PROCESSES if processes is None else entrance.items("processes", processes, "names")
    records = [get_process(process) for process in listed]
    if not records:
        raise InvalidInputError("give at least one process")
    return tuple(sorted(records, key=lambda record: len(record.params)))


def _select(
    tasks: tuple[FitTask, ...],
    tried: tuple[Candidate, ...],
    progress: Progress | None,
    executor: Executor | None,
    *,
    criterion: str,
    by: str,
    folds: int,
    shrink: bool,
) -> tuple[tuple[ProcessFit, ...], Selection]:
    check_criterion(criterion, by)
    raster = tasks[0].raster
    fold = None
    if criterion == "held_out":
        fold = fold_of_trial(require_raster(raster, "held-out likelihood"), folds)
    fits = [fit_all(task, progress, intervals=False, executor=executor) for task in tasks]
    if fold is None:
        columns = [one.criterion(fits[one.task][one.place], criterion) for one in tried]
    else:
        held = [held_out_scores(task, executor, fold) for task in tasks]
        columns = [held[one.task][:, one.place] for one in tried]
    names = [one.name for one in tried]
    selection = choose(names, np.stack(columns, axis=1), criterion, by, raster.layers)
    chosen: list[tuple[int, ProcessFit]] = []
    for k, one in enumerate(tried):
        nodes, whole = np.flatnonzero(selection.chosen == k), fits[one.task][one.place]
        if len(nodes):
            whole.flags[selection.undecided] |= Flag.UNDECIDED.value
            chosen.append((one.task, whole.take(nodes)))
    found: list[ProcessFit] = []
    for number, task in enumerate(tasks):
        mine = tuple(one for which, one in chosen if which == number)
        found += with_intervals(task, mine, executor) if mine else ()
    order = {one.record.name: k for k, one in enumerate(tried)}
    found.sort(key=lambda one: (order[one.process.name], one.window or 0))
    if shrink:
        found = [shrunken(one, raster.layers) for one in found]
    return tuple(found), selection


def held_out_scores(
    task: FitTask, executor: Executor | None, fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the held-out score of every process of a task: (node, process)."""
    blocks = task.each_block(score_nodes, executor, lambda first, last: (fold,), copies=True)
    return np.concatenate([score for _, score in blocks])
