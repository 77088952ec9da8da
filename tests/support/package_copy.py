"""A copy of the package and its tests with one file more, in which commands are run."""

import os
import shutil
import subprocess
import sys
import textwrap

from tests.support import ROOT

COMMAND_LINE = "import sys; from stochnet.cli import main; sys.argv[0] = 'stochnet'; main()"


def copy_with(folder, name, source):
    """Copy the package with a new file of some name; return a function that runs Python there."""
    leave = shutil.ignore_patterns("__pycache__", ".*")
    for part in ("stochnet", "tests", "data"):
        shutil.copytree(ROOT / part, folder / part, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", folder)
    new = folder / "stochnet" / name
    assert not new.exists()
    new.write_text(textwrap.dedent(source).lstrip(), encoding="utf-8")

    def run(*command):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
