"""A writer that is killed, at any moment, leaves the old file or the new one, never a half."""

import contextlib
import multiprocessing
import signal
import time

import pytest

import stochnet as sn
from stochnet.storage import raster_digest
from tests.support.stops import stop_at_line


def write_forever(kind, bundle, path):
    seed = 0
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            seed += 1
            if kind == "raster":
                sn.simulate(bundle, 20, 4000, seed=seed, path=path, threads=1)
            else:
                sn.write_bundle(bundle, path)


@pytest.mark.parametrize("kind", ["raster", "bundle"])
def test_a_killed_writer_leaves_the_target_absent_or_whole(kind, tmp_path, leftovers, rng):
    path = tmp_path / "target.h5"
    bundle = sn.Bundle.from_params("bernoulli", {"p": rng.random(400)})
    # Compile here, so that the children are killed while they write.
    sn.simulate(bundle, 1, 64, seed=0)
    seen = {"absent": 0, "whole": 0, "killed while writing": 0}
    for delay in rng.uniform(0, 0.12, 14):
        if seen["absent"] < 4:
            path.unlink(missing_ok=True)
        child = multiprocessing.get_context("fork").Process(
            target=write_forever, args=(kind, bundle, path)
        )
        child.start()
        time.sleep(delay)
        child.kill()
        child.join()
        seen["killed while writing"] += bool(leftovers())
        if path.exists():
            assert sn.verify(path)[1]
            seen["whole"] += 1
        else:
            seen["absent"] += 1
    assert seen["whole"]
    assert seen["killed while writing"]
    sn.write_bundle(bundle, path)
    assert leftovers() == []


@pytest.mark.parametrize("old", [False, True])
def test_a_writer_killed_at_any_line_leaves_the_old_file_or_the_new_one(
    old, tmp_path, leftovers, rng
):
    """Forty lines over the whole run, and every one of the last sixty, where it is published."""
    path = tmp_path / "raster.h5"
    before, after = (sn.SpikeRaster.from_dense(rng.random((3, 1, 70)) < 0.5) for _ in range(2))
    allowed = {"absent", raster_digest(after)}
    # The first run imports and caches; the second has as many lines as the children.
    total = [stop_at_line(-1, lambda: sn.write_raster(after, path)) for _ in range(2)][1]
    path.unlink()
    if old:
        sn.write_raster(before, path)
        allowed = {raster_digest(before), raster_digest(after)}
    seen, killed = set(), 0
    for number in [*range(1, total - 60, total // 40), *range(total - 60, total + 5)]:
        child = multiprocessing.get_context("fork").Process(
            target=stop_at_line, args=(number, lambda: sn.write_raster(after, path))
        )
        child.start()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        seen.add(sn.verify(path)[0] if path.exists() else "absent")
        # Without what was left over, the next child runs the same lines.
        for name in leftovers():
            (tmp_path / name).unlink()
    assert seen == allowed
    assert killed > 60
