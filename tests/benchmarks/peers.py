"""stochnet beside other ways to do the same work, in one run, as ratios.

    python tests/benchmarks/peers.py [--quick] [--rounds 7] [--only simulating sparse] [-o FILE]

Writes what was measured to benchmarks.json and prints it as tables; publish.py puts a results file
into the documentation. Each kind of work is a file beside this one with ``measure(options)`` and
``tables(results)``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import Foreign, describe
from options import Options

import stochnet as sn

# In this order, which is that of the documentation.
KINDS = (
    "limits",
    "simulating",
    "estimating",
    "sparse",
    "processes",
    "loop",
    "first_call",
    "growth",
    "recording",
    "fitting",
)


def report(kind: str, results: dict[str, Any]) -> str:
    """Return the tables of a kind of work as text."""
    return "\n\n".join(table.text() for table in importlib.import_module(kind).tables(results))


def main() -> None:
    """Run all kinds of work, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes and 3 rounds, for a look")
    parser.add_argument("--rounds", type=int, help="7 unless told, 3 with --quick")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, metavar="KIND")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks.json"))
    given = parser.parse_args()
    rounds = given.rounds or (3 if given.quick else 7)
    everything = {
        "machine": {**describe(), "stochnet": sn.__version__, "quick": given.quick},
        "rounds": rounds,
        "kinds": {},
    }
    with tempfile.TemporaryDirectory(prefix="stochnet-bench-") as folder:
        os.environ["STOCHNET_BENCH_FOLDER"] = folder
        for kind in KINDS:
            if kind not in given.only:
                continue
            begin = time.perf_counter()
            with Foreign() as foreign:
                results = importlib.import_module(kind).measure(
                    Options(rounds, given.quick, Path(folder))
                )
            seconds = round(time.perf_counter() - begin, 1)
            everything["kinds"][kind] = {
                "seconds": seconds,
                "foreign": foreign.share,
                "results": results,
            }
            given.output.write_text(json.dumps(everything, indent=1) + "\n")
            print(f"\n## {kind}: {seconds} s, other processes took {foreign.share} of the cores\n")
            # From the file's own values, so that what is printed can be published.
            print(report(kind, json.loads(json.dumps(results))), flush=True)


if __name__ == "__main__":
    main()
