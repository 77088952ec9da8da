"""Excerpts: the material of the figures and tables of a report."""
