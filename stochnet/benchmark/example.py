"""What a file of estimates looks like, for ``suite.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stochnet.benchmark.quantity import NONE, Quantity

REQUIRED = ("raster", "quantity", "estimate")
ROW = ("node", "condition", "other")
ENDS = ("low", "high")
FORMAT_DOC = (
    "A CSV file with a header, or a parquet file, with one row for each value. raster and quantity "
    "are names of this file; node, condition and other are numbers from 0 on, and empty where the "
    "quantity has none (its columns are listed with it); estimate is a number; low and high, if "
    "given, are the ends of a 95 % interval. The two nodes of a pair come in any order. Of a "
    "quantity all rows are needed, in every raster that asks for it; a quantity may be left out."
)


def example(quantities: Sequence[Quantity], rasters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a file of estimates, with the first row of each quantity."""
    lines = [",".join((*REQUIRED[:2], *ROW, "estimate", *ENDS))]
    for quantity in quantities:
        name = next((n for n, facts in rasters.items() if quantity.name in facts["quantities"]), "")
        facts = rasters[name]
        keys = quantity.keys(facts["n_nodes"], facts["n_conditions"])[0]
        row = ["" if key == NONE else str(key) for key in keys]
        ends = ["0.4", "0.6"] if quantity.kind == "number" else ["", ""]
        value = "0" if quantity.kind == "label" else "0.5"
        lines.append(",".join((name, quantity.name, *row, value, *ends)))
    return {"format": FORMAT_DOC, "example": lines}
