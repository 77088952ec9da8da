"""Networks from specifications: what was asked for is what comes out, and nonsense is named."""

import re
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

import stochnet as sn
from stochnet.bundle.populations.families import FAMILIES
from stochnet.bundle.populations.scales import Scale
from stochnet.errors import InvalidInputError
from stochnet.simulation.generation.build import class_effects, tuned
from stochnet.simulation.generation.named_laws import Law
from stochnet.simulation.generation.noise_correlation import spike_correlation
from stochnet.simulation.generation.spec import TuningSpec, read_spec
from stochnet.storage import bundle_digest
from tests.support import ROOT

SPECS = sorted((ROOT / "docs" / "specs").glob("*.toml"))


def spec(schedule=None, correlation=None, **layer):
    """Return a specification of one layer."""
    plain = {"name": "a", "nodes": 40, "params": {"p": {"law": "beta", "a": 2, "b": 5}}}
    found = {"schedule": {"trials": 4, "bins": 10} | (schedule or {}), "layers": [plain | layer]}
    return found | ({"correlation": correlation} if correlation else {})


CLASSES = {"classes": 5, "kind": "stratified"}


# Whole networks.


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_specifications_of_the_documentation_work(path, tmp_path):
    bundle = sn.generate(path)
    plain = tomllib.loads(path.read_text(encoding="utf-8"))
    assert [layer.name for layer in bundle.layers] == [one["name"] for one in plain["layers"]]
    assert [layer.n_nodes for layer in bundle.layers] == [one["nodes"] for one in plain["layers"]]
    assert (bundle.latents is not None) == ("correlation" in plain)
    # The seed, or the stored specification, gives the network again.
    digest = bundle_digest(bundle)
    assert bundle_digest(sn.generate(plain)) == digest
    assert bundle_digest(sn.generate(bundle.provenance["spec"])) == digest
    sn.write_bundle(bundle, tmp_path / "bundle.h5")
    again = sn.read_bundle(tmp_path / "bundle.h5")
    assert bundle_digest(again) == digest
    assert again.provenance["spec"] == bundle.provenance["spec"]


def test_seeds_choose_the_network():
    digests = [bundle_digest(sn.generate(spec(), rng=seed)) for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]
    seeded = spec() | {"seed": 1}
    assert bundle_digest(sn.generate(seeded)) == digests[0]
    assert bundle_digest(sn.generate(seeded, rng=2)) == digests[2]
    assert sn.generate(seeded, rng=2).provenance["spec"]["seed"] == 2
    free = sn.generate(spec())
    assert bundle_digest(sn.generate(spec(), rng=free.provenance["seed"])) == bundle_digest(free)
    one, two = (sn.generate(spec(), rng=np.random.default_rng(3)) for _ in range(2))
    assert bundle_digest(one) == bundle_digest(two)


def test_a_layer_stays_when_others_are_added():
    short, long = spec(), spec()
    long["layers"].append({"name": "b", "nodes": 9, "process": "poisson", "params": {"rate": 0.5}})
    a, b = sn.generate(short, rng=1), sn.generate(long, rng=1)
    assert np.array_equal(a.fits[0].params["p"], b.fits[0].params["p"])
    assert b.process_names().tolist() == ["bernoulli"] * 40 + ["poisson"] * 9


@pytest.mark.parametrize("name", sn.PROCESSES)
def test_every_process_can_be_generated(name):
    process = sn.PROCESSES[name]
    params = {
        p.name: {"law": "choice", "values": [float(np.ceil(p.typical[0]))]}
        if p.whole
        else {"law": "uniform", "low": p.typical[0], "high": p.typical[1]}
        for p in process.params
    }
    bundle = sn.generate(spec(CLASSES, process=name, params=params, window=5, dead=0.1), rng=1)
    for p in process.params:
        values = bundle.fits[0].params[p.name]
        live = values[values > p.domain[0]]
        assert ((live >= p.typical[0]) & (live <= max(p.typical[1], 2))).all()
    with_classes = spec(CLASSES, process=name, params=params, window=5, tuning={"strength": 0.3})
    assert sn.generate(with_classes, rng=1).n_conditions == 5


def test_rates_follow_their_law():
    """Four distances, each above its bound once in 100 seeds."""
    laws = {
        "beta": ({"a": 1, "b": 4}, stats.beta(1, 4).cdf),
        "logit-normal": (
            {"mean": -1, "sd": 0.5},
            lambda x: stats.norm(-1, 0.5).cdf(special.logit(x)),
        ),
        "uniform": ({"low": 0.2, "high": 0.6}, stats.uniform(0.2, 0.4).cdf),
    }
    for name, (params, cdf) in laws.items():
        asked = spec(nodes=2000, params={"p": {"law": name, **params}})
        p = sn.generate(asked, rng=1).fits[0].params["p"]
        assert stats.kstest(p, cdf).pvalue > 0.01
    # Tuning leaves the law of the means over classes alone.
    tuning = {"strength": 2.0, "spread": 0.7, "rank": 2}
    asked = spec(CLASSES, nodes=2000, params={"p": {"law": "beta", "a": 1, "b": 4}}, tuning=tuning)
    p = sn.generate(asked, rng=1).fits[0].params["p"]
    assert stats.kstest(p.mean(axis=1), stats.beta(1, 4).cdf).pvalue > 0.01


def test_shares_of_dead_saturated_and_tuned_nodes_are_whole():
    asked = spec(CLASSES, nodes=200, dead=0.1, saturated=0.05, tuning={"strength": 1, "share": 0.5})
    p = sn.generate(asked, rng=1).fits[0].params["p"]
    assert np.sum((p == 0).all(axis=1)) == 20
    assert np.sum((p == 1).all(axis=1)) == 10
    live = ((p > 0) & (p < 1)).all(axis=1)
    assert live.sum() == 170
    # 100 nodes are tuned, among them those that are dead or saturated, by chance.
    assert 70 <= np.sum(p[live].std(axis=1) > 0) <= 100


@pytest.mark.parametrize("kind", ["shuffled", "blocked", "stratified", "sequential"])
def test_classes_stand_where_the_schedule_says(kind):
    bundle = sn.generate(spec({"classes": 5, "kind": kind, "trials": 10, "bins": 20}), rng=1)
    assert bundle.conditions.shape == (10, 20)
    assert bundle.schedule == kind
    assert (np.bincount(bundle.conditions.reshape(-1)) == 40).all()
    if kind == "blocked":
        assert (bundle.conditions == bundle.conditions[:, :1]).all()
    if kind == "stratified":
        assert all((np.bincount(row) == 4).all() for row in bundle.conditions)
    plain = sn.generate(spec())
    assert plain.conditions is None
    assert plain.schedule == "none"


# Tuning.


@given(
    p=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8),
    strength=st.floats(0.0, 4.0),
    seed=st.integers(0, 99),
)
def test_tuning_keeps_means_and_domains(p, strength, seed):
    rng = np.random.default_rng(seed)
    effects = class_effects(TuningSpec(strength=strength), len(p), 6, rng)
    table = tuned(np.array(p), effects, Scale("logit", 0.0, 1.0))
    assert ((table > 0) & (table < 1)).all()
    np.testing.assert_allclose(table.mean(axis=1), p, rtol=1e-9)
    rates = tuned(np.array(p), effects, Scale("log", 0.0, 100.0))
    np.testing.assert_allclose(rates.mean(axis=1), p, rtol=1e-9)


def test_effects_have_their_strength_and_rank(rng):
    """Mean squares of 4,000 nodes: within five standard errors, 0.05."""
    effects = class_effects(TuningSpec(strength=1.5), 4000, 10, rng)
    np.testing.assert_allclose(effects.sum(axis=1), 0, atol=1e-12)
    assert np.mean(effects**2) == pytest.approx(1.5**2, rel=0.05)
    low = class_effects(TuningSpec(strength=1.0, rank=2), 100, 10, rng)
    assert np.linalg.matrix_rank(low) == 2


# Correlation.


@pytest.mark.parametrize("latent", [-0.7, 0.0, 0.05, 0.6, 0.98])
def test_spike_correlations_are_those_of_the_bivariate_normal_law(latent):
    for p, q in ((0.5, 0.5), (0.1, 0.7), (0.02, 0.03)):
        h, k = special.ndtri(p), special.ndtri(q)
        inside = integrate.quad(
            lambda x, k=k: stats.norm.pdf(x)
            * special.ndtr((k - latent * x) / np.sqrt(1 - latent**2)),
            -12, h, epsabs=1e-12, limit=200,
        )  # fmt: skip
        both = inside[0]
        truth = (both - p * q) / np.sqrt(p * (1 - p) * q * (1 - q))
        assert float(spike_correlation(p, q, latent)) == pytest.approx(truth, abs=1e-8)
    # Sheppard's formula.
    half = float(spike_correlation(0.5, 0.5, latent))
    assert half == pytest.approx(2 / np.pi * np.arcsin(latent), abs=1e-10)
    assert np.isnan(spike_correlation(0.0, 0.5, latent))


@pytest.mark.parametrize(
    "correlation",
    [
        {"mean": 0.05},
        {"mean": 0.1, "rank": 3, "spread": 0.2},
        {"mean": 0.08, "trial": 0.2},
    ],
)
def test_noise_correlations_have_the_mean_that_was_asked_for(correlation):
    bundle = sn.generate(spec(CLASSES, correlation, tuning={"strength": 0.5}), rng=1)
    p, latents = bundle.fits[0].params["p"], bundle.latents
    i, j = np.triu_indices(40, 1)
    latent = (latents.loadings[i] * latents.loadings[j]).sum(axis=1) + latents.trial[i] ** 2
    found = spike_correlation(p[i], p[j], latent[:, None]).mean()
    assert found == pytest.approx(correlation["mean"], abs=1e-8)


def test_loadings_follow_their_law_and_layers_share_factors():
    asked = spec(correlation={"rank": 2, "loadings": 0.5, "across": 0.4})
    asked["layers"].append(asked["layers"][0] | {"name": "b", "dead": 0.5})
    latents = sn.generate(asked, rng=1).latents
    assert (latents.loadings[:40] == 0.5).all()
    assert np.sum(~latents.correlated) == 20
    assert (latents.mixing @ latents.mixing.T)[:, 0].tolist() == pytest.approx([1, 0, 0.4, 0])
    asked["correlation"] |= {"across": 1.0, "layers": ["b"]}
    latents = sn.generate(asked, rng=1).latents
    assert (latents.loadings[:40] == 0).all()
    np.testing.assert_allclose((latents.mixing @ latents.mixing.T)[0, 2], 1.0)
    large = sn.generate(spec(correlation={"rank": 4, "loadings": 0.9}), rng=1).latents
    np.testing.assert_allclose(large.shared_variance, 0.98)


# Laws.


@pytest.mark.parametrize(
    "plain",
    [
        {"law": "constant", "value": 0.5},
        {"law": "choice", "values": [1, 2], "weights": [1, 3]},
        {"law": "mixture", "parts": [{"law": "beta", "a": 1, "b": 2}]},
    ],
)
def test_laws_come_back_as_plain_values(plain, rng):
    law = Law.model_validate(plain)
    assert Law.model_validate(law.plain()) == law
    assert law.draw(7, rng).shape == (7,)


def test_choices_and_mixtures_have_their_weights(rng):
    """Shares of 4,000: within five standard errors, 0.035."""
    law = Law.model_validate({"law": "choice", "values": [1, 2], "weights": [1, 3]})
    assert np.mean(law.draw(4000, rng) == 2) == pytest.approx(0.75, abs=0.035)
    law = Law.model_validate({"law": "mixture", "weights": [1, 1, 2], "parts": [0, 1, 2]})
    assert np.mean(law.draw(4000, rng) == 2) == pytest.approx(0.5, abs=0.04)
    assert Law.model_validate(0.25).plain() == {"law": "constant", "value": 0.25}


# Errors.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": {"q": 1}}, "layer 'a': bernoulli has the parameters p, params has q"),
        ({"params": {"p": {"law": "bet"}}}, r"layers.0 \(a\).params.p: no law 'bet'; there"),
        ({"params": {"p": {"law": "beta", "a": 1}}}, "beta has the parameters a, b"),
        ({"params": {"p": {"law": "beta", "a": -1, "b": 2}}}, "a must be above 0, got -1"),
        ({"params": {"p": {"law": "uniform", "low": 1, "high": 0}}}, "low must be below high"),
        ({"params": {"p": {"law": "choice"}}}, "choice needs values"),
        ({"params": {"p": {"law": "mixture", "parts": [1, 1], "weights": [1]}}}, "be 2 numbers"),
        ({"params": {"p": "high"}}, "a law is a number, or a table"),
        ({"params": {"p": 1.5}}, r"layer 'a': the law constant of p gave 1.5 .* in \[0, 1\]"),
        ({"process": "poison"}, "layer 'a': no process 'poison'; there are bernoulli"),
        (
            {"process": "refractory_poisson", "params": {"p": 0.5, "dead_time": 1.5}},
            "dead_time must be whole",
        ),
        ({"process": "poisson", "params": {"rate": 1}, "saturated": 0.5}, "cannot be saturated"),
        ({"nodes": 0}, r"layers.0 \(a\).nodes: Input should be greater"),
        ({"nodes": 2.5}, r"layers.0 \(a\).nodes: Input should be a valid integer"),
        ({"colour": "red"}, r"layers.0 \(a\).colour: there is no such key"),
        ({"dead": 0.6, "saturated": 0.6}, "layer 'a': dead and saturated nodes are more than all"),
        ({"tuning": {"strength": 1}}, "schedule.classes must be 2 or more"),
        ({"tuning": {}}, r"layers.0 \(a\).tuning.strength: is missing"),
        ({"tuning": {"strength": 1, "params": ["q"]}}, "layer 'a': tuning names q, no parameter"),
        ({"correlation": {"rank": 2}}, "correlation: give mean, loadings or trial"),
        ({"correlation": {"mean": 0.1, "loadings": 0.5}}, "not both"),
        ({"correlation": {"mean": 0.1, "layers": ["z"]}}, "the layer 'z', there is none"),
        ({"correlation": {"mean": 0.99}}, "layer 'a': .* correlation can be 0.000 to 0.6"),
        ({"correlation": {"mean": 0.1, "trial": 0.9}}, "change correlation.mean, spread or trial"),
        (
            {"process": "poisson", "params": {"rate": 1}, "correlation": {"mean": 0.1}},
            "layer 'a' is correlated, and its process is poisson",
        ),
        ({"schedule": {"bins": 0}}, "schedule.bins"),
        ({"schedule": {"kind": "random"}}, "schedule.kind: Input should be 'shuffled'"),
    ],
)  # fmt: skip
def test_nonsense_is_named(change, message):
    with pytest.raises(InvalidInputError, match=message):
        sn.generate(spec(**change), rng=1)


def test_whole_specifications_are_checked(tmp_path):
    twice = spec()
    twice["layers"] *= 2
    for bad, message in (
        (twice, "two layers have the same name: a, a"),
        (spec() | {"layers": []}, "at least one layer"),
        ({"layers": []}, "schedule: is missing"),
        (spec() | {"seed": -1}, "seed"),
        (spec() | {"sede": 1}, "sede: there is no such key"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            read_spec(bad)
    path = tmp_path / "spec.toml"
    with pytest.raises(InvalidInputError, match="no file"):
        sn.generate(path)
    path.write_text("[schedule\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is not TOML"):
        sn.generate(path)


def test_every_key_and_law_is_in_the_documentation():
    text = (ROOT / "docs" / "generating.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w-]+)", text))
    plan = read_spec(spec(CLASSES, {"mean": 0.1}, tuning={"strength": 1}))
    parts = (plan, plan.schedule, plan.layers[0], plan.layers[0].tuning, plan.correlation)
    for part in parts:
        missing = set(type(part).model_fields) - named - {"correlation", "layers", "schedule"}
        assert not missing
    assert set(FAMILIES) - named == {"constant"}
