"""Nodes that share latents: equal to the reference, exact in their rates, right in pairs."""

import math
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special, stats

import stochnet as sn
from stochnet.benchmark.truth.bivariate import excess_together
from stochnet.errors import InvalidInputError
from stochnet.kernels import gaussian, rng
from stochnet.simulation.draw_correlated import rounded_latents, scaled_nodes
from stochnet.simulation.simulate import drawn_raster
from stochnet.storage import bundle_digest, raster_digest
from stochnet.testing import bundles, latents, seeds
from tests.support import naive_latents


def layers_of(*sizes):
    firsts = np.cumsum([0, *sizes])[:-1].tolist()
    return tuple(
        sn.Layer(f"layer{k}", "ReLU", (size,), first, size)
        for k, (size, first) in enumerate(zip(sizes, firsts, strict=True))
    )


def some_mixing(rank, n_layers, random):
    """Return the factor of latents whose layers are correlated, each one within itself not."""
    size = rank * n_layers
    mixing = np.zeros((size, size))
    for k in range(0, size, rank):
        rows = random.normal(size=(rank, k + rank)) * 0.3
        rows[:, k:] += np.eye(rank)
        # Orthonormal rows, and then triangular ones: a rotation within the layer.
        rows = np.linalg.qr(rows.T)[0].T
        q, _ = np.linalg.qr(rows[:, k:].T)
        rows[:, k:] = np.tril(rows[:, k:] @ q)
        rows[:, k:] *= np.sign(np.diag(rows[:, k:]))
        mixing[k : k + rank, : k + rank] = rows
    return mixing


def network(seed, rank, sizes, n_conditions=0, trial=True):
    """Return a bundle of correlated nodes, some of them extreme."""
    random = np.random.default_rng(seed)
    n = sum(sizes)
    shared = random.random(n) * 0.8
    loadings = random.normal(size=(n, rank))
    loadings *= np.sqrt(shared / (loadings**2).sum(axis=1))[:, None]
    gain = random.uniform(-0.4, 0.4, n) if trial else np.zeros(n)
    p = random.beta(1, 3, (n, max(1, n_conditions)))
    p[0], p[1] = 0.0, 1.0
    p[2, -1], p[3, 0], p[4, -1] = 1e-12, 0.0, 1.0
    loadings[5] *= np.sqrt(0.9999 / (loadings[5] ** 2).sum())
    gain[5] = 0.0
    loadings[6], gain[6] = 0.0, 0.0
    loadings[7] = 0.0
    return sn.Bundle.from_params(
        "bernoulli",
        {"p": p if n_conditions else p[:, 0]},
        conditions=None,
        layers=layers_of(*sizes),
        latents=sn.Latents(loadings, some_mixing(rank, len(sizes), random), gain),
    )


@pytest.mark.parametrize(
    ("rank", "sizes", "n_trials", "n_bins", "n_conditions", "trial"),
    [
        (1, (9,), 1, 1, 0, True),
        (2, (8, 3), 3, 130, 0, True),
        (3, (8, 2, 2), 2, 67, 3, True),
        (5, (4, 5), 5, 64, 2, False),
        (16, (9,), 1, 1100, 0, False),
        (17, (10,), 40, 3, 4, True),
    ],
)
def test_the_simulation_equals_the_reference(rank, sizes, n_trials, n_bins, n_conditions, trial):
    bundle = network(rank, rank, sizes, n_conditions, trial)
    conditions = None
    if n_conditions:
        conditions = np.arange(n_trials * n_bins).reshape(n_trials, n_bins) // 3 % n_conditions
    raster = sn.simulate(bundle, n_trials, n_bins, seed=2**63 + 5, conditions=conditions)
    expected = naive_latents.simulate(bundle, n_trials, n_bins, 2**63 + 5, conditions)
    np.testing.assert_array_equal(raster.to_dense(), expected)


def by_numpy(bundle, n_bins, seed):
    """One trial of nodes that share one latent, by whole arrays: spikes, and which bins tie."""
    key = rng.split_seed(seed)
    t = np.arange(n_bins, dtype=np.uint64)[None]
    node = np.arange(bundle.n_nodes, dtype=np.uint64)[:, None]

    def of(words, position):
        words = np.stack(np.broadcast_arrays(*words))
        where = np.broadcast_to(position.astype(np.int64), words.shape[1:])
        return np.take_along_axis(words, where[None], 0)[0]

    zero = np.uint64(0)
    word = of(rng.philox(t // np.uint64(4), zero * t, zero * t, rng.LATENT, *key), t % np.uint64(4))
    latent = np.array([naive_latents.number(int(one)) for one in word[0]])
    dither = (word[0] & np.uint64(0xFFFF)).astype(np.int64) // 4
    a = [naive_latents.whole_loadings([x], 0.0)[0][0] for x in bundle.latents.loadings[:, 0]]
    bounds = [
        naive_latents.threshold(p, [x], 0, [[2**14]])
        for p, x in zip(bundle.fits[0].params["p"].tolist(), a, strict=True)
    ]
    value = np.array(a)[:, None] * latent + dither - np.array(bounds)[:, None]
    table = np.array([naive_latents.entry(j) for j in range(4096)], np.uint64)
    entry = table[np.clip((value >> 14) + 2048, 0, 4095)]
    halves = rng.philox(t // np.uint64(8), zero * t, node, rng.INPUT, *key)
    half = of(halves, t // np.uint64(2) % np.uint64(4)) >> (t % np.uint64(2) * np.uint64(16))
    half &= np.uint64(0xFFFF)
    tie = rng.philox(t, zero * t, node, rng.TIE, *key)[0] >> np.uint64(16)
    return (half << np.uint64(16) | tie) < entry, half == entry >> np.uint64(16)


def test_dozens_of_ties_are_settled_right():
    """One bin in 65,536 is a tie, so 48 nodes × 100,000 bins hold some 70 of them."""
    bundle = sn.Bundle.from_params(
        "bernoulli",
        {"p": np.linspace(0.01, 0.99, 48)},
        latents=sn.Latents.independent(np.linspace(-0.9, 0.8, 48)[:, None]),
    )
    expected, ties = by_numpy(bundle, 100_000, 3)
    assert np.count_nonzero(ties) > 40
    assert 0 < np.count_nonzero(expected & ties) < np.count_nonzero(ties)
    raster = sn.simulate(bundle, 1, 100_000, seed=3)
    np.testing.assert_array_equal(raster.to_dense()[:, 0], expected)


HALF_WORDS = st.integers(0, 2**16 - 1)


@given(st.integers(0, 2**32 - 1) | st.integers(0, 2**16) | st.integers(2**32 - 2**16, 2**32 - 1))
def test_a_latent_is_the_quantile_of_its_word(word):
    value = int(gaussian.latent(np.uint64(word), *gaussian.normal_tables()))
    assert value == naive_latents.number(word)
    assert value == -int(gaussian.latent(np.uint64(2**32 - 1 - word), *gaussian.normal_tables()))
    fine = min(word, 2**32 - 1 - word) < 2**16
    width = 2.0**-32 if fine else 2.0**-16
    low = math.floor(word / (width * 2**32)) * width
    assert special.ndtri(low) - 2**-12 < value / 2048 < special.ndtri(low + width) + 2**-12


@given(st.integers(-(2**31), 2**31 - 1), HALF_WORDS, HALF_WORDS)
def test_the_scalar_definition_of_a_spike_is_that_of_the_page(d, half, tie):
    cell = int(gaussian.cell_of(np.int64(d)))
    assert cell == min(max(d // 2**14 + 2048, 0), 4095)
    e = int(gaussian.phi_table()[cell])
    assert e == naive_latents.entry(cell)
    fires = bool(gaussian.fires(np.uint64(half), np.uint64(tie), np.uint64(e)))
    assert fires == (half < e >> 16 or (half == e >> 16 and tie < e & 0xFFFF))


def test_no_entry_of_a_table_is_near_a_half():
    """So any good quantile, and any good Φ, rounds to the same whole numbers."""
    fine = np.arange(1, 2**16 - 1) + 0.5
    for values, margin in (
        (special.ndtri(fine / 2.0**16) * 2048, 1e-6),
        (special.ndtri((np.arange(2**16) + 0.5) / 2.0**32) * 2048, 1e-6),
    ):
        assert np.abs(values - np.floor(values) - 0.5).min() > margin
    x = (np.arange(4096) - 2048) / 256
    values = 2.0**32 * (special.ndtr(x) + x * stats.norm.pdf(x) / (12 * 2**16))
    assert np.abs(values - np.floor(values) - 0.5).min() > 1e-5


def test_the_latents_are_normal_to_a_few_parts_in_a_million():
    normals, tails = (table.astype(np.float64) / 2048 for table in gaussian.normal_tables())
    moments = [
        ((normals[1:-1] ** k).sum() + (1 + (-1) ** k) * (tails**k).mean()) / 2**16
        for k in (1, 2, 3, 4)
    ]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=1e-4)
    assert -2.4e-6 < moments[1] - 1 < -2.2e-6
    assert tails[0] < -6.3


@given(st.floats(1e-9, 1 - 1e-9), st.floats(-0.9999, 0.9999).filter(bool))
@example(0.3, 1e-4)
@example(0.5, 0.003)
@example(0.999, 0.9)
@example(1e-6, 0.99)
def test_a_node_fires_with_its_probability_whatever_its_loading(p, loading):
    """Exact: all 2**32 words of a latent, all dithers and all random bits are summed over."""
    rounded = rounded_latents(sn.Latents.independent([[loading]]), layers_of(1))
    starts, _, loadings = scaled_nodes(np.array([[p]]), rounded, slice(None))
    normals, tails = (table.astype(np.int64) for table in gaussian.normal_tables())
    values = np.concatenate([normals[1:-1], tails, -tails])
    weights = np.concatenate([np.full(2**16 - 2, 2.0**-16), np.full(2**17, 2.0**-32)])
    base = int(loadings[0, 0]) * values + int(starts[0, 0])
    table = gaussian.phi_table() / 2.0**32
    low = np.clip((base >> 14) + 2048, 0, 4095)
    high = np.clip((base >> 14) + 2049, 0, 4095)
    # Of the 2**14 dithers so many reach the next cell.
    beyond = (base & (2**14 - 1)) / 2.0**14
    fires = math.fsum(weights * (table[low] * (1 - beyond) + table[high] * beyond))
    assert abs(fires - p) < 1e-6


def whole_and_parts(bundle, n_trials, n_bins, seed):
    raster = sn.simulate(bundle, n_trials, n_bins, seed=seed)
    again = sn.simulate(bundle, n_trials, n_bins, seed=seed, sink=Keep())
    parts = [again.data[k : k + 1] for k in range(bundle.n_nodes)]
    return raster.data, np.concatenate(parts)


class Keep:
    def begin(self, raster):
        pass

    def take(self, first_node, block):
        pass


def conditional(seed, rank, sizes, n_conditions, n_trials, n_bins):
    labels = np.arange(n_trials * n_bins).reshape(n_trials, n_bins) // 5 % n_conditions
    return replace(network(seed, rank, sizes, n_conditions), conditions=labels.astype(np.int16))


@pytest.mark.parametrize("n_conditions", [0, 3])
def test_nodes_drawn_alone_over_processes_and_to_a_file_are_those_of_the_whole(
    n_conditions, tmp_path, request
):
    bundle = network(4, 3, (9, 4, 6))
    if n_conditions:
        bundle = conditional(4, 3, (9, 4, 6), n_conditions, 3, 150)
    whole, alone = whole_and_parts(bundle, 3, 150, 8)
    np.testing.assert_array_equal(whole, alone)
    with ThreadPoolExecutor(2) as pool:
        there = sn.simulate(bundle, 3, 150, seed=8, executor=pool)
    np.testing.assert_array_equal(there.data, whole)
    _, nodes = drawn_raster(bundle, 3, 150, seed=8, threads=1)
    part = pickle.loads(pickle.dumps(nodes.part(7, 15)))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(part[0:8], whole[7:15])
    np.testing.assert_array_equal(part.part(2, 5)[1:3], whole[10:12])
    request.getfixturevalue("tiny_blocks")
    stored = sn.simulate(bundle, 3, 150, seed=8, path=tmp_path / "raster.h5", threads=3)
    np.testing.assert_array_equal(stored.to_dense(), sn.simulate(bundle, 3, 150, seed=8).to_dense())
    np.testing.assert_array_equal(stored.data[0:19], whole)


def test_a_longer_simulation_begins_with_the_shorter_one():
    bundle = network(9, 4, (12, 8))
    long = sn.simulate(bundle, 5, 5000, seed=2).to_dense()
    for n_trials, n_bins in ((1, 1), (2, 4097), (5, 70)):
        short = sn.simulate(bundle, n_trials, n_bins, seed=2).to_dense()
        np.testing.assert_array_equal(short, long[:, :n_trials, :n_bins])


def test_nodes_without_loadings_are_drawn_as_without_latents_and_beside_any_process():
    bundle = network(5, 2, (40,))
    free = np.flatnonzero(~bundle.latents.correlated)
    plain = sn.simulate(replace(bundle, latents=None), 2, 300, seed=1)
    raster = sn.simulate(bundle, 2, 300, seed=1)
    np.testing.assert_array_equal(raster.data[free], plain.data[free])
    bound = np.setdiff1d(np.arange(5, 40), free)
    assert (raster.data[bound] != plain.data[bound]).any(axis=(1, 2)).all()
    counts = sn.Bundle.from_params("poisson", {"rate": np.full(40, 3.0)}).fits[0]
    mixed = sn.Bundle(
        (bundle.fits[0].take(bound), bundle.fits[0].take(np.arange(5)), counts.take(free)),
        latents=bundle.latents,
    )
    dense = sn.simulate(mixed, 2, 300, seed=1).to_dense()
    assert dense[free].max() > 1
    np.testing.assert_array_equal(dense[bound], raster.to_dense()[bound])


def test_nodes_that_never_or_always_fire_do_so_exactly():
    p = np.array([[0.0, 1.0, 0.5]] * 3)
    labels = np.arange(3000).reshape(1, 3000) % 3
    bundle = sn.Bundle.from_params(
        "bernoulli", {"p": p}, conditions=labels,
        latents=sn.Latents.independent([[0.99], [-0.99], [0.5]]),
    )  # fmt: skip
    dense = sn.simulate(bundle, seed=1).to_dense()[:, 0]
    assert not dense[:, labels[0] == 0].any()
    assert dense[:, labels[0] == 1].all()
    assert 400 < dense[0, labels[0] == 2].sum() < 600


def test_rates_and_pairs_within_and_across_layers_follow_the_bivariate_normal_law():
    """Largest of 60 + 1,770 standard scores below 5.3: fails by chance once in 4,000 seeds.

    Trials of one bin, so that bins are independent with a gain of the trial, too.
    """
    n = 200_000
    bundle = network(21, 3, (25, 20, 15))
    layer = np.repeat([0, 1, 2], [25, 20, 15])
    dense = sn.simulate(bundle, n, 1, seed=77).to_dense()[:, :, 0].astype(np.float64)
    p = bundle.fits[0].params["p"]
    alive = np.flatnonzero((p > 1e-3) & (p < 1 - 1e-3) & (np.arange(60) != 5))
    scores = (dense.mean(axis=1) - p)[alive] / np.sqrt(p * (1 - p) / n)[alive]
    i, j = (alive[k] for k in np.triu_indices(len(alive), 1))
    expected = excess_together(p[i], p[j], bundle.latents.correlation(i, j, layer))
    centred = dense - p[:, None]
    found = (centred @ centred.T)[i, j] / n
    # E[(x-p)²(y-q)²] from P(both).
    a, b = 1 - 2 * p[i], 1 - 2 * p[j]
    fourth = p[i] * (1 - p[i]) * p[j] * (1 - p[j]) + a * b * expected
    pairs = (found - expected) / np.sqrt((fourth - expected**2) / n)
    assert np.abs(np.concatenate([scores, pairs])).max() < 5.3
    # And the test can tell: the correlations are far from none.
    assert np.abs(expected / np.sqrt((fourth - expected**2) / n)).max() > 50


def test_the_population_count_varies_as_the_pairs_say():
    """Mean of 100 sample variances against theory; fails by chance once in 10,000 seeds."""
    bundle = network(31, 4, (30, 30), trial=False)
    latents = sn.Latents.independent(np.abs(bundle.latents.loadings), n_layers=2)
    bundle = replace(bundle, latents=latents)
    layer, p = np.repeat([0, 1], 30), bundle.fits[0].params["p"]
    i, j = np.triu_indices(60, 1)
    pairs = excess_together(p[i], p[j], bundle.latents.correlation(i, j, layer))
    # Node 5 shares a little less than its loadings say.
    skip = (i == 5) | (j == 5)
    theory = (p * (1 - p))[np.arange(60) != 5].sum() + 2 * pairs[~skip].sum()
    dense = sn.simulate(bundle, 1, 100_000, seed=12).to_dense()[:, 0]
    count = np.delete(dense, 5, axis=0).sum(axis=0)
    found = count.reshape(100, 1000).var(axis=1, ddof=1)
    assert abs(found.mean() - theory) < 3.9 * found.std(ddof=1) / 10
    assert theory > 3 * (p * (1 - p)).sum()


def test_a_gain_of_the_trial_is_shared_by_all_its_bins():
    """One node against itself in the next bin; standard score below 4.5 (once in 150,000)."""
    bundle = sn.Bundle.from_params(
        "bernoulli", {"p": [0.3]}, latents=sn.Latents.independent([[0.0]], trial=[0.6])
    )
    dense = sn.simulate(bundle, 100_000, 2, seed=5).to_dense()[0] - 0.3
    products = dense[:, 0] * dense[:, 1]
    theory = excess_together(0.3, 0.3, 0.36)
    assert abs(products.mean() - theory) < 4.5 * products.std() / np.sqrt(len(products))
    assert theory > 20 * products.std() / np.sqrt(len(products))


def test_loadings_of_almost_one_are_shrunk_to_a_share_of_255_in_256():
    for loading in (0.99999, np.nextafter(1, 0)):
        rounded = rounded_latents(sn.Latents.independent([[loading]]), layers_of(1))
        starts, _, loadings = scaled_nodes(np.array([[0.2]]), rounded, slice(None))
        assert loadings[0, 0] == round(math.sqrt(255) * 2048)
        assert abs(starts[0, 0] / (special.ndtri(0.2) * 16 * 2**22) - 1) < 1e-4


# Two networks in three are of one process: only bernoulli nodes can share anything.
correlated = bundles("bernoulli", correlated=True, edges=True, n_bins=(1, 70)) | bundles(
    ["bernoulli", "poisson", "markov"], correlated=True, n_bins=(1, 70)
)


@given(correlated, seeds())
def test_any_correlated_network_is_drawn_as_the_reference_says(bundle, seed):
    expected = naive_latents.simulate(bundle, bundle.n_trials, bundle.n_bins, seed)
    np.testing.assert_array_equal(sn.simulate(bundle, seed=seed).to_dense(), expected)


@given(correlated, seeds())
def test_a_correlated_network_comes_back_from_its_file_and_draws_the_same(bundle, seed):
    with tempfile.TemporaryDirectory() as folder:
        sn.write_bundle(bundle, Path(folder) / "bundle.h5")
        again = sn.read_bundle(Path(folder) / "bundle.h5")
    assert bundle_digest(again) == bundle_digest(bundle)
    assert raster_digest(sn.simulate(again, seed=seed)) == raster_digest(
        sn.simulate(bundle, seed=seed)
    )


@given(latents(n_nodes=(2, 9), rank=(1, 5), n_layers=(1, 4)), st.data())
def test_rates_do_not_depend_on_latents(shared, data):
    """The variance of the input is that of its threshold: thresholds scale with the loadings."""
    sizes = np.diff(np.linspace(0, shared.n_nodes, shared.n_layers + 1).astype(int)).tolist()
    if 0 in sizes:
        return
    p = data.draw(st.floats(1e-6, 1 - 1e-6))
    whole = rounded_latents(shared, layers_of(*sizes))
    starts, gains, loadings = scaled_nodes(np.full((shared.n_nodes, 1), p), whole, slice(None))
    a, c = loadings[:, : shared.rank] / 2048, gains / 2048
    spread = np.sqrt(1 + (a**2).sum(axis=1) + c**2)
    np.testing.assert_allclose(
        starts[:, 0] / 2.0**22, special.ndtri(p) * spread, rtol=2e-4, atol=1e-6
    )


def test_a_target_without_the_kernel_says_so(monkeypatch):
    bundle = network(5, 2, (9,))
    monkeypatch.setattr(
        "stochnet.simulation.simulate.kernels_of", lambda _: SimpleNamespace(check=lambda: None)
    )
    with pytest.raises(InvalidInputError, match="'cuda' does not draw correlated nodes yet"):
        sn.simulate(bundle, 1, 10, seed=1, target="cuda")
