"""The command line: windows that are chosen, classes that are rare or missing, named units."""

import sys

import numpy as np
import pytest

import stochnet as sn
from stochnet.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a command and returns its exit code, stdout and stderr."""

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["/home/someone/bin/stochnet", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    return command


@pytest.fixture
def raster(tmp_path):
    labels = np.repeat([[0], [1]] * 6 + [[-1], [2]], 60, axis=1)
    dense = np.random.default_rng(3).random((4, 14, 60)) < np.where(labels == 1, 0.4, 0.2)
    found = sn.SpikeRaster.from_dense(dense, conditions=labels, bin_width=0.002)
    sn.write_raster(found, tmp_path / "r.h5")
    return tmp_path / "r.h5"


def test_a_window_is_chosen_and_shown(run, raster, tmp_path):
    code, _, said = run(
        "fit", raster, "-p", "beta_bernoulli", "-w", "auto", "-o", tmp_path / "b.h5"
    )
    assert code == 0
    assert "Windows that were tried" in said
    bundle = sn.read_bundle(tmp_path / "b.h5")
    assert set(bundle.selection.processes) == {"beta_bernoulli@10", "beta_bernoulli@20",
                                               "beta_bernoulli@60"}  # fmt: skip
    assert bundle.provenance["command"].startswith("stochnet fit ")
    code, shown, _ = run("info", tmp_path / "b.h5")
    assert code == 0
    assert "Windows that were tried" in shown
    code, _, said = run("fit", raster, "-w", "3.5", "-o", tmp_path / "c.h5")
    assert code == 2
    assert "--window takes a number of bins or auto, got '3.5'" in " ".join(said.split())


def test_rare_classes_are_left_out_and_counted(run, raster, tmp_path):
    fit = ("fit", raster, "-p", "bernoulli", "--per-condition", "-o", tmp_path / "b.h5")
    code, _, said = run(*fit, "--min-bins", 100)
    assert code == 0
    assert "left out: condition 2, 60 bins" in said
    code, _, said = run("simulate", tmp_path / "b.h5", "--seed", 1, "-o", tmp_path / "s.h5")
    assert code == 2
    assert "--unlabelled silent|BUNDLE.h5" in " ".join(said.split())


def test_bins_without_a_class_are_drawn_as_asked(run, raster, tmp_path):
    pooled, by_class, out = (tmp_path / name for name in ("p.h5", "c.h5", "s.h5"))
    assert run("fit", raster, "-p", "bernoulli", "-o", pooled)[0] == 0
    assert run("fit", raster, "-p", "bernoulli", "--per-condition", "-o", by_class)[0] == 0
    for law in ("silent", pooled):
        assert run("simulate", by_class, "--seed", 1, "--unlabelled", law, "-o", out)[0] == 0
        assert sn.read_raster(out).to_dense()[:, 12].any() == (law == pooled)


def test_stimuli_without_a_class_are_omitted_and_counted(run, tmp_path):
    recording = sn.SpikeRaster.from_dense(np.eye(4, dtype=int)[:, None], conditions=[0, -1, 1, 0])
    sn.write_raster(recording, tmp_path / "rec.h5")
    present = ("present", tmp_path / "rec.h5", "--schedule", "blocked", "--trials", 2, "--bins", 2,
               "-o", tmp_path / "b.h5")  # fmt: skip
    assert run(*present)[0] == 2
    code, _, said = run(*present, "--unlabelled", "omit")
    assert code == 0
    assert "not shown: 1 stimuli without a class" in said


def test_rates_are_shown_with_their_unit(run, raster, tmp_path):
    assert "spikes per second" in " ".join(run("stats", raster)[1].split())
    sn.write_raster(sn.SpikeRaster.from_dense(np.eye(9, dtype=int)), tmp_path / "plain.h5")
    assert "spikes per bin" in " ".join(run("stats", tmp_path / "plain.h5")[1].split())
