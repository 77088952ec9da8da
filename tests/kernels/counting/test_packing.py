import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stochnet.kernels.counting.packing import pack_above, transpose_packed
from stochnet.raster import packing as plain
from stochnet.recording.networks.thresholds import pack_nodes


def expected(spikes, first_bit):
    """Node-major words of (stimulus, node) truth values, by NumPy alone."""
    shifted = np.zeros((spikes.shape[1], first_bit + len(spikes)), bool)
    shifted[:, first_bit:] = spikes.T
    return plain.pack(shifted)


@settings(deadline=None, max_examples=80)
@given(
    st.data(),
    st.integers(1, 150),
    st.integers(1, 90),
    st.integers(0, 130),
    st.sampled_from([np.float32, np.float64, np.bool_]),
)
def test_activations_to_words(data, n_stimuli, n_nodes, first_bit, dtype):
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    # Few distinct values, so that many lie on the threshold.
    rows = rng.integers(-2, 3, (n_stimuli, n_nodes)).astype(dtype)
    if dtype is not np.bool_:
        special = data.draw(st.sampled_from([np.inf, -np.inf, -0.0, 1e-45]))
        rows[rng.integers(n_stimuli), rng.integers(n_nodes)] = special
    threshold = data.draw(st.sampled_from([0.0, 1.0, -1.0])) if dtype is not np.bool_ else 0.0
    words = np.zeros((n_nodes, plain.n_words(first_bit + n_stimuli) + 1), np.uint64)
    assert pack_above(rows, threshold, words, first_bit) is False
    np.testing.assert_array_equal(words[:, :-1], expected(rows > threshold, first_bit))
    assert not words[:, -1].any()


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 140), st.integers(1, 140))), st.integers(0, 70)
)
def test_packed_on_a_device_and_transposed(spikes, first_bit):
    packed = pack_nodes(torch.from_numpy(spikes)).numpy()
    words = np.zeros((spikes.shape[1], plain.n_words(first_bit + len(spikes))), np.uint64)
    transpose_packed(packed, words, first_bit)
    np.testing.assert_array_equal(words, expected(spikes, first_bit))


@pytest.mark.parametrize("row", [0, 7, 8, 63, 64, 99])
@pytest.mark.parametrize("node", [0, 1023, 1024, 2000])
def test_a_nan_is_seen_and_is_no_spike(row, node):
    rows = np.ones((100, 2001), np.float32)
    rows[row, node] = np.nan
    words = np.zeros((2001, 2), np.uint64)
    assert pack_above(rows, 0.0, words) is True
    np.testing.assert_array_equal(words, expected(rows > 0, 0))


def test_batches_join_at_any_bit_and_threads_do_not_matter():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((300, 130_000), dtype=np.float32)
    whole = np.zeros((rows.shape[1], 5), np.uint64)
    pieces = np.zeros_like(whole)
    pack_above(rows, 0.5, whole, threads=2)
    for start in range(0, 300, 77):
        pack_above(rows[start : start + 77], 0.5, pieces, start, threads=1)
    np.testing.assert_array_equal(whole, pieces)
    np.testing.assert_array_equal(whole[::1000], expected(rows[:, ::1000] > np.float32(0.5), 0))


def test_the_threshold_is_compared_in_the_type_of_the_activation():
    rows = np.array([[np.float32(0.1)], [np.nextafter(np.float32(0.1), np.float32(1))]])
    words = np.zeros((1, 1), np.uint64)
    pack_above(rows, 0.1, words)
    assert words[0, 0] == 2
    assert (torch.from_numpy(rows) > 0.1).flatten().tolist() == [False, True]


def test_words_that_do_not_fit_are_refused():
    rows = np.zeros((65, 3), np.float32)
    for words, bit in (
        (np.zeros((3, 1), np.uint64), 0),
        (np.zeros((2, 2), np.uint64), 0),
        (np.zeros((3, 2), np.uint64), 64),
    ):
        with pytest.raises(ValueError, match="do not hold"):
            pack_above(rows, 0, words, bit)
    with pytest.raises(ValueError, match="take 8 bytes"):
        transpose_packed(np.zeros((4, 16), np.uint8), np.zeros((3, 1), np.uint64))
