"""Estimates of one estimator, complete and in the order of what is asked."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.benchmark.estimate_files import Rows, read_rows
from stochnet.benchmark.example import ENDS, ROW
from stochnet.benchmark.folder import Benchmark
from stochnet.benchmark.quantity import COLUMNS, NONE, Answer, Array, Kind, Per, Quantity
from stochnet.errors import InvalidInputError
from stochnet.errors.publishing.publish import publish_text

# Of the probabilities of one network, whose sum is 1.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Estimates:
    """What one estimator says of a benchmark.

    Attributes
    ----------
    name : str
    answers : dict of quantity to dict of raster to Answer
        A quantity is there with all rasters that ask for it, or not at all.
    """

    name: str
    answers: Mapping[str, Mapping[str, Answer]]

    def to_csv(self, path: str | os.PathLike[str], benchmark: Benchmark) -> None:
        """Write a file of estimates, as `score` reads it."""
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(("raster", "quantity", *ROW, "estimate", *ENDS))
        for quantity, found in self.answers.items():
            for raster, answer in found.items():
                keys = _keys(benchmark, quantity, raster)
                for row, key in enumerate(keys):
                    ends = (answer.low, answer.high)
                    out.writerow((
                        raster, quantity, *("" if k == NONE else int(k) for k in key),
                        repr(float(answer.values[row])),
                        *("" if end is None else repr(float(end[row])) for end in ends),
                    ))  # fmt: skip
        publish_text(path, text.getvalue())


def read_estimates(path: str | os.PathLike[str], benchmark: Benchmark) -> Estimates:
    """Read a file of estimates and check that it answers what is asked.

    Raises
    ------
    InvalidInputError
        Unknown names, rows that are missing, repeated or not asked for, values that are no
        numbers, labels that are none, probabilities that do not sum to 1, intervals upside down.
    FileFormatError
        The file is no table.
    MissingExtraError
        It is a parquet file, and pyarrow is not installed.
    """
    rows = read_rows(path)
    groups = _grouped(rows, benchmark)
    answers: dict[str, dict[str, Answer]] = {}
    for quantity in benchmark.suite.quantities:
        asked = benchmark.asked(quantity.name)
        there = [raster for raster in asked if (quantity.name, raster) in groups]
        if not there:
            continue
        if len(there) < len(asked):
            lacking = next(raster for raster in asked if raster not in there)
            raise InvalidInputError(
                f"{rows.path} has no {quantity.name} for {lacking}: give it for all of its "
                f"{len(asked)} rasters, or leave it out everywhere"
            )
        answers[quantity.name] = {
            raster: _answer(rows, groups[quantity.name, raster], quantity, benchmark, raster)
            for raster in asked
        }
        _check_ends(rows, quantity, answers[quantity.name])
    return Estimates(rows.path.stem, answers)


def check_complete(estimates: Estimates, benchmark: Benchmark) -> None:
    """Refuse estimates made in Python that lack a raster or a row.

    Raises
    ------
    InvalidInputError
        They do, or they answer nothing that is asked.
    """
    names = [quantity.name for quantity in benchmark.suite.quantities]
    if not estimates.answers or not set(estimates.answers) <= set(names):
        raise InvalidInputError(
            f"{estimates.name} must answer some of {', '.join(names)}, and nothing else; it has "
            f"{', '.join(estimates.answers) or 'nothing'}"
        )
    for quantity, found in estimates.answers.items():
        for raster in benchmark.asked(quantity):
            n_rows = len(_keys(benchmark, quantity, raster))
            answer = found.get(raster)
            if answer is None or np.shape(answer.values) != (n_rows,):
                raise InvalidInputError(
                    f"{estimates.name} must have {n_rows} values of {quantity} for {raster}"
                )


def _keys(benchmark: Benchmark, quantity: str, raster: str) -> NDArray[np.int64]:
    facts = benchmark.rasters[raster]
    return benchmark.quantity(quantity).keys(int(facts["n_nodes"]), int(facts["n_conditions"]))


def _grouped(rows: Rows, benchmark: Benchmark) -> dict[tuple[str, str], list[int]]:
    """Return the rows of each quantity and raster, all of them asked for."""
    names = [quantity.name for quantity in benchmark.suite.quantities]
    groups: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(rows.quantity, rows.raster, strict=True)):
        groups.setdefault(key, []).append(row)
    for (quantity, raster), (row, *_) in groups.items():
        if quantity not in names:
            raise InvalidInputError(
                f"{rows.where(row)}: the suite {benchmark.suite.name} has no quantity "
                f"{quantity!r}; it asks for {', '.join(names)}"
            )
        if raster not in benchmark.rasters:
            known = list(benchmark.rasters)
            raise InvalidInputError(
                f"{rows.where(row)}: there is no raster {raster!r}; they are {known[0]} to "
                f"{known[-1]}"
            )
        if quantity not in benchmark.rasters[raster]["quantities"]:
            raise InvalidInputError(
                f"{rows.where(row)}: {quantity} is not asked for in {raster}, only "
                f"{', '.join(benchmark.rasters[raster]['quantities'])}; remove these rows"
            )
    return groups


def _answer(
    rows: Rows, own: list[int], quantity: Quantity, benchmark: Benchmark, raster: str
) -> Answer:
    """Put the rows of one quantity and raster into the order that is asked for."""
    expected = _keys(benchmark, quantity.name, raster)
    place = {tuple(key): i for i, key in enumerate(expected.tolist())}
    taken = np.full(len(expected), -1)
    for row in own:
        node, condition, other = rows.keys[row].tolist()
        if quantity.per is Per.pair and node > other:
            node, other = other, node
        at = place.get((node, condition, other))
        if at is None:
            raise InvalidInputError(
                f"{rows.where(row)}: {raster} has no {quantity.name} for "
                f"{_named(rows.keys[row])}; {_range(quantity, expected)}"
            )
        if taken[at] >= 0:
            raise InvalidInputError(
                f"{rows.where(row)}: {quantity.name} of {raster} for {_named(rows.keys[row])} "
                f"stands in line {rows.first_line + taken[at]} already"
            )
        taken[at] = row
    if (taken < 0).any():
        lacking = int(np.argmax(taken < 0))
        raise InvalidInputError(
            f"{rows.path} lacks {int((taken < 0).sum())} of {len(expected)} rows of "
            f"{quantity.name} for {raster}, the first for {_named(expected[lacking])}"
        )
    _check_values(rows, taken, quantity, raster)
    low, high = rows.low[taken], rows.high[taken]
    if np.isnan(low).all() and np.isnan(high).all():
        return Answer(rows.estimate[taken])
    return Answer(rows.estimate[taken], low, high)


def _check_values(rows: Rows, taken: NDArray[np.int64], quantity: Quantity, raster: str) -> None:
    values, low, high = rows.estimate[taken], rows.low[taken], rows.high[taken]
    bad = ~np.isfinite(values)
    if bad.any():
        where = rows.where(int(taken[np.argmax(bad)]))
        raise InvalidInputError(
            f"{where}: the estimate is missing or not finite; give a number for every row, and say "
            "what you do about nodes for which there is none"
        )
    half, upside = np.isnan(low) != np.isnan(high), low > high
    if (half | upside).any():
        where = rows.where(int(taken[np.argmax(half | upside)]))
        raise InvalidInputError(f"{where}: low and high must both be given, low not above high")
    if quantity.kind is Kind.label:
        known = (values == np.rint(values)) & (values >= 0) & (values < len(quantity.options))
        if not known.all():
            where = rows.where(int(taken[np.argmin(known)]))
            raise InvalidInputError(
                f"{where}: {quantity.name} is the number of one of {', '.join(quantity.options)}: "
                f"0 to {len(quantity.options) - 1}"
            )
    if quantity.kind is Kind.probability and (
        (values < 0).any() or abs(float(values.sum()) - 1) > TOLERANCE
    ):
        raise InvalidInputError(
            f"{rows.path}: {quantity.name} of {raster} must be from 0 to 1 and sum to 1, the sum "
            f"is {values.sum():.6g}"
        )


def _check_ends(rows: Rows, quantity: Quantity, found: Mapping[str, Answer]) -> None:
    """Refuse intervals of some values of a quantity only: nothing could be said of coverage."""
    given = [answer.low is not None and not np.isnan(answer.low).any() for answer in found.values()]
    some = [answer.low is not None for answer in found.values()]
    if any(some) and not all(given):
        raise InvalidInputError(
            f"{rows.path}: some rows of {quantity.name} have low and high, others have not; give "
            "intervals for all of them or for none"
        )


def _named(key: Array | NDArray[np.int64]) -> str:
    named = [f"{name} {int(k)}" for name, k in zip(ROW, key, strict=True) if k != NONE]
    return ", ".join(named) if named else "no node or condition"


def _range(quantity: Quantity, expected: NDArray[np.int64]) -> str:
    columns = COLUMNS[quantity.per]
    if not columns:
        return "leave node, condition and other empty: there is one value for the network"
    tops = (f"{name} 0 to {expected[:, ROW.index(name)].max()}" for name in columns)
    text = f"it has {' and '.join(tops)}"
    return text + (", two different nodes each" if quantity.per is Per.pair else "")
