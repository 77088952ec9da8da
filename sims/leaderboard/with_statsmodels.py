"""statsmodels: proportions, generalised linear models, negative binomials, autocorrelation."""

from __future__ import annotations

import numpy as np
import statsmodels
import statsmodels.api as sm
from statsmodels.discrete.discrete_model import NegativeBinomial
from statsmodels.stats.proportion import proportion_confint
from statsmodels.tsa.stattools import acf

import stochnet as sn
from stochnet.benchmark import Answer

NAME = f"statsmodels {statsmodels.__version__}"


def fractions(active: np.ndarray, n_bins: int) -> Answer:
    low, high = proportion_confint(active, n_bins, method="wilson")
    return Answer(active / n_bins, np.asarray(low), np.asarray(high))


def by_class(raster) -> Answer:
    n_bins = raster.n_trials * raster.n_bins // raster.n_conditions
    return fractions(np.rint(sn.rate_by_condition(raster) * n_bins).ravel(), n_bins)


def rates(raster, facts):
    answers = {"rate": fractions(sn.spike_count(raster), raster.n_trials * raster.n_bins)}
    if "class_rate" in facts["quantities"]:
        answers["class_rate"] = by_class(raster)
    return answers


def tuning(raster, facts):
    found = by_class(raster)
    preferred = found.values.reshape(raster.n_nodes, -1).argmax(axis=1)
    return {"class_rate": found, "preferred_class": Answer(preferred.astype(float))}


def dispersion(raster, facts):
    counts = sn.window_counts(raster, facts["window"])
    ones = np.ones((counts.shape[1], 1))
    # The scale of a quasi-Poisson model without covariates.
    fano = [
        sm.GLM(row, ones, family=sm.families.Poisson()).fit(scale="X2").scale if row.any() else 1.0
        for row in counts
    ]
    answers = {"fano": Answer(np.array(fano))}
    if "dispersion" in facts["quantities"]:
        fits = [NegativeBinomial(row, ones).fit(disp=0, maxiter=200) for row in counts]
        ends = np.array([fit.conf_int()[1] for fit in fits])
        alpha = np.array([fit.params[1] for fit in fits])
        answers["dispersion"] = Answer(alpha, ends[:, 0], ends[:, 1])
    return answers


def memory(raster, facts):
    if "autocorrelation" not in facts["quantities"]:
        return {}
    dense = raster.to_dense().reshape(raster.n_nodes, -1).astype(float)
    return {"autocorrelation": Answer(np.array([acf(row, nlags=1)[1] for row in dense]))}


ESTIMATORS = {"rates": rates, "tuning": tuning, "dispersion": dispersion, "memory": memory}
