"""Spike times: bin k begins with k·bin_width however that was computed; tables are no trains."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import io, sparse

import stochnet as sn

# Ways in which users arrive at the beginning of bin k: with (k, width, 1 / width).
WAYS = {
    "product": lambda k, width, per: k * width,
    "quotient": lambda k, width, per: k / per,
    "sampled at 30 kHz": lambda k, width, per: np.rint(k * 30000 / per) / 30000,
    "in milliseconds": lambda k, width, per: (k * width * 1000.0) / 1000.0,
    "added twice": lambda k, width, per: (k // 2) * width + (k - k // 2) * width,
    "decimal text": lambda k, width, per: np.array([float(f"{x:.6f}") for x in k / per]),
}


def bins(times, width, n_bins, start=0.0):
    raster = sn.SpikeRaster.from_spike_times([times], bin_width=width, n_bins=n_bins, start=start)
    return raster.to_dense()[0, 0], raster.provenance


def test_a_time_of_0_3_s_is_in_bin_3_of_bins_of_0_1_s():
    """0.3 / 0.1 is 2.9999999999999996 in floating point."""
    counts, facts = bins([0.3], 0.1, 5)
    assert np.flatnonzero(counts).tolist() == [3]
    assert facts["spikes_on_edges"] == 1


def test_milliseconds_fall_each_into_its_bin():
    """In floating point 53,062 of them lie below the edge 0.001·k."""
    counts, facts = bins(np.arange(200_000) / 1000, 0.001, 200_000)
    assert (counts == 1).all()
    assert facts == {"spikes_outside": 0, "spikes_on_edges": 200_000}


def test_samples_of_30_khz_fall_into_the_millisecond_of_whole_numbers():
    k = np.arange(3_000_000)
    counts, facts = bins(k / 30000, 0.001, 100_000)
    np.testing.assert_array_equal(counts, np.bincount(k // 30))
    assert facts["spikes_on_edges"] == 100_000


@pytest.mark.parametrize("way", WAYS)
@given(
    st.lists(st.integers(0, 50_000), min_size=1, max_size=30, unique=True),
    st.sampled_from([1, 2, 10, 20, 50, 100, 250, 1000, 2000]),
)
def test_the_beginning_of_bin_k_is_in_bin_k(way, which, per):
    if way == "sampled at 30 kHz" and 30000 % per:
        return
    k = np.sort(which)
    counts, facts = bins(WAYS[way](k, 1 / per, per), 1 / per, int(k.max()) + 1)
    np.testing.assert_array_equal(np.flatnonzero(counts), np.sort(k))
    assert facts["spikes_on_edges"] == len(k)


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=30, unique=True),
    st.sampled_from([-1e6, -3.7, 0.1, 0.15, 1234.567, 1e6]),
    st.sampled_from([0.001, 0.002, 0.05, 0.1]),
)
def test_a_start_moves_the_edges(which, start, width):
    k = np.sort(which)
    counts, _ = bins(start + k * width, width, 5001, start)
    np.testing.assert_array_equal(np.flatnonzero(counts), np.sort(k))


def test_bins_are_right_a_million_seconds_in():
    """There a double has steps of 1.2e-10 s: more than 1e-8 of a bin of 1 ms."""
    n = 10_000
    times = (1_000_000_000 + np.arange(n)) / 1000
    for start, first in ((1e6, 0), (999_999.0, 1000)):
        counts, facts = bins(times, 0.001, n + first, start)
        np.testing.assert_array_equal(np.flatnonzero(counts), first + np.arange(n))
        assert facts["spikes_on_edges"] == n


def test_the_end_edge_is_outside_and_the_first_one_inside():
    counts, facts = bins([0.1 * 3, 0.3, 0.0, -1e-18], 0.1, 3)
    assert counts.tolist() == [2, 0, 0]
    assert facts == {"spikes_outside": 2, "spikes_on_edges": 4}


def test_times_off_the_edge_stay_where_they_are():
    """1e-8 of a bin on either side is the edge (as elephant has it), 1e-6 is not."""
    below = np.array([0.05 - 1e-9 * 0.01, 0.05 - 1e-6 * 0.01])
    counts, facts = bins(below, 0.01, 10)
    assert np.flatnonzero(counts).tolist() == [4, 5]
    assert facts["spikes_on_edges"] == 1


def test_times_in_single_precision_stand_on_edges_of_their_own_steps():
    k = np.arange(20_000)
    counts, _ = bins((k / 1000).astype(np.float32), 0.001, 20_000)
    assert (counts == 1).all()
    with pytest.raises(sn.StochnetError, match=r"float32, which is too coarse for bins of 0.001 s"):
        bins(np.array([3600.001], np.float32), 0.001, 4_000_000)


@given(st.data())
def test_spikes_of_any_bins_come_back_from_their_times(data):
    width = data.draw(st.sampled_from([1e-3, 1 / 3, 0.1, 0.05, 7.0, 1 / 30000]))
    k = np.array(data.draw(st.lists(st.integers(0, 3000), min_size=1, max_size=40)))
    dense = np.bincount(k, minlength=3001)[None, None]
    raster = sn.SpikeRaster.from_dense(dense, bin_width=width)
    again = sn.SpikeRaster.from_spike_times(
        [raster.spike_times(0)], bin_width=width, n_bins=raster.n_bins
    )
    np.testing.assert_array_equal(again.to_dense(), dense)


def test_rebinned_times_come_back_too():
    """The width of a bin of 50 ms made of 1 ms ones is 0.05 up to rounding."""
    k = np.arange(0, 600, 7)
    fine = sn.SpikeRaster.from_spike_times([k / 1000], bin_width=0.001, n_bins=600)
    for window in (3, 7, 50):
        coarse = sn.rebin(fine, window)
        again = sn.SpikeRaster.from_spike_times(
            [coarse.spike_times(0)], bin_width=window / 1000, n_bins=coarse.n_bins
        )
        np.testing.assert_array_equal(again.to_dense(), coarse.to_dense())


def test_sizes_computed_from_seconds_are_whole_numbers_of_bins():
    """0.7 / 0.1 is 6.999999999999999, and was 6 bins."""
    raster = sn.SpikeRaster.from_spike_times([[0.65]], bin_width=0.1, n_bins=0.7 / 0.1)
    assert raster.n_bins == 7
    many = sn.SpikeRaster.from_dense(np.ones((1, 2, 60), int))
    assert sn.window_counts(many, 0.3 / 0.1).shape == (1, 40)
    assert sn.rebin(many, 0.3 / 0.1).n_bins == 20
    np.testing.assert_array_equal(sn.fano_factor(many, 0.3 / 0.1), sn.fano_factor(many, 3))


def test_a_retinal_neuron_has_the_numbers_of_its_book(shared):
    """Kramer & Eden, Case Studies in Neural Data Analysis, chapter 8: 25.0 Hz, Fano 0.7165 (50 ms).

    They count with numpy.histogram and ddof=0; there are no times on edges of 50 ms bins.
    """
    times = io.loadmat(shared / "retinal-spikes" / "08_spikes-1.mat")["SpikesLow"].ravel()
    raster = sn.SpikeRaster.from_spike_times([times], bin_width=0.05, n_bins=30 / 0.05)
    assert sn.firing_rate(raster, per="second") == pytest.approx(25.0, abs=0.05)
    # The book's edges, arange(0, 30, .05), end with 29.95 s: it has one bin less.
    counts = raster.to_dense()[0, 0].astype(int)[:-1]
    assert counts.var(ddof=0) / counts.mean() == pytest.approx(0.7164927285225824, rel=1e-12)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.array([0.1, 0.2]), r"each number would become a node.*\[times\]"),
        ([0.1, 0.2], "each number would become a node"),
        ({0: [0.1], 5: [0.2]}, r"list\(times.values\(\)\)"),
        ([[[0.1, 0.2], [0.3]]], "several arrays of times, of trials perhaps"),
        ([np.array([[0.1, 0.2], [0.3, 0.4]])], "several arrays of times"),
        ([np.array([True, False, True])], r"truth values: a mask picks times, times\[mask\]"),
        ([[0, 1, 1, 0, 1]], "all 0 or 1"),
        (np.array([[0.1, 0.2, 0.3], [0.4, 0.0, 0.0]]), "node 1 end with zeros"),
        (np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]]), "node 1 end with zeros"),
        ([[0.1, 0.2, 0.0]], "look like padding"),
        ([["0.1", "0.2"]], "got texts"),
        ([[0.1, None]], "got objects"),
        (["0.1"], "must be an array of seconds"),
        ("0.1", "give a list with one array"),
        ({0.1, 0.2}, "give a list with one array"),
        pytest.param(iter([[0.1]]), "give a list with one array", id="iterator"),
        (0.1, "give a list with one array"),
        ([np.array([1, 2], "m8[ms]")], r"divide by np.timedelta64\(1, 's'\)"),
        ([[0.1 + 0j]], "complex"),
        (sparse.csr_array(np.eye(3)), r"takes x.toarray\(\)"),
    ],
    ids=repr,
)
def test_what_is_no_list_of_trains_is_refused(times, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.SpikeRaster.from_spike_times(times, bin_width=0.1, n_bins=10)


def test_masked_times_are_no_spikes():
    times = np.ma.masked_array([[0.1, 0.2], [0.3, 9.0]], mask=[[0, 0], [0, 1]])
    raster = sn.SpikeRaster.from_spike_times(times, bin_width=0.1, n_bins=5)
    assert raster.to_dense()[:, 0].tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 1, 0]]


def test_vectors_of_matlab_are_trains():
    for train in (np.array([[0.1, 0.2]]), np.array([[0.1], [0.2]])):
        raster = sn.SpikeRaster.from_spike_times([train], bin_width=0.1, n_bins=3)
        assert raster.to_dense()[0, 0].tolist() == [0, 1, 1]


def test_unsorted_times_and_a_spike_at_0_are_taken():
    raster = sn.SpikeRaster.from_spike_times([[0.0, 0.2], [0.3, 0.1]], bin_width=0.1, n_bins=4)
    assert raster.to_dense()[:, 0].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bins": "5"}, "without quotes"),
        ({"n_bins": 5.7}, "whole number"),
        ({"n_bins": True}, "whole number"),
        ({"bin_width": "1ms"}, "plain number, as 0.001"),
        ({"bin_width": None}, "positive seconds"),
        ({"start": np.nan}, "finite number"),
        ({"start": "0"}, "without quotes"),
    ],
)
def test_numbers_beside_the_times_are_numbers(options, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.SpikeRaster.from_spike_times([[0.1]], **{"bin_width": 0.1, "n_bins": 10, **options})
