"""SpikeRaster: what goes in comes out, and what cannot be is refused with advice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.raster import packing
from stochnet.testing import dense, rasters


@given(dense())
def test_dense_arrays_come_back(array):
    raster = sn.SpikeRaster.from_dense(array)
    assert raster.shape == array.shape
    assert raster.kind == ("spikes" if array.max() <= 1 else "counts")
    np.testing.assert_array_equal(raster.to_dense(), array)
    np.testing.assert_array_equal(raster.to_dense(slice(1, None)), array[1:])


@given(dense(counts=False))
def test_bits_lie_where_the_format_says(array):
    words = sn.SpikeRaster.from_dense(array.astype(bool)).data
    n_bins = array.shape[2]
    assert words.shape[2] == -(-n_bins // 64)
    for node, trial, t in np.ndindex(*array.shape[:2], words.shape[2] * 64):
        bit = int(words[node, trial, t // 64]) >> (t % 64) & 1
        assert bit == (array[node, trial, t] if t < n_bins else 0)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.uint64, float, np.float32])
def test_all_number_types_are_taken(dtype):
    array = np.array([[[0, 1, 1, 0]]]).astype(dtype)
    np.testing.assert_array_equal(sn.SpikeRaster.from_dense(array).to_dense(), array)


@pytest.mark.parametrize(
    ("highest", "dtype"), [(2, np.uint8), (255, np.uint8), (256, np.uint16), (65535, np.uint16)]
)
def test_counts_take_the_smallest_type_that_holds_them(highest, dtype):
    assert sn.SpikeRaster.from_dense([[[0, highest]]]).data.dtype == dtype


def test_two_axes_are_one_trial():
    assert sn.SpikeRaster.from_dense(np.ones((3, 5), int)).shape == (3, 1, 5)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(3, int), r"\(node, trial, bin\)"),
        (np.ones((1, 1, 1, 1), int), r"\(node, trial, bin\)"),
        (np.ones((0, 1, 1), int), "at least one of each"),
        (np.ones((1, 1, 0), int), "at least one of each"),
        ([[[0, -1]]], "0 to 65535"),
        ([[[0, 65536]]], "0 to 65535"),
        ([[[0, 0.5]]], "threshold activations first"),
        ([[[0, np.nan]]], "threshold activations first"),
        ([[[0, np.inf]]], "threshold activations first"),
        ([[["a", "b"]]], "must hold bool or whole numbers, got texts"),
    ],
)
def test_arrays_that_are_no_counts_are_refused(array, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.SpikeRaster.from_dense(array)


@given(st.data())
def test_spike_times_come_back(data):
    array = data.draw(dense(n_trials=1))
    width = data.draw(st.sampled_from([1e-3, 0.1, 0.05, 7.0]))
    raster = sn.SpikeRaster.from_dense(array, bin_width=width)
    times = [raster.spike_times(node) for node in range(raster.n_nodes)]
    again = sn.SpikeRaster.from_spike_times(times, bin_width=width, n_bins=raster.n_bins) if any(
        map(len, times)
    ) else raster  # fmt: skip
    np.testing.assert_array_equal(again.to_dense(), array)


def test_spike_times_without_a_bin_width_are_numbers_of_bins():
    raster = sn.SpikeRaster.from_dense([[[0, 1, 2]], [[0, 0, 1]]])
    assert raster.spike_times(0).tolist() == [1.0, 2.0, 2.0]
    for node, trial in ((2, 0), (-1, 0), (0, 1)):
        with pytest.raises(sn.StochnetError, match="must be a whole number from 0 to"):
            raster.spike_times(node, trial)


def test_spikes_outside_are_left_out_and_counted():
    raster = sn.SpikeRaster.from_spike_times(
        [[3.0, 0.5, -0.1], [], [2.999]], bin_width=1.0, n_bins=3
    )
    np.testing.assert_array_equal(raster.to_dense()[:, 0], [[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert raster.provenance["spikes_outside"] == 2
    assert raster.bin_width == 1.0


@pytest.mark.parametrize(
    ("times", "options", "message"),
    [
        ([[1.0, np.nan]], {}, "node 0: a spike time is not finite"),
        ([[1.0], [np.inf]], {}, "node 1: a spike time is not finite"),
        ([[100.0, 2500.0]], {}, "in seconds: check their units"),
        ([], {}, "one array of seconds per node"),
        ([[0.5]], {"bin_width": 0.0}, "positive seconds"),
        ([[0.5]], {"bin_width": np.nan}, "positive seconds"),
        ([[0.5]], {"n_bins": 0}, "from 1 to"),
    ],
)
def test_times_that_cannot_be_binned_are_refused(times, options, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.SpikeRaster.from_spike_times(times, **({"bin_width": 0.1, "n_bins": 10} | options))


@pytest.mark.parametrize("width", [0.0, -1.0, np.inf])
def test_a_bin_width_is_positive_seconds(width):
    with pytest.raises(sn.StochnetError, match="bin_width must be positive seconds"):
        sn.SpikeRaster.from_dense([[[1]]], bin_width=width)


LAYERS = (
    sn.Layer("conv", "ReLU", (2, 1, 3), 0, 6),
    sn.Layer("relu:1", "ReLU", (3,), 6, 3),
    sn.Layer("out", "ReLU", (1,), 9, 1),
)


def layered(rng):
    return sn.SpikeRaster.from_dense(rng.random((10, 3, 70)) < 0.5, layers=LAYERS)


def test_layers_are_found_by_name(rng):
    raster = layered(rng)
    part = raster.layer("relu:1")
    np.testing.assert_array_equal(part.to_dense(), raster.to_dense()[6:9])
    assert part.layers == (sn.Layer("relu:1", "ReLU", (3,), 0, 3),)
    with pytest.raises(sn.StochnetError, match=r"no layer 'fc'; there are \['conv', 'relu:1'"):
        raster.layer("fc")


def test_without_layers_there_is_one_of_all_nodes():
    raster = sn.SpikeRaster.from_dense(np.ones((4, 1, 2), int))
    assert raster.layers == (sn.Layer("nodes", "nodes", (4,), 0, 4),)


@given(st.integers(0, 9), st.integers(1, 10))
def test_a_block_is_a_raster_of_its_own(start, length):
    raster = layered(np.random.default_rng(0))
    stop = min(start + length, 10)
    block = raster.block(slice(start, stop))
    np.testing.assert_array_equal(block.to_dense(), raster.to_dense()[start:stop])
    assert sum(layer.n_nodes for layer in block.layers) == stop - start
    for layer in block.layers:
        whole = next(one for one in LAYERS if one.name == layer.name)
        # A layer that is cut loses its shape, one that is whole keeps it.
        assert layer.shape == (whole.shape if layer.n_nodes == whole.n_nodes else (layer.n_nodes,))


@given(rasters(), st.integers(1, 5000))
def test_blocks_cover_all_nodes_in_order(raster, max_bytes):
    parts = list(raster.blocks(max_bytes))
    assert [first for first, _ in parts] == np.cumsum(
        [0, *(block.n_nodes for _, block in parts[:-1])]
    ).tolist()
    for _, block in parts:
        assert block.n_nodes == 1 or block.n_nodes * block.node_bytes <= max_bytes
    joined = np.concatenate([block.to_dense() for _, block in parts])
    np.testing.assert_array_equal(joined, raster.to_dense())


@given(rasters(n_conditions=3))
def test_trials_take_their_conditions_along(raster):
    for cut in (slice(0, 1), slice(None, None, 2), slice(None, None, -1)):
        part = raster.trials(cut)
        np.testing.assert_array_equal(part.to_dense(), raster.to_dense()[:, cut])
        np.testing.assert_array_equal(part.conditions, raster.conditions[cut])
    with pytest.raises(sn.StochnetError, match="no trial"):
        raster.trials(slice(raster.n_trials, None))


def test_empty_and_stepped_slices_of_nodes_are_refused(rng):
    for nodes in (slice(3, 3), slice(10, None), slice(0, 4, 2)):
        with pytest.raises(sn.StochnetError, match="slice of step 1"):
            layered(rng).block(nodes)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("a", (2,), 0, 2)], "the layers hold 2 nodes, the raster 4"),
        ([("a", (2,), 0, 2), ("b", (2,), 3, 2)], "'b' must start at node 2"),
        ([("a", (3,), 0, 4)], r"its shape \(3,\) must hold its 4 nodes"),
        ([("a", (2,), 0, 2), ("a", (2,), 2, 2)], "same name"),
        ([("a", (0,), 0, 0), ("b", (4,), 0, 4)], "'a' must start"),
    ],
)
def test_layers_must_partition_the_nodes(layers, message):
    table = [sn.Layer(name, "ReLU", *rest) for name, *rest in layers]
    with pytest.raises(sn.StochnetError, match=message):
        sn.SpikeRaster.from_dense(np.ones((4, 1, 3), int), layers=table)
    with pytest.raises(sn.StochnetError, match=message):
        sn.Bundle.from_params("bernoulli", {"p": np.ones(4)}, layers=table)


@pytest.mark.parametrize("name", ["conditions", "training_labels", "stimuli"])
def test_numbers_of_bins_are_checked(name):
    data = packing.pack(np.ones((2, 3, 5), bool))

    def make(values):
        return sn.SpikeRaster(data, 5, **{name: values})

    np.testing.assert_array_equal(getattr(make(np.arange(5)), name), np.tile(np.arange(5), (3, 1)))
    for bad in (np.zeros((5, 3), int), np.zeros(4, int)):
        with pytest.raises(sn.StochnetError, match=rf"{name} must have shape \(trial, bin\)"):
            make(bad)
    for bad in (np.full((3, 5), -2), np.zeros((3, 5)), np.full((3, 5), 2**63, np.uint64)):
        with pytest.raises(sn.StochnetError, match=f"{name} must be integers from -1"):
            make(bad)


@pytest.mark.parametrize(
    ("data", "n_bins"),
    [
        (np.zeros((2, 1, 2), np.uint64), 64),
        (np.zeros((2, 1, 1), np.uint64), 65),
        (np.zeros((2, 1, 5), np.uint8), 6),
        (np.zeros((2, 1, 5), np.int64), 5),
        (np.zeros((2, 1), np.uint64), 5),
        (np.zeros((2, 1, 5), np.uint8), 0),
    ],
)
def test_data_of_another_shape_or_type_is_refused(data, n_bins):
    with pytest.raises(sn.StochnetError):
        sn.SpikeRaster(data, n_bins)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(sn.StochnetError, match="schedule must be one of"):
        sn.SpikeRaster.from_dense([[[1]]], schedule="random")


def test_the_retinal_neuron_has_the_printed_numbers(shared):
    """Kramer and Eden, Case Studies in Neural Data Analysis: rate, and Fano of 50 ms counts."""
    from scipy.io import loadmat

    times = loadmat(shared / "retinal-spikes" / "08_spikes-1.mat")
    low = sn.SpikeRaster.from_spike_times([times["SpikesLow"]], bin_width=0.05, n_bins=600)
    counts = low.to_dense()[0, 0, :599]
    assert len(np.ravel(times["SpikesLow"])) == 750
    assert counts.var() / counts.mean() == pytest.approx(0.7164927285225824, rel=1e-12)
