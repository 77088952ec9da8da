"""Worker processes that are known one by one, so that a dead one tells which cell it ran."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from typing import Any

from stochnet.errors import WorkerError
from stochnet.study import worker

# Read by libraries when they are imported, so they must be there when a process starts.
ONE_THREAD = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip


class Lane:
    """One process that runs one call after another; a new one is started when it has died."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._pid = 0

    def submit(self, function: Callable[..., worker.Outcome], *args: Any) -> Future[worker.Outcome]:
        """Run a call in the process.

        Raises
        ------
        WorkerError
            No process can be started.
        """
        if self._pool is None:
            self._start()
        try:
            return self._pool.submit(function, *args)  # type: ignore[union-attr]
        except BrokenExecutor:
            self.stop()
            return self.submit(function, *args)

    def _start(self) -> None:
        # Spawned, for a fork copies locks that other threads hold.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, initializer=worker.start)
        try:
            with _environment(dict.fromkeys(ONE_THREAD, "1")), _no_interrupt():
                hello = self._pool.submit(os.getpid)
            self._pid = hello.result()
        except (BrokenExecutor, RuntimeError) as error:
            self._pool.shutdown()
            self._pool = None
            raise WorkerError(
                "no worker process can be started; a script that runs a study needs the guard "
                'if __name__ == "__main__": around the call'
            ) from error

    def stop(self) -> None:
        """End the process at once."""
        if self._pool is not None:
            # Nothing is lost: only the runner writes, and a study's cell may take hours.
            for process in multiprocessing.active_children():
                if process.pid == self._pid:
                    process.kill()
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


@contextlib.contextmanager
def open_lanes(n: int) -> Iterator[list[Lane]]:
    """Give `n` lanes, which have no process yet, and end their processes afterwards."""
    lanes = [Lane() for _ in range(n)]
    try:
        yield lanes
    finally:
        for lane in lanes:
            lane.stop()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Block Ctrl-C in the processes that are started inside: only their parent answers it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
