"""The command line: one thin function per command."""

from __future__ import annotations

import sys
from typing import Any

import typer

from stochnet.cli.app import app, shown
from stochnet.errors import StochnetError

__all__ = ["app", "main"]

# typer keeps this class in different places in different versions.
UsageError: Any = typer.BadParameter.__bases__[0]


def main() -> None:
    """Run a command: exit 0 when it worked, 1 when a check failed, 2 on bad input, in one line."""
    try:
        code = app(standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        code = _say("stopped; no file was finished", 130)
    except KeyboardInterrupt:
        code = _say("stopped; no file was finished", 130)
    except UsageError as error:
        code = _say(f"{_usage_text(error)} (see stochnet --help)", 2)
    except StochnetError as error:
        code = _say(str(error), 2)
    except OSError as error:
        code = _say(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), 2)
    except MemoryError:
        code = _say("out of memory; use fewer nodes, trials or bins, or a smaller batch", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_text(error: Exception) -> str:
    text = getattr(error, "format_message", lambda: str(error))()
    return str(text).rstrip(".")


def _say(message: str, code: int) -> int:
    print(f"stochnet: {shown(' '.join(message.split()))}", file=sys.stderr)
    return code
