"""Families of laws with named parameters: those a specification names, and those that are fitted.

A family knows its quantiles and its distribution function; a family that can be fitted also knows
its log density and the parameters of highest weighted likelihood. All work on whole arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import special

from stochnet.process import Array

Features = tuple[Array, ...]
Fit = Callable[[Features, Array], tuple[float, float]]
# Least spread of a component: narrower ones would follow single nodes.
NARROWEST = 0.02
LARGEST_SHAPE = 2000.0
HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
NEWTON_STEPS = 12


@dataclass(frozen=True, slots=True)
class Family:
    """A law of one or two parameters.

    Attributes
    ----------
    name : str
        As in specifications and files.
    params : tuple of str
        Names of its parameters, in their order.
    support : tuple of float
        Where its values lie.
    positive : tuple of str
        The parameters that must be above 0.
    quantile, cdf : callable
        ``(u, *params)`` and ``(x, *params)``.
    doc : str
        What its parameters mean.
    features, log_density, fit : callable or None
        ``x -> features``, which the others take: ``(features, *params)`` and
        ``(features, weights) -> params``. None: a family that is not fitted.
    """

    name: str
    params: tuple[str, ...]
    support: tuple[float, float]
    positive: tuple[str, ...]
    quantile: Callable[..., Array]
    cdf: Callable[..., Array]
    doc: str
    features: Callable[[Array], Features] | None = None
    log_density: Callable[..., Array] | None = None
    fit: Fit | None = None


def _moments(x: Array, weights: Array) -> tuple[float, float]:
    total = weights.sum()
    mean = float(weights @ x / total)
    return mean, float(weights @ (x - mean) ** 2 / total)


def _trigamma(x: float) -> float:
    return float(special.zeta(2.0, x))


def _fit_beta(features: Features, weights: Array) -> tuple[float, float]:
    """Maximum likelihood by Newton's method in the logarithms of the shapes, from the moments."""
    x, log_x, log_rest = features
    mean, variance = _moments(x, weights)
    size = min(max(mean * (1 - mean) / max(variance, 1e-12) - 1, 1e-2), LARGEST_SHAPE)
    a, b = max(mean * size, 1e-3), max((1 - mean) * size, 1e-3)
    total = weights.sum()
    mean_log, mean_rest = float(weights @ log_x / total), float(weights @ log_rest / total)
    for _ in range(NEWTON_STEPS):
        both, shared = special.digamma(a + b), _trigamma(a + b)
        slope_a = a * (mean_log - special.digamma(a) + both)
        slope_b = b * (mean_rest - special.digamma(b) + both)
        # Away from the maximum the curvature is kept negative.
        curve_a = a * a * (shared - _trigamma(a)) + min(slope_a, 0.0)
        curve_b = b * b * (shared - _trigamma(b)) + min(slope_b, 0.0)
        across = a * b * shared
        size = curve_a * curve_b - across * across
        if size <= 0:
            break
        step_a = (across * slope_b - curve_b * slope_a) / size
        step_b = (across * slope_a - curve_a * slope_b) / size
        a = min(max(a * math.exp(min(max(step_a, -1.0), 1.0)), 1e-3), LARGEST_SHAPE)
        b = min(max(b * math.exp(min(max(step_b, -1.0), 1.0)), 1e-3), LARGEST_SHAPE)
        if max(abs(step_a), abs(step_b)) < 1e-6:
            break
    return a, b


def _beta_log_density(features: Features, a: float, b: float) -> Array:
    _, log_x, log_rest = features
    return np.asarray((a - 1) * log_x + (b - 1) * log_rest - special.betaln(a, b))


def _fit_normal(features: Features, weights: Array) -> tuple[float, float]:
    mean, variance = _moments(features[0], weights)
    return mean, max(math.sqrt(variance), NARROWEST)


def _normal_log_density(features: Features, mean: float, sd: float) -> Array:
    """Log density of a normal law of the first feature; the second is the log of its slope."""
    y, log_slope = features
    return np.asarray(-0.5 * ((y - mean) / sd) ** 2 + log_slope - math.log(sd) - HALF_LOG_2_PI)


def _fit_gamma(features: Features, weights: Array) -> tuple[float, float]:
    """Maximum likelihood: Minka's (2002) generalised Newton iteration for the shape."""
    x, log_x = features
    total = weights.sum()
    mean = float(weights @ x / total)
    gap = max(math.log(mean) - float(weights @ log_x / total), 1e-6)
    shape = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(NEWTON_STEPS):
        slope = math.log(shape) - float(special.digamma(shape)) - gap
        inverse = 1 / shape + slope / (shape**2 * (1 / shape - _trigamma(shape)))
        before, shape = shape, 1 / inverse if inverse > 0 else shape / 2
        if abs(shape / before - 1) < 1e-8:
            break
    shape = min(max(shape, 1e-3), LARGEST_SHAPE)
    return shape, mean / shape


def _gamma_log_density(features: Features, shape: float, scale: float) -> Array:
    x, log_x = features
    constant = math.lgamma(shape) + shape * math.log(scale)
    return np.asarray((shape - 1) * log_x - x / scale - constant)


_FAMILIES = (
    Family(
        name="beta", params=("a", "b"), support=(0.0, 1.0), positive=("a", "b"),
        quantile=lambda u, a, b: special.betaincinv(a, b, u),
        cdf=lambda x, a, b: special.betainc(a, b, x),
        doc="shapes a and b; the mean is a / (a + b)",
        features=lambda x: (x, np.log(x), np.log1p(-x)),
        log_density=_beta_log_density, fit=_fit_beta,
    ),
    Family(
        name="logit-normal", params=("mean", "sd"), support=(0.0, 1.0), positive=("sd",),
        quantile=lambda u, mean, sd: special.expit(mean + sd * special.ndtri(u)),
        cdf=lambda x, mean, sd: special.ndtr((special.logit(x) - mean) / sd),
        doc="mean and standard deviation of log(p / (1 - p))",
        features=lambda x: (special.logit(x), -np.log(x) - np.log1p(-x)),
        log_density=_normal_log_density, fit=_fit_normal,
    ),
    Family(
        name="gamma", params=("shape", "scale"), support=(0.0, np.inf), positive=("shape", "scale"),
        quantile=lambda u, shape, scale: scale * special.gammaincinv(shape, u),
        cdf=lambda x, shape, scale: special.gammainc(shape, x / scale),
        doc="shape and scale; the mean is shape · scale",
        features=lambda x: (x, np.log(x)), log_density=_gamma_log_density, fit=_fit_gamma,
    ),
    Family(
        name="log-normal", params=("mean", "sd"), support=(0.0, np.inf), positive=("sd",),
        quantile=lambda u, mean, sd: np.exp(np.minimum(mean + sd * special.ndtri(u), 700.0)),
        cdf=lambda x, mean, sd: special.ndtr((np.log(x) - mean) / sd),
        doc="mean and standard deviation of the logarithm",
        features=lambda x: (np.log(x), -np.log(x)),
        log_density=_normal_log_density, fit=_fit_normal,
    ),
    Family(
        name="normal", params=("mean", "sd"), support=(-np.inf, np.inf), positive=("sd",),
        quantile=lambda u, mean, sd: mean + sd * special.ndtri(u),
        cdf=lambda x, mean, sd: special.ndtr((x - mean) / sd),
        doc="mean and standard deviation",
        features=lambda x: (x, np.zeros(len(x))), log_density=_normal_log_density, fit=_fit_normal,
    ),
    Family(
        name="uniform", params=("low", "high"), support=(-np.inf, np.inf), positive=(),
        quantile=lambda u, low, high: low + (high - low) * u,
        cdf=lambda x, low, high: np.clip((x - low) / (high - low), 0.0, 1.0),
        doc="from low to high, every value as likely",
    ),
    Family(
        name="constant", params=("value",), support=(-np.inf, np.inf), positive=(),
        quantile=lambda u, value: np.full(np.shape(u), float(value)),
        cdf=lambda x, value: (np.asarray(x) >= value).astype(float),
        doc="the same value for every node",
    ),
)  # fmt: skip
FAMILIES: Mapping[str, Family] = MappingProxyType({one.name: one for one in _FAMILIES})
