"""Dispersion of window counts: Fano factors, and the parameters that make them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy import special

from stochnet.benchmark.quantity import Answer, Array, Per, Quantity, Truth
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.truth.draws import Draws
from stochnet.benchmark.truth.theory import bound, fano_spread
from stochnet.bundle.bundle import Bundle
from stochnet.bundle.process_fit import ProcessFit
from stochnet.estimation.fit import fit
from stochnet.processes import get_process
from stochnet.processes.laws.scipy_stats import stats
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.nodes import fano_factor

FANO = Quantity(
    "fano", "1", Per.node,
    "variance over mean of the counts in windows of the length given for the raster",
    floor=0.01,
)  # fmt: skip
RHO = Quantity(
    "rho", "1", Per.node,
    "correlation of two bins of one window; window counts are beta-binomial", floor=0.001,
)  # fmt: skip
DISPERSION = Quantity(
    "dispersion", "1", Per.node,
    "variance of the gain of a window, whose mean is 1; window counts are negative binomial",
    floor=0.001,
)  # fmt: skip


def _network(
    family: str,
    params: Mapping[str, Array],
    size: tuple[int, int, int],
    truths: Mapping[str, Truth],
    spread: Array | None,
) -> Network:
    n_trials, n_bins, window = size
    process = get_process(family)
    mean, variance = process.moments(process.validate(params), window)
    return Network(
        Bundle.from_params(family, params, window=window if process.has_gain else None),
        n_trials,
        n_bins,
        {"fano": Truth(variance / mean, spread), **truths},
        {"family": family, "window": window},
    )


def _beta_law(p: float, rho: float, window: int) -> Array:
    """Return beta-binomial probabilities; binomial for a `rho` of 0."""
    k = np.arange(window + 1.0)
    if rho <= 0:
        return np.asarray(stats.binom.pmf(k, window, p))
    a, b = p * (1 / rho - 1), (1 - p) * (1 / rho - 1)
    log = special.betaln(k + a, window - k + b) - special.betaln(a, b)
    return np.asarray(np.exp(log) * special.binom(window, k))


def _negative_law(rate: float, dispersion: float, window: int) -> Array:
    """Return negative-binomial probabilities, but for a tail of 1e-12."""
    size, chance = 1 / dispersion, 1 / (1 + dispersion * rate * window)
    k = np.arange(stats.nbinom.isf(1e-12, size, chance) + 2)
    return np.asarray(stats.nbinom.pmf(k, size, chance))


def _beta(
    draws: Draws,
    n_nodes: int,
    size: tuple[int, int, int],
    rates: tuple[float, float],
    rhos: tuple[float, float],
) -> Network:
    n = size[0] * size[1] // size[2]
    p, rho = draws.log_between(*rates, n_nodes), np.zeros(n_nodes)
    law = partial(_beta_law, window=size[2])
    least = None
    if rhos[1] > 0:
        rho = draws.between(*rhos, n_nodes)
        least = np.array([bound(law, pair, n, 1) for pair in zip(p, rho, strict=True)])
    spread = [fano_spread(law(*pair), n) for pair in zip(p, rho, strict=True)]
    truths = {"rho": Truth(rho, least)}
    return _network("beta_bernoulli", {"p": p, "rho": rho}, size, truths, np.array(spread))


def _negative(draws: Draws, n_nodes: int, size: tuple[int, int, int]) -> Network:
    n, window = size[0] * size[1] // size[2], size[2]
    rate, dispersion = draws.log_between(0.1, 1.0, n_nodes), draws.between(0.1, 1.0, n_nodes)
    pairs = list(zip(rate, dispersion, strict=True))
    longest = max(len(_negative_law(*pair, window)) for pair in pairs)

    def law(rate: float, dispersion: float) -> Array:
        size, chance = 1 / dispersion, 1 / (1 + dispersion * rate * window)
        return np.asarray(stats.nbinom.pmf(np.arange(longest), size, chance))

    truths = {"dispersion": Truth(dispersion, np.array([bound(law, pair, n, 1) for pair in pairs]))}
    spread = np.array([fano_spread(law(*pair), n) for pair in pairs])
    params = {"rate": rate, "dispersion": dispersion}
    return _network("negative_binomial", params, size, truths, spread)


def _binomial(draws: Draws, n_nodes: int, size: tuple[int, int, int]) -> Network:
    most, p = draws.whole(2, 12, n_nodes), draws.between(0.3, 0.9, n_nodes)
    laws = [stats.binom.pmf(np.arange(m + 1), m, q) for m, q in zip(most, p, strict=True)]
    spread = np.array([fano_spread(law, size[0] * size[1]) for law in laws])
    return _network("binomial", {"size": most, "p": p}, size, {}, spread)


def _regular(draws: Draws, n_nodes: int, size: tuple[int, int, int]) -> Network:
    up = draws.between(0.2, 0.7, n_nodes)
    stay = draws.between(0.02, 0.15, n_nodes)
    params = {"p_after_silence": up, "p_after_spike": stay}
    return _network("markov", params, size, {}, None)


def _fano_of(found: ProcessFit, window: int) -> Array:
    mean, variance = found.process.moments(found.params, window)
    # The Fano factor of a node that was never seen to fire is taken to be that of rare spikes.
    return np.divide(variance, mean, out=np.ones_like(mean), where=mean > 0)


def _fano_ends(found: ProcessFit, window: int) -> tuple[Array, Array] | tuple[None, None]:
    """Return ends of the Fano factor from those of its parameters; reaches add as errors do."""
    ends = {name: found.interval(name) for name in found.params}
    value = _fano_of(found, window)
    if "rho" in found.params:
        p, rho = found.params["p"], found.params["rho"]
        by_p = [(1 - end) * (1 + (window - 1) * rho) for end in ends["p"][::-1]]
        by_rho = [(1 - p) * (1 + (window - 1) * end) for end in ends["rho"]]
    elif "dispersion" in found.params:
        rate, dispersion = found.params["rate"], found.params["dispersion"]
        by_p = [1 + window * end * dispersion for end in ends["rate"]]
        by_rho = [1 + window * rate * end for end in ends["dispersion"]]
    else:
        return None, None
    low, high = (np.hypot(a - value, b - value) for a, b in zip(by_p, by_rho, strict=True))
    # Without dispersion the reach ends where the domain does, and that of the rate comes on top.
    none = next(ends[name][0] for name in ("rho", "dispersion") if name in ends) <= 0
    low = np.where(none, 2 * value - by_p[0] - by_rho[0], low)
    return np.maximum(value - low, 0.0), value + high


def estimate(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Fit the family by maximum likelihood; its Fano factor follows from the parameters."""
    window = int(facts["window"])
    process = get_process(facts["family"])
    found = fit(raster, process, window=window if process.has_gain else None)
    answers = {"fano": Answer(_fano_of(found, window), *_fano_ends(found, window))}
    for name in ("rho", "dispersion"):
        if name in found.params:
            answers[name] = Answer(found.params[name], *found.interval(name))
    return answers


def by_moments(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Take the Fano factor of the counts, whatever the family; 1 for a silent node."""
    found = fano_factor(raster, int(facts["window"]))
    return {"fano": Answer(np.where(np.isnan(found), 1.0, found))}


SUITE = Suite(
    "dispersion",
    1,
    "Dispersion of the spike counts in windows. Beta-binomial and negative-binomial counts are "
    "over-dispersed, binomial ones and those of Markov chains that fire in turns under-dispersed; "
    "some nodes have no dispersion of their own at all. Recordings have 30 to 2,000 windows, and "
    "0.1 to 12 spikes in one.",
    7_011_002,
    (FANO, RHO, DISPERSION),
    (
        Cell(
            "beta", "beta-binomial counts, 200 windows of 20 bins",
            partial(_beta, n_nodes=60, size=(40, 100, 20), rates=(0.05, 0.6), rhos=(0.02, 0.3)),
        ),
        Cell(
            "beta, few windows", "the same with 30 windows",
            partial(_beta, n_nodes=60, size=(6, 100, 20), rates=(0.05, 0.6), rhos=(0.02, 0.3)),
        ),
        Cell(
            "beta, sparse", "0.1 to 1 spike a window of 50 bins, 400 windows",
            partial(_beta, n_nodes=60, size=(40, 500, 50), rates=(0.002, 0.02), rhos=(0.01, 0.1)),
        ),
        Cell(
            "beta, many windows", "2,000 windows of 20 bins",
            partial(_beta, n_nodes=20, size=(100, 400, 20), rates=(0.05, 0.6), rhos=(0.02, 0.3)),
        ),
        Cell(
            "beta, none", "no dispersion beyond that of independent bins, 200 windows",
            partial(_beta, n_nodes=60, size=(40, 100, 20), rates=(0.05, 0.6), rhos=(0.0, 0.0)),
        ),
        Cell(
            "negative binomial", "1 to 10 spikes a window of 10 bins, 200 windows",
            partial(_negative, n_nodes=60, size=(20, 100, 10)),
        ),
        Cell(
            "negative binomial, many windows", "2,000 windows of 10 bins",
            partial(_negative, n_nodes=20, size=(100, 200, 10)),
        ),
        Cell(
            "binomial", "counts of 2 to 12 at the most, windows of one bin, 500 of them",
            partial(_binomial, n_nodes=60, size=(10, 50, 1)),
        ),
        Cell(
            "regular", "spikes that hardly follow each other, 200 windows of 20 bins",
            partial(_regular, n_nodes=60, size=(40, 100, 20)),
        ),
    ),
    {"stochnet": estimate, "stochnet, moments": by_moments},
)  # fmt: skip
