"""The source of the package, parsed once: files, imports, functions."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

PACKAGE = ROOT / "stochnet"
FILES = sorted(PACKAGE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def place(path: Path) -> str:
    """Return the path of a file below the package."""
    return path.relative_to(PACKAGE).as_posix()


def module(path: Path) -> str:
    """Return the dotted name of a file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@dataclass(frozen=True)
class Import:
    """One imported name: by which module, which module or name, on which line, and where."""

    by: str
    name: str
    line: int
    in_function: bool
    for_types: bool


def imports(path: Path) -> Iterator[Import]:
    """Yield every import of a file, also those in functions and for type checking."""
    yield from _imports(module(path), tree(path), False, False)


def _imports(by: str, node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(by, alias.name, child.lineno, in_function, for_types)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield Import(
                    by, f"{child.module}.{alias.name}", child.lineno, in_function, for_types
                )
        else:
            inside = in_function or isinstance(child, Function)
            types = for_types or (
                isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            )
            yield from _imports(by, child, inside, types)


def graph() -> dict[str, set[str]]:
    """Return which module of the package imports which, however it does."""
    known = {module(path) for path in FILES}
    found: dict[str, set[str]] = {name: set() for name in known}
    for path in FILES:
        for one in imports(path):
            target = one.name if one.name in known else one.name.rpartition(".")[0]
            if target in known and target != one.by:
                found[one.by].add(target)
    return found


def functions(path: Path) -> Iterator[tuple[str, Function]]:
    """Yield every function of a file with the name of its class, "" for none."""
    pending: list[tuple[str, ast.AST]] = [("", tree(path))]
    while pending:
        owner, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield owner, child
            pending.append((child.name if isinstance(child, ast.ClassDef) else owner, child))


def length(node: Function) -> int:
    """Return the lines of a function, its docstring and decorators left out."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def parameters(node: Function) -> list[str]:
    """Return the parameters of a function but self and cls."""
    spec = node.args
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    return [one.arg for one in every if one is not None and one.arg not in {"self", "cls"}]
