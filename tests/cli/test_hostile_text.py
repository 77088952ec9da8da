"""Names in files are anyone's: what a terminal or a table would obey is shown, not done."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import stochnet as sn
from stochnet.cli import main
from stochnet.errors import FileFormatError, InvalidInputError
from tests.storage.test_damage import foreign

NAMES = ("[/]", "[bold", "[/red]x", ":smile:", "\x1b[2J\x1b[31m", "\x07\x9b2J", "\u202eabc")


def run(words, monkeypatch):
    monkeypatch.setattr("sys.argv", ["stochnet", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


@pytest.mark.parametrize("name", NAMES)
def test_markup_and_escapes_are_shown_as_they_are(name, tmp_path, rng, monkeypatch, capsys):
    raster = sn.SpikeRaster.from_dense(
        rng.random((4, 2, 60)) < 0.4, layers=(sn.Layer(name, "ReLU", (4,), 0, 4),)
    )
    raster = replace(raster, provenance={"note": name, name.replace("/", ""): "x"})
    sn.write_raster(raster, tmp_path / "r.h5")
    sn.write_bundle(sn.fit_bundle(raster, "bernoulli"), tmp_path / "b.h5")
    for words in (
        ["info", "r.h5"],
        ["info", "b.h5"],
        ["stats", "r.h5"],
        ["stats", "r.h5", "--per-node"],
    ):
        path = tmp_path / words[1]
        assert run([words[0], path, *words[2:]], monkeypatch) == 0
        shown = capsys.readouterr().out
        assert not set(shown) & set("\x1b\x07\x9b\u202e")
        if name.isascii() and name.isprintable():
            assert name in shown


def test_an_attribute_whose_name_is_no_text_is_refused(golden, monkeypatch, capsys):
    path = foreign(golden())
    with h5py.File(path, "r+") as handle:
        space, kind = h5py.h5s.create(h5py.h5s.SCALAR), h5py.h5t.NATIVE_INT32
        h5py.h5a.create(handle["provenance"].id, b"\xff\xfe", kind, space).write(np.array(1, "i4"))
    with pytest.raises(FileFormatError):
        sn.read_raster(path)
    assert run(["info", path], monkeypatch) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_sizes_without_room_are_refused_with_the_number(monkeypatch):
    # A machine with 4 GB.
    monkeypatch.setattr("os.sysconf", lambda name: 10**6 if name == "SC_PHYS_PAGES" else 4096)
    spec = {
        "schedule": {"bins": 10},
        "layers": [{"name": "a", "process": "bernoulli", "nodes": 2**63, "params": {"p": 0.5}}],
    }
    with pytest.raises(InvalidInputError, match="4294967295"):
        sn.generate(spec)
    raster = sn.SpikeRaster.from_dense(np.ones((2, 1, 60), bool))
    with pytest.raises(InvalidInputError, match="GB of memory"):
        sn.present(raster, "shuffled", n_trials=2**31, n_bins=2**31)
    bundle = sn.Bundle.from_params("bernoulli", {"p": np.full(9, 0.5)})
    with pytest.raises(InvalidInputError, match="GB of memory"):
        bundle.resample(10**9, rng=1)


def test_a_changed_raster_is_refused_where_it_is_asked(golden, monkeypatch, capsys):
    path = golden()
    with h5py.File(path, "r+") as handle:
        handle["spikes"][0, 0, 0] ^= np.uint64(1)
    assert run(["stats", path], monkeypatch) == 0
    for words in (
        ["stats", path],
        ["fit", path, "--process", "bernoulli", "-o", path.with_name("b")],
    ):
        assert run([*words, "--verify"], monkeypatch) == 2
        assert "changed after it was written" in capsys.readouterr().err
