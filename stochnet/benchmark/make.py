"""Write a suite: rasters, what is asked of them, and the truth apart."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stochnet._version import __version__
from stochnet.benchmark.example import example
from stochnet.benchmark.folder import FORMAT, Benchmark, read_benchmark
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.suites import get_suite
from stochnet.benchmark.truth.draws import Draws, rounded
from stochnet.errors import InvalidInputError, entrance
from stochnet.errors.publishing.publish import publish_text
from stochnet.kernels.rng import resolve_seed
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster
from stochnet.simulation.simulate import simulate
from stochnet.storage import bundle_digest, raster_digest, write_raster

# Last bits may differ between machines, more of them where derivatives are taken by differences.
DIGITS, SPREAD_DIGITS = 10, 5
SEALING = (
    "The truth is in the folder sealed/, by agreement: an estimator must not read it, nor the seed "
    "in it. The digest tells whether it is the truth that belongs to these rasters."
)

# What a run writes before suite.json, and the temporary files of a killed one.
_WRITTEN = re.compile(r"network-\d+\.h5|truth\.json|\..+\.[0-9a-f]{16}\.(part|journal)")


def generate(
    suite: str,
    folder: str | os.PathLike[str],
    *,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Benchmark:
    """Write the rasters of a suite, and, apart from them, what is true of them.

    ``suite.json`` says what is asked, ``rasters/`` holds a raster file for each network without a
    trace of its parameters, ``sealed/truth.json`` the truth, parameters and seeds.

    Parameters
    ----------
    suite : str
        A name of ``stochnet.benchmark.SUITES``.
    folder : path-like
        New, or empty, or with what a run that was stopped has left.
    seed : int, optional
        From 0 to 2**64 - 1; that of the published edition by default. Whoever knows the seed can
        draw the truth again, so a contest needs one of its own.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    Benchmark
        As `read_benchmark` returns it.

    Raises
    ------
    InvalidInputError
        Unknown suite, a folder that holds something, a seed out of range.
    """
    record = get_suite(suite)
    seed = record.seed if seed is None else resolve_seed(seed)
    root = entrance.path("folder", folder)
    entrance.progress(progress)
    if root.exists() and not (root.is_dir() and _is_unfinished(root)):
        raise InvalidInputError(f"{root} is there already and not an empty folder; name a new one")
    for part in ("rasters", "sealed"):
        (root / part).mkdir(parents=True, exist_ok=True)
    rasters: dict[str, Any] = {}
    truths: dict[str, Any] = {}
    cells = [cell for cell in record.cells for _ in range(cell.n_networks)]
    for k, cell in enumerate(cells):
        name = f"network-{k:02d}"
        rasters[name], truths[name] = _write(root, name, record, cell, Draws(seed, k))
        if progress is not None:
            progress("generate", k + 1, len(cells))
    sealed = {"suite": record.name, "version": record.version, "seed": seed, "networks": truths}
    digest = _write_json(root / "sealed" / "truth.json", sealed)
    _write_json(root / "suite.json", _description(record, rasters, digest))
    return read_benchmark(root)


def _is_unfinished(root: Path) -> bool:
    """Whether a folder holds nothing, or only what a run that was stopped had written."""
    rooms = (root / "rasters", root / "sealed")
    return all(
        path in rooms or (path.parent in (root, *rooms) and bool(_WRITTEN.fullmatch(path.name)))
        for path in root.rglob("*")
    )


def _write(
    root: Path, name: str, suite: Suite, cell: Cell, draws: Draws
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Simulate and write one network; return what is said of it, and what is not."""
    network, seed = cell.make(draws), draws.seed()
    drawn = simulate(network.bundle, network.n_trials, network.n_bins, seed=seed)
    # A raster that is simulated knows its seed and its bundle.
    raster = replace(drawn, provenance={"benchmark": suite.name, "version": suite.version})
    write_raster(raster, root / "rasters" / f"{name}.h5")
    return _public(name, network, raster), _secret(cell, network, seed)


def _public(name: str, network: Network, raster: SpikeRaster) -> dict[str, Any]:
    return {
        "file": f"rasters/{name}.h5",
        "content": raster_digest(raster),
        "n_nodes": raster.n_nodes,
        "n_trials": raster.n_trials,
        "n_bins": raster.n_bins,
        "n_conditions": raster.n_conditions,
        "quantities": list(network.truths),
        **network.facts,
    }


def _secret(cell: Cell, network: Network, seed: int) -> dict[str, Any]:
    truths: dict[str, Any] = {}
    for name, truth in network.truths.items():
        spread = None if truth.spread is None else rounded(truth.spread, SPREAD_DIGITS).tolist()
        truths[name] = {"values": rounded(truth.values, DIGITS).tolist(), "spread": spread}
    fit = network.bundle.fits[0]
    return {
        "cell": cell.name,
        "seed": seed,
        "bundle": bundle_digest(network.bundle),
        "process": fit.process.name,
        "params": {key: values.tolist() for key, values in fit.params.items()},
        "truth": truths,
    }


def _description(suite: Suite, rasters: Mapping[str, Any], digest: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "suite": suite.name,
        "version": suite.version,
        "stochnet": __version__,
        "description": suite.doc,
        "quantities": {one.name: one.describe() for one in suite.quantities},
        "facts": dict(suite.facts),
        "estimates": example(suite.quantities, rasters),
        "sealed": {"file": "sealed/truth.json", "sha256": digest, "note": SEALING},
        "rasters": dict(rasters),
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> str:
    """Write a file whole and return the SHA-256 of its bytes."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    publish_text(path, text)
    return hashlib.sha256(text.encode()).hexdigest()
