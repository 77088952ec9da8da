"""What is finished: one line a cell in manifest.jsonl, its rows in cells/<key>.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stochnet.errors.publishing.publish import append, publish_bytes

MANIFEST, FAILURES, CELLS = "manifest.jsonl", "failures.jsonl", "cells"


class Manifest:
    """The finished cells of a folder, which the caller has locked.

    The file of a cell is whole before its line is written, and the line is on the disk before the
    cell counts as finished. A file without a line is adopted; a line without its file, or with
    another one, is not finished.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    lines : dict of str to dict
        By key, what is known of finished cells.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: dict[str, dict[str, Any]] = {}
        (folder / CELLS).mkdir(exist_ok=True)
        # The folder is locked, so whoever made these is dead.
        for kind in ("part", "journal"):
            for torn in (folder / CELLS).glob(f".*.{kind}"):
                torn.unlink()
        self._read()

    def _read(self) -> None:
        """Read the manifest, and write it again without what a killed process has torn."""
        path = self.folder / MANIFEST
        before = path.read_bytes() if path.exists() else b""
        good = []
        for line in before.splitlines(keepends=True):
            known = _parsed(line)
            if known is not None and line.endswith(b"\n"):
                self.lines[known["key"]] = known
                good.append(line)
        if (after := b"".join(good)) != before:
            publish_bytes(path, after)

    def path_of(self, key: str) -> Path:
        """Return the file with the rows of a cell."""
        return self.folder / CELLS / f"{key}.json"

    def keep_finished(self, keys: Iterable[str]) -> set[str]:
        """Return those cells that are finished, adopting files that a killed process left."""
        finished = set()
        for key in keys:
            try:
                text = self.path_of(key).read_bytes()
            except FileNotFoundError:
                continue
            if key in self.lines:
                if self.lines[key].get("digest") == _digest(text):
                    finished.add(key)
                continue
            record = _parsed(text)
            if record is not None and record["key"] == key and "tables" in record:
                self._append(record, text)
                finished.add(key)
        return finished

    def add(self, record: dict[str, Any]) -> None:
        """Keep a finished cell: first its rows, then its line."""
        text = json.dumps(record).encode()
        publish_bytes(self.path_of(record["key"]), text)
        self._append(record, text)

    def _append(self, record: dict[str, Any], text: bytes) -> None:
        line = {name: value for name, value in record.items() if name != "tables"}
        line["rows"] = {name: len(rows) for name, rows in record["tables"].items()}
        line["digest"] = _digest(text)
        add_line(self.folder / MANIFEST, line)
        self.lines[record["key"]] = line

    def rows(self, key: str) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of a finished cell, by table."""
        tables: dict[str, list[dict[str, Any]]] = json.loads(self.path_of(key).read_bytes())[
            "tables"
        ]
        return tables


def add_line(path: Path, line: dict[str, Any]) -> None:
    """Append one line of JSON, and return when it is on the disk."""
    append(path, json.dumps(line).encode() + b"\n")


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _parsed(text: bytes) -> dict[str, Any] | None:
    """Return a line that has a key; None if it is torn."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("key"), str) else None
