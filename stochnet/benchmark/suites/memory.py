"""Memory: chains, dead times and gamma gaps, and how irregular the gaps between spikes are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from stochnet.benchmark.quantity import Answer, Array, Per, Quantity, Truth
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.truth.draws import Draws
from stochnet.benchmark.truth.theory import bound, central_moments, cv_spread, gap_law
from stochnet.bundle.bundle import Bundle
from stochnet.bundle.process_fit import ProcessFit
from stochnet.estimation.fit import fit
from stochnet.processes import get_process
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.nodes import autocorrelation, cv_isi
from stochnet.statistics.summary.parts.ages import LONGEST_AGE

AUTOCORRELATION = Quantity(
    "autocorrelation", "1", Per.node,
    "correlation of a bin with the next one; nodes are two-state Markov chains", floor=0.001,
)  # fmt: skip
DEAD_TIME = Quantity(
    "dead_time", "bins", Per.node,
    "bins after a spike in which none can follow; the chance of a spike is constant after them",
    floor=0.1,
)  # fmt: skip
SHAPE = Quantity(
    "shape", "1", Per.node, "shape of the gamma law of gaps, which are rounded up to whole bins",
    floor=0.01,
)  # fmt: skip
CV = Quantity(
    "cv_gaps", "1", Per.node,
    "standard deviation over mean of the gaps of the process, in a recording without end: trials "
    "cut long gaps off",
    floor=0.001,
)  # fmt: skip
# A chain is given by one hazard for the first bin after a spike and one for all later ones; gaps
# that are summed over in its law.
LONGEST_GAP = 20_000


def _hazards(family: str, params: Mapping[str, Array]) -> Array:
    """Return the hazards after a spike, at 1, 2, … bins: (node, age)."""
    if family == "markov":
        up, stay = params["p_after_silence"], params["p_after_spike"]
        return np.concatenate([stay[:, None], np.repeat(up[:, None], LONGEST_AGE, 1)], axis=1)
    return get_process(family).tabulate(params)[:, LONGEST_AGE:]


def _gaps(hazards: Array) -> Array:
    """Return the law of gaps of one node; the last hazard holds for all longer ones."""
    law = gap_law(hazards)
    rest, last = 1 - law.sum(), hazards[-1]
    if rest < 1e-15:
        return law
    tail = rest * last * (1 - last) ** np.arange(LONGEST_GAP)
    return np.concatenate([law, tail])


def _cv(family: str, params: Mapping[str, Array]) -> Array:
    """Return the CV of the gaps of each node."""
    found = [central_moments(_gaps(row), 1) for row in _hazards(family, params)]
    return np.array([np.sqrt(variance) / mean for mean, variance, *_ in found])


def _network(
    family: str, params: Mapping[str, Array], size: tuple[int, int], truths: Mapping[str, Truth]
) -> Network:
    n_trials, n_bins = size
    spreads = []
    for row in _hazards(family, params):
        law = _gaps(row)
        # A trial of B bins holds B times the rate of gaps, but for the one that it begins with.
        mean = central_moments(law, 1)[0]
        spreads.append(cv_spread(law, n_trials * max(n_bins / mean - 1, 0.1)))
    return Network(
        Bundle.from_params(family, params),
        n_trials,
        n_bins,
        {"cv_gaps": Truth(_cv(family, params), np.array(spreads)), **truths},
        {"family": family},
    )


def _markov(draws: Draws, n_nodes: int, size: tuple[int, int]) -> Network:
    up, stay = draws.between(0.03, 0.4, n_nodes), draws.between(0.05, 0.9, n_nodes)
    active = up / (1 - stay + up)
    n = size[0] * (size[1] - 1)
    # The two rows of the chain are two fractions, seen as often as their states.
    variance = up * (1 - up) / (n * (1 - active)) + stay * (1 - stay) / (n * active)
    truth = Truth(stay - up, np.sqrt(variance))
    params = {"p_after_silence": up, "p_after_spike": stay}
    return _network("markov", params, size, {"autocorrelation": truth})


def _refractory(draws: Draws, n_nodes: int, size: tuple[int, int]) -> Network:
    dead, p = draws.whole(1, 12, n_nodes), draws.between(0.05, 0.6, n_nodes)
    params = {"p": p, "dead_time": dead}
    return _network("refractory_poisson", params, size, {"dead_time": Truth(dead)})


def _gamma(draws: Draws, n_nodes: int, size: tuple[int, int]) -> Network:
    rate, shape = draws.log_between(0.03, 0.3, n_nodes), draws.log_between(0.5, 6.0, n_nodes)
    tabulate = get_process("gamma_renewal").tabulate

    def law(rate: float, shape: float) -> Array:
        params = {"rate": np.array([rate]), "shape": np.array([shape])}
        return gap_law(tabulate(params)[0, LONGEST_AGE:])

    gaps = size[0] * np.maximum(size[1] * rate - 1, 0.1)
    least = [bound(law, (r, s), n, 1) for r, s, n in zip(rate, shape, gaps, strict=True)]
    truths = {"shape": Truth(shape, np.array(least))}
    return _network("gamma_renewal", {"rate": rate, "shape": shape}, size, truths)


def _correlation_of(found: ProcessFit) -> Answer:
    """Return the autocorrelation of fitted chains; the two chances are estimated apart."""
    value = found.params["p_after_spike"] - found.params["p_after_silence"]
    ends = {name: found.interval(name) for name in found.params}
    # The reaches of the two intervals are added as errors are (Zou & Donner 2008).
    above = np.hypot(
        ends["p_after_spike"][1] - found.params["p_after_spike"],
        found.params["p_after_silence"] - ends["p_after_silence"][0],
    )
    below = np.hypot(
        found.params["p_after_spike"] - ends["p_after_spike"][0],
        ends["p_after_silence"][1] - found.params["p_after_silence"],
    )
    return Answer(value, np.maximum(value - below, -1.0), np.minimum(value + above, 1.0))


def estimate(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Fit the family by maximum likelihood, cut gaps included; the CV follows from its law."""
    family = str(facts["family"])
    found = fit(raster, family)
    answers = {"cv_gaps": Answer(_cv(family, found.params))}
    if family == "markov":
        answers["autocorrelation"] = _correlation_of(found)
    for name in ("dead_time", "shape"):
        if name in found.params:
            answers[name] = Answer(found.params[name], *found.interval(name))
    return answers


def by_moments(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Take the statistics of the spikes as they are, whatever the family."""
    cv, lagged = cv_isi(raster), autocorrelation(raster)
    return {
        "cv_gaps": Answer(np.where(np.isnan(cv), 1.0, cv)),
        "autocorrelation": Answer(np.where(np.isnan(lagged), 0.0, lagged)),
    }


SUITE = Suite(
    "memory",
    1,
    "Nodes whose bins depend on those before: two-state Markov chains that fire in bursts or in "
    "turns, processes with a dead time after every spike, and gamma renewal processes. Trials have "
    "30 to 2,000 bins: the shorter ones cut off the long gaps, and whoever counts whole gaps "
    "alone finds them too regular.",
    7_011_003,
    (AUTOCORRELATION, DEAD_TIME, SHAPE, CV),
    (
        Cell("chains", "4,000 bins in 20 trials", partial(_markov, n_nodes=60, size=(20, 200))),
        Cell("chains, short", "400 bins in 10 trials", partial(_markov, n_nodes=60, size=(10, 40))),
        Cell("chains, long", "100,000 bins", partial(_markov, n_nodes=20, size=(50, 2000))),
        Cell(
            "dead times", "1 to 12 bins, 6,000 bins in 20 trials",
            partial(_refractory, n_nodes=60, size=(20, 300)),
        ),
        Cell(
            "dead times, short trials", "the same in 100 trials of 30 bins",
            partial(_refractory, n_nodes=60, size=(100, 30)),
        ),
        Cell(
            "gamma gaps", "shapes of 0.5 to 6, 6,000 bins in 20 trials",
            partial(_gamma, n_nodes=40, size=(20, 300)),
        ),
        Cell(
            "gamma gaps, long", "the same with 100,000 bins",
            partial(_gamma, n_nodes=20, size=(50, 2000)),
        ),
    ),
    {"stochnet": estimate, "stochnet, moments": by_moments},
)  # fmt: skip
