"""The option --shard: a recording that is made in parts."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from stochnet.errors import InvalidInputError

ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Only part I of N of the stimuli; see stochnet merge."
    ),
]


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """Return (index, number) of ``"2/4"``.

    Raises
    ------
    InvalidInputError
        It does not read so.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None:
        raise InvalidInputError(f"--shard takes I/N, such as 1/4, got {text!r}")
    return int(found[1]), int(found[2])
