"""The command line is a contract: names, exit codes, what goes to stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

import stochnet as sn
from stochnet.bundle.resampling import LAWS
from stochnet.bundle.selection import BY, CRITERIA
from stochnet.cli import fit, record, simulate, study
from stochnet.cli.app import COMMANDS, FILES, LOOP, MORE, load
from stochnet.cli.options import Schedule
from stochnet.recording.networks.thresholds import CHANNEL_RULES, UNITS
from stochnet.recording.tracking.plan import SCHEDULES
from stochnet.study.config import SCALES
from tests.support.commands import run


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """400 stimuli of 10 classes, 30 nodes that are tuned to them."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(10), 40)
    tuning = rng.beta(1, 2, (30, 10))
    path = tmp_path_factory.mktemp("cli") / "rec.h5"
    spikes = rng.random((30, 400)) < tuning[:, labels]
    sn.write_raster(sn.SpikeRaster.from_dense(spikes, conditions=labels), path)
    return path


@pytest.fixture(scope="module")
def blocked(recording) -> Path:
    path = recording.with_name("blocked.h5")
    shown = sn.present(sn.read_raster(recording), "blocked", n_trials=40, n_bins=10, seed=1)
    sn.write_raster(shown, path)
    return path


def test_every_command_of_the_loop(recording, capfd, tmp_path):
    raster, bundle, drawn = (tmp_path / name for name in ("r.h5", "b.h5", "s.h5"))
    page, numbers = tmp_path / "report.html", tmp_path / "report.json"
    sizes = ("--trials", 40, "--bins", 10)
    assert (
        run("present", recording, "--schedule", "shuffled", *sizes, "--seed", 1, "-o", raster) == 0
    )
    assert run("fit", raster, "--process", "bernoulli", "-o", bundle) == 0
    assert run("simulate", bundle, "--seed", 2, "-o", drawn) == 0
    assert run("verify", drawn) == 0
    capfd.readouterr()
    assert run("validate", raster, drawn, "-w", 10, "-o", page, "--json", numbers) == 0
    assert "firing rate" in capfd.readouterr().out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    json.loads(numbers.read_text())
    for file in (raster, bundle, drawn):
        assert run("info", file) == 0
    assert str(sn.read_raster(drawn).provenance["seed"]) in capfd.readouterr().out


def test_stats_prints_the_contract_and_nothing_else(blocked, capfd):
    assert run("stats", blocked, "--window", 5, "--window", 10, "--per-node", "--json") == 0
    out, err = capfd.readouterr()
    table = json.loads(out)
    assert err == ""
    assert set(table) == {"n_nodes", "n_trials", "n_bins", "schedule", "layers", "network"}
    layer = table["layers"][0]
    assert set(layer) == {
        "name", "n_nodes", "dead", "saturated", "mfr", "var_rate", "windows", "rate",
    }  # fmt: skip
    assert set(layer["windows"]) == {"5", "10"}
    assert set(layer["windows"]["5"]) == {"mff", "var_fano", "n_windows", "fano"}
    raster = sn.read_raster(blocked)
    assert layer["rate"] == sn.firing_rate(raster).tolist()
    np.testing.assert_array_equal(
        np.array(layer["windows"]["5"]["fano"], float), sn.fano_factor(raster, 5)
    )


def test_stats_as_a_table_names_the_schedule(blocked, capfd):
    assert run("stats", blocked, "-w", 10, "--per-node") == 0
    assert "schedule blocked" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("stats", "absent.h5"), "no file absent.h5"),
        (("stats",), "RASTER.h5"),
        (("nonsense",), "nonsense"),
        (("stats", "{rec}", "--window", 500), "1 to 400"),
        (("fit", "{rec}", "-p", "gauss", "-o", "x.h5"), "bernoulli"),
        (("fit", "{rec}", "-o", "nowhere/x.h5"), "nowhere"),
        (("simulate", "{rec}", "-o", "x.h5"), "stochnet-raster"),
        (("present", "{rec}", "--schedule", "blocked", "--trials", 7, "--bins", 5, "-o", "x.h5"),
         "multiple of 10 classes"),
        (("present", "{rec}", "--schedule", "blocked", "--trials", 10, "--bins", 5, "--by",
          "training-label", "-o", "x.h5"), "training labels"),
        (("simulate", "{bundle}", "--seed", -1, "-o", "x.h5"), "2**64"),
        (("stats", "{rec}", "--config", "absent.toml"), "absent.toml"),
        (("train", "nonesuch", "--data", "mnist-5k", "-o", "x.pt"), "nonesuch"),
        (("record", "mlp", "--data", "nonesuch", "-o", "x.h5"), "mnist-5k"),
        (("record", "mlp", "--data", "mnist-5k", "--normalize", "a", "b", "-o", "x.h5"),
         "--normalize"),
        (("record", "mlp", "--data", "mnist-5k", "--limit", 64, "--layers", "conv*", "-o", "x.h5"),
         "conv*"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line_and_exit_2(
    words, says, recording, capfd, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    bundle = tmp_path / "bundle.h5"
    sn.write_bundle(sn.Bundle.from_params("bernoulli", {"p": [0.5]}), bundle)
    filled = [str(word).format(rec=recording, bundle=bundle) for word in words]
    assert run(*filled, *(() if words[0] == "nonsense" else ("--quiet",))) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
    assert err.startswith("stochnet: ")
    assert not list(tmp_path.glob("x.*")) + list(tmp_path.glob(".x*"))


def test_verify_exits_1_for_a_damaged_file(recording, tmp_path, capfd):
    damaged = tmp_path / "damaged.h5"
    raw = bytearray(recording.read_bytes())
    raw[len(raw) // 2] ^= 1
    damaged.write_bytes(raw)
    assert run("verify", damaged) == 1
    assert "do not match its seal" in capfd.readouterr().err


def test_validate_strict_exits_1_where_a_statistic_differs(blocked, tmp_path):
    raster = sn.read_raster(blocked)
    twice = np.minimum(raster.to_dense() + np.roll(raster.to_dense(), 1, axis=2), 1)
    other = tmp_path / "other.h5"
    sn.write_raster(
        sn.SpikeRaster.from_dense(twice, conditions=raster.conditions, schedule="blocked"), other
    )
    assert run("validate", blocked, other, "-w", 10, "--strict", "-q") == 1
    assert run("validate", blocked, other, "-w", 10, "-q") == 0


def test_validate_strict_takes_a_bar_of_quality(blocked, capfd, tmp_path):
    bundle, drawn = tmp_path / "bundle.h5", tmp_path / "sim.h5"
    assert run("fit", blocked, "-p", "bernoulli", "-o", bundle, "-q") == 0
    assert run("simulate", bundle, "--seed", 1, "-o", drawn, "-q") == 0
    options = ("validate", blocked, drawn, "-w", 10, "--bundle", bundle, "-q", "--strict")
    assert run(*options, "--quality", 0) == 0
    assert run(*options, "--quality", 1) == 1
    shown = " ".join(capfd.readouterr().out.split())
    assert "1 is the floor, 0 nodes independent of each other" in shown
    assert "fitted to the observed trials themselves" in shown


def test_validate_compares_by_the_statistics_that_are_named(blocked, capfd, tmp_path):
    numbers = tmp_path / "report.json"
    named = ("--statistic", "fano_factor", "--statistic", "dead")
    assert run("validate", blocked, blocked, "-w", 10, *named, "--json", numbers) == 0
    found = json.loads(numbers.read_text())["statistics"]
    assert {one["statistic"] for one in found} == {"fano_factor", "dead"}
    capfd.readouterr()
    assert run("validate", blocked, blocked, "--statistic", "gaps") == 2
    assert "no statistic 'gaps'; there are firing_rate, rate_over_trial" in capfd.readouterr().err


def test_a_configuration_file_gives_defaults_that_the_command_line_beats(recording, tmp_path):
    config = tmp_path / "options.toml"
    config.write_text('[present]\nschedule = "shuffled"\ntrials = 4\nbins = 10\nseed = 3\n')
    raster = tmp_path / "r.h5"
    assert run("present", recording, "--config", config, "--bins", 20, "-q", "-o", raster) == 0
    shown = sn.read_raster(raster)
    assert shown.shape == (30, 4, 20)
    assert shown.provenance["seed"] == 3


def test_an_unknown_option_in_a_configuration_file_is_named(recording, tmp_path, capfd):
    config = tmp_path / "options.toml"
    config.write_text("windows = [10]\n")
    assert run("stats", recording, "--config", config) == 2
    assert "'windows'" in capfd.readouterr().err


def test_train_and_record_keep_the_labels_of_the_training(tmp_path, capfd):
    net, rec = tmp_path / "net.pt", tmp_path / "rec.h5"
    common = ("--data", "mnist-5k", "--limit", 128)
    assert (
        run("train", "mlp", *common, "--labels", "random", "--epochs", 1, "--seed", 1, "-o", net)
        == 0
    )
    assert run("record", "mlp", *common, "--weights", net, "-o", rec) == 0
    raster = sn.read_raster(rec)
    assert raster.training_labels is not None
    assert (raster.training_labels != raster.conditions).mean() > 0.5
    assert raster.provenance["dataset"] == "mnist-5k"
    shown = tmp_path / "shown.h5"
    words = ("--schedule", "blocked", "--by", "training-label", "--trials", 10, "--bins", 8)
    assert run("present", rec, *words, "-o", shown) == 0
    np.testing.assert_array_equal(
        sn.read_raster(shown).conditions, sn.read_raster(shown).training_labels
    )
    assert "1 of 1" in capfd.readouterr().err


def test_progress_goes_to_stderr_and_quiet_silences_it(blocked, tmp_path, capfd):
    assert run("fit", blocked, "-p", "bernoulli", "-o", tmp_path / "b.h5") == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "fit: 30 of 30" in err
    assert run("fit", blocked, "-p", "bernoulli", "-q", "-o", tmp_path / "b.h5") == 0
    assert capfd.readouterr() == ("", "")


def test_the_installed_command_starts():
    command = [sys.executable, "-c", "from stochnet.cli import main; main()", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"stochnet {sn.__version__}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_paragraph_of_its_own_help(name):
    command = load(name)
    assert command.name == name
    paragraph = command.help.partition("\n\n")[0]
    assert " ".join(paragraph.split()) == COMMANDS[name].doc


def test_help_lists_the_commands_in_panels_and_loads_none_of_them():
    code = (
        "import sys; from stochnet.cli import main; sys.argv = ['stochnet', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('numpy', 'numba', 'scipy', 'h5py', 'torch', 'stochnet.cli.options')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *listed, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    text = "\n".join(listed)
    assert [text.find(panel) for panel in (LOOP, FILES, MORE)] == sorted(
        text.index(panel) for panel in (LOOP, FILES, MORE)
    )
    assert all(f" {name} " in text for name in COMMANDS)


def test_help_of_the_commands_waits_for_no_library_that_only_their_work_needs():
    code = (
        "import sys; from stochnet.cli.app import COMMANDS, load\n"
        "for name in COMMANDS: load(name)\n"
        "heavy = ('numba', 'scipy', 'h5py', 'torch', 'matplotlib', 'dask')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("function", "option", "known"),
    [
        (record.record, "unit", UNITS),
        (record.record, "channel_rule", CHANNEL_RULES),
        (simulate.simulate, "law", LAWS),
        (fit.fit, "criterion", [name.replace("_", "-") for name in CRITERIA]),
        (fit.fit, "by", BY),
        (study.study, "scale", SCALES),
    ],
)
def test_choices_are_those_of_the_library(function, option, known):
    assert get_args(get_type_hints(function)[option]) == tuple(known)


def test_schedules_are_those_of_the_library():
    assert tuple(Schedule) == SCHEDULES


def test_a_network_of_another_size_is_drawn_with_the_seed(blocked, tmp_path, capfd):
    bundle, one, two, plain = (tmp_path / name for name in ("b.h5", "1.h5", "2.h5", "p.h5"))
    assert run("fit", blocked, "-p", "bernoulli", "--per-condition", "-o", bundle) == 0
    assert "Laws of the parameters over nodes" in capfd.readouterr().err
    assert run("info", bundle) == 0
    assert "families" in capfd.readouterr().out
    for path in (one, two):
        assert run("simulate", bundle, "--nodes", 77, "--seed", 5, "-o", path, "-q") == 0
    drawn = sn.read_raster(one)
    assert drawn.n_nodes == 77
    assert np.array_equal(drawn.to_dense(), sn.read_raster(two).to_dense())
    network = sn.read_bundle(bundle).resample(77, rng=5)
    assert np.array_equal(drawn.to_dense(), sn.simulate(network, seed=5).to_dense())
    law = ("--nodes", 40, "--law", "parametric")
    assert run("simulate", bundle, *law, "--seed", 5, "-o", two, "-q") == 0
    assert run("simulate", bundle, "--nodes", 0, "-o", two) == 2
    assert "n_nodes: nodes must be a whole number" in capfd.readouterr().err
    assert run("fit", blocked, "-p", "bernoulli", "--no-population", "-o", plain, "-q") == 0
    assert sn.read_bundle(plain).populations == ()


def test_a_network_is_generated_from_a_specification(tmp_path, capfd):
    spec, bundle = tmp_path / "spec.toml", tmp_path / "b.h5"
    spec.write_text(
        '[schedule]\nbins = 20\n[[layers]]\nname = "a"\nnodes = 9\nparams.p = 0.5\n',
        encoding="utf-8",
    )
    assert run("generate", spec, "--seed", 3, "-o", bundle) == 0
    assert "9 nodes, seed 3" in capfd.readouterr().err
    assert sn.read_bundle(bundle).provenance["spec"]["seed"] == 3
    assert run("simulate", bundle, "-o", tmp_path / "s.h5", "-q") == 0
    spec.write_text('[schedule]\nbins = 20\n[[layers]]\nname = "a"\n', encoding="utf-8")
    assert run("generate", spec, "-o", bundle) == 2
    assert "layers.0 (a).nodes: is missing" in capfd.readouterr().err
