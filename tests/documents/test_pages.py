"""Every code block of the README and of the documentation runs, in order, in an empty folder.

A block that does not run says why on the page's source, in a comment before it:
``<!--- skip: next "needs a GPU" --->``. What a page takes for granted is made in a comment, too:
``<!--- invisible-code-block: python … --->``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

from tests.support import ROOT

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
# Commands that install, or run all of this again.
ELSEWHERE = ("make", "pip")


def run(example) -> None:
    """Run the lines of a console block, as a reader would type them."""
    folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
    }
    environment["PYTHONPATH"] = str(ROOT)
    lines = [x for x in example.parsed.splitlines() if x.split(" ")[0] not in ELSEWHERE]
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        check=False, capture_output=True, text=True, env=environment, timeout=600,
    )  # fmt: skip
    assert not done.returncode, (
        f"line {example.line}:\n{example.parsed}\n{done.stdout}\n{done.stderr}"
    )


READER = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser(language="console", evaluator=run),
        CodeBlockParser(language="bash", evaluator=run),
        SkipParser(),
    ]
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Pages speak of files of the repository by their place in a clone.
    for name in ("docs", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    document = READER.parse(ROOT / page)
    document.namespace["__name__"] = "__main__"
    for example in document.examples():
        try:
            example.evaluate()
        except SkipTest:
            continue


def test_the_programs_that_pages_call_are_there():
    assert shutil.which("stochnet", path=str(Path(sys.executable).parent))
