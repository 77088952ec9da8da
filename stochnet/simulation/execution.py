"""Draw blocks of a job here, or over an executor; they come back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from numpy.typing import NDArray

from stochnet.simulation.job import Job, JobPart
from stochnet.workers.dispatch import Call, nodes_per_block, results

Block = tuple[int, int, NDArray[Any]]


def in_order(
    job: Job,
    executor: Executor | None = None,
    space: Callable[[int, int], NDArray[Any]] | None = None,
    threads: int | None = None,
) -> Iterator[Block]:
    """Yield (first node, last node, data) of every block of a job, in order.

    Parameters
    ----------
    job : Job
    executor : Executor, optional
        Draws the blocks; in this process by default.
    space : callable, optional
        ``(first, last) -> array`` where a block that is drawn in this process is put.
    threads : int, optional
        Threads of a worker; 1 by default.

    Raises
    ------
    WorkerError
        The workers fail again and again.
    """
    if executor is None:
        for first, last in job.blocks():
            yield first, last, job.draw(first, last, None if space is None else space(first, last))
        return
    blocks = job.blocks(nodes_per_block(job.template.n_nodes, job.template.node_bytes, executor))
    calls = (
        Call(JobPart.draw, (job.part(first, last, threads or 1),), f"nodes {first} to {last - 1}")
        for first, last in blocks
    )
    for (first, last), data in zip(blocks, results(calls, executor, threads or 1), strict=True):
        yield first, last, data
