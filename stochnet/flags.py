"""What to know about a node's fit."""

from __future__ import annotations

from enum import IntFlag


class Flag(IntFlag):
    """What to know about a node's fit; several can hold at once."""

    OK = 0
    DEAD = 1
    SATURATED = 2
    BOUNDARY = 4
    FEW_WINDOWS = 8
    NOT_CONVERGED = 16
    IMPOSSIBLE = 32
    WEAK = 64
    SHRUNK = 128
    UNDECIDED = 256


FLAG_DOC = {
    Flag.DEAD: "no spike in the recording; dispersion cannot be known",
    Flag.SATURATED: "a spike in every bin; dispersion cannot be known",
    Flag.BOUNDARY: "a parameter lies at the edge of its domain; its standard error is that there",
    Flag.FEW_WINDOWS: "fewer than 10 windows; the dispersion is a guess",
    Flag.NOT_CONVERGED: "the likelihood search stopped early; moment estimates are given",
    Flag.IMPOSSIBLE: "the process cannot produce these bins, for example several spikes in one",
    Flag.WEAK: "too little was observed for intervals to keep their level closely",
    Flag.SHRUNK: "drawn towards the nodes of its layer (empirical Bayes)",
    Flag.UNDECIDED: "another process explains the spikes about as well",
}
