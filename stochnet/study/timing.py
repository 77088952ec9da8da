"""How long a run has still to go."""

from __future__ import annotations

import time
from collections.abc import Sequence


class Clock:
    """The time left, from the mean time of cells so far.

    Parameters
    ----------
    lanes : int
        Cells that run at a time.
    seconds : sequence of float
        Times of cells that are finished already.
    """

    def __init__(self, lanes: int, seconds: Sequence[float]) -> None:
        self._lanes = lanes
        self._seconds = list(seconds)
        self._running: dict[str, float] = {}

    def begin(self, key: str) -> None:
        """Note that a cell begins."""
        self._running[key] = time.monotonic()

    def end(self, key: str) -> None:
        """Note that a cell has ended."""
        self._seconds.append(time.monotonic() - self._running.pop(key))

    def left(self, n: int) -> str:
        """Return ``"about 3 min left, "`` for `n` cells that have not ended; empty if unknown."""
        if not n or not self._seconds:
            return ""
        mean = sum(self._seconds) / len(self._seconds)
        now = time.monotonic()
        behind = sum(min(mean, now - began) for began in self._running.values())
        return f"about {duration((n * mean - behind) / min(self._lanes, n))} left, "


def duration(seconds: float) -> str:
    """Return a time for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
