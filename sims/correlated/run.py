"""How much of a network do correlated surrogates keep, on stimuli that were held out?

stochnet study sims/correlated --scale smoke|full
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scipy import stats

import stochnet as sn
from stochnet.recording.networks.training.train import torch_threads

from . import table
from .measures import Judge
from .recordings import recordings


def cells(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the networks."""
    return [{"network": network["name"]} for network in config["network"]]


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Record a network, and compare surrogates with what was held out."""
    network = next(one for one in config["network"] if one["name"] == cell["network"])
    with torch_threads(1):
        return {"networks": compared(network, config)}


def compared(network: dict[str, Any], config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a rank: a surrogate with so many latents a layer against what was held out."""
    fitted, held = recordings(network)
    judge, rows = Judge(fitted, held, config["compared"], network.get("copies", 1)), []
    size = held.n_trials, held.n_bins
    # Those of a surrogate that is long enough, whatever its latents.
    rates = stats.spearmanr(
        sn.rate_by_condition(fitted).ravel(), sn.rate_by_condition(held).ravel()
    ).statistic
    for rank in network.get("ranks", config["ranks"]):
        begin = time.monotonic()
        bundle = sn.fit_bundle(fitted, "bernoulli", per_condition=True, correlated=rank)
        seconds = time.monotonic() - begin
        drawn = sn.simulate(bundle, *size, conditions=held.conditions, seed=2)
        alike = sn.simulate(bundle, seed=3)
        longer = sn.simulate(bundle, 4 * fitted.n_trials, fitted.n_bins, seed=4)
        rows.append(
            {
                "nodes": held.n_nodes, "layers": len(held.layers),
                "fitted": fitted.n_bins, "held_out": held.n_bins, "rank": rank,
                "seconds": seconds, "rates_rank_r": rates,
                "rates_rank_r_of_data": judge.rates_of_data(),
                **judge.pairs(drawn), **judge.population(drawn), **judge.spread(drawn),
                "decoding": judge.decoding(alike, "")["decoding"], **judge.decoding(longer, "_x4"),
            }
        )  # fmt: skip
    return rows


def finish(results: Path, config: dict[str, Any]) -> None:
    """Write the table of the README."""
    table.write(results)
