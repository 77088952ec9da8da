"""Kernels of the tests of the Poisson assumptions."""
