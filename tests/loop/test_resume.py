"""A simulation that was killed is continued by the next run of the same, to the same file."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.errors import FileFormatError
from stochnet.simulation.drawn_nodes import DrawnNodes
from stochnet.storage import raster_digest

NODES, BINS, SEED = 60, 1000, 7
# Rows of 128 bytes: 8 in a leaf, and one leaf in a block.
LEAF, BLOCK = 1024, 11 * 128


@pytest.fixture(autouse=True)
def small_leaves(monkeypatch):
    monkeypatch.setattr("stochnet.storage.digest.LEAF_BYTES", LEAF)
    monkeypatch.setattr("stochnet.storage.files.seal.SHORTEST_PIECE", 1)
    monkeypatch.setattr("stochnet.raster.blocks.BLOCK_BYTES", BLOCK)


@pytest.fixture
def bundle(rng):
    return sn.Bundle.from_params("bernoulli", {"p": rng.random(NODES)})


@pytest.fixture
def drawn(monkeypatch):
    """Nodes that are drawn in this process, in order."""
    nodes, draw = [], DrawnNodes.draw

    def counted(self, start, stop, out=None):
        nodes.extend(range(self.first + start, self.first + stop))
        return draw(self, start, stop, out)

    monkeypatch.setattr(DrawnNodes, "draw", counted)
    return nodes


def fork(function, *args):
    child = multiprocessing.get_context("fork").Process(target=function, args=args)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def killed(
    bundle, path, where="stochnet.storage.files.journal.append", calls=4, before=False, **kwargs
):
    """Simulate in a process that is killed by SIGKILL before or after a call of a function."""

    def run():
        left, module, name = calls, *where.rsplit(".", 1)
        __import__(module)
        function = getattr(sys.modules[module], name)

        def last(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0 and before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(sys.modules[module], name, last)
        # With one thread the leaves come in order.
        task = {"seed": SEED, "path": path, "threads": 1, **kwargs}
        sn.simulate(bundle, 1, BINS, **task)

    fork(run)


def expected(bundle, n_trials=1, n_bins=BINS, seed=SEED, **kwargs):
    return raster_digest(sn.simulate(bundle, n_trials, n_bins, seed=seed, **kwargs))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def only(folder, ending):
    (path,) = folder.glob(f"*{ending}")
    return path


# Where it is killed, at which call, and how many nodes are there then (None: any multiple of 8).
POINTS = [
    ("stochnet.storage.writers.node_writer.create_contiguous", 1, True, 0),
    ("stochnet.storage.writers.node_writer.create_contiguous", 1, False, 0),
    ("stochnet.storage.files.journal.start", 1, False, 0),
    ("stochnet.storage.writers.node_writer.reserve", 1, False, 0),
    ("stochnet.storage.files.journal.append", 1, True, 0),
    ("stochnet.storage.files.journal.append", 1, False, 8),
    ("stochnet.storage.files.journal.append", 3, False, 24),
    ("stochnet.storage.writers.node_writer.equals", 4, False, None),
    ("stochnet.storage.writers.node_writer.set_digest", 1, True, 60),
    ("stochnet.storage.writers.node_writer.set_digest", 1, False, 60),
    ("stochnet.storage.writers.node_writer.write_seal", 1, False, 60),
    ("stochnet.errors.publishing.part.fsync", 1, False, 60),
]


@pytest.mark.parametrize(("where", "calls", "before", "there"), POINTS)
def test_a_killed_simulation_is_continued_after_its_last_good_leaf(
    where, calls, before, there, bundle, tmp_path, drawn
):
    path = tmp_path / "sim.h5"
    killed(bundle, path, where, calls, before)
    assert 1 <= len(names(tmp_path)) <= 2
    said = []
    raster = sn.simulate(
        bundle, 1, BINS, seed=SEED, path=path, progress=lambda *state: said.append(state)
    )
    first = NODES - len(drawn)
    assert sorted(drawn) == list(range(first, NODES))
    assert first % 8 == 0 or first == NODES
    assert there is None or first == there
    assert (f"simulate: continues at node {first} of {NODES}", first, NODES) in said or first == 0
    assert names(tmp_path) == ["sim.h5"]
    assert sn.verify(path) == (expected(bundle), True)
    assert raster_digest(raster) == expected(bundle)


def test_killed_after_the_rename_the_file_is_whole_and_the_next_run_draws_all(
    bundle, tmp_path, drawn
):
    path = tmp_path / "sim.h5"
    killed(bundle, path, "os.replace", 1)
    assert sn.verify(path) == (expected(bundle), True)
    drawn.clear()
    sn.simulate(bundle, 1, BINS, seed=SEED, path=path)
    assert sorted(drawn) == list(range(NODES))
    assert names(tmp_path) == ["sim.h5"]


def test_it_can_be_killed_again_and_again(bundle, tmp_path, drawn):
    path = tmp_path / "sim.h5"
    for _ in range(4):
        killed(bundle, path, calls=1)
    sn.simulate(bundle, 1, BINS, seed=SEED, path=path)
    # Each run adds a leaf of eight nodes.
    assert sorted(drawn) == list(range(32, NODES))
    assert sn.verify(path) == (expected(bundle), True)


@given(
    nodes=st.integers(1, 70),
    bins=st.integers(1, 600),
    trials=st.integers(1, 3),
    rows=st.integers(1, 30),
    stops=st.lists(st.integers(1, 5), max_size=3),
    process=st.sampled_from(["bernoulli", "poisson"]),
)
def test_stopped_anywhere_the_digest_is_the_same(nodes, bins, trials, rows, stops, process):
    rate = np.linspace(0.05, 0.9, nodes)
    (name,) = [param.name for param in sn.PROCESSES[process].params]
    bundle = sn.Bundle.from_params(process, {name: rate})
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "sim.h5"
        patch.setattr("stochnet.raster.blocks.BLOCK_BYTES", rows * trials * 8)
        patch.setattr("stochnet.storage.digest.LEAF_BYTES", 512)
        for stop in stops:
            left = stop

            def interrupt(what, done, total):
                nonlocal left
                left -= 1
                if left == 0:
                    raise KeyboardInterrupt

            with suppress(KeyboardInterrupt):
                sn.simulate(bundle, trials, bins, seed=1, path=path, progress=interrupt)
        raster = sn.simulate(bundle, trials, bins, seed=1, path=path)
        digest = expected(bundle, trials, bins, 1)
        assert raster_digest(raster) == digest
        assert sn.verify(path) == (digest, True)
        assert names(Path(folder)) == ["sim.h5"]


def flip(path, at):
    with path.open("r+b") as handle:
        handle.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = handle.read(1)
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte[0] ^ 16]))


DAMAGE = {
    # The file has 60 rows, the journal the digests of 4 leaves.
    "a byte of the third leaf": (".part", lambda path: flip(path, -60 * 128 + 2500), 16),
    "the first bytes": (".part", lambda path: flip(path, 3), 32),
    "the structure": (".part", lambda path: flip(path, 1500), 32),
    "the file cut": (".part", lambda path: os.truncate(path, path.stat().st_size - 45 * 128), 8),
    "the file empty": (".part", lambda path: os.truncate(path, 0), 0),
    "the file missing": (".part", lambda path: path.unlink(), 0),
    "the journal cut": (".journal", lambda path: os.truncate(path, path.stat().st_size - 40), 16),
    "a digest": (".journal", lambda path: flip(path, -40), 16),
    "the copied structure": (".journal", lambda path: flip(path, 1500), 0),
    "the identity": (".journal", lambda path: flip(path, 30), 0),
    "the journal empty": (".journal", lambda path: os.truncate(path, 0), 0),
    "the journal missing": (".journal", lambda path: path.unlink(), 0),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged_leaves_are_drawn_again(what, bundle, tmp_path, drawn):
    path = tmp_path / "sim.h5"
    killed(bundle, path)
    ending, harm, there = DAMAGE[what]
    harm(only(tmp_path, ending))
    sn.simulate(bundle, 1, BINS, seed=SEED, path=path)
    assert sorted(drawn) == list(range(there, NODES))
    assert sn.verify(path) == (expected(bundle), True)
    assert names(tmp_path) == ["sim.h5"]


def test_another_simulation_starts_anew_and_removes_the_leftovers(bundle, tmp_path, drawn, rng):
    path = tmp_path / "sim.h5"
    table = np.zeros((1, BINS), int)
    others = {
        "bundle": {"bundle": sn.Bundle.from_params("bernoulli", {"p": rng.random(NODES)})},
        "seed": {"seed": SEED + 1},
        "trials": {"n_trials": 2},
        "bins": {"n_bins": BINS - 1},
        "conditions": {"conditions": table},
        "no seed": {"seed": None},
    }
    for other in others.values():
        killed(bundle, path)
        assert len(names(tmp_path)) == 2
        drawn.clear()
        task = {"bundle": bundle, "n_trials": 1, "n_bins": BINS, "seed": SEED, **other}
        raster = sn.simulate(**task, path=path)
        assert sorted(drawn) == list(range(NODES))
        assert names(tmp_path) == ["sim.h5"]
        task["seed"] = raster.provenance["seed"]
        assert raster_digest(raster) == expected(**task)
        path.unlink()


def test_without_a_seed_nothing_is_kept_to_continue(bundle, tmp_path, drawn):
    path = tmp_path / "sim.h5"
    killed(bundle, path, "stochnet.storage.writers.node_writer.equals", seed=None)
    sn.simulate(bundle, 1, BINS, path=path)
    assert sorted(drawn) == list(range(NODES))
    assert names(tmp_path) == ["sim.h5"]


def test_an_interrupted_run_leaves_what_it_had_and_a_failing_one_nothing(bundle, tmp_path, drawn):
    path = tmp_path / "sim.h5"

    def stop(error):
        def progress(what, done, total):
            if done >= 33:
                raise error

        return progress

    for error, left in ((KeyboardInterrupt, 2), (OSError, 0)):
        with pytest.raises(error):
            sn.simulate(bundle, 1, BINS, seed=SEED, path=path, progress=stop(error))
        assert len(names(tmp_path)) == left
        drawn.clear()
    with pytest.raises(KeyboardInterrupt):
        sn.simulate(bundle, 1, BINS, path=path, progress=stop(KeyboardInterrupt))
    assert names(tmp_path) == []


def test_blocks_of_an_executor_are_continued_too(bundle, tmp_path, drawn):
    path = tmp_path / "sim.h5"

    def stop(what, done, total):
        if done >= 33:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as executor:
        task = {"seed": SEED, "path": path, "executor": executor}
        with pytest.raises(KeyboardInterrupt):
            sn.simulate(bundle, 1, BINS, **task, progress=stop)
        drawn.clear()
        sn.simulate(bundle, 1, BINS, **task)
    # Such blocks end anywhere: what lies beyond the last full leaf is drawn again.
    first = NODES - len(drawn)
    assert first >= 32
    assert first % 8 == 0
    assert sorted(drawn) == list(range(first, NODES))
    assert sn.verify(path) == (expected(bundle), True)
    assert names(tmp_path) == ["sim.h5"]


def test_two_processes_that_write_one_target_do_not_meet(bundle, tmp_path, drawn):
    path = tmp_path / "sim.h5"
    pipe, other = multiprocessing.Pipe()

    def wait_half_way():
        def progress(what, done, total):
            if done == 32:
                other.send(done)
                other.recv()

        sn.simulate(bundle, 1, BINS, seed=SEED, path=path, progress=progress)

    child = multiprocessing.get_context("fork").Process(target=wait_half_way)
    child.start()
    assert pipe.recv() == 32
    files = set(names(tmp_path))
    assert len(files) == 2
    sn.simulate(bundle, 1, BINS, seed=SEED, path=path)
    assert sorted(drawn) == list(range(NODES))
    assert set(names(tmp_path)) == files | {"sim.h5"}
    first = path.stat().st_ino
    pipe.send("on")
    child.join(60)
    assert child.exitcode == 0
    assert path.stat().st_ino != first
    assert sn.verify(path) == (expected(bundle), True)
    assert names(tmp_path) == ["sim.h5"]


def test_a_full_disk_is_told_before_anything_is_drawn(bundle, tmp_path, monkeypatch, drawn):
    def full(fd, at, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(sn.errors.InvalidInputError, match=r"needs 18 kB and there is no room"):
        sn.simulate(bundle, 1, BINS, seed=SEED, path=tmp_path / "sim.h5")
    assert drawn == names(tmp_path) == []


def test_what_is_read_back_otherwise_is_not_published(bundle, tmp_path, monkeypatch):
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, bytes(len(data)), at))
    with pytest.raises(FileFormatError, match="cannot be read back"):
        sn.simulate(bundle, 1, BINS, seed=SEED, path=tmp_path / "sim.h5")
    assert names(tmp_path) == []


COMMAND = """
import sys
import stochnet.raster.blocks
stochnet.raster.blocks.BLOCK_BYTES = 1 << 20
from stochnet.cli import main
sys.argv[0] = "stochnet"
main()
"""


def test_the_command_continues_after_it_was_killed(tmp_path, rng, monkeypatch):
    """A process of its own, killed from outside once its journal has grown six times."""
    monkeypatch.undo()
    path, source = tmp_path / "sim.h5", tmp_path / "bundle.h5"
    bundle = sn.Bundle.from_params("bernoulli", {"p": rng.random(40_000)})
    sn.write_bundle(bundle, source)
    task = [sys.executable, "-c", COMMAND, "simulate", str(source), "-o", str(path)]
    task += ["--trials", "1", "--bins", "9000", "--seed", "3", "--threads", "1"]
    child = subprocess.Popen(task, stderr=subprocess.PIPE, text=True)
    sizes = set()
    while child.poll() is None:
        for found in tmp_path.glob(".sim.h5.*.journal"):
            with suppress(FileNotFoundError):
                sizes.add(found.stat().st_size)
        if len(sizes) > 6:
            child.kill()
        time.sleep(0.001)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    run = subprocess.run(task, capture_output=True, text=True, check=True)
    assert "simulate: continues at node " in run.stderr
    line = next(line for line in run.stderr.splitlines() if "continues" in line)
    assert line.endswith(" of 40,000")
    assert 0 < int(line.split()[-3].replace(",", "")) < 40_000
    assert names(tmp_path) == ["bundle.h5", "sim.h5"]
    assert sn.verify(path) == (expected(bundle, 1, 9000, 3), True)
