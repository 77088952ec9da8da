"""The law of one parameter over nodes: point masses at the ends of its domain, and a mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from stochnet.bundle.populations.families import FAMILIES
from stochnet.bundle.populations.scales import Scale
from stochnet.errors import InvalidInputError
from stochnet.process import Array

MOST_COMPONENTS = 3
FEWEST_PER_COMPONENT = 12
ROUNDS = 60
TOLERANCE = 1e-5
# Mixtures are fitted to so many quantiles at most; distances are taken to all values.
MOST_VALUES = 400
# Points of the table by which a mixture is inverted, for each component.
POINTS = 1025
FURTHEST = 6.5
_BY_SCALE = {
    "logit": ("beta", "logit-normal"),
    "log": ("gamma", "log-normal"),
    "identity": ("normal",),
}
TABLE = "table"


@dataclass(frozen=True, eq=False, slots=True)
class Margin:
    """The law of one parameter, under one condition, over the nodes of a layer.

    Attributes
    ----------
    family : str
        Name of the family of the components; ``"table"`` for a list of values and weights.
    components : ndarray of float64 (component, 3)
        Weight and the two parameters of each; of a table weight, value and 0.
    low, high : float
        Mass at the lowest and the highest value of the domain.
    distance : float
        Kolmogorov distance between the law of what lies between and its values; NaN if none.
    n_inside : int
        Nodes between the ends of the domain.
    """

    family: str
    components: Array
    low: float
    high: float
    distance: float
    n_inside: int

    @property
    def floor(self) -> float:
        """Distance that a sample of a known law exceeds once in 20 times; NaN without nodes."""
        return kolmogorov_floor(self.n_inside)

    def quantile(self, u: Array, scale: Scale) -> Array:
        """Return the values below which the fractions `u` of the nodes lie."""
        values = np.empty(np.shape(u))
        inside = 1 - self.low - self.high
        at_low = u < self.low
        # Without a mass there is no end to reach; with masses alone there is nothing between.
        at_high = (u >= 1 - self.high) & (self.high > 0) if len(self.components) else ~at_low
        values[at_low], values[at_high] = scale.low, scale.high
        rest = ~(at_low | at_high)
        if rest.any():
            part = np.clip((u[rest] - self.low) / inside, 1e-15, 1 - 1e-15)
            values[rest] = self._between(part, scale)
        return values

    def _between(self, u: Array, scale: Scale) -> Array:
        weights, first, second = self.components.T
        if self.family == TABLE:
            edges = np.cumsum(weights)
            place = np.searchsorted(edges, u, side="right")
            return np.asarray(first[np.minimum(place, len(first) - 1)])
        family, kind = FAMILIES[self.family], _unit(scale)
        if len(weights) == 1:
            values = family.quantile(u, first[0], second[0])
        else:
            values = _mixture_quantile(self.family, self.components, u)
        return scale.within(from_unit(values, kind))

    def cdf(self, values: Array, scale: Scale) -> Array:
        """Return the fraction of the nodes at or below each value."""
        inside = 1 - self.low - self.high
        found = np.where(values >= scale.low, self.low, 0.0)
        between = scale.inside(values)
        if self.family == TABLE:
            weights, first, _ = self.components.T
            below = (weights * (first <= np.asarray(values)[..., None])).sum(axis=-1)
        else:
            x = to_unit(np.asarray(values)[between], _unit(scale))
            below = np.zeros(np.shape(values))
            below[between] = mixture_cdf(self.family, self.components, x)
        found = found + inside * np.where(between, below, 0.0)
        return np.asarray(np.where(values >= scale.high, 1.0, found))


def kolmogorov_floor(n: float, m: float = np.inf) -> float:
    """Return the distance that two samples of n and m values of one law exceed once in 20 times."""
    return 1.3581 * float(np.sqrt(1 / n + 1 / m)) if n and m else float("nan")


def _unit(scale: Scale) -> tuple[float, float]:
    """Return (start, width) of the interval that a family of probabilities is stretched over."""
    return (scale.low, scale.high - scale.low) if scale.kind == "logit" else (0.0, 1.0)


def to_unit(values: Array, unit: tuple[float, float]) -> Array:
    """Map a domain to that of the family."""
    return (values - unit[0]) / unit[1]


def from_unit(values: Array, unit: tuple[float, float]) -> Array:
    """Map the domain of the family to that of the parameter."""
    return unit[0] + unit[1] * values


def mixture_cdf(family: str, components: Array, x: Array) -> Array:
    """Return the distribution function of a mixture."""
    total = np.zeros(np.shape(x))
    for weight, first, second in components:
        total += weight * FAMILIES[family].cdf(x, first, second)
    return total


def _mixture_quantile(name: str, components: Array, u: Array) -> Array:
    """Invert the distribution function of a mixture, by a table at quantiles of its components."""
    levels = special.ndtr(np.linspace(-FURTHEST, FURTHEST, POINTS))
    x = np.unique(np.concatenate([FAMILIES[name].quantile(levels, a, b) for _, a, b in components]))
    return np.asarray(np.interp(u, mixture_cdf(name, components, x), x))


def fit_margin(values: Array, scale: Scale) -> Margin:
    """Fit point masses, and the mixture with the lowest BIC to what lies between.

    One to three components by expectation maximisation, of every family that suits the scale.
    """
    low, high = float(np.mean(values <= scale.low)), float(np.mean(values >= scale.high))
    inside = np.sort(values[scale.inside(values)])
    if scale.kind == "whole" or len(inside) < 2 or inside[0] == inside[-1]:
        found, count = np.unique(inside, return_counts=True)
        if not len(found):
            return Margin(TABLE, np.zeros((0, 3)), low, 1 - low, float("nan"), 0)
        table = np.stack([count / len(inside), found, np.zeros(len(found))], axis=1)
        return Margin(TABLE, table, low, high, 0.0, len(inside))
    x = to_unit(inside, _unit(scale))
    thin = (
        x if len(x) <= MOST_VALUES else np.quantile(x, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
    )
    best, family, components = np.inf, "", np.zeros((0, 3))
    for name in _BY_SCALE[scale.kind]:
        for k in range(1, MOST_COMPONENTS + 1):
            if k > 1 and len(x) < k * FEWEST_PER_COMPONENT:
                break
            guess, mean_log = expectation_maximisation(name, thin, k)
            bic = (3 * k - 1) * np.log(len(x)) - 2 * len(x) * mean_log
            if bic < best:
                best, family, components = bic, name, guess
            elif k > 1:
                break
    fitted = mixture_cdf(family, components, x)
    # Ties count as one step.
    above = np.searchsorted(x, x, side="right") / len(x) - fitted
    below = fitted - np.searchsorted(x, x, side="left") / len(x)
    distance = float(max(above.max(), below.max(), 0.0))
    return Margin(family, components, low, high, distance, len(inside))


def expectation_maximisation(name: str, x: Array, k: int) -> tuple[Array, float]:
    """Fit a mixture of k components to sorted values; return it and the mean log density.

    References
    ----------
    Dempster, Laird & Rubin (1977), Journal of the Royal Statistical Society B 39, 1-38.
    """
    family = FAMILIES[name]
    if family.features is None or family.fit is None or family.log_density is None:
        raise InvalidInputError(f"the family {name!r} is not one that is fitted")
    fit, log_density, features = family.fit, family.log_density, family.features(x)
    share = np.zeros((k, len(x)))
    share[np.minimum(np.arange(len(x)) * k // len(x), k - 1), np.arange(len(x))] = 1.0
    before, total = -np.inf, -np.inf
    components = np.zeros((k, 3))
    for _ in range(ROUNDS):
        for j in range(k):
            components[j] = share[j].mean(), *fit(features, share[j] + 1e-12)
        logs = np.stack(
            [np.log(max(w, 1e-12)) + log_density(features, a, b) for w, a, b in components]
        )
        peak = logs.max(axis=0)
        share = np.exp(logs - peak)
        mass = share.sum(axis=0)
        share /= mass
        total = float(np.mean(peak + np.log(mass)))
        if total - before < TOLERANCE:
            break
        before = total
    components[:, 0] /= components[:, 0].sum()
    return components, total
