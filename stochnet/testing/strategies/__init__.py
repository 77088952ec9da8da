"""Hypothesis strategies: arrays, parameters, bundles and rasters."""
