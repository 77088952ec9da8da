"""Indicators of a network over its training: what is computed, and the table it is kept in."""

from stochnet.tracking.indicators import Row, indicators
from stochnet.tracking.log import Log
from stochnet.tracking.plan import Plan, Presentation, make_plan

__all__ = ["Log", "Plan", "Presentation", "Row", "indicators", "make_plan"]
