"""Draw blocks of a job here, or over an executor; they come back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from numpy.typing import NDArray

from stochnet.job import Job

Block = tuple[int, int, NDArray[Any]]


def in_order(
    job: Job,
    executor: Executor | None = None,
    space: Callable[[int, int], NDArray[Any]] | None = None,
) -> Iterator[Block]:
    """Yield (first node, last node, data) of every block of a job, in order.

    Parameters
    ----------
    job : Job
    executor : Executor, optional
        Draws the blocks; in this process by default.
    space : callable, optional
        ``(first, last) -> array`` where a block that is drawn in this process is put.
    """
    if executor is None:
        for first, last in job.blocks:
            yield first, last, job.draw(first, last, None if space is None else space(first, last))
        return
    for (first, last), block in zip(
        job.blocks, executor.map(job.draw, *zip(*job.blocks, strict=True)), strict=True
    ):
        yield first, last, block
