"""Processes of our own: the same bits, and another pool where one of them is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import InvalidInputError, MissingExtraError, WorkerError
from stochnet.storage import raster_digest
from stochnet.workers.dispatch import Call, fingerprint, results
from stochnet.workers.pool import Workers, open_executor
from tests.support.commands import run


def bundle(n_nodes=64):
    rng = np.random.default_rng(2)
    return sn.Bundle.from_params(
        "bernoulli", {"p": rng.uniform(0.1, 0.6, n_nodes)}, n_trials=4, n_bins=100
    )


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as pool:
        yield pool


def kill_one(pid):
    """Kill a worker, if it is still the one that was seen before."""
    if os.getpid() == pid:
        os.kill(pid, signal.SIGKILL)
    return os.getpid()


@pytest.mark.slow
def test_killed_processes_are_replaced_and_the_result_is_the_same(workers):
    expected = sn.simulate(bundle(), seed=1)
    killed = []

    def half_way(what, done, total):
        if done >= total // 2 and not killed:
            killed.extend(results([Call(os.getpid, (), "pid")], workers))
            os.kill(killed[0], signal.SIGKILL)

    drawn = sn.simulate(bundle(), seed=1, executor=workers, progress=half_way)
    assert raster_digest(drawn) == raster_digest(expected)
    assert killed
    local, remote = (sn.fit(expected, "bernoulli", executor=e) for e in (None, workers))
    assert fingerprint(local) == fingerprint(remote)


def test_a_call_that_kills_its_worker_every_time_is_one_error(workers):
    with pytest.raises(WorkerError, match=r"a deadly call: each of 3 tries .*abruptly"):
        list(results([Call(os._exit, (1,), "a deadly call")], workers))


@pytest.mark.filterwarnings("ignore:the process pool is broken:RuntimeWarning")
def test_a_broken_pool_of_the_user_is_replaced():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        pid = pool.submit(os.getpid).result()
        (after,) = results([Call(kill_one, (pid,), "a call")], pool)
    assert after != pid


@pytest.fixture
def files(tmp_path):
    sn.write_bundle(bundle(), tmp_path / "b.h5")
    sn.simulate(bundle(), seed=4, path=tmp_path / "s.h5")
    return tmp_path


@pytest.mark.slow
def test_workers_of_the_command_line_give_the_same_files(files, capfd):
    drawn = files / "w.h5"
    assert run("simulate", files / "b.h5", "--seed", 4, "--workers", 2, "-o", drawn) == 0
    assert sn.verify(drawn)[0] == sn.verify(files / "s.h5")[0]
    fits = ("fit", drawn, "-p", "bernoulli", "-q", "-o")
    assert run(*fits, files / "1.h5") == 0
    assert run(*fits, files / "2.h5", "--workers", 1) == 0
    assert sn.verify(files / "1.h5")[0] == sn.verify(files / "2.h5")[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--workers", 2, "--scheduler", "tcp://x:1"), "not both"),
        (("--workers", 0), "--workers"),
        (("--scheduler", "here"), "tcp://host:8786"),
        (("--scheduler", "tcp://127.0.0.1:1"), "no Dask scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_bad_places_are_one_clear_line_and_exit_2(words, says, files, capfd):
    assert run("simulate", files / "b.h5", "-o", files / "x.h5", *words) == 2
    err = capfd.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingExtraError, match=r"stochnet\[cluster\]"),
        open_executor(scheduler="tcp://x:1"),
    ):
        pass


def test_a_pool_needs_a_process():
    with pytest.raises(InvalidInputError, match="at least 1"):
        Workers(0)
