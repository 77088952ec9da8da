"""Assessment: which nodes keep which assumptions, and how far the others are from them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors.publishing.publish import publish_text
from stochnet.raster.layers import Layer
from stochnet.report import check_figure
from stochnet.validation.assumptions.catalogue import TESTS

Array = NDArray[np.float64]
SCHEMA = "stochnet-assessment/1"
NETWORK = "network"
ALL_TESTS = "all tests"
RANGE = (5, 95)
NULL = {
    "spikes": "bins are independent with one probability of a spike (Bernoulli process): given "
    "their number, the spikes of a node lie in random bins",
    "counts": "bins are independent Poisson counts of one mean: given their number, each spike "
    "of a node lies in a random bin",
}


@dataclass(frozen=True, eq=False, slots=True)
class TestResult:
    """One test, for one length of windows where it has windows, of all nodes.

    Attributes
    ----------
    name : str
        One of `stochnet.validation.assumptions.catalogue.TESTS`.
    window : int or None
        Bins per window.
    p_value, q_value : ndarray (node,)
        Uniform under the null hypothesis; corrected for the number of nodes. NaN for nodes that
        cannot be tested.
    effect, statistic : ndarray (node,)
        How far the node is from the assumption, and what was compared with the surrogates. NaN
        like the p-values, and where there is no effect (no gaps).
    effect_name : str
        What the effect is.
    """

    name: str
    window: int | None
    p_value: Array
    q_value: Array
    effect: Array
    statistic: Array
    effect_name: str

    @property
    def label(self) -> str:
        """Name with the window: ``"dispersion, W=10"``."""
        return self.name if self.window is None else f"{self.name}, W={self.window}"

    @property
    def testable(self) -> NDArray[np.bool_]:
        """Which nodes were tested: (node,)."""
        return ~np.isnan(self.p_value)

    def passes(self, level: float) -> NDArray[np.bool_]:
        """Which nodes were tested and have a q-value of at least `level`: (node,)."""
        # NaN is not at least anything.
        return np.asarray(self.q_value >= level)


@dataclass(frozen=True, eq=False, slots=True)
class Assessment:
    """What `assess` found.

    Attributes
    ----------
    n_nodes, n_trials, n_bins : int
        Sizes of the raster.
    kind, schedule : str
        ``"spikes"`` or ``"counts"``; how stimuli were presented.
    windows : tuple of int
        Bins per window.
    level : float
        False discovery rate.
    n_surrogates, seed : int
        Surrogates for each number of spikes, and what they were drawn from.
    method : str
        How q-values were computed: ``"bh"`` or ``"by"``.
    layers : tuple of Layer
    dead, saturated : ndarray of bool (node,)
    tests : tuple of TestResult
        One for each test and, where it has windows, each window.
    """

    n_nodes: int
    n_trials: int
    n_bins: int
    kind: str
    schedule: str
    windows: tuple[int, ...]
    level: float
    n_surrogates: int
    seed: int
    method: str
    layers: tuple[Layer, ...]
    dead: NDArray[np.bool_]
    saturated: NDArray[np.bool_]
    tests: tuple[TestResult, ...]

    def find(self, name: str, window: int | None = None) -> TestResult | None:
        """Return the result of a test, for a window where it has windows; None if not there."""
        return next((x for x in self.tests if (x.name, x.window) == (name, window)), None)

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which nodes were tested by at least one test: (node,)."""
        return np.asarray(np.any([x.testable for x in self.tests], axis=0))

    def __repr__(self) -> str:
        passed, tested = int(self.passes_all.sum()), int(self.tested.sum())
        return f"Assessment({passed:,} of {tested:,} tested nodes pass {len(self.tests)} tests)"

    @property
    def passes_all(self) -> NDArray[np.bool_]:
        """Which nodes were tested and fail no test: (node,)."""
        failed = [x.testable & ~x.passes(self.level) for x in self.tests]
        return np.asarray(self.tested & ~np.any(failed, axis=0))

    def table(self) -> list[dict[str, Any]]:
        """Return one row for each layer and test, then those of the network.

        Each row has ``layer``, ``test``, ``window`` (None without), ``n_nodes``, ``testable``,
        ``passed``, ``fraction`` (of testable nodes that pass), ``effect`` (its name) and over the
        testable nodes its ``median``, ``low`` (5 % of nodes lie below) and ``high`` (95 %). The
        last row of a layer is that of all tests together, without an effect: nodes that fail none
        of those they were tested by. What does not exist is None.
        """
        rows = []
        for name, nodes in self._parts():
            rows += [self._row(name, nodes, one) for one in self.tests]
            rows.append(self._last_row(name, nodes))
        return rows

    def _parts(self) -> list[tuple[str, slice]]:
        return [*((x.name, x.nodes) for x in self.layers), (NETWORK, slice(0, self.n_nodes))]

    def _row(self, layer: str, nodes: slice, one: TestResult) -> dict[str, Any]:
        testable = int(np.count_nonzero(one.testable[nodes]))
        passed = int(np.count_nonzero(one.passes(self.level)[nodes]))
        effect = one.effect[nodes]
        effect = effect[~np.isnan(effect)]
        low, median, high = (math.nan,) * 3
        if len(effect):
            low, median, high = np.percentile(effect, (RANGE[0], 50, RANGE[1]))
        return {
            "layer": layer,
            "test": one.name,
            "window": one.window,
            "n_nodes": nodes.stop - nodes.start,
            "testable": testable,
            "passed": passed,
            "fraction": passed / testable if testable else None,
            "effect": one.effect_name,
            "median": _number(median),
            "low": _number(low),
            "high": _number(high),
        }

    def _last_row(self, layer: str, nodes: slice) -> dict[str, Any]:
        testable = int(np.count_nonzero(self.tested[nodes]))
        passed = int(np.count_nonzero(self.passes_all[nodes]))
        return {
            "layer": layer,
            "test": ALL_TESTS,
            "window": None,
            "n_nodes": nodes.stop - nodes.start,
            "testable": testable,
            "passed": passed,
            "fraction": passed / testable if testable else None,
            "effect": None,
            "median": None,
            "low": None,
            "high": None,
        }

    def to_dict(self, per_node: bool = False) -> dict[str, Any]:
        """Return everything as a dict that is ready for JSON; what does not exist is None.

        ``tests`` says what each test asks and what its effect is. ``layers`` (a list) and
        ``network`` have ``n_nodes``, ``dead``, ``saturated``, ``tested``, ``passed_all`` and
        ``tests``: by name, and for tests with windows by name and window, the numbers of `table`.
        With `per_node` those of layers have the lists ``p_value``, ``q_value``, ``effect_values``
        and ``statistic`` over the nodes.
        """
        return {
            "schema": SCHEMA,
            "n_nodes": self.n_nodes,
            "n_trials": self.n_trials,
            "n_bins": self.n_bins,
            "kind": self.kind,
            "schedule": self.schedule,
            "null": NULL[self.kind],
            "windows": list(self.windows),
            "level": self.level,
            "method": self.method,
            "n_surrogates": self.n_surrogates,
            "seed": self.seed,
            "tests": {
                x.name: {
                    "question": x.question,
                    "statistic": x.statistic,
                    "effect": x.effect,
                    "neutral": x.neutral,
                    "windowed": x.windowed,
                }
                for x in TESTS.values()
            },
            "layers": [self._part(x.name, x.nodes, per_node) for x in self.layers],
            "network": self._part(NETWORK, slice(0, self.n_nodes), False),
        }

    def _part(self, name: str, nodes: slice, lists: bool) -> dict[str, Any]:
        tests: dict[str, Any] = {}
        for one in self.tests:
            row = self._row(name, nodes, one)
            keys = ("testable", "passed", "fraction", "median", "low", "high")
            entry: dict[str, Any] = {key: row[key] for key in keys}
            if lists:
                entry["p_value"] = _numbers(one.p_value[nodes])
                entry["q_value"] = _numbers(one.q_value[nodes])
                entry["effect_values"] = _numbers(one.effect[nodes])
                entry["statistic"] = _numbers(one.statistic[nodes])
            if one.window is None:
                tests[one.name] = entry
            else:
                tests.setdefault(one.name, {})[str(one.window)] = entry
        return {
            "name": name,
            "n_nodes": nodes.stop - nodes.start,
            "dead": int(np.count_nonzero(self.dead[nodes])),
            "saturated": int(np.count_nonzero(self.saturated[nodes])),
            "tested": int(np.count_nonzero(self.tested[nodes])),
            "passed_all": int(np.count_nonzero(self.passes_all[nodes])),
            "tests": tests,
        }

    def to_json(self, path: str | os.PathLike[str], *, per_node: bool = False) -> None:
        """Write `to_dict` as a JSON file."""
        text = json.dumps(self.to_dict(per_node), allow_nan=False, indent=1)
        publish_text(path, text + "\n")

    def to_figure(self, path: str | os.PathLike[str]) -> None:
        """Draw the fraction of nodes that pass, layers by tests, as a PNG or SVG file.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        InvalidInputError
            The name ends neither in .png nor in .svg.
        """
        check_figure(path)
        from stochnet.validation.page.assessment_figure import write

        title = (
            f"Nodes that pass tests of the Poisson model: {self.n_nodes:,} nodes × "
            f"{self.n_trials:,} trials × {self.n_bins:,} bins, schedule {self.schedule}"
        )
        write(path, self.table(), title=title, kind=self.kind, level=self.level)


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: Array) -> list[float | None]:
    return [_number(value) for value in values.tolist()]
