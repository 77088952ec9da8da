"""Scales on which a parameter has no bounds, and the ends of its domain, which are point masses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.process import Array, Param

Kind = Literal["logit", "log", "identity", "whole"]
# A domain no wider than this is one of probabilities or of correlations.
WIDEST_LOGIT = 1.0


@dataclass(frozen=True, slots=True)
class Scale:
    """An increasing map of the inside of a domain to the whole line.

    Attributes
    ----------
    kind : {"logit", "log", "identity", "whole"}
        *logit* for domains at most 1 wide, *log* for what cannot be negative, *whole* for numbers
        that are kept as they are.
    low, high : float
        Ends of the domain. Values there are point masses, and no map moves them.
    """

    kind: Kind
    low: float
    high: float

    def inside(self, values: Array) -> NDArray[np.bool_]:
        """Whether values lie inside the domain and not at one of its ends."""
        return np.asarray((values > self.low) & (values < self.high))

    def forward(self, values: Array) -> Array:
        """Map values to the line; NaN at the ends of the domain."""
        found = np.full(np.shape(values), np.nan)
        inside = self.inside(values)
        x = np.asarray(values)[inside]
        if self.kind == "logit":
            found[inside] = np.log(x - self.low) - np.log(self.high - x)
        elif self.kind == "log":
            found[inside] = np.log(x)
        else:
            found[inside] = x
        return found

    def backward(self, line: Array) -> Array:
        """Map the line into the domain, never onto one of its ends."""
        if self.kind == "logit":
            values = self.low + (self.high - self.low) * special.expit(line)
        elif self.kind == "log":
            values = np.exp(np.minimum(line, 700.0))
        else:
            values = np.asarray(line)
        return self.within(values)

    def within(self, values: Array) -> Array:
        """Move values that lie at or beyond an end of the domain to the next number inside."""
        least, most = np.nextafter(self.low, np.inf), np.nextafter(self.high, -np.inf)
        return np.asarray(np.clip(values, least, most))


def scale_of(param: Param) -> Scale:
    """Return the scale of a parameter, by its domain alone."""
    low, high = param.domain
    kind: Kind = "identity"
    if param.whole:
        kind = "whole"
    elif high - low <= WIDEST_LOGIT:
        kind = "logit"
    elif low >= 0:
        kind = "log"
    return Scale(kind, float(low), float(high))
