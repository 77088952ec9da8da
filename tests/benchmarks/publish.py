"""Put the results of a run of peers.py into docs/performance.md, with a figure.

python tests/benchmarks/publish.py [benchmarks.json] [--docs docs]

Everything between a pair of markers ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is replaced.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
from pathlib import Path
from typing import Any

from figure import draw
from peers import KINDS
from remote import ROOT

NOT_MEASURED = "Not measured in this run."
NOISY = 0.05


def machine(results: dict[str, Any]) -> str:
    """Return what the run ran on, as a list."""
    about = results["machine"]
    caches = ", ".join(f"{level} {size}" for level, size in about["caches"].items())
    versions = ", ".join(f"{name} {found}" for name, found in about["versions"].items() if found)
    foreign = {kind: found["foreign"] or 0 for kind, found in results["kinds"].items()}
    minutes = sum(found["seconds"] for found in results["kinds"].values()) / 60
    quick = ", small sizes (`--quick`)" if about["quick"] else ""
    run = (
        f"{about['date']}, stochnet {about['stochnet']}, {results['rounds']} repetitions{quick}, "
        f"{minutes:.0f} minutes."
    )
    hardware = (
        f"{about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB, {caches}; "
        f"{', '.join(about['flags'])}."
    )
    lines = [
        f"- Run: {run}",
        f"- Machine: {hardware}",
        f"- Software: {about['system']}, Python {about['python']}, {versions}.",
    ]
    worst = max(foreign, key=foreign.__getitem__)
    if foreign[worst] > NOISY:
        lines.append(
            f"- **Noisy**: other processes took up to {foreign[worst]:.0%} of the cores "
            f"(during `{worst}`). Read the ratios, with their ranges; the absolute figures are "
            "too low, and those of two threads most of all."
        )
    else:
        lines.append(f"- Other processes took at most {foreign[worst]:.1%} of the cores.")
    return "\n".join(lines)


def replace(text: str, name: str, content: str) -> str:
    """Replace what stands between a pair of markers."""
    pattern = re.compile(
        rf"(<!-- begin {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)", re.S
    )
    if not pattern.search(text):
        raise SystemExit(f"the page has no markers for {name}")
    return pattern.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text)


def main() -> None:
    """Write the page and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", default=Path("benchmarks.json"))
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    results = json.loads(given.results.read_text())
    page = given.docs / "performance.md"
    text = page.read_text()
    for name in re.findall(r"<!-- begin (\S+) -->", text):
        text = replace(text, name, NOT_MEASURED)
    text = replace(text, "machine", machine(results))
    for kind in KINDS:
        if kind in results["kinds"]:
            for table in importlib.import_module(kind).tables(results["kinds"][kind]["results"]):
                text = replace(text, table.name, table.markdown())
    page.write_text(text)
    if "growth" in results["kinds"]:
        draw(results["kinds"]["growth"]["results"], given.docs / "performance-growth.svg")


if __name__ == "__main__":
    main()
