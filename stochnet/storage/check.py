"""Say what a file is, and whether every byte of it is as it was written."""

from __future__ import annotations

import os
from pathlib import Path

from stochnet.errors import FileFormatError
from stochnet.storage import bundles, rasters
from stochnet.storage.safe import attribute, safe_open
from stochnet.storage.seal import check_seal
from stochnet.storage.tree import file_digest

LAYOUTS = {layout.kind: layout for layout in (rasters.LAYOUT, bundles.LAYOUT)}


def read_kind(path: str | os.PathLike[str]) -> str:
    """Return ``"stochnet-raster"`` or ``"stochnet-bundle"``.

    Raises
    ------
    InvalidInputError, FileFormatError
        No such file, or not one of stochnet's.
    """
    with safe_open(path, LAYOUTS) as handle:
        return str(attribute(handle, "encoding-type"))


def stored_digest(path: str | os.PathLike[str]) -> str:
    """Return the content digest that a file carries, without recomputing it."""
    with safe_open(path, LAYOUTS) as handle:
        if "content-digest" not in handle.attrs:
            raise FileFormatError(f"{path} has no content-digest; write it anew with stochnet")
        return str(attribute(handle, "content-digest"))


def verify(path: str | os.PathLike[str]) -> tuple[str, bool]:
    """Check a file byte by byte and by its content.

    Returns
    -------
    digest : str
        The content digest, recomputed.
    sealed : bool
        Whether a seal over every byte was there and holds; without one (a file written by other
        software) only the content was checked.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It is damaged, changed, unsafe or of an unknown kind; the message says which.
    """
    with safe_open(path, LAYOUTS) as handle:
        kind = str(attribute(handle, "encoding-type"))
        sealed = check_seal(Path(path))
        try:
            digest = file_digest(handle)
        except (OSError, RuntimeError, KeyError, TypeError, UnicodeError) as error:
            raise FileFormatError(f"{path} is damaged: {error}") from error
    if digest != stored_digest(path):
        raise FileFormatError(f"{path}: its content does not match its digest; take a good copy")
    # Whatever the digest says, the file must also make sense.
    (rasters.read_raster if kind == rasters.RASTER else bundles.read_bundle)(path)
    return digest, sealed
