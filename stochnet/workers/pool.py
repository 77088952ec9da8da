"""Worker processes on this machine, and those of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from stochnet.errors import InvalidInputError, MissingExtraError, WorkerError, entrance

P = ParamSpec("P")
T = TypeVar("T")

UNKNOWN = 8
SECONDS_TO_CONNECT = 10.0


class Workers(Executor):
    """Fresh processes on this machine; where one dies, the next call starts a new pool.

    Parameters
    ----------
    n : int
        Number of processes.

    Raises
    ------
    InvalidInputError
        Less than one.

    Examples
    --------
    The module that starts processes needs the usual guard::

        if __name__ == "__main__":
            with sn.Workers(4) as workers:
                fits = sn.fit(raster, "gamma_renewal", executor=workers)
    """

    def __init__(self, n: int) -> None:
        self.n_workers = entrance.whole("workers", n)
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def _fresh(self) -> ProcessPoolExecutor:
        # Spawned, for a fork copies locks that other threads hold.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.n_workers, context, initializer=_ignore_interrupts)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call, to a new pool if a process of the last one has died."""
        with self._lock:
            self._pool = self._pool or self._fresh()
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool.shutdown(wait=False)
                self._pool = self._fresh()
                return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait, cancel_futures=cancel_futures)
                self._pool = None


def _ignore_interrupts() -> None:
    # Ctrl-C reaches every process of a terminal; only the first one says that it was stopped.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def workers_of(executor: Executor) -> int:
    """Return how many calls an executor works on at a time; a guess where it does not say."""
    for name in ("n_workers", "_max_workers"):
        n = getattr(executor, name, None)
        if isinstance(n, int):
            return max(1, n)
    client: Any = getattr(executor, "_client", None)
    if hasattr(client, "nthreads"):
        return max(1, int(sum(client.nthreads().values())))
    return UNKNOWN


@contextmanager
def open_executor(
    workers: int | None = None,
    scheduler: str | None = None,
    timeout: float = SECONDS_TO_CONNECT,
) -> Iterator[Executor | None]:
    """Give the executor for ``--workers`` or ``--scheduler``; None where neither was asked for.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler: ``tcp://host:8786``.
    timeout : float, default 10
        Seconds to wait for the scheduler, and then for a first worker.

    Raises
    ------
    InvalidInputError
        Both were asked for, or less than one worker.
    MissingExtraError
        Dask is not installed.
    WorkerError
        No scheduler at the address, or it has no workers.
    """
    if workers is not None and scheduler is not None:
        raise InvalidInputError("give either --workers or --scheduler, not both")
    if scheduler is not None:
        with _dask(scheduler, timeout) as executor:
            yield executor
    elif workers is not None:
        with Workers(workers) as pool:
            yield pool
    else:
        yield None


@contextmanager
def _dask(address: str, timeout: float) -> Iterator[Executor]:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise MissingExtraError("dask", "cluster") from error
    _knock(address, timeout)
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=timeout, set_as_default=False)
    except OSError as error:
        raise WorkerError(
            f"what answers at {address} is no Dask scheduler of this version: {error}"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout)
        except TimeoutError as error:
            raise WorkerError(
                f"the Dask scheduler at {address} has no workers; start some with "
                f"`dask worker {address}`"
            ) from error
        yield client.get_executor()


def _knock(address: str, timeout: float) -> None:
    """Refuse an address at which no scheduler listens; Dask itself may wait much longer."""
    protocol = address.partition("://")[0] if "://" in address else "tcp"
    host, colon, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 1 << 16):
        raise InvalidInputError(
            f"a scheduler has an address such as tcp://host:8786, got {address!r}"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout) as line:
            # Without encryption it is the scheduler that speaks first.
            if protocol == "tcp" and not line.recv(1):
                raise ConnectionError("it hung up")
    except OSError as error:
        raise WorkerError(
            f"no Dask scheduler answers at {address} ({error.strerror or error}); start one with "
            "`dask scheduler` and give the address that it prints"
        ) from error
