"""Commands of `stochnet`, run in the process of the test."""

import sys

import pytest

from stochnet.cli import main


def run(*words: object) -> int:
    """Run a command and return its exit code."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["stochnet", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
    return int(stop.value.code or 0)
