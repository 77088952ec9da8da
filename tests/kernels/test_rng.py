"""Random streams, version 1: known answers, vector lanes, gain levels, golden simulations.

The golden file tests/golden/streams-v1.json is part of the contract: it changes only together with
the stream version. `python -m tests.kernels.test_rng` prints it.
"""

import functools
import json
import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.kernels import rng
from stochnet.kernels.philox import lanes
from stochnet.storage import raster_digest
from stochnet.testing import seeds
from tests.golden import make
from tests.support import GOLDEN, naive, naive_latents

STREAMS = GOLDEN / "streams-v1.json"
WORDS = st.integers(0, 2**32 - 1)
KNOWN = {
    (0,) * 6: (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    (0xFFFFFFFF,) * 6: (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    # Random123's third vector: the digits of pi.
    (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0): (
        0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given_words", "expected"), KNOWN.items())
def test_philox_gives_the_known_answers(given_words, expected):
    assert tuple(map(int, rng.philox(*map(np.uint64, given_words)))) == expected
    assert naive.philox(given_words[:4], given_words[4:]) == expected


@given(st.tuples(*[WORDS] * 6))
def test_philox_equals_python_integers(words):
    assert tuple(map(int, rng.philox(*map(np.uint64, words)))) == naive.philox(words[:4], words[4:])


@functools.cache
def compiled_lanes(n):
    draw = lanes(n)

    @numba.njit
    def run(out, first, second, at, node, purpose, k0, k1):
        draw(out, 0, first, second, at, node, purpose, k0, k1)

    return run


@pytest.mark.parametrize("n", [8, 32])
@given(seed=st.integers(0, 2**32), at=st.integers(0, 7), rest=st.tuples(*[WORDS] * 4))
def test_vector_lanes_equal_the_scalar_function(n, seed, at, rest):
    words = np.random.default_rng(seed).integers(0, 2**32, (2, n + 7), np.uint64)
    out = np.zeros(2 * n, np.uint64)
    compiled_lanes(n)(out, words[0], words[1], at, *map(np.uint64, rest))
    for j in range(n):
        w = naive.philox((int(words[0, at + j]), int(words[1, at + j]), *rest[:2]), rest[2:])
        assert (int(out[2 * j]), int(out[2 * j + 1])) == (w[0] | w[1] << 32, w[2] | w[3] << 32)


@given(st.one_of(WORDS, st.integers(0, 2**26), st.integers(2**32 - 2**26, 2**32 - 1)))
def test_a_gain_level_holds_the_word_that_chose_it(word):
    level = int(rng.gain_level(np.uint64(word)))
    assert level == naive.gain_level(word)
    low, high = rng.gain_edges()
    assert low[level] <= word / 2**32 < high[level]


def test_gain_levels_cover_all_probability_once():
    low, high = rng.gain_edges()
    assert math.fsum(high - low) == 1.0
    used = np.flatnonzero(high > low)
    assert sorted(set(range(256)) - set(used.tolist())) == [0, 63, 127]
    order = used[np.argsort(low[used])]
    assert low[order[0]] == 0.0
    assert high[order[-1]] == 1.0
    np.testing.assert_array_equal(high[order[:-1]], low[order[1:]])


@given(st.integers(1, 60), seeds(), st.integers(0, 9), st.integers(0, 9))
def test_a_permutation_holds_every_item_once_and_follows_the_rule(n, seed, stream, repeat):
    order = rng.permutation(n, seed, stream, repeat)
    assert sorted(order.tolist()) == list(range(n))
    assert order.tolist() == naive.permutation(n, seed, stream, repeat)


def test_permutations_of_other_streams_and_repeats_differ():
    orders = [
        tuple(rng.permutation(40, seed, stream, repeat))
        for seed in (1, 2**32 + 1) for stream in (0, 1) for repeat in (0, 1)
    ]  # fmt: skip
    assert len(set(orders)) == len(orders)


def test_every_item_is_as_likely_at_every_place():
    """Chi-square over 81 cells of 20,000 permutations; fails by chance once in 10,000 seeds."""
    orders = np.array([rng.permutation(9, 5, 0, repeat) for repeat in range(20_000)])
    table = np.array([np.bincount(orders[:, place], minlength=9) for place in range(9)])
    expected = len(orders) / 9
    # 64 degrees of freedom: the upper 1e-4 quantile is 112.
    assert ((table - expected) ** 2 / expected).sum() < 112


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", True, np.float64(3), [1]])
def test_other_seeds_are_refused(seed):
    with pytest.raises(sn.StochnetError, match=r"from 0 to 2\*\*64 - 1"):
        rng.resolve_seed(seed)


def test_the_whole_range_of_seeds_is_used():
    assert rng.resolve_seed(2**64 - 1) == 2**64 - 1
    assert rng.resolve_seed(np.uint64(7)) == 7
    assert rng.resolve_seed(None) != rng.resolve_seed(None)
    assert rng.split_seed(2**63 + 5) == (5, 2**31)


words = st.integers(0, 2**32 - 1) | st.integers(0, 40) | st.integers(2**32 - 40, 2**32 - 1)


def zeros_of(word):
    return 32 - int(word).bit_length()


@given(words)
def test_the_exponential_follows_the_page_and_the_logarithm(word):
    x = int(rng.exponential(np.uint64(word), np.uint64(zeros_of(word))))
    assert x == naive.exponential(word)
    assert abs(x - -math.log2((word + 0.5) / 2**32) * 2**32) < 4


@given(words, st.floats(2**-20, 1 / 32, exclude_max=True))
def test_gaps_follow_the_page_and_geometric_inversion(word, p):
    scale, shift = rng.gap_scale(np.array([p * 2.0**40]).astype(np.uint64))
    assert (int(scale[0]), int(shift[0])) == naive.gap_scale(p)
    gap = int(rng.geometric_gap(np.uint64(word), np.uint64(zeros_of(word)), scale[0], shift[0]))
    assert gap == naive.exponential(word) * int(scale[0]) >> int(shift[0])
    by_logarithm = math.log((word + 0.5) / 2**32) / math.log1p(-math.floor(p * 2.0**40) / 2.0**40)
    assert abs(gap + 0.5 - by_logarithm) < 0.5 + 1e-8 + 1e-8 * by_logarithm


@pytest.mark.parametrize("p", [2.0**-20, 1e-4, 0.003, 0.02, 0.0312])
def test_gaps_have_the_geometric_law_to_within_a_billionth(p):
    """Exact: a gap is monotone in its word, so a search finds how many words give more than k."""
    threshold = math.floor(p * 2.0**40)
    scale, shift = naive.gap_scale(p)
    for k in [0, 1, 2, 5, round(0.1 / p), round(1 / p), round(5 / p)]:
        low, high = 0, 2**32
        while low < high:
            middle = (low + high) // 2
            if naive.exponential(middle) * scale >> shift > k:
                low = middle + 1
            else:
                high = middle
        assert abs(low / 2**32 - math.exp((k + 1) * math.log1p(-threshold / 2**40))) < 2**-30


@pytest.mark.parametrize(("n_trials", "n_bins"), [(1, 3000), (7, 64), (60, 130), (300, 10)])
def test_sparse_nodes_are_drawn_gap_by_gap_beside_dense_ones(n_trials, n_bins):
    p = np.array([0.02, 0.5, 2.0**-20, 0.0312, 1 / 32, 0.0, 2.0**-21, 0.003, 1.0])
    bundle = sn.Bundle.from_params("bernoulli", {"p": p})
    raster = sn.simulate(bundle, n_trials, n_bins, seed=3)
    np.testing.assert_array_equal(raster.to_dense(), naive.simulate(bundle, n_trials, n_bins, 3))


@pytest.mark.parametrize(("n_trials", "n_bins"), [(1, 5000), (3, 130), (2, 20_000)])
def test_renewal_nodes_are_drawn_gap_by_gap_also_beyond_their_table(n_trials, n_bins):
    for name, params in (
        ("refractory_poisson", ([0, 0.25, 1, 0.001, 0.0005], [0, 3, 2, 5, 1000])),
        ("gamma_renewal", ([0, 0.3, 0.01, 0.0004, 1], [1, 2, 0.5, 50, 1])),
    ):
        names = [p.name for p in sn.PROCESSES[name].params]
        bundle = sn.Bundle.from_params(name, dict(zip(names, params, strict=True)))
        raster = sn.simulate(bundle, n_trials, n_bins, seed=4)
        expected = naive.simulate(bundle, n_trials, n_bins, 4)
        np.testing.assert_array_equal(raster.to_dense(), expected)


def test_a_sparse_trial_that_needs_far_more_gaps_than_planned_is_finished():
    """A trial of 1,000,000 bins at p = 0.03 has 30,000 spikes, and a kernel plans 1,024 gaps."""
    bundle = sn.Bundle.from_params("bernoulli", {"p": [0.03]})
    long = sn.simulate(bundle, 1, 1_000_000, seed=5).to_dense()[0, 0]
    assert long.tolist() == naive.sparse_trial(0.03, 0, 0, 1_000_000, naive.key_of(5))


def spikes_by_numpy(threshold, shape, seed):
    """Independent bins at thresholds that broadcast to (node, trial, bin), by whole arrays."""
    node, trial, t = (axis.astype(np.uint64) for axis in np.indices(shape))
    key = rng.split_seed(seed)
    words = np.stack(rng.philox(t // np.uint64(16), trial, node, rng.SPIKE, *key))
    word = np.take_along_axis(words, (t // np.uint64(4) % np.uint64(4)).astype(int)[None], 0)[0]
    byte = word >> (t % np.uint64(4) * np.uint64(8)) & np.uint64(255)
    tie = rng.philox(t, trial, node, rng.TIE, *key)[0]
    top, low = threshold >> rng.HALF, threshold & rng.LOW
    return (byte < top) | ((byte == top) & (tie < low)), byte == top


@pytest.mark.parametrize("n_conditions", [0, 3])
def test_thousands_of_ties_over_many_blocks_are_settled_right(n_conditions):
    """One bin in 256 is a tie, so 40 × 3 × 4500 bins hold some 2,000 of them."""
    shape = (40, 3, 4500)
    p = np.random.default_rng(1).random((40, max(1, n_conditions)))
    p = p * (1 - 1 / 32) + 1 / 32
    p[3], p[7], p[11] = 0.0, 1.0, 0.5
    labels = np.arange(3 * 4500).reshape(3, 4500) // 13 % max(1, n_conditions)
    bundle = sn.Bundle.from_params(
        "bernoulli", {"p": p if n_conditions else p[:, 0]}, conditions=labels
    )
    threshold = np.floor(p * 2.0**40).astype(np.uint64)[:, labels]
    expected, ties = spikes_by_numpy(threshold, shape, 2**64 - 3)
    assert np.count_nonzero(ties) > 1500
    np.testing.assert_array_equal(sn.simulate(bundle, seed=2**64 - 3).to_dense(), expected)


# Parameters are exact binary fractions, so that no rounding stands between file and spikes.
PARAMS = {
    "bernoulli": {"p": [0.0, 0.25, 0.6875, 1.0, 0.015625, 0.0009765625]},
    "beta_bernoulli": {"p": [0.125, 0.5, 0.25], "rho": [0.0, 0.125, 0.5]},
    "markov": {"p_after_silence": [0.125, 0.5, 0.0], "p_after_spike": [0.75, 0.125, 1.0]},
    "negative_binomial": {"rate": [0.125, 1.0, 2.5], "dispersion": [0.5, 0.0, 1.0]},
    "poisson": {"rate": [0.0, 0.0625, 3.0]},
    "refractory_poisson": {"p": [0.0, 0.25, 0.75], "dead_time": [0.0, 3.0, 7.0]},
}


def golden_bundles(name):
    """Pooled over 130 bins with windows of 48, and per condition where labels change."""
    pooled = {key: np.array(value) for key, value in PARAMS[name].items()}
    yield "pooled", sn.Bundle.from_params(name, pooled, window=48, n_trials=3, n_bins=130)
    pairs = {key: np.stack([value, value[::-1]], axis=1) for key, value in pooled.items()}
    labels = np.arange(3 * 130).reshape(3, 130) // 7 % 2
    yield "per condition", sn.Bundle.from_params(name, pairs, window=48, conditions=labels)


def golden_correlated():
    """The golden bundle with latents, pooled and per condition."""
    pooled = make.correlated()
    yield "pooled", pooled
    p = np.stack([pooled.fits[0].params["p"], np.full(7, 0.375)], axis=1)
    labels = np.arange(3 * 130).reshape(3, 130) // 7 % 2
    yield (
        "per condition",
        sn.Bundle.from_params(
            "bernoulli", {"p": p}, conditions=labels, layers=pooled.layers, latents=pooled.latents
        ),
    )


def golden():
    kinds = {name: golden_bundles(name) for name in PARAMS} | {"latents": golden_correlated()}
    return {
        name: {
            kind: raster_digest(sn.simulate(bundle, seed=0x0123456789ABCDEF))
            for kind, bundle in bundles
        }
        for name, bundles in kinds.items()
    }


def test_correlated_nodes_have_the_golden_digests():
    stored = json.loads(STREAMS.read_text(encoding="utf-8"))["digests"]["latents"]
    for kind, bundle in golden_correlated():
        raster = sn.simulate(bundle, seed=0x0123456789ABCDEF)
        assert raster_digest(raster) == stored[kind], kind
        dense = naive_latents.simulate(bundle, *raster.shape[1:], 0x0123456789ABCDEF)
        np.testing.assert_array_equal(raster.to_dense(), dense)


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_simulations_have_the_golden_digests(name):
    stored = json.loads(STREAMS.read_text(encoding="utf-8"))
    assert stored["stream_version"] == rng.STREAM_VERSION
    for kind, bundle in golden_bundles(name):
        raster = sn.simulate(bundle, seed=0x0123456789ABCDEF)
        assert raster_digest(raster) == stored["digests"][name][kind], kind
        dense = naive.simulate(bundle, 3, 130, 0x0123456789ABCDEF)
        np.testing.assert_array_equal(raster.to_dense(), dense)


if __name__ == "__main__":
    print(json.dumps({"stream_version": rng.STREAM_VERSION, "digests": golden()}, indent=2))
