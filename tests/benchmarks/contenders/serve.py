"""Answer over a pipe: prepare some work, run it once, say how long it took.

A contender is a file beside this one with ``FORMS``: name of a form of the work to a function
``(p, n_bins) -> Work``. It is run as a script by the Python of its own environment, so that
packages that cannot be installed together still run in turn in one race. Needs nothing but NumPy.
"""

from __future__ import annotations

import ctypes
import gc
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TURN_SECONDS = 0.05
# Shorter work runs once uncounted in its turn: a virtual machine gives free memory back to its host
# between turns, and whoever comes first would pay for all.
UNCOUNTED_SECONDS = 0.5
SIGMAS = 6


@dataclass(frozen=True)
class Work:
    """Work that can be done again and again.

    Attributes
    ----------
    run : callable
        The work; only this is timed.
    count : callable
        Number of spikes in what `run` returned.
    before : callable, optional
        Makes ready for the next run.
    elapsed : callable, optional
        Seconds of the last run as the package itself measured them, without its preparations.
    peak : callable, optional
        Peak memory in MiB of a run, where it happens in another process.
    compiling : float
        Seconds that compilers took.
    """

    run: Callable[[], Any]
    count: Callable[[Any], int]
    before: Callable[[], None] | None = None
    elapsed: Callable[[], float] | None = None
    peak: Callable[[], float] | None = None
    compiling: float = 0.0


def rates(law: str, nodes: int) -> Any:
    """Return the probability of every node: Beta(1, 4), or a number, the same for all."""
    if law == "beta":
        return np.random.default_rng(0).beta(1, 4, nodes)
    return np.full(nodes, float(law))


def once(work: Work, times: int = 1) -> tuple[float, Any]:
    """Run work; return the seconds of one run, and the last result."""
    seconds, result = 0.0, None
    for _ in range(times):
        result = None
        if work.before is not None:
            work.before()
        begin = time.perf_counter()
        result = work.run()
        elapsed = time.perf_counter() - begin
        seconds += elapsed if work.elapsed is None else work.elapsed()
    return seconds / times, result


def memory(field: str) -> float:
    """Return a field of the process's own memory in MiB, NaN where the system does not tell."""
    try:
        found = re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text())
    except OSError:
        return math.nan
    return int(found[1]) / 1024 if found else math.nan


def forget_peak() -> float:
    """Let the high-water mark begin again; return the memory in use, in MiB."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return math.nan
    return memory("VmRSS")


def try_form(prepare: Callable[..., Work], p: Any, n_bins: int, warm: bool) -> tuple[Work, dict]:
    """Prepare one form, run it twice, and count its spikes."""
    if warm:
        once(prepare(p[:8], n_bins))
    base = forget_peak()
    begin = time.perf_counter()
    work = prepare(p, n_bins)
    setup = time.perf_counter() - begin
    begin = time.perf_counter()
    if work.before is not None:
        work.before()
    before = time.perf_counter() - begin
    _, result = once(work)
    peak = memory("VmHWM") - base if work.peak is None else work.peak()
    spikes, expected = int(work.count(result)), n_bins * float(np.sum(p))
    result = None
    # The least of three where that costs little: forms are chosen by it.
    seconds, _ = once(work)
    if seconds < 1:
        seconds = min(seconds, once(work)[0], once(work)[0])
    return work, {
        "seconds": seconds,
        "setup": setup,
        "before": before,
        "compiling": work.compiling,
        "peak_mib": None if math.isnan(peak) else peak,
        "spikes": spikes,
        "expected": expected,
        # Poisson contenders have the larger variance; it bounds that of independent bins.
        "same_work": bool(abs(spikes - expected) <= SIGMAS * math.sqrt(expected)),
    }


def serve(forms: Mapping[str, Callable[..., Work]], version: str, *, warm: bool = True) -> None:
    """Answer requests, one line of JSON each, until standard input ends.

    ``{"do": "prepare", "key": …, "nodes": …, "bins": …, "law": …, "form": …}`` prepares the form,
    or the fastest of all; ``{"do": "run", "key": …}`` runs it and answers with the seconds of one
    run; ``{"do": "forget"}`` lets go of all work.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    works: dict[str, tuple[Work, int]] = {}
    expected: dict[str, float] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "prepare":
            work, answer = _prepare(forms, request, warm)
            times = max(1, int(TURN_SECONDS / max(answer["seconds"], 1e-9)))
            works[request["key"]] = work, times
            expected[request["key"]] = answer["seconds"]
            answer["version"] = version
        elif request["do"] == "forget":
            works.clear()
            answer = {}
        else:
            work, times = works[request["key"]]
            if expected[request["key"]] < UNCOUNTED_SECONDS:
                once(work)
            answer = {"seconds": once(work, times)[0]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _prepare(
    forms: Mapping[str, Callable[..., Work]], request: dict, warm: bool
) -> tuple[Work, dict]:
    """Prepare the form that was asked for, or the fastest."""
    p = rates(request["law"], request["nodes"])
    names = [request["form"]] if request["form"] else list(forms)
    best, tried = {}, {}
    for name in names:
        work = None
        work, answer = try_form(forms[name], p, request["bins"], warm)
        tried[name] = answer["seconds"]
        if not best or answer["seconds"] < best["seconds"]:
            best = {**answer, "form": name}
    if best["form"] != name:
        # Preparing another form may have ended this one.
        work = None
        work = forms[best["form"]](p, request["bins"])
        once(work)
    return work, {**best, "tried": tried}
