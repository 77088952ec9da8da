"""Options of commands that can keep sufficient statistics instead of spikes."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Annotated, Any

import typer

from stochnet.errors import InvalidInputError

Keep = Annotated[
    bool, typer.Option("--summary", help="Write what a fit needs, and keep no spikes.")
]
Window = Annotated[
    int | None,
    typer.Option("--window", "-w", help="Bins per window of a summary; a trial by default."),
]
PerCondition = Annotated[bool, typer.Option("--per-condition", help="Summarise every class apart.")]
# Files of parts are listed, not imported: help is shown before anything is loaded.
_FOLDER = Path(__file__).parents[1] / "statistics" / "summary" / "parts"
_PARTS = ", ".join(sorted(module.name for module in pkgutil.iter_modules([str(_FOLDER)])))
Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--part",
        help=f"Keep only this beyond totals, of {_PARTS}; can be given several times. By default "
        "what all processes need.",
    ),
]


def keeping(summary: bool, **options: Any) -> dict[str, Any]:
    """Return the options of a summary that were given; none may be without --summary.

    Raises
    ------
    InvalidInputError
        They are.
    """
    given = {name: value for name, value in options.items() if value not in (None, False, [])}
    if given and not summary:
        names = {"parts": "part", "n_trials": "trials", "n_bins": "bins"}
        flags = ", ".join(f"--{names.get(name, name).replace('_', '-')}" for name in given)
        raise InvalidInputError(
            f"{flags} go with --summary; without it this command writes spikes, and present, fit "
            "and stats take windows and schedules"
        )
    return given
