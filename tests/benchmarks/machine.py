"""What the benchmarks ran on, and how much else ran beside them."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "numba", "llvmlite", "h5py", "torch", "elephant", "neo")
FLAGS = ("sse2", "avx", "avx2", "avx512f", "avx512bw", "avx512vbmi", "neon", "sve")


def describe() -> dict[str, Any]:
    """Return date, processor, cores, memory and versions."""
    information = _read("/proc/cpuinfo")
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", information, re.M)
    model = re.search(r"^model name\s*:\s*(.*)$", information, re.M)
    total = re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo"))
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": (model[1] if model else platform.processor()).strip(),
        "flags": [flag for flag in FLAGS if flags and flag in flags[1].split()],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "caches": _caches(),
        "memory_gib": round(int(total[1]) / 2**20, 1) if total else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _caches() -> dict[str, str]:
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    caches = {}
    for index in sorted(folder.glob("index*")):
        if _read(index / "type").strip() != "Instruction":
            caches[f"L{_read(index / 'level').strip()}"] = _read(index / "size").strip()
    return caches


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


class Foreign:
    """Share of the machine's cores that other processes took while a block ran.

    Attributes
    ----------
    share : float or None
        0 to 1; None where the system does not tell.
    """

    share: float | None = None

    def __enter__(self) -> Foreign:
        self._begin = time.perf_counter(), _busy(), _own()
        return self

    def __exit__(self, *_: object) -> None:
        wall, busy, own = time.perf_counter(), _busy(), _own()
        if busy is not None and self._begin[1] is not None:
            spent = (busy - self._begin[1]) - (own - self._begin[2])
            cores = os.cpu_count() or 1
            self.share = round(max(0.0, spent / (wall - self._begin[0]) / cores), 3)


def _busy() -> float | None:
    """Seconds that all cores have been busy."""
    fields = _read("/proc/stat").split("\n", 1)[0].split()[1:]
    if not fields:
        return None
    ticks = [int(field) for field in fields[:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Seconds of this process, of its children and of theirs that have ended."""
    mine, ticks = os.getpid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        # The name in brackets may hold blanks.
        fields = _read(folder / "stat").rpartition(")")[2].split()
        if fields and mine in (int(folder.name), int(fields[1])):
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")
