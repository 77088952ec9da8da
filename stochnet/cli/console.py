"""What a person sees while a command runs: on stderr, never on stdout."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from stochnet.cli.app import shown
from stochnet.errors import RecordingWarning
from stochnet.kernels.threads import Progress as Report

SECONDS_BETWEEN_LINES = 5.0
# What is said once, as it is: a run takes up what a stopped one had finished.
CONTINUES = " continues"


@contextmanager
def progress(quiet: bool) -> Iterator[Report | None]:
    """Give a function that shows progress: a bar on a terminal, a line now and then elsewhere."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        bars = Progress(
            TextColumn("{task.description:<32}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        tasks: dict[str, TaskID] = {}

        def show(label: str, done: int, total: int) -> None:
            # What comes after a colon changes from call to call; the bar stays the same.
            key, _, what = label.partition(":")
            if what.startswith(CONTINUES):
                note(label)
                label = key
            if key not in tasks:
                tasks[key] = bars.add_task(label, total=total)
            bars.update(tasks[key], description=label, completed=done, total=total)

        with bars:
            yield show
    else:
        said: dict[str, float] = {}

        def say(label: str, done: int, total: int) -> None:
            key, _, what = label.partition(":")
            now = time.monotonic()
            if what.startswith(CONTINUES):
                note(label)
            elif done >= total or now - said.get(key, 0.0) >= SECONDS_BETWEEN_LINES:
                said[key] = now
                print(f"{label}: {done:,} of {total:,}", file=sys.stderr, flush=True)

        yield say


def note(message: str, quiet: bool = False) -> None:
    """Tell the person something, on stderr."""
    if not quiet:
        print(shown(message), file=sys.stderr, flush=True)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show what stochnet warns of as one line each, without the place in the code."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, RecordingWarning):
                note(f"warning: {message}")
            else:
                shown(message, category, *place)

        warnings.simplefilter("always", RecordingWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


class PlainConsole(Console):
    """A console that takes texts as they are: no markup, no emoji, no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Any:
        """Return a text as it is shown."""
        return super().render_str(shown(text), **options)


def to_stdout() -> Console:
    """Return a console for results; plain where stdout is no terminal."""
    return PlainConsole(width=None if sys.stdout.isatty() else 120)


def to_stderr_table(table: Any) -> None:
    """Print a table on stderr, so that stdout stays free for results."""
    PlainConsole(stderr=True).print(table)
