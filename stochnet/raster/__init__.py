"""Rasters: which node spikes in which bin of which trial, and how that is kept and cut."""
