"""A process is one file: dropped into a package it is found, fitted and simulated."""

import importlib
import sys
import textwrap

import numpy as np
import pytest

import stochnet as sn
from stochnet.processes import discover
from tests.support import naive

COIN = '''
    """A coin that sticks: with probability `hold` a bin repeats the one before."""

    import numpy as np

    from stochnet.process import Estimate, Param, Process, Stepwise, first_flags


    def estimate(summary):
        same = summary.transitions[:, 0, 0] + summary.transitions[:, 1, 1]
        total = summary.transitions.sum(axis=(1, 2))
        hold = np.clip(2 * same / total - 1, 0.0, 1.0)
        error = 2 * np.sqrt(same / total * (1 - same / total) / total)
        return Estimate({"hold": hold}, {"hold": error}, first_flags(summary))


    def log_likelihood(params, summary):
        same = (1 + params["hold"]) / 2
        kept = summary.transitions[:, 0, 0] + summary.transitions[:, 1, 1]
        moved = summary.transitions[:, 0, 1] + summary.transitions[:, 1, 0]
        return kept * np.log(same) + moved * np.log(1 - same) - np.log(2) * summary.starts.sum(1)


    def moments(params, window):
        lag = np.arange(1, window)
        sums = ((window - lag) * params["hold"][:, None] ** lag).sum(axis=1)
        return np.full(len(params["hold"]), window / 2), (window + 2 * sums) / 4


    def tabulate(params):
        return params["hold"][:, None]


    def init(row, u):
        return 0 if u < 0.5 else 1


    def step(row, state, u):
        if u >= row[0]:
            state = 0 if (u - row[0]) * 2 < 1 - row[0] else 1
        return state, state


    PROCESS = Process(
        "sticky_coin", 1, (Param("hold", "1", (0.0, 1.0), (0.1, 0.9), "chance to repeat"),),
        estimate, log_likelihood, moments, tabulate, Stepwise(init, step),
        needs=frozenset({"transitions"}),
    )
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes modules of a package and lets `discover` search it."""

    def make(**modules):
        folder = tmp_path / "plugins"
        folder.mkdir()
        (folder / "__init__.py").touch()
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        return discover([str(folder)], "plugins")

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "plugins"]:
        del sys.modules[name]


def test_a_process_in_one_file_is_found_fitted_and_simulated(package):
    process = package(coin=COIN)["sticky_coin"]
    bundle = sn.Bundle.from_params(process, {"hold": np.array([0.1, 0.5, 0.9])})
    raster = sn.simulate(bundle, 40, 300, seed=6)
    np.testing.assert_array_equal(
        sn.simulate(bundle, 2, 80, seed=6).to_dense(), naive.simulate(bundle, 2, 80, 6)
    )
    fit = sn.fit(raster, process)
    np.testing.assert_allclose(fit.params["hold"], [0.1, 0.5, 0.9], atol=0.05)
    assert {one.process.name for one in sn.select(raster, ["bernoulli", process])} == {
        "sticky_coin"
    }
    again = sn.simulate(sn.fit_bundle(raster, process), seed=7)
    np.testing.assert_allclose(sn.firing_rate(again), sn.firing_rate(raster), atol=0.05)


def test_a_bundle_of_a_process_that_is_missing_names_it(package, tmp_path):
    process = package(coin=COIN)["sticky_coin"]
    sn.write_bundle(sn.Bundle.from_params(process, {"hold": [0.5]}), tmp_path / "coin.h5")
    with pytest.raises(sn.StochnetError, match=r"sticky_coin.*install the version"):
        sn.read_bundle(tmp_path / "coin.h5")


def test_a_module_without_a_process_fails_loudly(package):
    with pytest.raises(sn.StochnetError, match=r"plugins.empty must end with PROCESS"):
        package(empty="X = 1\n")


def test_a_process_of_another_type_fails_loudly(package):
    with pytest.raises(sn.StochnetError, match=r"plugins.wrong must end with PROCESS"):
        package(wrong="PROCESS = 'bernoulli'\n")


def test_a_name_that_is_taken_fails_loudly(package):
    with pytest.raises(
        sn.StochnetError, match=r"plugins.second.*'sticky_coin' of a process is taken"
    ):
        package(first=COIN, second=COIN)


def test_the_registry_is_sorted_and_cannot_be_changed():
    assert list(sn.PROCESSES) == sorted(sn.PROCESSES)
    assert all(name == process.name for name, process in sn.PROCESSES.items())
    with pytest.raises(TypeError):
        sn.PROCESSES["new"] = None
    with pytest.raises(sn.StochnetError, match=r"no process 'nothing'; there are .*bernoulli"):
        sn.fit(sn.SpikeRaster.from_dense(np.ones((1, 1, 4), int)), "nothing")
