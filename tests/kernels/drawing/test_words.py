"""Scalar functions of a draw: plain, against naive ones, and compiled, against the kernels."""

import functools
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.kernels import cpu, rng
from stochnet.kernels.binding import Binding
from stochnet.kernels.drawing import bins, gaps, words
from stochnet.kernels.drawing.renewal_spikes import gap_tables
from tests.support import naive

bytes8 = st.binary(min_size=8, max_size=8)


def as_word(data):
    return np.uint64(int.from_bytes(data, "little"))


@given(bytes8, bytes8, st.integers(0, 255))
def test_bytes_are_compared_eight_at_a_time(some, others, mixed):
    pairs = [
        (a, a if mixed >> k & 1 else b) for k, (a, b) in enumerate(zip(some, others, strict=True))
    ]
    limits = as_word(bytes(b for _, b in pairs))
    less = sum((a < b) << k for k, (a, b) in enumerate(pairs))
    same = sum((a == b) << k for k, (a, b) in enumerate(pairs))
    assert words.gather(words.below(as_word(some), limits)) == less
    assert words.gather(words.equal(as_word(some), limits)) == same


def test_all_pairs_of_bytes_compare_right():
    a, b = (x.astype(np.uint64) for x in np.indices((256, 256)))
    top = np.uint64(0x80)
    np.testing.assert_array_equal(words.below(a, b) & top != 0, a < b)
    np.testing.assert_array_equal(words.equal(a, b) & top != 0, a == b)


@given(st.integers(1, 2**64 - 1))
def test_the_lowest_bit_is_found(word):
    assert words.lowest(np.uint64(word)) == (word & -word).bit_length() - 1


@given(st.integers(1, 300))
def test_padding_is_no_bin(n_bins):
    last = (n_bins - 1) // 64
    masks = [int(words.valid_bins(np.uint64(w), np.uint64(n_bins))) for w in range(last + 1)]
    assert sum(mask << 64 * w for w, mask in enumerate(masks)) == 2**n_bins - 1


@given(st.lists(st.integers(0, 2**32), max_size=9), st.integers(0, 2**32 - 1))
def test_counts_are_found_in_tables_that_rise(entries, word):
    table = np.array([*sorted(entries), 2**32], np.uint64)
    assert bins.count_of(table, np.uint64(word)) == sum(entry <= word for entry in entries)


@given(st.integers(0, 2**32 - 1) | st.integers(0, 40))
def test_leading_zeros_are_those_of_32_bits(word):
    assert gaps.leading_zeros(np.uint64(word)) == 32 - word.bit_length()


address = st.tuples(*[st.integers(0, 2**32 - 1)] * 4)


@given(st.floats(0, 1), address, st.integers(1, 70))
def test_a_word_holds_the_spikes_of_the_page(p, where, n_bins):
    trial, node, *key = where
    threshold = np.uint64(int(p * 2.0**40))
    known = [np.uint64(x) for x in (trial, node, n_bins, *key)]
    drawn = [words.pooled_word(threshold, np.uint64(w), *known) for w in range(-(-n_bins // 64))]
    expected = [naive.has_spike(p, t, trial, node, key) for t in range(n_bins)]
    assert bits(drawn) == sum(spike << t for t, spike in enumerate(expected))


@given(st.floats(2**-20, 1 / 32, exclude_max=True), address, st.integers(1, 300))
def test_a_sparse_trial_holds_the_spikes_of_the_page(p, where, n_bins):
    trial, node, *key = where
    scale, shift = rng.sparse_scale(np.array([p * 2.0**40]).astype(np.uint64))
    out = np.full(-(-n_bins // 64), 2**64 - 1, np.uint64)
    known = [np.uint64(x) for x in (trial, node, *key)]
    gaps.sparse_trial(out, scale[0], shift[0], n_bins, *known)
    expected = naive.sparse_trial(p, trial, node, n_bins, key)
    assert bits(out) == sum(spike << t for t, spike in enumerate(expected))


def bits(drawn):
    return sum(int(word) << 64 * w for w, word in enumerate(drawn))


@functools.cache
def scalar_target():
    """Return a target that runs the scalar functions, compiled, on the CPU."""
    jit = numba.njit(error_model="numpy")
    binding = Binding(jit)
    pooled, sparse = binding(words.pooled_word), binding(gaps.sparse_trial)
    segmented, profile = binding(words.segmented_word), binding(words.profile_word)

    @jit
    def split(at, n_words):
        return np.uint64(at // n_words), np.uint64(at % n_words)

    @jit
    def draw_pooled(thresholds, scale, shift, nodes, n_words, n_bins, k0, k1, out):
        for i in range(out.shape[0]):
            if scale[i] == 0:
                for at in range(out.shape[1]):
                    trial, word = split(at, n_words)
                    n = np.uint64(n_bins)
                    out[i, at] = pooled(thresholds[i], word, trial, nodes[i], n, k0, k1)
                continue
            for trial in range(out.shape[1] // n_words):
                row = out[i, trial * n_words : (trial + 1) * n_words]
                sparse(row, scale[i], shift[i], n_bins, np.uint64(trial), nodes[i], k0, k1)

    @jit
    def draw_segmented(thresholds, nodes, n_words, k0, k1, out, pieces, segments, gain):
        first, mask, owner = pieces
        for i in range(out.shape[0]):
            for at in range(out.shape[1]):
                trial, word = split(at, n_words)
                out[i, at] = segmented(
                    thresholds[i], (first[at], first[at + 1]), (mask, owner), segments, gain,
                    word, trial, nodes[i], k0, k1,
                )  # fmt: skip

    @jit
    def draw_profile(thresholds, nodes, n_words, n_bins, k0, k1, out, row):
        for i in range(out.shape[0]):
            for at in range(out.shape[1]):
                trial, word = split(at, n_words)
                out[i, at] = profile(thresholds[i], row, word, trial, nodes[i], n_bins, k0, k1)

    def pooled_spikes(thresholds, scale, shift, nodes, n_trials, n_bins, k0, k1, out):
        n_words = out.shape[1] // n_trials
        draw_pooled(thresholds, scale, shift, nodes, n_words, n_bins, k0, k1, out)

    def segmented_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out, *rest):
        draw_segmented(thresholds, nodes, out.shape[1] // n_trials, k0, k1, out, *rest)

    def profile_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out, row):
        draw_profile(thresholds, nodes, out.shape[1] // n_trials, n_bins, k0, k1, out, row)

    def renewal_spikes(hazards, scale, shift, nodes, n_trials, n_bins, k0, k1, out):
        entries = np.empty((len(hazards), 2, hazards.shape[1] // 2 + 1), np.uint64)
        gap_tables(hazards, entries)
        for i, words_of_node in enumerate(out):
            for trial, row in enumerate(words_of_node.reshape(n_trials, -1)):
                own = (entries[i], scale[i], shift[i])
                gaps.renewal_trial(row, *own, n_bins, np.uint64(trial), nodes[i], k0, k1)

    return SimpleNamespace(
        THREADED=True,
        check=cpu.check,
        pooled_spikes=pooled_spikes,
        segmented_spikes=segmented_spikes,
        profile_spikes=profile_spikes,
        renewal_spikes=renewal_spikes,
    )


def big_bundles():
    """Networks with thousands of ties, one bin in 256, and with gaps of thousands of bins."""
    p = np.random.default_rng(1).random((40, 3))
    p[3], p[7], p[11], p[12:16] = 0.0, 1.0, 0.5, 0.01
    labels = np.arange(3 * 4500).reshape(3, 4500) // 13 % 3
    yield "pooled", sn.Bundle.from_params("bernoulli", {"p": p[:, 0]})
    yield "condition", sn.Bundle.from_params("bernoulli", {"p": p}, conditions=labels)
    rho = np.random.default_rng(2).random((40, 3)) / 2
    law = {"p": p, "rho": rho}
    yield "gain", sn.Bundle.from_params("beta_bernoulli", law, window=70, conditions=labels)
    controls = np.random.default_rng(3).random((40, 8))
    names = [param.name for param in sn.PROCESSES["inhomogeneous_bernoulli"].params]
    curves = dict(zip(names, controls.T[: len(names)], strict=True))
    rates = np.array([0.0, 1e-5, 1e-4, 5e-4, 2e-3, 0.05, 0.4, 0.97, 1.0])
    law = {"rate": rates, "shape": np.array([1, 0.05, 8, 0.2, 30, 2, 0.5, 1.5, 1])}
    yield "renewal", sn.Bundle.from_params("gamma_renewal", law)
    yield "profile", sn.Bundle.from_params("inhomogeneous_bernoulli", curves, window=100)


@pytest.mark.parametrize("name", ["pooled", "condition", "gain", "profile", "renewal"])
def test_large_networks_are_those_of_the_kernels(name, monkeypatch):
    bundle = dict(big_bundles())[name]
    expected = sn.simulate(bundle, 3, 4500, seed=7).data
    monkeypatch.setattr("stochnet.simulation.draw.kernels_of", lambda target: scalar_target())
    np.testing.assert_array_equal(sn.simulate(bundle, 3, 4500, seed=7).data, expected)
