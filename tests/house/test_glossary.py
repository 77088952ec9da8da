"""Every noun of the code stands in docs/glossary.md, in one line."""

from __future__ import annotations

import ast
import re

from tests.support import ROOT
from tests.support.source import FILES, place, tree

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
# A line: | `noun`, `other form` | what it is |
ENTRIES = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|$", GLOSSARY, re.MULTILINE)
KNOWN = {word for names, _ in ENTRIES for word in re.findall(r"`(\w+)`", names)}
# Named after what they stand for: a command, a process, a suite.
BY_NAME = ("cli/", "processes/", "benchmark/suites/", "kernels/cuda/")


def noun(name: str) -> str:
    """Return the last word of a name, in lower case: the noun of ``PairMoments`` is moments."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return words[-1].lower() if words else name


def nouns() -> set[tuple[str, str]]:
    found = set()
    for path in FILES:
        here = place(path)
        if path.name not in {"__init__.py", "_version.py"} and not here.startswith(BY_NAME):
            found.add((noun(path.stem), here))
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.add((noun(node.name), f"{here}: {node.name}"))
    return found


def test_every_noun_of_the_code_is_in_the_glossary():
    missing = sorted({(word, where) for word, where in nouns() if word not in KNOWN})
    assert not missing


def test_the_glossary_has_no_noun_that_the_code_has_not():
    used = {word for word, _ in nouns()}
    assert not [names for names, _ in ENTRIES if not used & set(re.findall(r"`(\w+)`", names))]


def test_every_entry_is_one_line():
    assert not [names for names, text in ENTRIES if len(text) > 160 or not text.strip()]
