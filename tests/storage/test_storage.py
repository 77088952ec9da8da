"""Files: what was written comes back, digests mean content, and publishing is all or nothing."""

import multiprocessing
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.errors.publishing.part import Part
from stochnet.errors.publishing.publish import publish
from stochnet.storage import (
    bundle_digest,
    raster_digest,
    raster_writer,
    read_kind,
    stored_digest,
    summary_digest,
)  # fmt: skip
from stochnet.testing import rasters
from tests.golden import make
from tests.support import GOLDEN

ARRAYS = ("conditions", "training_labels", "stimuli")


def same(one, other):
    assert one.shape == other.shape
    assert one.layers == other.layers
    assert one.schedule == other.schedule
    assert repr(one.bin_width) == repr(other.bin_width)
    np.testing.assert_array_equal(one.to_dense(), other.to_dense())
    for name in ARRAYS:
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        assert a is None or (a.dtype == b.dtype and np.array_equal(a, b))


@given(raster=rasters())
def test_rasters_come_back(raster):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raster.h5"
        sn.write_raster(raster, path)
        again = sn.read_raster(path)
        same(again, raster)
        same(again.block(slice(0, 1)), raster.block(slice(0, 1)))
        assert sn.verify(path) == (raster_digest(raster), True)
        assert stored_digest(path) == raster_digest(raster) == raster_digest(again)


@pytest.mark.parametrize("highest", [1, 300])
def test_everything_of_a_raster_comes_back(highest, tmp_path):
    raster = make.raster(highest)
    sn.write_raster(raster, tmp_path / "raster.h5")
    again = sn.read_raster(tmp_path / "raster.h5")
    same(again, raster)
    assert again.provenance == raster.provenance
    assert read_kind(tmp_path / "raster.h5") == "stochnet-raster"


def test_a_seed_of_any_size_comes_back_and_draws_the_same(tmp_path):
    bundle = sn.Bundle.from_params("bernoulli", {"p": [0.5]})
    for seed in (0, 2**63 - 1, 2**63, 2**64 - 1):
        path = tmp_path / "raster.h5"
        raster = sn.simulate(bundle, 2, 99, seed=seed, path=path)
        assert raster.provenance["seed"] == seed
        again = sn.simulate(bundle, 2, 99, seed=raster.provenance["seed"])
        assert raster_digest(again) == raster_digest(raster)


@pytest.mark.parametrize("name", ["raster-v1", "counts-v1", "bundle-v1", "summary-v1"])
def test_golden_files_of_version_1_are_read(name):
    path = f"{GOLDEN}/{name}.h5"
    if name == "bundle-v1":
        bundle, digest = sn.read_bundle(path), bundle_digest(make.bundle())
        assert bundle_digest(bundle) == digest
        assert [fit.process.name for fit in bundle.fits] == ["bernoulli", "beta_bernoulli"]
        assert np.isinf(bundle.fits[1].standard_errors["rho"]).all()
        assert sn.simulate(bundle, seed=1).shape == (7, 3, 70)
    elif name == "summary-v1":
        summary, digest = sn.read_summary(path), summary_digest(make.summary())
        assert summary_digest(summary) == digest
        assert summary.provenance == make.raster().provenance
        expected = sn.fit(make.raster(300), "poisson", per_condition=True)
        found = sn.fit(summary, "poisson", per_condition=True)
        np.testing.assert_array_equal(found.log_likelihood, expected.log_likelihood)
    else:
        expected = make.raster(1 if name == "raster-v1" else 300)
        same(sn.read_raster(path), expected)
        assert sn.read_raster(path).provenance == expected.provenance
        digest = raster_digest(expected)
    assert sn.verify(path) == (digest, True)


# Digests are part of the format: these stand in the golden files, and are repeated here.
DIGESTS = {
    "raster-v1": "4b21512075e2dae13e9b7b78f542262b676659ae96d43f25f1b4cca5cfe7d054",
    "counts-v1": "245866a024b6ee8971a0b478c810e15239531bb2e65bfe3b9115cfefc0641e33",
    "summary-v1": "e0b077eaebf3b9d63dcb68de74e740932df79ff372762e78da311d23440bc94e",
    "bundle-v1": "84edeed573ce7c38cda397501e24524b8d6daf711b5ba1d351b7490bb6de998f",
    "correlated-bundle-v1": "bed684e54d63ec658c72f072e87a93c771def1db5956ee757548f7475f8ebb73",
    "populations-bundle-v1": "cd89329859e5260f4aa8522df4efb5a151356a2c10c9188fd6db67e0e4c26b55",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_content_digests_never_change(name):
    assert stored_digest(f"{GOLDEN}/{name}.h5") == f"sha256:{DIGESTS[name]}"


def test_the_golden_latents_of_version_1_are_read():
    bundle, expected = sn.read_bundle(f"{GOLDEN}/correlated-bundle-v1.h5"), make.correlated()
    for name in ("loadings", "mixing", "trial"):
        np.testing.assert_array_equal(
            getattr(bundle.latents, name), getattr(expected.latents, name)
        )
    assert bundle_digest(bundle) == bundle_digest(expected)
    assert sn.verify(f"{GOLDEN}/correlated-bundle-v1.h5") == (bundle_digest(expected), True)
    assert bundle_digest(bundle) != bundle_digest(replace(bundle, latents=None))


def test_the_golden_population_laws_of_version_1_are_read():
    bundle, expected = sn.read_bundle(f"{GOLDEN}/populations-bundle-v1.h5"), make.laws()
    assert bundle_digest(bundle) == bundle_digest(expected)
    assert sn.verify(f"{GOLDEN}/populations-bundle-v1.h5") == (bundle_digest(expected), True)
    assert bundle_digest(bundle) != bundle_digest(replace(bundle, populations=()))
    conv, dead = bundle.populations
    assert (conv.columns, conv.dead, conv.kernel.bandwidth) == (("p[0]", "p[1]"), 0.25, 0.375)
    assert [one.family for one in conv.margins] == ["logit-normal", "table"]
    assert (dead.dead, dead.margins) == (1.0, ())
    assert (bundle.resample(40, rng=1, law="parametric").fits[0].params["p"][-17:] == 0).all()


def test_digests_tell_content_and_not_how_it_was_made(rng, tmp_path, request):
    dense = rng.random((9, 2, 130)) < 0.3
    raster = sn.SpikeRaster.from_dense(dense)
    digest = raster_digest(raster)
    assert raster_digest(sn.SpikeRaster.from_dense(dense.astype(float))) == digest
    times = [np.flatnonzero(row) * 1.0 for row in dense[:, 0]]
    one = sn.SpikeRaster.from_spike_times(times, bin_width=1.0, n_bins=130)
    assert raster_digest(one) == raster_digest(
        sn.SpikeRaster.from_dense(dense[:, :1], bin_width=1.0)
    )
    request.getfixturevalue("tiny_blocks")
    assert raster_digest(raster) == digest
    sn.write_raster(raster, tmp_path / "tiny.h5")
    assert sn.verify(tmp_path / "tiny.h5")[0] == digest
    others = [
        sn.SpikeRaster.from_dense(~dense), sn.SpikeRaster.from_dense(dense[:, :, :129]),
        sn.SpikeRaster.from_dense(dense, bin_width=1.0), sn.SpikeRaster.from_dense(dense[::-1]),
        sn.SpikeRaster.from_dense(dense, schedule="shuffled"),
        sn.SpikeRaster.from_dense(dense, conditions=np.zeros((2, 130), int)),
        sn.SpikeRaster.from_dense(dense, layers=(sn.Layer("a", "ReLU", (9,), 0, 9),)),
    ]  # fmt: skip
    assert len({digest, *map(raster_digest, others)}) == len(others) + 1


@pytest.mark.parametrize("words", [1, 2, 3, 7])
def test_writing_by_columns_equals_writing_by_rows(words, rng, tmp_path):
    raster = sn.SpikeRaster.from_dense(rng.random((70, 1, 400)) < 0.3)
    path = tmp_path / "columns.h5"
    with raster_writer(path, raster, words_per_write=words) as writer:
        for first in range(0, raster.data.shape[2], words):
            writer.write_words(first, raster.data[:, :, first : first + words])
    same(writer.raster, raster)
    assert sn.verify(path) == (raster_digest(raster), True)


def test_nodes_are_read_lazily_and_a_replaced_file_is_noticed(rng, tmp_path):
    path = tmp_path / "raster.h5"
    sn.write_raster(sn.SpikeRaster.from_dense(rng.random((5, 2, 70)) < 0.5), path)
    lazy = sn.read_raster(path)
    lazy.to_dense()
    sn.write_raster(sn.SpikeRaster.from_dense(rng.random((5, 2, 70)) < 0.5), path)
    with pytest.raises(FileFormatError, match=r"was replaced since it was opened; read it again"):
        lazy.to_dense()
    path.unlink()
    with pytest.raises(FileFormatError, match="is gone"):
        lazy.block(slice(0, 1))


def write_some(raster, path, first, failure):
    with raster_writer(path, raster) as writer:
        writer.write(first, raster.data[first : first + 2])
        if failure:
            raise ZeroDivisionError


def test_a_failing_writer_leaves_nothing_and_keeps_the_old_file(rng, tmp_path, leftovers):
    path = tmp_path / "raster.h5"
    raster = sn.SpikeRaster.from_dense(rng.random((5, 2, 70)) < 0.5)
    sn.write_raster(raster, path)
    old = path.read_bytes()
    for first, failure, error in (
        (0, True, ZeroDivisionError),
        (0, False, InvalidInputError),
        (3, False, InvalidInputError),
    ):
        with pytest.raises(error) as caught:
            write_some(raster, path, first, failure)
        assert failure or str(caught.value).startswith(
            "node 0 comes next, not 3" if first else "2 of 5 nodes were written"
        )
    assert leftovers() == []
    assert path.read_bytes() == old


def test_what_cannot_be_read_back_is_not_published(rng, tmp_path, monkeypatch, leftovers):
    raster = sn.SpikeRaster.from_dense(rng.random((5, 2, 70)) < 0.5)
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, bytes(len(data)), at))
    with pytest.raises(FileFormatError, match="cannot be read back; disk full"):
        sn.write_raster(raster, tmp_path / "raster.h5")
    assert list(tmp_path.iterdir()) == leftovers() == []


def test_targets_that_cannot_be_written_are_refused_at_once(rng, tmp_path, monkeypatch):
    raster = sn.SpikeRaster.from_dense(rng.random((5, 2, 70)) < 0.5)
    bundle = sn.fit_bundle(raster, "bernoulli")
    for write, thing in ((sn.write_raster, raster), (sn.write_bundle, bundle)):
        with pytest.raises(InvalidInputError, match="does not exist; make it first"):
            write(thing, tmp_path / "missing" / "x.h5")
        with pytest.raises(InvalidInputError, match="is a folder"):
            write(thing, tmp_path)
    # Whoever runs the tests may be allowed to write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(InvalidInputError, match="is not writable; choose another"):
        sn.simulate(bundle, seed=1, path=tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path, leftovers):
    living = Part.create(tmp_path / "x[1].h5")
    living.path.touch()
    kept = {living.path.name, living.path.with_suffix(".journal").name}
    names = {
        ".x[1].h5.0123456789abcdef.part": False,
        ".x[1].h5.0123456789abcdef.journal": False,
        ".x[1].h5.1123456789abcdef.part": False,
        ".x[1].h5.2123456789abcdef.journal": False,
        ".y.h5.0123456789abcdef.part": True,
        ".x[1].h5.note.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    kept |= {name for name, stays in names.items() if stays}
    with publish(tmp_path / "x[1].h5") as part:
        part.write_bytes(b"whole")
    assert (tmp_path / "x[1].h5").read_bytes() == b"whole"
    assert leftovers() == sorted(kept)
    living.discard()


def test_a_lock_ends_with_its_owner_and_is_not_passed_on_to_forked_children(tmp_path):
    part = Part.create(tmp_path / "x.h5")
    journal = part.path.with_suffix(".journal")
    assert Part.take_over(journal) is None
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))
    child.start()
    part.let_go()
    try:
        # The child has the descriptor for a moment, until it runs.
        for _ in range(100):
            taken = Part.take_over(journal)
            if taken is not None:
                break
            time.sleep(0.05)
        assert taken is not None
        taken.discard()
    finally:
        child.kill()
        child.join()
    assert list(tmp_path.iterdir()) == []
