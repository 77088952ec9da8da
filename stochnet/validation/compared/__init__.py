"""Compared statistics: what two rasters are compared by."""
