"""Fit one process to every node of a raster, or choose among several."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.fingerprints import fit_facts
from stochnet.bundle.process_fit import ProcessFit
from stochnet.bundle.selection import Selection, check_criterion, choose
from stochnet.errors import InvalidInputError
from stochnet.estimation.fit_blocks import FitTask, fit_all, score_nodes, with_intervals
from stochnet.estimation.held_out import fold_of_trial
from stochnet.estimation.latents.fit_latents import Rank, check_rank, fit_latents
from stochnet.estimation.shrinkage import shrink as shrunken
from stochnet.kernels.threads import Progress
from stochnet.process import Flag, Process
from stochnet.processes import PROCESSES, get_process
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.stored import RasterSummary, require_raster


def fit(
    raster: SpikeRaster | RasterSummary,
    process: str | Process,
    *,
    per_condition: bool = False,
    window: int | None = None,
    shrink: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
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
    window : int, optional
        Bins per window in which a process with a gain counts; the whole trial by default. Windows
        tile each trial from its first bin, and a shorter last one counts with its own length.
    shrink : bool, default False
        Draw parameters towards those of the layer (empirical Bayes), for short recordings.
    progress : callable, optional
        Called with (what, done, total).
    executor : concurrent.futures.Executor, optional
        Fits the blocks of nodes, each on one thread: threads, processes or a cluster
        (``Client.get_executor()`` of Dask). The result is the same to the bit.

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
    task = FitTask(raster, (record,), per_condition, window)
    (found,) = fit_all(task, progress, intervals=True, executor=executor)
    return shrunken(found, raster.layers) if shrink else found


def select(
    raster: SpikeRaster | RasterSummary,
    processes: Sequence[str | Process] | None = None,
    *,
    criterion: str = "aic",
    by: str = "node",
    folds: int = 5,
    per_condition: bool = False,
    window: int | None = None,
    shrink: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
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
    per_condition, window, shrink, progress, executor
        As for `fit`.

    Returns
    -------
    tuple of ProcessFit
        One for each process that was chosen for a node; their ``node_ids`` partition the nodes.

    Raises
    ------
    InvalidInputError
        Unknown process or criterion, too few trials to hold any out.
    """
    options = {"criterion": criterion, "by": by, "folds": folds, "shrink": shrink}
    task = FitTask(raster, candidates(processes), per_condition, window)
    return _select(task, progress, executor, **options)[0]  # type: ignore[arg-type]


def fit_bundle(
    raster: SpikeRaster | RasterSummary,
    process: str | Process = "auto",
    *,
    processes: Sequence[str | Process] | None = None,
    criterion: str = "aic",
    by: str = "node",
    folds: int = 5,
    per_condition: bool = False,
    window: int | None = None,
    shrink: bool = False,
    correlated: Rank | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Bundle:
    """Fit a network: `fit`, or `select` for ``"auto"``, with all that a simulation needs.

    Parameters are those of `fit` and `select`, and one more. After a selection the bundle holds the
    criterion of every node under every candidate (``bundle.selection``).

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
    if process == "auto":
        task = FitTask(raster, candidates(processes), per_condition, window)
        fits, selection = _select(
            task, progress, executor, criterion=criterion, by=by, folds=folds, shrink=shrink
        )
    else:
        fits = (
            fit(
                raster, process, per_condition=per_condition, window=window, shrink=shrink,
                progress=progress, executor=executor,
            ),
        )  # fmt: skip
    latents = None
    if correlated is not None and isinstance(raster, SpikeRaster):
        found = fit_latents(raster, correlated, per_condition=per_condition, progress=progress)
        latents = found if found.correlated.any() else None
    facts = fit_facts(
        raster,
        [one.process.name for one in fits],
        per_condition,
        window,
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
        provenance=provenance(source=dict(raster.provenance), fit=facts),
        selection=selection,
        latents=latents,
    )


def candidates(processes: Sequence[str | Process] | None) -> tuple[Process, ...]:
    """Return the processes to choose among, from few to many parameters; all for None.

    Raises
    ------
    InvalidInputError
        An unknown name, or none at all.
    """
    records = [get_process(process) for process in (PROCESSES if processes is None else processes)]
    if not records:
        raise InvalidInputError("give at least one process")
    return tuple(sorted(records, key=lambda record: len(record.params)))


def _select(
    task: FitTask,
    progress: Progress | None,
    executor: Executor | None,
    *,
    criterion: str,
    by: str,
    folds: int,
    shrink: bool,
) -> tuple[tuple[ProcessFit, ...], Selection]:
    check_criterion(criterion, by)
    raster = task.raster
    fold = None
    if criterion == "held_out":
        fold = fold_of_trial(require_raster(raster, "held-out likelihood"), folds)
    fits = fit_all(task, progress, intervals=False, executor=executor)
    if fold is None:
        scores = np.stack([getattr(one, criterion) for one in fits], axis=1)
    else:
        blocks = task.each_block(score_nodes, executor, lambda first, last: (fold,), copies=True)
        scores = np.concatenate([score for _, score in blocks])
    names = [record.name for record in task.records]
    selection = choose(names, scores, criterion, by, raster.layers)
    chosen = []
    for k, one in enumerate(fits):
        nodes = np.flatnonzero(selection.chosen == k)
        if len(nodes):
            one.flags[selection.undecided] |= Flag.UNDECIDED.value
            chosen.append(one.take(nodes))
    found = with_intervals(task, tuple(chosen), executor)
    if shrink:
        found = tuple(shrunken(one, raster.layers) for one in found)
    return found, selection
