"""Open foreign HDF5 without trusting it: an allow-list is walked before anything is read."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stochnet.errors import FileFormatError, InvalidInputError, entrance
from stochnet.storage.files.seal import check_seal

FORMAT_VERSION = "1.0"
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
}
# gzip reaches at most about 1030 : 1, so a larger claim is a bomb.
_MAX_RATIO = 1100
_MAX_ATTRIBUTE = 1 << 16
# What h5py and our own checks raise on bytes that make no sense.
DAMAGE = (OSError, RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, MemoryError)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kind of file may hold: patterns of group and dataset paths."""

    kind: str
    groups: tuple[str, ...]
    datasets: tuple[str, ...]

    def allows(self, path: str, *, group: bool) -> bool:
        """Whether an object of that path is part of this kind of file."""
        patterns = self.groups if group else self.datasets
        return any(re.fullmatch(pattern, path) for pattern in patterns)


@contextlib.contextmanager
def safe_open(path: str | os.PathLike[str], layouts: Mapping[str, Layout]) -> Iterator[h5py.File]:
    """Open a file for reading after checking all that it links to.

    What fails while the file is open is taken as damage.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It is not HDF5, not a kind in `layouts`, of an unknown version, or unsafe.
    """
    target = entrance.path("path", path)
    if not is_file(target):
        raise InvalidInputError(f"no file {target}")
    try:
        handle = h5py.File(target, "r")
    except OSError as error:
        with contextlib.suppress(OSError):
            check_seal(target)
        raise FileFormatError(f"{target} cannot be opened as HDF5: {error}") from error
    with handle:
        try:
            layout = _layout(handle, target, layouts)
            _walk(handle, "", layout, target, set())
            yield handle
        except DAMAGE as error:
            raise FileFormatError(f"{target} is damaged: {error}") from error


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no system takes is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def attribute(obj: Any, name: str) -> str | int | float:
    """Read a scalar text or number attribute of a file, group or dataset."""
    try:
        key = name.encode()
    except (UnicodeError, AttributeError) as error:
        raise FileFormatError(f"the name of an attribute is no text in UTF-8: {name!r}") from error
    raw = h5py.h5a.open(obj.id, key)
    if raw.get_storage_size() > _MAX_ATTRIBUTE or raw.shape != ():
        raise FileFormatError(f"attribute {name} is not a short scalar")
    value = obj.attrs[name]
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "iufb":
        scalar = value.item()
        return scalar if isinstance(scalar, (int, float)) else str(scalar)
    raise FileFormatError(f"attribute {name} is neither text nor a number")


def whole(obj: Any, name: str, low: int = 0, high: int = 2**63 - 1) -> int:
    """Read an attribute that is a whole number of a range, and no text or fraction.

    Raises
    ------
    FileFormatError
        It is none, or lies outside.
    """
    value = attribute(obj, name)
    if type(value) is not int or not low <= value <= high:
        raise FileFormatError(
            f"{name} must be a whole number from {low} to {high}, it is {value!r}"
        )
    return value


def number(obj: Any, name: str) -> float:
    """Read an attribute that is a number.

    Raises
    ------
    FileFormatError
        It is a text or a truth value.
    """
    value = attribute(obj, name)
    if type(value) not in (int, float):
        raise FileFormatError(f"{name} must be a number, it is {value!r}")
    return float(value)


def _layout(handle: h5py.File, path: Path, layouts: Mapping[str, Layout]) -> Layout:
    if "encoding-type" not in handle.attrs:
        raise FileFormatError(f"{path} is HDF5 but no stochnet file (no encoding-type)")
    kind = str(attribute(handle, "encoding-type"))
    if kind not in layouts:
        raise FileFormatError(f"{path} is a {kind}; expected {' or '.join(sorted(layouts))}")
    version = str(attribute(handle, "encoding-version"))
    if not re.fullmatch(r"\d+\.\d+", version):
        raise FileFormatError(f"{path}: encoding-version {version!r} is not MAJOR.MINOR")
    major, minor = map(int, version.split("."))
    if major != int(FORMAT_VERSION.split(".")[0]):
        raise FileFormatError(
            f"{path} has format version {version}, this stochnet reads {FORMAT_VERSION}: "
            "install a newer stochnet (pip install -U stochnet)"
        )
    later = minor > int(FORMAT_VERSION.split(".")[1])
    return Layout(kind, (".*",), (".*",)) if later else layouts[kind]


def _walk(group: h5py.Group, prefix: str, layout: Layout, path: Path, seen: set[int]) -> None:
    """Check all that a group links to; `seen` has the addresses of the groups before."""
    address = h5py.h5o.get_info(group.id).addr
    if address in seen:
        raise FileFormatError(f"{path}: the group {prefix or '/'} has several names; refused")
    seen.add(address)
    if prefix.count("/") > 8:
        raise FileFormatError(f"{path}: groups are nested too deeply")
    for name in list(group.keys()):
        if isinstance(name, bytes):
            raise FileFormatError(f"{path}: a name in {prefix or '/'} is no text; damaged")
        where = f"{prefix}{name}"
        info = group.id.links.get_info(name.encode())
        if info.type != h5py.h5l.TYPE_HARD:
            raise FileFormatError(f"{path}: {where} is a soft or external link; refused")
        kind = h5py.h5o.get_info(group.id, name.encode()).type
        if kind == h5py.h5o.TYPE_GROUP:
            if not layout.allows(where, group=True):
                raise FileFormatError(f"{path}: unexpected group {where}")
            _walk(group[name], f"{where}/", layout, path, seen)
        elif kind == h5py.h5o.TYPE_DATASET:
            if not layout.allows(where, group=False):
                raise FileFormatError(f"{path}: unexpected dataset {where}")
            _check_dataset(group[name], where, path)
        else:
            raise FileFormatError(f"{path}: {where} is neither a group nor a dataset")


def _check_dataset(dataset: h5py.Dataset, where: str, path: Path) -> None:
    plist = dataset.id.get_create_plist()
    if plist.get_layout() == h5py.h5d.VIRTUAL or plist.get_external_count():
        raise FileFormatError(f"{path}: {where} takes its data from another file; refused")
    filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
    if filters - _FILTERS:
        raise FileFormatError(f"{path}: {where} uses unknown filters {sorted(filters - _FILTERS)}")
    if dataset.dtype.kind not in "uifS" or dataset.dtype.subdtype is not None:
        raise FileFormatError(f"{path}: {where} has type {dataset.dtype}; refused")
    if dataset.shape is None:
        raise FileFormatError(f"{path}: {where} is empty")
    size = int(np.prod([int(n) for n in dataset.shape], dtype=object)) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if size > stored * (_MAX_RATIO if filters else 1):
        raise FileFormatError(
            f"{path}: {where} claims {size} bytes and stores {stored}; the file is incomplete "
            "or made to exhaust memory"
        )
