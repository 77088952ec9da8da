"""The device: is there one, and how nodes are drawn on it, a block of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.kernels.binding import Binding

THREADS = 128
# Fewer blocks would leave multiprocessors idle, of which Numba warns; more would bring nothing.
LEAST_BLOCKS, MOST_BLOCKS = 128, 1 << 20
# Of the free memory of the device, what a block of nodes may take.
SHARE = 0.8

device = Binding(cuda.jit(device=True))
"""Compiles a plain function, and those it calls, as device functions."""


@cuda.jit(device=True)
def split(item, n):
    """Return what is left of the last axis, of length n, and the place on it, both uint64."""
    item, n = np.uint64(item), np.uint64(n)
    before = item // n
    return before, item - before * n


def check() -> None:
    """Raise if nothing can be drawn here.

    Raises
    ------
    InvalidInputError
        There is no GPU, no driver, or no CUDA toolkit that Numba finds.
    """
    if not cuda.is_available():
        raise InvalidInputError(
            "target 'cuda' needs an NVIDIA GPU with its driver, and pip install 'stochnet[gpu]'; "
            "Numba finds none here. Use target 'cpu': it draws the same spikes"
        )


def launch(kernel: Any, n_items: int, *arguments: Any) -> None:
    """Start a kernel whose threads share out `n_items` items; it does not wait for the end."""
    blocks = min(max(LEAST_BLOCKS, -(-n_items // THREADS)), MOST_BLOCKS)
    kernel[blocks, THREADS](*arguments)


def on_device(argument: Any) -> Any:
    """Return an argument of a kernel: arrays, and those of a tuple, are copied to the device."""
    if isinstance(argument, tuple):
        return tuple(on_device(one) for one in argument)
    if isinstance(argument, np.ndarray):
        return cuda.to_device(np.ascontiguousarray(argument))
    return argument


def draw(
    kernels: Sequence[tuple[Any, int]],
    per_node: Sequence[NDArray[Any]],
    arguments: Sequence[Any],
    out: Any,
) -> None:
    """Draw all nodes of `out`, as many at a time as the device holds.

    Parameters
    ----------
    kernels : sequence of (compiled kernel, threads that a node can use)
        Called one after the other with ``(*per_node, *arguments, out)``, where arrays are those of
        the device. Together they write every entry of `out`.
    per_node : sequence of ndarray (node, …)
        Tables, addresses.
    arguments : sequence
        Arrays that all nodes share, and numbers.
    out : ndarray or device array (node, …)
        Contiguous. What is drawn into a device array stays there, and may not be finished yet.
    """
    shared = [on_device(argument) for argument in arguments]
    stays = not isinstance(out, np.ndarray)
    node_bytes = sum(array[:1].nbytes for array in (*per_node, *(() if stays else (out,))))
    for first, last in cut(out.shape[0], node_bytes):
        place = out[first:last]
        drawn = place if stays else cuda.device_array(place.shape, place.dtype)
        tables = [on_device(array[first:last]) for array in per_node]
        for kernel, items in kernels:
            launch(kernel, items * (last - first), *tables, *shared, drawn)
        if not stays:
            drawn.copy_to_host(place)


def cut(n_nodes: int, node_bytes: int) -> Iterator[tuple[int, int]]:
    """Give the first and last node (excluded) of blocks that fit into the memory of the device."""
    free = SHARE * cuda.current_context().get_memory_info().free
    step = max(1, int(min(n_nodes, free / max(1, node_bytes))))
    for first in range(0, n_nodes, step):
        yield first, min(first + step, n_nodes)
