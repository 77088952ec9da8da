"""Rate profiles: splines, curves, regression against statsmodels, intervals, and simulation."""

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

import stochnet as sn
from stochnet.process import Flag
from stochnet.processes.laws.rate_profile import BASIS, CONTROLS, basis
from stochnet.raster.windows import SLOTS, slot_of_bin
from stochnet.statistics.summary.summary import summarize
from tests.processes.test_conformance import DEGENERATE
from tests.support import naive

NAMES = {"inhomogeneous_poisson": "poisson", "inhomogeneous_bernoulli": "bernoulli"}
both = pytest.mark.parametrize("name", NAMES)


def process_of(name):
    return sn.PROCESSES[name]


def named(name, controls):
    """Parameters {name: (node,) or (node, condition)} from controls (control, node, …)."""
    return {p.name: c for p, c in zip(process_of(name).params, np.asarray(controls), strict=True)}


def controls_of(fit):
    """Controls of a fit: (node, control)."""
    return np.stack([fit.params[p.name] for p in fit.process.params], axis=1)


def errors_of(fit):
    return np.stack([fit.standard_errors[p.name] for p in fit.process.params], axis=1)


def draw_controls(name, rng, n):
    high = 1.5 if name == "inhomogeneous_poisson" else 0.7
    return rng.uniform(0.1, high, (CONTROLS, n))


def curve_of(name, params):
    """Mean spikes of a bin in every slot: (node, slot), from the process's own table."""
    table = process_of(name).tabulate(params)
    return (1 - table).sum(axis=2) if process_of(name).has_counts else table


def simulated(name, controls, n_trials, n_bins, *, window=None, seed=1):
    bundle = sn.Bundle.from_params(name, named(name, controls), window=window or n_bins)
    return sn.simulate(bundle, n_trials, n_bins, seed=seed)


def link(name, value):
    return np.log(value) if name == "inhomogeneous_poisson" else np.log(value / (1 - value))


def test_the_splines_are_those_of_the_recurrence():
    """Cox and de Boor's recurrence, written out."""
    knots = [0, 0, 0, 0, 0.5, 1, 1, 1, 1]
    middle = (np.arange(SLOTS) + 0.5) / SLOTS

    def spline(i, degree):
        if degree == 0:
            return ((knots[i] <= middle) & (middle < knots[i + 1])).astype(float)
        found = np.zeros(SLOTS)
        for j, sign in ((i, 1), (i + 1, -1)):
            width = knots[j + degree] - knots[j]
            if width > 0:
                start = knots[j] if sign > 0 else knots[j + degree]
                found += sign * (middle - start) / width * spline(j, degree - 1)
        return found

    expected = np.stack([spline(i, 3) for i in range(CONTROLS)], axis=1)
    np.testing.assert_allclose(BASIS, expected, atol=1e-15)


@pytest.mark.parametrize("n_controls", [4, 5, 6, 9])
def test_splines_sum_to_one_and_are_mirrored(n_controls):
    splines = basis(n_controls)
    assert (splines >= 0).all()
    np.testing.assert_allclose(splines.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(splines[::-1, ::-1], splines, atol=1e-15)


def test_the_outer_splines_share_no_slot():
    assert (BASIS[:16, 4] == 0).all()
    assert (BASIS[16:, 0] == 0).all()
    assert (BASIS[:16, 0] > 0).all()
    assert (BASIS[16:, 4] > 0).all()
    assert (BASIS[:, 1:4] > 0).all()


@both
def test_the_curve_is_the_weighted_mean_on_the_scale_of_the_link(name, rng):
    """For rates that is the product of controls to the power of their splines."""
    controls = draw_controls(name, rng, 30)
    found = curve_of(name, named(name, controls))
    if name == "inhomogeneous_poisson":
        expected = np.prod(controls.T[:, None, :] ** BASIS, axis=2)
        # The table stops where less than 2**-33 is left.
        np.testing.assert_allclose(found, expected, rtol=1e-8)
    else:
        odds = np.prod((controls / (1 - controls)).T[:, None, :] ** BASIS, axis=2)
        np.testing.assert_allclose(found, odds / (1 + odds), rtol=1e-13)


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.1, 0.3, 0.999, 1.0])
def test_equal_controls_are_a_constant_probability_bit_for_bit(value):
    params = named("inhomogeneous_bernoulli", np.full((CONTROLS, 1), value))
    assert (curve_of("inhomogeneous_bernoulli", params) == value).all()


@both
def test_a_control_of_zero_silences_its_spline(name):
    controls = np.full((CONTROLS, 2), 0.4)
    controls[0, 0] = controls[2, 1] = 0.0
    curve = curve_of(name, named(name, controls))
    assert (curve[0, :16] == 0).all()
    assert (curve[0, 16:] > 0.3).all()
    assert (curve[1] == 0).all()


def test_a_control_of_one_fills_its_spline_and_zero_wins_over_one():
    controls = np.full((CONTROLS, 3), 0.4)
    controls[4, 0] = controls[1, 1] = controls[1, 2] = 1.0
    controls[4, 2] = 0.0
    curve = curve_of("inhomogeneous_bernoulli", named("inhomogeneous_bernoulli", controls))
    assert (curve[0, 16:] == 1).all()
    assert (curve[0, :16] < 0.5).all()
    assert (curve[1] == 1).all()
    assert (curve[2, :16] == 1).all()
    assert (curve[2, 16:] == 0).all()


@both
@pytest.mark.parametrize("window", [1, 5, 23, 32, 60])
def test_the_likelihood_is_that_of_scipy_bin_by_bin(name, window, rng):
    params = named(name, draw_controls(name, rng, 20))
    dense = rng.poisson(0.6, (20, 3, 60))
    dense = dense if name == "inhomogeneous_poisson" else np.minimum(dense, 1)
    (summary,) = summarize(sn.SpikeRaster.from_dense(dense), window=window, parts={"slots"})
    found = process_of(name).log_likelihood(params, summary)
    mean = curve_of(name, params)[:, None, slot_of_bin(60, window)]
    law = stats.poisson if name == "inhomogeneous_poisson" else stats.bernoulli
    np.testing.assert_allclose(found, law.logpmf(dense, mean).sum(axis=(1, 2)), rtol=1e-8)


def test_probabilities_of_all_spike_sequences_sum_to_one(rng):
    """Of two trials of five bins in windows of three, at four nodes' profiles."""
    sequences = np.array(list(itertools.product([0, 1], repeat=10))).reshape(-1, 2, 5)
    (summary,) = summarize(sn.SpikeRaster.from_dense(sequences), window=3)
    for one in draw_controls("inhomogeneous_bernoulli", rng, 4).T:
        params = named("inhomogeneous_bernoulli", np.repeat(one[:, None], 1024, axis=1))
        chance = np.exp(process_of("inhomogeneous_bernoulli").log_likelihood(params, summary))
        assert chance.sum() == pytest.approx(1, rel=1e-12)


@both
def test_equal_controls_are_the_homogeneous_process(name, rng):
    """Likelihood, moments, and the very spikes of the same seed."""
    plain = sn.PROCESSES[NAMES[name]]
    value = rng.uniform(0.05, 0.9, 12)
    params = named(name, np.repeat(value[None], CONTROLS, axis=0))
    same = {plain.params[0].name: value}
    raster = simulated(name, np.repeat(value[None], CONTROLS, axis=0), 4, 130, window=50)
    expected = sn.simulate(sn.Bundle.from_params(plain, same), 4, 130, seed=1)
    np.testing.assert_array_equal(raster.to_dense(), expected.to_dense())
    (summary,) = summarize(raster, window=50)
    np.testing.assert_allclose(
        process_of(name).log_likelihood(params, summary),
        plain.log_likelihood(same, summary),
        rtol=1e-12,
    )
    for found, right in zip(
        process_of(name).moments(params, 50), plain.moments(same, 50), strict=True
    ):
        np.testing.assert_allclose(found, right, rtol=1e-13)


@both
@pytest.mark.parametrize("window", [1, 20, 64, 100])
def test_moments_are_sums_over_the_bins_of_the_window(name, window, rng):
    params = named(name, draw_controls(name, rng, 7))
    bins = curve_of(name, params)[:, slot_of_bin(window, window)]
    mean, variance = process_of(name).moments(params, window)
    spread = bins if name == "inhomogeneous_poisson" else bins * (1 - bins)
    np.testing.assert_allclose(mean, bins.sum(axis=1), rtol=1e-8)
    np.testing.assert_allclose(variance, spread.sum(axis=1), rtol=1e-8)


def glm(name, spikes, bins):
    """Coefficients and standard errors of statsmodels with the same design matrix."""
    seen = bins > 0
    if name == "inhomogeneous_poisson":
        model = sm.GLM(spikes[seen], BASIS[seen], family=sm.families.Poisson(), exposure=bins[seen])
    else:
        pairs = np.stack([spikes, bins - spikes], axis=1)[seen]
        model = sm.GLM(pairs, BASIS[seen], family=sm.families.Binomial())
    found = model.fit(maxiter=200, tol=1e-14)
    return found.params, found.bse


def check_against_glm(name, summary, controls, errors):
    slope = controls if name == "inhomogeneous_poisson" else controls * (1 - controls)
    for node in range(len(controls)):
        coefficients, bse = glm(name, summary.slot_spikes[node], summary.slot_bins)
        np.testing.assert_allclose(
            link(name, controls[node]), coefficients, rtol=1e-6, atol=1e-6 * bse.min()
        )
        np.testing.assert_allclose(errors[node] / slope[node], bse, rtol=1e-6)


@both
@pytest.mark.parametrize("window", [10, 33, 250])
def test_fits_equal_those_of_statsmodels(name, window, rng):
    raster = simulated(name, draw_controls(name, rng, 12), 10, 250, window=window)
    fit = sn.fit(raster, name, window=window)
    (summary,) = summarize(raster, window=window, parts={"slots"})
    check_against_glm(name, summary, controls_of(fit), errors_of(fit))


@both
def test_steep_profiles_equal_those_of_statsmodels(name):
    """Controls over four decades, where Newton's first steps go too far."""
    shapes = [
        [0.9, 1e-4, 0.9, 1e-4, 0.9],
        [1e-4, 0.9, 0.9, 0.9, 1e-4],
        [0.9, 0.5, 0.01, 1e-3, 0.01],
    ]
    raster = simulated(name, np.array(shapes).T, 40, 1000)
    fit = sn.fit(raster, name)
    (summary,) = summarize(raster, parts={"slots"})
    assert not (fit.flags & Flag.NOT_CONVERGED).any()
    check_against_glm(name, summary, controls_of(fit), errors_of(fit))


@both
def test_fits_per_condition_equal_those_of_statsmodels(name, rng):
    """Conditions that change within windows, one of them seen in a part of the window only."""
    labels = rng.integers(0, 2, (8, 400))
    labels[:, slot_of_bin(400, 100) >= 24] = 2
    controls = rng.uniform(0.2, 0.7, (CONTROLS, 5, 3))
    bundle = sn.Bundle.from_params(name, named(name, controls), window=100, conditions=labels)
    raster = sn.simulate(bundle, seed=4)
    fit = sn.fit(raster, name, per_condition=True, window=100)
    found = np.stack([fit.params[p.name] for p in fit.process.params], axis=2)
    errors = np.stack([fit.standard_errors[p.name] for p in fit.process.params], axis=2)
    summaries = summarize(raster, window=100, per_condition=True, parts={"slots"})
    for c in range(2):
        check_against_glm(name, summaries[c], found[:, c], errors[:, c])
    assert np.isfinite(fit.log_likelihood).all()


@both
def test_few_spikes_end_at_the_maximum_within_the_stated_limits(name, rng):
    """One to six spikes: no better point is found by scipy's bounded search from the same start."""
    process = process_of(name)
    dense = np.zeros((12, 1, 320), int)
    for node in range(12):
        dense[node, 0, rng.choice(320, 1 + node // 2, replace=False)] = 1
    raster = sn.SpikeRaster.from_dense(dense)
    fit = sn.fit(raster, name)
    (summary,) = summarize(raster, parts={"slots"})
    assert not (fit.flags & Flag.NOT_CONVERGED).any()
    assert (fit.flags[:2] & Flag.BOUNDARY).all()
    for node in range(12):
        mean = link(name, dense[node].mean())
        one = summary.take(np.array([node]))

        def cost(beta, one=one):
            value = np.exp(beta) if name == "inhomogeneous_poisson" else 1 / (1 + np.exp(-beta))
            return -process.log_likelihood(named(name, value[:, None]), one)[0]

        best = optimize.minimize(
            cost, np.full(CONTROLS, mean), method="L-BFGS-B", bounds=[(mean - 15, mean + 15)] * 5
        )
        assert fit.log_likelihood[node] >= -best.fun - 1e-7


def silent_half(name, n_trials=20, n_bins=200):
    """Spikes in the second half of the window only, in two of three bins there."""
    dense = np.zeros((1, n_trials, n_bins), int)
    dense[0, :, n_bins // 2 :] = (np.arange(n_bins // 2) % 3 > 0).astype(int)
    return dense


@both
def test_a_spline_without_spikes_gets_zero_and_the_boundary(name):
    dense = silent_half(name)
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), name)
    first = process_of(name).params[0].name
    assert fit.params[first] == [0]
    assert np.isinf(fit.standard_errors[first]).all()
    low, high = fit.interval(first)
    assert low == [0]
    assert high == [process_of(name).params[0].domain[1]]
    assert Flag(int(fit.flags[0])) & Flag.BOUNDARY
    # The rest is the regression on the other half alone.
    spikes = dense[0].sum(axis=0).reshape(-1)
    slots = slot_of_bin(200, 200)
    y = np.bincount(slots, spikes, SLOTS)[16:]
    n = 20 * np.bincount(slots, minlength=SLOTS)[16:]
    design = BASIS[16:, 1:]
    if name == "inhomogeneous_poisson":
        model = sm.GLM(y, design, family=sm.families.Poisson(), exposure=n)
    else:
        model = sm.GLM(np.stack([y, n - y], axis=1), design, family=sm.families.Binomial())
    coefficients = model.fit(tol=1e-14).params
    np.testing.assert_allclose(
        link(name, controls_of(fit)[0, 1:]), coefficients, rtol=1e-6, atol=1e-6
    )
    drawn = sn.simulate(
        sn.fit_bundle(sn.SpikeRaster.from_dense(dense), name), 5, 450, seed=2
    ).to_dense()
    assert drawn[..., np.arange(450) % 200 < 100].sum() == 0
    assert drawn.sum() > 0


def test_a_spline_without_silence_gets_one():
    fit = sn.fit(sn.SpikeRaster.from_dense(1 - silent_half("")), "inhomogeneous_bernoulli")
    assert fit.params["p_1"] == [1]
    assert np.isinf(fit.standard_errors["p_1"]).all()
    assert [float(end[0]) for end in fit.interval("p_1")] == [0, 1]
    assert Flag(int(fit.flags[0])) & Flag.BOUNDARY


@both
def test_silence_and_activity_in_turn_are_explained_for_certain(name):
    dense = np.zeros((1, 3, 40), int)
    dense[..., 20:] = 1
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), name)
    if name == "inhomogeneous_bernoulli":
        assert fit.log_likelihood == [0]
        drawn = sn.simulate(sn.fit_bundle(sn.SpikeRaster.from_dense(dense), name), seed=1)
        np.testing.assert_array_equal(drawn.to_dense(), dense)
    else:
        assert fit.log_likelihood == pytest.approx([-60])


@both
def test_dead_nodes_are_all_zeros_and_tell_nothing(name):
    fit = sn.fit(sn.SpikeRaster.from_dense(np.zeros((2, 3, 50), int)), name)
    assert (controls_of(fit) == 0).all()
    assert np.isinf(errors_of(fit)).all()
    assert (fit.flags & Flag.DEAD).all()
    assert (fit.log_likelihood == 0).all()


@both
@pytest.mark.parametrize("window", [1, 2, 3, 4])
def test_windows_of_few_bins_leave_controls_unknown(name, window, rng):
    """Fewer positions than controls: every position gets its own mean, the errors are infinite."""
    dense = rng.random((6, 30, 40)) < np.linspace(0.2, 0.8, window)[np.arange(40) % window]
    raster = sn.SpikeRaster.from_dense(dense)
    fit = sn.fit(raster, name, window=window)
    found = curve_of(name, fit.params)[:, slot_of_bin(window, window)]
    place = np.arange(40) % window
    for t in range(window):
        np.testing.assert_allclose(
            found[:, t], dense[:, :, place == t].mean(axis=(1, 2)), rtol=1e-6
        )
    assert np.isinf(errors_of(fit)).any(axis=1).all()
    (summary,) = summarize(raster, window=window)
    assert not process_of(name).identified(fit.params, summary).any()
    if window == 1:
        mean = np.repeat(dense.mean(axis=(1, 2))[:, None], CONTROLS, axis=1)
        np.testing.assert_allclose(controls_of(fit), mean, rtol=1e-12)


@both
def test_what_is_identified_depends_on_the_size_of_the_data(name):
    params = named(name, np.full((CONTROLS, 1), 0.2))
    process = process_of(name)
    found = []
    for n_trials in (1, 5, 20, 100):
        dense = np.zeros((1, n_trials, 64), int)
        (summary,) = summarize(sn.SpikeRaster.from_dense(dense))
        found.append(bool(process.identified(params, summary)[0]))
    # The error of the middle control is 8.4 over the root of the spikes: 1.05 and 0.52 here.
    assert found == [False, False, True, True]


@both
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("window", [1, None])
def test_nothing_is_identified_in_degenerate_rasters_and_nothing_is_nan(name, case, window):
    """Warnings are errors here; two cases have spikes enough, those of 60,000 in every bin."""
    raster = sn.SpikeRaster.from_dense(DEGENERATE[case])
    fit = sn.fit(raster, name, window=window)
    (summary,) = summarize(raster, window=window)
    known = process_of(name).identified(fit.params, summary)
    enough = case == "large counts" and window is None and name == "inhomogeneous_poisson"
    if case not in ("saturated", "one trial", "one silent bin", "alternation", "whole trials"):
        assert (known == enough).all()
    assert np.isfinite(curve_of(name, fit.params)).all() or "large" in case


@both
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_intervals_are_symmetric_on_the_scale_of_the_link(name, level, rng):
    fit = sn.fit(simulated(name, draw_controls(name, rng, 9), 10, 200), name)
    z = stats.norm.ppf((1 + level) / 2)
    for param in fit.process.params:
        value, error = fit.params[param.name], fit.standard_errors[param.name]
        low, high = fit.interval(param.name, level)
        slope = value if name == "inhomogeneous_poisson" else value * (1 - value)
        middle = link(name, value)
        np.testing.assert_allclose(link(name, high) - middle, z * error / slope, rtol=1e-9)
        np.testing.assert_allclose(middle - link(name, low), z * error / slope, rtol=1e-9)


# Controls of windows of 40 bins.
SHAPES = {
    "flat": [0.2, 0.2, 0.2, 0.2, 0.2],
    "hill": [0.05, 0.2, 0.8, 0.2, 0.05],
    "onset": [0.7, 0.4, 0.1, 0.1, 0.1],
    "valley": [0.6, 0.2, 0.05, 0.2, 0.6],
}


@both
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_trials", [30, 200])
def test_intervals_keep_their_level(name, shape, n_trials):
    """Of 1,000 nodes, 920 to 980 intervals at 0.95 hold the truth, for each of five controls.

    At a coverage of 0.95 a check fails with a probability of 2e-5, and there are 80 of them. The
    nodes have 240 to 2,300 spikes.
    """
    truth = np.array(SHAPES[shape])
    raster = simulated(name, np.repeat(truth[:, None], 1000, axis=1), n_trials, 40, seed=3)
    fit = sn.fit(raster, name)
    (summary,) = summarize(raster, parts={"slots"})
    assert process_of(name).identified(named(name, truth[:, None]), summary.take(np.array([0])))
    for param, value in zip(fit.process.params, truth, strict=True):
        low, high = fit.interval(param.name)
        assert 920 <= np.count_nonzero((low <= value) & (value <= high)) <= 980, param.name


@both
def test_a_smooth_rate_from_outside_the_family_is_followed(name):
    """A wave of one period, from which its best spline is 4 to 7 % away at the worst.

    A slot holds 3,000 spikes or more, and a fitted slot has a standard error of about 1 %, so that
    10 % is three of these beyond the misfit for log rates and six for logits.
    """
    n_bins = 320
    rate = 0.35 - 0.2 * np.cos(2 * np.pi * (np.arange(n_bins) + 0.5) / n_bins)
    rng = np.random.default_rng(8)
    shape = (3, 2000, n_bins)
    dense = (
        rng.poisson(rate, shape) if name == "inhomogeneous_poisson" else rng.random(shape) < rate
    )
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), name)
    found = curve_of(name, fit.params)
    slots = rate.reshape(SLOTS, -1).mean(axis=1)
    np.testing.assert_allclose(found, np.repeat(slots[None], 3, axis=0), rtol=0.1)
    flat = sn.fit(sn.SpikeRaster.from_dense(dense), NAMES[name])
    assert (fit.aic < flat.aic - 1000).all()


@both
def test_a_longer_simulation_repeats_the_profile(name, rng):
    """Spikes equal those of plain Python beyond the window, and windows beyond the first agree.

    The counts by place in the window are compared between the first window and the others: 40
    places of 3 nodes, each within 5 standard errors (fails once in 10,000 seeds).
    """
    controls = draw_controls(name, rng, 3)
    bundle = sn.Bundle.from_params(name, named(name, controls), window=40)
    fast = sn.simulate(bundle, 2, 130, seed=6)
    np.testing.assert_array_equal(fast.to_dense(), naive.simulate(bundle, 2, 130, 6))
    dense = sn.simulate(bundle, 2000, 120, seed=6).to_dense().astype(float)
    first, later = dense[:, :, :40], dense[:, :, 40:].reshape(3, 4000, 40)
    error = np.sqrt(first.var(axis=1) / 2000 + later.var(axis=1) / 4000)
    assert (np.abs(first.mean(axis=1) - later.mean(axis=1)) < 5 * error).all()
    again = sn.fit(sn.simulate(bundle, 100, 1000, seed=6), name, window=40)
    z = (controls_of(again) - controls.T) / errors_of(again)
    assert (np.abs(z) < 5).all()


@both
@pytest.mark.parametrize("n_bins", [5, 40, 100])
def test_a_run_shorter_than_the_window_shows_its_beginning(name, n_bins, rng):
    bundle = sn.Bundle.from_params(name, named(name, draw_controls(name, rng, 3)), window=100)
    whole = sn.simulate(bundle, 3, 100, seed=2).to_dense()
    part = sn.simulate(bundle, 3, n_bins, seed=2).to_dense()
    np.testing.assert_array_equal(part, whole[:, :, :n_bins])


@both
def test_more_conditions_times_slots_than_16_bits_count(name, rng):
    """1,100 conditions are 35,200 rows of the table; summaries and spikes are right for all."""
    n = 1100
    labels = (np.arange(4 * 1100).reshape(4, 1100) * 7) % n
    params = named(name, rng.uniform(0.2, 0.7, (CONTROLS, 1, n)))
    bundle = sn.Bundle.from_params(name, params, window=64, conditions=labels)
    raster = sn.simulate(bundle, seed=5)
    np.testing.assert_array_equal(raster.to_dense(), naive.simulate(bundle, 4, 1100, 5))
    summaries = summarize(raster, window=64, per_condition=True, parts={"slots"})
    row = raster.to_dense()[0]
    for c in (0, 1, 1023, 1024, 1099):
        spikes, bins = naive.slots(row, 64, labels, c)
        np.testing.assert_array_equal(summaries[c].slot_spikes[0], spikes)
        np.testing.assert_array_equal(summaries[c].slot_bins, bins)


def test_a_profile_needs_to_know_its_window():
    with pytest.raises(sn.StochnetError, match="give window"):
        sn.Bundle.from_params("inhomogeneous_poisson", named("inhomogeneous_poisson", [[0.1]] * 5))
    fit = sn.fit(sn.SpikeRaster.from_dense(np.ones((1, 2, 70), int)), "inhomogeneous_bernoulli")
    assert fit.window == 70


def test_counts_are_impossible_for_the_profile_of_a_probability():
    dense = np.zeros((1, 4, 50), int)
    dense[0, :, ::5] = 3
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), "inhomogeneous_bernoulli")
    assert Flag(int(fit.flags[0])) & Flag.IMPOSSIBLE
    assert (controls_of(fit) == 0.2).all()
