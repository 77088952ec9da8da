"""The commands that write and read summaries."""

import json

import numpy as np
import pytest

import stochnet as sn
from stochnet.storage import bundle_digest, raster_digest, stored_digest, summary_digest
from tests.support.commands import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of 200 pictures of 4 classes, a recording of it, and its presentation."""
    folder = tmp_path_factory.mktemp("summary")
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 256, (200, 16, 16), np.uint8), rng.permutation(200) % 4
    np.savez(folder / "data.npz", images=images, labels=labels)
    record = ("record", "mlp", "--data", folder / "data.npz", "--seed", 3, "-q", "-o")
    assert run(*record, folder / "rec.h5") == 0
    shown = ("--schedule", "blocked", "--trials", 8, "--bins", 50)
    window = ("--window", 20)
    assert run("present", folder / "rec.h5", *shown, "--seed", 5, "-o", folder / "shown.h5") == 0
    assert run(*record, folder / "summary.h5", "--summary", *shown, "--schedule-seed", 5,
               *window) == 0  # fmt: skip
    assert run("summarize", folder / "shown.h5", *window, "-o", folder / "of.h5") == 0
    return folder


def test_a_network_recorded_as_a_summary_equals_the_summary_of_its_raster(folder):
    assert stored_digest(folder / "summary.h5") == stored_digest(folder / "of.h5")
    assert run("verify", folder / "summary.h5") == 0


def test_stats_and_fits_of_a_summary_are_those_of_the_raster(folder, tmp_path, capfd):
    tables = []
    for name in ("summary.h5", "shown.h5"):
        assert run("stats", folder / name, "--window", 20, "--json") == 0
        tables.append(json.loads(capfd.readouterr().out))
    assert tables[0] == tables[1]
    digests = []
    for name in ("summary.h5", "shown.h5"):
        fit = ("fit", folder / name, "-p", "beta_bernoulli", "--window", 20, "-q")
        assert run(*fit, "-o", tmp_path / "b.h5") == 0
        digests.append(bundle_digest(sn.read_bundle(tmp_path / "b.h5")))
    assert digests[0] == digests[1]
    assert run("info", folder / "summary.h5") == 0
    out = capfd.readouterr().out
    for text in ("stochnet-summary", "spikes, pooled", "20 bins", "transitions, windows"):
        assert text in out


def test_a_simulation_can_be_summarised(tmp_path):
    bundle, surrogate = tmp_path / "bundle.h5", tmp_path / "surrogate.h5"
    sn.write_bundle(sn.Bundle.from_params("bernoulli", {"p": [0.1, 0.4]}), bundle)
    sizes = ("--trials", 4, "--bins", 90, "--seed", 2)
    kept = ("--summary", "--window", 30, "--part", "windows", "--part", "gaps")
    assert run("simulate", bundle, *sizes, *kept, "-o", surrogate) == 0
    raster = sn.simulate(sn.read_bundle(bundle), 4, 90, seed=2)
    expected = sn.RasterSummary.of(raster, window=30, parts=["windows", "gaps"])
    assert stored_digest(surrogate) == summary_digest(expected)
    assert run("simulate", bundle, *sizes, "-o", surrogate) == 0
    assert raster_digest(sn.read_raster(surrogate)) == raster_digest(raster)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("fit", "{summary}", "-p", "beta_bernoulli", "-o", "x.h5"), "--window 20"),
        (("fit", "{summary}", "-p", "poisson", "--per-condition", "-o", "x.h5"),
         "--per-condition"),
        (("fit", "{summary}", "--window", 20, "--criterion", "held-out", "-o", "x.h5"),
         "needs the spikes"),
        (("stats", "{summary}", "--window", 10), "with window=10"),
        (("assess", "{summary}"), "is a stochnet-summary"),
        (("summarize", "{summary}", "-o", "x.h5"), "is a stochnet-summary"),
        (("summarize", "{shown}", "--part", "gap", "-o", "x.h5"), "got gap"),
        (("record", "mlp", "--data", "{data}", "--trials", 3, "--window", 4, "-o", "x.h5"),
         "--window, --trials go with --summary"),
        (("record", "mlp", "--data", "{data}", "--summary", "--trials", 3, "-o", "x.h5"),
         "need a schedule"),
        (("simulate", "{shown}", "--part", "gaps", "-o", "x.h5"), "--part go with --summary"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line(words, says, folder, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    names = {"summary": "summary.h5", "shown": "shown.h5", "data": "data.npz"}
    paths = {key: str(folder / name) for key, name in names.items()}
    assert run(*(str(word).format(**paths) for word in words)) == 2
    err = capfd.readouterr().err
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
