"""How often a coin shows heads: a small study that the tests of the runner run."""

import numpy as np

from .coin import tossed


def cell(cell, config):
    """Return the heads of one coin, and its tosses."""
    heads = tossed(cell["probability"], config["tosses"], cell["seed"])
    gap = np.diff(np.flatnonzero(heads)).max() if heads.sum() > 1 else None
    return {
        "coins": [{"heads": heads.sum(), "rate": heads.mean(), "longest_gap": gap}],
        "tosses": [{"toss": i, "head": bool(head)} for i, head in enumerate(heads[:2])],
    }


def finish(results, config):
    """Count the coins."""
    lines = (results / "coins.csv").read_text().splitlines()
    (results / "summary.txt").write_text(f"{len(lines) - 1} coins, {config['tosses']} tosses\n")
