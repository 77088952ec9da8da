"""Templates to one HTML file."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from stochnet import __version__
from stochnet.validation.answers import Interval
from stochnet.validation.comparison import Comparison
from stochnet.validation.outcome import Source

TEMPLATES = Path(__file__).with_name("templates")


def write_page(path: str | os.PathLike[str], template: str, **content: Any) -> None:
    """Render a template, with everything it shows, into a file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {
        "number": number,
        "chance": chance,
        "interval": interval,
        "times": times,
        "size": size,
        "soft": soft,
    }
    text = environment.get_template(template).render(
        version=__version__,
        time=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **content,
    )
    Path(path).write_text(text, encoding="utf-8")


def number(value: float | None, decimals: int | None = None) -> str:
    """Write a number for a table: three digits that matter or so many decimals, a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if decimals is not None:
        return f"{value:.{decimals}f}".replace("-", "−")
    if value == 0 or abs(value) >= 1e-4:
        digits = 3 if abs(value) < 1 else max(0, 2 - math.floor(math.log10(abs(value))))
        # Small numbers keep two digits that matter.
        if 0 < abs(value) < 0.01:
            digits = 1 - math.floor(math.log10(abs(value)))
        return f"{value:,.{digits}f}".replace("-", "−")
    return f"{value:.1e}".replace("-", "−")


def chance(value: float | None) -> str:
    """Write a probability; how far below one in ten thousand it is, nobody needs to know."""
    return "<0.0001" if value is not None and value < 1e-4 else number(value)


def interval(one: Interval) -> str:
    """Write a value with its interval."""
    if not math.isfinite(one.low):
        return number(one.value)
    return f"{number(one.value)} ({number(one.low)} to {number(one.high)})"


def times(one: Comparison) -> str:
    """Write the ratio of a distance to its floor."""
    if not one.distances:
        return "–"
    if math.isnan(one.ratio):
        return "∞" if one.verdict == "differs" else ""
    return f"{one.ratio:.1f} ×" if one.ratio < 100 else f"{one.ratio:,.0f} ×"


def soft(label: str) -> str:
    """Let a long word of a column's heading break."""
    return label.replace("autocorrelation", "auto\N{SOFT HYPHEN}correlation")


def size(source: Source) -> str:
    """Say how large a raster is, and its schedule."""
    schedule = "no schedule" if source.schedule == "none" else source.schedule
    return f"{source.n_trials:,} × {source.n_bins:,} bins ({schedule})"
