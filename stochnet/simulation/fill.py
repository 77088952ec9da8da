"""Draw the nodes of a simulation into a sink: here, on threads of their own, or by workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from stochnet.raster.blocks import cut_nodes, node_blocks, nodes_that_fit
from stochnet.raster.sinks import MemorySink, RasterSink, UnorderedSink
from stochnet.simulation.drawn_nodes import DrawnNodes
from stochnet.workers.dispatch import block_results, nodes_per_task

# Share of a block that is drawn, hashed and written while it lies in the cache.
NEAR = 1 / 8
# Blocks of a raster in memory that are drawn between two reports of progress.
IN_PLACE = 8
# Fewer nodes do not repay what is prepared for every block.
FEW_NODES = 64


def fill(
    drawn: DrawnNodes,
    out: RasterSink,
    executor: Executor | None = None,
    threads: int | None = None,
) -> Iterator[int]:
    """Draw all nodes into a sink but those it has; yield how many are there, in order.

    `threads` are those of each worker of the executor, 1 by default.
    """
    if executor is None and isinstance(out, UnorderedSink):
        yield from _on_threads(drawn, out, out.done)
        return
    if executor is None and isinstance(out, MemorySink):
        # Drawn in its place: blocks are for the progress alone, and each one makes threads wait.
        for first, last in node_blocks(len(drawn), drawn.node_bytes, IN_PLACE):
            drawn.draw(first, last, out.space(first, last))
            yield last
        return
    pending: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer:
        for first, last, block in in_order(drawn, executor, threads, out.space, out.done):
            if pending is not None:
                pending.result()
            # The block is written while the next one is drawn.
            pending = writer.submit(out.write, first, block)
            yield last
        if pending is not None:
            pending.result()


def _on_threads(drawn: DrawnNodes, out: UnorderedSink, start: int) -> Iterator[int]:
    """Draw and write each block on one thread."""
    threads = drawn.run.threads
    alone = replace(drawn, run=replace(drawn.run, threads=1))

    def one(first: int, last: int) -> int:
        out.put(first, alone.draw(first, last, out.space(first, last)))
        return last

    waiting: deque[Future[int]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for block in cut_nodes(len(drawn), _step(drawn, out.grain), start):
                waiting.append(pool.submit(one, *block))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _step(drawn: DrawnNodes, grain: int) -> int:
    """Return the nodes of a block that one thread draws."""
    node_bytes = drawn.node_bytes
    several = min(FEW_NODES, nodes_that_fit(node_bytes, 1 / drawn.run.threads))
    nodes = min(nodes_that_fit(node_bytes), max(several, nodes_that_fit(node_bytes, NEAR)))
    return max(1, nodes // grain) * grain


def in_order(
    drawn: DrawnNodes,
    executor: Executor | None = None,
    threads: int | None = None,
    space: Callable[[int, int], NDArray[Any]] | None = None,
    start: int = 0,
) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Yield (first node, last node, data) of every block of nodes, in order.

    Parameters
    ----------
    drawn : DrawnNodes
    executor : Executor, optional
        Draws the blocks; in this process by default.
    threads : int, optional
        Threads of a worker; 1 by default.
    space : callable, optional
        ``(first, last) -> array`` where a block that is drawn in this process is put.
    start : int, default 0
        The first node to draw.

    Raises
    ------
    WorkerError
        The workers fail again and again.
    """
    n_nodes, step = len(drawn), nodes_that_fit(drawn.node_bytes)
    if executor is None:
        for first, last in cut_nodes(n_nodes, step, start):
            yield first, last, drawn.draw(first, last, space and space(first, last))
        return
    threads = threads or 1

    def arguments(first: int, last: int) -> tuple[Any, ...]:
        return drawn.part(first, last, threads), 0, last - first

    step = min(step, nodes_per_task(n_nodes, drawn.node_bytes, executor))
    blocks = cut_nodes(n_nodes, step, start)
    yield from block_results(DrawnNodes.draw, arguments, blocks, executor, threads)
