"""When the page of a folder is drawn again."""

from __future__ import annotations

import time

from stochnet.errors import MissingExtraError
from stochnet.recording.tracking import PAGE
from stochnet.recording.tracking.log import Log
from stochnet.recording.tracking.plan import Plan
from stochnet.report import check_page

# Drawing may take this share of the time between two epochs.
_SHARE = 0.1


class Page:
    """Draws ``indicators.html``, so seldom that it costs a training little.

    Parameters
    ----------
    log : Log
        The table to draw.
    plan : Plan
        What is in it.
    wanted : bool, optional
        None for where matplotlib and jinja2 are installed.

    Raises
    ------
    MissingExtraError
        It is wanted and they are not.
    """

    def __init__(self, log: Log, plan: Plan, wanted: bool | None) -> None:
        self._log, self._plan = log, plan
        self._wanted = wanted is not False and log.folder is not None
        self._took, self._ended = 0.0, -float("inf")
        if self._wanted:
            try:
                check_page()
            except MissingExtraError:
                if wanted:
                    raise
                self._wanted = False

    def write(self, *, running: bool) -> None:
        """Draw the page of what the table holds now.

        While training runs it is left as it is where drawing it again would take more than a tenth
        of the time since it was last drawn.
        """
        if not self._wanted or self._log.folder is None or not self._log.measured:
            return
        begun = time.monotonic()
        if running and self._took > _SHARE * (begun - self._ended):
            return
        from stochnet.recording.tracking.tracking_page import write

        write(self._log, self._plan, self._log.folder / PAGE, running=running)
        self._ended = time.monotonic()
        self._took = self._ended - begun
