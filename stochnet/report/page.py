"""Templates to one HTML file."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from stochnet._version import __version__
from stochnet.errors.publishing.publish import publish_text

TEMPLATES = Path(__file__).with_name("templates")


def write_page(path: str | os.PathLike[str], template: Path, **content: Any) -> None:
    """Render a template, with everything it shows, into a file.

    Parameters
    ----------
    path : path-like
        Target.
    template : Path
        It may extend and include those of its own folder and of `TEMPLATES`.
    **content : Any
        What the template reads by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {
        "number": number,
        "chance": chance,
        "soft": soft,
    }
    text = environment.get_template(template.name).render(
        version=__version__,
        time=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **content,
    )
    publish_text(path, text)


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


def soft(label: str) -> str:
    """Let a long word of a column's heading break."""
    return label.replace("autocorrelation", "auto\N{SOFT HYPHEN}correlation")
