"""What a result says of where it comes from."""

import sys

import stochnet as sn
from stochnet.raster.provenance import provenance


def test_the_command_has_the_name_of_the_program_without_its_folders(monkeypatch):
    """Folders say where, and often who, the user is; arguments stay as they were given."""
    monkeypatch.setattr(sys, "argv", ["/home/someone/project/.venv/bin/stochnet", "fit", "a b.h5"])
    assert provenance()["command"] == "stochnet fit 'a b.h5'"
    monkeypatch.setattr(sys, "argv", ["/srv/someone/stochnet/__main__.py", "--help"])
    assert provenance()["command"] == "__main__.py --help"


def test_a_program_without_a_name_is_one_too(monkeypatch):
    for argv, command in (([], ""), ([""], "''"), (["-c"], "-c")):
        monkeypatch.setattr(sys, "argv", argv)
        assert provenance()["command"] == command


def test_surrogates_and_fits_keep_the_short_command(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/home/someone/run.py"])
    surrogate = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": [0.5]}), 1, 64, seed=1)
    assert surrogate.provenance["command"] == "run.py"
    assert sn.fit_bundle(surrogate, "bernoulli").provenance["command"] == "run.py"
