"""Windows as bins: against dense reshapes, in blocks, in files and on the command line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.storage import raster_digest
from stochnet.testing import rasters
from tests.support.commands import run


def reshaped(array, window):
    """Cut (…, bin) into (…, full window, bin of the window)."""
    full = array.shape[-1] // window
    return array[..., : full * window].reshape(*array.shape[:-1], full, window)


def naive_labels(labels, window):
    """Label of every full window, one after the other."""
    return [
        [row[0] if len(set(row.tolist())) == 1 else -1 for row in reshaped(trial, window)]
        for trial in labels
    ]


@given(data=st.data())
def test_a_rebinned_raster_is_the_dense_sum_over_windows(data):
    raster = data.draw(rasters())
    window = data.draw(st.integers(1, raster.n_bins))
    found = sn.rebin(raster, window)
    expected = reshaped(raster.to_dense().astype(int), window).sum(axis=-1)
    np.testing.assert_array_equal(found.to_dense(), expected)
    assert found.kind == "counts"
    assert found.layers == raster.layers
    if raster.conditions is None:
        assert found.conditions is None
    else:
        assert found.conditions.tolist() == naive_labels(raster.conditions, window)


def labelled(n_bins=12):
    """Two trials whose classes change, in part, inside windows of 4 bins."""
    conditions = np.repeat([[0, 1, 2], [2, -1, 0]], 4, axis=1)
    conditions[0, 5] = 2
    dense = np.arange(3 * 2 * n_bins).reshape(3, 2, n_bins) % 2
    return sn.SpikeRaster.from_dense(
        dense, conditions=conditions, bin_width=0.002, schedule="blocked",
        stimuli=np.arange(2 * n_bins).reshape(2, n_bins),
    )  # fmt: skip


def test_labels_are_kept_where_a_window_has_one():
    found = sn.rebin(labelled(), 4)
    assert found.conditions.tolist() == [[0, -1, 2], [2, -1, 0]]
    assert (found.stimuli == -1).all()
    assert found.bin_width == pytest.approx(0.008)
    assert found.schedule == "blocked"
    assert found.provenance["window"] == 4
    assert "source" in found.provenance


def test_training_labels_are_kept_alike():
    raster = labelled()
    trained = sn.SpikeRaster(
        raster.data, raster.n_bins, conditions=raster.conditions, training_labels=raster.conditions
    )
    found = sn.rebin(trained, 4)
    np.testing.assert_array_equal(found.training_labels, found.conditions)


def test_windows_of_one_bin_change_nothing_but_the_kind():
    raster = labelled()
    found = sn.rebin(raster, 1)
    np.testing.assert_array_equal(found.to_dense(), raster.to_dense())
    for name in ("conditions", "stimuli"):
        np.testing.assert_array_equal(getattr(found, name), getattr(raster, name))
    assert found.kind == "counts"


def test_bins_after_the_last_window_are_left_out():
    found = sn.rebin(sn.SpikeRaster.from_dense(np.ones((1, 2, 11), int)), 4)
    assert found.shape == (1, 2, 2)
    assert (found.to_dense() == 4).all()


@pytest.mark.parametrize(("largest", "dtype"), [(255, np.uint8), (256, np.uint16)])
def test_the_type_is_the_smallest_that_holds_the_counts(largest, dtype):
    """300 bins are 255 or 256 spikes in one window, and fewer in the others."""
    dense = np.zeros((2, 1, 900), int)
    dense[1, 0, 300 : 300 + largest] = 1
    for array in (dense, dense * np.eye(2, 1, -1, dtype=int)[:, :, None]):
        found = sn.rebin(sn.SpikeRaster.from_dense(array), 300)
        assert found.data.dtype == dtype
        assert found.to_dense()[1, 0].tolist() == [0, largest, 0]


def test_counts_beyond_what_a_bin_holds_are_refused(tmp_path):
    raster = sn.SpikeRaster.from_dense(np.full((1, 1, 4), 40_000))
    assert (sn.rebin(raster, 1).to_dense() == 40_000).all()
    with pytest.raises(sn.StochnetError, match=r"80,000 spikes.*smaller window"):
        sn.rebin(raster, 2, path=tmp_path / "counts.h5")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("window", [0, 13, 2.5])
def test_windows_that_do_not_fit_are_refused(window):
    with pytest.raises(sn.StochnetError, match="1 to 12 bins"):
        sn.rebin(labelled(), window)


@pytest.mark.parametrize("counts", [False, True])
def test_blocks_and_files_do_not_matter(counts, rng, tmp_path, request):
    dense = rng.random((7, 3, 900)) < 0.9
    raster = sn.SpikeRaster.from_dense(dense * (rng.integers(1, 9, dense.shape) if counts else 1))
    sn.write_raster(raster, tmp_path / "raster.h5")
    expected = raster_digest(sn.rebin(raster, 290))
    request.getfixturevalue("tiny_blocks")
    seen = []
    lazy = sn.read_raster(tmp_path / "raster.h5")
    streamed = sn.rebin(lazy, 290, path=tmp_path / "out.h5", progress=lambda *a: seen.append(a))
    assert sn.verify(tmp_path / "out.h5")[0] == expected
    assert raster_digest(streamed) == expected
    assert raster_digest(sn.rebin(raster, 290)) == expected
    assert seen == [("rebin", done, 7) for done in range(1, 8)]


def test_window_counts_are_the_rebinned_counts(rng):
    raster = sn.SpikeRaster.from_dense(rng.random((4, 3, 100)) < 0.3)
    found = sn.rebin(raster, 9)
    np.testing.assert_array_equal(
        found.to_dense().reshape(4, -1), np.asarray(sn.window_counts(raster, 9))
    )


def test_the_command_rebins_a_file(tmp_path, capfd):
    sn.write_raster(labelled(), tmp_path / "raster.h5")
    out = tmp_path / "out.h5"
    assert run("rebin", tmp_path / "raster.h5", "--window", 4, "-o", out) == 0
    assert raster_digest(sn.read_raster(out)) == raster_digest(sn.rebin(labelled(), 4))
    assert "3 nodes × 2 trials × 3 bins" in capfd.readouterr().err
    assert run("rebin", tmp_path / "raster.h5", "-w", 13, "-o", tmp_path / "x.h5") == 2
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert "1 to 12 bins" in stderr
    assert not (tmp_path / "x.h5").exists()
