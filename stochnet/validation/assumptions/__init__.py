"""Tests of the assumptions of the Poisson model, node by node."""
