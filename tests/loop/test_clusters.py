"""A real Dask cluster of separate processes, one of which is killed half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import numpy as np
import pytest

import stochnet as sn
from stochnet.cli import main
from stochnet.storage import bundle_digest, raster_digest
from stochnet.workers.pool import open_executor, workers_of

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

N_WORKERS = 3


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack
        file = folder / "scheduler.json"
        self.start("scheduler", "--port", 0, "--scheduler-file", file)
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]
        words = ("--no-nanny", "--nthreads", 1, "--local-directory", folder)
        self.workers = [
            self.start("worker", self.address, "--name", k, *words) for k in range(N_WORKERS)
        ]

    def start(self, *words):
        command = [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"]
        log = self.stack.enter_context((self.folder / f"{words[0]}.log").open("ab"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def kill_one_half_way(self):
        """Return a function for progress, which kills a worker."""
        worker = self.workers.pop()

        def report(what, done, total):
            if done >= total // 2 and worker.poll() is None:
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()

        return report


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with ExitStack() as stack:
        found = Cluster(tmp_path_factory.mktemp("dask"), stack)
        with open_executor(scheduler=found.address, timeout=60) as executor:
            executor._client.wait_for_workers(N_WORKERS, timeout=60)
            found.executor = executor
            yield found


@pytest.fixture(scope="module")
def bundle():
    p = np.random.default_rng(0).uniform(0.05, 0.5, 400)
    return sn.Bundle.from_params("bernoulli", {"p": p}, n_trials=20, n_bins=5000)


def test_a_killed_worker_does_not_change_the_result(cluster, bundle, tmp_path):
    assert workers_of(cluster.executor) == N_WORKERS
    local = sn.simulate(bundle, seed=6)
    drawn = sn.simulate(
        bundle,
        seed=6,
        executor=cluster.executor,
        path=tmp_path / "s.h5",
        progress=cluster.kill_one_half_way(),
    )
    assert sn.verify(tmp_path / "s.h5")[0] == raster_digest(local)
    # From the file, which the workers read themselves, and from memory.
    expected = bundle_digest(sn.fit_bundle(local, "bernoulli"))
    for raster, report in ((drawn, cluster.kill_one_half_way()), (local, None)):
        found = sn.fit_bundle(raster, "bernoulli", executor=cluster.executor, progress=report)
        assert bundle_digest(found) == expected
    assert workers_of(cluster.executor) == len(cluster.workers) == N_WORKERS - 2


def test_the_command_line_takes_the_address(cluster, bundle, tmp_path, monkeypatch):
    sn.write_bundle(bundle, tmp_path / "b.h5")
    words = ["simulate", tmp_path / "b.h5", "--trials", 2, "--bins", 70, "--seed", 9, "-q"]
    words += ["-o", tmp_path / "s.h5", "--scheduler", cluster.address]
    monkeypatch.setattr(sys, "argv", ["stochnet", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert sn.verify(tmp_path / "s.h5")[0] == raster_digest(sn.simulate(bundle, 2, 70, seed=9))
