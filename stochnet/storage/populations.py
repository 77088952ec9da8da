"""Population laws in the file of a bundle (format: docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.populations.bootstrap import Kernel
from stochnet.bundle.populations.families import FAMILIES
from stochnet.bundle.populations.margin import TABLE, Margin
from stochnet.bundle.populations.population import Population
from stochnet.errors import FileFormatError
from stochnet.process import Process
from stochnet.storage.files.safe import FORMAT_VERSION, attribute, number, whole
from stochnet.storage.files.tree import Scalar

# Numbers of one margin in `margins`, and of the whole law in attributes.
_MARGIN = ("low", "high", "distance", "n_inside", "n_components")
_SHARES = ("dead", "saturated", "rate_distance", "tuning_distance")
DATASETS = (
    "families", "margins", "components", "correlation", "dead_row", "saturated_row",
    "kernel_centre", "kernel_covariance",
)  # fmt: skip


def add_population(
    group: str,
    law: Population,
    datasets: dict[str, NDArray[Any]],
    attributes: dict[str, Scalar],
) -> None:
    """Add a law to the datasets and attributes of a bundle."""
    attributes[f"{group}@encoding-type"] = "population-law"
    attributes[f"{group}@encoding-version"] = FORMAT_VERSION
    attributes[f"{group}@layer"] = law.layer
    attributes[f"{group}@fit"] = law.fit
    attributes[f"{group}@process"] = law.process.name
    attributes[f"{group}@process-version"] = law.process.version
    attributes[f"{group}@n_conditions"] = law.n_conditions
    attributes[f"{group}@n_nodes"] = law.n_nodes
    for name in _SHARES:
        attributes[f"{group}@{name}"] = float(getattr(law, name))
    attributes[f"{group}@bandwidth"] = law.kernel.bandwidth
    datasets[f"{group}/kernel_centre"] = law.kernel.centre
    datasets[f"{group}/kernel_covariance"] = law.kernel.covariance
    datasets[f"{group}/dead_row"] = law.dead_row
    datasets[f"{group}/saturated_row"] = law.saturated_row
    datasets[f"{group}/correlation"] = law.correlation
    if law.margins:
        datasets[f"{group}/families"] = np.array([one.family.encode() for one in law.margins])
        datasets[f"{group}/margins"] = np.array(
            [
                (one.low, one.high, one.distance, one.n_inside, len(one.components))
                for one in law.margins
            ]
        )
        datasets[f"{group}/components"] = np.concatenate(
            [one.components for one in law.margins] + [np.zeros((1, 3))]
        )


def read_population(group: h5py.Group, known: Callable[[h5py.Group], Process]) -> Population:
    """Read a law; `known` finds the process that a group names, or refuses it.

    Raises
    ------
    FileFormatError
        A family that this installation does not have, or sizes that do not belong together.
    """
    process = known(group)
    n_conditions = whole(group, "n_conditions")
    width = len(process.params) * max(1, n_conditions)
    margins: list[Margin] = []
    if "families" in group:
        numbers, components = group["margins"][...], group["components"][...]
        names = [name.decode() for name in group["families"][...]]
        if numbers.shape != (width, len(_MARGIN)) or len(names) != width:
            raise FileFormatError(f"{group.name} must have {width} margins")
        ends = np.concatenate([[0], np.cumsum(numbers[:, 4])]).astype(np.int64)
        if components.shape != (ends[-1] + 1, 3):
            raise FileFormatError(f"{group.name}/components must have {ends[-1] + 1} rows of 3")
        for k, name in enumerate(names):
            if name != TABLE and name not in FAMILIES:
                raise FileFormatError(
                    f"{group.name} has the family {name!r}, which this stochnet lacks; it has "
                    f"{', '.join(FAMILIES)}: install the version that wrote the bundle"
                )
            low, high, distance, n_inside, _ = numbers[k].tolist()
            part = components[ends[k] : ends[k + 1]]
            margins.append(Margin(name, part, low, high, distance, int(n_inside)))
    arrays = {
        name: group[name][...]
        for name in ("kernel_centre", "kernel_covariance", "dead_row", "saturated_row")
    }
    correlation = group["correlation"][...]
    wrong = [name for name, array in arrays.items() if len(array) != width]
    if wrong or not correlation.shape == arrays["kernel_covariance"].shape == (width, width):
        raise FileFormatError(f"{group.name}: its arrays must have {width} columns")
    bandwidth = number(group, "bandwidth")
    if not 0 <= bandwidth < 1:
        raise FileFormatError(f"{group.name}: bandwidth must lie in [0, 1), got {bandwidth}")
    shares = [number(group, name) for name in _SHARES]
    return Population(
        layer=str(attribute(group, "layer")),
        fit=whole(group, "fit"),
        process=process,
        n_conditions=n_conditions,
        n_nodes=whole(group, "n_nodes"),
        dead=shares[0],
        saturated=shares[1],
        dead_row=arrays["dead_row"],
        saturated_row=arrays["saturated_row"],
        margins=tuple(margins),
        correlation=correlation,
        kernel=Kernel(
            bandwidth,
            arrays["kernel_centre"],
            arrays["kernel_covariance"],
        ),
        rate_distance=shares[2],
        tuning_distance=shares[3],
    )
