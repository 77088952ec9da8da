"""The public names and signatures are frozen in tests/public_api.txt.

A change of the public API is thus seen in the diff. When it is meant, write the file again with

    python -m tests.house.test_public_names > tests/public_api.txt
"""

import difflib
import enum
import functools
import inspect
import re
import types
from collections.abc import Iterator

import stochnet
from tests.support import ROOT

FROZEN = ROOT / "tests" / "public_api.txt"
COMMAND = "python -m tests.house.test_public_names > tests/public_api.txt"


def signature(function: object) -> str:
    """Names, kinds and defaults of the parameters; annotations are left to the type checker."""
    found = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r"<([\w.]+)[^<>]* at 0x[0-9a-f]+>", r"<\1>", text)


def members(name: str, cls: type) -> Iterator[str]:
    """Public methods and properties that stochnet itself defines on a class."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("stochnet")]
    own = {key: value for base in reversed(ours) for key, value in vars(base).items()}
    for key in sorted(own):
        if key.startswith("_"):
            continue
        if isinstance(own[key], property | functools.cached_property):
            yield f"{name}.{key}: property"
        elif isinstance(own[key], types.FunctionType | classmethod | staticmethod):
            yield f"{name}.{key}{signature(getattr(cls, key))}"


def public_api(module: types.ModuleType = stochnet) -> list[str]:
    lines = []
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        if isinstance(thing, types.ModuleType):
            lines += [f"{name}.{line}" for line in public_api(thing)]
        elif isinstance(thing, type) and issubclass(thing, BaseException):
            lines.append(f"{name}: exception, {', '.join(b.__name__ for b in thing.__bases__)}")
        elif isinstance(thing, type) and issubclass(thing, enum.Enum):
            lines.append(f"{name}: enum, {', '.join(thing.__members__)}")
        elif isinstance(thing, type):
            lines.append(f"{name}{signature(thing)}")
            lines += members(name, thing)
        elif callable(thing):
            lines.append(f"{name}{signature(thing)}")
        else:
            lines.append(f"{name}: {type(thing).__name__}")
    return lines


def test_names_are_unique():
    assert len(set(stochnet.__all__)) == len(stochnet.__all__)


def test_every_name_can_be_reached_and_listed():
    assert set(stochnet.__all__) <= set(dir(stochnet))
    assert not [name for name in stochnet.__all__ if not hasattr(stochnet, name)]


def test_public_api_is_frozen():
    frozen = FROZEN.read_text(encoding="utf-8").splitlines()
    diff = list(difflib.unified_diff(frozen, public_api(), "frozen", "now", lineterm="", n=0))
    assert not diff, "\n".join([f"if the change is meant: {COMMAND}", *diff])


if __name__ == "__main__":
    print("\n".join(public_api()))
