"""Say what a file is, and whether every byte of it is as it was written."""

from __future__ import annotations

import os
from pathlib import Path

from stochnet.errors import FileFormatError, InvalidInputError, entrance
from stochnet.raster.blocks import node_blocks
from stochnet.raster.packing import last_word_mask
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.storage import bundles, rasters, summaries
from stochnet.storage.files.safe import attribute, is_file, safe_open
from stochnet.storage.files.seal import check_seal
from stochnet.storage.files.tree import file_digest

LAYOUTS = {layout.kind: layout for layout in (rasters.LAYOUT, bundles.LAYOUT, summaries.LAYOUT)}


def read_kind(path: str | os.PathLike[str]) -> str:
    """Return ``"stochnet-raster"``, ``"stochnet-bundle"`` or ``"stochnet-summary"``.

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
    if not is_file(entrance.path("path", path)):
        raise InvalidInputError(f"no file {path}")
    # The seal first: a damaged file need not be parsed to say that it is damaged.
    sealed = check_seal(Path(path))
    with safe_open(path, LAYOUTS) as handle:
        kind = str(attribute(handle, "encoding-type"))
        digest = file_digest(handle)
    if digest != stored_digest(path):
        raise FileFormatError(f"{path}: its content does not match its digest; take a good copy")
    # Whatever the digest says, the file must also make sense.
    if kind == rasters.RASTER:
        _check_padding(rasters.read_raster(path), path)
    elif kind == summaries.SUMMARY:
        _check_tables(summaries.read_summary(path), path)
    else:
        bundles.read_bundle(path)
    return digest, sealed


def _check_tables(summary: RasterSummary, path: str | os.PathLike[str]) -> None:
    """Read every table, which refuses columns that it does not have."""
    for table in summary.tables.values():
        for first, last in node_blocks(table.n_rows, 16 * table.width):
            try:
                table.dense(first, last)
            except InvalidInputError as error:
                raise FileFormatError(f"{path}: {error}") from error


def _check_padding(raster: SpikeRaster, path: str | os.PathLike[str]) -> None:
    """Refuse spikes after the last bin; every statistic counts on their absence."""
    if raster.kind == "spikes":
        padding = ~last_word_mask(raster.n_bins)
        for _, block in raster.blocks():
            if (block.data[0 : block.n_nodes][..., -1] & padding).any():
                raise FileFormatError(f"{path}: there are spikes after the last bin")
