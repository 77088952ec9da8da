"""Draw a job into a sink: into a file every thread draws, hashes and writes blocks of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from stochnet.raster.raster import BLOCK_BYTES
from stochnet.raster.sinks import MemorySink, RasterSink
from stochnet.simulation.job import Job, JobPart
from stochnet.workers.dispatch import Call, nodes_per_block, results

# Drawn, hashed and written while it lies in the cache.
NEAR_BYTES = 1 << 23
# Of a raster in memory that is drawn between two reports of progress.
IN_PLACE_BYTES = 1 << 29
# Fewer nodes do not repay what is prepared for every block.
FEW_NODES = 64


@runtime_checkable
class UnorderedSink(Protocol):
    """Takes blocks of nodes in any order, from several threads."""

    @property
    def grain(self) -> int:
        """Blocks begin at a multiple of this many nodes."""

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Return memory in which whole nodes may be drawn before they are written."""

    def put(self, first_node: int, block: NDArray[Any]) -> None:
        """Take whole nodes; the block ends at a multiple of `grain`, or with the last node."""


def fill(
    job: Job,
    out: RasterSink,
    executor: Executor | None = None,
    threads: int | None = None,
) -> Iterator[int]:
    """Draw all nodes of a job into a sink; yield how many were drawn, in order.

    `threads` are those of each worker of the executor, 1 by default.
    """
    if executor is None and isinstance(out, UnorderedSink):
        yield from _on_threads(job, out)
        return
    if executor is None and isinstance(out, MemorySink):
        # Drawn in its place: blocks are for the progress alone, and each one makes threads wait.
        step = max(1, IN_PLACE_BYTES // max(1, job.template.node_bytes))
        for first in range(job.start, job.template.n_nodes, step):
            last = min(first + step, job.template.n_nodes)
            job.draw(first, last, out.space(first, last))
            yield last
        return
    pending: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer:
        for first, last, block in in_order(job, executor, out.space, threads):
            if pending is not None:
                pending.result()
            # The block is written while the next one is drawn.
            pending = writer.submit(out.write, first, block)
            yield last
        if pending is not None:
            pending.result()


def _on_threads(job: Job, out: UnorderedSink) -> Iterator[int]:
    """Draw and write each block on one thread."""
    threads, n_nodes, step = job.run.threads, job.template.n_nodes, _step(job, out.grain)
    alone = replace(job, run=replace(job.run, threads=1))

    def one(first: int, last: int) -> int:
        out.put(first, alone.draw(first, last, out.space(first, last)))
        return last

    waiting: deque[Future[int]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for first in range(job.start, n_nodes, step):
                waiting.append(pool.submit(one, first, min(first + step, n_nodes)))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _step(job: Job, grain: int) -> int:
    """Return the nodes of a block."""
    node_bytes = max(1, job.template.node_bytes)
    several = min(FEW_NODES, BLOCK_BYTES // job.run.threads // node_bytes)
    nodes = min(job.step, max(several, NEAR_BYTES // node_bytes))
    return max(1, nodes // grain) * grain


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
