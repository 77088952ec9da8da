"""Renewal processes (gamma gaps, dead time): against scipy, enumeration and plain loops."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

import stochnet as sn
from stochnet.process import Flag
from stochnet.processes.gamma_renewal import SHAPES
from stochnet.processes.laws.gamma_gaps import mean_of
from stochnet.processes.laws.renewal import moments
from stochnet.statistics.summary.summary import summarize

LAST = 1024
GAMMA, REFRACTORY = sn.PROCESSES["gamma_renewal"], sn.PROCESSES["refractory_poisson"]
both = pytest.mark.parametrize("process", [GAMMA, REFRACTORY], ids=lambda p: p.name)
GRID = list(itertools.product([0.002, 0.03, 0.3, 0.8, 0.99], [0.05, 0.4, 1.0, 2.5, 20.0, 200.0]))
EXAMPLES = {
    "gamma_renewal": [(0.3, 0.4), (0.3, 1.0), (0.2, 6.0), (0.7, 3.0), (0.02, 2.0)],
    "refractory_poisson": [(0.3, 0.0), (0.3, 2.0), (0.9, 1.0), (0.1, 6.0), (1.0, 3.0)],
}


def examples(process):
    columns = np.array(EXAMPLES[process.name]).T
    return dict(zip([p.name for p in process.params], columns, strict=True))


def rates(process, given_params):
    if process is GAMMA:
        return given_params["rate"]
    return 1 / (given_params["dead_time"] + 1 / given_params["p"])


def one(given_params, i, n):
    """Parameters of node i for n nodes."""
    return {name: np.repeat(array[i : i + 1], n) for name, array in given_params.items()}


def all_sequences(n_bins):
    return np.array(list(itertools.product([0, 1], repeat=n_bins)))[:, None, :]


def likelihood(process, given_params, dense, **options):
    parts = summarize(sn.SpikeRaster.from_dense(dense, **options), parts=("ages",))
    return process.log_likelihood(given_params, parts[0])


def scipy_gaps(rate, shape):
    """Survivors S(0), …, S(1024) and gap probabilities of ages 1 to 1024, by scipy alone."""
    scale = np.exp(mean_of(np.array([rate]), np.log([shape]))[0]) / shape
    below, above = (part(shape, np.arange(LAST + 1) / scale) for part in
                    (special.gammainc, special.gammaincc))  # fmt: skip
    return above, np.where(below[1:] < 0.5, np.diff(below), -np.diff(above))


@pytest.mark.parametrize(("rate", "shape"), GRID)
def test_hazards_are_those_of_gamma_gaps_of_that_rate(rate, shape):
    """To 1e-9 wherever scipy has the digits: where a later spike is likelier than 1e-6."""
    table = GAMMA.tabulate({"rate": np.array([rate]), "shape": np.array([shape])})[0]
    above, gap = scipy_gaps(rate, shape)
    known = above[:-1] > 1e-6
    hazard = gap / np.where(known, above[:-1], 1.0)
    found = np.where(known & (hazard > 1e-9), table[LAST:], hazard)
    np.testing.assert_allclose(found[known], hazard[known], rtol=1e-9)
    # The last hazard goes on for ever; what remains is below rounding elsewhere.
    end = above[-2] / table[-1]
    rest = np.concatenate([np.cumsum(above[-3::-1])[::-1], [0.0]]) + end
    np.testing.assert_allclose(rest[0], 1 / rate, rtol=1e-9)
    np.testing.assert_allclose(table[:LAST][known], above[:-1][known] / rest[known], rtol=1e-8)


def test_hazards_hold_in_tails_of_any_depth():
    """For shape 2 in closed form, down to survivors of 1e-700, and constant for shape 1."""
    rate = np.array([0.02, 0.3, 0.8])
    scale = np.exp(mean_of(rate, np.log(np.full(3, 2.0))))[:, None] / 2
    table = GAMMA.tabulate({"rate": rate, "shape": np.full(3, 2.0)})
    age = np.arange(LAST)
    alive = np.exp(-1 / scale) * (1 + (age + 1) / scale) / (1 + age / scale)
    np.testing.assert_allclose(table[:, LAST:], 1 - alive, rtol=1e-9)
    flat = GAMMA.tabulate({"rate": rate, "shape": np.ones(3)})
    np.testing.assert_allclose(flat, np.repeat(rate[:, None], 2 * LAST, axis=1), rtol=1e-9)


@settings(max_examples=40)
@given(
    rate=st.floats(1e-5, 1 - 1e-9),
    shape=st.floats(np.log(SHAPES[0]), np.log(SHAPES[1])).map(np.exp),
)
def test_the_mean_gap_is_one_over_the_rate_at_any_shape(rate, shape):
    shape = np.clip(shape, *SHAPES)
    table = GAMMA.tabulate({"rate": np.array([rate]), "shape": np.array([shape])})[0]
    assert (table >= 0).all()
    assert (table <= 1).all()
    alive = np.concatenate([[1.0], np.cumprod(1 - table[LAST:-1])])
    mean = alive[:-1].sum() + alive[-1] / table[-1]
    assert mean == pytest.approx(1 / rate, rel=1e-9)
    # The first spike of a stationary process waits for the rest of a gap.
    rest = np.cumsum(alive[:-1][::-1])[::-1] + alive[-1] / table[-1]
    common = rest > 1e-6 * rest[0]
    np.testing.assert_allclose(
        table[: LAST - 1][common], alive[:-1][common] / rest[common], rtol=1e-8
    )


@both
def test_the_process_is_stationary_from_the_first_bin(process):
    """Over all 128 sequences of seven bins: total 1, and in every bin the rate."""
    sequences = all_sequences(7)
    many = examples(process)
    for i, rate in enumerate(rates(process, many)):
        chance = np.exp(likelihood(process, one(many, i, len(sequences)), sequences))
        assert chance.sum() == pytest.approx(1, abs=1e-10)
        np.testing.assert_allclose(chance @ sequences[:, 0], rate, rtol=1e-9)


@both
@pytest.mark.parametrize("window", [1, 2, 5, 9])
def test_moments_are_those_of_all_sequences(process, window):
    sequences, many = all_sequences(window), examples(process)
    mean, variance = process.moments(many, window)
    count = sequences.sum(axis=(1, 2))
    for i in range(len(mean)):
        chance = np.exp(likelihood(process, one(many, i, len(sequences)), sequences))
        assert mean[i] == pytest.approx(chance @ count, rel=1e-9)
        assert variance[i] == pytest.approx(chance @ (count - mean[i]) ** 2, rel=1e-8)


def count_variance(table, window):
    """Variance of the count by following the law of (age, count) bin by bin."""
    law = {(-1, 0): 1.0}
    for _ in range(window):
        after = {}
        for (state, count), chance in law.items():
            p = table[-state - 1] if state < 0 else table[LAST + state - 1]
            silent = max(state - 1, -LAST) if state < 0 else min(state + 1, LAST)
            for key, part in (((1, count + 1), p), ((silent, count), 1 - p)):
                after[key] = after.get(key, 0.0) + chance * part
        law = after
    count = np.array([key[1] for key in law])
    chance = np.array(list(law.values()))
    return chance @ count**2 - (chance @ count) ** 2


@both
def test_moments_of_longer_windows_follow_from_the_hazards(process):
    many = examples(process)
    tables, (_, variance) = process.tabulate(many), process.moments(many, 60)
    expected = [count_variance(table, 60) for table in tables]
    np.testing.assert_allclose(variance, expected, rtol=1e-8, atol=1e-12)


def test_moments_hold_beyond_the_last_age():
    """Of a window of 3,000 bins: a constant hazard gives the binomial variance at any rate."""
    rate = np.array([0.0, 0.0005, 0.01, 0.7, 1.0])
    mean, variance = moments(np.repeat(rate[:, None], LAST, axis=1), rate, 3000)
    np.testing.assert_allclose(mean, 3000 * rate)
    np.testing.assert_allclose(variance, 3000 * rate * (1 - rate), rtol=1e-9, atol=1e-9)


def naive_log_likelihood(tables, row, conditions=None):
    """Of one node (trial, bin), a bin after the other; tables (condition, 2·1024)."""
    total = 0.0
    for k, trial in enumerate(row):
        after, age = 0, 1
        for t, spike in enumerate(trial):
            c = 0 if conditions is None else conditions[k, t]
            p = tables[c, after * LAST + min(age, LAST) - 1]
            with np.errstate(divide="ignore"):
                total += np.log(p if spike else 1 - p)
            after, age = (1, 1) if spike else (after, age + 1)
    return total


@both
@pytest.mark.parametrize("n_bins", [1, 37, 1500])
def test_likelihoods_equal_a_plain_loop(process, n_bins):
    """Of simulated bins, so that none is impossible; with ages beyond the last one."""
    many = examples(process)
    raster = sn.simulate(sn.Bundle.from_params(process, many), 3, n_bins, seed=2)
    dense, tables = raster.to_dense(), process.tabulate(many)
    expected = [naive_log_likelihood(tables[i : i + 1], row) for i, row in enumerate(dense)]
    np.testing.assert_allclose(likelihood(process, many, dense), expected, rtol=1e-8, atol=1e-9)


@both
def test_the_hazard_of_a_bin_is_that_of_its_condition(process, rng):
    """Log-likelihoods of conditions add up to a plain loop; all sequences of 8 bins, to one."""
    labels = rng.integers(0, 2, (1, 8))
    labels[0, :2] = 0, 1
    many = examples(process)
    tables = process.tabulate(many)[[1, 2]]
    sequences = all_sequences(8)
    raster = sn.SpikeRaster.from_dense(sequences, conditions=labels)
    parts = summarize(raster, per_condition=True, parts=("ages",))
    with np.errstate(invalid="ignore"):
        found = sum(
            process.log_likelihood(one(many, i, len(sequences)), part)
            for i, part in zip((1, 2), parts, strict=True)
        )
    assert np.exp(found).sum() == pytest.approx(1, abs=1e-10)
    expected = [naive_log_likelihood(tables, row, labels) for row in sequences]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_dead_time_is_that_of_the_condition_of_the_bin():
    """With p = 1 the spikes are certain: dead times of 3 and 0 in bins of two conditions."""
    labels = np.array([[1, 1, 0, 0, 0, 0, 0, 1, 0, 0]])
    bundle = sn.Bundle.from_params(
        REFRACTORY, {"p": np.ones((1, 2)), "dead_time": np.array([[3.0, 0.0]])}, conditions=labels
    )
    dense = sn.simulate(bundle, 1, 10, seed=1).to_dense()
    assert dense[0, 0].tolist() == [1, 1, 0, 0, 0, 1, 0, 1, 0, 0]


def test_shape_one_and_no_dead_time_are_bernoulli(rng):
    p = np.array([0.0, 0.01, 0.3, 0.9, 1.0])
    dense = rng.random((5, 4, 90)) < p[:, None, None]
    bernoulli = likelihood(sn.PROCESSES["bernoulli"], {"p": p}, dense)
    gamma = likelihood(GAMMA, {"rate": p, "shape": np.ones(5)}, dense)
    np.testing.assert_allclose(gamma, bernoulli, rtol=1e-9)
    refractory = likelihood(REFRACTORY, {"p": p, "dead_time": np.zeros(5)}, dense)
    np.testing.assert_allclose(refractory, bernoulli, rtol=1e-12)
    np.testing.assert_array_equal(
        REFRACTORY.tabulate({"p": p, "dead_time": np.zeros(5)}), np.repeat(p[:, None], 2048, axis=1)
    )


def simulated(process, values_of, n_nodes, n_trials, n_bins, seed):
    many = {p.name: np.full(n_nodes, v) for p, v in zip(process.params, values_of, strict=True)}
    return sn.simulate(sn.Bundle.from_params(process, many), n_trials, n_bins, seed=seed)


def fitted_to_ages(process, values_of, n_nodes, size, run, per_condition):
    """Return a fit of simulated nodes, and summaries of their ages: of two conditions, or pooled.

    Conditions change every `run` bins.
    """
    raster = simulated(process, values_of, n_nodes, *size, seed=3)
    labels = np.arange(math.prod(size)).reshape(size) // run % 2 if per_condition else None
    raster = sn.SpikeRaster.from_dense(raster.to_dense(), conditions=labels)
    fit = sn.fit(raster, process, per_condition=per_condition)
    return fit, summarize(raster, per_condition=per_condition, parts=("ages",))


@pytest.mark.parametrize(("rate", "shape"), [(0.02, 1.5), (0.1, 0.5), (0.3, 4.0), (0.8, 1.0)])
@pytest.mark.parametrize("per_condition", [False, True])
def test_the_gamma_estimate_is_where_scipy_finds_it(rate, shape, per_condition):
    """The likelihood is written anew with scipy's incomplete gamma functions."""
    fit, parts = fitted_to_ages(GAMMA, (rate, shape), 2, (10, 150), 13, per_condition)
    for c, node in itertools.product(range(len(parts)), range(2)):
        counts = parts[c].ages[node]

        def loss(x, counts=counts):
            k, scale = np.exp(x)
            age = np.arange(4000) / scale
            above = special.gammaincc(k, age)
            gap = np.maximum(np.where(age[1:] < k, np.diff(special.gammainc(k, age)),
                                      -np.diff(above)), 1e-300)  # fmt: skip
            rest = np.cumsum(above[::-1])[::-1]
            n = counts.shape[1]
            h, e = gap[:n] / above[:n], above[:n] / rest[:n]
            total = special.xlogy(counts[..., 1], [e, h]) + special.xlog1py(
                counts[..., 0], [-e, -h]
            )
            return -total.sum()

        k = fit.params["shape"].reshape(2, -1)[node, c]
        r = fit.params["rate"].reshape(2, -1)[node, c]
        scale = np.exp(mean_of(np.array([r]), np.log([k]))[0]) / k
        start = np.log([k, scale])
        options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 2000}
        best = optimize.minimize(loss, start + 0.1, method="Nelder-Mead", options=options)
        np.testing.assert_allclose(start, best.x, atol=2e-6)


@pytest.mark.parametrize(("p", "dead_time"), [(0.03, 4.0), (0.2, 0.0), (0.6, 2.0), (0.1, 12.0)])
@pytest.mark.parametrize("per_condition", [False, True])
def test_the_dead_time_estimate_is_the_best_of_all(p, dead_time, per_condition):
    """Every dead time, and p at each by a search of scipy, on the likelihood of the process."""
    fit, parts = fitted_to_ages(REFRACTORY, (p, dead_time), 3, (6, 60), 7, per_condition)
    for c, node in itertools.product(range(len(parts)), range(3)):
        part = parts[c].take(np.array([node]))

        def value(chance, dead, part=part):
            many = {"p": np.array([chance]), "dead_time": np.array([float(dead)])}
            return REFRACTORY.log_likelihood(many, part)[0]

        best = max(
            -optimize.minimize_scalar(
                lambda x, dead=dead: -max(value(special.expit(x), dead), -1e9), (-3, 0)
            ).fun
            for dead in range(61)
        )
        own = (fit.params[name].reshape(3, -1)[node, c] for name in ("p", "dead_time"))
        assert value(*own) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize(
    ("process", "values_of"), [(GAMMA, (0.1, 0.4)), (GAMMA, (0.2, 5.0)), (REFRACTORY, (0.2, 3.0))]
)
def test_gaps_and_first_spikes_of_a_simulation_follow_the_law(process, values_of):
    """Chi-square of 40,000 trials of 60 bins; each p-value is below 1e-4 once in 10,000 seeds.

    The first two spikes: bins until the first, and from it to the second, as far as trials show.
    """
    raster = simulated(process, values_of, 40, 1000, 60, seed=8)
    dense = raster.to_dense().reshape(-1, 60).astype(int)
    many = {p.name: np.array([v]) for p, v in zip(process.params, values_of, strict=True)}
    table = process.tabulate(many)[0]
    first = np.where(dense.any(axis=1), dense.argmax(axis=1) + 1, 61)
    early = dense[first <= 20]
    rest = np.array([row[at : at + 40] for row, at in zip(early, first[first <= 20], strict=True)])
    gap = np.where(rest.any(axis=1), rest.argmax(axis=1) + 1, 41)
    for found, hazard, longest in ((first, table[:60], 60), (gap, table[LAST : LAST + 40], 40)):
        alive = np.concatenate([[1.0], np.cumprod(1 - hazard)])
        law = np.concatenate([alive[:-1] * hazard, alive[-1:]])
        seen = np.bincount(found, minlength=longest + 2)[1:]
        assert seen[law == 0].sum() == 0
        common = law * len(found) > 5
        seen, law = (np.append(x[common], x[~common].sum()) for x in (seen, law))
        keep = law > 0
        expected = law[keep] / law[keep].sum() * seen.sum()
        assert stats.chisquare(seen[keep], expected).pvalue > 1e-4


COVERAGE = [
    (GAMMA, (0.05, 0.4), 20, 100),
    (GAMMA, (0.2, 6.0), 5, 100),
    (GAMMA, (0.9, 1.0), 60, 100),
    (REFRACTORY, (0.05, 5.0), 20, 100),
    (REFRACTORY, (0.5, 2.0), 100, 10),
]


@pytest.mark.parametrize(("process", "values_of", "n_trials", "n_bins"), COVERAGE)
def test_intervals_cover_the_truth_where_the_process_is_identified(
    process, values_of, n_trials, n_bins
):
    """Of 600 nodes 537 to 597 for 95 %: outside with probability 2e-6; whole ones from 537 on."""
    raster = simulated(process, values_of, 600, n_trials, n_bins, seed=21)
    fit, (summary,) = sn.fit(raster, process), summarize(raster, parts=("ages",))
    truths = {p.name: np.full(600, v) for p, v in zip(process.params, values_of, strict=True)}
    assert process.identified(truths, summary).all()
    intervals = {p.name: fit.interval(p.name) for p in process.params}
    if process.data_interval is not None:
        intervals |= process.data_interval(fit.params, fit.standard_errors, summary, 0.95)
    for param, truth in zip(process.params, values_of, strict=True):
        low, high = intervals[param.name]
        assert (low <= fit.params[param.name]).all()
        assert (fit.params[param.name] <= high).all()
        covered = np.count_nonzero((low <= truth) & (truth <= high))
        assert 537 <= covered <= (600 if param.whole else 597), param.name


def test_shape_intervals_end_where_the_likelihood_has_fallen():
    """The best likelihood at each end, over all rates by a search of scipy, is z²/2 lower."""
    raster = simulated(GAMMA, (0.15, 2.0), 4, 8, 100, seed=5)
    fit, (summary,) = sn.fit(raster, GAMMA), summarize(raster, parts=("ages",))
    for level in (0.5, 0.95, 0.999):
        low, high = GAMMA.data_interval(fit.params, fit.standard_errors, summary, level)["shape"]
        for i, end in itertools.product(range(4), (low, high)):
            part = summary.take(np.array([i]))
            best = optimize.minimize_scalar(
                lambda x, i=i, end=end, part=part: (
                    -GAMMA.log_likelihood(
                        {"rate": special.expit(np.array([x])), "shape": end[i : i + 1]}, part
                    )[0]
                ),
                bracket=(-2.0, -1.5),
            )
            fall = fit.log_likelihood[i] + best.fun
            assert fall == pytest.approx(stats.chi2.ppf(level, 1) / 2, rel=1e-3)


def test_little_data_is_not_identified():
    for process, values_of in ((GAMMA, (0.02, 2.0)), (REFRACTORY, (0.02, 3.0))):
        raster = simulated(process, values_of, 3, 5, 100, seed=1)
        (summary,) = summarize(raster, parts=("ages",))
        assert not process.identified(sn.fit(raster, process).params, summary).any()
        edge = {p.name: np.full(3, p.domain[0]) for p in process.params}
        assert not process.identified(edge, summary).any()


def fitted(dense, process):
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), process)
    return fit, Flag(int(fit.flags[0]))


def test_equal_gaps_stand_at_the_boundary():
    """Every tenth bin: the highest shape, and a dead time of nine bins with p = 1."""
    dense = (np.arange(400) % 10 == 4).reshape(1, 1, 400).astype(int)
    fit, flag = fitted(dense, GAMMA)
    assert flag == Flag.BOUNDARY | Flag.WEAK
    assert fit.params["shape"] == [SHAPES[1]]
    assert fit.params["rate"][0] == pytest.approx(0.1, rel=0.02)
    fit, flag = fitted(dense, REFRACTORY)
    assert flag == Flag.BOUNDARY | Flag.WEAK
    assert fit.params["dead_time"] == [9]
    assert fit.params["p"] == [1]
    low, high = fit.interval("p")
    assert 0.8 < low[0] < 1 == high[0]


def test_bursts_stand_at_the_other_boundary():
    """Whole trials of spikes and of silence: the lowest shape."""
    fit, flag = fitted(np.repeat([1, 0, 1, 0], 70).reshape(1, 4, 70), GAMMA)
    assert flag == Flag.BOUNDARY | Flag.WEAK
    assert fit.params["shape"] == [SHAPES[0]]


def test_trials_of_one_bin_tell_the_rate_alone():
    dense = (np.arange(60) % 3 == 0).reshape(1, 60, 1).astype(int)
    fit, flag = fitted(dense, GAMMA)
    assert flag == Flag.BOUNDARY | Flag.WEAK
    assert fit.params["rate"][0] == pytest.approx(1 / 3)
    assert fit.params["shape"] == [1]
    assert np.isinf(fit.standard_errors["shape"]).all()
    fit, flag = fitted(dense, REFRACTORY)
    assert flag == Flag.BOUNDARY | Flag.WEAK
    assert fit.params["dead_time"] == [0]
    assert fit.interval("dead_time") == (0, LAST - 1)


def test_intervals_of_nodes_that_never_or_always_fire_are_one_sided():
    dense = np.repeat([[0], [1]], 50, axis=1).reshape(2, 5, 10)
    for process, name in ((GAMMA, "rate"), (REFRACTORY, "p")):
        low, high = sn.fit(sn.SpikeRaster.from_dense(dense), process).interval(name)
        edge = 0.025 ** (1 / 50)
        np.testing.assert_allclose(low, [0, edge])
        np.testing.assert_allclose(high, [1 - edge, 1])


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_any_small_recording_is_fitted(data, seed):
    """Bins of any rate and memory: the search arrives, and intervals hold the estimate."""
    generator = np.random.default_rng(seed)
    shape = tuple(data.draw(st.integers(1, most)) for most in (6, 6, 60))
    up, stay = generator.beta(0.4, 0.4, (2, shape[0], 1))
    dense = np.zeros(shape, int)
    now = generator.random(shape[:2]) < up
    for t in range(shape[2]):
        dense[:, :, t] = now
        now = generator.random(shape[:2]) < np.where(now, stay, up)
    raster = sn.SpikeRaster.from_dense(dense)
    (summary,) = summarize(raster, parts=("ages",))
    fit = sn.fit(raster, GAMMA)
    assert not (fit.flags & Flag.NOT_CONVERGED).any()
    low, high = GAMMA.data_interval(fit.params, fit.standard_errors, summary, 0.9)["shape"]
    assert (low >= SHAPES[0]).all()
    assert (low <= fit.params["shape"]).all()
    assert (fit.params["shape"] <= high).all()
    assert (high <= SHAPES[1]).all()
