"""Time contenders in turn, so that a drift of the machine hits all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

# Seconds for which short work is repeated within its turn.
TURN = 0.05


def race(
    contenders: Mapping[str, Callable[[], object]], rounds: int = 7, least: float = 0.0
) -> dict[str, list[float]]:
    """Run every contender once per round, in turn; return the seconds of each round.

    Work shorter than `least` seconds is repeated within its turn.
    """
    for run in contenders.values():
        run()
    return turns({name: timed(run, least) for name, run in contenders.items()}, rounds)


def turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let contenders that tell their own seconds run in turn."""
    gc.collect()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            seconds[name].append(run())
    return seconds


def timed(run: Callable[[], object], least: float = 0.0) -> Callable[[], float]:
    """Return a function that runs once and returns the seconds.

    Work shorter than `least` seconds is repeated within the turn, and the mean is returned.
    """

    def turn() -> float:
        begin, times = time.perf_counter(), 0
        while True:
            run()
            times += 1
            elapsed = time.perf_counter() - begin
            if elapsed >= least:
                return elapsed / times

    return turn


def ratios(slow: Sequence[float], fast: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of the ratios of each round, the lowest and the highest."""
    each = sorted(a / b for a, b in zip(slow, fast, strict=True))
    return statistics.median(each), each[0], each[-1]


def ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    """Return the ratios of each round in words."""
    middle, low, high = ratios(slow, fast)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def median(seconds: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(seconds)
