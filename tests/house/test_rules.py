"""The house rules that a reader relies on, checked on the source text alone."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "stochnet"
FILES = sorted(PACKAGE.rglob("*.py"))

COMMAND_LINE = ("cli/",)
# Names of numpy.random that carry no global state.
STATELESS = {"Generator", "SeedSequence", "default_rng"}
# What `import stochnet` must leave alone.
HEAVY = ("torch", "torchvision", "matplotlib", "jinja2", "dask", "distributed", "hypothesis")


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def is_at(path: Path, homes: tuple[str, ...]) -> bool:
    here = place(path)
    return any(here.startswith(home) if home.endswith("/") else here == home for home in homes)


def dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for a chain of attributes of a name, and "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, also those imported by a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and node.args:
            called = dotted(node.func).rpartition(".")[2]
            first = node.args[0]
            if called in {"import_module", "__import__"} and isinstance(first, ast.Constant):
                yield str(first.value), node.lineno


def global_random(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every use of global random state, of NumPy or of the standard library."""
    for name, line in imports(tree):
        if name.split(".")[0] == "random":
            yield name, line
        if name.startswith("numpy.random.") and name.split(".")[2] not in STATELESS:
            yield name, line
        if name == "numpy.random":
            yield "numpy.random imported under another name", line
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if (
                name.startswith(("np.random.", "numpy.random."))
                and name.split(".")[2] not in STATELESS
            ):
                yield name, node.lineno
        if (
            isinstance(node, ast.Call)
            and dotted(node.func).endswith("default_rng")
            and not node.args
            and not node.keywords
        ):
            yield "default_rng() without a seed", node.lineno


def undocumented(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Module, public functions and classes, and their public methods, without a docstring."""
    if ast.get_docstring(tree) is None:
        yield "the module", 1
    definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    pending = [("", node) for node in tree.body if isinstance(node, definition)]
    while pending:
        prefix, node = pending.pop()
        if node.name.startswith("_"):
            continue
        decorators = [dotted(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
        if any(d.rpartition(".")[2] in {"overload", "setter", "override"} for d in decorators):
            continue
        if ast.get_docstring(node) is None:
            yield prefix + node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            pending += [
                (f"{prefix}{node.name}.", child)
                for child in node.body
                if isinstance(child, definition)
            ]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


each_file = pytest.mark.parametrize("path", FILES, ids=place)


def test_the_package_is_found():
    assert place(PACKAGE / "__init__.py") in [place(path) for path in FILES]


@each_file
def test_only_the_command_line_prints(path):
    if is_at(path, COMMAND_LINE):
        return
    calls = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    assert not [f"line {call.lineno}" for call in calls if dotted(call.func) == "print"]


# Calls that write a file by another way than `stochnet.errors.publishing`; a mode of "w", "a" or
# "x" does as well.
WRITERS = {
    "write_text", "write_bytes", "savefig", "imsave", "savez", "savez_compressed", "savetxt",
    "save_file", "to_parquet", "tofile", "copyfile",
}  # fmt: skip
# Where a file is published; where what was claimed is filled; lock files, which hold no result.
MAY_WRITE = ("errors/publishing/", "storage/files/", "storage/writers/", "study/lock.py")


def writes(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every call that writes to a path; what is drawn or packed in memory is fine."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)
        whole = dotted(node.func)
        modes = [a.value for a in (*node.args, *(k.value for k in node.keywords))
                 if isinstance(a, ast.Constant) and isinstance(a.value, str)]  # fmt: skip
        if name == "open" and any(re.fullmatch("[rwax]b?[+]?b?", m) and set(m) & set("wax+")
                                  for m in modes):  # fmt: skip
            yield whole or name, node.lineno
        given = {a.id for a in node.args if isinstance(a, ast.Name)}
        in_memory = given & {"drawn", "memory"}
        if (name in WRITERS or whole in {"torch.save", "np.save", "json.dump"}) and not in_memory:
            yield whole or name, node.lineno


@each_file
def test_files_are_written_in_one_way(path):
    if is_at(path, MAY_WRITE):
        return
    assert not [f"line {line}: {name}" for name, line in writes(parse(path))]


@pytest.mark.parametrize(
    "source",
    [
        "Path(path).write_text(text)",
        "open(path, 'w')",
        "path.open('ab', buffering=0)",
        "open(path, mode='r+b')",
        "figure.savefig(path)",
        "np.savez(path, x=x)",
        "torch.save(content, part)",
    ],
)
def test_the_check_sees_other_ways_to_write(source):
    assert list(writes(ast.parse(source)))


@each_file
def test_no_global_random_state(path):
    assert not [f"line {line}: {name}" for name, line in global_random(parse(path))]


@each_file
def test_no_assert_in_the_library(path):
    found = [f"line {n.lineno}" for n in ast.walk(parse(path)) if isinstance(n, ast.Assert)]
    assert not found, "raise an error of stochnet/errors instead"


@each_file
def test_public_things_have_a_docstring(path):
    assert not [f"line {line}: {name}" for name, line in undocumented(parse(path))]


def test_importing_stochnet_imports_nothing_heavy():
    code = f"import sys, stochnet; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.seed(1)",
        "import numpy\nx = numpy.random.normal()",
        "from numpy.random import rand",
        "from numpy import random",
        "import numpy.random as r",
        "import random",
        "import numpy as np\nrng = np.random.default_rng()",
    ],
)
def test_the_check_sees_global_random_state(source):
    assert list(global_random(ast.parse(source)))


def test_the_check_allows_explicit_generators():
    source = "import numpy as np\ndef f(rng: np.random.Generator): np.random.default_rng(rng)"
    assert not list(global_random(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn as nn",
        "from torch import nn",
        "def f():\n    import torch",
        "import importlib\nimportlib.import_module('torch.fx')",
    ],
)
def test_the_check_sees_imports(source):
    assert "torch" in {name.split(".")[0] for name, _ in imports(ast.parse(source))}
