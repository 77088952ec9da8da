"""The law of the parameters over the nodes of one layer and process, fitted and drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.bundle.populations.bootstrap import Kernel, fit_kernel, root_of
from stochnet.bundle.populations.columns import names_of, params_of, scales_of, table_of
from stochnet.bundle.populations.margin import Margin, fit_margin, kolmogorov_floor
from stochnet.bundle.populations.scales import Scale
from stochnet.bundle.process_fit import ProcessFit
from stochnet.errors import entrance
from stochnet.process import Array, Process
from stochnet.statistics.even_sample import evenly_spread

CHECK_NODES = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class Population:
    """How the parameters of the nodes of one layer and process are distributed.

    A node is dead with probability `dead`, saturated with probability `saturated`. The parameters
    of the others have the laws `margins`, and go together as a Gaussian copula with the
    correlations `correlation`. Columns are parameters, under one condition after the other.

    Attributes
    ----------
    layer : str
        Name of the layer.
    fit : int
        Position of the fit in the bundle.
    process : Process
    n_conditions : int
        Conditions of the parameters; 0 when pooled.
    n_nodes : int
        Nodes that the law was fitted to.
    dead, saturated : float
        Share of nodes that never fire, and of those that fire in every bin.
    dead_row, saturated_row : ndarray of float64 (column,)
        Parameters of such nodes: their medians.
    margins : tuple of Margin
        One a column.
    correlation : ndarray of float64 (column, column)
        Of normal scores.
    kernel : Kernel
        Of the smoothed empirical law, whose rows are the parameters in the bundle.
    rate_distance : float
        Kolmogorov distance between the node means of the leading parameter (over conditions) and
        those of 10,000 nodes drawn from this law: a check of margins and copula together.
    tuning_distance : float
        The same for the standard deviation of the leading parameter over conditions; NaN if pooled.
    """

    layer: str
    fit: int
    process: Process
    n_conditions: int
    n_nodes: int
    dead: float
    saturated: float
    dead_row: Array
    saturated_row: Array
    margins: tuple[Margin, ...]
    correlation: Array
    kernel: Kernel
    rate_distance: float
    tuning_distance: float

    def __repr__(self) -> str:
        return f"Population({self.n_nodes:,} nodes of layer {self.layer!r}, {self.process.name})"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: ``p``, or ``p[0]``, ``p[1]`` and so on."""
        return names_of(self.process, self.n_conditions)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scale of every column."""
        return scales_of(self.process, self.n_conditions)

    @property
    def rate_floor(self) -> float:
        """Distance that two samples of one law, so many nodes each, exceed once in 20 times."""
        return kolmogorov_floor(self.n_nodes, CHECK_NODES)

    @property
    def fitting(self) -> int:
        """Columns whose law is within the floor of its nodes; a column of point masses is."""
        return sum(not one.distance > one.floor for one in self.margins)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw the parameters of n nodes from the parametric law: (node, column)."""
        n = entrance.whole("n", n, 0, 2**31 - 1)
        rng = entrance.generator(rng)
        state = np.zeros(n, np.int64)
        n_dead = _rounded(self.dead * n, rng)
        n_saturated = min(_rounded(self.saturated * n, rng), n - n_dead)
        state[:n_dead] = -1
        state[n_dead : n_dead + n_saturated] = 1
        if not self.margins:
            # Nothing but dead and saturated nodes was seen.
            state[state == 0] = -1 if self.dead >= self.saturated else 1
        state = rng.permutation(state)
        table = np.empty((n, len(self.dead_row)))
        table[state < 0], table[state > 0] = self.dead_row, self.saturated_row
        rest = np.flatnonzero(state == 0)
        if len(rest):
            scores = rng.standard_normal((len(rest), table.shape[1])) @ root_of(self.correlation)
            u = special.ndtr(scores)
            for k, (margin, scale) in enumerate(zip(self.margins, self.scales, strict=True)):
                table[rest, k] = margin.quantile(u[:, k], scale)
        return table


def _rounded(expected: float, rng: np.random.Generator) -> int:
    """Round up or down so that the mean is kept."""
    return int(np.floor(expected + rng.random()))


def states_of(table: Array, process: Process, n_conditions: int) -> NDArray[np.int64]:
    """Return which nodes are dead (-1), saturated (1) or neither (0): (node,).

    Dead nodes have a mean count of 0 under every condition, saturated ones 1 without variance.
    """
    lead = leading(process, n_conditions)
    first, domain = table[:, lead], scales_of(process, n_conditions)[lead[0]]
    state = np.zeros(len(table), np.int64)
    for value, edge in ((-1, first <= domain.low), (1, first >= domain.high)):
        rows = np.flatnonzero(edge.all(axis=1))
        if len(rows):
            # One node for every condition: moments are of parameters (node,).
            params = params_of(process, table[rows], n_conditions)
            flat = {name: np.ascontiguousarray(array).reshape(-1) for name, array in params.items()}
            mean, variance = process.moments(flat, 1)
            good = (mean == max(value, 0)) & (variance == 0)
            state[rows[good.reshape(len(rows), -1).all(axis=1)]] = value
    return state


def leading(process: Process, n_conditions: int) -> list[int]:
    """Return the columns of the leading parameter: the first that need not be whole.

    With ``p_1`` all of its kind lead: ``p_2`` and so on.
    """
    names = [p.name.rstrip("_0123456789") for p in process.params if not p.whole]
    stem, width = names[0] if names else process.params[0].name, max(1, n_conditions)
    which = [k for k, p in enumerate(process.params) if p.name.rstrip("_0123456789") == stem]
    return [k * width + c for k in which for c in range(width)]


def rate_of(table: Array, process: Process, n_conditions: int) -> Array:
    """Return the mean of the leading parameter over conditions: (node,)."""
    return np.asarray(table[:, leading(process, n_conditions)].mean(axis=1))


def tuning_of(table: Array, process: Process, n_conditions: int) -> Array:
    """Return the standard deviation of the leading parameter over conditions: (node,)."""
    return np.asarray(table[:, leading(process, n_conditions)].std(axis=1))


def fit_population(fit: ProcessFit, layer: str, position: int) -> Population:
    """Fit the law of the parameters to the nodes of one layer and process.

    Parameters
    ----------
    fit : ProcessFit
        Of the nodes of the layer only.
    layer : str
    position : int
        Of the fit in the bundle.
    """
    process, n_conditions = fit.process, fit.n_conditions
    table, scales = table_of(fit), scales_of(process, n_conditions)
    state = states_of(table, process, n_conditions)
    rest = table[state == 0]
    margins = (
        tuple(fit_margin(rest[:, k], one) for k, one in enumerate(scales)) if len(rest) else ()
    )
    lows, highs = np.array([one.low for one in scales]), np.array([one.high for one in scales])
    nan = float("nan")
    law = Population(
        layer=layer,
        fit=position,
        process=process,
        n_conditions=n_conditions,
        n_nodes=len(table),
        dead=float(np.mean(state < 0)),
        saturated=float(np.mean(state > 0)),
        dead_row=_median(table[state < 0], lows),
        saturated_row=_median(table[state > 0], highs),
        margins=margins,
        correlation=fit_copula(rest, lows, highs) if len(rest) else np.eye(len(scales)),
        kernel=fit_kernel(table, scales),
        rate_distance=nan,
        tuning_distance=nan,
    )
    drawn = law.draw(CHECK_NODES, np.random.default_rng(0))
    rate, tuning = (
        kolmogorov_distance(*(of(one, process, n_conditions) for one in (table, drawn)))
        for of in (rate_of, tuning_of)
    )
    pooled = len(leading(process, n_conditions)) == 1
    return replace(law, rate_distance=rate, tuning_distance=nan if pooled else tuning)


def _median(rows: Array, otherwise: Array) -> Array:
    """Return the middle row, column by column, that is one of its values."""
    return np.quantile(rows, 0.5, axis=0, method="lower") if len(rows) else otherwise.copy()


def kolmogorov_distance(one: Array, other: Array) -> float:
    """Return the largest difference of the distribution functions of two samples."""
    x = np.concatenate([one, other])
    a = np.searchsorted(np.sort(one), x, side="right") / len(one)
    b = np.searchsorted(np.sort(other), x, side="right") / len(other)
    return float(np.abs(a - b).max())


SWEEPS, WARM_UP = 30, 10
MOST_ROWS = 2000
# Where rows are few, correlations are drawn this far towards none.
RIDGE = 1.0


def fit_copula(table: Array, lows: Array, highs: Array) -> Array:
    """Return the correlations of the normal scores of columns: (column, column).

    What lies at the lowest or highest value of a column (given by `lows`, `highs`) only tells that
    its score is below or above a bound; such scores are drawn given the others of their row, by
    Gibbs sampling with a fixed seed, and the correlations are the mean over sweeps.

    References
    ----------
    Hoff (2007), Annals of Applied Statistics 1, 265-283.
    """
    n, d = table.shape
    if d == 1 or n < 3:
        return np.eye(d)
    rng = np.random.default_rng(0)
    table = table[evenly_spread(n, MOST_ROWS)]
    n = len(table)
    from scipy import stats

    ranks = stats.rankdata(table, axis=0)
    scores = special.ndtri((ranks - 0.5) / n)
    at_low, at_high = table <= lows, table >= highs
    censored = at_low | at_high
    varying = scores.std(axis=0) > 0
    low_edge = special.ndtri(np.clip(at_low.mean(axis=0), 1e-9, 1 - 1e-9))
    high_edge = special.ndtri(np.clip(1 - at_high.mean(axis=0), 1e-9, 1 - 1e-9))
    total = np.zeros((d, d))
    for sweep in range(SWEEPS):
        correlation = _correlation(scores)
        if not censored.any():
            return np.where(np.outer(varying, varying), correlation, np.eye(d))
        if sweep >= WARM_UP:
            total += correlation
        ridge = RIDGE / n
        precision = np.linalg.inv((1 - ridge) * correlation + ridge * np.eye(d))
        for k in np.flatnonzero(censored.any(axis=0) & varying):
            row = precision[k].copy()
            row[k] = 0.0
            sd = 1 / np.sqrt(precision[k, k])
            for which, low, high in (
                (at_low[:, k], -np.inf, low_edge[k]),
                (at_high[:, k], high_edge[k], np.inf),
            ):
                if which.any():
                    mean = -(scores[which] @ row) * sd**2
                    scores[which, k] = _truncated(mean, sd, low, high, rng)
    total /= SWEEPS - WARM_UP
    return np.where(np.outer(varying, varying), total, np.eye(d))


def _correlation(scores: Array) -> Array:
    """Correlations of columns; a column that does not vary has none."""
    off = scores - scores.mean(axis=0)
    sd = np.sqrt((off**2).mean(axis=0))
    off = off / np.where(sd > 0, sd, 1.0)
    found = off.T @ off / len(off)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def _truncated(mean: Array, sd: float, low: float, high: float, rng: np.random.Generator) -> Array:
    """Draw normal numbers between two bounds, by their quantiles."""
    a, b = special.ndtr((low - mean) / sd), special.ndtr((high - mean) / sd)
    u = np.clip(a + (b - a) * rng.random(len(mean)), 1e-12, 1 - 1e-12)
    return np.asarray(np.clip(mean + sd * special.ndtri(u), max(low, -8.0), min(high, 8.0)))
