"""Tests of the assumptions of the Poisson model, node by node."""

from stochnet.assumptions.assessment import Assessment, TestResult
from stochnet.assumptions.run import assess

__all__ = ["Assessment", "TestResult", "assess"]
