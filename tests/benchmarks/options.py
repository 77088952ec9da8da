"""What every kind of work is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`rounds`: repetitions in turn; `quick`: small sizes, for a look; `folder`: for files."""

    rounds: int
    quick: bool
    folder: Path
