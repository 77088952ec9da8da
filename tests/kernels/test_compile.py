"""Machine code is kept on disk between processes, and no damage to it is an error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stochnet.kernels import compile as cache

RUN = """
import numpy as np, stochnet as sn
from stochnet.kernels.drawing import dense, spikes
raster = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": [0.25, 0.5]}), 1, 100, seed=1)
hits = sum(spikes.dense_spikes.stats.cache_hits.values())
print(hits, raster.to_dense().sum())
"""


def run(folder):
    environment = {**os.environ, cache.FOLDER: str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return tuple(map(int, done.stdout.split()))


def test_a_second_process_loads_what_the_first_one_compiled(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    assert (first[0], second[0]) == (0, 1)
    assert first[1] == second[1]
    # Whatever is wrong with a file of the cache, it is compiled again.
    for file in tmp_path.rglob("*.nb[ic]"):
        file.write_bytes(file.read_bytes()[:40] if file.suffix == ".nbi" else b"")
    third, fourth = run(tmp_path), run(tmp_path)
    assert (third[0], fourth[0]) == (0, 1)
    assert third[1] == first[1]


def test_without_a_folder_kernels_are_compiled_every_time(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert run("")[0] == 0
    assert run(file)[0] == 0


def test_another_source_gets_another_folder_and_old_folders_go(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path))
    old = [tmp_path / f"kernels-{n}" for n in range(6)]
    for age, folder in enumerate(old):
        folder.mkdir()
        os.utime(folder, (1000 + age, 1000 + age))
    first = cache._folder.__wrapped__()
    left = {folder.name for folder in tmp_path.iterdir()}
    assert left == {first.name, "kernels-3", "kernels-4", "kernels-5"}
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"# edited")
    assert cache._folder.__wrapped__() not in (None, first)


@pytest.mark.parametrize("root", ["", "/proc/nowhere"])
def test_no_folder_is_no_error(monkeypatch, root):
    monkeypatch.setenv(cache.FOLDER, root)
    assert cache._folder.__wrapped__() is None
