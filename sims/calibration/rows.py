"""Tables of results: finished jobs are kept while a run goes on, and then written as CSV."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stochnet as sn

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: `call` returns rows for one or more tables.

    The name holds every setting, so that it says whether the job was done before.
    """

    process: str
    name: str
    call: Callable[[], Tables]


def code_digest() -> str:
    """Digest of the sources of the package and of the study: other code, other results."""
    digest = hashlib.sha256()
    for folder in (Path(sn.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def run(part: str, jobs: Sequence[Job], folder: Path, code: str, only: str | None) -> None:
    """Run the jobs that are not finished, and write the tables when all are.

    Finished jobs stand in a file ``<part>.part`` until then, so that a run which was interrupted
    goes on where it stopped. With `only`, rows of other processes stay as they are.
    """
    partial = folder / f"{part}.part"
    finished = _finished(partial)
    found: list[Tables] = []
    with partial.open("a", encoding="utf-8") as file:
        file.write("\n" if finished else "")
        for number, job in enumerate(jobs, 1):
            key = hashlib.sha256(f"{code} {job.name}".encode()).hexdigest()[:16]
            label = f"[{number}/{len(jobs)}] {part}: {job.name}"
            if key in finished:
                found.append(finished[key])
                print(f"{label}: finished before", flush=True)
                continue
            start = time.perf_counter()
            tables = {table: [_plain(r) for r in rows] for table, rows in job.call().items()}
            found.append(tables)
            file.write(json.dumps({"key": key, "tables": tables}) + "\n")
            file.flush()
            print(f"{label}: {time.perf_counter() - start:.1f} s", flush=True)
    for table in dict.fromkeys(name for tables in found for name in tables):
        rows = [row for tables in found for row in tables.get(table, [])]
        write(folder / f"{table}.csv", rows, only)
    partial.unlink()


def write(path: Path, rows: list[Row], only: str | None = None) -> None:
    """Write rows as CSV; with `only`, in place of the rows of that process."""
    if only is not None and path.exists():
        kept = [row for row in read(path) if row["process"] != only]
        rows = sorted(kept + rows, key=lambda row: row["process"])
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[Row]:
    """Read a table: numbers become numbers, and empty fields None."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _parsed(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _finished(path: Path) -> dict[str, Tables]:
    found = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            # A line is empty, or cut off, where a run was killed.
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            found[entry["key"]] = entry["tables"]
    return found


def _plain(row: Row) -> Row:
    return {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    """Round to what is worth storing; what does not exist is an empty field."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int)):
        return int(value)
    value = float(value)
    return None if value != value else float(f"{value:.6g}")


def _parsed(text: str) -> Any:
    if text == "":
        return None
    try:
        return float(text)
    except ValueError:
        return text
