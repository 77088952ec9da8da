"""What came of a claim."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .intervals import Effect, holm

Row = dict[str, Any]
REPRODUCED, REFUTED, MIXED, UNKNOWN = "reproduced", "refuted", "mixed", "unknown"
LEVEL = 0.05
SHARE = 0.9
"""Of the cells must be significant."""


@dataclass
class Finding:
    """One claim: its verdict, and the numbers behind it.

    Attributes
    ----------
    effects : list of (name, Effect)
        The first is what the table of verdicts shows.
    networks : int
        How many stand behind it.
    tables : dict of list of dict
        Rows by the name of a CSV file.
    shown : list of (title, header, rows)
        Small tables for the page.
    notes : list of str
        Sentences with numbers.
    """

    letter: str
    title: str
    question: str
    rule: str
    control: str
    verdict: str = UNKNOWN
    effects: list[tuple[str, Effect]] = field(default_factory=list)
    networks: int = 0
    tables: dict[str, list[Row]] = field(default_factory=dict)
    shown: list[tuple[str, list[str], list[list[str]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, letter: str) -> Finding:
        """Return a claim that is not judged yet, with its words from claims.toml."""
        path = Path(__file__).with_name("claims.toml")
        words = tomllib.loads(path.read_text(encoding="utf-8"))[letter]
        return cls(letter, **{name: " ".join(text.split()) for name, text in words.items()})


def same_sign(means: NDArray[np.float64], p_values: NDArray[np.float64]) -> str:
    """Judge one contrast of one feature by its cells.

    Reproduced: the mean has one sign in all cells, and is significant (Holm, 0.05) in at least
    90 % of them. Refuted: at least two cells are significant in each direction, or none is at all.
    Mixed: anything else. Unknown: fewer than four cells with at least three pairs of networks.
    """
    known = ~np.isnan(p_values)
    if known.sum() < 4:
        return UNKNOWN
    means, adjusted = means[known], holm(p_values[known])
    clear = adjusted < LEVEL
    up, down = int((clear & (means > 0)).sum()), int((clear & (means < 0)).sum())
    if abs(np.sign(means).sum()) == len(means) and clear.mean() >= SHARE:
        return REPRODUCED
    if (up >= 2 and down >= 2) or not clear.any():
        return REFUTED
    return MIXED


def together(verdicts: Sequence[str], most: int = 1) -> str:
    """Reproduced if all are; refuted if more than `most` are refuted; else mixed, or unknown."""
    if not verdicts or all(x == UNKNOWN for x in verdicts):
        return UNKNOWN
    if all(x == REPRODUCED for x in verdicts):
        return REPRODUCED
    if sum(x == REFUTED for x in verdicts) > most:
        return REFUTED
    return UNKNOWN if UNKNOWN in verdicts else MIXED


def sentence(text: str) -> str:
    """Begin with a capital, and leave the rest as it is."""
    return text[:1].upper() + text[1:]


def number(value: float, digits: int = 2) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def spoken(effect: Effect, digits: int = 2) -> str:
    """Return an estimate with its interval, for people."""
    if np.isnan(effect.low):
        return number(effect.estimate, digits)
    low, high = number(effect.low, digits), number(effect.high, digits)
    return f"{number(effect.estimate, digits)} ({low} to {high})"
