"""Files of a training: which there are, and of which epoch each is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stochnet.errors import InvalidInputError

ENDINGS = (".pt", ".pth", ".th", ".ckpt", ".safetensors")
_EPOCH = re.compile(r"epoch\D?(\d+)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


def find_checkpoints(
    paths: Iterable[str | os.PathLike[str]], *, waiting: bool = False
) -> list[Path]:
    """Return the files that are meant, in the order of the numbers in their names, each once.

    Parameters
    ----------
    paths : iterable of path-like
        Files, and folders, which stand for the checkpoints in them (``.pt``, ``.pth``, ``.th``,
        ``.ckpt``, ``.safetensors``).
    waiting : bool, default False
        Whether files and folders may be missing that will come.

    Raises
    ------
    InvalidInputError
        Something is missing, or a folder has no checkpoint.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = [one for one in path.iterdir() if _is_checkpoint(one)]
            if not inside and not waiting:
                raise InvalidInputError(
                    f"the folder {path} has no checkpoint: files that end in {', '.join(ENDINGS)}"
                )
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        elif not waiting:
            raise InvalidInputError(f"there is no checkpoint or folder {path}")
    return sorted(found, key=lambda path: (_from_name(path) or 0, path.name))


def epoch_of(path: Path, facts: Mapping[str, Any]) -> int:
    """Return the epoch of a checkpoint: what its facts say, or else the number in its name.

    ``epoch-0012.pt``, ``epoch=12-step=900.ckpt`` and ``net_12.pth`` are of epoch 12.

    Raises
    ------
    InvalidInputError
        Neither says it.
    """
    if isinstance(facts.get("history"), list):
        history = facts["history"]
        return int(history[-1]["epoch"]) if history else 0
    epoch = _from_name(path)
    if epoch is None:
        raise InvalidInputError(
            f"the epoch of {path} is not known: put its number into the name, as in epoch-0012"
            f"{path.suffix}"
        )
    return epoch


def is_last(facts: Mapping[str, Any]) -> bool:
    """Whether a checkpoint of stochnet is the last one of its training."""
    history = facts.get("history")
    if not history or "epochs" not in facts:
        return False
    last, stop_at = history[-1], facts.get("stop_at")
    return bool(
        last["epoch"] >= facts["epochs"]
        or (stop_at is not None and last["train_accuracy"] >= stop_at)
    )


def _is_checkpoint(path: Path) -> bool:
    return path.suffix in ENDINGS and not path.name.startswith(".") and path.is_file()


def _from_name(path: Path) -> int | None:
    named = _EPOCH.findall(path.stem) or _NUMBER.findall(path.stem)
    return int(named[-1]) if named else None
