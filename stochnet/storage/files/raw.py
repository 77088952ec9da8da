"""Bytes of a file, beside h5py: written, read back, hashed, and sent on their way to the disk."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from collections.abc import Callable
from functools import cache

from stochnet.errors import InvalidInputError

PIECE = 1 << 20
_WRITE = 2


class HeldFile:
    """A file for h5py that never fails in the middle: the first error is held and writing ends.

    HDF5 that cannot write keeps its identifiers open and ends the process by a segmentation fault
    at exit. So it is told that all went well, it closes everything, and `check` raises.

    Parameters
    ----------
    fd : int
        Open for reading and writing; it stays open.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._at = 0
        self._error: BaseException | None = None

    def check(self) -> None:
        """Raise what went wrong, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte, counted from the begin or the end."""
        self._at = offset + (os.fstat(self._fd).st_size if whence == os.SEEK_END else 0)
        return self._at

    def tell(self) -> int:
        """Return where the next byte is read or written."""
        return self._at

    def read(self, size: int) -> bytes:
        """Read so many bytes; h5py asks for `readinto`, and for this one to know a file."""
        buffer = bytearray(size)
        self.readinto(memoryview(buffer))
        return bytes(buffer)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; what was not written is zero."""
        got = 0
        with memoryview(buffer).cast("B") as view:
            try:
                got = os.preadv(self._fd, [view], self._at)
            except BaseException as error:  # noqa: BLE001
                self._error = self._error or error
            view[got:] = bytes(len(view) - got)
            self._at += len(view)
            return len(view)

    def write(self, data: memoryview) -> int:
        """Write bytes, or drop them where an error is held."""
        with memoryview(data).cast("B") as view:
            try:
                if self._error is None:
                    write_at(self._fd, view, self._at)
            except BaseException as error:  # noqa: BLE001
                self._error = error
            self._at += len(view)
            return len(view)

    def truncate(self, size: int) -> int:
        """Give the file its length."""
        try:
            if self._error is None:
                os.ftruncate(self._fd, size)
        except BaseException as error:  # noqa: BLE001
            self._error = error
        return size

    def flush(self) -> None:
        """Do nothing: all is written at once."""


def write_at(fd: int, data: memoryview, at: int) -> None:
    """Write all of `data`; the system may take it in several parts."""
    while len(data):
        written = os.pwrite(fd, data, at)
        data, at = data[written:], at + written


def equals(fd: int, data: memoryview, at: int, buffer: bytearray) -> bool:
    """Whether the file holds `data` there; `buffer` is at least as long."""
    with memoryview(buffer) as view, view[: len(data)] as place:
        if os.preadv(fd, [place], at) != len(data):
            return False
    # A bytearray on the left compares as memcmp does; a memoryview compares number by number.
    return (buffer if len(data) == len(buffer) else buffer[: len(data)]) == data


def hash_at(fd: int, begin: int, end: int) -> bytes:
    """Return the SHA-256 of the bytes from `begin` to `end`, or to where the file ends."""
    digest = hashlib.sha256()
    while begin < end:
        data = os.pread(fd, min(PIECE, end - begin), begin)
        if not data:
            break
        digest.update(data)
        begin += len(data)
    return digest.digest()


def reserve(fd: int, size: int, name: object) -> None:
    """Give a file its size, and the room on the disk for it where the system can say.

    Raises
    ------
    InvalidInputError
        There is no room.
    """
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InvalidInputError(
                f"{name} needs {in_bytes(size)} and there is no room: free some, or choose "
                "another folder"
            ) from error
    if os.fstat(fd).st_size < size:
        os.ftruncate(fd, size)


def in_bytes(size: float) -> str:
    """Return a size for people, in the unit in which it has one to three digits."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def start_writing_back(fd: int, at: int, length: int) -> None:
    """Let the system begin to write these bytes to the disk, so that fsync has little left."""
    call = _sync_file_range()
    if call is not None:
        # Only a hint: whether it worked is seen by fsync.
        call(fd, at, length, _WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], object] | None:
    """Return the call of Linux, which Python's os does not have; None elsewhere."""
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return call
