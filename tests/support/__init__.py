"""Help for the tests: references in plain Python, networks with a trap each, a browser, places."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
