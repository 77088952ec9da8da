"""Blocks of consecutive nodes: as many as fit into bounded memory, one at the least."""

from __future__ import annotations

# Of a block. Whatever is done block by block scales with it.
BLOCK_BYTES = 1 << 26


def nodes_that_fit(node_bytes: int, share: float = 1.0) -> int:
    """Return how many nodes of `node_bytes` each fit into a `share` of ``BLOCK_BYTES``."""
    return max(1, int(share * BLOCK_BYTES) // max(1, node_bytes))


def cut_nodes(n_nodes: int, step: int, first: int = 0) -> list[tuple[int, int]]:
    """Return the first and last (excluded) node of blocks of `step` nodes, from `first` on."""
    return [(a, min(a + step, n_nodes)) for a in range(first, n_nodes, step)]


def node_blocks(n_nodes: int, node_bytes: int, share: float = 1.0) -> list[tuple[int, int]]:
    """Return the first and last (excluded) node of blocks that fit into memory, in order.

    Parameters
    ----------
    n_nodes : int
    node_bytes : int
        Of everything that is held of one node at a time.
    share : float, default 1
        Of ``BLOCK_BYTES`` that a block may take.
    """
    return cut_nodes(n_nodes, nodes_that_fit(node_bytes, share))
