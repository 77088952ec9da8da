"""Work that is farmed out: order, bounds, damage, lost workers, and the same bits as at home."""

from __future__ import annotations

import dataclasses
import pickle
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError, MissingExtraError, WorkerError
from stochnet.estimation.fit_blocks import FitTask
from stochnet.kernels.threads import count
from stochnet.simulation.simulate import drawn_raster
from stochnet.storage import bundle_digest, raster_digest
from stochnet.workers import dispatch
from stochnet.workers.dispatch import Call, fingerprint, results
from stochnet.workers.pool import UNKNOWN, workers_of

RECORDS = ("bernoulli", "markov", "gamma_renewal")


def shipped(value):
    """Return what arrives in another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301


class Inline(Executor):
    """Does a call when its result is asked for, as another process would; `change` sees answers."""

    n_workers = 3

    def __init__(self, change=lambda number, answer: answer):
        self.change, self.sent, self.open, self.most_open = change, 0, 0, 0

    def submit(self, fn, /, *args):
        number, self.sent = self.sent, self.sent + 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        executor = self

        class Late(Future):
            def result(self, timeout=None):
                executor.open -= 1
                function, words = shipped((fn, args))
                return executor.change(number, shipped(function(*words)))

        return Late()


def square(x):
    return np.full(3, x**2)


def calls(n):
    return [Call(square, (k,), f"call {k}") for k in range(n)]


def lose(*numbers):
    def change(number, answer):
        if number in numbers:
            raise OSError("connection lost")
        return answer

    return change


def damage(*numbers):
    def change(number, answer):
        if number not in numbers:
            return answer
        value = answer.value.copy()
        value.view(np.uint8)[5] ^= 4
        return dataclasses.replace(answer, value=value)

    return change


def test_results_come_in_order_and_two_calls_a_worker_are_under_way():
    executor = Inline()
    found = [int(one[0]) for one in results(calls(20), executor)]
    assert found == [k**2 for k in range(20)]
    assert executor.most_open == 6


def test_calls_are_built_when_they_are_sent():
    built = []

    def lazily():
        for call in calls(20):
            built.append(call)
            yield call

    stream = results(lazily(), Inline())
    next(stream)
    assert len(built) == 6
    stream.close()


@pytest.mark.parametrize("change", [lose, damage])
def test_a_call_that_is_lost_or_damaged_is_sent_again(change):
    executor = Inline(change(2, 20))  # the third call, and that call again
    assert [int(one[0]) for one in results(calls(20), executor)] == [k**2 for k in range(20)]
    assert executor.sent == 22


@pytest.mark.parametrize(("change", "says"), [(lose, "connection lost"), (damage, "damaged")])
def test_after_three_tries_one_error_names_the_call(change, says):
    with pytest.raises(WorkerError, match=f"call 0: each of 3 tries .*{says}"):
        list(results(calls(4), Inline(change(*range(100)))))


def test_one_flipped_bit_changes_a_fingerprint():
    value = {"a": np.arange(4.0), "b": (1, "two", None), "c": np.array([True])}
    assert fingerprint(value) == fingerprint({k: value[k] for k in sorted(value, reverse=True)})
    other = {**value, "a": np.nextafter(value["a"], 9)}
    assert fingerprint(other) != fingerprint(value)
    assert fingerprint(value["a"].reshape(2, 2)) != fingerprint(value["a"])
    assert fingerprint(value["a"].view(np.int64)) != fingerprint(value["a"])
    assert fingerprint((1, 2)) != fingerprint(((1,), 2))
    with pytest.raises(InvalidInputError, match="object has no fingerprint"):
        fingerprint(object())


def fail(error):
    raise error


@pytest.mark.parametrize(
    "error", [InvalidInputError("no such thing"), MissingExtraError("dask", "cluster")]
)
def test_an_error_of_the_user_comes_back_as_it_was(error):
    """Through pickle, as from another process; no remote traceback hangs on it."""
    executor = Inline()
    with pytest.raises(type(error)) as caught:
        list(results([Call(fail, (error,), "call")], executor))
    assert str(caught.value) == str(error)
    assert caught.value.__cause__ is None
    assert not hasattr(caught.value, "__notes__")
    assert executor.sent == 1


class Stubborn(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def fail_stubbornly():
    raise Stubborn("no pickle", 2)


def test_any_other_error_says_where_it_happened():
    executor = Inline()
    with pytest.raises(ZeroDivisionError) as caught:
        list(results([Call(fail, (ZeroDivisionError("x"),), "call")], executor))
    assert "in fail" in caught.value.__notes__[0]
    # Once Dask is imported every exception can be pickled, and it comes back itself.
    with pytest.raises((WorkerError, Stubborn), match="no pickle"):
        list(results([Call(fail_stubbornly, (), "call")], executor))


def test_a_worker_with_another_version_is_refused():
    error = dispatch.work("0.0.0", 1, square, (2,)).error
    assert isinstance(error, WorkerError)
    assert f"a worker has stochnet {sn.__version__} and this is stochnet 0.0.0" in str(error)


def test_what_cannot_be_pickled_is_said_in_one_line():
    with pytest.raises(InvalidInputError, match="define the functions"):
        list(results([Call(lambda: 1, (), "call")], Inline()))


def test_an_executor_that_takes_no_calls_is_one_error():
    pool = ThreadPoolExecutor(2)
    pool.shutdown()
    with pytest.raises(WorkerError, match="after shutdown"):
        list(results(calls(3), pool))


def test_a_worker_uses_one_thread_unless_told_otherwise():
    with ThreadPoolExecutor(2) as pool:
        assert list(results([Call(count, (None,), "count")], pool)) == [1]
        assert list(results([Call(count, (None,), "count")], pool, threads=3)) == [3]
        assert list(results([Call(count, (2,), "count")], pool)) == [2]
    assert workers_of(pool) == 2
    assert workers_of(Executor()) == UNKNOWN


# A simulation.


def network(n_nodes=40, **options):
    rng = np.random.default_rng(5)
    params = {
        "p": rng.uniform(0.05, 0.5, (n_nodes, 3)),
        "rho": rng.uniform(0.01, 0.3, (n_nodes, 3)),
    }
    labels = rng.integers(0, 3, (4, 150))
    return sn.Bundle.from_params("beta_bernoulli", params, conditions=labels, **options)


@pytest.mark.parametrize(
    "name", ["bernoulli", "negative_binomial", "gamma_renewal", "inhomogeneous_poisson"]
)
def test_every_kind_of_sampler_draws_the_same_over_an_executor(name):
    rng, process = np.random.default_rng(3), sn.PROCESSES[name]
    params = {p.name: p.draw(rng, (7,)) for p in process.params}
    if name == "bernoulli":
        params["p"][::2] = 0.001  # drawn by gaps
    bundle = sn.Bundle.from_params(process, params, window=50)
    expected = raster_digest(sn.simulate(bundle, 2, 130, seed=5))
    executor = Inline()
    assert raster_digest(sn.simulate(bundle, 2, 130, seed=5, executor=executor)) == expected
    assert executor.sent > 3


def test_a_simulation_is_the_same_in_memory_in_a_file_and_through_a_sink(tmp_path):
    class Keep:
        def begin(self, raster):
            self.parts = []

        def take(self, first_node, block):
            self.parts.append(block.data[0 : block.n_nodes])

    bundle, sink = network(), Keep()
    local = sn.simulate(bundle, seed=7)
    with ThreadPoolExecutor(2) as pool:
        drawn = sn.simulate(bundle, seed=7, executor=pool, path=tmp_path / "s.h5")
        again = sn.simulate(bundle, seed=7, executor=pool, sink=sink)
    assert raster_digest(drawn) == raster_digest(again) == raster_digest(local)
    np.testing.assert_array_equal(np.concatenate(sink.parts), local.data[0:40])


def test_a_task_carries_its_own_nodes_only():
    bundle = network(4000)
    _, nodes = drawn_raster(bundle, seed=1)
    part = nodes.part(1000, 1010)
    packed = pickle.dumps(part)
    # Labels of every bin (2 bytes), and of ten nodes two parameters for three conditions.
    assert len(packed) < 2 * 4 * 150 + 10 * (2 * 3 + 1) * 8 + 2500
    assert shipped(part).run.threads == 1
    np.testing.assert_array_equal(shipped(part)[0:10], nodes[1000:1010])
    pooled = sn.Bundle.from_params(
        "bernoulli", {"p": np.full(50, 0.1)}, conditions=np.zeros((9, 9), int)
    )
    _, nodes = drawn_raster(pooled, seed=1)
    assert nodes.part(0, 5).run.conditions is None


# A fit.


@pytest.fixture(scope="module")
def raster():
    rng = np.random.default_rng(1)
    labels = np.tile(np.arange(3), (20, 16))
    spikes = rng.random((30, 20, 48)) < rng.beta(1, 2, (30, 3))[:, labels]
    return sn.SpikeRaster.from_dense(spikes, conditions=labels)


@pytest.mark.parametrize(
    ("process", "per_condition"),
    [
        ("bernoulli", False),
        ("beta_bernoulli", True),
        ("markov", True),
        ("gamma_renewal", False),
        ("inhomogeneous_bernoulli", False),
    ],
)
def test_every_kind_of_summary_is_fitted_alike_over_an_executor(process, per_condition, raster):
    options = {"per_condition": per_condition, "window": 12, "shrink": True}
    executor = Inline()
    local, remote = (sn.fit(raster, process, **options, executor=e) for e in (None, executor))
    assert executor.sent > 3
    assert fingerprint(local) == fingerprint(remote)
    for name in local.params:
        np.testing.assert_array_equal(local.interval(name), remote.interval(name))


@pytest.mark.parametrize(
    "options",
    [{}, {"per_condition": True, "criterion": "bic"}, {"criterion": "held_out", "by": "layer"}],
)
def test_a_selection_is_the_same_from_memory_from_a_file_and_from_parameters(
    options, raster, tmp_path
):
    sn.write_raster(raster, tmp_path / "r.h5")
    drawn = sn.simulate(sn.fit_bundle(raster, "bernoulli"), seed=3, sink=Forget())
    sn.write_raster(drawn, tmp_path / "d.h5")
    with ThreadPoolExecutor(2) as pool:
        for one, file in ((raster, "r.h5"), (drawn, "d.h5")):
            expected = bundle_digest(sn.fit_bundle(one.load(), processes=RECORDS, **options))
            for same in (one, sn.read_raster(tmp_path / file)):
                found = sn.fit_bundle(same, processes=RECORDS, executor=pool, **options)
                assert bundle_digest(found) == expected


class Forget:
    def begin(self, raster):
        pass

    def take(self, first_node, block):
        pass


def test_a_part_of_a_fit_carries_its_nodes_or_the_way_to_them(raster, tmp_path):
    sn.write_raster(raster, tmp_path / "r.h5")
    stored = sn.read_raster(tmp_path / "r.h5")
    record = (sn.PROCESSES["beta_bernoulli"],)
    for one, most in ((raster, 5 * raster.node_bytes + 2000), (stored, 2000)):
        task = FitTask(one, record, False, 12)
        packed = pickle.dumps(task.part(10, 15))
        assert len(packed) < most
        theirs = shipped(task.part(10, 15)).summaries(10, 15)
        mine = task.summaries(10, 15)
        assert fingerprint(mine) == fingerprint(theirs)


# A validation.


@pytest.mark.parametrize(
    ("name", "options", "n_trials"),
    [
        ("bernoulli", {}, 20),
        ("poisson", {"windows": (4, 24)}, 20),
        ("bernoulli", {"statistics": ("firing_rate", "fano_factor")}, 5),
        ("bernoulli", {}, 1),
    ],
)
def test_a_report_is_the_same_over_an_executor(name, options, n_trials, raster, tmp_path):
    """Halves of trials and of pieces of trials, bits against counts, files, no halves."""
    half = replace_layers(raster.trials(slice(0, n_trials)))
    sn.write_raster(half, tmp_path / "r.h5")
    bundle = sn.fit_bundle(half, name, per_condition=n_trials == 20)
    drawn = sn.simulate(bundle, seed=2)
    local = sn.validate(half, drawn, **options)
    executor = Inline()
    remote = sn.validate(sn.read_raster(tmp_path / "r.h5"), drawn, **options, executor=executor)
    local.to_json(tmp_path / "l.json")
    remote.to_json(tmp_path / "r.json")
    assert (tmp_path / "l.json").read_bytes() == (tmp_path / "r.json").read_bytes()
    assert executor.sent > 6


def replace_layers(raster):
    layers = (sn.Layer("a", "a", (11,), 0, 11), sn.Layer("b", "b", (19,), 11, 19))
    return dataclasses.replace(raster, layers=layers)


def test_a_file_that_a_worker_does_not_find_is_named(raster, tmp_path):
    sn.write_raster(raster, tmp_path / "r.h5")
    part = FitTask(sn.read_raster(tmp_path / "r.h5"), (sn.PROCESSES["markov"],), False, None).part(
        0, 5
    )
    (tmp_path / "r.h5").write_bytes(b"other")
    with pytest.raises(FileFormatError, match="replaced"):
        part.summaries(0, 5)
    (tmp_path / "r.h5").unlink()
    with pytest.raises(WorkerError, match=r"r\.h5: put it where all workers find it"):
        part.summaries(0, 5)


def test_bad_input_is_found_before_anything_is_sent(raster):
    executor = Inline()
    with pytest.raises(InvalidInputError, match="1 to 48"):
        sn.fit(raster, "markov", window=500, executor=executor)
    with pytest.raises(InvalidInputError, match="n_trials"):
        sn.simulate(network(), 0, 5, executor=executor)
    assert executor.sent == 0
