"""The whole loop on real digits: train, record, present, fit, simulate, validate, report."""

from stochnet.demo.run import run_demo

__all__ = ["run_demo"]
