"""What all tests share: Hypothesis profiles, real data beside the repository, small helpers."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from tests.support import GOLDEN, ROOT

settings.register_profile(
    "stochnet",
    deadline=None,
    max_examples=25,
    derandomize="CI" in os.environ,
)
settings.load_profile("stochnet")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data that is not part of the repository: STOCHNET_SHARED, or ../shared."""
    folder = Path(os.environ.get("STOCHNET_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data in {folder}: set STOCHNET_SHARED to run this test")
    return folder / "data"


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Make every block of nodes and tables as small as it can be: one node."""
    monkeypatch.setattr("stochnet.raster.blocks.BLOCK_BYTES", 1)


@pytest.fixture
def leftovers(tmp_path):
    """Return a function that lists hidden files in the temporary folder."""
    return lambda: sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("."))


@pytest.fixture
def golden(tmp_path):
    """Return a function that copies a golden file to the temporary folder."""

    def copy(name="raster-v1"):
        return shutil.copyfile(GOLDEN / f"{name}.h5", tmp_path / f"{name}.h5")

    return copy
