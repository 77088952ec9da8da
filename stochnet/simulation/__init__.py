"""Simulation: from a bundle to a raster."""
