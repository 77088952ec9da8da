"""A folder that holds a benchmark: what is asked, the rasters, and the sealed truth."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stochnet.benchmark.quantity import Quantity, Truth
from stochnet.benchmark.suite import Suite
from stochnet.benchmark.suites import get_suite
from stochnet.errors import FileFormatError, InvalidInputError, entrance
from stochnet.raster.raster import SpikeRaster
from stochnet.storage import raster_digest, read_raster

FORMAT = "stochnet-benchmark 1"


@dataclass(frozen=True, eq=False, slots=True)
class Benchmark:
    """A generated benchmark.

    Attributes
    ----------
    folder : Path
    suite : Suite
    rasters : dict of name to dict
        What is told of each network: file, sizes, family, the quantities that are asked for, ….
    truth_digest : str
        SHA-256 of the sealed truth, in hexadecimal.
    """

    folder: Path
    suite: Suite
    rasters: Mapping[str, Mapping[str, Any]]
    truth_digest: str

    def quantity(self, name: str) -> Quantity:
        """Return a quantity of the suite."""
        return next(one for one in self.suite.quantities if one.name == name)

    def asked(self, quantity: str) -> list[str]:
        """Return the names of the rasters in which a quantity is asked for."""
        return [name for name, facts in self.rasters.items() if quantity in facts["quantities"]]

    def read(self, name: str) -> SpikeRaster:
        """Read the raster of a network into memory, and check that it is the right one.

        Raises
        ------
        InvalidInputError
            No raster of that name.
        FileFormatError
            The file is damaged, or not the one that was generated.
        """
        if name not in self.rasters:
            raise InvalidInputError(f"no raster {name!r}; there are {', '.join(self.rasters)}")
        path = self.folder / str(self.rasters[name]["file"])
        # The description may be anyone's.
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise FileFormatError(
                f"suite.json names {path}, which lies outside of its folder: generate the "
                "benchmark again"
            )
        raster = read_raster(path).load()
        if raster_digest(raster) != self.rasters[name]["content"]:
            raise FileFormatError(
                f"{path} is not the raster that was generated: generate the benchmark again"
            )
        return raster

    def truth(self) -> dict[str, tuple[str, dict[str, Truth]]]:
        """Return cell and true values of each network, after a look at the seal.

        Raises
        ------
        FileFormatError
            The truth is missing, or was altered.
        """
        path = self.folder / "sealed" / "truth.json"
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise FileFormatError(
                f"{path} is missing: ask whoever generated the benchmark to score the estimates"
            ) from error
        if hashlib.sha256(content).hexdigest() != self.truth_digest:
            raise FileFormatError(
                f"{path} is not the truth of this benchmark (its digest differs from that in "
                "suite.json): generate the benchmark again"
            )
        return dict(_truths(json.loads(content)["networks"]))


def _truths(
    networks: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[str, tuple[str, dict[str, Truth]]]]:
    for name, facts in networks.items():
        truths = {}
        for quantity, found in facts["truth"].items():
            spread = found["spread"]
            truths[quantity] = Truth(
                np.asarray(found["values"], np.float64),
                None if spread is None else np.asarray(spread, np.float64),
            )
        yield name, (facts["cell"], truths)


def read_benchmark(folder: str | os.PathLike[str]) -> Benchmark:
    """Open a folder that `generate` wrote.

    Raises
    ------
    InvalidInputError
        There is no benchmark in the folder.
    FileFormatError
        ``suite.json`` is damaged, or of a suite or version that this stochnet does not know.
    """
    root = entrance.path("folder", folder)
    path = root / "suite.json"
    if not path.is_file():
        raise InvalidInputError(
            f"{root} holds no benchmark (no suite.json): make one with stochnet benchmark generate"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content["format"], content["suite"], content["version"]
        rasters, digest = dict(content["rasters"]), str(content["sealed"]["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is damaged: generate the benchmark again") from error
    if known[0] != FORMAT:
        raise FileFormatError(f"{path} has the format {known[0]!r}; this stochnet reads {FORMAT!r}")
    suite = get_suite(known[1])
    if suite.version != known[2]:
        raise FileFormatError(
            f"{path} is version {known[2]} of the suite {suite.name}, this stochnet has version "
            f"{suite.version}: generate the benchmark again, or use the stochnet "
            f"{content.get('stochnet', 'of then')}"
        )
    return Benchmark(root, suite, rasters, digest)
