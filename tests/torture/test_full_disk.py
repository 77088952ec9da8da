"""On a full disk every command says so in one line, keeps the old file, and leaves nothing."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import stochnet as sn
from tests.support import ROOT

OLD = b"what stood here before"
# Pages of 4 kB that are left.
FREE = (0, 1, 4, 12)


@pytest.fixture
def disk(tmp_path):
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def inputs(tmp_path, rng):
    """Files that commands read, on a disk with room."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    raster = sn.SpikeRaster.from_dense(rng.random((300, 8, 300)) < 0.3)
    sn.write_raster(raster, folder / "raster.h5")
    stimuli = sn.SpikeRaster.from_dense(
        rng.random((300, 1, 600)) < 0.3, conditions=rng.integers(0, 4, (1, 600))
    )
    sn.write_raster(stimuli, folder / "stimuli.h5")
    sn.write_bundle(sn.fit_bundle(raster, "bernoulli"), folder / "bundle.h5")
    images = rng.integers(0, 256, (400, 28, 28), dtype=np.uint8)
    np.savez(folder / "images.npz", images=images, labels=rng.integers(0, 10, 400))
    return folder


def commands(folder, target):
    raster, bundle, images = (str(folder / n) for n in ("raster.h5", "bundle.h5", "images.npz"))
    record = ["--data", images, "--limit", "400"]
    model = str(folder / "model.pt")
    return {
        "generate": ["generate", str(ROOT / "docs/specs/tuned.toml"), "--seed", "1", "-o", target],
        "fit": ["fit", raster, "--process", "bernoulli", "-o", target],
        "summarize": ["summarize", raster, "-o", target],
        "present": [
            "present", str(folder / "stimuli.h5"), "--schedule", "shuffled", "--trials", "9",
            "--bins", "300", "--seed", "1", "-o", target,
        ],
        "rebin": ["rebin", raster, "--window", "3", "-o", target],
        "simulate": ["simulate", bundle, "--trials", "9", "--bins", "400", "-o", target],
        "simulate --summary": [
            "simulate", bundle, "--trials", "9", "--bins", "400", "--summary", "-o", target,
        ],
        "train": ["train", "mlp", *record, "--epochs", "1", "-o", target],
        "record": ["record", model, *record, "-o", target],
        "record --summary": ["record", model, *record, "--summary", "-o", target],
        "validate -o": ["validate", raster, raster, "-o", target],
        "validate --json": ["validate", raster, raster, "--json", target],
        "assess --figure": ["assess", raster, "--surrogates", "200", "--figure", target],
    }  # fmt: skip


NAMES = list(commands(ROOT, ""))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_said_in_one_line_and_loses_nothing(name, disk, inputs, tmp_path):
    ending = {"validate -o": "html", "assess --figure": "png", "train": "pt"}.get(name, "h5")
    target = disk / f"target.{ending}"
    if name.startswith("record"):
        make = commands(inputs, str(inputs / "model.pt"))["train"]
        subprocess.run(
            [sys.executable, "-c", "from stochnet.cli import main; main()", *make],
            cwd=ROOT,
            check=True,
        )
    cases = [([*commands(inputs, str(target))[name], "-q"], free) for free in FREE]
    target.write_bytes(OLD)
    refused = 0
    for (_, free), run in zip(cases, run_all(disk, tmp_path / "log", cases), strict=True):
        status, said, names = run
        where = f"{name} with {free} free pages: {status}, {said}"
        assert status in (0, 2), where
        assert names == ["filler", target.name], where
        if status == 2:
            refused += 1
            assert re.fullmatch("stochnet: .*room.*\n", said), where
    assert refused
    assert refused < len(FREE) or target.read_bytes() == OLD


def run_all(disk, log, cases):
    script = ROOT / "tests" / "torture" / "full_disk_runs.py"
    done = subprocess.run(
        [sys.executable, str(script), str(disk), str(log)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return json.loads(done.stdout)
