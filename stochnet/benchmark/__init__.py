"""Synthetic benchmarks with known truth, and their scorer.

`generate` writes the rasters of a suite and, apart from them, what is true of them; `score` reads
anyone's estimates and says how good they are, beside stochnet's own and trivial ones.
"""

from stochnet.benchmark.entrants import own_estimates
from stochnet.benchmark.estimates import Estimates, read_estimates
from stochnet.benchmark.folder import Benchmark, read_benchmark
from stochnet.benchmark.make import generate
from stochnet.benchmark.quantity import Answer, Quantity, Truth
from stochnet.benchmark.scores import Entrant, Scores
from stochnet.benchmark.scoring import score
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.suites import SUITES

__all__ = [
    "SUITES",
    "Answer",
    "Benchmark",
    "Cell",
    "Entrant",
    "Estimates",
    "Network",
    "Quantity",
    "Scores",
    "Suite",
    "Truth",
    "generate",
    "own_estimates",
    "read_benchmark",
    "read_estimates",
    "score",
]
