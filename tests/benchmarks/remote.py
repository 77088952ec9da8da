"""Contenders in processes of their own, each run by the Python that has its package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONTENDERS = HERE / "contenders"
ROOT = HERE.parents[1]
PEERS = Path(os.environ.get("STOCHNET_BENCH_PEERS", ROOT / ".venv-peers"))

# One process holds all the work of these; making more ready does not end what was ready before.
SHARED = ("stochnet",)


class NotRunError(Exception):
    """A contender cannot run here; the message says why."""


def interpreter(name: str) -> str:
    """Return the Python of a contender: that of its own environment if it needs one."""
    if not (CONTENDERS / f"{name}.txt").exists():
        return sys.executable
    failed = PEERS / f"{name}.failed"
    if failed.exists():
        raise NotRunError(f"not installed: {failed.read_text().strip()}")
    python = PEERS / name / "bin" / "python"
    if not python.exists():
        raise NotRunError("not installed: no environment for it; run `make bench-peers`")
    return str(python)


class Prepared:
    """Work that a contender has made ready; call it to run once and get the seconds.

    Attributes
    ----------
    answer : dict
        What the contender said of it: version, form, spikes, memory.
    """

    def __init__(self, remote: Remote, key: str, answer: dict[str, Any]) -> None:
        self._remote, self._key, self.answer = remote, key, answer

    def __call__(self) -> float:
        """Return the seconds that the contender measured itself."""
        return float(self._remote.ask(do="run", key=self._key)["seconds"])


class Remote:
    """A contender in a process of its own."""

    def __init__(self, name: str) -> None:
        python = interpreter(name)
        environment = dict(os.environ)
        if python == sys.executable:
            # This stochnet, also where another one is installed.
            environment["PYTHONPATH"] = str(ROOT)
        else:
            environment.pop("PYTHONPATH", None)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed with the process
        self._process = subprocess.Popen(
            [python, str(CONTENDERS / f"{name}_.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(
        self, key: str, *, nodes: int, bins: int, law: str = "beta", form: str | None = None
    ) -> Prepared:
        """Make work ready; it must draw the right number of spikes."""
        answer = self.ask(do="prepare", key=key, nodes=nodes, bins=bins, law=law, form=form)
        if not answer["same_work"]:
            raise NotRunError(
                f"not the same work: {answer['spikes']:,} spikes where "
                f"{answer['expected']:,.0f} are expected"
            )
        return Prepared(self, key, answer)

    def forget(self) -> None:
        """Let go of all work that was made ready."""
        self.ask(do="forget")

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        pipe = self._process
        try:
            pipe.stdin.write(json.dumps(request) + "\n")
            pipe.stdin.flush()
            return json.loads(pipe.stdout.readline())
        except (BrokenPipeError, ValueError):
            pipe.wait()
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines()
            raise NotRunError(
                f"failed: {lines[-1] if lines else f'exit status {pipe.returncode}'}"
            ) from None

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


@contextmanager
def remotes(wanted: dict[str, dict[str, Any]]) -> Iterator[tuple[dict[str, Prepared], dict]]:
    """Make ready the work of each label (name of the contender, and arguments of its work).

    Yields those that run, and why the others do not.
    """
    running: dict[str, Prepared] = {}
    missing: dict[str, str] = {}
    shared: dict[str, Remote] = {}
    with ExitStack() as stack:
        for label, arguments in wanted.items():
            work, begin = dict(arguments), time.perf_counter()
            name = work.pop("name")
            try:
                remote = shared.get(name) or stack.enter_context(Remote(name))
                if name in SHARED:
                    shared[name] = remote
                prepared = remote.prepare(label, **work)
                prepared()
                running[label] = prepared
            except NotRunError as reason:
                missing[label] = str(reason)
            outcome = missing.get(label, f"ready in {time.perf_counter() - begin:.1f} s")
            print(f"{label}: {outcome}", file=sys.stderr, flush=True)
        yield running, missing
