"""The material of the figures as JSON has it, but for NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stochnet.statistics.moments import Array
from stochnet.validation.comparison import FitCheck
from stochnet.validation.excerpt.excerpt import Excerpt, Piece
from stochnet.validation.excerpt.histograms import Law

DECIMALS = 4


def figures(found: Excerpt) -> dict[str, Any]:
    """Return the numbers of all figures; `docs/report-schema.json` says what they are."""
    return {
        "window": found.window,
        "spikes": {
            "nodes": found.nodes.tolist(),
            "layers": list(found.layer_of),
            "observed": _piece(found.observed),
            "simulated": _piece(found.simulated),
        },
        "rate_laws": [_law(one) for one in found.rate_laws],
        "fano_against_rate": [
            {
                "layer": one.layer,
                "nodes": one.nodes.tolist(),
                "rates": [side.tolist() for side in one.rates],
                "fano_factors": [side.tolist() for side in one.fanos],
            }
            for one in found.scatters
        ],
        "histograms": [
            {
                "node": one.node,
                "layer": one.layer,
                "rate": one.rate,
                "observed": one.observed.tolist(),
                "simulated": one.simulated.tolist(),
            }
            for one in found.histograms
        ],
        "population_law": None if found.population_law is None else _law(found.population_law),
        "correlations": [
            {
                "layer": one.layer,
                "nodes": one.nodes.tolist(),
                "observed": _rounded(one.observed),
                "simulated": _rounded(one.simulated),
            }
            for one in found.matrices
        ],
    }


def checks(found: Sequence[FitCheck]) -> list[dict[str, Any]]:
    """Return the numbers of the checks of a fit."""
    return [
        {
            "scope": one.scope,
            "processes": list(one.processes),
            "window": one.window,
            "n_nodes": one.n_nodes,
            "n_windows": one.n_windows,
            "pit": one.pit.tolist(),
            "distance": one.distance,
            "observed": one.observed.tolist(),
            "expected": one.expected.tolist(),
        }
        for one in found
    ]


def _piece(one: Piece) -> dict[str, Any]:
    return {
        "active": ["".join(map(str, row)) for row in one.active.astype(int).tolist()],
        "trial_starts": list(one.trial_starts),
        "conditions": None if one.conditions is None else one.conditions.tolist(),
    }


def _law(one: Law) -> dict[str, Any]:
    return {
        "scope": one.scope,
        "edges": one.edges.tolist(),
        "observed": one.observed.tolist(),
        "simulated": one.simulated.tolist(),
    }


def _rounded(matrix: Array) -> list[list[float]]:
    rows: list[list[float]] = np.round(matrix, DECIMALS).tolist()
    return rows
