"""Run a compiled function (which releases the GIL) over blocks on several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

from stochnet.errors import entrance

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is)."""

_limit: ContextVar[int | None] = ContextVar("threads", default=None)


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Let what is called inside use so many threads, unless it is told another number."""
    token = _limit.set(threads)
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def single_library_thread() -> Iterator[None]:
    """Keep the linear algebra libraries to one thread inside; also a decorator, called.

    Products of small matrices gain nothing from their threads, which wait by spinning: on a busy
    machine that made a fit ten times slower. Their number would also change the last digits.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def count(threads: int | None) -> int:
    """Return the number of threads to use: as asked, or as many as cores this process may use."""
    if threads is None:
        return _limit.get() or (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    return entrance.whole("threads", threads, 1, 1 << 16)


def run_blocks(
    function: Callable[[int, int], object], n: int, *, step: int = 0, threads: int | None = None
) -> None:
    """Call ``function(start, stop)`` for blocks that cover 0 to `n`.

    The result must not depend on how the range is cut. With one thread, or one block, no thread is
    started. An error in any block is raised here.
    """
    workers = count(threads)
    step = step or max(1, -(-n // (8 * workers)))
    starts = range(0, n, step)
    if workers == 1 or len(starts) <= 1:
        for start in starts:
            function(start, min(start + step, n))
        return
    with ThreadPoolExecutor(min(workers, len(starts))) as pool:
        for _ in pool.map(lambda start: function(start, min(start + step, n)), starts):
            pass
