"""assess: test the assumptions of the Poisson model, node by node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from stochnet.errors import entrance
from stochnet.kernels import rng
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster, check_raster
from stochnet.raster.windows import check_window
from stochnet.statistics.nodes import saturated, spike_count
from stochnet.statistics.table import default_windows
from stochnet.validation.assumptions.assessment import Assessment, TestResult
from stochnet.validation.assumptions.catalogue import TESTS, AssumptionTest
from stochnet.validation.assumptions.design import FEWEST, Array, make_design, testable
from stochnet.validation.assumptions.levels import p_value, uniform
from stochnet.validation.assumptions.null import Ranks, near_normal, null_sizes, rank
from stochnet.validation.assumptions.observed import Observed, observe

METHODS = ("bh", "by")
FEWEST_SURROGATES, MOST_SURROGATES = 200, 1_000_000


def assess(
    raster: SpikeRaster,
    windows: Sequence[int] | None = None,
    *,
    level: float = 0.05,
    n_surrogates: int = 2000,
    seed: int = 0,
    method: str = "bh",
    progress: Progress | None = None,
) -> Assessment:
    """Test the assumptions of the Poisson model for every node.

    The null hypothesis is that bins are independent and alike: a Bernoulli process for 0/1 bins,
    independent Poisson counts for counts. Given the number S of spikes of a node, all places of
    them are then equally likely, whatever the rate is. Every test compares the node with
    surrogates whose S spikes are placed at random, so p-values need no approximation; ties are
    broken at random (from the seed and the node's spikes), so that under the null hypothesis they
    are uniform for discrete statistics too.

    Parameters
    ----------
    raster : SpikeRaster
        It may be larger than memory.
    windows : sequence of int, optional
        Bins per window for the tests of window counts; by default those of
        `stochnet.statistics.table.default_windows`. A window of which only one fits gives no test.
    level : float, default 0.05
        A node fails a test if its q-value is below it: the false discovery rate.
    n_surrogates : int, default 2000
        Surrogates for each number of spikes.
    seed : int, default 0
        Of the surrogates and of broken ties.
    method : {"bh", "by"}
        How q-values are computed, for each test and window over its testable nodes: Benjamini and
        Hochberg's way, or Benjamini and Yekutieli's for any dependence between nodes.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    Assessment
        A node's p-values depend on its spikes, the sizes of the raster and the seed only: not on
        other nodes, blocks or threads.

    Raises
    ------
    InvalidInputError
        A window that does not fit, or another argument out of range.

    References
    ----------
    Haslinger, Pipa & Brown (2010), Discrete time rescaling theorem. Neural Computation 22,
    2477-2506. Czado, Gneiting & Held (2009), Predictive model assessment for count data.
    Biometrics 65, 1254-1261. Benjamini & Hochberg (1995), JRSS B 57, 289-300.
    """
    check_raster(raster)
    level, n_surrogates, seed = _check(level, n_surrogates, seed, method)
    entrance.progress(progress)
    if windows is None:
        chosen = default_windows(raster)
    else:
        chosen = entrance.items("windows", windows, "windows, in bins")
    chosen = tuple(dict.fromkeys(check_window(window, raster.n_bins) for window in chosen))
    tested = [w for w in chosen if raster.n_trials * (raster.n_bins // w) > 1]
    spikes = spike_count(raster)
    design = make_design(raster, tested, int(spikes.max()))
    wanted = testable(design, spikes)
    nodes = np.flatnonzero(wanted.any(axis=1))
    found = observe(raster, design, spikes, np.asarray(wanted.any(axis=1)), progress)
    sizes = null_sizes(design, spikes[nodes])
    drawn = make_design(raster, tested, int(sizes.max(initial=FEWEST)))
    ranks = rank(drawn, sizes, found.values[nodes], n_surrogates, seed, progress)

    def result(test: AssumptionTest, window: int | None) -> TestResult:
        if test.windowed and window not in tested:
            return _no_result(test, window, raster.n_nodes)
        column = test.place(tested.index(window)) if window is not None else test.index
        kept = wanted[nodes, column]
        address = column if window is None else 8 * window + test.index
        p = _p_values(test, column, nodes, found, ranks, address, seed)
        return _result(test, window, column, found, nodes[kept], p[kept], method)

    tests = [
        result(test, window)
        for test in TESTS.values()
        for window in (chosen if test.windowed else (None,))
    ]
    return Assessment(
        n_nodes=raster.n_nodes,
        n_trials=raster.n_trials,
        n_bins=raster.n_bins,
        kind=raster.kind,
        schedule=raster.schedule,
        windows=chosen,
        level=level,
        n_surrogates=n_surrogates,
        seed=seed,
        method=method,
        layers=raster.layers,
        dead=np.asarray(spikes == 0),
        saturated=saturated(raster),
        tests=tuple(tests),
    )


def _check(level: float, n_surrogates: int, seed: int, method: str) -> tuple[float, int, int]:
    entrance.option("method", method, METHODS)
    return (
        entrance.number("level", level, 0, 1, inside=True),
        entrance.whole(
            "n_surrogates", n_surrogates, FEWEST_SURROGATES, MOST_SURROGATES,
            remedy="tails are fitted to the surrogates",
        ),
        rng.resolve_seed(seed),
    )  # fmt: skip


def _p_values(
    test: AssumptionTest,
    column: int,
    nodes: NDArray[np.int64],
    found: Observed,
    ranks: Ranks,
    address: int,
    seed: int,
) -> Array:
    u = uniform(found.digest[nodes], address, seed)
    values = near_normal(found.values[nodes, column], column)
    return p_value(ranks, column, values, u, two_sided=test.two_sided)


def _no_result(test: AssumptionTest, window: int | None, n_nodes: int) -> TestResult:
    nothing = np.full(n_nodes, np.nan)
    return TestResult(test.name, window, nothing, nothing, nothing, nothing, test.effect)


def _result(
    test: AssumptionTest,
    window: int | None,
    column: int,
    found: Observed,
    nodes: NDArray[np.int64],
    p: Array,
    method: str,
) -> TestResult:
    """Put the p-values of the tested nodes in their places, and correct them for their number."""
    p_all, q_all, effect, statistic = np.full((4, len(found.values)), np.nan)
    known = ~np.isnan(p)
    nodes, p = nodes[known], p[known]
    p_all[nodes] = p
    if len(nodes):
        q_all[nodes] = false_discovery_control(p, method=method)
    effect[nodes] = found.effects[nodes, column]
    statistic[nodes] = found.values[nodes, column]
    return TestResult(test.name, window, p_all, q_all, effect, statistic, test.effect)
