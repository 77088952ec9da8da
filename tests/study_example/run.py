"""How often a coin shows heads: a small study that the tests run."""

import numpy as np


def cell(cell, config):
    """Return the heads of one coin."""
    rng = np.random.default_rng(cell["seed"])
    heads = rng.random(config["draws"]) < cell["probability"]
    return {"coins": [{"n": len(heads), "heads": heads.sum(), "rate": heads.mean()}]}
