"""Errors a user can meet. Every message says what to do next."""

from __future__ import annotations

from typing import Any


class StochnetError(Exception):
    """Base of every error that stochnet raises on purpose."""


class InvalidInputError(StochnetError, ValueError):
    """An argument, an array or a combination of options cannot be used."""


class FileFormatError(StochnetError):
    """A file is not what it should be: foreign, damaged, unsafe or of an unknown version."""


class RecordingError(StochnetError):
    """A network cannot be recorded as asked."""


class RecordingWarning(UserWarning):
    """Something about a recording, or an epoch that is monitored, that the user should know."""


class WorkerError(StochnetError):
    """Workers, or the way to them, fail again and again."""


class MissingExtraError(StochnetError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self._of = package, extra
        super().__init__(
            f"{package} is needed here and is not installed: pip install 'stochnet[{extra}]'"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._of


class EstimatorFailure(StochnetError, AssertionError):
    """An estimator does not pass `stochnet.testing.check_estimator`.

    The message shows what is wrong, and the smallest data that show it.

    Attributes
    ----------
    report : stochnet.testing.EstimatorReport
        The outcomes of all checks.
    """

    def __init__(self, report: Any) -> None:
        super().__init__(str(report))
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.report,)
