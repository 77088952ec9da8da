"""Networks whose processes are known, and changes of them."""

from __future__ import annotations

from typing import Any

import numpy as np

import stochnet as sn
from stochnet.raster.layers import Layer

Config = dict[str, Any]


def layers(config: Config) -> tuple[Layer, ...]:
    """Return the layers of all networks of the study."""
    found, first = [], 0
    for k, size in enumerate(config["nodes"]):
        found.append(Layer(f"relu{k + 1}", "ReLU", (size,), first, size))
        first += size
    return tuple(found)


def conditions(config: Config, n_trials: int) -> np.ndarray:
    """Return the class of every bin, one class a trial: (trial, bin)."""
    classes = np.arange(n_trials) % config["classes"]
    return np.repeat(classes, config["bins"]).reshape(n_trials, config["bins"])


def parameters(process: str, per_condition: bool, config: Config) -> dict[str, np.ndarray]:
    """Return parameters like those of a trained network: most nodes fire rarely."""
    rng = np.random.default_rng(config["seed"])
    n = sum(config["nodes"])
    shape = (n, config["classes"]) if per_condition else (n,)
    p = np.clip(rng.beta(0.6, 1.8, shape), 0.001, 0.95)
    if process == "bernoulli":
        return {"p": p}
    if process == "beta_bernoulli":
        return {"p": np.clip(p, 0.02, 0.95), "rho": rng.uniform(0.05, 0.2, shape)}
    # A Markov chain whose bins correlate by 0.3 with the next one.
    return {"p_after_silence": 0.7 * p, "p_after_spike": 0.7 * p + 0.3}


def bundle(process: str, params: dict[str, np.ndarray], config: Config) -> sn.Bundle:
    """Return a network with known parameters, shown class by class."""
    total = config["fitted_trials"] + config["judged_trials"]
    return sn.Bundle.from_params(
        process,
        {name: params[name] for name in (x.name for x in sn.PROCESSES[process].params)},
        conditions=conditions(config, total),
        layers=layers(config),
    )


def correlated(rates: np.ndarray, config: Config, seed: int, strength: float = 0.2) -> Any:
    """Return a raster whose nodes share a factor in every bin: correlations with these rates."""
    rng = np.random.default_rng(seed)
    labels = conditions(config, config["judged_trials"])
    common = rng.normal(size=labels.shape)
    own = rng.normal(size=(len(rates), *labels.shape))
    latent = np.sqrt(strength) * common + np.sqrt(1 - strength) * own
    from scipy.stats import norm

    cut = norm.ppf(rates)[:, labels]
    return sn.SpikeRaster.from_dense(
        latent < cut, conditions=labels, layers=layers(config), schedule="blocked"
    )
