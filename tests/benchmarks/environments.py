"""Make an environment for every contender that needs one of its own (`make bench-peers`).

    python tests/benchmarks/environments.py [NAME...]

A contender whose packages cannot be installed is reported, with the reason, by the benchmark.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from remote import CONTENDERS, PEERS


def reason(output: str) -> str:
    """Return what pip says of a failure: its last line that begins with ERROR, or the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no output"])[-1].removeprefix("ERROR:").strip()[:300]


def make(name: str) -> str | None:
    """Make the environment of a contender; return why that failed, or None."""
    folder, wanted = PEERS / name, CONTENDERS / f"{name}.txt"
    stamp, failed = folder / ".installed", PEERS / f"{name}.failed"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    failed.unlink(missing_ok=True)
    PEERS.mkdir(parents=True, exist_ok=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/python"), "-m", "pip", "install", "-q", "-r", str(wanted)],
    ):
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            failed.write_text(reason(done.stdout) + "\n")
            return reason(done.stdout)
    stamp.write_text(wanted.read_text())
    return None


def main() -> None:
    """Make those that were asked for, or all."""
    names = sys.argv[1:] or sorted(path.stem for path in CONTENDERS.glob("*.txt"))
    for name in names:
        problem = make(name)
        print(f"{name}: {'installed in ' + str(PEERS / name) if problem is None else problem}")


if __name__ == "__main__":
    main()
